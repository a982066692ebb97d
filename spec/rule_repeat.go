package spec

import (
	"encoding/json"
	"slices"

	"weft/schema"
)

// ruleRepeat tells of retries of what does harm when it is done twice: an attempt that failed may have done its work
// all the same, its answer being lost. Which inputs those are a plugin's schema says (see schema.Unrepeatable).
func ruleRepeat(d *DAG) {
	for _, t := range slices.Concat(d.tasks, d.hooks) {
		if t.Retries == 0 || !t.known || len(t.plugin.Input) == 0 || len(t.With) == 0 {
			continue
		}
		c, err := schema.Compile(t.plugin.Input)
		if err != nil {
			continue // the plugin's fault; see checkInput
		}
		var input any
		if json.Unmarshal(t.With, &input) != nil || !c.Unrepeatable(input) {
			continue
		}
		d.report(rRepeat, d.span(t.get("retries")), "%s may do its work twice: what failed may have been done, and its answer lost", t.name()).
			related(d.span(t.f.key("uses")), "%q with this input is not safe to repeat", t.Uses).
			help("%s", c.UnrepeatableHelp())
	}
}
