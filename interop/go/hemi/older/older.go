// Package older is the handshake as v0.2 of the original has it on the wire: the ids have a space behind their colon, and
// the hello has no user agent. What it says is the original's otherwise.
package older

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/hemilabs/heminetwork/v2/api/auth"
	"github.com/hemilabs/heminetwork/v2/api/protocol"
)

// Authenticator is the original's with other bytes.
type Authenticator struct {
	*auth.Secp256k1Auth
}

// HandshakeClient implements protocol.Authenticator.
func (authenticator Authenticator) HandshakeClient(ctx context.Context, connection protocol.APIConn) error {
	return authenticator.Secp256k1Auth.HandshakeClient(ctx, rewriting{connection})
}

// HandshakeServer implements protocol.Authenticator.
func (authenticator Authenticator) HandshakeServer(ctx context.Context, connection protocol.APIConn) error {
	return authenticator.Secp256k1Auth.HandshakeServer(ctx, rewriting{connection})
}

// rewriting changes what is written.
type rewriting struct {
	protocol.APIConn
}

// WriteJSON implements protocol.APIConn.
func (connection rewriting) WriteJSON(ctx context.Context, value any) error {
	message, ok := value.(*protocol.Message)
	if !ok {
		return connection.APIConn.WriteJSON(ctx, value)
	}
	rewritten := *message
	rewritten.Header.ID = strings.Replace(message.Header.ID, ":", ": ", 1)
	if message.Header.Command == auth.CmdSecp256k1Hello {
		var hello auth.Secp256k1Hello
		err := json.Unmarshal(message.Payload, &hello)
		if err != nil {
			return err
		}
		hello.UserAgent = ""
		if rewritten.Payload, err = json.Marshal(hello); err != nil {
			return err
		}
	}
	return connection.APIConn.WriteJSON(ctx, &rewritten)
}
