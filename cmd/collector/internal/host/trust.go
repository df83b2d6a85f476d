package host

// trust says how links and callers are authenticated, for the start.
func (c *Config) trust() []string { return []string{"links: " + c.linkTrust()} }

// linkTrust says who may link. Package conn refuses the others.
func (c *Config) linkTrust() string {
	switch {
	case c.Identity != nil && c.MeshSecret != nil:
		return "from collectors whose certificate names them, and that know the mesh secret"
	case c.MeshSecret != nil:
		return "from collectors that know the mesh secret, each by its known key"
	case c.Identity != nil:
		return "from collectors whose certificate names them, of the authorities and the trust domain given"
	case c.onLoopback():
		return "from this machine; nothing else reaches " + c.Listen
	}
	return "refused from beyond this machine until there is --mesh-secret-file FILE, --pki DIR, or --trust-domain with certificates"
}
