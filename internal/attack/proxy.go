package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// privileged are methods that anonymous callers may not have: they show who is connected, or change something.
var privileged = []string{
	"/collector.mesh.v1.MeshService/ListConnections", "/collector.mesh.v1.MeshService/ListDispatches",
	"/collector.mesh.v1.MeshService/GetMetrics", "/collector.mesh.v1.MeshService/ConnectTo", "/collector.mesh.v1.MeshService/Disconnect",
	"/collector.mesh.v1.MeshService/PruneConnections", "/collector.CollectorRegistry/RegisterProto",
	"/collector.CollectorRegistry/RegisterService", "/collector.CollectorRegistry/UnregisterService",
}

// proxyAdmin counts the methods for operators that somebody gets through nginx, which makes everybody come from loopback.
func proxyAdmin(s *Stage) ([]Figure, error) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		return nil, fmt.Errorf("%w: there is no nginx on the path", errNotRun)
	}
	a, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users")
	if err != nil {
		return nil, err
	}
	var parts []Figure
	for name, host := range map[string]string{"own_host": "$proxy_host", "client_host": "$http_host"} {
		address, stop, err := proxied(s, nginx, a.Address, host)
		if err != nil {
			return nil, err
		}
		gained := 0
		for _, method := range privileged {
			if allowed(s.ctx, "http://"+address+method) {
				gained++
			}
		}
		stop()
		parts = append(parts, Figure{Name: "proxy_admin/" + name, Value: float64(gained), Unit: "count"})
	}
	return sum("proxy_admin", "count", parts), nil
}

// allowed tells whether a method was not refused for who asks; what it answers to an empty request does not matter.
func allowed(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte("{}")))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := new(http.Client).Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusBadGateway
}

// proxied runs nginx before a collector, with a Host header.
func proxied(s *Stage, nginx, address, host string) (proxy string, stop func(), err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	proxy = free.Addr().String()
	_ = free.Close()
	dir, err := os.MkdirTemp(s.dir, "nginx")
	if err != nil {
		return "", nil, err
	}
	config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
server { listen %[2]s; location / { proxy_pass http://%[3]s; proxy_http_version 1.1; proxy_set_header Host %[4]s; } } }
`, dir, proxy, address, host)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return "", nil, err
	}
	command := exec.CommandContext(s.ctx, nginx, "-c", path, "-p", dir)
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	if !s.until(10*time.Second, func() bool {
		c, err := net.Dial("tcp", proxy)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}) {
		stop()
		return "", nil, fmt.Errorf("nginx does not listen at %s", proxy)
	}
	return proxy, stop, nil
}
