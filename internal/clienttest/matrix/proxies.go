package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// startProxies puts each proxy before a, as the document says.
func (r *rig) startProxies(ctx context.Context) error {
	for _, p := range proxies {
		address, err := r.startProxy(ctx, p, p.name, func(block string) string { return block })
		if err != nil {
			return err
		}
		r.ways = append(r.ways, way{name: p.name, address: address, authority: r.trust.root, proxy: p})
	}
	return nil
}

// startProxy runs a proxy with its block of the document, edited, and returns where it listens.
func (r *rig) startProxy(ctx context.Context, p *proxy, name string, edit func(string) string) (address string, err error) {
	block, err := p.block(r.config.proxies)
	if err != nil {
		return "", err
	}
	if address, err = freeAddress(ctx); err != nil {
		return "", err
	}
	here := strings.NewReplacer(p.listen, p.at(address), "127.0.0.1:50051", r.asked, "/etc/ssl/mesh/", r.dir+"/")
	config := filepath.Join(r.dir, name+".conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, p.wrap, r.dir, edit(here.Replace(block))), 0o600); err != nil {
		return "", err
	}
	words := p.start(config, r.dir)
	command := exec.Command(words[0], words[1:]...) //nolint:noctx // it is told to stop
	command.Env = append(os.Environ(), "HOME="+r.dir, "XDG_DATA_HOME="+r.dir, "XDG_CONFIG_HOME="+r.dir)
	return address, r.runProxy(ctx, name, address, command)
}

// runProxy starts a proxy and waits until it listens.
func (r *rig) runProxy(ctx context.Context, name, address string, command *exec.Cmd) error {
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	stop := func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		<-ended
	}
	r.ends = append(r.ends, func() error { stop(); return nil })
	err := eventually(ctx, name, func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	})
	if err != nil {
		stop()
		return fmt.Errorf("%w\n%s", err, said.String())
	}
	return nil
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
