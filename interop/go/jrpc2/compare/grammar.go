package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// grammar makes records. At most one member of an object is of the wrong kind: jrpc2 visits the members in random order,
// so with two such faults it may report either (case 113). No id is used twice on purpose but inside of a batch (case 133).
type grammar struct {
	rand *rand.Rand
	next int
}

func (g *grammar) pick(texts ...string) string { return texts[g.rand.IntN(len(texts))] }
func (g *grammar) once(in int) bool            { return g.rand.IntN(in) == 0 }

func (g *grammar) record() string {
	switch g.rand.IntN(20) {
	case 0:
		return g.scalar()
	case 1:
		return g.broken(g.object())
	case 2:
		return g.pick("", " ", "\t", "\r", "null ", "[]", "[ ]\r", "{}", "[{}]", "[null]", "[[]]", "[[],{}]", "[1,2,\"x\"]")
	case 3, 4, 5:
		return g.batch()
	case 6:
		return g.broken(g.batch())
	}
	return g.spaced(g.object())
}

func (g *grammar) batch() string {
	members := []string{}
	id := g.id()
	for range g.rand.IntN(6) {
		switch g.rand.IntN(8) {
		case 0:
			members = append(members, g.scalar())
		case 1:
			members = append(members, g.request(id))
		case 2:
			members = append(members, "["+g.object()+"]")
		default:
			members = append(members, g.object())
		}
	}
	return g.spaced("[" + strings.Join(members, g.pick(",", ", ", " ,\t")) + "]")
}

func (g *grammar) object() string { return g.request(g.id()) }

// request makes an object that is a request or looks like one.
func (g *grammar) request(id string) string {
	version, method, params := `"2.0"`, g.method(), ""
	if name := strings.Trim(method, `"`); g.once(2) {
		params = g.params(name)
	}
	members := []string{}
	wrong := g.rand.IntN(24)
	switch wrong {
	case 0:
		version = g.pick("2.0", "2", "true", "[]", "{}")
	case 1:
		id = g.pick("true", "false", "[1]", "{}", "[]", `{"a":1}`)
	case 2:
		method = g.pick("7", "true", "[]", `{"X":1}`)
	case 3:
		params = g.pick("7", `"x"`, "true", "false", "0")
	case 4:
		members = append(members, g.member("error", g.pick("5", `"x"`, "true", "[]", "[1]", `{"code":"x"}`,
			`{"code":1.5}`, `{"code":99999999999}`, `{"message":5}`, `{"code":[]}`, `{"message":null,"code":true}`)))
	}
	if g.once(16) {
		version = g.pick(`"2"`, `"1.0"`, `""`, "null", `"2.0 "`, `"2\u002e0"`)
	}
	if g.once(16) {
		method = g.pick(`""`, "null")
	}
	if !g.once(20) {
		members = append(members, g.member("jsonrpc", version))
	}
	if !g.once(5) {
		members = append(members, g.member("id", id))
	}
	if !g.once(20) {
		members = append(members, g.member("method", method))
	}
	if params != "" {
		members = append(members, g.member("params", params))
	}
	if g.once(16) {
		members = append(members, g.member("result", g.value(2)))
	}
	if g.once(16) && wrong != 4 {
		members = append(members, g.member("error", g.pick("null", "{}", `{"code":1,"message":"m","data":[1]}`,
			`{"code":null,"message":null}`, `{"code":-1,"message":"","more":{}}`)))
	}
	if g.once(12) {
		members = append(members, g.member(g.pick("bogus", "JSONRPC", "ID", "Method", "__proto__", "", "é"), g.value(2)))
	}
	if g.once(24) {
		members = append(members, g.member("constructor", g.value(1)))
	}
	g.rand.Shuffle(len(members), func(a, b int) { members[a], members[b] = members[b], members[a] })
	if g.once(12) && len(members) > 0 {
		// The last one of the same name counts: a first one of any kind does not.
		name, _, _ := strings.Cut(members[len(members)-1], ":")
		members = append([]string{name + ":" + g.value(2)}, members...)
	}
	return "{" + strings.Join(members, g.pick(",", ",", " , ")) + "}"
}

func (g *grammar) member(name, value string) string {
	if g.once(40) && name != "" {
		return fmt.Sprintf("\"\\u%04x%s\":%s", []rune(name)[0], string([]rune(name)[1:]), value)
	}
	return fmt.Sprintf("%q%s%s", name, g.pick(":", ":", " : "), value)
}

