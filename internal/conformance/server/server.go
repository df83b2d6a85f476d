package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/conformance/compat"
	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
	"github.com/collectiverpc/collective/internal/conformance/mesh"
	"github.com/collectiverpc/collective/internal/conformance/service"
)

// RoleHost is the role of the second process of a routed server.
const RoleHost = "host"

// Setup is what the test runner asks a server for.
type Setup struct {
	TLS          *tls.Config // nil: none
	ReceiveLimit int         // bytes; 0: none asked for
}

// Start starts a server. It returns where it listens and how to stop it.
type Start func(ctx context.Context, setup Setup) (address string, stop func(), err error)

// Run serves the test runner on stdin and stdout until ctx is done.
func Run(ctx context.Context, start Start, stdin io.Reader, stdout io.Writer) error {
	req := new(conformancev1.ServerCompatRequest)
	if err := compat.Read(stdin, req); err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	config, err := compat.ServerTLS(req)
	if err != nil {
		return err
	}
	address, stop, err := start(ctx, Setup{config, int(req.GetMessageReceiveLimit())})
	if err != nil {
		return err
	}
	defer stop()
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	res := &conformancev1.ServerCompatResponse{Host: at.Addr().String(), Port: uint32(at.Port())}
	if req.GetUseTls() {
		res.PemCert = req.GetServerCreds().GetCert()
	}
	if err := compat.Write(stdout, res); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// Local starts a collector that hosts the service.
func Local(_ context.Context, setup Setup) (string, func(), error) {
	c, err := mesh.Start("local", mesh.Limits(setup.ReceiveLimit), setup.TLS, register)
	if err != nil {
		return "", nil, err
	}
	return c.Address, func() { _ = c.Stop() }, nil
}

func register(d *dispatcher.Dispatcher) error {
	return d.Register(mesh.Namespace, func(s *connect.Server) { service.Register(s) })
}

// Routed starts a collector without the service and links it with one in another process that has it.
func Routed(ctx context.Context, setup Setup) (string, func(), error) {
	host, err := mesh.StartChild(ctx, RoleHost)
	if err != nil {
		return "", nil, err
	}
	c, err := mesh.Start("routed", mesh.Limits(setup.ReceiveLimit), setup.TLS, nil)
	if err != nil {
		host.Stop()
		return "", nil, err
	}
	stop := func() {
		_ = c.Stop()
		host.Stop()
	}
	if err := mesh.Join(ctx, c.Dispatcher, host.Address, conformancev1connect.ConformanceServiceUnaryProcedure); err != nil {
		stop()
		return "", nil, err
	}
	return c.Address, stop, nil
}

// Host is the second process of a routed server.
func Host(_ context.Context, stdin io.Reader, stdout io.Writer) error {
	c, err := mesh.Start(RoleHost, mesh.Limits(0), nil, register)
	if err != nil {
		return err
	}
	return mesh.ServeParent(c, stdin, stdout)
}
