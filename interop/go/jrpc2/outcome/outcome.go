// Package outcome shows what a call came to as JSON can.
package outcome

import (
	"encoding/json"
	"errors"

	"github.com/creachadair/jrpc2"
)

// Of shows a reply, or the error in its place.
func Of(reply *jrpc2.Response, err error) map[string]any {
	if err == nil && reply.Error() != nil {
		err = reply.Error()
	}
	var wire *jrpc2.Error
	if errors.As(err, &wire) {
		return map[string]any{"code": wire.Code, "message": wire.Message, "data": wire.Data}
	}
	if err != nil {
		return map[string]any{"failed": err.Error()}
	}
	return map[string]any{"id": json.RawMessage(reply.ID()), "result": json.RawMessage(reply.ResultString())}
}
