#!/bin/sh
# Installs what pgroute's tests and demo need besides Go, git and make:
# a PostgreSQL server with its contrib modules and client programs, and a C
# compiler, without which Go has no race detector. Does nothing when all is there.
set -eu

say() { printf 'setup: %s\n' "$*" >&2; }

# have_postgres tells whether some directory holds a server's programs of
# version 13 or newer. internal/lab looks in the same places.
have_postgres() {
	for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin \
		/opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
		"$(dirname "$(command -v postgres || echo /nowhere/postgres)")"; do
		if [ -x "$dir/initdb" ] && [ -x "$dir/pg_rewind" ] && [ -x "$dir/postgres" ]; then
			major=$("$dir/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
			if [ "$major" -ge 13 ]; then return 0; fi
		fi
	done
	return 1
}

have_compiler() { command -v "${CC:-cc}" >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1; }

missing=""
have_postgres || missing="postgresql postgresql-contrib"
have_compiler || missing="$missing gcc libc6-dev"
[ -n "$missing" ] || exit 0

give_up() {
	say "$1"
	say "Install by hand, then run make again:"
	say "  Debian, Ubuntu:  sudo apt-get install postgresql postgresql-contrib gcc libc6-dev"
	say "  Fedora, Red Hat: sudo dnf install postgresql-server postgresql-contrib gcc"
	say "  macOS:           brew install postgresql@17"
	exit 1
}

command -v apt-get >/dev/null 2>&1 || give_up "missing here: $missing; no apt-get to install it with."
if [ "$(id -u)" = 0 ]; then
	as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	as_root="sudo -n"
else
	give_up "missing here: $missing; installing needs root or sudo without a password."
fi

install() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# Debian starts a cluster of its own with the server package. Nobody here needs
# it and it would take port 5432, so that is turned off while we install.
conf=/etc/postgresql-common/createcluster.conf
without_main_cluster() {
	$as_root cp "$conf" "$conf.pgroute"
	trap '$as_root mv "$conf.pgroute" "$conf"' EXIT INT TERM
	echo "create_main_cluster = false" | $as_root tee -a "$conf" >/dev/null
	status=0
	install "$@" || status=1
	$as_root mv "$conf.pgroute" "$conf"
	trap - EXIT INT TERM
	return $status
}

say "installing $missing"
$as_root apt-get update -qq >&2 || say "apt-get update failed; trying with the package lists there are"
case "$missing" in
*postgresql*)
	install postgresql-common || give_up "apt-get could not install postgresql-common."
	# shellcheck disable=SC2086 # a list of packages
	without_main_cluster $missing || give_up "apt-get could not install $missing."
	;;
*)
	# shellcheck disable=SC2086
	install $missing || give_up "apt-get could not install $missing."
	;;
esac
have_postgres || give_up "PostgreSQL is installed, but older than 13."
say "done"
