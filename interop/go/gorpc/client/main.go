// Command client runs checks against a server of package probe, or against one that gives back any request, and prints
// {"ok":[names]}. What fails it says on its standard error as "FAIL name: why", and then it exits with 1.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"

	"convoke.test/interop/gorpc/probe"
	"convoke.test/interop/gorpc/shapes"
	"github.com/valyala/gorpc"
)

// A check has a name, and says what is wrong.
type check struct {
	name string
	run  func(*stage) error
}

// A stage is where checks run.
type stage struct {
	network, addr string
	roots         *x509.CertPool
	compress      bool
	workers       int
	calls         int
	client        *gorpc.Client
	// names is a dispatcher for its names only: gorpc has no client without one.
	names *gorpc.Dispatcher
}

// dial makes a client that is not started.
func (s *stage) dial() *gorpc.Client {
	var client *gorpc.Client
	switch s.network {
	case "tcp":
		client = gorpc.NewTCPClient(s.addr)
	case "unix":
		client = gorpc.NewUnixClient(s.addr)
	case "tls":
		client = gorpc.NewTLSClient(s.addr, &tls.Config{RootCAs: s.roots})
	default:
		log.Fatalf("no network is called %q", s.network)
	}
	client.DisableCompression = !s.compress
	return client
}

// start makes a client and starts it; the caller stops it.
func (s *stage) start(change func(*gorpc.Client)) *gorpc.Client {
	client := s.dial()
	change(client)
	client.Start()
	return client
}

func main() {
	here := &stage{}
	flag.StringVar(&here.network, "network", "tcp", "tcp, tls or unix")
	flag.StringVar(&here.addr, "addr", "", "where the server listens")
	flag.BoolVar(&here.compress, "compress", false, "whether to compress")
	flag.IntVar(&here.workers, "workers", 100, "workers of the check named load")
	flag.IntVar(&here.calls, "calls", 1000, "calls of each of them")
	mode := flag.String("mode", "dispatcher", "dispatcher or raw")
	names := flag.String("checks", "", "names with commas; all of the mode when empty")
	ca := flag.String("ca", "", "PEM file of the authority, for -network tls")
	loud := flag.Bool("log", false, "whether gorpc logs its errors")
	flag.Parse()
	if !*loud {
		gorpc.SetErrorLogger(gorpc.NilErrorLogger)
	}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			log.Fatal(err)
		}
		here.roots = x509.NewCertPool()
		here.roots.AppendCertsFromPEM(pem)
	}
	shapes.Register()
	checks := rawChecks
	if *mode == "dispatcher" {
		checks = dispatcherChecks
		here.names = probe.New(nil)
	} else {
		shapes.RegisterTime()
	}

	here.client = here.start(func(*gorpc.Client) {})
	ok, failed := []string{}, false
	for _, each := range checks {
		if *names != "" && !strings.Contains(","+*names+",", ","+each.name+",") {
			continue
		}
		if err := each.run(here); err != nil {
			fmt.Fprintf(os.Stderr, "FAIL %s: %v\n", each.name, err)
			failed = true
		} else {
			ok = append(ok, each.name)
		}
	}
	here.client.Stop()
	json.NewEncoder(os.Stdout).Encode(map[string]any{"ok": ok})
	if failed {
		os.Exit(1)
	}
}

// connection dials as the client does, for a check that holds the connection back.
func (s *stage) connection() (io.ReadWriteCloser, error) {
	switch s.network {
	case "unix":
		return net.Dial("unix", s.addr)
	case "tls":
		return tls.Dial("tcp", s.addr, &tls.Config{RootCAs: s.roots})
	}
	return net.Dial("tcp", s.addr)
}
