package awsconf

// Sums of parts are put together to the sum of the whole as zlib's crc32_combine does (M. Adler, zlib
// 1.2.12, crc32.c): appending n bytes to a message multiplies its polynomial by x^8n, modulo the CRC's.
// What the CRCs of S3 begin and end with, all ones, cancels out.

// A polynomial of a CRC without its highest term, bits reflected: the highest bit is x^0.
type polynomial struct {
	bits uint64
	one  uint64 // the highest bit: 1<<31 or 1<<63
}

// times multiplies two remainders.
func (p polynomial) times(a, b uint64) (product uint64) {
	for at := p.one; at != 0 && a != 0; at >>= 1 {
		if a&at != 0 {
			product ^= b
			a ^= at
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= p.bits
		}
	}
	return product
}

// shift is x^8n.
func (p polynomial) shift(n int64) uint64 {
	power, out := p.one>>8, p.one // x^8, x^0
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			out = p.times(power, out)
		}
		power = p.times(power, power)
	}
	return out
}

// join is the sum of a message of sum a that is followed by n bytes of sum b.
func (p polynomial) join(a, b uint64, n int64) uint64 { return p.times(p.shift(n), a) ^ b }
