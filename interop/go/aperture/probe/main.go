// Command probe looks at a controller from below: it says what no agent says, and asks for its health. It prints
// {"ok":[...]} with the names of its checks, or fails with what it found.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"convoke.test/interop/aperture/rpcv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func main() {
	address := flag.String("address", "", "host:port of the controller")
	flag.Parse()
	conn, err := grpc.NewClient(*address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	checks := []struct {
		name string
		run  func(context.Context, *grpc.ClientConn) error
	}{
		{"response before hello", responseFirst},
		{"nothing before hello", nothingFirst},
		{"two hellos", twoHellos},
		{"unknown messages", unknownMessages},
		{"answers nobody asked for", unasked},
		{"end of the stream", endOfStream},
		{"health", healthChecks},
		{"health watch", healthWatch},
	}
	done := []string{}
	for _, check := range checks {
		ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
		err := check.run(ctx, conn)
		stop()
		if err != nil {
			log.Fatalf("%s: %v", check.name, err)
		}
		done = append(done, check.name)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"ok": done})
}

func hello(name string) *rpcv1.ClientToServer {
	return &rpcv1.ClientToServer{Msg: &rpcv1.ClientToServer_Hello_{Hello: &rpcv1.ClientToServer_Hello{Name: name}}}
}

func response(id uint64) *rpcv1.ClientToServer {
	answer := &rpcv1.Response{Id: id, Result: &rpcv1.Response_Payload{}}
	return &rpcv1.ClientToServer{Msg: &rpcv1.ClientToServer_Response{Response: answer}}
}

// connected opens a stream and sends messages.
func connected(
	ctx context.Context, conn *grpc.ClientConn, messages ...*rpcv1.ClientToServer,
) (rpcv1.Coordinator_ConnectClient, error) {
	stream, err := rpcv1.NewCoordinatorClient(conn).Connect(ctx)
	for _, message := range messages {
		if err == nil {
			err = stream.Send(message)
		}
	}
	// What the server says against a message is had by receiving.
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return stream, err
}

// ends waits for the end of a stream, with this code.
func ends(stream rpcv1.Coordinator_ConnectClient, err error, want codes.Code) error {
	if err != nil {
		return err
	}
	for err == nil {
		_, err = stream.Recv()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if got := status.Code(err); got != want {
		return fmt.Errorf("the stream ended with %v (%v) instead of %v", got, err, want)
	}
	return nil
}

// isOpen says whether a stream that is asked to end well does so.
func isOpen(stream rpcv1.Coordinator_ConnectClient, err error) error {
	if err == nil {
		err = stream.CloseSend()
	}
	return ends(stream, err, codes.OK)
}

func responseFirst(ctx context.Context, conn *grpc.ClientConn) error {
	stream, err := connected(ctx, conn, response(0))
	return ends(stream, err, codes.InvalidArgument)
}

func nothingFirst(ctx context.Context, conn *grpc.ClientConn) error {
	stream, err := connected(ctx, conn, &rpcv1.ClientToServer{})
	return ends(stream, err, codes.InvalidArgument)
}

func twoHellos(ctx context.Context, conn *grpc.ClientConn) error {
	stream, err := connected(ctx, conn, hello("probe-twice"), hello("probe-twice"))
	return ends(stream, err, codes.InvalidArgument)
}

func unknownMessages(ctx context.Context, conn *grpc.ClientConn) error {
	unknown := &rpcv1.ClientToServer{}
	field := protowire.AppendString(protowire.AppendTag(nil, 15, protowire.BytesType), "of a later version")
	if err := proto.Unmarshal(field, unknown); err != nil {
		return err
	}
	stream, err := connected(ctx, conn, hello("probe-unknown"), unknown, &rpcv1.ClientToServer{})
	return isOpen(stream, err)
}

func unasked(ctx context.Context, conn *grpc.ClientConn) error {
	stream, err := connected(ctx, conn, hello("probe-unasked"), response(0), response(7), response(1<<63))
	return isOpen(stream, err)
}

func endOfStream(ctx context.Context, conn *grpc.ClientConn) error {
	stream, err := connected(ctx, conn, hello("probe-end"))
	return isOpen(stream, err)
}

func healthChecks(ctx context.Context, conn *grpc.ClientConn) error {
	client := healthv1.NewHealthClient(conn)
	for _, service := range []string{"", rpcv1.Coordinator_ServiceDesc.ServiceName} {
		answer, err := client.Check(ctx, &healthv1.HealthCheckRequest{Service: service})
		if err != nil {
			return fmt.Errorf("%q: %w", service, err)
		}
		if answer.GetStatus() != healthv1.HealthCheckResponse_SERVING {
			return fmt.Errorf("%q is %v", service, answer.GetStatus())
		}
	}
	_, err := client.Check(ctx, &healthv1.HealthCheckRequest{Service: "no.such.Service"})
	if status.Code(err) != codes.NotFound {
		return fmt.Errorf("a service that is not there: %v", err)
	}
	return nil
}

func healthWatch(ctx context.Context, conn *grpc.ClientConn) error {
	for service, want := range map[string]healthv1.HealthCheckResponse_ServingStatus{
		"": healthv1.HealthCheckResponse_SERVING,
		rpcv1.Coordinator_ServiceDesc.ServiceName: healthv1.HealthCheckResponse_SERVING,
		"no.such.Service":                         healthv1.HealthCheckResponse_SERVICE_UNKNOWN,
	} {
		watch, err := healthv1.NewHealthClient(conn).Watch(ctx, &healthv1.HealthCheckRequest{Service: service})
		if err != nil {
			return err
		}
		answer, err := watch.Recv()
		if err != nil {
			return fmt.Errorf("%q: %w", service, err)
		}
		if answer.GetStatus() != want {
			return fmt.Errorf("%q is %v", service, answer.GetStatus())
		}
	}
	return nil
}
