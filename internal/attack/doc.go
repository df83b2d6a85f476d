// Command attack attacks collectors that run as processes of their own, and prints what came of it:
//
//	ATTACK name value unit
//
// A name with a suffix after a slash is a part of a figure: one way of the attack. The figure of the attack follows its
// parts, and is judged by the table of bounds; the exit status is 1 if one is missed. `-only stuck` runs the attacks whose
// name has that in it.
//
// # Words
//
//	attack  what a hostile client or peer does, again and again or until it is shut out
//	target  the collector that is attacked: the binary, built or given by -collector
//	figure  what the attack gained, or cost; the smaller the better unless the bound says otherwise
//	bound   what the figure may be at most, or must be exactly
//	control the same without the attack. Where a machine is too busy to tell, the attack says so and is not judged
//
// Figures are measured from outside: by clocks at the client, by /proc of the target, by its sockets in /proc/net/tcp.
package main
