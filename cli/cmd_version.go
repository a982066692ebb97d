package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker for a release: -ldflags "-X weft/cli.version=1.2.3".
var version = "dev"

// A build is which weft this is.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the sources; "" = not known
	Modified bool   `json:"modified"` // the sources were changed after it
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:         "version",
		Short:       "print which weft this is",
		Example:     "  weft version --json",
		Args:        exactArgs(0, "weft version takes no argument"),
		Annotations: bare,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if asJSON {
				return e.printJSON(b)
			}
			_, err := fmt.Fprintln(e.stdout, b)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}

func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	s := "weft " + b.Version
	if b.Revision != "" {
		s += " (" + b.Revision[:min(12, len(b.Revision))]
		if b.Modified {
			s += ", modified"
		}
		s += ")"
	}
	return s + " " + b.Go + " " + b.Platform
}
