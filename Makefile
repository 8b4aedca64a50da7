# make test and make demo need Go, git and make; everything else, PostgreSQL
# included, is installed by build/setup.sh when it is missing.

GO ?= go
FUZZTIME ?= 1m
# Per package; a package that shares the machine with others takes its time.
TEST_TIMEOUT ?= 10m

.PHONY: all setup build demo test lint fmt-check vet test-portable parsercheck bench fuzz clean

all: build

setup:
	@build/setup.sh

build:
	$(GO) build -o bin/pgroute ./cmd/pgroute

# A cluster comes up and is toured in plain words.
demo: setup build
	$(GO) run ./cmd/demo --pgroute bin/pgroute

# One package at a time: several run clusters of their own, under load. go
# test's own lines come last.
test: setup lint test-portable
	$(GO) test -race -count=1 -p 1 -timeout $(TEST_TIMEOUT) ./...

lint: fmt-check vet

fmt-check:
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi

# The event loop has a second implementation for systems without epoll.
vet:
	$(GO) vet ./...
	$(GO) vet -tags netloop_portable ./internal/netloop/...
	GOOS=darwin $(GO) vet ./internal/netloop/... ./internal/lab/...

test-portable:
	$(GO) test -race -count=1 -timeout $(TEST_TIMEOUT) -tags netloop_portable ./internal/netloop/...

# The classifier against PostgreSQL's own parser; exits 1 when it takes a write
# for a read, or recognises less than 99 % of the reads. A module of its own.
parsercheck: setup
	cd router/parsercheck && $(GO) run .

bench: setup build
	bin/pgroute bench overhead
	bin/pgroute bench read-scaling
	bin/pgroute bench failover
	bin/pgroute bench staleness

fuzz: setup
	build/fuzz.sh $(FUZZTIME)

clean:
	rm -rf bin
	$(GO) clean -testcache
