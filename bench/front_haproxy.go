package bench

import (
	"fmt"
	"path/filepath"
	"strings"
)

// haproxyFront is HAProxy as a TCP relay to the primary: what a proxy costs that
// understands nothing of what it carries.
func haproxyFront() *front {
	return &front{
		name: "haproxy", note: "TCP relay with one thread, to the primary, no pool", program: "haproxy",
		version: func(path string) (string, error) {
			line, err := firstLine(path, "-v")
			version, _, _ := strings.Cut(line, " - ")
			return version, err
		},
		prepare: func(c frontConfig) (program, error) {
			path := filepath.Join(c.dir, "haproxy.cfg")
			return program{path: c.path, args: []string{"-db", "-f", path}, dir: c.dir, as: c.as}, writeOwned(c.as, path, haproxyConfig(c))
		},
	}
}

func haproxyConfig(c frontConfig) string {
	return fmt.Sprintf(`global
    nbthread 1
    maxconn %d
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen postgresql
    bind 127.0.0.1:%d
    server primary %s
`, c.clients, c.port, c.nodes[0].Addr())
}
