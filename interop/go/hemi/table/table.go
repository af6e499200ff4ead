// Package table has the commands that both programs speak, as an API of the original: interop/hemi-methods.ts has the
// same ones.
package table

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/hemilabs/heminetwork/v2/api"
	"github.com/hemilabs/heminetwork/v2/api/protocol"
)

const (
	Ping      protocol.Command = "t-ping-request"
	Pong      protocol.Command = "t-ping-response"
	Add       protocol.Command = "t-add-request"
	Echo      protocol.Command = "t-echo-request"
	Fail      protocol.Command = "t-fail-request"
	Who       protocol.Command = "t-who-request"
	Wait      protocol.Command = "t-wait-request"
	Blob      protocol.Command = "t-blob-request"
	Job       protocol.Command = "t-job-request"
	Unserved  protocol.Command = "t-unserved-request"
	JobUpdate protocol.Command = "t-job-update-notification"
)

type (
	PingRequest  protocol.PingRequest
	PingResponse protocol.PingResponse

	AddRequest struct {
		A int64 `json:"a"`
		B int64 `json:"b"`
	}
	AddResponse struct {
		Sum   int64           `json:"sum"`
		Error *protocol.Error `json:"error,omitempty"`
	}

	// Shapes is a value of every kind that the original's commands have.
	Shapes struct {
		Text   string           `json:"text"`
		Number int64            `json:"number"`
		Amount uint64           `json:"amount"`
		Ratio  float64          `json:"ratio"`
		Is     bool             `json:"is"`
		Bytes  api.ByteSlice    `json:"bytes"`
		List   []string         `json:"list"`
		Table  map[string]int64 `json:"table"`
		Inner  *Shapes          `json:"inner"`
	}
	EchoRequest struct {
		Shapes
	}
	EchoResponse struct {
		Shapes
		Error *protocol.Error `json:"error,omitempty"`
	}

	// FailRequest says how to fail: request, notFound, internal or nothing, which is no answer at all.
	FailRequest struct {
		How  string `json:"how"`
		Text string `json:"text"`
	}
	FailResponse struct {
		Error *protocol.Error `json:"error,omitempty"`
	}

	WhoRequest  struct{}
	WhoResponse struct {
		PublicKey string `json:"public_key"`
	}

	WaitRequest struct {
		Ms int64 `json:"ms"`
	}
	WaitResponse struct {
		Ms    int64           `json:"ms"`
		Error *protocol.Error `json:"error,omitempty"`
	}

	BlobRequest struct {
		Size int    `json:"size"`
		Data string `json:"data"`
	}
	BlobResponse struct {
		Data string `json:"data"`
	}

	// JobRequest is answered by a JobUpdateNotification with the id of the request; more of them come with the job's id.
	JobRequest struct {
		Job string `json:"job"`
	}
	JobUpdateNotification struct {
		State string `json:"state"`
	}

	// UnservedRequest is known, and nobody serves it.
	UnservedRequest  struct{}
	UnservedResponse struct {
		Error *protocol.Error `json:"error,omitempty"`
	}

	TxNotification struct {
		TxID string `json:"tx_id"`
		N    int    `json:"n"`
	}
	// KeystonesNotification says nothing, as those of v0.2 did.
	KeystonesNotification struct{}
)

// API is the table as the original takes it.
type API struct{}

var _ protocol.API = API{}

// Commands implements protocol.API.
func (API) Commands() map[protocol.Command]reflect.Type {
	return map[protocol.Command]reflect.Type{
		Ping:                       reflect.TypeFor[PingRequest](),
		Pong:                       reflect.TypeFor[PingResponse](),
		Add:                        reflect.TypeFor[AddRequest](),
		"t-add-response":           reflect.TypeFor[AddResponse](),
		Echo:                       reflect.TypeFor[EchoRequest](),
		"t-echo-response":          reflect.TypeFor[EchoResponse](),
		Fail:                       reflect.TypeFor[FailRequest](),
		"t-fail-response":          reflect.TypeFor[FailResponse](),
		Who:                        reflect.TypeFor[WhoRequest](),
		"t-who-response":           reflect.TypeFor[WhoResponse](),
		Wait:                       reflect.TypeFor[WaitRequest](),
		"t-wait-response":          reflect.TypeFor[WaitResponse](),
		Blob:                       reflect.TypeFor[BlobRequest](),
		"t-blob-response":          reflect.TypeFor[BlobResponse](),
		Job:                        reflect.TypeFor[JobRequest](),
		JobUpdate:                  reflect.TypeFor[JobUpdateNotification](),
		Unserved:                   reflect.TypeFor[UnservedRequest](),
		"t-unserved-response":      reflect.TypeFor[UnservedResponse](),
		"t-tx-notification":        reflect.TypeFor[TxNotification](),
		"t-keystones-notification": reflect.TypeFor[KeystonesNotification](),
	}
}

// Payload makes the payload of a command, a pointer, of its JSON.
func Payload(command protocol.Command, text json.RawMessage) (any, error) {
	kind, ok := API{}.Commands()[command]
	if !ok {
		return nil, fmt.Errorf("no command is called %q", command)
	}
	payload := reflect.New(kind).Interface()
	if len(text) == 0 {
		return payload, nil
	}
	return payload, json.Unmarshal(text, payload)
}
