package reverse

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"convoke.test/interop/aperture/rpcv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// waitingResponses is how many answers wait for the stream.
const waitingResponses = 64

// Agent keeps a stream to one controller, and answers what comes on it.
type Agent struct {
	Name     string
	Registry Registry
	// FirstID is asked for in the hello; the original asks for 0.
	FirstID uint64
	// Reconnect is the pause after each end of a stream; the original has 10 s.
	Reconnect time.Duration

	// What the agent tells: the hello is sent, the stream has ended, a request came, a cancel_id came.
	Connected    func()
	Disconnected func(error)
	Requested    func(*rpcv1.Request)
	Cancelled    func(id uint64, known bool)
}

// Run connects again and again until the context ends.
func (a *Agent) Run(ctx context.Context, conn grpc.ClientConnInterface) {
	for ctx.Err() == nil {
		err := a.session(ctx, rpcv1.NewCoordinatorClient(conn))
		if errors.Is(err, io.EOF) {
			err = nil
		}
		a.Disconnected(err)
		select {
		case <-ctx.Done():
		case <-time.After(a.Reconnect):
		}
	}
}

// session is one stream, with a dispatcher of its own.
func (a *Agent) session(ctx context.Context, client rpcv1.CoordinatorClient) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := client.Connect(ctx)
	if err != nil {
		return err
	}
	hello := &rpcv1.ClientToServer_Hello{Name: a.Name, NextId: a.FirstID}
	if err := stream.Send(&rpcv1.ClientToServer{Msg: &rpcv1.ClientToServer_Hello_{Hello: hello}}); err != nil {
		_, err = stream.Recv()
		return err
	}
	a.Connected()
	d := &dispatcher{
		agent:     a,
		responses: make(chan *rpcv1.Response, waitingResponses),
		over:      ctx.Done(),
		running:   make(map[uint64]context.CancelFunc),
	}
	go d.send(stream)
	for {
		command, err := stream.Recv()
		if err != nil {
			return err
		}
		switch command := command.Command.(type) {
		case *rpcv1.ServerToClient_Request:
			a.Requested(command.Request)
			d.start(ctx, command.Request)
		case *rpcv1.ServerToClient_CancelId:
			a.Cancelled(command.CancelId, d.cancel(command.CancelId))
		}
	}
}

// dispatcher has the requests of one stream.
type dispatcher struct {
	agent     *Agent
	responses chan *rpcv1.Response
	// over is closed when the stream has ended.
	over    <-chan struct{}
	mu      sync.Mutex
	running map[uint64]context.CancelFunc
}

// start handles a request in a goroutine of its own. A request without a timeout has none left.
func (d *dispatcher) start(ctx context.Context, request *rpcv1.Request) {
	ctx, cancel := context.WithTimeout(ctx, request.GetTimeout().AsDuration())
	id := request.GetId()
	d.mu.Lock()
	// Of two with one id the first to finish answers; a cancel meets the second.
	d.running[id] = cancel
	d.mu.Unlock()
	go func() {
		defer cancel()
		result, err := d.agent.Registry.call(ctx, request.GetPayload())
		d.mu.Lock()
		_, wanted := d.running[id]
		delete(d.running, id)
		d.mu.Unlock()
		if !wanted {
			return
		}
		select {
		case d.responses <- responseOf(id, result, err):
		case <-d.over:
		}
	}()
}

// cancel says whether there was such a request. It is not answered.
func (d *dispatcher) cancel(id uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	cancel, known := d.running[id]
	if known {
		delete(d.running, id)
		cancel()
	}
	return known
}

// send writes the answers until the stream ends, and drops those that come later.
func (d *dispatcher) send(stream rpcv1.Coordinator_ConnectClient) {
	for {
		select {
		case <-d.over:
			return
		case response := <-d.responses:
			if stream.Send(&rpcv1.ClientToServer{Msg: &rpcv1.ClientToServer_Response{Response: response}}) != nil {
				return
			}
		}
	}
}

// responseOf makes the code Unknown of an error that has none, be it a context's.
func responseOf(id uint64, result []byte, err error) *rpcv1.Response {
	if err == nil {
		return &rpcv1.Response{Id: id, Result: &rpcv1.Response_Payload{Payload: result}}
	}
	answer, _ := status.FromError(err)
	return &rpcv1.Response{Id: id, Result: &rpcv1.Response_Error{Error: answer.Proto()}}
}
