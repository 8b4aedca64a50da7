package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/driver/pgdriver"
)

type Author struct {
	ID    int64 `bun:",pk,autoincrement"`
	Name  string
	Books []*Book `bun:"rel:has-many,join:id=author_id"`
}

type Book struct {
	ID       int64 `bun:",pk,autoincrement"`
	Title    string
	Price    float64
	Data     map[string]any `bun:"type:jsonb"`
	Tags     []string       `bun:",array"`
	AuthorID int64
	Author   *Author   `bun:"rel:belongs-to,join:author_id=id"`
	Genres   []Genre   `bun:"m2m:book_genres,join:Book=Genre"`
	Deleted  time.Time `bun:",soft_delete,nullzero"`
}

type Genre struct {
	ID   int64  `bun:",pk,autoincrement"`
	Name string `bun:",unique"`
}

type BookGenre struct {
	BookID  int64  `bun:",pk"`
	Book    *Book  `bun:"rel:belongs-to,join:book_id=id"`
	GenreID int64  `bun:",pk"`
	Genre   *Genre `bun:"rel:belongs-to,join:genre_id=id"`
}

func bunShop(ctx context.Context) {
	show("Bun "+version("github.com/uptrace/bun"), "pgdriver "+version("github.com/uptrace/bun/driver/pgdriver"))
	connector := pgdriver.NewConnector(pgdriver.WithAddr(os.Getenv("PGHOST")+":"+os.Getenv("PGPORT")), pgdriver.WithUser(os.Getenv("PGUSER")),
		pgdriver.WithPassword(os.Getenv("PGPASSWORD")), pgdriver.WithDatabase(os.Getenv("PGDATABASE")), pgdriver.WithInsecure(true))
	db := bun.NewDB(sql.OpenDB(connector), pgdialect.New())
	db.RegisterModel((*BookGenre)(nil))
	for _, model := range []any{(*Author)(nil), (*Book)(nil), (*Genre)(nil), (*BookGenre)(nil)} {
		_, err := db.NewCreateTable().Model(model).IfNotExists().Exec(ctx)
		must(err)
	}
	_, err := db.NewCreateIndex().Model((*Book)(nil)).Index("book_author").Column("author_id").Exec(ctx)
	must(err)
	authors := []Author{{Name: "ann"}, {Name: "bob"}}
	_, err = db.NewInsert().Model(&authors).Exec(ctx)
	must(err)
	genres := []Genre{{Name: "prose"}, {Name: "verse"}}
	_, err = db.NewInsert().Model(&genres).Exec(ctx)
	must(err)
	for i := int64(1); i <= 6; i++ {
		b := &Book{Title: "book " + string(rune('0'+i)), Price: float64(i), Data: map[string]any{"pages": 10 * i}, Tags: []string{"a", "b"}, AuthorID: 1 + i%2}
		_, err = db.NewInsert().Model(b).Returning("id").Exec(ctx)
		must(err)
		_, err = db.NewInsert().Model(&BookGenre{BookID: b.ID, GenreID: 1 + i%2}).Exec(ctx)
		must(err)
	}
	bunRead(ctx, db)
	bunWrite(ctx, db)
	must(db.Close())
}

func bunRead(ctx context.Context, db *bun.DB) {
	b := &Book{ID: 3}
	must(db.NewSelect().Model(b).Relation("Author").Relation("Genres").WherePK().Scan(ctx))
	show("relations", b.Title, b.Author.Name, b.Genres[0].Name)
	var authors []Author
	must(db.NewSelect().Model(&authors).Relation("Books", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("title DESC").Limit(4) }).Order("id").Scan(ctx))
	show("has many", len(authors), authors[0].Books[0].Title)
	var books []Book
	n, err := db.NewSelect().Model(&books).Where("price > ?", 1).WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("title ILIKE ?", "%OK 2").WhereOr("id IN (?)", bun.In([]int{3, 4, 5}))
	}).Order("price DESC").Limit(2).Offset(1).ScanAndCount(ctx)
	must(err)
	show("page", n, len(books))
	var rows []map[string]any
	dear := db.NewSelect().Model((*Book)(nil)).Column("id", "author_id", "price").Where("price >= ?", 2)
	must(db.NewSelect().With("dear", dear).TableExpr("dear").ColumnExpr("author_id, sum(price) AS total, count(*) FILTER (WHERE price > ?) AS n", 3).Group("author_id").Having("count(*) > ?", 1).OrderExpr("author_id").Scan(ctx, &rows))
	show("with", rows)
	rows = nil
	must(db.NewSelect().Model((*Book)(nil)).ColumnExpr("title, lead(title) OVER (PARTITION BY author_id ORDER BY id) AS next").Where("data ->> 'pages' = ?", "10").WhereOr("? = ANY (tags)", "b").OrderExpr("id").Limit(2).Scan(ctx, &rows))
	show("window", rows)
	is, err := db.NewSelect().Model((*Author)(nil)).Where("EXISTS (?)", db.NewSelect().Model((*Book)(nil)).ColumnExpr("1").Where("book.author_id = author.id")).Exists(ctx)
	must(err)
	var names []string
	must(db.NewSelect().Model((*Author)(nil)).Column("name").UnionAll(db.NewSelect().Model((*Genre)(nil)).Column("name")).Scan(ctx, &names))
	slices.Sort(names)
	show("exists", is, names)
	var one int
	must(db.NewRaw("SELECT ? + count(*) FROM ?", 1, bun.Ident("books")).Scan(ctx, &one))
	show("raw", one)
}

func bunWrite(ctx context.Context, db *bun.DB) {
	_, err := db.NewInsert().Model(&Genre{Name: "prose"}).On("CONFLICT (name) DO UPDATE").Set("name = EXCLUDED.name").Exec(ctx)
	must(err)
	_, err = db.NewInsert().Model(&Genre{Name: "prose"}).Ignore().Exec(ctx)
	must(err)
	values := db.NewValues(&[]Book{{ID: 1, Price: 9}, {ID: 2, Price: 8}})
	r, err := db.NewUpdate().With("_data", values).Model((*Book)(nil)).TableExpr("_data").Set("price = _data.price").Where("book.id = _data.id").Exec(ctx)
	must(err)
	n, _ := r.RowsAffected()
	show("update", n)
	must(db.RunInTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead}, func(ctx context.Context, tx bun.Tx) error {
		b := &Book{ID: 1}
		must(tx.NewSelect().Model(b).WherePK().For("UPDATE OF book NOWAIT").Scan(ctx))
		err := tx.RunInTx(ctx, nil, func(ctx context.Context, inner bun.Tx) error {
			_, err := inner.NewInsert().Model(&Genre{Name: "prose"}).Exec(ctx)
			return err
		})
		show("savepoint", err != nil, b.Price)
		return nil
	}))
	show("undone", db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*BookGenre)(nil)).Where("TRUE").Exec(ctx)
		must(err)
		return errors.New("no")
	}))
	must(db.RunInTx(ctx, &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, tx bun.Tx) error {
		n, err := tx.NewSelect().Model((*BookGenre)(nil)).Count(ctx)
		show("read only", n)
		return err
	}))
	_, err = db.NewDelete().Model((*Book)(nil)).Where("id = ?", 6).Exec(ctx)
	must(err)
	some, err := db.NewSelect().Model((*Book)(nil)).Count(ctx)
	must(err)
	every, err := db.NewSelect().Model((*Book)(nil)).WhereAllWithDeleted().Count(ctx)
	must(err)
	show("soft", some, every)
	_, err = db.NewDropTable().Model((*BookGenre)(nil)).IfExists().Exec(ctx)
	must(err)
}
