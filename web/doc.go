// Package web is the browser console of a collector: built files, embedded, and the handler that serves them safely.
//
// Words:
//
//	console   the pages under a base path, /console/ by default; they speak gRPC-Web with the collector on the same port
//	mode      full; read-only: browsers may look and neither call nor change anything; off
//	guard     the check of every request of a browser to the whole port: is it from here?
//
// A collector shows it by one option, dispatcher.WithConsole(web.Config{}).
//
// The sources are in src, in TypeScript; `make console` builds dist from them, which is committed, so that users need no
// Node. A web page anywhere can make a browser send requests to a server on the same machine: that is what the
// guard of [Config.Mount] is for, and why the console is on loopback by default.
package web
