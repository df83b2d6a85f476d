package host

// reloadAccess has the guard read its files again with SIGHUP too; that they changed the collector notices.
func (c *Config) reloadAccess() (closing func()) {
	if c.Access == nil {
		return func() {}
	}
	if c.Reload != nil {
		c.Reload.Add("callers and policies", c.Access.Reload)
	}
	return func() { _ = c.Access.Close() } // it always succeeds
}
