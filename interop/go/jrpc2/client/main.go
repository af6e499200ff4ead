// Command client calls a Convoke server in every way that a jrpc2 client can, and prints what came of it as one JSON
// object.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net"
	"os"
	"sort"
	"sync"
	"time"

	"convoke.test/interop/jrpc2/framings"
	"convoke.test/interop/jrpc2/outcome"
	"github.com/creachadair/jrpc2"
)

type object = map[string]any

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
			return object{"method": req.Method(), "params": json.RawMessage(req.ParamString())}, nil
		},
		OnCancel: func(client *jrpc2.Client, reply *jrpc2.Response) {
			// The client is locked while this runs.
			go client.Notify(context.Background(), "cancelMe", object{"id": json.RawMessage(reply.ID())})
		},
	})
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	call := func(method string, params any) object { return outcome.Of(client.Call(ctx, method, params)) }
	notify := func(method string, params any) {
		if err := client.Notify(ctx, method, params); err != nil {
			log.Fatal(err)
		}
	}
	found := object{}

	found["call"] = call("add", object{"a": 2, "b": 3})
	found["positions"] = call("subtract", []int{7, 2})
	found["text"] = call("echo", []string{"<é\u2028😀>", ""})
	found["nothing"] = call("nothing", nil)
	found["error"] = call("fail", object{"code": -31999})
	found["unknown"] = call("nope", nil)

	batch, err := client.Batch(ctx, []jrpc2.Spec{
		{Method: "add", Params: object{"a": 1, "b": 1}},
		{Method: "late", Params: []string{"in the batch"}, Notify: true},
		{Method: "nope"},
		{Method: "subtract", Params: []int{9, 1}},
	})
	if err != nil {
		log.Fatal(err)
	}
	outcomes := []object{}
	for _, reply := range batch {
		outcomes = append(outcomes, outcome.Of(reply, nil))
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
	found["asked"] = call("ask", object{"method": "question", "params": []int{1}})
	found["refused"] = call("ask", object{"method": "refuse", "params": nil})

	slow, giveUp := context.WithCancel(ctx)
	ended := make(chan object, 1)
	go func() { ended <- outcome.Of(client.Call(slow, "slow", nil)) }()
	// Either of the two may be the first to get an id.
	found["started"] = call("untilSlow", nil)["result"]
	giveUp()
	found["gaveUp"] = <-ended
	found["stopped"] = call("untilStopped", nil)["result"]

	var group sync.WaitGroup
	many := make([]object, 500)
	for at := range many {
		group.Add(1)
		go func() {
			defer group.Done()
			many[at] = call("add", object{"a": at, "b": 1})
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
