package shapes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/valyala/gorpc"
)

// Item is what the stream of values is made of.
type Item struct {
	N int
	V any
}

// Source makes random values: the same seed, the same values.
type Source struct {
	*rand.Rand
	// depth bounds the values that hold values.
	depth int
}

// NewSource makes the Source of a seed.
func NewSource(seed uint64) *Source { return &Source{rand.New(rand.NewPCG(seed, 1)), 0} }

// Item makes the value number n: of each kind in turn, and now and then nil.
func (s *Source) Item(n int) Item {
	if n%100 == 99 {
		return Item{n, nil}
	}
	return Item{n, kinds[n%len(kinds)](s)}
}

// kinds has one maker for each type. It is filled late because some of the makers speak of it.
var kinds []func(*Source) any

func init() {
	kinds = []func(*Source) any{
		func(s *Source) any { return s.flag() },
		func(s *Source) any { return s.whole() },
		func(s *Source) any { return int8(s.Uint32()) },
		func(s *Source) any { return int16(s.Uint32()) },
		func(s *Source) any { return int32(s.Uint32()) },
		func(s *Source) any { return s.int64() },
		func(s *Source) any { return uint(s.natural()) },
		func(s *Source) any { return uint8(s.Uint32()) },
		func(s *Source) any { return uint16(s.Uint32()) },
		func(s *Source) any { return s.Uint32() >> s.IntN(32) },
		func(s *Source) any { return s.uint64() },
		func(s *Source) any { return uintptr(s.uint64()) },
		func(s *Source) any { return s.single() },
		func(s *Source) any { return s.double() },
		func(s *Source) any { return complex(s.single(), s.single()) },
		func(s *Source) any { return complex(s.double(), s.double()) },
		func(s *Source) any { return s.text() },
		func(s *Source) any { return s.bytes() },
		func(s *Source) any { return slice(s, (*Source).whole) },
		func(s *Source) any { return slice(s, (*Source).text) },
		func(s *Source) any { return slice(s, (*Source).double) },
		func(s *Source) any { return slice(s, (*Source).flag) },
		func(s *Source) any { return slice(s, (*Source).bytes) },
		func(s *Source) any { return [3]int{s.whole(), 0, s.whole()} },
		func(s *Source) any { return table(s, (*Source).text, (*Source).whole) },
		func(s *Source) any { return table(s, (*Source).text, ints) },
		func(s *Source) any {
			return table(s, (*Source).int64, func(s *Source) map[string]bool { return table(s, (*Source).text, (*Source).flag) })
		},
		func(s *Source) any { return s.set() },
		func(s *Source) any { return table(s, (*Source).text, (*Source).any) },
		func(s *Source) any { return slice(s, (*Source).any) },
		func(s *Source) any { return Celsius(s.double()) },
		func(s *Source) any { return s.label() },
		func(s *Source) any { return Level(s.Uint32()) },
		func(s *Source) any { return s.hash() },
		func(s *Source) any { return s.names() },
		func(s *Source) any { return Route(slice(s, (*Source).span)) },
		func(s *Source) any { return s.pair() },
		func(s *Source) any { return s.span() },
		func(s *Source) any { return s.row() },
		func(s *Source) any { return slice(s, (*Source).pair) },
		func(s *Source) any { return s.tree(3) },
		func(s *Source) any { return s.order() },
		func(s *Source) any { return &Embedding{*s.pair(), maybe(s, (*Source).twin), s.text()} },
		func(s *Source) any { return s.optional(2) },
		func(s *Source) any { return s.holder() },
		func(s *Source) any { return s.time() },
		func(s *Source) any {
			return &Event{s.time(), s.duration(), slice(s, (*Source).time), table(s, (*Source).text, (*Source).time)}
		},
		func(s *Source) any { return pointer(s.point()) },
		func(s *Source) any {
			return &Track{s.point(), maybe(s, func(s *Source) *Point { return pointer(s.point()) }), slice(s, (*Source).point),
				table(s, (*Source).label, (*Source).point), *NewSecret(s.text())}
		},
	}
}

