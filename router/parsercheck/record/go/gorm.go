package main

import (
	"errors"
	"os"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

type Tag struct {
	ID   uint
	Name string `gorm:"uniqueIndex"`
}

type Category struct {
	ID       uint
	Name     string `gorm:"size:40;not null"`
	ParentID *uint
	Parent   *Category
}

type Product struct {
	gorm.Model
	Name       string `gorm:"index;check:name <> ''"`
	Price      float64
	Data       string `gorm:"type:jsonb"`
	Sizes      string `gorm:"type:int[]"`
	CategoryID uint
	Category   Category
	Tags       []Tag `gorm:"many2many:product_tags"`
	Lines      []Line
}

type Order struct {
	ID       uint
	Customer string
	Placed   time.Time
	Lines    []Line `gorm:"constraint:OnDelete:CASCADE"`
}

type Line struct {
	ID        uint
	OrderID   uint `gorm:"uniqueIndex:once"`
	ProductID uint `gorm:"uniqueIndex:once"`
	Product   Product
	Amount    int
}

func gormShop() {
	show("GORM "+version("gorm.io/gorm")+", pgx "+version("github.com/jackc/pgx/v5"), "")
	config := &gorm.Config{Logger: logger.Discard, PrepareStmt: os.Args[len(os.Args)-1] == "prepared", NowFunc: func() time.Time { return day(1) }}
	db, err := gorm.Open(postgres.Open(""), config)
	must(err)
	must(db.AutoMigrate(&Tag{}, &Category{}, &Product{}, &Order{}, &Line{}))
	must(db.AutoMigrate(&Product{}))
	gormFill(db)
	gormRead(db)
	gormReport(db)
	gormWrite(db)
	m := db.Migrator()
	tables, err := m.GetTables()
	must(err)
	types, err := m.ColumnTypes(&Product{})
	must(err)
	indexes, err := m.GetIndexes(&Product{})
	must(err)
	show("migrator", len(tables), len(types), len(indexes), m.HasColumn(&Product{}, "price"), m.HasIndex(&Product{}, "Name"), m.HasConstraint(&Line{}, "Product"), m.CurrentDatabase() != "")
	must(m.DropTable(&Line{}, &Order{}, "product_tags", &Product{}, &Category{}, &Tag{}))
}

func gormFill(db *gorm.DB) {
	all := Category{Name: "all"}
	must(db.Create(&all).Error)
	kinds := []Category{{Name: "toys", ParentID: &all.ID}, {Name: "books", ParentID: &all.ID}}
	must(db.Create(&kinds).Error)
	var red, blue Tag
	must(db.FirstOrCreate(&red, Tag{Name: "red"}).Error)
	must(db.Where(Tag{Name: "blue"}).FirstOrCreate(&blue).Error)
	for i := 1; i <= 7; i++ {
		tags := []Tag{red}
		if i%3 == 0 {
			tags = append(tags, blue)
		}
		must(db.Create(&Product{Name: "product " + string(rune('0'+i)), Price: float64(i) * 1.5, Data: `{"kind": "x"}`, Sizes: "{1,2}", CategoryID: kinds[i%2].ID, Tags: tags}).Error)
	}
	for n, customer := range []string{"ann", "bob", "ann"} {
		must(db.Create(&Order{Customer: customer, Placed: day(n + 1), Lines: []Line{{ProductID: uint(n + 2), Amount: n + 1}, {ProductID: 1, Amount: 1}}}).Error)
	}
}

func gormRead(db *gorm.DB) {
	var p Product
	must(db.First(&p, 3).Error)
	show("first", p.Name, errors.Is(db.Take(&Product{}, 99).Error, gorm.ErrRecordNotFound))
	var orders []Order
	must(db.Preload("Lines", func(tx *gorm.DB) *gorm.DB { return tx.Order("lines.id") }).Preload("Lines.Product").Order("id").Find(&orders).Error)
	show("preload", len(orders), orders[0].Lines[0].Product.Name)
	var products []Product
	must(db.Joins("Category").Where(`"Category".name = ?`, "toys").Order("products.id").Find(&products).Error)
	show("joins", len(products), products[0].Category.Name)
	must(db.Where("name ILIKE ?", "%DUCT 1").Or(db.Where("price BETWEEN ? AND ?", 2, 4).Not("id IN ?", []int{50, 51})).Order("id").Limit(5).Offset(0).Find(&products).Error)
	show("where", len(products))
	must(db.Model(&p).Order("name").Association("Tags").Find(&p.Tags))
	show("association", p.Tags, db.Model(&p).Association("Tags").Count())
	var names []string
	must(db.Model(&Product{}).Where(map[string]any{"category_id": []uint{2, 3}}).Distinct().Order("name desc").Pluck("name", &names).Error)
	show("pluck", names)
	must(db.Model(&Product{}).Scopes(func(tx *gorm.DB) *gorm.DB { return tx.Where("data ->> ? = ?", "kind", "x") }).Where("sizes @> ?::int[]", "{1}").Pluck("name", &names).Error)
	show("operators", len(names))
	must(db.Order("id").FindInBatches(&products, 3, func(_ *gorm.DB, batch int) error { show("batch", batch, len(products)); return nil }).Error)
	must(db.Unscoped().Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).Limit(1).Order("id").Find(&products).Error)
	show("locked", len(products))
}

