package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	pgquery "github.com/pganalyze/pg_query_go/v6"
)

// installed finds the SQL that PostgreSQL's packages put on a machine.
func installed() []string {
	var files []string
	for _, pattern := range []string{
		"/usr/share/postgresql/*/*.sql", "/usr/share/postgresql/*/extension/*.sql",
		"/usr/share/postgresql/*/contrib/*/*.sql", "/usr/share/postgresql/*/tsearch_data/*.sql",
		"/usr/local/share/postgresql/*.sql", "/usr/local/share/postgresql/extension/*.sql",
	} {
		found, err := filepath.Glob(pattern)
		if err == nil {
			files = append(files, found...)
		}
	}
	return files
}

// statementsOf splits a file. Lines that are psql's, not the server's, and the
// placeholders of extension scripts are taken out first. The bodies of
// functions in SQL are statements too.
func statementsOf(file string) ([]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var clean []string
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(strings.TrimSpace(line), `\`) {
			clean = append(clean, line)
		}
	}
	text := strings.NewReplacer("@extschema@", "public", "@extowner@", "owner").Replace(strings.Join(clean, ""))
	return split(text), nil
}

// split cuts a text into statements, those in SQL function bodies included.
func split(text string) []string {
	all, err := pgquery.SplitWithScanner(text, true)
	if err != nil {
		return nil
	}
	for _, s := range all {
		if body := routineBody(s); body != "" {
			all = append(all, split(body)...)
		}
	}
	return all
}

// routineBody gives the text of a function in SQL; empty for anything else.
func routineBody(text string) string {
	result, err := pgquery.Parse(text)
	if err != nil || len(result.Stmts) != 1 {
		return ""
	}
	f := result.Stmts[0].Stmt.GetCreateFunctionStmt()
	if f == nil {
		return ""
	}
	body, language := "", ""
	for _, o := range f.Options {
		switch e := o.GetDefElem(); e.GetDefname() {
		case "language":
			language = e.Arg.GetString_().GetSval()
		case "as":
			if items := e.Arg.GetList().GetItems(); len(items) == 1 {
				body = items[0].GetString_().GetSval()
			}
		}
	}
	if !strings.EqualFold(language, "sql") {
		return ""
	}
	return body
}

// pgbenchScripts asks pgbench for its built-in scripts; none when there is no
// pgbench. Its variables become parameters.
func pgbenchScripts() []string {
	var all []string
	for _, name := range []string{"tpcb-like", "simple-update", "select-only"} {
		// pgbench prints scripts to its error output.
		out, err := exec.Command("pgbench", "--show-script="+name).CombinedOutput()
		if err != nil {
			return nil
		}
		for line := range bytes.Lines(out) {
			if len(line) > 0 && line[0] != '\\' && line[0] != '-' {
				text := strings.NewReplacer(":aid", "$1", ":bid", "$2", ":tid", "$3", ":delta", "$4").Replace(string(line))
				all = append(all, split(text)...)
			}
		}
	}
	return all
}
