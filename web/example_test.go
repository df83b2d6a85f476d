package web_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/web"
)

// A collector with its console. The test server listens on loopback, where a console needs no more.
func ExampleConfig() {
	d, err := dispatcher.New("shop", "", []string{"shop"}, dispatcher.WithConsole(web.Config{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Shutdown(context.Background())
	server := httptest.NewServer(d.Handler())
	defer server.Close()

	page, err := server.Client().Get(server.URL + "/console/mesh")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer page.Body.Close()
	fmt.Println(page.Status, page.Header.Get("Content-Type"))
	// Output: 200 OK text/html; charset=utf-8
}

// A console on the network, for looking only. The name by which browsers reach it must be given.
func ExampleConfig_network() {
	config := web.Config{Mode: web.ReadOnly, Hosts: []string{"mesh.example.com"}, Base: "/mesh"}
	_, err := dispatcher.New("shop", "", []string{"shop"}, dispatcher.WithConsole(config))
	fmt.Println(err)
	// Output: dispatcher.WithConsole: console: Base "/mesh": want a path between slashes, such as /console/
}
