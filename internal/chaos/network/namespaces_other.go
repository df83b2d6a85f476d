//go:build !linux

package network

import "errors"

func newNamespaces() (Network, error) { return nil, errors.New("network namespaces are Linux's") }
