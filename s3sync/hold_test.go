package s3sync

import (
	"net/http"
	"strings"
	"sync"

	"weft/tests/s3server"
)

// holdOnce holds the writes of the mirror's files, from the first on, until they are let go.
func holdOnce(held, release chan struct{}) s3server.Spoil {
	var first sync.Once
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, ".yaml") {
			first.Do(func() { close(held) })
			<-release
		}
		forward.ServeHTTP(w, r)
	}
}
