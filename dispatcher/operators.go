package dispatcher

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/socket"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/authz"
	"github.com/collectiverpc/collective/dispatcher/internal/browser"
	"github.com/collectiverpc/collective/internal/audit"
	"github.com/collectiverpc/collective/internal/localsocket"
	"github.com/collectiverpc/collective/internal/origin"
	"github.com/collectiverpc/collective/store"
)

// NoSocket as [Serving.Socket] makes no socket for operators.
const NoSocket = "off"

// FindSocket is the path of the operators' socket of a collector that runs on this machine as this user, by the address that it
// listens at: [Serving.Socket], which ServeListener and ListenAndServe make. It is empty where there is none. Whoever may open
// it may do everything, without credentials.
func FindSocket(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return localsocket.Find(os.Getenv, host, port)
}

// WithHosts gives more names, without port, by which browsers may address this collector. Others than localhost, IP addresses, the
// name in the collector's own address, and with TLS any name, are refused to what browsers send: their owner could make them
// point here, and a page of theirs would pass for the collector's own. Programs that are no browsers may use any name, but for a
// GET on loopback. Those of a console's configuration are known too. Default: none.
func WithHosts(names ...string) Option {
	return optionFunc(func(o *options) { o.hosts = slices.Concat(o.hosts, names) })
}

// LoginToken makes a link to the console: `URL/console/?token=` and the token log a browser in, once and within ten minutes, with
// the rights of the user who runs this process. `collector console` asks for one over the socket of [Serving.Socket]. The
// token is a secret until it is used: print it to whoever started the program, and log it nowhere.
func (d *Dispatcher) LoginToken() string {
	token, _ := d.sessions.Issue(d.runBy)
	return token.Reveal()
}

// newAuthorizer makes what decides who may do what. The operators' socket makes operators of those whom it lets in, whatever the
// guard knows of credentials; what they may do the guard decides, as of anybody.
func newAuthorizer(self string, guard *access.Guard, log *slog.Logger, ends func(*link.Link) authz.End) (*authz.Authorizer, error) {
	if guard == nil {
		made, err := access.New(access.WithLogger(log))
		if err != nil {
			return nil, err
		}
		guard = made
	}
	known, err := socket.New()
	if err != nil {
		return nil, err
	}
	a := authz.New(self, guard, ends)
	a.Socket = known
	return a, nil
}

// openAudit begins the audit log, which goes to a file if there is one. The caller closes it.
func openAudit(log *slog.Logger, file *store.Store) (*audit.Log, error) {
	l := audit.New(log)
	if file == nil {
		return l, nil
	}
	if err := l.Keep(context.Background(), file); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// runBy is the user of this process, as the operators' socket knows it.
func runBy(socket access.Authenticator) *access.Principal {
	peer := &access.SocketPeer{UID: uint32(os.Geteuid())} //nolint:gosec // a user id has 32 bits
	p, err := socket.Authenticate(context.Background(), &access.Credentials{Socket: peer})
	if err != nil || p == nil {
		return access.Nobody
	}
	return p
}

// browsers guards what browsers ask.
func (o *options) browsers(address string, pages *origin.Pages) *browser.Guard {
	g := &browser.Guard{Names: slices.Clone(o.hosts), Pages: pages, SitesElsewhere: len(o.origins) > 0}
	if named, ok := o.console.(interface{ Names() []string }); ok {
		g.Names = append(g.Names, named.Names()...)
	}
	if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
		g.Names = append(g.Names, host)
	}
	return g
}

// openSocket makes the operators' socket of a collector that listens at an address; nil where there is none, which the log says.
func (d *Dispatcher) openSocket(ctx context.Context, at string, address net.Addr) *localsocket.Listener {
	if at == NoSocket {
		return nil
	}
	var opened *localsocket.Listener
	var err error
	switch _, overTCP := address.(*net.TCPAddr); {
	case at != "":
		opened, err = localsocket.ListenAt(ctx, at)
	case overTCP:
		opened, err = localsocket.Listen(ctx, os.Getenv, address.String())
	default:
		return nil
	}
	if err != nil {
		d.log.Warn("there is no socket for operators: commands on this machine need credentials", "collector", d.id, "error", err)
		return nil
	}
	d.log.Debug("operators are listened to", "collector", d.id, "socket", opened.Path())
	return opened
}

// withoutLinks is a handler for operators alone: a collector at the other end would have no address and no proof.
func withoutLinks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isLink(r) {
			http.Error(w, "refused: the socket of operators takes no links; dial the address of the collector", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