func (g *grammar) id() string {
	g.next++
	n := g.next
	switch g.rand.IntN(16) {
	case 0:
		return fmt.Sprintf("%d.0", n)
	case 1:
		return fmt.Sprintf("%de0", n)
	case 2:
		return fmt.Sprintf("%d.%dE+3", n, n)
	case 3:
		return fmt.Sprintf("-%d", n)
	case 4:
		return fmt.Sprintf("12345678901234567890%d", n)
	case 5:
		return fmt.Sprintf("\"a\\u0041\\n\\/%d\"", n)
	case 6:
		return fmt.Sprintf("\"<é😀\u2028>%d\"", n)
	case 7:
		return fmt.Sprintf("\"%d\"", n)
	case 8:
		return fmt.Sprintf("\"id\\\":%d\"", n)
	case 9:
		return "null"
	case 10:
		return fmt.Sprintf("0.%d", n)
	}
	return fmt.Sprint(n)
}

func (g *grammar) method() string {
	if g.once(30) {
		return g.pick(`"\u0058"`, `"x"`, `"X "`, `"a\"b"`, `"<X>"`, `"日本"`, `"toString"`, `"__proto__"`, `"constructor"`)
	}
	return `"` + g.pick("X", "X", "Y", "Empty", "Echo", "Echo", "Echo", "ID", "ID", "Args", "Struct", "Pos", "Html", "Plain",
		"Err", "ErrCode", "ErrNoErr", "ErrEmpty", "ErrZero", "ErrStd", "ParseErr", "InvReq", "NotFound", "Cancel", "Deadline",
		"Nope", "a.b", "rpc", "rpc.", "rpc.custom") + `"`
}

// params keeps to what the handlers of both sides read alike: Go's reading of fields is its own (cases 70, 219-222).
func (g *grammar) params(method string) string {
	if g.once(12) {
		return "null"
	}
	switch method {
	case "Args":
		return g.pick("[]", "[1,2,3]", `["a"]`, "[1,{}]", `{"a":1}`, "[true]")
	case "Struct":
		return g.pick(`[3,"q"]`, "[3]", "[]", "[null,null]", `{"x":1,"z":2}`, `{"x":"s"}`, `{"y":"","x":-5}`, "{}", `[1,2]`)
	case "Pos":
		return g.pick("[5,3]", "[5]", `{"first":5}`, `{"third":5}`, `["a","b"]`, "[null,4]", "{}", "[]", "[1,2,3]")
	}
	return g.pick("[]", "{}", "["+g.value(4)+"]", `{"a":`+g.value(4)+`,"b":`+g.value(2)+"}")
}

func (g *grammar) scalar() string {
	return g.pick("1", "-0", "1.5e3", `"x"`, `""`, "true", "false", "null", `"\u0000"`, `"{\"id\":1}"`)
}

// value makes any JSON, at most so deep.
func (g *grammar) value(depth int) string {
	if depth == 0 || g.once(3) {
		return g.pick(g.scalar(), "12345678901234567890", "0.1", "1e-7", "1E30", `"a\\\"\/\b\f\n\r\té"`, `"\ud83d\ude00"`, `"]}"`)
	}
	if g.once(60) {
		deep := 20 + g.rand.IntN(60)
		return strings.Repeat("[", deep) + "1" + strings.Repeat("]", deep)
	}
	parts := []string{}
	isList := g.once(2)
	for range g.rand.IntN(4) {
		part := g.value(depth - 1)
		if !isList {
			part = g.pick(`"a"`, `"id"`, `"method"`, `"__proto__"`, `"\u0061"`, `""`, `"1"`) + g.pick(":", " :") + part
		}
		parts = append(parts, part)
	}
	if isList {
		return "[" + strings.Join(parts, ",") + "]"
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (g *grammar) spaced(text string) string {
	if g.once(20) {
		return g.pick(" ", "\t", "\r", "  ") + text + g.pick("", " ", "\r")
	}
	return text
}

// broken damages a text in one place. What it makes is most often no JSON.
func (g *grammar) broken(text string) string {
	at := g.rand.IntN(len(text) + 1)
	for at < len(text) && at > 0 && text[at]&0xc0 == 0x80 {
		at--
	}
	switch g.rand.IntN(6) {
	case 0:
		return text[:at]
	case 1:
		return text + g.pick(" trailing", text, ",", "]", "}", " 1", "\x00", "\u00a0", "\v")
	case 2:
		return g.pick("\ufeff", "'", "//", "\u00a0", ",", "-", "+1", "01", ".5", "1.", "NaN", "\f") + text
	case 3:
		return strings.Replace(text, ":", g.pick("", "::", "=", ": ,"), 1)
	case 4:
		return strings.Replace(text, `"`, g.pick("'", "", "\"\x01", `"\x`, `"\u12`), 1)
	}
	return text[:at] + g.pick(",", ":", "\"", "[", "]", "{", "}", "\\", "\x02", "/**/", "0", "-", "e", "nul") + text[at:]
}
