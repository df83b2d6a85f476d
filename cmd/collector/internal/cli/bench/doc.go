// Package bench calls a method many times over, from several callers at once, and says how that went.
package bench
