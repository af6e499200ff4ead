package main

import (
	"errors"
	"fmt"

	"convoke.test/interop/gorpc/shapes"
	"github.com/valyala/gorpc"
)

var rawChecks = []check{
	{"echo", echoes},
	{"nil", nothing},
	{"panic", rawPanic},
	{"batch", rawBatch},
	{"refused", unencodable},
	{"random", randomBytes},
}

// echoes has what comes back as it was where types are not described: a value alone tells them, or it remembers them.
func echoes(s *stage) error {
	values := []any{
		0, 1234, -5, 1<<53 - 1, "", "hello", true, false, 1.5, []byte{0, 255}, []int{1, 2}, []string{"foo", "bar"},
		[]float64{0.5}, &shapes.Pair{A: 1, B: 2}, &shapes.Pair{}, shapes.Span{From: 1}, shapes.Span{},
		shapes.Row{A: 1, B: "b"}, []*shapes.Pair{{A: 1}, {}}, &shapes.Order{Names: shapes.Names{"a": "b"}},
		&shapes.Holder{Any: 7, Sized: shapes.Span{To: 1}, List: []any{nil, "a", &shapes.Pair{}}, After: "after"},
		&shapes.Embedding{Note: "note"}, shapes.NewBig(),
	}
	var failures []error
	for range 2 {
		for _, value := range values {
			got, err := s.client.Call(value)
			failures = append(failures, want(fmt.Sprintf("%T", value), value, got, err))
		}
	}
	return errors.Join(failures...)
}

func nothing(s *stage) error {
	got, err := s.client.Call(nil)
	return errors.Join(want("nil", nil, got, err), s.client.Send(nil), s.client.Send("no reply"))
}

func rawPanic(s *stage) error {
	got, err := s.client.Call("panic")
	after, last := s.client.Call("after")
	return errors.Join(wantError("panic", "Server error: [", got, err), want("after", "after", after, last))
}

func rawBatch(s *stage) error {
	batch := s.client.NewBatch()
	results := []*gorpc.BatchResult{}
	for n := range 100 {
		results = append(results, batch.Add(n))
		batch.AddSkipResponse("skipped")
	}
	failed := batch.Add("panic")
	failures := []error{batch.Call(), wantError("panic", "Server error: [", failed.Response, failed.Error)}
	for n, each := range results {
		<-each.Done
		failures = append(failures, want("member", n, each.Response, each.Error))
	}
	return errors.Join(append(failures, batch.Call())...)
}

// unencodable: what Go's encoder refuses costs the connection, and the next call has a new one.
func unencodable(s *stage) error {
	_, err := s.client.Call(func() {})
	var failure *gorpc.ClientError
	if !errors.As(err, &failure) || !failure.Connection {
		return fmt.Errorf("a function was taken: %v", err)
	}
	got, err := s.client.Call("after")
	return want("after", "after", got, err)
}

// randomBytes harm nobody else. The first byte says whether they are compressed.
func randomBytes(s *stage) error {
	source := shapes.NewSource(3)
	for n := range 10 {
		noise := make([]byte, 65_536)
		for at := range noise {
			noise[at] = byte(source.Uint32())
		}
		noise[0] = byte(n % 2)
		conn, err := s.connection()
		if err != nil {
			return err
		}
		// The server may be gone before it has taken them all.
		conn.Write(noise)
		conn.Close()
		got, err := s.client.Call(n)
		if failure := want("during noise", n, got, err); failure != nil {
			return failure
		}
	}
	return nil
}
