// One end of the benchmark's Go contender: gorpc's own client against its own server, told by JSON lines on its
// standard input what to do (see bench/worker.js, which answers the same questions). The argument picks the handler:
// "raw" is one function of all requests, "dispatcher" is gorpc's registry of named functions.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/gorpc"
)

// Pair is what "add" adds.
type Pair struct{ A, B int }

// Order is the 1 KiB value of bench/workloads.js with Go's types.
type Order struct {
	ID       int
	Placed   string
	Customer Customer
	Lines    []Line
	Total    float64
	Currency string
	Paid     bool
}

type Customer struct {
	ID      int
	Name    string
	Email   string
	Address Address
}

type Address struct{ Street, City, Zip, Country string }

type Line struct {
	Sku, Title string
	Count      int
	Price      float64
	Tags       []string
}

type question struct {
	What, Address, Workload string
	InFlight                int
	Ms                      int
	Order                   *Order
}

type outcome struct {
	Calls int64   `json:"calls"`
	Ms    float64 `json:"ms"`
	CPUMs float64 `json:"cpuMs"`
}

// call makes one call of a workload and says whether the reply is right.
type call func(n int) (bool, error)

var (
	add   func(*Pair) (any, error)
	echo  func(*Order) (any, error)
	order *Order
)

func main() {
	gorpc.RegisterType(&Pair{})
	gorpc.RegisterType(&Order{})
	dispatched := len(os.Args) > 1 && os.Args[1] == "dispatcher"
	questions := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for questions.Scan() {
		var asked question
		if err := json.Unmarshal(questions.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		value, err := answer(&asked, dispatched)
		reply := map[string]any{"value": value}
		if err != nil {
			reply = map[string]any{"error": err.Error()}
		}
		if err := answers.Encode(reply); err != nil {
			log.Fatal(err)
		}
	}
}

func answer(asked *question, dispatched bool) (any, error) {
	switch asked.What {
	case "listen":
		return listen(dispatched)
	case "dial":
		order = asked.Order
		return nil, dial(asked.Address, dispatched)
	case "run":
		return run(asked)
	case "cpu":
		return cpuMs(), nil
	}
	return nil, fmt.Errorf("unknown question %q", asked.What)
}

func dispatcher() *gorpc.Dispatcher {
	functions := gorpc.NewDispatcher()
	functions.AddFunc("Add", func(pair *Pair) int { return pair.A + pair.B })
	functions.AddFunc("Echo", func(order *Order) *Order { return order })
	return functions
}

func raw(_ string, request any) any {
	switch value := request.(type) {
	case *Pair:
		return value.A + value.B
	default:
		return value
	}
}

func listen(dispatched bool) (string, error) {
	handler := gorpc.HandlerFunc(raw)
	if dispatched {
		handler = dispatcher().NewHandlerFunc()
	}
	server := gorpc.NewTCPServer("127.0.0.1:0", handler)
	if err := server.Start(); err != nil {
		return "", err
	}
	return "tcp://" + server.Listener.ListenAddr().String(), nil
}

func dial(address string, dispatched bool) error {
	target, err := url.Parse(address)
	if err != nil {
		return err
	}
	client := gorpc.NewTCPClient(target.Host)
	// Compression is gorpc's default; no other contender compresses.
	client.DisableCompression = true
	client.Start()
	add = func(pair *Pair) (any, error) { return client.Call(pair) }
	echo = func(order *Order) (any, error) { return client.Call(order) }
	if dispatched {
		functions := dispatcher().NewFuncClient(client)
		add = func(pair *Pair) (any, error) { return functions.Call("Add", pair) }
		echo = func(order *Order) (any, error) { return functions.Call("Echo", order) }
	}
	return nil
}

func callOf(workload string) (call, error) {
	switch workload {
	case "small":
		return func(n int) (bool, error) {
			sum, err := add(&Pair{A: n, B: 1})
			return sum == n+1, err
		}, nil
	case "order":
		return func(int) (bool, error) {
			reply, err := echo(order)
			same, _ := reply.(*Order)
			return same != nil && same.ID == order.ID, err
		}, nil
	}
	return nil, fmt.Errorf("no workload %q with Go's types", workload)
}

// run keeps so many calls under way, each awaited and checked by a goroutine of its own.
func run(asked *question) (*outcome, error) {
	one, err := callOf(asked.Workload)
	if err != nil {
		return nil, err
	}
	var loops sync.WaitGroup
	var calls atomic.Int64
	var over atomic.Bool
	var failure atomic.Value
	began, cpu := time.Now(), cpuMs()
	time.AfterFunc(time.Duration(asked.Ms)*time.Millisecond, func() { over.Store(true) })
	for index := range asked.InFlight {
		loops.Go(func() {
			made := 0
			for n := index * 1001; !over.Load(); n++ {
				if right, err := one(n); err != nil || !right {
					failure.Store(fmt.Sprintf("call %d of %s came back wrong: %v", n, asked.Workload, err))
					return
				}
				made++
			}
			calls.Add(int64(made))
		})
	}
	loops.Wait()
	if text, failed := failure.Load().(string); failed {
		return nil, fmt.Errorf("%s", text)
	}
	return &outcome{Calls: calls.Load(), Ms: float64(time.Since(began).Microseconds()) / 1000, CPUMs: cpuMs() - cpu}, nil
}

func cpuMs() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}
