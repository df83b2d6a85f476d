package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// proxy is a reverse proxy of somebody else's. Its configuration is the block of docs/proxies.md that is marked with
// its name; wrap is what a whole file of it has around that.
type proxy struct {
	name   string
	about  string
	wrap   string                            // %[1]s stands for a folder, %[2]s for the block
	listen string                            // where the block listens; replaced by a free address
	here   string                            // what that is replaced by, ADDRESS and PORT being those
	start  func(config, dir string) []string // the command that runs it in the foreground
	cannot map[cell]string
}

var ownLimit = map[cell]string{bigHeader: "the proxy has a limit of its own, below 40 KiB"}

var proxies = []*proxy{
	{
		name: "nginx", about: "Debian's package; `grpc_pass` for gRPC and Connect streams, `proxy_pass` for the rest",
		wrap: "user root;\ndaemon off;\npid %[1]s/nginx.pid;\nerror_log stderr error;\nworker_processes 2;\nevents {}\nhttp {\naccess_log off;\n" +
			"client_body_temp_path %[1]s/nginx-body;\nproxy_temp_path %[1]s/nginx-proxy;\n%[2]s}\n",
		listen: "listen 443", here: "listen ADDRESS",
		start:  func(config, dir string) []string { return []string{"nginx", "-p", dir, "-e", "stderr", "-c", config} },
		cannot: ownLimit,
	},
	{
		name: "haproxy", about: "Debian's package, HTTP/2 on both sides",
		wrap: "%[2]s", listen: "bind :443", here: "bind ADDRESS",
		start:  func(config, _ string) []string { return []string{"haproxy", "-db", "-f", config} },
		cannot: ownLimit,
	},
	{
		name: "caddy", about: "Debian's package, HTTP/2 on both sides",
		wrap: "{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\tauto_https off\n\tskip_install_trust\n}\n%[2]s", listen: "mesh.example {", here: "https://ADDRESS, https://mesh.example:PORT {",
		start: func(config, _ string) []string {
			return []string{"caddy", "run", "--adapter", "caddyfile", "--config", config}
		},
	},
}

func (p *proxy) excuse(c cell) string {
	if p == nil {
		return ""
	}
	return p.cannot[c]
}

// block is the configuration in a document.
func (p *proxy) block(document string) (string, error) {
	text, err := os.ReadFile(document)
	if err != nil {
		return "", err
	}
	match := regexp.MustCompile("(?ms)^```" + p.name + "\n(.*?)^```$").FindSubmatch(text)
	if match == nil {
		return "", fmt.Errorf("%s has no block marked %s", document, p.name)
	}
	if !bytes.Contains(match[1], []byte(p.listen)) {
		return "", fmt.Errorf("%s: the block marked %s does not say %q", document, p.name, p.listen)
	}
	return string(match[1]), nil
}

// at is what a block says that listens at an address.
func (p *proxy) at(address string) string {
	_, port, _ := strings.Cut(address, ":")
	return strings.NewReplacer("ADDRESS", address, "PORT", port).Replace(p.here)
}
