package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// answered is what an HTTP server says to a record.
type answered struct{ status, contentType, body string }

func (a answered) String() string { return fmt.Sprintf("%s, %s: %s", a.status, a.contentType, a.body) }

func post(url, record string) answered {
	reply, err := http.Post(url, "application/json", strings.NewReader(record))
	if err != nil {
		log.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		log.Fatal(err)
	}
	return answered{reply.Status, reply.Header.Get("Content-Type"), string(body)}
}

// sameHTTP compares what can be the same, and what may differ on purpose in one way only:
//   - A handler of a bridge sees the bridge's own ids (case 195), ours those of its caller.
//   - Go writes ids with the characters of HTML escaped when they have crossed a bridge.
//   - A request without a method name is not invalid for Go's bridge, and is for ours: without an id only ours answers it. In
//     a batch its error stands among the replies there, and before them here; that of unknown fields, which only a strict
//     server minds here, the other way round (case 194).
func sameHTTP(theirs, ours answered) bool {
	their, our := membersOf(theirs.body), membersOf(ours.body)
	if theirs.status == "204 No Content" && our != nil && len(our) == 0 {
		return true
	}
	if theirs.status != ours.status || theirs.contentType != ours.contentType {
		return false
	}
	if their == nil || our == nil {
		return theirs.body == ours.body
	}
	return reflect.DeepEqual(their, our)
}

type member struct {
	id    string
	value any
	// moves says that it may stand elsewhere.
	moves bool
}

// membersOf gives the replies of a body in a form that can be compared; nil for what is no JSON.
func membersOf(body string) []member {
	texts := []json.RawMessage{}
	if json.Unmarshal([]byte(body), &texts) != nil {
		texts = []json.RawMessage{json.RawMessage(body)}
	}
	members := []member{}
	for _, text := range texts {
		var reply struct {
			ID     json.RawMessage
			Result []any
			Error  struct{ Message string }
		}
		value := normal(string(text))
		if _, isText := value.(string); isText {
			return nil
		}
		json.Unmarshal(text, &reply)
		id := unescaped.Replace(string(reply.ID))
		if id == "null" && reply.Error.Message == "empty method name" {
			continue
		}
		if at := len(reply.Result) - 1; at == 3 && reply.Result[at] == "ID" {
			reply.Result[0] = "its id"
			value = reply.Result
		}
		moves := reply.Error.Message == "empty method name" || reply.Error.Message == "extra fields in request"
		members = append(members, member{id, value, moves})
	}
	slices.SortStableFunc(members, func(a, b member) int {
		switch {
		case a.moves != b.moves && b.moves:
			return -1
		case a.moves != b.moves:
			return 1
		case a.moves:
			return strings.Compare(fmt.Sprint(a.id, a.value), fmt.Sprint(b.id, b.value))
		}
		return 0
	})
	return members
}

var unescaped = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\u2028`, "\u2028", `\u2029`, "\u2029")

// compareOverHTTP posts each record to both.
func compareOverHTTP(theirs, ours string, make *grammar, count int) (replies int, differences []difference) {
	differences = []difference{}
	for range count {
		record := make.record()
		their, our := post(theirs, record), post(ours, record)
		if our.body != "" {
			replies++
		}
		if !sameHTTP(their, our) {
			differences = append(differences, difference{record, their.String(), our.String()})
		}
		if len(differences) == 20 {
			break
		}
	}
	return replies, differences
}
