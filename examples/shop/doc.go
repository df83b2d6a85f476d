// Package shop is a small shop, spread over the mesh: [Users], [Orders] and [Inventory] implement the services of
// proto/shop/v1. `collector demo` and `collector serve --example` host them, and each has a program of its own in a
// folder beside this file.
//
// Everything is kept in memory and gone with the process.
package shop
