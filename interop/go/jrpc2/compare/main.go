// Command compare sends the same random records, valid and not, to a jrpc2 server and to ours, both on lines or both over
// HTTP, and compares the answers record by record. It prints {"records":N,"replies":N,"differences":[…]}.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Records that travel to our server in one write. It answers in order, so a call after each record ends its answers.
const window = 64

type difference struct {
	Record string `json:"record"`
	Theirs string `json:"theirs"`
	Ours   string `json:"ours"`
}

type line struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(address string) *line {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	return &line{conn, bufio.NewReaderSize(conn, 1<<16)}
}

func (l *line) write(data []byte) {
	if _, err := l.conn.Write(data); err != nil {
		log.Fatal(err)
	}
}

// read gives the next record, or "" when none comes in time.
func (l *line) read(wait time.Duration) string {
	l.conn.SetReadDeadline(time.Now().Add(wait))
	text, err := l.in.ReadString('\n')
	if err != nil {
		return ""
	}
	return text[:len(text)-1]
}

// normal makes answers comparable: what is left out is the text of Go's JSON errors and the order of unknown members.
func normal(text string) any {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return text
	}
	members, isList := value.([]any)
	if !isList {
		members = []any{value}
	}
	for _, member := range members {
		object, _ := member.(map[string]any)
		wrong, _ := object["error"].(map[string]any)
		switch data := wrong["data"].(type) {
		case string:
			if wrong["message"] == "invalid parameters" {
				wrong["data"] = "some text"
			}
		case []any:
			if wrong["message"] == "extra fields in request" {
				slices.SortFunc(data, func(a, b any) int { return bytes.Compare([]byte(a.(string)), []byte(b.(string))) })
			}
		}
	}
	return value
}

// same compares the answers after parsing, and the ids in them as they were written.
func same(theirs, ours string) bool {
	if theirs == ours {
		return true
	}
	return reflect.DeepEqual(normal(theirs), normal(ours)) && reflect.DeepEqual(idsOf(theirs), idsOf(ours))
}

func idsOf(text string) []string {
	type reply struct{ ID json.RawMessage }
	var many []reply
	if json.Unmarshal([]byte(text), &many) != nil {
		many = make([]reply, 1)
		json.Unmarshal([]byte(text), &many[0])
	}
	ids := []string{}
	for _, it := range many {
		ids = append(ids, string(it.ID))
	}
	return ids
}

func main() {
	theirs := flag.String("theirs", "", "host:port of the jrpc2 server, or the URL of its bridge")
	ours := flag.String("ours", "", "host:port of our server, or its URL")
	count := flag.Int("count", 20000, "records")
	seed := flag.Uint64("seed", 1, "seed of the records")
	flag.Parse()
	make := &grammar{rand: rand.New(rand.NewPCG(*seed, 0))}
	if strings.HasPrefix(*theirs, "http:") {
		replies, differences := compareOverHTTP(*theirs, *ours, make, *count)
		report(*count, replies, differences)
		return
	}
	their, our := dial(*theirs), dial(*ours)
	differences := []difference{}
	replies := 0
	for sent := 0; sent < *count && len(differences) < 20; {
		records := []string{}
		var block bytes.Buffer
		for len(records) < window && sent < *count {
			record := make.record()
			records = append(records, record)
			fmt.Fprintf(&block, "%s\n{\"jsonrpc\":\"2.0\",\"id\":\"end %d\",\"method\":\"Y\"}\n", record, sent)
			sent++
		}
		first := sent - len(records)
		our.write(block.Bytes())
		for at, record := range records {
			end := fmt.Sprintf("{\"jsonrpc\":\"2.0\",\"id\":\"end %d\",\"result\":null}", first+at)
			answer, next := "", our.read(10*time.Second)
			if next != end {
				answer, next = next, our.read(10*time.Second)
			}
			if next != end {
				log.Fatalf("After %s came %q, not %s", record, next, end)
			}
			their.write([]byte(record + "\n"))
			expected := ""
			if answer != "" {
				replies++
				expected = their.read(5 * time.Second)
			} else if at%8 == 0 {
				// An answer that is one too many would come before this one, or be found by the next record.
				their.write([]byte(end[:len(end)-len(",\"result\":null}")] + ",\"method\":\"Y\"}\n"))
				if got := their.read(5 * time.Second); got != end {
					expected = got
					their.read(5 * time.Second)
				}
			}
			if !same(expected, answer) {
				differences = append(differences, difference{record, expected, answer})
			}
		}
	}
	report(*count, replies, differences)
}

func report(records, replies int, differences []difference) {
	json.NewEncoder(os.Stdout).Encode(map[string]any{"records": records, "replies": replies, "differences": differences})
}
