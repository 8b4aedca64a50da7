package lab

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxSocketPath is what fits sockaddr_un on every system, the socket's own
// name included.
const maxSocketPath = 100

// writeConf writes the node's postgresql.conf and pg_hba.conf whole. It is done
// before every start: pg_basebackup and pg_rewind bring another node's files.
func (n *Node) writeConf() error {
	conf := renderConf(n.settings())
	if err := n.lab.as.writeFile(filepath.Join(n.Dir, "postgresql.conf"), conf); err != nil {
		return fmt.Errorf("configure %s: %w", n.Name, err)
	}
	hba := renderHBA(n.lab.state.HBA, n.lab.state.Auth)
	if err := n.lab.as.writeFile(filepath.Join(n.Dir, "pg_hba.conf"), hba); err != nil {
		return fmt.Errorf("configure %s: %w", n.Name, err)
	}
	return nil
}

// settings are the node's, the caller's own last.
func (n *Node) settings() map[string]string {
	conf := baseSettings()
	conf["port"] = strconv.Itoa(n.Port)
	conf["cluster_name"] = n.Name
	conf["unix_socket_directories"] = n.lab.socketDir()
	if n.lab.state.Preload != "" {
		conf["shared_preload_libraries"] = n.lab.state.Preload
	}
	if n.lab.state.Sync {
		conf["synchronous_commit"] = "remote_apply"
		conf["synchronous_standby_names"] = "ANY 1 (" + strings.Join(n.others(), ", ") + ")"
	}
	maps.Copy(conf, n.lab.state.Conf)
	return conf
}

// baseSettings are those of every node of every lab.
func baseSettings() map[string]string {
	return map[string]string{
		"listen_addresses":          host,
		"max_connections":           "300",
		"max_prepared_transactions": "10",
		"password_encryption":       "scram-sha-256",
		"shared_buffers":            "128MB",
		// Files instead of /dev/shm: a killed node leaves nothing outside its directory.
		"dynamic_shared_memory_type": "mmap",
		// kill -9 loses nothing without fsync, only the machine's crash does.
		"fsync":                 "off",
		"wal_level":             "replica",
		"wal_log_hints":         "on", // pg_rewind needs it, or checksums
		"hot_standby":           "on",
		"max_wal_senders":       "20",
		"max_replication_slots": "20",
		"wal_keep_size":         "256MB",
		// A slot of a node that never comes back must not fill the disk.
		"max_slot_wal_keep_size":       "2GB",
		"wal_receiver_status_interval": "1s",
		"wal_retrieve_retry_interval":  "100ms", // a standby finds its new primary soon
		"log_line_prefix":              "%m [%p] %q%u@%d ",
		"timezone":                     "UTC",
		"log_timezone":                 "UTC",
	}
}

// renderConf sorts the settings and quotes every value, numbers included.
func renderConf(settings map[string]string) []byte {
	var b strings.Builder
	b.WriteString("# Written by pgroute lab before every start of this node.\n")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = %s\n", name, quoteConf(settings[name]))
	}
	return []byte(b.String())
}

// quoteConf quotes a value for postgresql.conf, where backslash escapes too.
func quoteConf(v string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(v) + "'"
}

// renderHBA puts the caller's lines first, then sockets trusted, TCP as chosen.
// The keyword all does not cover physical replication.
func renderHBA(first []string, auth Auth) []byte {
	method := "trust"
	if auth == AuthSCRAM {
		method = "scram-sha-256"
	}
	lines := slices.Concat([]string{"# Written by pgroute lab before every start of this node."}, first, []string{
		"local all all trust",
		"local replication all trust",
		"host all all 127.0.0.1/32 " + method,
		"host replication all 127.0.0.1/32 " + method,
	})
	return []byte(strings.Join(lines, "\n") + "\n")
}

// socketDir is the directory of the nodes' Unix sockets, "" when its path is
// too long for one.
func (l *Lab) socketDir() string {
	dir := filepath.Join(l.Dir, "run")
	if len(dir)+len("/.s.PGSQL.65535") > maxSocketPath {
		return ""
	}
	return dir
}

// setUpstream makes the node stream from another: it replaces the two settings
// in postgresql.auto.conf, where pg_basebackup -R and pg_rewind -R put them too,
// and leaves what ALTER SYSTEM wrote. A running standby follows after a reload.
func (n *Node) setUpstream(up *Node) error {
	path := filepath.Join(n.Dir, "postgresql.auto.conf")
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("point %s at %s: %w", n.Name, up.Name, err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(old)) {
		if !strings.HasPrefix(line, "primary_conninfo") && !strings.HasPrefix(line, "primary_slot_name") {
			b.WriteString(line)
		}
	}
	info := up.DSN(Replicator, "replication") + " application_name=" + n.Name
	fmt.Fprintf(&b, "primary_conninfo = %s\nprimary_slot_name = %s\n", quoteConf(info), quoteConf(n.Name))
	if err := n.lab.as.writeFile(path, []byte(b.String())); err != nil {
		return fmt.Errorf("point %s at %s: %w", n.Name, up.Name, err)
	}
	return nil
}
