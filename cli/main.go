// Package cli is the command line: one file a command, and the only place where everything meets.
package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// commands are all there are, in the order in which help shows them. A new command is a new file
// and a new line.
var commands = []struct {
	group string
	make  func(*env) *cobra.Command
}{
	{groupWrite, initCommand},
	{groupWrite, validateCommand},
	{groupWrite, testCommand},
	{groupWrite, graphCommand},
	{groupWrite, scheduleCommand},
	{groupWrite, pluginsCommand},
	{groupWrite, schemaCommand},
	{groupRun, runCommand},
	{groupRun, runsCommand},
	{groupRun, logsCommand},
	{groupRun, explainCommand},
	{groupRun, cancelCommand},
	{groupRun, clearCommand},
	{groupRun, retryCommand},
	{groupRun, markCommand},
	{groupRun, backfillCommand},
	{groupRun, gcCommand},
	{groupDeploy, serveCommand},
	{groupDeploy, workerCommand},
	{groupDeploy, dagsCommand},
	{groupDeploy, syncCommand},
	{groupOther, completionCommand},
	{groupOther, versionCommand},
	{groupOther, guardCommand},
}

// onEngines are the commands for which it matters what keeps runs going.
var onEngines = map[string]bool{
	"run": true, "runs": true, "logs": true, "explain": true, "cancel": true, "clear": true, "retry": true, "mark": true, "backfill": true,
	"serve": true, "dags": true,
}

const (
	groupWrite  = "write"
	groupRun    = "run"
	groupDeploy = "deploy"
	groupOther  = "other"
)

// bare marks a command that needs neither the configuration nor the plugins.
var bare = map[string]string{"bare": "true"}

// Main carries out a command line, without the program's name, and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	garbage.collectLess()
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr}
	running := false
	root := e.root(&running)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err != nil && !running {
		err = &usageError{err} // whatever fails before a command runs is about how it was typed
	}
	return e.end(cmd.CommandPath(), err)
}

// root is the tree of commands; running becomes true when one of them begins.
func (e *env) root(running *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "weft",
		Short: "run DAGs of tasks, written in YAML",
		Long: `weft runs DAGs of tasks that are written in YAML: it checks them, runs them,
and remembers what happened.`,
		Example: `  weft init my-flows
  weft validate
  weft run dags/hello.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Annotations:   bare,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			*running = true
			if cmd.Annotations["bare"] != "" {
				return nil
			}
			if err := e.prepare(); err != nil {
				return err
			}
			return e.misplaced(cmd)
		},
		Version:           thisBuild().String(),
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	cobra.EnableCommandSorting = false // the table's order is the one to read in
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(wrongFlag)
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	f := root.PersistentFlags()
	f.StringVar(&e.home, "home", "", "folder of weft's state (default .weft, or WEFT_HOME)")
	f.StringVar(&e.configFile, "config", "", "configuration (default weft.yaml if there is one, or WEFT_CONFIG)")
	f.BoolVar(&e.noColor, "no-color", false, "no colours (also NO_COLOR=1)")
	root.AddGroup(
		&cobra.Group{ID: groupWrite, Title: "Write DAGs"},
		&cobra.Group{ID: groupRun, Title: "Run them"},
		&cobra.Group{ID: groupDeploy, Title: "Deploy them"},
		&cobra.Group{ID: groupOther, Title: "Else"},
	)
	for _, c := range commands {
		cmd := c.make(e)
		if onEngines[cmd.Name()] {
			engineFlags(e, cmd)
		}
		cmd.GroupID = c.group
		root.AddCommand(cmd)
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate(helpTemplate)
	return root
}

// knownCommand refuses what is no command, with what it may have meant.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("there is no command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return &hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}
	}
	return err
}

// exactArgs asks for n arguments; what says which.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return someArgs(n, n, what)
}

// someArgs refuses fewer than least arguments or more than most, and says what they are.
func someArgs(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usagef("%s", what)
		}
		return nil
	}
}

const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}`

const usageTemplate = `Usage:
  {{if .HasParent}}{{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}{{if .HasParent}}
  {{end}}{{.CommandPath}} COMMAND{{end}}
{{if .HasExample}}
Examples:
{{.Example}}
{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{if .Groups}}{{range $group := .Groups}}
{{.Title}}:{{range $cmds}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{else}}
Commands:{{range $cmds}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Everywhere:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}`
