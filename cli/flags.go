package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// wrongFlag says of a flag's value what it should be, in our words: pflag's are those of strconv.
func wrongFlag(_ *cobra.Command, err error) error {
	var wrong *pflag.InvalidValueError
	if !errors.As(err, &wrong) {
		return err
	}
	f := wrong.GetFlag()
	what := "no " + f.Value.Type()
	switch {
	case f.Value.Type() == "bool":
		what = "neither true nor false"
	case strings.HasPrefix(f.Value.Type(), "int"):
		what = "no whole number"
	}
	return fmt.Errorf("cannot use --%s: %q is %s", f.Name, wrong.GetValue(), what)
}

// dagsFlag gives a command the choice where DAGs are; what says what for.
func dagsFlag(e *env, cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&e.dags, "dags", "", what+": a folder, or s3://BUCKET/PREFIX (default dags, or WEFT_DAGS)")
}

// findsDAGs is what for, where a run goes on: what it has started it knows, what it starts it must find.
const findsDAGs = "where DAGs are looked for, also those that dag.run starts"
