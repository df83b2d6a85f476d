// Package web is the browser console of a collector: built files, embedded, and the handler that serves them safely.
//
// Words:
//
//	console   the pages under a base path, /console/ by default; they speak gRPC-Web with the collector on the same port
//	mode      full; read-only: browsers may look and neither call nor change anything; off
//	guard     the check of every request of a browser to the whole port: is it from here?
//
// # On this machine
//
// A collector shows it by one option, to browsers on the same machine at /console/:
//
//	d, err := dispatcher.New(id, address, namespaces, dispatcher.WithConsole(web.Config{}))
//
// # On the network
//
// Whoever reaches a console may use it, so beyond loopback it must be asked for, with the names by which browsers address
// it. Read-only is for looking:
//
//	web.Config{Mode: web.ReadOnly, Hosts: []string{"mesh.example.com"}}
//
// Behind a reverse proxy that serves the collector below a path, that path is the Prefix:
//
//	web.Config{Mode: web.Full, Hosts: []string{"tools.example.com"}, Prefix: "/tools/mesh"}
//
// # Around other handlers
//
// [Config.Mount] puts it in front of any handler, for programs whose own are around those of the collector.
//
// The sources are in src, in TypeScript; `make console` builds dist from them, which is committed, so that users need no
// Node. A web page anywhere can make a browser send requests to a server on the same machine: that is what the
// guard of [Config.Mount] is for, and why the console is on loopback by default.
package web
