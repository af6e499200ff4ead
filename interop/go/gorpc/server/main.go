// Command server is a gorpc server at a place of its own. It prints {"address":"..."} and ends when its standard input
// ends.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"time"

	"convoke.test/interop/gorpc/probe"
	"convoke.test/interop/gorpc/shapes"
	"github.com/valyala/gorpc"
)

func main() {
	network := flag.String("network", "tcp", "tcp, tls or unix")
	addr := flag.String("addr", "127.0.0.1:0", "where to listen")
	mode := flag.String("mode", "dispatcher", "dispatcher; raw: gives back any request; type: says what type it has")
	cert := flag.String("cert", "", "PEM file, for -network tls")
	key := flag.String("key", "", "PEM file, for -network tls")
	loud := flag.Bool("log", false, "whether gorpc logs its errors")
	flag.Parse()
	if !*loud {
		gorpc.SetErrorLogger(gorpc.NilErrorLogger)
	}

	var server *gorpc.Server
	var listener *lastAccepted
	handler := handlerOf(*mode, func(away time.Duration) {
		// The reply of whoever asked for it is on its way first.
		time.Sleep(20 * time.Millisecond)
		server.Stop()
		listener.closeLast()
		time.Sleep(away)
		if err := server.Start(); err != nil {
			log.Fatal(err)
		}
	})
	switch *network {
	case "tcp":
		server = gorpc.NewTCPServer(*addr, handler)
	case "unix":
		server = gorpc.NewUnixServer(*addr, handler)
	case "tls":
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		if err != nil {
			log.Fatal(err)
		}
		server = gorpc.NewTLSServer(*addr, handler, &tls.Config{Certificates: []tls.Certificate{pair}})
	default:
		log.Fatalf("no network is called %q", *network)
	}
	listener = &lastAccepted{Listener: server.Listener}
	server.Listener = listener
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	// Where it listens now it listens again after a restart.
	server.Addr = server.Listener.ListenAddr().String()
	fmt.Printf("{\"address\":%q}\n", server.Addr)
	io.Copy(io.Discard, os.Stdin)
}

// lastAccepted remembers a connection. gorpc's Stop leaves one that it accepts at that moment open, and never reads it.
type lastAccepted struct {
	gorpc.Listener
	mu   sync.Mutex
	conn io.Closer
}

func (l *lastAccepted) Accept() (io.ReadWriteCloser, string, error) {
	conn, from, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conn = conn
		l.mu.Unlock()
	}
	return conn, from, err
}

func (l *lastAccepted) closeLast() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.conn.Close()
	}
}

func handlerOf(mode string, restart func(time.Duration)) gorpc.HandlerFunc {
	switch mode {
	case "dispatcher":
		shapes.Register()
		return probe.New(restart).NewHandlerFunc()
	case "raw":
		shapes.Register()
		shapes.RegisterTime()
		return func(_ string, request any) any {
			if request == "panic" {
				panic("asked for it")
			}
			return request
		}
	case "type":
		shapes.Register()
		shapes.RegisterTime()
		return func(_ string, request any) any { return fmt.Sprintf("%T", request) }
	}
	log.Fatalf("no mode is called %q", mode)
	return nil
}
