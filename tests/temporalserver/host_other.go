//go:build !linux

package temporalserver

import "errors"

func (*Host) separate() error { return errors.New("network namespaces are Linux's") }
