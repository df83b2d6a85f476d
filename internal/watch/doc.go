// Package watch tells when something that was read has changed and should be read again.
//
// Two words:
//
//   - Watched files: what certificates, secrets, policies and key sets are read from. [Files] calls back once after any of
//     them has other contents than before, however that came about: written in place, renamed over, a symlink on the way
//     to it that points elsewhere (as Kubernetes swaps ..data), made when it was missing, taken away.
//   - A reload: reading all of it again because somebody asked, with SIGHUP for the binary. Who has read a file adds
//     itself to a [Hub]; whoever is told to reload asks the hub.
//
// What is read again is judged by its reader: one that cannot use the new contents keeps the old ones and says so.
//
// A watcher is in one of three states:
//
//	quiet --something happened in a directory--> settling --nothing for 100 ms, or 1 s in all--> compares --> quiet
//	quiet --a minute, or 5 s without notifications--> compares --> quiet
//	any   --ctx done, or stop--> ended
package watch
