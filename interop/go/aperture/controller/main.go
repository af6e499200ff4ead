// Command controller listens, prints {"address":"..."}, and does what its standard input says, one line of JSON for
// each command; it answers each with a line, and tells who comes and goes. It ends when its standard input ends.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"convoke.test/interop/aperture/reverse"
	"convoke.test/interop/aperture/rpcv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	// The messages that commands speak of.
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// command is one line of the input.
type command struct {
	// ID is given back with the answer.
	ID int `json:"id"`
	// Do is call, callAll, list or send.
	Do string `json:"do"`
	// Client is who is called.
	Client string `json:"client"`
	// Type is the full name of the request's message.
	Type string `json:"type"`
	// Value is the request as protojson.
	Value json.RawMessage `json:"value"`
	// Bytes is the request as it is, in base64; instead of Value.
	Bytes []byte `json:"bytes"`
	// Result is the full name of the answer's message; without it the answer is given in base64.
	Result string `json:"result"`
	// TimeoutMs is 5000 when it is left out, as the original has it always.
	TimeoutMs int `json:"timeoutMs"`
	// CancelMs is when the call is cancelled; 0: never.
	CancelMs int `json:"cancelMs"`
	// Message is what send sends: a ServerToClient as protojson.
	Message json.RawMessage `json:"message"`
	// Times is how many of this call are made at once; only the count of each outcome is answered when it is above 1.
	Times int `json:"times"`
}

// outcome is the result of a call as it is printed.
type outcome struct {
	Client  string            `json:"client"`
	Value   json.RawMessage   `json:"value,omitempty"`
	Bytes   []byte            `json:"bytes,omitempty"`
	Code    string            `json:"code,omitempty"`
	Message string            `json:"message,omitempty"`
	Details []json.RawMessage `json:"details,omitempty"`
}

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	out := &printer{lines: json.NewEncoder(os.Stdout)}
	clients := reverse.NewClients()
	clients.Joined = func(name string) { out.print(map[string]any{"event": "joined", "client": name}) }
	clients.Left = func(name string) { out.print(map[string]any{"event": "left", "client": name}) }
	clients.Unexpected = func(name string, response *rpcv1.Response) {
		code := status.FromProto(response.GetError()).Code().String()
		out.print(map[string]any{"event": "unexpected", "client": name, "id": response.GetId(), "code": code})
	}
	server := grpc.NewServer(grpc.ConnectionTimeout(2 * time.Minute))
	rpcv1.RegisterCoordinatorServer(server, clients)
	checks := health.NewServer()
	checks.SetServingStatus(rpcv1.Coordinator_ServiceDesc.ServiceName, healthv1.HealthCheckResponse_SERVING)
	healthv1.RegisterHealthServer(server, checks)
	go server.Serve(listener)
	out.print(map[string]any{"address": listener.Addr().String()})

	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 64<<20)
	for input.Scan() {
		var wanted command
		if err := json.Unmarshal(input.Bytes(), &wanted); err != nil {
			log.Fatal(err)
		}
		go func() { out.print(answer(clients, wanted)) }()
	}
	server.Stop()
}

func answer(clients *reverse.Clients, wanted command) map[string]any {
	answer := map[string]any{"id": wanted.ID}
	switch wanted.Do {
	case "list":
		answer["names"] = clients.List()
	case "send":
		message := &rpcv1.ServerToClient{}
		err := protojson.Unmarshal(wanted.Message, message)
		if err == nil {
			err = clients.Send(wanted.Client, message)
		}
		if err != nil {
			answer["error"] = err.Error()
		}
	case "call", "callAll":
		payload, err := payloadOf(wanted)
		if err != nil {
			answer["error"] = err.Error()
			return answer
		}
		results := call(clients, wanted, payload)
		if wanted.Times > 1 {
			answer["counts"] = countsOf(results, wanted.Result)
			return answer
		}
		outcomes := make([]outcome, len(results))
		for at, result := range results {
			outcomes[at] = outcomeOf(result, wanted.Result)
		}
		answer["outcomes"] = outcomes
	default:
		answer["error"] = fmt.Sprintf("nothing is called %q", wanted.Do)
	}
	return answer
}

func call(clients *reverse.Clients, wanted command, payload *anypb.Any) []reverse.Result {
	timeout := 5 * time.Second
	if wanted.TimeoutMs > 0 {
		timeout = time.Duration(wanted.TimeoutMs) * time.Millisecond
	}
	if wanted.Do == "callAll" {
		return clients.CallAll(payload, timeout)
	}
	var cancelled <-chan time.Time
	if wanted.CancelMs > 0 {
		cancelled = time.After(time.Duration(wanted.CancelMs) * time.Millisecond)
	}
	results := make([]reverse.Result, max(1, wanted.Times))
	var calls sync.WaitGroup
	for at := range results {
		calls.Go(func() { results[at] = clients.Call(wanted.Client, payload, timeout, cancelled) })
	}
	calls.Wait()
	return results
}

func payloadOf(wanted command) (*anypb.Any, error) {
	if wanted.Bytes != nil {
		return &anypb.Any{TypeUrl: "type.googleapis.com/" + wanted.Type, Value: wanted.Bytes}, nil
	}
	message, err := newMessage(wanted.Type)
	if err != nil {
		return nil, err
	}
	if err := protojson.Unmarshal(wanted.Value, message); err != nil {
		return nil, err
	}
	return anypb.New(message)
}

func newMessage(name string) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return kind.New().Interface(), nil
}

// outcomeOf reads an answer. The original says InvalidArgument of one that it cannot read.
func outcomeOf(result reverse.Result, kind string) outcome {
	if result.Err != nil {
		return failed(result.Client, status.Convert(result.Err))
	}
	if kind == "" {
		return outcome{Client: result.Client, Bytes: result.Payload}
	}
	message, err := newMessage(kind)
	if err == nil {
		err = proto.Unmarshal(result.Payload, message)
	}
	var value []byte
	if err == nil {
		value, err = protojson.Marshal(message)
	}
	if err != nil {
		return outcome{Client: result.Client, Code: "InvalidArgument", Message: err.Error()}
	}
	return outcome{Client: result.Client, Value: value}
}

func failed(client string, why *status.Status) outcome {
	failure := outcome{Client: client, Code: why.Code().String(), Message: why.Message()}
	for _, detail := range why.Proto().GetDetails() {
		if text, err := protojson.Marshal(detail); err == nil {
			failure.Details = append(failure.Details, text)
		}
	}
	return failure
}

// countsOf says how often each outcome was.
func countsOf(results []reverse.Result, kind string) map[string]int {
	counts := make(map[string]int)
	for _, result := range results {
		outcome := outcomeOf(result, kind)
		counts[outcome.Code+string(outcome.Value)+string(outcome.Bytes)]++
	}
	return counts
}

// printer prints a line, from any goroutine.
type printer struct {
	mu    sync.Mutex
	lines *json.Encoder
}

func (p *printer) print(line any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.lines.Encode(line); err != nil {
		log.Fatal(err)
	}
}
