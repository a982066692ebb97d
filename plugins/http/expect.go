package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"sync"
)

// A statuses tells which statuses are no failure: each entry is a status (204) or a hundred of them
// (2 for 2xx). None means 2xx.
type statuses []int

var statusForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[1-5]([0-9][0-9]|xx)$`) })

// UnmarshalJSON implements json.Unmarshaler: 204, "204", "2xx", or a list of such.
func (s *statuses) UnmarshalJSON(b []byte) error {
	list := []json.RawMessage{b}
	if bytes.HasPrefix(b, []byte{'['}) {
		if err := json.Unmarshal(b, &list); err != nil {
			return err
		}
	}
	for _, one := range list {
		text := string(bytes.Trim(one, `"`))
		if !statusForm().MatchString(text) {
			return fmt.Errorf("%s is no status", text)
		}
		n, err := strconv.Atoi(text)
		if err != nil { // 2xx
			n = int(text[0] - '0')
		}
		*s = append(*s, n)
	}
	return nil
}

// names tells whether a status was asked for in so many words.
func (s statuses) names(status int) bool {
	for _, one := range s {
		if one == status || one == status/100 {
			return true
		}
	}
	return false
}

// admits tells whether a status is no failure.
func (s statuses) admits(status int) bool {
	if len(s) == 0 {
		return status/100 == 2
	}
	return s.names(status)
}
