// Package expiry says when the certificates of a link want another link, and when they end it.
//
// # Words
//
//	renewal  another link is made with the certificates of that moment, before the old one has to end: make before break.
//	         The side that dialled does it, first when a third of the time is left, and again when half of the rest is
//	end      the first certificate of the link has expired. Both sides watch, each by its own clock
package expiry
