package link_test

import "strings"

func textOf(n int) string { return strings.Repeat("x", n) }
