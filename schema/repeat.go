package schema

import (
	"encoding/json"
	"sync"
)

// onceWord marks in a plugin's schema the inputs that are not safe to repeat: {"when": a JSON Schema that such an
// input fits, "help": what makes it safe}.
const onceWord = "x-weft-once"

// once is what a schema says of repeating.
type once struct {
	when func() *Checker // nil: every input is safe to repeat
	help string
}

func onceOf(doc any) once {
	m, _ := doc.(map[string]any)
	word, ok := m[onceWord].(map[string]any)
	if !ok {
		return once{}
	}
	help, _ := word["help"].(string)
	return once{help: help, when: sync.OnceValue(func() *Checker {
		raw, err := json.Marshal(word["when"])
		if err != nil {
			return nil
		}
		c, err := Compile(raw)
		if err != nil { // the plugin's fault; a test of the plugins' own finds it
			return nil
		}
		return c
	})}
}

// Unrepeatable tells whether doing something with an input twice is not the same as doing it once, as far as the
// schema tells.
func (c *Checker) Unrepeatable(input any) bool {
	if c.once.when == nil {
		return false
	}
	when := c.once.when()
	return when != nil && len(when.Check(input)) == 0
}

// UnrepeatableHelp says what makes such an input safe to repeat.
func (c *Checker) UnrepeatableHelp() string { return c.once.help }
