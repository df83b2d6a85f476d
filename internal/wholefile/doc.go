// Package wholefile writes files that others may read, or a crash may come upon, at any moment: they find all of the new content
// or what was there before.
//
//	draft  a file beside the path with the new content, synced, which then takes the name
package wholefile
