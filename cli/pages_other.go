//go:build !linux

package cli

func dropOwnPages() {}
