package spec

// The codes of diagnostics: a family's letter and three digits, never renumbered or reused. People
// silence findings by them, and pages are linked by them, so a code outlives its rule: one that is
// given up stays a gap. The gaps below are numbers that the design keeps for mistakes that other
// packages find or that nobody finds yet.
//
// A rule says what is wrong by the code; how bad that is stands in warnings, in one place.
const (
	// Y: what is wrong with the YAML, before anything is known of DAGs.
	yTab       = "Y001" // tab as indentation
	yIndent    = "Y002" // a key that lines up with nothing above it
	yColon     = "Y003" // `: ` inside a plain value
	yIndicator = "Y004" // a value that begins with * { % @ `
	yNoSpace   = "Y005" // key:value without a space
	yQuote     = "Y006" // a quote that is never closed
	ySpace     = "Y007" // odd spaces and curly quotes
	yDuplicate = "Y008" // a key that stands twice
	ySyntax    = "Y009" // any other syntax error
	yBool      = "Y010" // yes, no, on, off where true or false is meant
	yNumber    = "Y011" // 0022, 1_000, a number that would lose digits
	yTag       = "Y013" // a tag
	yDocuments = "Y014" // more than one document
	yLimit     = "Y015" // too large, too deep, too much by aliases
	yEncoding  = "Y016" // not UTF-8
	yAlias     = "Y017" // an alias of nothing, or of what it stands in; a wrong merge
	yKey       = "Y018" // a key that is no text
	yEmpty     = "Y019" // nothing in the file

	// S: structure, keys and their values, plugins and their inputs.
	sUnknownKey   = "S101"
	sWrongPlace   = "S102" // a key that belongs elsewhere
	sMissing      = "S103"
	sType         = "S104"
	sPlugin       = "S105" // unknown plugin
	sInputName    = "S106" // unknown plugin input
	sInput        = "S107" // wrong or missing plugin input
	sDuration     = "S108"
	sExclusive    = "S109" // keys that exclude each other
	sFile         = "S110" // a file that is not there
	sPool         = "S111"
	sValue        = "S112" // none of the choices, out of range
	sNoExpression = "S113" // ${{ }} where values are literal
	sSchema       = "S114" // a param's or output's schema that is none
	// S115 was "not carried out by this version"; a code is never used again.

	// N: names that the user gives.
	nID        = "N151" // an id with a character that ids do not have
	nLookAlike = "N152" // … that is not ASCII, and may look as if it were
	nLength    = "N153"
	nEnv       = "N154" // the name of an environment variable

	// G: the graph, and who names whom in it.
	gUnknown     = "G201" // a task that does not exist
	gSelf        = "G202"
	gCycle       = "G203"
	gNever       = "G204" // a task that can never run
	gBranch      = "G205" // a join that branches never let run
	gNotUpstream = "G207" // asks about a task that is not upstream
	gCounting    = "G208" // a counting trigger meets an edge made by a reference
	gTwice       = "G209" // the same task twice in needs
	SameID       = "G210" // the same id in two files: one file cannot know, whoever reads a folder reports it in both
	gNoDAG       = "G211" // a DAG, or a task of one, that does not exist; of several files, as what follows
	gDAGCycle    = "G212" // DAGs that start each other and wait
	gDAGParams   = "G213" // params that are not those of the DAG that is started

	// E: expressions. Package expr has codes of its own for what it finds, E301 to E308; these are what
	// spec itself reports, or recognises.
	eMember = "E303" // a name that is not known here (package expr gives the others)
	eType   = "E305"

	// T: time. What a cron text means package cron knows.
	tField  = "T401" // a field of a cron text that cannot be read, or is out of range
	tFields = "T402" // wrong number of fields
	tNever  = "T403" // a schedule that never fires
	tEither = "T404" // day of month and day of week
	tUneven = "T405" // a step that does not divide its range
	tZone   = "T406" // an unknown time zone
	tGap    = "T407" // a wall time that clocks skip
	tFold   = "T408" // a wall time that comes twice

	// R: reliability, legal and probably not what is meant.
	rSensor   = "R501" // a sensor without timeout
	rInterval = "R502" // an interval longer than its limit
	rParam    = "R503" // an unused param
	rOutput   = "R504" // a declared output that nothing reads
	rLeaf     = "R505" // a leaf that may hide a failure
	rRepeat   = "R506" // retries of what is not safe to repeat
	rTruncate = "R507" // a script that empties its own log

	// X: security, above all what a shell would make of a value.
	xSecretHere = "X601" // a secret that stands in the file
	xPassword   = "X602" // a password in a URL
	xQuotes     = "X603" // an expression in single quotes or a quoted here-document
	xShell      = "X604" // a shell syntax error
	xEval       = "X605" // an expression after eval or sh -c
	xArithmetic = "X606" // an expression that is no integer in shell arithmetic
	xSecret     = "X607" // a secret where none may be
	xArgvShell  = "X608" // an expression in a script for a program that weft cannot read
	xLint       = "X609" // what shellcheck says of a script

	// L: comments that silence findings.
	lIdle    = "L001" // one that silences nothing
	lReason  = "L002" // one without its reason
	lUnknown = "L003" // of a code that there is not
	lUnread  = "L004"
)

// warnings are the codes that do not keep a DAG from running; a code that is not here is an error.
var warnings = map[string]Severity{
	gCounting: Warning, gTwice: Warning, rSensor: Warning, rInterval: Warning, rParam: Warning,
	rLeaf: Warning, rTruncate: Warning, gNever: Warning, gBranch: Warning, xEval: Warning, tEither: Warning, tUneven: Warning,
	xSecretHere: Warning, xPassword: Warning, tGap: Info, tFold: Info, rOutput: Info, rRepeat: Info,
	lIdle: Warning, lReason: Warning, lUnknown: Warning, lUnread: Warning,
}
