// Command client calls a Convoke server in every way that a jrpc2 client can, and prints what came of it as one JSON
// object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net"
	"os"
	"sort"
	"sync"
	"time"

	"convoke.test/interop/jrpc2/framings"
	"github.com/creachadair/jrpc2"
)

type outcome map[string]any

// outcomeOf shows a reply, or the error in its place, as JSON can.
func outcomeOf(reply *jrpc2.Response, err error) outcome {
	if err == nil && reply.Error() != nil {
		err = reply.Error()
	}
	var wire *jrpc2.Error
	if errors.As(err, &wire) {
		return outcome{"code": wire.Code, "message": wire.Message, "data": wire.Data}
	}
	if err != nil {
		return outcome{"failed": err.Error()}
	}
	return outcome{"id": json.RawMessage(reply.ID()), "result": json.RawMessage(reply.ResultString())}
}

func main() {
	framing := flag.String("framing", "line", "line, lsp, raw or header:TYPE")
	address := flag.String("address", "", "host:port of the server")
	flag.Parse()
	frame, err := framings.Named(*framing)
	if err != nil {
		log.Fatal(err)
	}
	conn, err := net.Dial("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}

	notes := make(chan json.RawMessage, 16)
	client := jrpc2.NewClient(frame(conn, conn), &jrpc2.ClientOptions{
		OnNotify: func(req *jrpc2.Request) {
			notes <- json.RawMessage(req.ParamString())
		},
		OnCallback: func(ctx context.Context, req *jrpc2.Request) (any, error) {
			if req.Method() == "refuse" {
				return nil, jrpc2.Errorf(-31001, "refused").WithData([]int{7})
			}
			return outcome{"method": req.Method(), "params": json.RawMessage(req.ParamString())}, nil
		},
		OnCancel: func(client *jrpc2.Client, reply *jrpc2.Response) {
			// The client is locked while this runs.
			go client.Notify(context.Background(), "cancelMe", outcome{"id": json.RawMessage(reply.ID())})
		},
	})
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	call := func(method string, params any) outcome { return outcomeOf(client.Call(ctx, method, params)) }
	notify := func(method string, params any) {
		if err := client.Notify(ctx, method, params); err != nil {
			log.Fatal(err)
		}
	}
	found := outcome{}

	found["call"] = call("add", outcome{"a": 2, "b": 3})
	found["positions"] = call("subtract", []int{7, 2})
	found["text"] = call("echo", []string{"<é\u2028😀>", ""})
	found["nothing"] = call("nothing", nil)
	found["error"] = call("fail", outcome{"code": -31999})
	found["unknown"] = call("nope", nil)

	batch, err := client.Batch(ctx, []jrpc2.Spec{
		{Method: "add", Params: outcome{"a": 1, "b": 1}},
		{Method: "late", Params: []string{"in the batch"}, Notify: true},
		{Method: "nope"},
		{Method: "subtract", Params: []int{9, 1}},
	})
	if err != nil {
		log.Fatal(err)
	}
	outcomes := []outcome{}
	for _, reply := range batch {
		outcomes = append(outcomes, outcomeOf(reply, nil))
	}
	found["batch"] = outcomes

	for _, line := range []string{"a", "b", "c"} {
		notify("late", []string{line})
	}
	found["lines"] = call("lines", nil)

	found["pushed"] = call("push", nil)
	// The client hands each message to a goroutine of its own, so their order is not ours to judge.
	pushed := []json.RawMessage{<-notes, <-notes}
	sort.Slice(pushed, func(i, j int) bool { return string(pushed[i]) < string(pushed[j]) })
	found["notes"] = pushed
	found["asked"] = call("ask", outcome{"method": "question", "params": []int{1}})
	found["refused"] = call("ask", outcome{"method": "refuse", "params": nil})

	slow, giveUp := context.WithCancel(ctx)
	ended := make(chan outcome, 1)
	go func() { ended <- outcomeOf(client.Call(slow, "slow", nil)) }()
	// Either of the two may be the first to get an id.
	found["started"] = call("untilSlow", nil)["result"]
	giveUp()
	found["gaveUp"] = <-ended
	found["stopped"] = call("untilStopped", nil)["result"]

	var group sync.WaitGroup
	many := make([]outcome, 500)
	for at := range many {
		group.Add(1)
		go func() {
			defer group.Done()
			many[at] = call("add", outcome{"a": at, "b": 1})
		}()
	}
	group.Wait()
	wrong := 0
	for at, it := range many {
		var sum int
		raw, _ := it["result"].(json.RawMessage)
		if json.Unmarshal(raw, &sum) != nil || sum != at+1 {
			wrong++
		}
	}
	found["wrong"] = wrong
	if err := client.Close(); err != nil {
		found["close"] = err.Error()
	}
	json.NewEncoder(os.Stdout).Encode(found)
}
