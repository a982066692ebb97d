package spec

// A rule looks at the whole DAG once its keys are read. Rules run in this order: later ones build
// on what earlier ones found out, and keep silent about what those reported.
var rules = []struct {
	name  string
	check func(*DAG)
}{
	{"needs", ruleNeeds},
	{"expressions", ruleExpressions},
	{"absent", ruleAbsent},
	{"cycle", ruleCycle},
	{"upstream", ruleUpstream},
	{"trigger", ruleTrigger},
	{"verdict", ruleVerdict},
	{"pool", rulePool},
	{"params", ruleParams},
	{"assemble", assemble},
	{"never", ruleNever},
	{"leaf", ruleLeaf},
}
