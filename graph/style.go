package graph

import "strings"

// shapes are the rules of the SVG that hold on any ground; no name of a user stands in them.
const shapes = `
    .weft text { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
    .weft .box, .weft .back { stroke-width: 1.25; }
    .weft .sensor .box { stroke-dasharray: 5 3; }
    .weft .id { font-size: 13px; font-weight: 600; }
    .weft .small, .weft .group { font-size: 11px; }
    .weft .edge { fill: none; stroke-width: 1.4; }
    .weft .reference { stroke-dasharray: 5 4; }
    .weft .frame { stroke-dasharray: 2 4; }
    .weft .skipped, .weft .upstream_failed { opacity: .75; }
`

// colours are the rules that differ between light and dark; $names stand for a palette's colours.
// Not CSS variables: viewers that are no browsers do not know them.
const colours = `
    .weft .paper { fill: $paper; }
    .weft .box, .weft .back { fill: $box; stroke: $line; }
    .weft .id { fill: $ink; }
    .weft .small, .weft .group { fill: $soft; }
    .weft .rule { fill: $rule; }
    .weft .bar { fill: $line; }
    .weft .edge { stroke: $edge; }
    .weft .head { fill: $edge; }
    .weft .frame { fill: $frame; stroke: $edge; }
    .weft .success .bar { fill: $green; }
    .weft .failed .bar { fill: $red; }
    .weft .running .bar { fill: $rule; }
    .weft .up_for_reschedule .bar, .weft .deferred .bar, .weft .up_for_retry .bar { fill: $amber; }
    .weft .skipped .bar { fill: $edge; }
    .weft .upstream_failed .bar { fill: $orange; }
`

var light = strings.NewReplacer(
	"$paper", "#ffffff", "$box", "#f6f8fa", "$line", "#c8d1da", "$ink", "#1f2328", "$soft", "#59636e",
	"$rule", "#0969da", "$edge", "#818b98", "$frame", "#fbfcfd", "$green", "#1a7f37", "$red", "#d1242f",
	"$amber", "#bf8700", "$orange", "#bc4c00",
)

var dark = strings.NewReplacer(
	"$paper", "#0d1117", "$box", "#1a212b", "$line", "#3d444d", "$ink", "#f0f6fc", "$soft", "#9198a1",
	"$rule", "#4493f8", "$edge", "#656c76", "$frame", "#11161d", "$green", "#3fb950", "$red", "#f85149",
	"$amber", "#d29922", "$orange", "#db6d28",
)

var style = shapes + light.Replace(colours) +
	"    @media (prefers-color-scheme: dark) {" + dark.Replace(colours) + "    }\n  "
