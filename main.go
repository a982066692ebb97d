// Weft runs DAGs of tasks that are written in YAML.
package main

import (
	"os"

	"weft/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
