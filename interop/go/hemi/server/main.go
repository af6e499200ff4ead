// Command server listens, prints {"address":"..."}, and serves the commands of package table on net/http, as the daemons
// of the original do it. It does what its standard input says, one line of JSON for each command, answers each with a line,
// and tells who comes and goes. It ends when its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"

	"convoke.test/interop/hemi/lines"
	"convoke.test/interop/hemi/table"
	"github.com/coder/websocket"
	"github.com/hemilabs/heminetwork/v2/api/protocol"
)

// command is one line of the input; all but keys are for every session that there is.
type command struct {
	// ID is given back with the answer.
	ID int `json:"id"`
	// Do is push, send, close or keys.
	Do string `json:"do"`
	// Command, Payload and WireID are what push sends.
	Command protocol.Command `json:"command"`
	Payload json.RawMessage  `json:"payload"`
	WireID  string           `json:"wireId"`
	// Text is the message that send sends, as it is.
	Text string `json:"text"`
	// Code and Reason are what close says; without a code the link is dropped.
	Code   websocket.StatusCode `json:"code"`
	Reason string               `json:"reason"`
	// Keys are the public keys that are let in from now on.
	Keys []string `json:"keys"`
}

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	keys := flag.String("keys", "", "public keys in hexadecimal digits, with commas; without it there is no authenticator")
	isOlder := flag.Bool("older", false, "whether the handshake is that of v0.2")
	isEarly := flag.Bool("early", false, "whether a notification overtakes the first ping")
	flag.Parse()
	lines.Quiet()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	it := &server{isOlder: *isOlder, isEarly: *isEarly, sessions: map[*session]bool{}, out: &lines.Printer{}}
	if *keys != "" {
		it.setKeys(strings.Split(*keys, ","))
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/v1/ws", it.handle)
	go http.Serve(listener, routes)
	it.out.Print(lines.Line{"address": listener.Addr().String()})
	lines.Each(func(wanted command) {
		answer := lines.Line{"id": wanted.ID}
		if err := it.do(wanted); err != nil {
			answer = lines.Failed(answer, err)
		}
		it.out.Print(answer)
	})
}

func (it *server) do(wanted command) error {
	if wanted.Do == "keys" {
		it.setKeys(wanted.Keys)
		return nil
	}
	for _, each := range it.all() {
		if err := each.do(wanted); err != nil {
			return err
		}
	}
	return nil
}

func (each *session) do(wanted command) error {
	ctx := context.Background()
	switch wanted.Do {
	case "push":
		payload, err := table.Payload(wanted.Command, wanted.Payload)
		if err != nil {
			return err
		}
		return protocol.Write(ctx, each.conn, table.API{}, wanted.WireID, payload)
	case "send":
		return each.ws.Write(ctx, websocket.MessageText, []byte(wanted.Text))
	case "close":
		if wanted.Code == 0 {
			return each.ws.CloseNow()
		}
		// It waits for the other end to say so too, and for the session's reader, which may be the one that hears it.
		go each.conn.CloseStatus(wanted.Code, wanted.Reason)
		return nil
	default:
		return fmt.Errorf("nothing is called %q", wanted.Do)
	}
}
