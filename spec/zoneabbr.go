package spec

import "strings"

// zoneShort are abbreviations that people write for a time zone, which are none: half of them name one offset of two,
// some are used on several continents.
var zoneShort = map[string][]string{
	"pst": {"America/Los_Angeles"}, "pdt": {"America/Los_Angeles"}, "pt": {"America/Los_Angeles"},
	"mdt": {"America/Denver"}, "mt": {"America/Denver"},
	"cst": {"America/Chicago", "Asia/Shanghai"}, "cdt": {"America/Chicago"}, "ct": {"America/Chicago"},
	"edt": {"America/New_York"}, "et": {"America/New_York"},
	"akst": {"America/Anchorage"}, "akdt": {"America/Anchorage"},
	"ast": {"America/Halifax"}, "adt": {"America/Halifax"}, "nst": {"America/St_Johns"}, "ndt": {"America/St_Johns"},
	"brt": {"America/Sao_Paulo"}, "art": {"America/Argentina/Buenos_Aires"}, "clt": {"America/Santiago"},
	"bst": {"Europe/London"}, "west": {"Europe/Lisbon"}, "cest": {"Europe/Berlin", "Europe/Paris"}, "mez": {"Europe/Berlin"}, "mesz": {"Europe/Berlin"},
	"eest": {"Europe/Athens", "Europe/Helsinki"}, "msk": {"Europe/Moscow"}, "trt": {"Europe/Istanbul"},
	"ist": {"Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"}, "gst": {"Asia/Dubai"}, "pkt": {"Asia/Karachi"}, "sgt": {"Asia/Singapore"},
	"hkt": {"Asia/Hong_Kong"}, "jst": {"Asia/Tokyo"}, "kst": {"Asia/Seoul"}, "ict": {"Asia/Bangkok"}, "wib": {"Asia/Jakarta"}, "pht": {"Asia/Manila"},
	"awst": {"Australia/Perth"}, "acst": {"Australia/Adelaide"}, "acdt": {"Australia/Adelaide"}, "aest": {"Australia/Sydney", "Australia/Brisbane"}, "aedt": {"Australia/Sydney"},
	"nzst": {"Pacific/Auckland"}, "nzdt": {"Pacific/Auckland"}, "sast": {"Africa/Johannesburg"}, "wat": {"Africa/Lagos"}, "eat": {"Africa/Nairobi"}, "cat": {"Africa/Maputo"},
	"z": {"UTC"}, "utc+0": {"UTC"}, "+00:00": {"UTC"},
}

// zoneMeant adds to a report of an unknown zone what may be meant by it.
func (d *Diagnostic) zoneMeant(text string) {
	if names := zoneShort[strings.ToLower(text)]; names != nil {
		d.label("write %s", orWords(backticked(names)))
		if len(text) > 1 && names[0] != "UTC" {
			d.help("an abbreviation says one offset, or several; a place knows when its clocks change")
		}
		return
	}
	if d.suggest(text, zoneNames()); d.Label == "" {
		d.help("use a name of the IANA database, like Europe/Berlin or UTC")
	}
}

func backticked(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = "`" + w + "`"
	}
	return out
}
