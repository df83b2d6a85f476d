// Package demo shows a mesh at work: it starts three collectors as processes of their own, or inside this one, links them, calls
// methods where they do not live, kills one collector, restarts it, and reports what it saw.
//
// # Words
//
//	stage     the three collectors and their files
//	actor     one of the collectors; its life is a process, or a part of this one
//	round     the calls that the demo makes again and again
//	outage    from the kill until the restarted collector is linked with both others again
package demo
