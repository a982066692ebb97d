package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	nethttp "net/http"
	"strings"
	"unicode/utf8"

	"weft/plugins"
)

// output makes the output of an answer.
func (x *exchange) output(resp *nethttp.Response, body []byte) (json.RawMessage, error) {
	out := struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    any               `json:"body"`
	}{resp.StatusCode, headers(resp.Header), x.decode(resp.Header.Get("Content-Type"), body)}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, plugins.Errorf(plugins.Internal, "its answer cannot be written as JSON: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// decode returns a body as it stands in the output: JSON if it says it is JSON and is, digits kept,
// else text. It fails for nothing: the request has had its effect, and who sends it again because
// of a wrong label has it twice.
func (x *exchange) decode(kind string, body []byte) any {
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
		x.note("the body is not all UTF-8: what is not stands as U+FFFD")
	}
	if isJSON(kind) {
		text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
		if len(text) == 0 {
			return nil
		}
		if json.Valid(text) {
			return json.RawMessage(text)
		}
		x.note("the body says it is JSON, and is not: it is taken as text")
	}
	if len(body) == 0 {
		return nil
	}
	return string(body)
}

// note tells the log's reader something odd, of a sensor once.
func (x *exchange) note(text string) {
	if x.call.Poke <= 1 {
		x.call.Logf("%s", text)
	}
}

// isJSON tells whether a content type is JSON: application/json, application/problem+json.
func isJSON(kind string) bool {
	name, _, err := mime.ParseMediaType(kind)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return false
	}
	return name == "application/json" || name == "text/json" || strings.HasSuffix(name, "+json")
}

// headers makes one text of each header. Commas join what came more than once (RFC 9110, section
// 5.3); a Set-Cookie holds commas of its own.
func headers(h nethttp.Header) map[string]string {
	out := make(map[string]string, len(h))
	for name, list := range h {
		sep := ", "
		if name == "Set-Cookie" {
			sep = "\n"
		}
		out[strings.ToLower(name)] = strings.ToValidUTF8(strings.Join(list, sep), "\uFFFD")
	}
	return out
}