// TypeNames gives the types of the values, as %T prints them, in the order of their making.
func TypeNames() []string {
	names := []string{}
	source := NewSource(0)
	for _, kind := range kinds {
		names = append(names, fmt.Sprintf("%T", kind(source)))
	}
	return names
}

// Register makes all types of the values known to gob, but for time.Time: a process knows either it or *time.Time, and
// gorpc's dispatcher insists on the pointer.
func Register() {
	source := NewSource(0)
	for _, kind := range kinds {
		if value := kind(source); !isTime(value) {
			gorpc.RegisterType(value)
		}
	}
	gorpc.RegisterType(&Twin{})
	gorpc.RegisterType(&Big{})
}

// RegisterTime makes time.Time known to gob.
func RegisterTime() { gorpc.RegisterType(time.Time{}) }

func isTime(value any) bool {
	_, is := value.(time.Time)
	return is
}

func pointer[T any](value T) *T { return &value }

func slice[T any](s *Source, one func(*Source) T) []T {
	var out []T
	for range s.length() {
		out = append(out, one(s))
	}
	if out == nil && s.flag() {
		return []T{}
	}
	return out
}

func table[K comparable, V any](s *Source, key func(*Source) K, value func(*Source) V) map[K]V {
	length := s.length()
	if length == 0 && s.flag() {
		return nil
	}
	out := map[K]V{}
	for range length {
		out[key(s)] = value(s)
	}
	return out
}

// maybe gives nil at times.
func maybe[T any](s *Source, one func(*Source) *T) *T {
	if s.IntN(3) == 0 {
		return nil
	}
	return one(s)
}

func ints(s *Source) []int { return slice(s, (*Source).whole) }

func (s *Source) flag() bool  { return s.IntN(2) == 0 }
func (s *Source) length() int { return max(0, s.IntN(7)-1) }

// whole is an int that a number of JavaScript holds; int64 and uint64 are any.
func (s *Source) whole() int {
	switch s.IntN(8) {
	case 0:
		return 0
	case 1:
		return 1<<53 - 1
	case 2:
		return -(1<<53 - 1)
	}
	return int(s.Int64()>>11) >> s.IntN(53) * (1 - 2*s.IntN(2))
}

func (s *Source) natural() uint64 { return uint64(max(0, s.whole())) }

func (s *Source) int64() int64 {
	if s.IntN(16) == 0 {
		return []int64{math.MinInt64, math.MaxInt64, -1, 63, 64, -64, -65}[s.IntN(7)]
	}
	return int64(s.Uint64()) >> s.IntN(64)
}

func (s *Source) uint64() uint64 {
	if s.IntN(16) == 0 {
		return []uint64{0, math.MaxUint64, 127, 128, 255, 256, 1 << 53}[s.IntN(7)]
	}
	return s.Uint64() >> s.IntN(64)
}

func (s *Source) double() float64 {
	if s.IntN(8) == 0 {
		return []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, math.MaxFloat64}[s.IntN(7)]
	}
	return s.NormFloat64() * math.Pow(10, float64(s.IntN(40)-20))
}

func (s *Source) single() float32 { return float32(s.double()) }

func (s *Source) text() string {
	runes := []rune("abcXYZ 019_-\x00\n\"é߿ࠀ日本\u2028\ufffd\uffff😀\U0010ffff")
	out := []rune{}
	for range s.length() * s.length() {
		out = append(out, runes[s.IntN(len(runes))])
	}
	return string(out)
}

func (s *Source) bytes() []byte {
	out := make([]byte, s.length()*s.IntN(50))
	for at := range out {
		out[at] = byte(s.Uint32())
	}
	return out
}

func (s *Source) label() Label { return Label(s.text()) }
func (s *Source) hash() Hash   { return Hash{byte(s.Uint32()), 0, 255, byte(s.IntN(3))} }
func (s *Source) pair() *Pair  { return &Pair{s.whole(), s.whole()} }
func (s *Source) twin() *Twin  { return &Twin{s.whole(), s.whole()} }
func (s *Source) span() Span   { return Span{s.int64(), s.int64(), s.flag()} }
func (s *Source) row() Row     { return Row{s.whole(), s.text()} }
func (s *Source) point() Point { return Point{int32(s.Uint32()) * int32(s.IntN(2)), int32(s.IntN(2))} }
func (s *Source) names() Names { return table(s, (*Source).text, (*Source).text) }

