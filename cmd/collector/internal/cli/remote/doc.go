// Package remote is the connection of one command to one collector: how it is addressed, over what it is reached, and what is
// said when it is not.
//
// # Words
//
//	target    the collector that the flags, the environment and the context name, and how it is asked
//	session   the connection of one command to a target
//	stranger  what answers at the address and is no collector
//	speaker   what a stranger is, as far as its first bytes prove it
package remote
