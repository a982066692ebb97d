package spec

import (
	"fmt"
	"testing"

	"weft/machine"
)

// TestWhatIsAskedOfAnOutputLeavesTheInput: the plan has the expression beside the input, bare and with
// its place, and a reference in it makes an edge.
func TestWhatIsAskedOfAnOutputLeavesTheInput(t *testing.T) {
	const head = "tasks:\n  a: {run: echo 1}\n  b: {uses: http, with: {url: u, expect: "
	for _, row := range []struct{ expect, with, ask, refs string }{
		{"{when: output.status == 200}", `{"expect":{},"url":"u"}`, "expect.when 3:49 output.status == 200", "[]"},
		{`{status: 200, when: "${{ output.body == tasks.a.output }}"}`, `{"expect":{"status":200},"url":"u"}`, "expect.when 3:67 output.body == tasks.a.output", "[a]"},
		{`{when: "output.body contains '${{'"}`, `{"expect":{},"url":"u"}`, "expect.when 3:50 output.body contains '${{'", "[]"},
		{"{when: true}", `{"expect":{},"url":"u"}`, "expect.when 3:49 true", "[]"},
		{"{status: 200}", `{"expect":{"status":200},"url":"u"}`, "", "[]"},
		{`"${{ tasks.a.output }}"`, `{"expect":"${{ tasks.a.output }}","url":"u"}`, "", "[a]"},
	} {
		d, found := Parse("a.yaml", []byte(head+row.expect+"}}\n"), online())
		if len(found) > 0 {
			t.Errorf("%s:\n%s", row.expect, show(found))
			continue
		}
		plan, err := d.Plan()
		if err != nil {
			t.Fatal(err)
		}
		b := plan.Task("b")
		if got := asksText(b.Asks); string(b.With) != row.with || got != row.ask || fmt.Sprint(b.Refs) != row.refs {
			t.Errorf("%s: input %s, asks %q, references %v\nwant %s, %q, %s", row.expect, b.With, got, b.Refs, row.with, row.ask, row.refs)
		}
	}
}

func asksText(asks []machine.Ask) (text string) {
	for _, a := range asks {
		text += fmt.Sprintf("%s %d:%d %s", a.Path, a.Expr.Pos.Line, a.Expr.Pos.Col, a.Expr.Src)
	}
	return text
}
