package cli

import (
	"weft/config"
	"weft/plugins/http"
)

// httpPolicy is what the configuration lets the plugin http reach. Its form was checked where it stands
// in the file, so an error here is a disagreement of config and http.
func httpPolicy(r config.Reach) (p http.Policy, err error) {
	if p.Allow, err = http.ParsePlaces(r.Allow); err == nil {
		p.Refuse, err = http.ParsePlaces(r.Refuse)
	}
	return p, err
}
