package python

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"strings"

	"weft/plugins"
)

// A recipe is all that an environment is made from; its hash names the environment.
type recipe struct {
	python       interpreter
	requirements string // lines of a requirements file
	system       bool
	indexURL     string
	findLinks    []string
}

// layout is the version of how environments are made. Another one makes them all anew.
const layout = 1

// key is the environment's name. Passwords in URLs are no part of it: they expire, and a name is
// no place for them.
func (r recipe) key() string {
	links := make([]string, len(r.findLinks))
	for i, link := range r.findLinks {
		links[i] = withoutUser(link)
	}
	whole, _ := json.Marshal([]any{ // texts and booleans: cannot fail
		layout, r.python.path, r.python.build, r.requirements, r.system, withoutUser(r.indexURL), links,
	})
	sum := sha256.Sum256(whole)
	return hex.EncodeToString(sum[:16])
}

// links returns the URLs and the folders of find_links.
func (r recipe) links() (urls, folders []string) {
	for _, link := range r.findLinks {
		if strings.Contains(link, "://") {
			urls = append(urls, link)
		} else {
			folders = append(folders, link)
		}
	}
	return urls, folders
}

// linksThere refuses a folder of packages that is not there: pip passes over it with a warning, and
// then says of the packages that they do not exist.
func (r recipe) linksThere() error {
	_, folders := r.links()
	for _, folder := range folders {
		if _, err := os.Stat(folder); err != nil {
			return plugins.Errorf(plugins.BadInput, "cannot look for packages in %s: %w", folder, bare(err))
		}
	}
	return nil
}

func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	u.User = nil
	return cmp.Or(u.String(), address)
}
