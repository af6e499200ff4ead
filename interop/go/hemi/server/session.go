package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"convoke.test/interop/hemi/lines"
	"convoke.test/interop/hemi/older"
	"convoke.test/interop/hemi/table"
	"github.com/coder/websocket"
	"github.com/hemilabs/heminetwork/v2/api/auth"
	"github.com/hemilabs/heminetwork/v2/api/protocol"
)

const requestTimeout = 10 * time.Second

// server is what all sessions share.
type server struct {
	isOlder bool
	isEarly bool
	out     *lines.Printer

	mutex    sync.Mutex
	sessions map[*session]bool
	// keys is nil where nobody has to prove one.
	keys []string
}

// session is one link.
type session struct {
	ws        *websocket.Conn
	conn      *protocol.WSConn
	publicKey string
}

func (it *server) setKeys(keys []string) {
	it.mutex.Lock()
	defer it.mutex.Unlock()
	it.keys = keys
}

func (it *server) all() []*session {
	it.mutex.Lock()
	defer it.mutex.Unlock()
	all := []*session{}
	for each := range it.sessions {
		all = append(all, each)
	}
	return all
}

func (it *server) handle(writer http.ResponseWriter, request *http.Request) {
	ws, err := websocket.Accept(writer, request, &websocket.AcceptOptions{
		CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		return
	}
	defer ws.Close(websocket.StatusNormalClosure, "")
	each := &session{ws: ws, conn: protocol.NewWSConn(ws)}
	if each.publicKey, err = it.authenticate(request.Context(), each.conn); err != nil {
		it.out.Print(lines.Failed(lines.Line{"event": "refused"}, err))
		return
	}
	it.mutex.Lock()
	it.sessions[each] = true
	it.mutex.Unlock()
	err = it.serve(request.Context(), each)
	it.mutex.Lock()
	delete(it.sessions, each)
	it.mutex.Unlock()
	it.out.Print(lines.Failed(lines.Line{"event": "left"}, err))
}

// authenticate gives the key that was proven, and none where nobody has to.
func (it *server) authenticate(ctx context.Context, conn *protocol.WSConn) (string, error) {
	it.mutex.Lock()
	keys := it.keys
	it.mutex.Unlock()
	if keys == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, protocol.WSHandshakeTimeout)
	defer cancel()
	authenticator, err := auth.NewSecp256k1AuthServer()
	if err != nil {
		return "", err
	}
	var half protocol.Authenticator = authenticator
	if it.isOlder {
		half = older.Authenticator{Secp256k1Auth: authenticator}
	}
	if err := half.HandshakeServer(ctx, conn); err != nil {
		return "", err
	}
	key := hex.EncodeToString(authenticator.RemotePublicKey().SerializeCompressed())
	if slices.Contains(keys, key) {
		return key, nil
	}
	conn.CloseStatus(protocol.ErrPublicKeyAuth.Code, protocol.ErrPublicKeyAuth.Reason)
	return "", fmt.Errorf("nobody knows the key %v", key)
}

// serve says the first ping and answers requests until the link ends; it says why.
func (it *server) serve(ctx context.Context, each *session) error {
	if it.isEarly {
		if err := protocol.Write(ctx, each.conn, table.API{}, "", &table.KeystonesNotification{}); err != nil {
			return err
		}
	}
	ping := &table.PingRequest{Timestamp: time.Now().Unix()}
	if err := protocol.Write(ctx, each.conn, table.API{}, "0", ping); err != nil {
		return err
	}
	it.out.Print(lines.Line{"event": "joined", "publicKey": each.publicKey})
	for {
		name, id, payload, err := protocol.Read(ctx, each.conn, table.API{})
		if err != nil {
			return err
		}
		if name == table.Pong {
			it.out.Print(lines.Line{"event": "pong", "wireId": id, "payload": payload})
			continue
		}
		if !isServed(name) {
			return fmt.Errorf("unknown command: %v", name)
		}
		it.out.Print(lines.Line{"event": "request", "command": name, "wireId": id})
		go it.answer(ctx, each, id, payload)
	}
}

func isServed(name protocol.Command) bool {
	return strings.HasSuffix(string(name), "-request") && name != table.Unserved
}

func (it *server) answer(ctx context.Context, each *session, id string, payload any) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response := responseTo(ctx, each, payload)
	if response == nil {
		return
	}
	if err := protocol.Write(ctx, each.conn, table.API{}, id, response); err != nil {
		it.out.Print(lines.Failed(lines.Line{"event": "unwritten", "wireId": id}, err))
	}
}

// responseTo gives the payload of the answer; nil is no answer.
func responseTo(ctx context.Context, each *session, payload any) any {
	switch request := payload.(type) {
	case *table.PingRequest:
		return &table.PingResponse{OriginTimestamp: request.Timestamp, Timestamp: time.Now().Unix()}
	case *table.AddRequest:
		return &table.AddResponse{Sum: request.A + request.B}
	case *table.EchoRequest:
		return &table.EchoResponse{Shapes: request.Shapes}
	case *table.FailRequest:
		return failureOf(request)
	case *table.WhoRequest:
		return &table.WhoResponse{PublicKey: each.publicKey}
	case *table.WaitRequest:
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(request.Ms) * time.Millisecond):
		}
		return &table.WaitResponse{Ms: request.Ms}
	case *table.BlobRequest:
		return &table.BlobResponse{Data: strings.Repeat("x", request.Size)}
	case *table.JobRequest:
		return &table.JobUpdateNotification{State: "pending"}
	default:
		return nil
	}
}

func failureOf(request *table.FailRequest) any {
	switch request.How {
	case "request":
		return &table.FailResponse{Error: protocol.RequestErrorf("%v", request.Text)}
	case "notFound":
		return &table.FailResponse{Error: protocol.NotFoundError("tx", request.Text)}
	case "internal":
		return &table.FailResponse{Error: protocol.NewInternalError(errors.New(request.Text)).ProtocolError()}
	default:
		return nil
	}
}
