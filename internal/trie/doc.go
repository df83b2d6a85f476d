// Package trie has maps that never change, of which a changed one shares all but what changed.
//
// # Words
//
//	map   has values by string; whoever has one may read it for ever, without a lock
//	edit  makes the next map of one, by any number of changes; it costs what it changes, and not what the map has
//	leaf  a few items whose hashes begin alike; a branch has 32 nodes by the next five bits
//
// Two maps of which one was made of the other are compared in the time that the difference takes, since what they share is the
// same memory. It is for what is large, read by every call, and changed a little at a time; package cow is for what is small.
package trie
