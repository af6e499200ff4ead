package reverse

import (
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"convoke.test/interop/aperture/rpcv1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Clients is the controller: who is connected, and the calls to them. It is the service Coordinator. What the original
// kept to itself is different here: no lock of all clients is held while something is sent, and Call gives the agent's
// error too, which the original lost (its CallAll did not).
type Clients struct {
	rpcv1.UnimplementedCoordinatorServer
	// What the controller tells: somebody came or went; a response came that nobody waits for.
	Joined     func(name string)
	Left       func(name string)
	Unexpected func(name string, response *rpcv1.Response)

	mu     sync.Mutex
	byName map[string]*client
}

// NewClients makes one that tells nothing.
func NewClients() *Clients {
	return &Clients{
		Joined:     func(string) {},
		Left:       func(string) {},
		Unexpected: func(string, *rpcv1.Response) {},
		byName:     make(map[string]*client),
	}
}

// Result is the outcome of one client's call. A nil Err is success.
type Result struct {
	Client  string
	Payload []byte
	Err     error
}

// Connect is a client's stream.
func (c *Clients) Connect(stream rpcv1.Coordinator_ConnectServer) error {
	first, err := stream.Recv()
	if err != nil {
		return endOf(err)
	}
	hello, ok := first.GetMsg().(*rpcv1.ClientToServer_Hello_)
	if !ok {
		return status.Error(codes.InvalidArgument, "expected hello msg")
	}
	client := &client{
		name:     hello.Hello.GetName(),
		stream:   stream,
		nextID:   hello.Hello.GetNextId(),
		pending:  make(map[uint64]chan<- *rpcv1.Response),
		replaced: make(chan struct{}),
	}
	c.join(client)
	defer c.leave(client)
	ended := make(chan error, 1)
	go func() { ended <- c.receive(client) }()
	select {
	case err := <-ended:
		return endOf(err)
	case <-client.replaced:
		// The old client is not told why.
		return nil
	}
}

func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (c *Clients) join(client *client) {
	c.mu.Lock()
	old := c.byName[client.name]
	c.byName[client.name] = client
	c.mu.Unlock()
	if old != nil {
		close(old.replaced)
	}
	c.Joined(client.name)
}

func (c *Clients) leave(client *client) {
	c.mu.Lock()
	if c.byName[client.name] == client {
		delete(c.byName, client.name)
	}
	c.mu.Unlock()
	client.disconnected()
	c.Left(client.name)
}

func (c *Clients) receive(client *client) error {
	for {
		message, err := client.stream.Recv()
		if err != nil {
			return err
		}
		switch message := message.GetMsg().(type) {
		case *rpcv1.ClientToServer_Hello_:
			return status.Error(codes.InvalidArgument, "unexpected hello")
		case *rpcv1.ClientToServer_Response:
			if waiting := client.take(message.Response.GetId()); waiting != nil {
				waiting <- message.Response
			} else {
				c.Unexpected(client.name, message.Response)
			}
		}
	}
}

// List has the names, sorted.
func (c *Clients) List() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, 0, len(c.byName))
	for name := range c.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Call waits until the answer, the end of its time, or cancelled. The end of the time is not told to the client, which
// has been told how long it had; the original waited 5 s, and cancelled never.
func (c *Clients) Call(name string, payload *anypb.Any, timeout time.Duration, cancelled <-chan time.Time) Result {
	client, err := c.find(name)
	if err != nil {
		return Result{Client: name, Err: err}
	}
	result, err := client.call(payload, timeout, cancelled)
	return Result{name, result, err}
}

// CallAll calls everybody who is there when it begins: one result for each, in the order of arrival.
func (c *Clients) CallAll(payload *anypb.Any, timeout time.Duration) []Result {
	names := c.List()
	arrived := make(chan Result, len(names))
	for _, name := range names {
		go func() { arrived <- c.Call(name, payload, timeout, nil) }()
	}
	results := make([]Result, 0, len(names))
	for range names {
		results = append(results, <-arrived)
	}
	return results
}

// Send sends any command, which the original cannot.
func (c *Clients) Send(name string, command *rpcv1.ServerToClient) error {
	client, err := c.find(name)
	if err != nil {
		return err
	}
	return client.send(command)
}

func (c *Clients) find(name string) (*client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.byName[name]; client != nil {
		return client, nil
	}
	return nil, status.Error(codes.NotFound, "client not found")
}

// client is one stream.
type client struct {
	name     string
	replaced chan struct{}
	// sending guards the stream, which takes one writer at a time.
	sending sync.Mutex
	stream  rpcv1.Coordinator_ConnectServer

	mu     sync.Mutex
	nextID uint64
	// pending is nil once the client has gone.
	pending map[uint64]chan<- *rpcv1.Response
}

func (c *client) call(payload *anypb.Any, timeout time.Duration, cancelled <-chan time.Time) ([]byte, error) {
	// Ids go up in the order in which the requests are sent.
	c.sending.Lock()
	id, answer := c.expect()
	var err error
	if answer != nil {
		err = c.stream.Send(&rpcv1.ServerToClient{Command: &rpcv1.ServerToClient_Request{Request: &rpcv1.Request{
			Id: id, Timeout: durationpb.New(timeout), Payload: payload,
		}}})
	}
	c.sending.Unlock()
	if answer == nil || err != nil {
		return nil, status.Error(codes.Canceled, "client disconnected")
	}
	select {
	case response, ok := <-answer:
		switch {
		case !ok:
			return nil, status.Error(codes.Canceled, "client disconnected")
		case response.GetError() != nil:
			return nil, status.ErrorProto(response.GetError())
		default:
			return response.GetPayload(), nil
		}
	case <-time.After(timeout):
		c.take(id)
		return nil, status.Error(codes.DeadlineExceeded, "timeout")
	case <-cancelled:
		c.take(id)
		c.send(&rpcv1.ServerToClient{Command: &rpcv1.ServerToClient_CancelId{CancelId: id}})
		return nil, status.Error(codes.Canceled, "cancelled")
	}
}

func (c *client) send(command *rpcv1.ServerToClient) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.stream.Send(command)
}

// expect gives the next id and where its answer will come; nil when the client has gone.
func (c *client) expect() (uint64, <-chan *rpcv1.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil {
		return 0, nil
	}
	id := c.nextID
	c.nextID++
	answer := make(chan *rpcv1.Response, 1)
	c.pending[id] = answer
	return id, answer
}

// take gives whoever waits for an answer, and forgets it; nil when nobody does.
func (c *client) take(id uint64) chan<- *rpcv1.Response {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.pending[id]
	delete(c.pending, id)
	return waiting
}

func (c *client) disconnected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, waiting := range c.pending {
		close(waiting)
	}
	c.pending = nil
}
