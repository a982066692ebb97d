package secrets

import "io"

// A Masker is a writer that masks what passes through it. What may be the beginning of a form is
// held back until the bytes behind it tell, or until Flush; everything else goes on at once. It is
// not safe for concurrent use.
type Masker struct {
	mask *Mask
	w    io.Writer

	held    []byte // may be, or go on as, a form: at most as long as the longest with its line ends
	covered int    // how many of the held bytes are known to be masked
	inside  bool   // a Masked has been written for the run of masked bytes that may go on here
	out     []byte // what goes on with this call
	met     string // the first secret that was masked
}

// Writer returns a Masker before w. Of a nil Mask it lets everything pass.
func (m *Mask) Writer(w io.Writer) *Masker { return &Masker{mask: m, w: w} }

// Write masks. It takes all of p, or returns the error of the writer behind; then nothing of p is
// written again.
func (k *Masker) Write(p []byte) (int, error) {
	if k.mask == nil {
		return k.w.Write(p)
	}
	text := p
	if len(k.held) > 0 {
		k.held = append(k.held, p...)
		text = k.held
	}
	done := k.scan(text, false)
	k.held = append(k.held[:0], text[done:]...)
	return len(p), k.emit()
}

// Flush ends the text: what was held back is no beginning of anything.
func (k *Masker) Flush() error {
	if k.mask == nil {
		return nil
	}
	k.scan(k.held, true)
	k.held, k.covered, k.inside = k.held[:0], 0, false
	return k.emit()
}

func (k *Masker) emit() error {
	if len(k.out) == 0 {
		return nil
	}
	_, err := k.w.Write(k.out)
	k.out = k.out[:0]
	return err
}

// scan masks b and returns how much of it is decided; all of it if b is the end of the text.
func (k *Masker) scan(b []byte, last bool) int {
	i, end := 0, k.covered // b[i:end] is masked
	for i < len(b) {
		if !k.inside {
			from := i
			i = k.skip(b, i)
			k.out = append(k.out, b[from:i]...)
			if i == len(b) {
				break
			}
		}
		n, which, more := k.mask.at(b[i:])
		if n > 0 && i+n > end {
			end = i + n
			k.mark(which)
		}
		if more && !last {
			break
		}
		if i >= end {
			k.inside = false
			k.out = append(k.out, b[i])
		}
		i++
	}
	k.covered = max(0, end-i)
	return i
}

// mark writes Masked for a run of masked bytes that begins, or goes on.
func (k *Masker) mark(which int) {
	if k.met == "" {
		k.met = k.mask.forms[which].name
	}
	if !k.inside {
		k.inside = true
		k.out = append(k.out, Masked...)
	}
}

// skip passes over bytes with which no form begins.
func (k *Masker) skip(b []byte, i int) int {
	for ; i+1 < len(b); i++ {
		if k.mask.maybe(b[i], b[i+1]) {
			return i
		}
	}
	if i < len(b) && !k.mask.first[b[i]] {
		i++
	}
	return i
}
