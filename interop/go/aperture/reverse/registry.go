// Package reverse is Aperture's reverse RPC on grpc-go: agents dial, and the controller calls them over the stream that
// they opened. It stands in for pkg/rpc of github.com/fluxninja/aperture/v2, which the module proxy does not give out
// (README.md says what was tried), and does on the wire what that package did, including what it did badly.
package reverse

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

type handler func(ctx context.Context, payload []byte) ([]byte, error)

// Registry has the functions of an agent, one for each type of request. It is filled before the agent runs.
type Registry map[protoreflect.FullName]handler

// Register has requests of type Req answered by a function. A type can have one function only.
func Register[Req, Resp proto.Message](registry Registry, function func(context.Context, Req) (Resp, error)) error {
	var none Req
	kind := none.ProtoReflect().Type()
	name := kind.Descriptor().FullName()
	if _, taken := registry[name]; taken {
		return fmt.Errorf("there is a function for %s already", name)
	}
	registry[name] = func(ctx context.Context, payload []byte) ([]byte, error) {
		request := kind.New().Interface().(Req)
		if err := proto.Unmarshal(payload, request); err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
		response, err := function(ctx, request)
		if err != nil {
			return nil, err
		}
		result, err := proto.Marshal(response)
		if err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
		return result, nil
	}
	return nil
}

func (r Registry) call(ctx context.Context, payload *anypb.Any) ([]byte, error) {
	name := payload.MessageName()
	handle, found := r[name]
	if !found {
		return nil, status.Errorf(codes.Unavailable, "no handler for type %s", name)
	}
	return handle(ctx, payload.GetValue())
}
