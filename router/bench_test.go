package router

import "testing"

// benchText is a query of about 200 bytes, as an ORM writes it.
var benchText = []byte(`SELECT "orders"."id", "orders"."total", "users"."name" FROM "orders" INNER JOIN "users" ON "users"."id" = "orders"."user_id" WHERE "orders"."status" = $1 AND lower(users.email) LIKE $2 ORDER BY 1 LIMIT 50`)

func BenchmarkClassifyNew(b *testing.B) {
	cat, path := Builtin(17).Assuming(), DefaultSearchPath("alice")
	var c Classifier
	var s Script
	opts := &Options{}
	b.ReportAllocs()
	b.SetBytes(int64(len(benchText)))
	for b.Loop() {
		c.Classify(&s, benchText, cat, path, opts)
	}
	if s.Class != ClassRead {
		b.Fatal(s.Class, s.Reason)
	}
}

func BenchmarkClassifyCached(b *testing.B) {
	cat, path := Builtin(17).Assuming(), DefaultSearchPath("alice")
	c := NewCache(1 << 20)
	opts := &Options{}
	c.Classify(benchText, cat, path, opts)
	b.ReportAllocs()
	for b.Loop() {
		c.Classify(benchText, cat, path, opts)
	}
}
