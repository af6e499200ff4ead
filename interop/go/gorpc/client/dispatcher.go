package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"convoke.test/interop/gorpc/probe"
	"convoke.test/interop/gorpc/shapes"
	"github.com/valyala/gorpc"
)

var dispatcherChecks = []check{
	{"shapes", everyShape},
	{"types", everyType},
	{"services", services},
	{"errors", ownErrors},
	{"unknown", unknown},
	{"panic", panics},
	{"sends", sends},
	{"batch", batches},
	{"cancel", cancels},
	{"timeout", timeouts},
	{"order", completionOrder},
	{"both", bothCompressions},
	{"load", load},
	{"restart", restart},
}

func (s *stage) functions() *gorpc.DispatcherClient { return s.names.NewFuncClient(s.client) }

// want says what is wrong with a reply.
func want(what string, wanted, got any, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if where := shapes.Difference(wanted, got); where != "" {
		return fmt.Errorf("%s: wanted and got%s", what, where)
	}
	return nil
}

// wantError says what is wrong with an error that the server is to give.
func wantError(what, part string, got any, err error) error {
	var failure *gorpc.ClientError
	switch {
	case !errors.As(err, &failure):
		return fmt.Errorf("%s: got %#v and the error %v", what, got, err)
	case !failure.Server:
		return fmt.Errorf("%s: not the server's error: %w", what, err)
	case got != nil:
		return fmt.Errorf("%s: has a response too: %#v", what, got)
	case !strings.Contains(err.Error(), part):
		return fmt.Errorf("%s: %q is not in %w", what, part, err)
	}
	return nil
}

// until tries until it is so, for at most ten seconds.
func until(what string, isSo func() (bool, error)) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		so, err := isSo()
		if so {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within ten seconds (%v)", what, err)
		}
	}
}

func everyShape(s *stage) error {
	functions := s.functions()
	call := func(name string, request, wanted any) error {
		got, err := functions.Call(name, request)
		return want(name, wanted, got, err)
	}
	who, err := functions.Call("Who", "I am")
	if text, is := who.(string); err != nil || !is || !strings.HasPrefix(text, "I am ") {
		err = fmt.Errorf("Who: got %#v and the error %v", who, err)
	}
	return errors.Join(
		err,
		call("Nothing", nil, nil),
		call("Nothing", "which is ignored", nil),
		call("Answer", nil, 42),
		call("NoError", nil, nil),
		call("Both", nil, "both"),
		call("Take", 0, nil),
		call("Echo", "hi", "hi"),
		call("Echo", "", ""),
		call("Check", "", nil),
		call("Half", 84, 42),
		call("Note", 0, nil),
		call("CheckWho", "", nil),
		call("with.dots", 41, 42),
	)
}

