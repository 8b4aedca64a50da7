module github.com/pgroute/pgroute/router/parsercheck

go 1.26.0

require (
	github.com/pganalyze/pg_query_go/v6 v6.2.5
	github.com/pgroute/pgroute v0.0.0
	google.golang.org/protobuf v1.36.12
)

require github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect

replace github.com/pgroute/pgroute => ../..
