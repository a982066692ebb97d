package http

import (
	"encoding/json"
	"fmt"
	nethttp "net/http"

	"weft/plugins"
)

var _ plugins.Teller = Plugin{}

// Tell implements plugins.Teller: "GET http://host/x answered 200 OK: {"ready":false}".
func (Plugin) Tell(input, output json.RawMessage) string {
	var got struct {
		Status int             `json:"status"`
		Body   json.RawMessage `json:"body"`
	}
	in, err := readInput(input)
	if err != nil || json.Unmarshal(output, &got) != nil {
		return ""
	}
	u, err := parseURL(in.URL)
	if err != nil {
		return ""
	}
	text := fmt.Sprintf("%s %s answered %d %s", in.Method, show(u), got.Status, nethttp.StatusText(got.Status))
	body := string(got.Body)
	if words := ""; json.Unmarshal(got.Body, &words) == nil {
		body = words // null is no word
	}
	if words := shorten(body[:min(len(body), maxRead)]); words != "" {
		text += ": " + words
	}
	return text
}