func everyType(s *stage) error {
	functions := s.functions()
	var failures []error
	echo := func(name string, value any) {
		got, err := functions.Call(name, value)
		failures = append(failures, want(name, value, got, err))
	}
	two, text, yes, pair := 2, "text", true, &shapes.Pair{A: 1, B: -1}
	when := time.Date(2026, 11, 21, 12, 0, 0, 123_456_789, time.UTC)
	for _, value := range []bool{true, false} {
		echo("Bool", value)
	}
	for _, value := range []float64{0, 1, -3.25, 1e300} {
		echo("Float", value)
	}
	for _, value := range []int8{0, -128, 127} {
		echo("Int8", value)
	}
	for _, value := range []uint64{0, 1 << 53, 1<<64 - 1} {
		echo("Uint64", value)
	}
	for _, value := range []string{"", "é日本😀\x00", strings.Repeat("long ", 50_000)} {
		echo("Echo", value)
	}
	echo("Complex", complex(1.5, -2))
	echo("Bytes", []byte{0, 127, 128, 255})
	echo("Ints", []int{1, 0, -7, 1 << 40})
	echo("Strings", []string{"a", "", "b"})
	echo("Pairs", []*shapes.Pair{pair, {}})
	echo("Array", [3]int{1, 0, 3})
	echo("Map", map[string]int{"a": 1, "": 0})
	echo("Deep", map[string][]int{"a": {1, 2}, "b": {3}})
	echo("Set", map[string]struct{}{"a": {}, "b": {}})
	echo("Celsius", shapes.Celsius(36.6))
	echo("Label", shapes.Label("label"))
	echo("Hash", shapes.Hash{1, 0, 200, 255})
	echo("Names", shapes.Names{"ann": "Ann"})
	echo("Route", shapes.Route{{From: 1, To: 2, Open: true}, {}})
	echo("Tree", &shapes.Tree{Name: "top", Left: &shapes.Tree{}, Children: []*shapes.Tree{{Name: "leaf"}}})
	echo("Order", &shapes.Order{})
	echo("Order", &shapes.Order{
		ID: 1<<64 - 1, Buyer: shapes.Buyer{Name: "Ann", Home: pair}, Lines: []shapes.Line{{Sku: "x", Count: 65_535}, {}},
		Total: 0.5, Paid: true, Raw: []byte{1}, Grid: [2][3]int16{{1, 2, 3}, {-4}}, Phase: 1i, Level: -128,
		Untitled: shapes.Row{A: 1, B: "b"}, Nested: map[int32]map[bool]uint32{-1: {true: 1}},
	})
	echo("Optional", &shapes.Optional{})
	echo("Optional", &shapes.Optional{Count: &two, Text: &text, Flag: &yes, Pair: pair, When: &when,
		Inner: &shapes.Optional{Pair: &shapes.Pair{}}})
	echo("Embedding", &shapes.Embedding{Pair: *pair, Twin: &shapes.Twin{A: 3}, Note: "both"})
	echo("Event", &shapes.Event{At: when, Took: -time.Second, Marks: []time.Time{when, {}}})
	echo("Time", &when)
	echo("Point", shapes.NewPoint(-1, 70_000))
	echo("Track", &shapes.Track{Start: *shapes.NewPoint(1, 2), End: shapes.NewPoint(0, 0), Word: *shapes.NewSecret("secret")})
	echo("Big", shapes.NewBig())

	sum, err := functions.Call("Add", &shapes.Pair{A: 2, B: 3})
	failures = append(failures, want("Add", 5, sum, err))
	swapped, err := functions.Call("Swap", &shapes.Pair{A: 2, B: 0})
	failures = append(failures, want("Swap", &shapes.Pair{A: 0, B: 2}, swapped, err))
	twin, err := functions.Call("ToTwin", &shapes.Pair{A: 2, B: 3})
	failures = append(failures, want("ToTwin", &shapes.Twin{A: 2, B: 3}, twin, err))
	return errors.Join(failures...)
}

func services(s *stage) error {
	left, right := s.names.NewServiceClient("Left", s.client), s.names.NewServiceClient("Right", s.client)
	call := func(client *gorpc.DispatcherClient, name string, request, wanted any) error {
		got, err := client.Call(name, request)
		return want(name, wanted, got, err)
	}
	// The server's counters are as the last run left them.
	base := func(client *gorpc.DispatcherClient) int {
		got, _ := client.Call("Get", nil)
		total, _ := got.(int)
		return total
	}
	one, other := base(left), base(right)
	stateless := s.names.NewServiceClient("Stateless", s.client)
	_, hidden := left.Call("hidden", nil)
	return errors.Join(
		call(left, "Add", 2, one+2),
		call(left, "Note", 1, nil),
		call(left, "Get", nil, one+3),
		call(right, "Get", nil, other),
		call(right, "Add", 40, other+40),
		call(left, "Get", nil, one+3),
		call(stateless, "Hello", "Ann", "hello Ann"),
		wantError("hidden", "", nil, hidden),
	)
}

func ownErrors(s *stage) error {
	functions := s.functions()
	call := func(name string, request any, text string) error {
		got, err := functions.Call(name, request)
		if err != nil && err.Error() != text {
			return fmt.Errorf("%s: the error is %q, and not %q", name, err, text)
		}
		return wantError(name, text, got, err)
	}
	got, err := s.names.NewServiceClient("Left", s.client).Call("Check", "of a service")
	return errors.Join(
		call("AlwaysFails", nil, "failed as always"),
		call("Check", "é <wrong>\n😀", "é <wrong>\n😀"),
		call("CheckWho", "no", "no"),
		call("WhoIf", "not now", "not now"),
		call("Half", 3, "3 is odd"),
		wantError("Left.Check", "of a service", got, err),
	)
}

