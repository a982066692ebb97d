package spec

// A rule looks at the whole DAG once its keys are read. Rules run in this order: later ones build
// on what earlier ones found out, and keep silent about what those reported. A new rule is a new file
// and a new line; its order says what it may take for granted:
//
//	needs        every need is a task of this file
//	expressions  every reference is noted, scripts are rewritten
//	cycle        d.cyclic is known; what asks for upstream tasks is silent if it is set
//	missing dollar  what foreign names and expressions reported is known
//	upstream     Needs and Refs of each task are whole
//	assemble     the plan is whole; sealed gives it to rules that ask about both directions
var rules = []struct {
	name  string
	check func(*DAG)
}{
	{"needs", ruleNeeds},
	{"expressions", ruleExpressions},
	{"foreign names", ruleForeign},
	{"missing dollar", ruleMissingDollar},
	{"secrets", ruleSecrets},
	{"cycle", ruleCycle},
	{"upstream", ruleUpstream},
	{"trigger", ruleTrigger},
	{"verdict", ruleVerdict},
	{"pool", rulePool},
	{"params", ruleParams},
	{"outputs", ruleOutputs},
	{"declared", ruleDeclared},
	{"repeat", ruleRepeat},
	{"dead", ruleDead},
	{"secret in the file", ruleSecretInFile},
	{"assemble", assemble},
	{"never", ruleNever},
	{"branch", ruleBranch},
	{"leaf", ruleLeaf},
}
