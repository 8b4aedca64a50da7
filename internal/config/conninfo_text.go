package config

// Conninfo is the node's connection string without pgroute's own keys, as
// libpq would read it. It may hold a password.
func (n *Node) Conninfo() string { return n.conn.String() }
