package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// awkward is a secret with all that is awkward in shells, JSON and URLs.
const awkward = `p"a's\w$d &+/ü<%>`

// key is a secret of several lines, the last one short.
const key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nshort\n-----END KEY-----\n"

// writings are what programs make of a text, by libraries that this package does not use itself.
func writings(s string) map[string]string {
	plain, _ := json.Marshal(s)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return map[string]string{
		"raw": s, "hex": hex.EncodeToString([]byte(s)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(s))),
		"base64": base64.StdEncoding.EncodeToString([]byte(s)), "base64, no padding": base64.RawStdEncoding.EncodeToString([]byte(s)),
		"base64 of URLs":     base64.URLEncoding.EncodeToString([]byte(s)),
		"base64 with a user": base64.StdEncoding.EncodeToString([]byte("user:" + s)),
		"base64, one on":     base64.StdEncoding.EncodeToString([]byte("x" + s + "and more")),
		"base64, two on":     base64.StdEncoding.EncodeToString([]byte("xy" + s + "\n")),
		"base64 in lines":    wrap(base64.StdEncoding.EncodeToString([]byte("some text before it, "+s+", and some behind it")), 20),
		"hex in lines":       wrap(hex.EncodeToString([]byte("abc"+s)), 16),
		"query":              url.QueryEscape(s), "path": url.PathEscape(s), "small query": lower(url.QueryEscape(s)),
		"JSON": string(plain), "JSON with <": b.String(), "quoted": strconv.Quote(s), "ASCII": strconv.QuoteToASCII(s),
		"shell": "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", "HTML": html.EscapeString(s),
	}
}

func wrap(s string, at int) string {
	var lines []string
	for len(s) > at {
		lines, s = append(lines, s[:at]), s[at:]
	}
	return strings.Join(append(lines, s), "\n")
}

// lower makes the digits of %2F small, and those alone.
func lower(s string) string {
	parts := strings.Split(s, "%")
	for i := 1; i < len(parts); i++ {
		parts[i] = strings.ToLower(parts[i][:2]) + parts[i][2:]
	}
	return strings.Join(parts, "%")
}

func TestWhatProgramsWriteIsMasked(t *testing.T) {
	for _, secret := range []string{"hunter2!", awkward, key, "abcd", " padded \n", strings.Repeat("0123456789", 30)} {
		m := NewMask(map[string]string{"S": secret})
		for how, text := range writings(secret) {
			got := m.Text("before " + text + " behind")
			inside := strings.TrimSuffix(strings.TrimPrefix(got, "before "), " behind")
			around := strings.Count(text, "") // digits of base64 in which the text around has a part are left
			if strings.HasPrefix(how, "base64") || strings.HasPrefix(how, "hex") {
				around -= len(secret) * 8 / 7
			} else {
				around = 5
			}
			if len(got) != len("before  behind")+len(inside) || !strings.Contains(inside, Masked) || len(inside) > around+len(Masked) {
				t.Errorf("%s of %.20q: %q", how, secret, got)
			}
		}
	}
}

