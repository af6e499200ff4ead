// Command values makes random values of all types in package shapes. With -out it writes them as a gob stream; with -in
// it reads such a stream back and compares it with the values of the same seed. Either way it prints one JSON object.
package main

import (
	"bufio"
	"encoding/gob"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"convoke.test/interop/gorpc/shapes"
)

// maxShown bounds the differences that are printed.
const maxShown = 10

func main() {
	out := flag.String("out", "", "where to write the stream")
	in := flag.String("in", "", "where to read it from")
	seed := flag.Uint64("seed", 1, "the same seed, the same values")
	count := flag.Int("count", 10_000, "how many values")
	flag.Parse()
	shapes.Register()
	shapes.RegisterTime()
	var report any
	var err error
	switch {
	case *out != "":
		report, err = write(*out, *seed, *count)
	case *in != "":
		report, err = compare(*in, *seed, *count)
	default:
		err = fmt.Errorf("say -out or -in")
	}
	if err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(report)
}

func write(path string, seed uint64, count int) (any, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	buffer := bufio.NewWriter(file)
	encoder := gob.NewEncoder(buffer)
	source := shapes.NewSource(seed)
	for n := range count {
		if err := encoder.Encode(source.Item(n)); err != nil {
			return nil, fmt.Errorf("value %d: %w", n, err)
		}
	}
	if err := buffer.Flush(); err != nil {
		return nil, err
	}
	return map[string]any{"types": shapes.TypeNames(), "written": count}, file.Close()
}

func compare(path string, seed uint64, count int) (any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	decoder := gob.NewDecoder(bufio.NewReader(file))
	source := shapes.NewSource(seed)
	equal, differences := 0, []string{}
	for n := range count {
		want := source.Item(n)
		var got shapes.Item
		if err := decoder.Decode(&got); err != nil {
			return nil, fmt.Errorf("value %d, a %T: %w", n, want.V, err)
		}
		where := shapes.Difference(want, got)
		if where == "" {
			equal++
		} else if len(differences) < maxShown {
			differences = append(differences, fmt.Sprintf("%d, a %T: %s", n, want.V, where))
		}
	}
	var extra shapes.Item
	if err := decoder.Decode(&extra); err != io.EOF {
		return nil, fmt.Errorf("after the last value: %v", err)
	}
	return map[string]any{"equal": equal, "differences": differences}, file.Close()
}
