// Package lines is how both programs are told things and tell them: one line of JSON for each.
package lines

import (
	"bufio"
	"encoding/json"
	"errors"
	"log"
	"os"
	"sync"

	"github.com/coder/websocket"
	"github.com/juju/loggo"
)

// Line is one line.
type Line map[string]any

// Printer writes lines to standard output, from anywhere.
type Printer struct {
	mutex sync.Mutex
}

// Print writes a line.
func (printer *Printer) Print(line Line) {
	printer.mutex.Lock()
	defer printer.mutex.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		log.Fatal(err)
	}
}

// Each has every line of standard input done, each in a goroutine of its own, and returns when there are no more.
func Each[Command any](do func(Command)) {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 64<<20)
	for input.Scan() {
		var wanted Command
		if err := json.Unmarshal(input.Bytes(), &wanted); err != nil {
			log.Fatal(err)
		}
		go do(wanted)
	}
}

// Failed adds to a line what an error says, and with which code and reason the WebSocket was closed if it was.
func Failed(line Line, err error) Line {
	line["error"] = err.Error()
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		line["code"] = int(closed.Code)
		line["reason"] = closed.Reason
	}
	return line
}

// Quiet has the original log nothing: a lost link is no news here.
func Quiet() {
	if err := loggo.ConfigureLoggers("<root>=CRITICAL;protocol=CRITICAL;auth=CRITICAL"); err != nil {
		log.Fatal(err)
	}
}
