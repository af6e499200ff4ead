// Package shapes has the types that cross between Go and Convoke. Its import path is more than its name, so a value is
// registered as convoke.test/interop/gorpc/shapes.Span, and a pointer as *shapes.Pair.
package shapes

import (
	"encoding/binary"
	"errors"
	"time"
)

// Pair is what most calls are about.
type Pair struct{ A, B int }

// Twin has the fields of Pair, and is another type.
type Twin struct{ A, B int }

// Span is registered by value.
type Span struct {
	From, To int64
	Open     bool
}

// Size makes Span a Sizer.
func (s Span) Size() int64 { return s.To - s.From }

// Sizer is an interface that has methods.
type Sizer interface{ Size() int64 }

// Celsius, Label and Level have basic kinds and names of their own.
type (
	Celsius float64
	Label   string
	Level   int8
)

// Hash is an array of bytes, which is not what []byte is.
type Hash [4]byte

// Names is a map with a name of its own.
type Names map[string]string

// Route is a slice with a name of its own.
type Route []Span

// Set is how Go says a set.
type Set = map[string]struct{}

// Row has no name of its own.
type Row = struct {
	A int
	B string
}

// Point has no exported fields: it encodes itself, and gob calls that a BinaryMarshaler.
type Point struct{ x, y int32 }

// NewPoint makes the Point at x, y.
func NewPoint(x, y int32) *Point { return &Point{x, y} }

// MarshalBinary writes both numbers, the big end first.
func (p Point) MarshalBinary() ([]byte, error) {
	out := binary.BigEndian.AppendUint32(nil, uint32(p.x))
	return binary.BigEndian.AppendUint32(out, uint32(p.y)), nil
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (p *Point) UnmarshalBinary(data []byte) error {
	if len(data) != 8 {
		return errors.New("a Point is 8 bytes")
	}
	p.x = int32(binary.BigEndian.Uint32(data))
	p.y = int32(binary.BigEndian.Uint32(data[4:]))
	return nil
}

// Secret encodes itself too, and gob calls it a GobEncoder.
type Secret struct{ text string }

// NewSecret makes the Secret of a text.
func NewSecret(text string) *Secret { return &Secret{text} }

// GobEncode writes the text back to front, so that nobody takes it for a string.
func (s Secret) GobEncode() ([]byte, error) { return reversed([]byte(s.text)), nil }

// GobDecode reads what GobEncode wrote.
func (s *Secret) GobDecode(data []byte) error {
	s.text = string(reversed(append([]byte(nil), data...)))
	return nil
}

func reversed(data []byte) []byte {
	for a, b := 0, len(data)-1; a < b; a, b = a+1, b-1 {
		data[a], data[b] = data[b], data[a]
	}
	return data
}

// Tree holds itself in three ways.
type Tree struct {
	Name        string
	Left, Right *Tree
	Children    []*Tree
	Named       map[string]*Tree
}

// Buyer is an inner struct of Order, and Line one inside a slice.
type (
	Buyer struct {
		Name, Mail string
		Home       *Pair
	}
	Line struct {
		Sku   Label
		Count uint16
		Price float64
		Tags  []string
	}
)

// Order has fields of nearly every kind, and two that do not cross.
type Order struct {
	ID       uint64
	Serial   uintptr
	Buyer    Buyer
	Lines    []Line
	Total    Celsius
	Rate     float32
	Paid     bool
	Tags     map[string][]string
	Raw      []byte
	Pieces   [][]byte
	Grid     [2][3]int16
	Phase    complex64
	Sum      complex128
	Level    Level
	Runes    []rune
	Hash     Hash
	Names    Names
	Seen     Set
	Nested   map[int32]map[bool]uint32
	Untitled Row
	internal int
	notify   chan int
}

// Embedding has the fields of a struct and of a pointer to one as its own.
type Embedding struct {
	Pair
	*Twin
	Note string
}

// Optional is all pointers.
type Optional struct {
	Count  *int
	Text   *string
	Flag   *bool
	Ratio  *float64
	Pair   *Pair
	When   *time.Time
	Deeper **int64
	Inner  *Optional
}

// Holder has interfaces in all places where there can be one.
type Holder struct {
	Any   any
	Sized Sizer
	List  []any
	Map   map[string]any
	Fixed [2]any
	After string
}

// Event is about time.
type Event struct {
	At    time.Time
	Took  time.Duration
	Marks []time.Time
	Zones map[string]time.Time
}

// Track holds values that encode themselves.
type Track struct {
	Start  Point
	End    *Point
	Points []Point
	Named  map[Label]Point
	Word   Secret
}

// Big is a struct of many fields and, when filled, of many bytes.
type Big struct {
	F01, F02, F03, F04, F05, F06, F07, F08, F09, F10 int
	F11, F12, F13, F14, F15, F16, F17, F18, F19, F20 string
	F21, F22, F23, F24, F25, F26, F27, F28, F29, F30 float64
	Lines                                            []Line
	Blob                                             []byte
}

// NewBig fills a Big: a hundred lines and a blob of 100 000 bytes.
func NewBig() *Big {
	big := &Big{F01: 1, F10: -10, F11: "eleven", F20: "twenty", F21: 2.1, F30: -3e300}
	for at := range 100 {
		big.Lines = append(big.Lines, Line{Label(string(rune('a' + at%26))), uint16(at), float64(at) / 4, []string{"x"}})
	}
	big.Blob = make([]byte, 100_000)
	for at := range big.Blob {
		big.Blob[at] = byte(at * 7)
	}
	return big
}
