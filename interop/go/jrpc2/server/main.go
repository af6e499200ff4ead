// Command server serves the probe service of jrpc2's cases, and a few methods more, at a TCP port of its own. It prints
// {"address":"host:port"} and ends when its standard input ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"convoke.test/interop/jrpc2/framings"
	"convoke.test/interop/jrpc2/probe"
	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/server"
)

func main() {
	framing := flag.String("framing", "line", "line, lsp, raw or header:TYPE")
	push := flag.Bool("push", true, "whether handlers may call the client")
	flag.Parse()
	frame, err := framings.Named(*framing)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	fmt.Printf("{\"address\":%q}\n", listener.Addr())
	options := &server.LoopOptions{ServerOptions: &jrpc2.ServerOptions{AllowPush: *push, Concurrency: 64}}
	newService := func() server.Service { return server.Static(probe.New())() }
	if err := server.Loop(ctx, server.NetAccepter(listener, frame), newService, options); err != nil {
		log.Fatal(err)
	}
}
