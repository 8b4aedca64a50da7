-- What GORM v1.31.2, pgx v5.10.0  sent to PostgreSQL 15; see record/README.md.

-- ping
;
SELECT count(*) FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA() AND table_name = $1 AND table_type = $2;
CREATE TABLE "tags" ("id" bigserial,"name" text,PRIMARY KEY ("id"));
CREATE UNIQUE INDEX IF NOT EXISTS "idx_tags_name" ON "tags" ("name");
CREATE TABLE "categories" ("id" bigserial,"name" varchar(40) NOT NULL,"parent_id" bigint,PRIMARY KEY ("id"),CONSTRAINT "fk_categories_parent" FOREIGN KEY ("parent_id") REFERENCES "categories"("id"));
CREATE TABLE "products" ("id" bigserial,"created_at" timestamptz,"updated_at" timestamptz,"deleted_at" timestamptz,"name" text,"price" decimal,"data" jsonb,"sizes" int[],"category_id" bigint,PRIMARY KEY ("id"),CONSTRAINT "fk_products_category" FOREIGN KEY ("category_id") REFERENCES "categories"("id"),CONSTRAINT "chk_products_name" CHECK (name <> ''));
CREATE INDEX IF NOT EXISTS "idx_products_name" ON "products" ("name");
CREATE INDEX IF NOT EXISTS "idx_products_deleted_at" ON "products" ("deleted_at");
CREATE TABLE "product_tags" ("product_id" bigint,"tag_id" bigint,PRIMARY KEY ("product_id","tag_id"),CONSTRAINT "fk_product_tags_product" FOREIGN KEY ("product_id") REFERENCES "products"("id"),CONSTRAINT "fk_product_tags_tag" FOREIGN KEY ("tag_id") REFERENCES "tags"("id"));
CREATE TABLE "orders" ("id" bigserial,"customer" text,"placed" timestamptz,PRIMARY KEY ("id"));
CREATE TABLE "lines" ("id" bigserial,"order_id" bigint,"product_id" bigint,"amount" bigint,PRIMARY KEY ("id"),CONSTRAINT "fk_products_lines" FOREIGN KEY ("product_id") REFERENCES "products"("id"),CONSTRAINT "fk_orders_lines" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE CASCADE);
CREATE UNIQUE INDEX IF NOT EXISTS "once" ON "lines" ("order_id","product_id");
SELECT CURRENT_DATABASE();
SELECT c.column_name, c.is_nullable = 'YES', c.udt_name, c.character_maximum_length, c.numeric_precision, c.numeric_precision_radix, c.numeric_scale, c.datetime_precision, 8 * typlen, c.column_default, pd.description, c.identity_increment FROM information_schema.columns AS c JOIN pg_type AS pgt ON c.udt_name = pgt.typname LEFT JOIN pg_catalog.pg_description as pd ON pd.objsubid = c.ordinal_position AND pd.objoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = c.table_name AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = c.table_schema)) where table_catalog = $1 AND table_schema = CURRENT_SCHEMA() AND table_name = $2;
SELECT * FROM "categories" LIMIT  '1';
SELECT constraint_name FROM information_schema.table_constraints tc JOIN information_schema.constraint_column_usage AS ccu USING (constraint_schema, constraint_catalog, table_name, constraint_name) JOIN information_schema.columns AS c ON c.table_schema = tc.constraint_schema AND tc.table_name = c.table_name AND ccu.column_name = c.column_name WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND c.table_catalog = $1 AND c.table_schema = CURRENT_SCHEMA() AND c.table_name = $2 AND constraint_type = $3;
SELECT c.column_name, constraint_name, constraint_type FROM information_schema.table_constraints tc JOIN information_schema.constraint_column_usage AS ccu USING (constraint_schema, constraint_catalog, table_name, constraint_name) JOIN information_schema.columns AS c ON c.table_schema = tc.constraint_schema AND tc.table_name = c.table_name AND ccu.column_name = c.column_name WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND c.table_catalog = $1 AND c.table_schema = CURRENT_SCHEMA() AND c.table_name = $2;
SELECT a.attname as column_name, format_type(a.atttypid, a.atttypmod) AS data_type	FROM pg_attribute a JOIN pg_class b ON a.attrelid = b.oid AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = CURRENT_SCHEMA())	WHERE a.attnum > 0	AND NOT a.attisdropped	AND b.relname = $1;
SELECT description FROM pg_catalog.pg_description WHERE objsubid = (SELECT ordinal_position FROM information_schema.columns WHERE table_schema = CURRENT_SCHEMA() AND table_name = $1 AND column_name = $2) AND objoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = $3 AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = CURRENT_SCHEMA()));
SELECT count(*) FROM INFORMATION_SCHEMA.table_constraints WHERE table_schema = CURRENT_SCHEMA() AND table_name = $1 AND constraint_name = $2;
SELECT * FROM "products" LIMIT  '1';
ALTER TABLE "products" ALTER COLUMN "sizes" TYPE int[] USING "sizes"::int[];
SELECT count(*) FROM pg_indexes WHERE tablename = $1 AND indexname = $2 AND schemaname = CURRENT_SCHEMA();
SELECT * FROM "tags" LIMIT  '1';
SELECT * FROM "product_tags" LIMIT  '1';
begin;
INSERT INTO "categories" ("name","parent_id") VALUES ($1,$2) RETURNING "id";
commit;
SELECT * FROM "tags" WHERE "tags"."name" = $1 ORDER BY "tags"."id" LIMIT $2;
INSERT INTO "tags" ("name") VALUES ($1) RETURNING "id";
INSERT INTO "products" ("created_at","updated_at","deleted_at","name","price","data","sizes","category_id") VALUES ($1,$2,$3,$4,$5,$6,$7,$8) RETURNING "id";
INSERT INTO "tags" ("name","id") VALUES ($1,$2) ON CONFLICT DO NOTHING RETURNING "id";
INSERT INTO "product_tags" ("product_id","tag_id") VALUES ($1,$2) ON CONFLICT DO NOTHING;
INSERT INTO "orders" ("customer","placed") VALUES ($1,$2) RETURNING "id";
INSERT INTO "lines" ("order_id","product_id","amount") VALUES ($1,$2,$3),($4,$5,$6) ON CONFLICT ("id") DO UPDATE SET "order_id"="excluded"."order_id" RETURNING "id";
SELECT * FROM "products" WHERE "products"."id" = $1 AND "products"."deleted_at" IS NULL ORDER BY "products"."id" LIMIT $2;
SELECT * FROM "products" WHERE "products"."id" = $1 AND "products"."deleted_at" IS NULL LIMIT $2;
SELECT * FROM "orders" ORDER BY id;
SELECT * FROM "lines" WHERE "lines"."order_id" IN ($1,$2,$3) ORDER BY lines.id;
SELECT * FROM "products" WHERE "products"."id" IN ($1,$2,$3,$4) AND "products"."deleted_at" IS NULL;
SELECT "products"."id","products"."created_at","products"."updated_at","products"."deleted_at","products"."name","products"."price","products"."data","products"."sizes","products"."category_id","Category"."id" AS "Category__id","Category"."name" AS "Category__name","Category"."parent_id" AS "Category__parent_id" FROM "products" LEFT JOIN "categories" "Category" ON "products"."category_id" = "Category"."id" WHERE "Category".name = $1 AND "products"."deleted_at" IS NULL ORDER BY products.id;
SELECT * FROM "products" WHERE (name ILIKE $1 OR ((price BETWEEN $2 AND $3) AND NOT id IN ($4,$5))) AND "products"."deleted_at" IS NULL ORDER BY id LIMIT $6;
SELECT "tags"."id","tags"."name" FROM "tags" JOIN "product_tags" ON "product_tags"."tag_id" = "tags"."id" AND "product_tags"."product_id" = $1 ORDER BY name;
SELECT count(*) FROM "tags" JOIN "product_tags" ON "product_tags"."tag_id" = "tags"."id" AND "product_tags"."product_id" = $1;
SELECT DISTINCT "name" FROM "products" WHERE "products"."category_id" IN ($1,$2) AND "products"."deleted_at" IS NULL ORDER BY name desc;
SELECT "name" FROM "products" WHERE sizes @> $1::int[] AND data ->> $2 = $3 AND "products"."deleted_at" IS NULL;
SELECT * FROM "products" WHERE "products"."deleted_at" IS NULL ORDER BY id,"products"."id" LIMIT $1;
SELECT * FROM "products" WHERE "products"."id" > $1 AND "products"."deleted_at" IS NULL ORDER BY id,"products"."id" LIMIT $2;
SELECT * FROM "products" ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED;
SELECT COUNT(DISTINCT("product_id")) FROM "lines";
SELECT orders.customer, count(*) AS n, sum(amount * products.price) AS total FROM "lines" JOIN orders ON orders.id = lines.order_id LEFT JOIN products ON products.id = lines.product_id GROUP BY "orders"."customer" HAVING sum(amount) > $1 ORDER BY total DESC NULLS LAST;
SELECT "id" FROM "products" WHERE EXISTS (SELECT 1 FROM "lines" WHERE lines.product_id = products.id) AND price < (SELECT AVG(price) * 2 FROM "products" WHERE "products"."deleted_at" IS NULL) AND "products"."deleted_at" IS NULL ORDER BY id;
SELECT * FROM (SELECT id, rank() OVER (PARTITION BY category_id ORDER BY price DESC) AS n FROM "products" WHERE "products"."deleted_at" IS NULL) AS r WHERE r.n = $1 ORDER BY id;
WITH RECURSIVE tree AS (SELECT id FROM categories WHERE parent_id IS NULL UNION ALL SELECT c.id FROM categories c JOIN tree ON c.parent_id = tree.id) SELECT id FROM tree ORDER BY id LIMIT $1;
SELECT * FROM "tags" ORDER BY id;
INSERT INTO "tags" ("name") VALUES ($1),($2) ON CONFLICT DO NOTHING RETURNING "id";
INSERT INTO "tags" ("name") VALUES ($1) ON CONFLICT ("name") DO UPDATE SET "name"="excluded"."name" RETURNING "id";
UPDATE "products" SET "price"=price + $1,"updated_at"=$2 WHERE price < $3 AND "products"."deleted_at" IS NULL;
UPDATE "products" SET "sizes"=$1 WHERE id > $2 AND "products"."deleted_at" IS NULL RETURNING "id";
SELECT * FROM "products" WHERE "products"."id" = $1 AND "products"."deleted_at" IS NULL ORDER BY "products"."id" LIMIT $2 FOR NO KEY UPDATE OF "products";
UPDATE "products" SET "created_at"=$1,"updated_at"=$2,"deleted_at"=$3,"name"=$4,"price"=$5,"data"=$6,"sizes"=$7,"category_id"=$8 WHERE "products"."deleted_at" IS NULL AND "id" = $9;
SAVEPOINT sp2808735537979953524;
ROLLBACK TO SAVEPOINT sp2808735537979953524;
SELECT * FROM "products" WHERE "products"."id" = $1 AND "products"."deleted_at" IS NULL AND "products"."id" = $2 ORDER BY "products"."id" LIMIT $3;
DELETE FROM "lines" WHERE 1 = 1;
rollback;
SELECT count(*) FROM "lines";
UPDATE "products" SET "deleted_at"=$1 WHERE "products"."id" = $2 AND "products"."deleted_at" IS NULL;
SELECT count(*) FROM "products" WHERE "products"."deleted_at" IS NULL;
SELECT count(*) FROM "products";
DELETE FROM "lines" WHERE "lines"."order_id" = $1;
DELETE FROM "orders" WHERE "orders"."id" = $1;
UPDATE "products" SET "updated_at"=$1 WHERE "products"."deleted_at" IS NULL AND "id" = $2;
DELETE FROM "product_tags" WHERE "product_tags"."product_id" = $1 AND "product_tags"."tag_id" <> $2;
SELECT table_name FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA() AND table_type = $1;
SELECT
	ct.relname AS table_name,
	ci.relname AS index_name,
	i.indisunique AS non_unique,
	i.indisprimary AS primary,
	a.attname AS column_name
FROM
	pg_index i
	LEFT JOIN pg_class ct ON ct.oid = i.indrelid
	LEFT JOIN pg_class ci ON ci.oid = i.indexrelid
	LEFT JOIN pg_attribute a ON a.attrelid = ct.oid
	LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid
WHERE
	a.attnum = ANY(i.indkey)
	AND con.oid IS NULL
	AND ct.relkind = 'r'
	AND ct.relname = $1
 AND ct.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = CURRENT_SCHEMA());
SELECT count(*) FROM INFORMATION_SCHEMA.columns WHERE table_schema = CURRENT_SCHEMA() AND table_name = $1 AND column_name = $2;
DROP TABLE IF EXISTS "tags" CASCADE;
DROP TABLE IF EXISTS "categories" CASCADE;
DROP TABLE IF EXISTS "products" CASCADE;
DROP TABLE IF EXISTS "orders" CASCADE;
DROP TABLE IF EXISTS "lines" CASCADE;
DROP TABLE IF EXISTS "product_tags" CASCADE;
