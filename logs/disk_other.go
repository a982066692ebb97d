//go:build !unix

package logs

import "io/fs"

func onDisk(info fs.FileInfo) int64 { return info.Size() }
