#!/bin/sh
# Runs every fuzz target for a while: build/fuzz.sh [duration per target]. Go
# fuzzes one target at a time.
set -eu
time=${1:-1m}
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
	done
done
