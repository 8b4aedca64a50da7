package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/internal/secret"
)

func TestNodesAreTakenApart(t *testing.T) {
	for text, want := range map[string]string{
		"db1":                     "db1:5432 db1:5432  1",
		"db1:6000":                "db1:6000 db1:6000  1",
		"[::1]:6000":              "[::1]:6000 [::1]:6000  1",
		"::1":                     "[::1]:5432 [::1]:5432  1",
		"/run/postgresql":         "/run/postgresql/.s.PGSQL.5432 /run/postgresql/.s.PGSQL.5432  1",
		"host=db1":                "db1:5432 db1:5432  1",
		" host = db1  port= 6000": "db1:6000 db1:6000  1",
		`host='db1' name='b \'x\\' zone=east weight=0`:                 "b 'x\\ db1:5432 east 0",
		"host=/tmp port=6000 name=sock":                                "sock /tmp/.s.PGSQL.6000  1",
		"postgres://db1":                                               "db1:5432 db1:5432  1",
		"postgresql://u:p%40@db1:6000/d?name=n&zone=z&weight=3":        "n db1:6000 z 3",
		"postgres://[::1]:6000/?sslmode=require":                       "[::1]:6000 [::1]:6000  1",
		"postgres://ignored:1/?host=%2Ftmp&port=5433":                  "/tmp/.s.PGSQL.5433 /tmp/.s.PGSQL.5433  1",
		"host=db1 sslmode=disable application_name=x options='-c a=b'": "db1:5432 db1:5432  1",
	} {
		n, err := ParseNode(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := fmt.Sprintf("%s %s %s %d", n.Name, n.Addr, n.Zone, n.Weight); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestBadNodesAreRefusedWithoutShowingPasswords(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "is empty",
		"   ":                                   "is empty",
		"a b":                                   "neither host:port",
		"a:b:c":                                 "neither host:port",
		"user@db1":                              "neither host:port",
		"db1:x":                                 `port "x" is not a number`,
		"host=db1 port=0":                       `port "0" is not a number`,
		"host=db1 port=65536":                   "is not a number",
		"port=5432":                             "no host",
		"host=a,b":                              "several hosts",
		"host=a port=1,2":                       "several hosts",
		"host=a host=b":                         `"host" is given twice`,
		"host=a dbname=x database=y":            `"dbname" is given twice`,
		"host=a x":                              `missing "="`,
		"host=a =x":                             `missing "="`,
		"host='a":                               "no closing quote",
		"host=a\x00":                            "NUL",
		"host=a weight=-1":                      "weight",
		"host=a weight=x":                       "weight",
		"host=a name='a\"b'":                    "must not hold",
		"host=a sslmode=mabye":                  "sslmode",
		"host=a pasword=hunter2":                `did you mean "password"?`,
		"host=a password=hunter2 sslmode=never": "sslmode",
		"postgres://u:hunter2@a/?sslmode=x":     "sslmode",
		"postgres://u:hunter2@a:port/":          "not a valid URL",
		"postgres://a/?x=%zz":                   "not a valid URL",
		"postgres://a/?name=1&name=2":           `"name" is given twice`,
		"host=a password=hunter2 target_session_attrs=primary":                 "remove it",
		"host=a password=hunter2 sslrootcert=/nonexistent sslmode=verify-full": "/nonexistent",
	} {
		_, err := ParseNode(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", text, err, want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: shows the password: %v", text, err)
		}
	}
}

func TestMonitorConfigPrefersTheNodesOwnWords(t *testing.T) {
	cluster := &Cluster{MonitorUser: "pgroute", MonitorPassword: secret.New("it's\\"), MonitorDatabase: "postgres"}
	n, err := ParseNode("host=db1 port=6000 name=x")
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.MonitorConfig(cluster)
	if err != nil || c.User != "pgroute" || c.Password != "it's\\" || c.Database != "postgres" ||
		c.Host != "db1" || c.Port != 6000 || c.RuntimeParams["application_name"] != "pgroute" ||
		c.RuntimeParams["default_transaction_isolation"] != "read committed" {
		t.Fatalf("%+v, %v", c, err)
	}
	n, err = ParseNode("postgres://me:own@db1/mine?application_name=a")
	if err != nil {
		t.Fatal(err)
	}
	c, err = n.MonitorConfig(cluster)
	if err != nil || c.User != "me" || c.Password != "own" || c.Database != "mine" || c.RuntimeParams["application_name"] != "a" {
		t.Fatalf("%+v, %v", c, err)
	}
}

func TestEnvironmentOfLibpqDoesNotReachClientsConnections(t *testing.T) {
	t.Setenv("PGPASSWORD", "monitor's")
	t.Setenv("PGUSER", "monitor")
	t.Setenv("PGTARGETSESSIONATTRS", "read-write")
	n, err := ParseNode("host=db1 user=u password=p dbname=d sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.ServerConfig()
	if err != nil || c.User != "" || c.Password != "" || c.Database != "" || c.ValidateConnect != nil || c.TLSConfig == nil {
		t.Fatalf("%+v, %v", c, err)
	}
}
