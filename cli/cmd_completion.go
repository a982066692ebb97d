package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
)

// shells are those that completion can be written for.
var shells = []struct {
	name  string
	write func(root *cobra.Command, w io.Writer) error
}{
	{"bash", func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
	{"zsh", func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) }},
	{"fish", func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
	{"powershell", func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) }},
}

func completionCommand(e *env) *cobra.Command {
	var names []string
	for _, s := range shells {
		names = append(names, s.name)
	}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "print what makes a shell complete weft's commands",
		Example: `  source <(weft completion bash)
  weft completion fish > ~/.config/fish/completions/weft.fish`,
		Args:        exactArgs(1, "name the shell: bash, zsh, fish or powershell"),
		ValidArgs:   names,
		Annotations: bare,
		RunE: func(cmd *cobra.Command, args []string) error {
			at := slices.Index(names, args[0])
			if at < 0 {
				return usagef("there is no completion for %q: name bash, zsh, fish or powershell", args[0])
			}
			if err := shells[at].write(cmd.Root(), e.stdout); err != nil {
				return fmt.Errorf("cannot write the completion: %w", err)
			}
			return nil
		},
	}
}
