package host

// Join is join, for the test on fake time.
var Join = join

// Check is Config.check.
func Check(c Config) error { return c.check() }
