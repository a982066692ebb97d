package cli

import (
	"bytes"
	"io"
)

// A jsonText writes JSON to where a terminal may be: the control characters that JSON lets stand as
// they are, DEL and U+0080 to U+009F, are escaped too, for terminals obey them as they obey ESC. The
// data are the same. Each Write must be whole JSON values.
type jsonText struct{ out io.Writer }

// Write implements io.Writer.
func (w jsonText) Write(b []byte) (int, error) {
	if _, err := w.out.Write(escapeControls(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

func escapeControls(b []byte) []byte {
	if bytes.IndexByte(b, 0x7f) < 0 && bytes.IndexByte(b, 0xc2) < 0 {
		return b
	}
	const digits = "0123456789abcdef"
	out := make([]byte, 0, len(b)+64)
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == 0xc2 && i+1 < len(b) && b[i+1] < 0xa0 { // U+0080 to U+009F
			i++
			c = b[i]
		} else if c != 0x7f {
			out = append(out, c)
			continue
		}
		out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
	}
	return out
}
