package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	shopv1 "github.com/collectiverpc/collective/gen/shop/v1"
	"github.com/collectiverpc/collective/gen/shop/v1/shopv1connect"
)

const usage = `usage:
  app serve ADDRESS FILE   hosts the users, and keeps in the file what must not be forgotten
  app call ADDRESS ID      dials the collector, and asks for a user
  app history ADDRESS      prints the calls that the collector remembers, the newest first`

// command does what its name says for the collector at an address. The argument is the file of serve, the id of call.
type command func(ctx context.Context, address, argument string) error

// run does what the arguments of the program ask for. main has the commands that show how a collector is wired.
func run(ctx context.Context, args []string, serve, call command) error {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	switch {
	case name == "serve" && len(args) == 3:
		return serve(ctx, args[1], args[2])
	case name == "call" && len(args) == 3:
		return call(ctx, args[1], args[2])
	case name == "history" && len(args) == 2:
		return printHistory(ctx, args[1])
	default:
		return errors.New(usage)
	}
}

func printUser(ctx context.Context, client *connect.Client, id string) error {
	res, err := shopv1connect.NewUserServiceClient(client).GetUser(ctx, &shopv1.GetUserRequest{Id: id})
	if err != nil {
		return err
	}
	fmt.Println(res.GetUser().GetName())
	return nil
}

// printHistory asks as an operator: a collector answers for its own history by the MeshService, and to the user who runs it over a
// socket that needs no credentials.
func printHistory(ctx context.Context, address string) error {
	socket := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", dispatcher.FindSocket(address))
	}}}
	client := connect.NewClient(connecthttp.NewTransport(socket, "http://"+address))
	res, err := meshv1connect.NewMeshServiceClient(client).ListDispatches(ctx, &meshv1.ListDispatchesRequest{})
	if err != nil {
		return err
	}
	for _, d := range res.GetDispatches() {
		fmt.Println(d.GetStartedAt().AsTime().Format("15:04:05"), d.GetProcedure(), d.GetCode(), "by", d.GetExecutorCollectorId())
	}
	return nil
}
