package main

// configuration is what the command line says. Paths are relative to the root of the repository.
type configuration struct {
	collector, clients, proxies, page string
	update                            bool
	only                              string
}
