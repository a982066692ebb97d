package expr

import (
	"slices"
	"testing"
)

func TestTheSecretsThatATemplateReads(t *testing.T) {
	for tmpl, want := range map[string][]string{
		"no ${{ run.id }}, secrets.X":                                            nil,
		"${{ secrets.A }} and ${{ upper(secrets[\"B\"]) + secrets?.C }}":         {"A", "B", "C"},
		"${{ fromJSON(secrets.A).user ?? env.secrets }}":                         {"A"},
		"${{ filter([secrets.A, secrets.B], # != secrets.C) }}":                  {"A", "B", "C"},
		"${{ {\"k\": secrets.A}.k ? secrets.B[1:] : !secrets.C }}":               {"A", "B", "C"},
		"${{ \"secrets.X\" + params.secrets + tasks.secrets.output.secrets.Y }}": nil,
		"${{ secrets.A": nil,
	} {
		if got := SecretsOfTemplate(tmpl); !slices.Equal(got, want) {
			t.Errorf("%s reads %q, want %q", tmpl, got, want)
		}
	}
}
