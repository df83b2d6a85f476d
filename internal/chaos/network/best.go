package network

// New makes the best network that the machine permits, and says why it is not the better one.
func New() (Network, string) {
	namespaces, err := newNamespaces()
	if err != nil {
		return NewRelays(), err.Error()
	}
	return namespaces, ""
}