func gormReport(db *gorm.DB) {
	var count int64
	must(db.Model(&Line{}).Distinct("product_id").Count(&count).Error)
	show("count", count)
	var totals []struct {
		Customer string
		N        int
		Total    float64
	}
	must(db.Model(&Line{}).Select("orders.customer, count(*) AS n, sum(amount * products.price) AS total").Joins("JOIN orders ON orders.id = lines.order_id").Joins("LEFT JOIN products ON products.id = lines.product_id").
		Group("orders.customer").Having("sum(amount) > ?", 1).Order("total DESC NULLS LAST").Scan(&totals).Error)
	show("group", totals)
	var ids []int
	sold := db.Model(&Line{}).Select("1").Where("lines.product_id = products.id")
	must(db.Model(&Product{}).Where("EXISTS (?)", sold).Where("price < (?)", db.Model(&Product{}).Select("AVG(price) * 2")).Order("id").Pluck("id", &ids).Error)
	show("exists", ids)
	var ranked []map[string]any
	must(db.Table("(?) AS r", db.Model(&Product{}).Select("id, rank() OVER (PARTITION BY category_id ORDER BY price DESC) AS n")).Where("r.n = ?", 1).Order("id").Find(&ranked).Error)
	show("window", ranked)
	must(db.Raw("WITH RECURSIVE tree AS (SELECT id FROM categories WHERE parent_id IS NULL UNION ALL SELECT c.id FROM categories c JOIN tree ON c.parent_id = tree.id) SELECT id FROM tree ORDER BY id LIMIT @most", map[string]any{"most": 9}).Scan(&ids).Error)
	show("raw", ids)
	rows, err := db.Model(&Tag{}).Order("id").Rows()
	must(err)
	for rows.Next() {
		var t Tag
		must(db.ScanRows(rows, &t))
		show("row", t)
	}
	must(rows.Close())
}

func gormWrite(db *gorm.DB) {
	must(db.Clauses(clause.OnConflict{DoNothing: true}).Create(&[]Tag{{Name: "red"}, {Name: "green"}}).Error)
	must(db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "name"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}).Create(&Tag{Name: "red"}).Error)
	show("update", db.Model(&Product{}).Where("price < ?", 3).Updates(map[string]any{"price": gorm.Expr("price + ?", 1)}).RowsAffected)
	var changed []Product
	must(db.Model(&changed).Clauses(clause.Returning{Columns: []clause.Column{{Name: "id"}}}).Where("id > ?", 5).UpdateColumn("sizes", "{7}").Error)
	show("returning", len(changed))
	must(db.Transaction(func(tx *gorm.DB) error {
		var p Product
		must(tx.Clauses(clause.Locking{Strength: "NO KEY UPDATE", Table: clause.Table{Name: clause.CurrentTable}}).First(&p, 1).Error)
		p.Data = `{"seen": true}`
		must(tx.Save(&p).Error)
		err := tx.Transaction(func(inner *gorm.DB) error { return inner.Create(&Tag{Name: "red"}).Error })
		show("savepoint", err != nil)
		must(tx.First(&p, 1).Error)
		show("inside", p.Data)
		return nil
	}))
	show("undone", db.Transaction(func(tx *gorm.DB) error {
		must(tx.Where("1 = 1").Delete(&Line{}).Error)
		return errors.New("no")
	}))
	var lines int64
	must(db.Model(&Line{}).Count(&lines).Error)
	must(db.Delete(&Product{}, 7).Error)
	var products, every int64
	must(db.Model(&Product{}).Count(&products).Error)
	must(db.Unscoped().Model(&Product{}).Count(&every).Error)
	show("soft", lines, products, every)
	must(db.Select("Lines").Delete(&Order{ID: 3}).Error)
	must(db.Model(&Product{Model: gorm.Model{ID: 1}}).Association("Tags").Replace(&Tag{ID: 2, Name: "blue"}))
	must(db.Model(&Line{}).Count(&lines).Error)
	show("left", lines)
}
