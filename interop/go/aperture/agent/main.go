// Command agent connects to a controller and answers these types of google.protobuf, each as its comment says. It
// prints what happens as lines of JSON, and ends when its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"convoke.test/interop/aperture/reverse"
	"convoke.test/interop/aperture/rpcv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The connection is made again as the original's configuration has it by default.
var connectParams = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: time.Second, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Minute},
	MinConnectTimeout: 20 * time.Second,
}

func main() {
	address := flag.String("address", "", "host:port of the controller")
	name := flag.String("name", "agent", "what the agent is called")
	reconnect := flag.Duration("reconnect", 10*time.Second, "pause after the end of a stream")
	firstID := flag.Uint64("next-id", 0, "the id that the first request is to have")
	requests := flag.Bool("requests", false, "whether each request is told")
	flag.Parse()
	conn, err := grpc.NewClient(*address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithConnectParams(connectParams))
	if err != nil {
		log.Fatal(err)
	}
	tell := newTeller()
	agent := reverse.Agent{
		Name:      *name,
		Registry:  functions(*name, tell),
		FirstID:   *firstID,
		Reconnect: *reconnect,
		Connected: func() { tell("connected", nil) },
		Disconnected: func(err error) {
			tell("disconnected", fields{"code": status.Code(err).String(), "message": status.Convert(err).Message()})
		},
		Requested: func(request *rpcv1.Request) {
			if *requests {
				tell("request", fields{
					"id":        request.GetId(),
					"type":      request.GetPayload().GetTypeUrl(),
					"timeoutMs": request.GetTimeout().AsDuration().Milliseconds(),
				})
			}
		},
		Cancelled: func(id uint64, known bool) { tell("cancel", fields{"id": id, "known": known}) },
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	agent.Run(ctx, conn)
}

func functions(name string, tell teller) reverse.Registry {
	registry := reverse.Registry{}
	// StringValue: in capitals.
	register(registry, func(_ context.Context, text *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
		return wrapperspb.String(strings.ToUpper(text.Value)), nil
	})
	// Struct: the same.
	register(registry, func(_ context.Context, value *structpb.Struct) (*structpb.Struct, error) { return value, nil })
	// BytesValue: the same.
	register(registry, func(_ context.Context, value *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
		return value, nil
	})
	// UInt32Value: as many bytes.
	register(registry, func(_ context.Context, size *wrapperspb.UInt32Value) (*wrapperspb.BytesValue, error) {
		return wrapperspb.Bytes(make([]byte, size.Value)), nil
	})
	// Empty: the name of the agent.
	register(registry, func(context.Context, *emptypb.Empty) (*wrapperspb.StringValue, error) {
		return wrapperspb.String(name), nil
	})
	// Int64Value: the error of that code with the number as a detail; an error without a code for 0.
	register(registry, func(_ context.Context, code *wrapperspb.Int64Value) (*emptypb.Empty, error) {
		if code.Value == 0 {
			return nil, errors.New("failed without a code")
		}
		answer, err := status.Newf(codes.Code(code.Value), "failed as asked: %d", code.Value).WithDetails(code)
		if err != nil {
			return nil, err
		}
		return nil, answer.Err()
	})
	// Duration: sleeps that long, and tells how it ended.
	register(registry, func(ctx context.Context, duration *durationpb.Duration) (*wrapperspb.StringValue, error) {
		deadline, _ := ctx.Deadline()
		tell("sleeping", fields{"leftMs": time.Until(deadline).Milliseconds()})
		select {
		case <-ctx.Done():
			tell("slept", fields{"end": ctx.Err().Error()})
			return nil, ctx.Err()
		case <-time.After(duration.AsDuration()):
			tell("slept", fields{"end": "done"})
			return wrapperspb.String("slept"), nil
		}
	})
	return registry
}

// register is for functions of types that differ.
func register[Req, Resp proto.Message](registry reverse.Registry, function func(context.Context, Req) (Resp, error)) {
	if err := reverse.Register(registry, function); err != nil {
		log.Fatal(err)
	}
}

type fields = map[string]any

// teller prints one event, from any goroutine.
type teller func(event string, about fields)

func newTeller() teller {
	var mu sync.Mutex
	lines := json.NewEncoder(os.Stdout)
	return func(event string, about fields) {
		line := fields{"event": event}
		for name, value := range about {
			line[name] = value
		}
		mu.Lock()
		defer mu.Unlock()
		lines.Encode(line)
	}
}