func unknown(s *stage) error {
	functions := s.functions()
	nope, err := functions.Call("Nope", 1)
	failure := wantError("Nope", "", nope, err)
	property, err := functions.Call("constructor", 1)
	// gorpc makes clients only for services that it knows.
	other := gorpc.NewDispatcher()
	other.AddService("Elsewhere", &probe.Counter{})
	service, failed := other.NewServiceClient("Elsewhere", s.client).Call("Get", nil)
	answer, last := functions.Call("Answer", nil)
	return errors.Join(
		failure,
		wantError("constructor", "", property, err),
		wantError("Elsewhere", "", service, failed),
		want("Answer", 42, answer, last),
	)
}

func panics(s *stage) error {
	functions := s.functions()
	got, err := functions.Call("Panic", "at the disco")
	echoed, after := functions.Call("Echo", "still here")
	return errors.Join(
		wantError("Panic", "Server error: [", got, err),
		want("Echo", "still here", echoed, after),
	)
}

func sends(s *stage) error {
	functions := s.functions()
	base, err := functions.Call("Taken", nil)
	if err != nil {
		return err
	}
	for range 1000 {
		if err := functions.Send("Take", 2); err != nil {
			return err
		}
	}
	// What fails or is unknown is nobody's business either.
	failures := []error{functions.Send("Check", "unheard"), functions.Send("Nope", 1), functions.Send("Panic", "unheard")}
	failures = append(failures, until("1000 sends", func() (bool, error) {
		taken, err := functions.Call("Taken", nil)
		return taken == base.(int)+2000, err
	}))
	return errors.Join(failures...)
}

func batches(s *stage) error {
	functions := s.functions()
	base, err := functions.Call("Noted", nil)
	if err != nil {
		return err
	}
	batch := functions.NewBatch()
	results := []*gorpc.BatchResult{}
	for n := range 100 {
		results = append(results, batch.Add("Half", n))
		if n%10 == 0 {
			batch.AddSkipResponse("Note", 1)
		}
	}
	select {
	case <-results[0].Done:
		return errors.New("done before the call")
	default:
	}
	failures := []error{batch.Call()}
	for n, each := range results {
		<-each.Done
		if n%2 != 0 {
			failures = append(failures, wantError("Half", fmt.Sprintf("%d is odd", n), each.Response, each.Error))
		} else {
			failures = append(failures, want("Half", n/2, each.Response, each.Error))
		}
	}
	failures = append(failures, until("10 of the batch", func() (bool, error) {
		noted, err := functions.Call("Noted", nil)
		return noted == base.(int)+10, err
	}))
	again := batch.Add("Echo", "again")
	failures = append(failures, batch.Call(), batch.Call(), want("Echo", "again", again.Response, again.Error))
	return errors.Join(failures...)
}

// cancels holds the connection back, so that it is sure what was sent before a cancel.
func cancels(s *stage) error {
	open := make(chan struct{})
	held := s.start(func(client *gorpc.Client) {
		client.Dial = func(string) (io.ReadWriteCloser, error) {
			<-open
			return s.connection()
		}
	})
	defer held.Stop()
	functions := s.names.NewFuncClient(held)
	raw, err := held.CallAsync("never sent")
	if err != nil {
		return err
	}
	raw.Cancel()
	raw.Cancel()
	kept, err := functions.CallAsync("Echo", "kept")
	if err != nil {
		return err
	}
	close(open)
	<-raw.Done
	if raw.Error != gorpc.ErrCanceled {
		return fmt.Errorf("a cancelled call ended with %v", raw.Error)
	}
	<-kept.Done
	late, err := functions.CallAsync("Sleep", 30)
	if err != nil {
		return err
	}
	first, err := functions.Call("Echo", "sent after it")
	late.Cancel()
	<-late.Done
	return errors.Join(
		want("kept", "kept", kept.Response, kept.Error),
		want("sent after it", "sent after it", first, err),
		want("cancelled after it was sent", 30, late.Response, late.Error),
	)
}

