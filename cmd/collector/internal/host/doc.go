// Package host runs one collector: it opens the store, builds the dispatcher, listens, joins others, and takes all of it
// down again in order.
package host
