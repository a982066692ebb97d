// Package s3sync keeps a folder and a prefix of a bucket alike, so that who reads the prefix has one
// set of files that somebody published, whole, and never half of two.
//
// What is published below a prefix:
//
//	<path>              each file as it is: the mirror, for people and for other tools
//	.weft/manifest.json which files there are, and where their bytes lie: the set that readers load
//	.weft/packs/<name>  bytes of files, one after another; a pack is never written twice
//	.weft/mirror.json   which set the mirror shows, or is being given
//
// A publisher writes one pack of what is new, then the manifest, on the condition that it still is
// the one the publisher has compared with. From that moment on readers see the new set; until then,
// the old one. The mirror follows. Whoever is killed in between leaves a whole set, and a mirror that
// the next publisher mends.
package s3sync