func isTimeout(what string, err error) error {
	var failure *gorpc.ClientError
	if !errors.As(err, &failure) || !failure.Timeout {
		return fmt.Errorf("%s: no timeout: %v", what, err)
	}
	return nil
}

func timeouts(s *stage) error {
	functions := s.functions()
	_, one := functions.CallTimeout("Sleep", 150, 30*time.Millisecond)
	batch := functions.NewBatch()
	batch.Add("Sleep", 150)
	two := batch.CallTimeout(30 * time.Millisecond)
	enough, err := functions.CallTimeout("Sleep", 100, 10*time.Second)
	after, last := functions.Call("Echo", "after the late replies")
	return errors.Join(
		isTimeout("call", one),
		isTimeout("batch", two),
		want("enough time", 100, enough, err),
		want("after", "after the late replies", after, last),
	)
}

// completionOrder: a slow call holds nobody up.
func completionOrder(s *stage) error {
	functions := s.functions()
	slow, err := functions.CallAsync("Sleep", 300)
	if err != nil {
		return err
	}
	fast, err := functions.Call("Echo", "fast")
	select {
	case <-slow.Done:
		return errors.New("the slow call ended before the fast one")
	default:
	}
	<-slow.Done
	return errors.Join(want("fast", "fast", fast, err), want("slow", 300, slow.Response, slow.Error))
}

// bothCompressions has clients of both kinds at one server at a time.
func bothCompressions(s *stage) error {
	other := s.start(func(client *gorpc.Client) { client.DisableCompression = !client.DisableCompression })
	defer other.Stop()
	var group sync.WaitGroup
	failures := make([]error, 10)
	for at := range failures {
		client := []*gorpc.Client{s.client, other}[at%2]
		group.Go(func() { failures[at] = s.callMany(client, at, 100) })
	}
	group.Wait()
	return errors.Join(failures...)
}

func load(s *stage) error {
	client := s.start(func(client *gorpc.Client) { client.Conns = 2 })
	defer client.Stop()
	var group sync.WaitGroup
	failures := make([]error, s.workers)
	for at := range failures {
		group.Go(func() { failures[at] = s.callMany(client, at, s.calls) })
	}
	group.Wait()
	return errors.Join(failures...)
}

// callMany calls one after another: structs, numbers and texts in turn.
func (s *stage) callMany(client *gorpc.Client, worker, count int) error {
	functions := s.names.NewFuncClient(client)
	for n := range count {
		var err error
		switch n % 3 {
		case 0:
			got, failure := functions.Call("Add", &shapes.Pair{A: worker, B: n})
			err = want("Add", worker+n, got, failure)
		case 1:
			got, failure := functions.Call("Half", 2*n)
			err = want("Half", n, got, failure)
		case 2:
			text := fmt.Sprintf("worker %d, call %d", worker, n)
			got, failure := functions.Call("Echo", text)
			err = want("Echo", text, got, failure)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restart asks the server to go away and come back at the same place.
func restart(s *stage) error {
	functions := s.functions()
	outstanding, err := functions.CallAsync("Sleep", 10_000)
	if err != nil {
		return err
	}
	// It is sent before this one.
	if _, err := functions.Call("Echo", "before"); err != nil {
		return err
	}
	if err := functions.Send("Restart", 100); err != nil {
		return err
	}
	<-outstanding.Done
	var failure *gorpc.ClientError
	if !errors.As(outstanding.Error, &failure) || !failure.Connection {
		return fmt.Errorf("a call that was outstanding ended with %#v and %v", outstanding.Response, outstanding.Error)
	}
	return until("a call after the restart", func() (bool, error) {
		got, err := functions.CallTimeout("Add", &shapes.Pair{A: 1, B: 2}, 2*time.Second)
		return got == 3, err
	})
}
