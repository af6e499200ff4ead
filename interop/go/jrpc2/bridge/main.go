// Command bridge serves the probe service of jrpc2's cases over HTTP at a port of its own, with jrpc2's own handlers:
//
//	/rpc     a Bridge
//	/both/   a Bridge with ParseQuery for GET
//	/get/    a Getter with ParseBasic
//	/closed  a Bridge that was closed
//	/tea     nothing but the status 418
//	/count   how many requests there were, and how many of them were given up by who sent them: {"begun":N,"left":N}
//
// It prints {"address":"host:port"} and ends when its standard input ends.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"convoke.test/interop/jrpc2/probe"
	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/jhttp"
)

func main() {
	// Handlers may push, but nobody is there to hear it.
	serverOptions := &jrpc2.ServerOptions{AllowPush: true, Concurrency: 64}
	bridge := jhttp.NewBridge(probe.New(), &jhttp.BridgeOptions{Server: serverOptions})
	both := jhttp.NewBridge(probe.New(), &jhttp.BridgeOptions{Server: serverOptions, ParseGETRequest: jhttp.ParseQuery})
	getter := jhttp.NewGetter(probe.New(), &jhttp.GetterOptions{Server: serverOptions})
	closed := jhttp.NewBridge(probe.New(), nil)
	closed.Close()
	var begun, left atomic.Int32
	places := map[string]http.Handler{
		"rpc": bridge, "both": both, "get": getter, "closed": closed,
		"tea": http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusTeapot) }),
		"count": http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(out, "{\"begun\":%d,\"left\":%d}", begun.Load(), left.Load())
		}),
	}
	// A ServeMux would redirect what is not in its form, such as two slashes.
	serve := func(out http.ResponseWriter, request *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
		if place, found := places[name]; found {
			if name != "count" {
				begun.Add(1)
			}
			http.StripPrefix("/"+name, place).ServeHTTP(out, request)
			if request.Context().Err() != nil {
				left.Add(1)
			}
			return
		}
		http.NotFound(out, request)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Printf("{\"address\":%q}\n", listener.Addr())
	log.Fatal(http.Serve(listener, http.HandlerFunc(serve)))
}