func TestMasking(t *testing.T) {
	values := map[string]string{"A": "hunter2", "B": "ter2ready", "C": "xyz", "D": "aaaa"}
	for text, want := range map[string]string{
		"":                       "",
		"nothing here, hunter 2": "nothing here, hunter 2",
		"hunter2":                "***",
		"hunter2hunter2":         "***", // how many there are is nobody's business
		"hunter2, hunter2":       "***, ***",
		"hunter2ready":           "***", // they overlap, and neither shows its end
		"hunterhunter2":          "hunter***",
		"xyz":                    "xyz", // too short
		"baaaaaab":               "b***b",
		"aaa":                    "aaa",
	} {
		if got := NewMask(values).Text(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
	if NewMask(map[string]string{"C": "xyz"}) != nil || NewMask(nil).Text("a") != "a" || NewMask(nil).Message("a…") != "a…" {
		t.Error("a mask of nothing")
	}
}

func TestPartsOfASecret(t *testing.T) {
	m := NewMask(map[string]string{"K": key, "J": `{"user": "eve", "password": "correct horse", "more": ["battery staple"]}`})
	for text, want := range map[string]string{
		"-----END KEY-----":                "***",
		"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC": "***",
		"short":                            "short",
		"eve, correct horse":               "eve, ***",
		"battery+staple":                   "***",
		strings.ReplaceAll(key, "\n", " "): "***",
	} {
		if got := strings.TrimSpace(m.Text(text)); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

func TestMessagesQuoteNoBeginning(t *testing.T) {
	m := NewMask(map[string]string{"S": strings.Repeat("secret-word-", 10)})
	for text, want := range map[string]string{
		`it gave the text "secret-word-sec"… and no more`:    `it gave the text "***"… and no more`,
		"it gave secret-wo…":                                 "it gave ***…",
		"it gave secret… here":                               "it gave secret… here",
		"cannot use secret-word-s":                           "cannot use ***",
		"cannot use " + strings.Repeat("secret-word-", 10):   "cannot use ***",
		"fine… and secret-word- is fine too, being a part":   "fine… and secret-word- is fine too, being a part",
		`cannot wait for "secret-word-secret-": no duration`: `cannot wait for "secret-word-secret-": no duration`,
	} {
		if got := m.Message(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

func TestFindNamesTheSecret(t *testing.T) {
	m := NewMask(map[string]string{"LONG": "hunter2!", "SHORT": "abcde", "OTHER": awkward})
	long := strings.Repeat("x", 200<<10)
	for text, want := range map[string]string{
		"nothing": "", "abcde": "", "hunter2": "", "hunter2!": "LONG", long + "hunter2!" + long: "LONG",
		long[:64<<10-3] + "hunter2!": "LONG", `{"a":"p\"a's\\w$d &+/ü<%>"}`: "OTHER",
		base64.StdEncoding.EncodeToString([]byte("a:" + awkward)): "OTHER",
	} {
		got, err := m.Find(strings.NewReader(text))
		if got != want || err != nil {
			t.Errorf("%.40q: %q, %v, want %q", text, got, err, want)
		}
	}
	if got, _ := NewMask(map[string]string{"SHORT": "abcde"}).Find(strings.NewReader("abcde")); got != "" {
		t.Errorf("a short one is held against an output: %q", got)
	}
}

// TestTextGoesOnAtOnce: nobody who follows a log waits for text that is no beginning of a secret.
func TestTextGoesOnAtOnce(t *testing.T) {
	var out bytes.Buffer
	k := NewMask(map[string]string{"S": "hunter2"}).Writer(&out)
	for _, step := range []struct{ write, seen string }{
		{"a line\n", "a line\n"},
		{"what? ", "a line\nwhat? "},
		{"h", "a line\nwhat? "}, // may be it
		{"e", "a line\nwhat? he"},
		{"hunt", "a line\nwhat? he"},
		{"er2", "a line\nwhat? he***"},
		{" ", "a line\nwhat? he*** "},
		{"hunter", "a line\nwhat? he*** "},
	} {
		if n, err := k.Write([]byte(step.write)); n != len(step.write) || err != nil {
			t.Fatal(n, err)
		}
		if out.String() != step.seen {
			t.Errorf("after %q: %q, want %q", step.write, out.String(), step.seen)
		}
	}
	_ = k.Flush()
	if want := "a line\nwhat? he*** hunter"; out.String() != want {
		t.Errorf("in the end: %q", out.String())
	}
}

// pieces writes a text in pieces that a seed chooses.
func pieces(m *Mask, text string, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var out bytes.Buffer
	k := m.Writer(&out)
	for len(text) > 0 {
		n := 1 + r.IntN(min(len(text), 1+r.IntN(40)))
		_, _ = k.Write([]byte(text[:n]))
		text = text[n:]
	}
	_ = k.Flush()
	return out.String()
}

// FuzzMask: however a text is cut, the same is masked, and no form is left.
func FuzzMask(f *testing.F) {
	f.Add("hunter2!", "pass", "a hunter2!hunter2 passpasspass", uint64(1))
	f.Add("aaaa", "aaab", "aaaaaaab aab aaab", uint64(2))
	f.Add(awkward, key, awkward+key+url.QueryEscape(awkward), uint64(3))
	f.Add("line one\nline two", "two\nthree", "line one\nline two\nthree", uint64(4))
	f.Add("abcdefgh", "x", "YWJj\n  ZGVm\r\nZ2g= 6162636465\n666768", uint64(5))
	f.Fuzz(func(t *testing.T, a, b, text string, seed uint64) {
		m := NewMask(map[string]string{"A": a, "B": b})
		if m == nil || len(a)+len(b) > 500 || len(text) > 5000 {
			return
		}
		// A text of random letters holds no secret: put some in.
		r := rand.New(rand.NewPCG(seed, 2))
		for range r.IntN(6) {
			form := m.forms[r.IntN(len(m.forms))].text
			at := r.IntN(len(text) + 1)
			cut := r.IntN(len(form)+1) * r.IntN(2)
			text = text[:at] + form[cut:] + text[at:]
		}
		whole := m.Text(text)
		if got := pieces(m, text, seed); got != whole {
			t.Errorf("in pieces %q\nin one go %q\nof %q", got, whole, text)
		}
		for _, form := range m.forms {
			if strings.Contains(form.text, "*") {
				continue // Masked itself may complete it
			}
			if strings.Contains(whole, form.text) {
				t.Errorf("%q is left in %q", form.text, whole)
			}
		}
	})
}

// TestTheCheckOfTheFuzzingCanFail: a masker that lets one form through is caught.
func TestTheCheckOfTheFuzzingCanFail(t *testing.T) {
	m := NewMask(map[string]string{"S": awkward})
	if got := compile(m.forms[1:]).Text(awkward); got != awkward {
		t.Errorf("without its raw form %q is %q", awkward, got)
	}
}

func TestManyPiecesOfEveryForm(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	m := NewMask(map[string]string{"A": awkward, "B": key, "C": "hunter2!"})
	for range 300 {
		var text strings.Builder
		for range 20 {
			form := m.forms[r.IntN(len(m.forms))]
			switch s := form.text; {
			case form.folded && r.IntN(2) == 0:
				text.WriteString(wrap(s, 8+r.IntN(80)))
			case r.IntN(3) == 0:
				text.WriteString(s[:r.IntN(len(s))])
			default:
				text.WriteString(s)
			}
			if r.IntN(2) == 0 {
				text.WriteString("\n-")
			}
		}
		whole := m.Text(text.String())
		if got := pieces(m, text.String(), r.Uint64()); got != whole {
			t.Fatalf("in pieces %q\nin one go %q", got, whole)
		}
		for _, form := range m.forms {
			if strings.Contains(whole, form.text) {
				t.Fatalf("%q is left in %q", form.text, whole)
			}
		}
	}
}

func TestWhatIsHeldBackIsBounded(t *testing.T) {
	m := NewMask(map[string]string{"S": strings.Repeat("ab", 200)})
	k := m.Writer(new(bytes.Buffer))
	longest := 0
	for _, f := range m.forms {
		longest = max(longest, len(f.text))
	}
	bound := longest + (longest/laterRow+2)*(2+maxIndent)
	enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("ab", 500)))
	for _, text := range []string{strings.Repeat("a", 5000), strings.Repeat("ab", 5000), strings.ReplaceAll(wrap(enc, 9), "\n", "\r\n"+strings.Repeat(" ", 16)), "a" + strings.Repeat("\n", 5000)} {
		for i := range len(text) {
			_, _ = k.Write([]byte{text[i]})
			if len(k.held) > bound {
				t.Fatalf("%d bytes are held back, want %d at most", len(k.held), bound)
			}
		}
	}
}

func BenchmarkMask(b *testing.B) {
	log := []byte(strings.Repeat("2026-03-01T12:00:00+00:00 INFO worker-7 loaded 41812 rows of export-3.csv in 1.21s\n", 12000))
	for _, count := range []int{1, 3, 10} {
		values := map[string]string{"K": key}
		for i := range count {
			values[fmt.Sprint("S", i)] = fmt.Sprintf("%x-%s-%d", i*7919, "Tr0ub4dor&3", i)
		}
		m := NewMask(values)
		b.Run(fmt.Sprintf("%d secrets, %d forms", count+1, len(m.forms)), func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			var sink bytes.Buffer
			for b.Loop() {
				sink.Reset()
				k := m.Writer(&sink)
				for at := 0; at < len(log); at += 64 << 10 {
					_, _ = k.Write(log[at:min(at+64<<10, len(log))])
				}
				_ = k.Flush()
			}
		})
	}
	b.Run("making", func(b *testing.B) {
		for b.Loop() {
			NewMask(map[string]string{"A": awkward, "B": "Tr0ub4dor&3"})
		}
	})
}

// TestTheWordsOfASecret: `echo $S` without quotes, and a short message, make one space of several.
func TestTheWordsOfASecret(t *testing.T) {
	m := NewMask(map[string]string{"S": " correct  horse\tbattery\x01\nstaple "})
	if got := m.Text("so: correct horse battery staple."); got != "so: "+Masked+"." {
		t.Errorf("%q", got)
	}
}