func (s *Source) set() Set {
	return table(s, (*Source).text, func(*Source) struct{} { return struct{}{} })
}

func (s *Source) duration() time.Duration { return time.Duration(s.int64()) }

// time is of the years that a Date has, in UTC, in half hours of a zone, or in odd seconds of one that is ahead: Go
// reads its own encoding of odd seconds behind UTC 256 seconds wrong.
func (s *Source) time() time.Time {
	var it time.Time
	switch s.IntN(8) {
	case 0:
		return it
	case 1:
		it = time.Unix(0, 0)
	case 2:
		it = time.Unix(-62_135_596_800+s.Int64N(1000), s.Int64N(1e9))
	default:
		it = time.Unix(s.Int64N(1<<33)-1<<32, s.Int64N(1e9))
	}
	switch s.IntN(4) {
	case 0:
		return it.UTC()
	case 1:
		return it.In(time.FixedZone("odd", s.IntN(50_400)))
	}
	return it.In(time.FixedZone("zone", (s.IntN(49)-24)*1800))
}

func (s *Source) tree(depth int) *Tree {
	it := &Tree{Name: s.text()}
	if depth == 0 {
		return it
	}
	child := func(s *Source) *Tree { return s.tree(depth - 1) }
	it.Left, it.Right = maybe(s, child), maybe(s, child)
	if s.IntN(3) == 0 {
		it.Children = slice(s, child)
		it.Named = table(s, (*Source).text, child)
	}
	return it
}

func (s *Source) line() Line {
	return Line{s.label(), uint16(s.Uint32()), s.double(), slice(s, (*Source).text)}
}

func (s *Source) order() *Order {
	if s.IntN(10) == 0 {
		return &Order{}
	}
	return &Order{
		ID:     s.uint64(),
		Serial: uintptr(s.uint64()),
		Buyer:  Buyer{s.text(), s.text(), maybe(s, (*Source).pair)},
		Lines:  slice(s, (*Source).line),
		Total:  Celsius(s.double()),
		Rate:   s.single(),
		Paid:   s.flag(),
		Tags:   table(s, (*Source).text, func(s *Source) []string { return slice(s, (*Source).text) }),
		Raw:    s.bytes(),
		Pieces: slice(s, (*Source).bytes),
		Grid:   [2][3]int16{{int16(s.Uint32())}, {0, int16(s.Uint32())}},
		Phase:  complex(s.single(), s.single()),
		Sum:    complex(s.double(), 0),
		Level:  Level(s.Uint32()),
		Runes:  []rune(s.text()),
		Hash:   s.hash(),
		Names:  s.names(),
		Seen:   s.set(),
		Nested: table(s, func(s *Source) int32 { return int32(s.Uint32()) }, func(s *Source) map[bool]uint32 {
			return table(s, (*Source).flag, (*Source).Uint32)
		}),
		Untitled: s.row(),
	}
}

// optional has no pointers to zero: they do not cross.
func (s *Source) optional(depth int) *Optional {
	it := &Optional{Pair: maybe(s, (*Source).pair)}
	if s.flag() {
		it.Count, it.Text, it.Flag, it.Ratio = pointer(s.whole()|1), pointer("t"+s.text()), pointer(true), pointer(0.25)
	}
	if s.flag() {
		it.When, it.Deeper = pointer(s.time()), pointer(pointer(s.int64()|1))
	}
	if depth > 0 && s.flag() {
		it.Inner = s.optional(depth - 1)
	}
	return it
}

func (s *Source) holder() *Holder {
	it := &Holder{s.any(), nil, slice(s, (*Source).any), table(s, (*Source).text, (*Source).any), [2]any{s.any(), s.any()},
		s.text()}
	if s.flag() {
		it.Sized = s.span()
	}
	return it
}

// any is a value of any of the types, those with interfaces included, and nil.
func (s *Source) any() any {
	if s.depth == 2 || s.IntN(6) == 0 {
		return nil
	}
	s.depth++
	defer func() { s.depth-- }()
	return kinds[s.IntN(len(kinds))](s)
}
