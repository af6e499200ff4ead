// Package probe is the service that both ends serve to each other: a function of every shape, echoes of every kind of
// type, services, and functions that fail, panic, take their time or only count.
package probe

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"convoke.test/interop/gorpc/shapes"
	"github.com/valyala/gorpc"
)

// Counter is a service with a state of its own.
type Counter struct{ total atomic.Int64 }

// Add adds and gives the new total.
func (c *Counter) Add(by int) int { return int(c.total.Add(int64(by))) }

// Get gives the total.
func (c *Counter) Get() int { return int(c.total.Load()) }

// Note adds, and says nothing.
func (c *Counter) Note(by int) { c.total.Add(int64(by)) }

// Check fails with what it is given; nothing for no text.
func (c *Counter) Check(text string) error { return fails(text) }

// Who gives the address of the client, and the total.
func (c *Counter) Who(address, greeting string) (string, error) {
	return fmt.Sprintf("%s %s %d", greeting, address, c.Get()), nil
}

func (c *Counter) hidden() {}

// Stateless is a service that does without a value: it may be nil.
type Stateless struct{}

// Hello greets.
func (*Stateless) Hello(name string) string { return "hello " + name }

func fails(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

func echo[T any](value T) T { return value }

// New makes the service. restart is called, in a goroutine, with how long the server is to be away.
func New(restart func(away time.Duration)) *gorpc.Dispatcher {
	var counted, noted atomic.Int64
	functions := gorpc.NewDispatcher()

	functions.AddFunc("Nothing", func() {})
	functions.AddFunc("Answer", func() int { return 42 })
	functions.AddFunc("NoError", func() error { return nil })
	functions.AddFunc("AlwaysFails", func() error { return errors.New("failed as always") })
	functions.AddFunc("Both", func() (string, error) { return "both", nil })
	functions.AddFunc("Take", func(by int) { counted.Add(int64(by)) })
	functions.AddFunc("Taken", func() int { return int(counted.Load()) })
	functions.AddFunc("Echo", echo[string])
	functions.AddFunc("Check", fails)
	functions.AddFunc("Half", func(n int) (int, error) {
		if n%2 != 0 {
			return 0, fmt.Errorf("%d is odd", n)
		}
		return n / 2, nil
	})
	functions.AddFunc("Note", func(address string, by int) { noted.Add(int64(by)) })
	functions.AddFunc("Noted", func() int { return int(noted.Load()) })
	functions.AddFunc("Who", func(address, greeting string) string { return greeting + " " + address })
	functions.AddFunc("CheckWho", func(_, text string) error { return fails(text) })
	functions.AddFunc("WhoIf", func(address, text string) (string, error) { return address, fails(text) })
	functions.AddFunc("with.dots", func(n int) int { return n + 1 })

	functions.AddFunc("Add", func(pair *shapes.Pair) int { return pair.A + pair.B })
	functions.AddFunc("Swap", func(pair *shapes.Pair) *shapes.Pair { return &shapes.Pair{A: pair.B, B: pair.A} })
	functions.AddFunc("ToTwin", func(pair *shapes.Pair) *shapes.Twin { return &shapes.Twin{A: pair.A, B: pair.B} })
	functions.AddFunc("NilPair", func() *shapes.Pair { return nil })
	functions.AddFunc("Bool", echo[bool])
	functions.AddFunc("Float", echo[float64])
	functions.AddFunc("Int8", echo[int8])
	functions.AddFunc("Uint64", echo[uint64])
	functions.AddFunc("Complex", echo[complex128])
	functions.AddFunc("Bytes", echo[[]byte])
	functions.AddFunc("Ints", echo[[]int])
	functions.AddFunc("Strings", echo[[]string])
	functions.AddFunc("Pairs", echo[[]*shapes.Pair])
	functions.AddFunc("Array", echo[[3]int])
	functions.AddFunc("Map", echo[map[string]int])
	functions.AddFunc("Deep", echo[map[string][]int])
	functions.AddFunc("Set", echo[map[string]struct{}])
	functions.AddFunc("Celsius", echo[shapes.Celsius])
	functions.AddFunc("Label", echo[shapes.Label])
	functions.AddFunc("Hash", echo[shapes.Hash])
	functions.AddFunc("Names", echo[shapes.Names])
	functions.AddFunc("Route", echo[shapes.Route])
	functions.AddFunc("Tree", echo[*shapes.Tree])
	functions.AddFunc("Order", echo[*shapes.Order])
	functions.AddFunc("Optional", echo[*shapes.Optional])
	functions.AddFunc("Embedding", echo[*shapes.Embedding])
	functions.AddFunc("Event", echo[*shapes.Event])
	functions.AddFunc("Time", echo[*time.Time])
	functions.AddFunc("Point", echo[*shapes.Point])
	functions.AddFunc("Track", echo[*shapes.Track])
	functions.AddFunc("Big", echo[*shapes.Big])

	functions.AddFunc("Panic", func(text string) string { panic(text) })
	functions.AddFunc("Sleep", func(ms int) int {
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return ms
	})
	functions.AddFunc("Restart", func(awayMs int) { go restart(time.Duration(awayMs) * time.Millisecond) })

	functions.AddService("Left", &Counter{})
	functions.AddService("Right", &Counter{})
	functions.AddService("Stateless", (*Stateless)(nil))
	return functions
}
