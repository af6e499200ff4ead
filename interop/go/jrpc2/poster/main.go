// Command poster calls a Convoke server over HTTP, on jrpc2's own channel, in every way that it can, and prints what came of
// it as one JSON object. With -method it calls that alone, and prints the outcome.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"convoke.test/interop/jrpc2/outcome"
	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/jhttp"
)

type object = map[string]any

func main() {
	url := flag.String("url", "", "where the server is")
	method := flag.String("method", "", "the one method to be called")
	patience := flag.Duration("patience", 20*time.Second, "how long an HTTP request may take")
	flag.Parse()
	channel := jhttp.NewChannel(*url, &jhttp.ChannelOptions{Client: &http.Client{Timeout: *patience}})
	client := jrpc2.NewClient(channel, nil)
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	call := func(method string, params any) object { return outcome.Of(client.Call(ctx, method, params)) }
	if *method != "" {
		first := call(*method, nil)
		json.NewEncoder(os.Stdout).Encode(object{"first": first, "then": call(*method, nil)})
		return
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
	if _, err := client.Batch(ctx, []jrpc2.Spec{
		{Method: "late", Params: []string{"a"}, Notify: true},
		{Method: "nope", Notify: true},
	}); err != nil {
		log.Fatal(err)
	}
	if err := client.Notify(ctx, "late", []string{"b"}); err != nil {
		log.Fatal(err)
	}
	if err := client.Notify(ctx, "nope", nil); err != nil {
		log.Fatal(err)
	}
	// Each is a request of its own, and nothing says which is served first: that waits until they were.
	found["lines"] = call("lines", []int{3})

	found["push"] = call("push", nil)
	found["ask"] = call("ask", nil)

	var group sync.WaitGroup
	many := make([]object, 500)
	// The channel sends at once what it is given, and one host has so many ports only.
	turn := make(chan struct{}, 32)
	for at := range many {
		group.Add(1)
		go func() {
			defer group.Done()
			turn <- struct{}{}
			many[at] = call("add", object{"a": at, "b": 1})
			<-turn
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
