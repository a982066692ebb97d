package http

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// literal reads a host that is an address, in any spelling that some resolver takes for one:
// 169.254.169.254, 0xA9FEA9FE, 2852039166, 0251.0376.43518, ::ffff:a9fe:a9fe, a dot at the end.
func literal(host string) (netip.Addr, bool) {
	host = strings.TrimSuffix(host, ".")
	if a, err := netip.ParseAddr(host); err == nil {
		return a, true
	}
	return classic(host)
}

// classic reads an IPv4 address as inet_aton does: one to four numbers, decimal, octal (0…) or
// hexadecimal (0x…), the last of which fills all bytes that are left.
func classic(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		n, ok := classicNumber(part)
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (4 - i)
		}
		if !ok || n >= 1<<bits {
			return netip.Addr{}, false
		}
		sum = sum<<bits | n
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(sum))
	return netip.AddrFrom4(b), true
}

// classicNumber reads one number of them. 08 is none: 8 is no octal digit.
func classicNumber(s string) (uint64, bool) {
	base := 10
	switch {
	case len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X"):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	n, err := strconv.ParseUint(s, base, 32)
	return n, err == nil
}

// embedding are the IPv6 prefixes whose addresses stand for an IPv4 one, and where that begins.
var embedding = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("::/96"), 12},                // IPv4-compatible
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12},      // translated (SIIT)
	{netip.MustParsePrefix("64:ff9b::/96"), 12},         // NAT64
	{netip.MustParsePrefix("64:ff9b:1:0:0:0::/96"), 12}, // NAT64, local use
	{netip.MustParsePrefix("2002::/16"), 2},             // 6to4
}

// forms returns an address as it is to be compared, and the IPv4 address that it stands for, if it
// does. Zones go, as no prefix holds an address with one; the unspecified address is the machine
// itself, as it is to connect.
func forms(a netip.Addr) []netip.Addr {
	a = a.Unmap().WithZone("")
	switch a {
	case netip.IPv4Unspecified():
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	case netip.IPv6Unspecified():
		return []netip.Addr{netip.IPv6Loopback()}
	case netip.IPv6Loopback():
		return []netip.Addr{a}
	}
	list := []netip.Addr{a}
	for _, e := range embedding {
		if e.prefix.Contains(a) {
			b := a.As16()
			list = append(list, netip.AddrFrom4([4]byte(b[e.at:e.at+4])))
		}
	}
	return list
}
