// Command client has one protocol.Conn. It does what its standard input says, one line of JSON for each command, and
// answers each with a line; a loop that reads as the original's PoP miner did tells what comes. It ends when its standard
// input ends.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"sync"
	"time"

	"convoke.test/interop/hemi/lines"
	"convoke.test/interop/hemi/older"
	"convoke.test/interop/hemi/table"
	"github.com/coder/websocket"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/hemilabs/heminetwork/v2/api/auth"
	"github.com/hemilabs/heminetwork/v2/api/protocol"
)

// command is one line of the input.
type command struct {
	// ID is given back with the answer.
	ID int `json:"id"`
	// Do is connect, first, listen, call, write, close or state.
	Do string `json:"do"`
	// Command and Payload are what call and write send.
	Command protocol.Command `json:"command"`
	Payload json.RawMessage  `json:"payload"`
	// WireID is the id under which write sends.
	WireID string `json:"wireId"`
	// TimeoutMs is how long a call waits; 0: 20 s.
	TimeoutMs int `json:"timeoutMs"`
	// Times is how many of this call are made at once; only the count of each outcome is answered when it is above 1.
	Times int `json:"times"`
}

type client struct {
	url     string
	holdoff time.Duration
	conn    *protocol.Conn
	out     *lines.Printer
}

func main() {
	url := flag.String("url", "", "where to dial")
	key := flag.String("key", "", "the private key, in hexadecimal digits; without it there is no authenticator")
	isOlder := flag.Bool("older", false, "whether the handshake is that of v0.2")
	holdoff := flag.Duration("holdoff", 20*time.Millisecond, "pause after a link is lost")
	limit := flag.Int64("limit", 0, "bytes of a message; 0: the original's")
	flag.Parse()
	lines.Quiet()
	conn, err := protocol.NewConn(*url, &protocol.ConnOptions{
		ReadLimit:     *limit,
		Authenticator: authenticatorOf(*key, *isOlder),
	})
	if err != nil {
		log.Fatal(err)
	}
	it := &client{url: *url, holdoff: *holdoff, conn: conn, out: &lines.Printer{}}
	lines.Each(func(wanted command) {
		answer, err := it.do(wanted)
		if err != nil {
			answer = lines.Failed(lines.Line{"isHandshake": errors.Is(err, protocol.HandshakeError(""))}, err)
		}
		answer["id"] = wanted.ID
		it.out.Print(answer)
	})
}

// authenticatorOf gives no authenticator for no key.
func authenticatorOf(key string, isOlder bool) protocol.Authenticator {
	if key == "" {
		return nil
	}
	secret, err := hex.DecodeString(key)
	if err != nil {
		log.Fatal(err)
	}
	authenticator, err := auth.NewSecp256k1AuthClient(secp256k1.PrivKeyFromBytes(secret))
	if err != nil {
		log.Fatal(err)
	}
	if isOlder {
		return older.Authenticator{Secp256k1Auth: authenticator}
	}
	return authenticator
}

func (it *client) do(wanted command) (lines.Line, error) {
	ctx := context.Background()
	switch wanted.Do {
	case "connect":
		return lines.Line{}, it.conn.Connect(ctx)
	case "first":
		return it.first(ctx)
	case "listen":
		go it.listen(ctx)
		return lines.Line{}, nil
	case "call":
		return it.call(ctx, wanted)
	case "write":
		payload, err := table.Payload(wanted.Command, wanted.Payload)
		if err != nil {
			return nil, err
		}
		return lines.Line{}, it.conn.Write(ctx, table.API{}, wanted.WireID, payload)
	case "close":
		return lines.Line{}, it.conn.Close()
	case "state":
		return lines.Line{"isOnline": it.conn.IsOnline(), "connects": it.conn.ConnectCount()}, nil
	default:
		return nil, fmt.Errorf("nothing is called %q", wanted.Do)
	}
}

// first dials without the Conn, which hides what the server says first, and gives that.
func (it *client) first(ctx context.Context) (lines.Line, error) {
	ws, _, err := websocket.Dial(ctx, it.url, nil)
	if err != nil {
		return nil, err
	}
	defer ws.CloseNow()
	name, id, payload, err := protocol.Read(ctx, protocol.NewWSConn(ws), table.API{})
	if err != nil {
		return nil, err
	}
	return lines.Line{"command": name, "wireId": id, "payload": payload}, nil
}

// listen reads and dials again until the key is refused, as the miner of v0.2 did.
func (it *client) listen(ctx context.Context) {
	for {
		name, id, payload, err := it.conn.Read(ctx, table.API{})
		if err != nil {
			it.out.Print(lines.Failed(lines.Line{"event": "lost"}, err))
			if errors.Is(err, protocol.ErrPublicKeyAuth) {
				it.out.Print(lines.Line{"event": "ended"})
				return
			}
			time.Sleep(it.holdoff)
			continue
		}
		if ping, ok := payload.(*table.PingRequest); ok {
			pong := &table.PingResponse{OriginTimestamp: ping.Timestamp, Timestamp: time.Now().Unix()}
			if err := it.conn.Write(ctx, table.API{}, id, pong); err != nil {
				it.out.Print(lines.Failed(lines.Line{"event": "unwritten"}, err))
			}
		}
		it.out.Print(lines.Line{"event": "read", "command": name, "wireId": id, "payload": payload})
	}
}

func (it *client) call(ctx context.Context, wanted command) (lines.Line, error) {
	timeout := 20 * time.Second
	if wanted.TimeoutMs > 0 {
		timeout = time.Duration(wanted.TimeoutMs) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if wanted.Times <= 1 {
		return it.one(ctx, wanted)
	}
	counts := map[string]int{}
	var mutex sync.Mutex
	var group sync.WaitGroup
	for range wanted.Times {
		group.Go(func() {
			outcome := ""
			if answer, err := it.one(ctx, wanted); err != nil {
				outcome = err.Error()
			} else if text, err := json.Marshal(answer["payload"]); err == nil {
				outcome = string(text)
			}
			mutex.Lock()
			defer mutex.Unlock()
			counts[outcome]++
		})
	}
	group.Wait()
	return lines.Line{"counts": counts}, nil
}

func (it *client) one(ctx context.Context, wanted command) (lines.Line, error) {
	payload, err := table.Payload(wanted.Command, wanted.Payload)
	if err != nil {
		return nil, err
	}
	name, id, reply, err := it.conn.Call(ctx, table.API{}, payload)
	if err != nil {
		return nil, err
	}
	return lines.Line{"command": name, "wireId": id, "payload": reply}, nil
}
