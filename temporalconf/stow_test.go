package temporalconf

import (
	"errors"
	"strings"
	"testing"

	"go.temporal.io/sdk/converter"
)

func TestWhatIsStowedIsNotPutAgainWhenItIsSent(t *testing.T) {
	values := folder(t, t.TempDir())
	c := impatient(values)
	result := map[string]string{"output": strings.Repeat("x", 10*Threshold)}
	values.fail = []error{errors.New("no"), errors.New("no"), errors.New("no"), errors.New("no"), errors.New("no"), errors.New("no"), errors.New("no"), errors.New("no")}
	if err := c.Stow(t.Context(), result); err == nil {
		t.Fatal("it is stowed though the handoff fails")
	}
	values.fail = nil
	if err := c.Stow(t.Context(), result); err != nil {
		t.Fatal(err)
	}
	puts := values.puts
	if err := c.Stow(t.Context(), "small"); err != nil {
		t.Fatal(err)
	}
	sent, err := converter.GetDefaultDataConverter().ToPayload(result)
	if err != nil {
		t.Fatal(err)
	}
	store(t, c, sent)
	if values.puts != puts {
		t.Errorf("%d more puts for what was stowed, and for what is small", values.puts-puts)
	}
}
