// Package held bounds the bytes that a process holds of all its requests together: beyond that, requests are refused, and the
// kernel has no reason to end the process.
//
// Words:
//
//	held    bytes of messages that have come and not been taken, of messages without their compression, of answers that wait,
//	        and of requests of HTTP/2 that nobody has read yet
//	budget  how much may be held
package held
