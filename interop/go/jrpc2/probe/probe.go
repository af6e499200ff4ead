// Package probe is the service that jrpc2's cases were observed with, and a few methods more.
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/handler"
)

type xy struct {
	X int    `json:"x"`
	Y string `json:"y"`
}

func fails(err error) jrpc2.Handler {
	return func(context.Context, *jrpc2.Request) (any, error) { return nil, err }
}

// New makes the methods of one connection.
func New() handler.Map {
	var mu sync.Mutex
	var lines []string
	write := func(more ...string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, more...)
	}
	return handler.Map{
		"X":     handler.New(func(context.Context) (string, error) { return "OK", nil }),
		"Y":     func(context.Context, *jrpc2.Request) (any, error) { return nil, nil },
		"Empty": func(context.Context, *jrpc2.Request) (any, error) { return nil, nil },
		"Echo": func(_ context.Context, req *jrpc2.Request) (any, error) {
			if !req.HasParams() {
				return nil, nil
			}
			return json.RawMessage(req.ParamString()), nil
		},
		"ID": func(_ context.Context, req *jrpc2.Request) (any, error) {
			return []any{req.ID(), req.IsNotification(), req.HasParams(), req.Method()}, nil
		},
		"Args":   handler.New(func(_ context.Context, args []int) (int, error) { return len(args), nil }),
		"Struct": handler.New(func(_ context.Context, it xy) (xy, error) { return it, nil }),
		"Pos": handler.NewPos(func(_ context.Context, first, second int) (int, error) {
			return first - second, nil
		}, "first", "second"),
		"Sleep": handler.New(func(ctx context.Context, ms []int) (int, error) {
			select {
			case <-time.After(time.Duration(ms[0]) * time.Millisecond):
				return ms[0], nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}),
		"Html":     func(context.Context, *jrpc2.Request) (any, error) { return "<a&b>\u2028é", nil },
		"Plain":    fails(errors.New("plain <failure> & co")),
		"Err":      fails(jrpc2.Errorf(-32000, "boom %d", 1).WithData(map[string]int{"a": 1})),
		"ErrCode":  fails(jrpc2.Code(12345).Err()),
		"ErrNoErr": fails(&jrpc2.Error{Code: jrpc2.NoError, Message: "noerr"}),
		"ErrEmpty": fails(&jrpc2.Error{Code: 3}),
		"ErrZero":  fails(&jrpc2.Error{}),
		"ErrStd":   fails(jrpc2.InvalidParams.Err()),
		"ParseErr": fails(jrpc2.Errorf(jrpc2.ParseError, "handler parse")),
		"InvReq":   fails(jrpc2.Errorf(jrpc2.InvalidRequest, "handler inv")),
		"NotFound": fails(jrpc2.Errorf(jrpc2.MethodNotFound, "handler nf")),
		"Cancel":   fails(context.Canceled),
		"Deadline": fails(fmt.Errorf("w: %w", context.DeadlineExceeded)),

		// What follows is not of the probe service.
		"Notify": func(ctx context.Context, req *jrpc2.Request) (any, error) {
			return nil, jrpc2.ServerFromContext(ctx).Notify(ctx, "note", []int{1})
		},
		"CB": func(ctx context.Context, req *jrpc2.Request) (any, error) {
			reply, err := jrpc2.ServerFromContext(ctx).Callback(ctx, "cb", map[string]int{"q": 2})
			if err != nil {
				return nil, err
			}
			return json.RawMessage(reply.ResultString()), nil
		},
		"Late": handler.New(func(_ context.Context, line []string) error {
			time.Sleep(30 * time.Millisecond)
			write(line...)
			return nil
		}),
		"Lines": handler.New(func(context.Context) ([]string, error) {
			mu.Lock()
			defer mu.Unlock()
			return lines, nil
		}),
		"CancelMe": handler.New(func(ctx context.Context, it struct {
			ID json.RawMessage `json:"id"`
		}) error {
			jrpc2.ServerFromContext(ctx).CancelRequest(string(it.ID))
			write("cancelled " + string(it.ID))
			return nil
		}),
	}
}
