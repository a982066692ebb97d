//go:build !linux

package cli

func dropBeginning() {}
