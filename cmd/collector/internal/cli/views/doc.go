// Package views makes tables of what a collector tells: its peers, connections, services, routes and calls.
package views
