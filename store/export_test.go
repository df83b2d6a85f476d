package store

// Look looks at the file now.
func (s *Store) Look() { s.condition.look(s.probe) }
