// Package framings names the framings of jrpc2 as the flag -framing of its partner programs does.
package framings

import (
	"fmt"
	"strings"

	"github.com/creachadair/jrpc2/channel"
)

// Named gives the framing that text names: line, lsp, raw, header:TYPE or strict:TYPE.
func Named(text string) (channel.Framing, error) {
	kind, mime, _ := strings.Cut(text, ":")
	switch kind {
	case "line":
		return channel.Line, nil
	case "lsp":
		return channel.LSP, nil
	case "raw":
		return channel.RawJSON, nil
	case "header":
		return channel.Header(mime), nil
	case "strict":
		return channel.StrictHeader(mime), nil
	}
	return nil, fmt.Errorf("no framing is called %q: use line, lsp, raw, header:TYPE or strict:TYPE", text)
}
