package access

// The networks by which a call enters the mesh.
const (
	// NetworkLoopback is a connection of this machine that shows no proxy.
	NetworkLoopback = "loopback"
	// NetworkSocket is the unix socket of a collector.
	NetworkSocket = "socket"
	// NetworkProcess is the process of the collector itself.
	NetworkProcess = "process"
	// NetworkRemote is everything else, and what is not known.
	NetworkRemote = "remote"
)

// maxEntrance is the bytes of the longest word for an entrance.
const maxEntrance = 32

// Origin is where a call entered the mesh. It is comparable, and travels with a call unchanged but for Via.
type Origin struct {
	// Network is one of the constants; anything else counts as [NetworkRemote].
	Network string
	// TLS is whether the connection is encrypted by TLS.
	TLS bool
	// Entrance is the word that history has for how the call came in, such as native, dispatch or serve: at most 32 of a-z,
	// 0-9, '_' and '-'. May be empty.
	Entrance string
	// Via is the id of the collector that brought the call over a link; empty at the collector where it entered.
	Via string
}

// known gives back an origin in which every word is one that can be written and read again.
func (o Origin) known() Origin {
	switch o.Network {
	case NetworkLoopback, NetworkSocket, NetworkProcess:
	default:
		o.Network = NetworkRemote
	}
	if !isEntrance(o.Entrance) {
		o.Entrance = ""
	}
	return o
}

func isEntrance(s string) bool {
	if len(s) > maxEntrance {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
