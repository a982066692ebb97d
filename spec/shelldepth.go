package spec

// A parser of shell goes one call deeper for each bracket, each `if`, each `&&`; Go ends a program whose
// stack grows beyond 1 GB, and nothing can recover that. So what could nest is counted before.

// Limits of a script. What is open at one place is bounded so that no script takes more memory than a
// file may; but a bracket in a text or a comment closes nothing, so all there are are bounded too.
// The words are counted generously, for a here-document may hold prose.
const (
	maxOpenBrackets = 1_000
	maxOpenWords    = 10_000
	maxNesting      = 100_000
)

// opening and closing words of shell's grammar; those that close nothing nest on their right.
var nesting = map[string]int{
	"if": 1, "while": 1, "until": 1, "for": 1, "case": 1, "select": 1, "time": 1, "coproc": 1, "function": 1, "!": 1,
	"fi": -1, "done": -1, "esac": -1,
}

// tooDeep returns the offset at which a script nests deeper than it may, -1 if nowhere.
func tooDeep(text string) int {
	brackets, words, all := 0, 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '(' || c == '{' || c == '[':
			brackets++
			all++
		case c == ')' || c == '}' || c == ']':
			brackets = max(brackets-1, 0)
		case c == '&' || c == '|':
			all++
		case i == 0 || !wordByte(text[i-1]):
			end := i
			for end < len(text) && end < i+len("function") && wordByte(text[end]) {
				end++
			}
			if end < len(text) && wordByte(text[end]) {
				break // longer than any
			}
			step := nesting[text[i:end]]
			words = max(words+step, 0)
			all += max(step, 0)
		}
		if brackets > maxOpenBrackets || words > maxOpenWords || all > maxNesting {
			return i
		}
	}
	return -1
}

// wordByte tells whether a byte can be of one of those words.
func wordByte(c byte) bool { return 'a' <= c && c <= 'z' || c == '!' }
