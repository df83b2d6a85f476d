// Package frame is the wire format of a link: frames, their fields, and what is said once and meant from then on. It does no
// more than put values into bytes and take them out again, within limits; what they mean is package link's, which also has
// the table of frames.
//
// Words:
//
//	header    the 12 bytes before each payload
//	payload   the rest of a frame, read field by field; the first malformed field ends it
//	metadata  a block of headers or trailers
//	name      what a call is addressed to; it has a number once it was defined
//	HELLO     the first frame of each end
//	PROOF     the second, which shows that the first was true
//	greeting  both of both ends, before which nothing else is read
package frame
