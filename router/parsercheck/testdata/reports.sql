-- Statements in the manner of what ORMs, drivers and tools send. The names of
-- tables are made up; the shapes are what counts. Functions of users do not
-- occur, for no catalogue knows them here.

-- Django
SELECT "shop_order"."id", "shop_order"."total", "shop_order"."created_at" FROM "shop_order" WHERE ("shop_order"."customer_id" = $1 AND "shop_order"."state" IN ($2, $3)) ORDER BY "shop_order"."created_at" DESC, "shop_order"."id" ASC LIMIT 21;
SELECT COUNT(*) AS "__count" FROM "shop_order" INNER JOIN "shop_customer" ON ("shop_order"."customer_id" = "shop_customer"."id") WHERE UPPER("shop_customer"."name"::text) LIKE UPPER($1);
SELECT (1) AS "a" FROM "auth_session" WHERE "auth_session"."key" = $1 LIMIT 1;
SELECT DISTINCT DATE_TRUNC('month', "shop_order"."created_at" AT TIME ZONE 'Europe/Rome') AS "datefield" FROM "shop_order" WHERE "shop_order"."created_at" IS NOT NULL ORDER BY "datefield" ASC;
SELECT "shop_order"."id", EXISTS(SELECT 1 AS "a" FROM "shop_line" U0 WHERE U0."order_id" = ("shop_order"."id") LIMIT 1) AS "has_lines", COALESCE(SUM("shop_order"."total") OVER (PARTITION BY "shop_order"."customer_id" ORDER BY "shop_order"."id"), 0) AS "running" FROM "shop_order";
SELECT "shop_order"."id" FROM "shop_order" WHERE "shop_order"."id" = $1 LIMIT 21 FOR UPDATE OF "shop_order";
INSERT INTO "shop_order" ("customer_id", "total") VALUES ($1, $2) RETURNING "shop_order"."id";
UPDATE "shop_order" SET "total" = ("shop_order"."total" + $1) WHERE "shop_order"."id" = $2;
SAVEPOINT "s140_x1";
RELEASE SAVEPOINT "s140_x1";

-- Rails
SELECT "users".* FROM "users" WHERE "users"."email" = $1 LIMIT $2 /*application:Shop,controller:sessions*/;
SELECT 1 AS one FROM "users" WHERE "users"."email" = $1 AND ("users"."id" != $2) LIMIT $3;
SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull, a.atttypid, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) AS comment FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum LEFT JOIN pg_type t ON a.atttypid = t.oid LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation WHERE a.attrelid = '"users"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;
SELECT "posts".*, "t1"."n" FROM "posts" LEFT OUTER JOIN (SELECT "comments"."post_id", COUNT(*) AS n FROM "comments" GROUP BY "comments"."post_id") "t1" ON "t1"."post_id" = "posts"."id" WHERE (((("posts"."a" = $1 OR "posts"."b" = $2) OR "posts"."c" = $3) OR "posts"."d" = $4)) ORDER BY "posts"."id" DESC OFFSET $5;
SELECT pg_try_advisory_lock(1234567890);
INSERT INTO "users" ("email") VALUES ($1) ON CONFLICT ("email") DO NOTHING RETURNING "id";

-- SQLAlchemy, Alembic
SELECT anon_1.user_id AS anon_1_user_id, address_1.email AS address_1_email FROM (SELECT users.id AS user_id FROM users WHERE users.name = %(name_1)s ESCAPE '/') AS anon_1 LEFT OUTER JOIN address AS address_1 ON anon_1.user_id = address_1.user_id;
SELECT anon_1.user_id, address_1.email FROM (SELECT users.id AS user_id FROM users WHERE users.name LIKE '%' || $1 || '%' ESCAPE '/') AS anon_1 LEFT OUTER JOIN address AS address_1 ON anon_1.user_id = address_1.user_id;
WITH RECURSIVE tree(id, parent_id, depth) AS (SELECT c.id AS id, c.parent_id AS parent_id, 0 AS depth FROM category AS c WHERE c.parent_id IS NULL UNION ALL SELECT c.id, c.parent_id, tree.depth + $1::INTEGER FROM category AS c, tree WHERE c.parent_id = tree.id) SELECT tree.id, tree.depth FROM tree ORDER BY tree.depth;
SELECT pg_catalog.version();
SELECT current_schema();
SHOW standard_conforming_strings;
SELECT CAST('test plain returns' AS VARCHAR(60)) AS anon_1;
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = $1::VARCHAR AND pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog';
SELECT nextval('users_id_seq');
SELECT x.id, (x.data ->> 'kind') AS kind, x.data #>> '{a,b}' AS leaf, x.data @> '{"a": 1}'::jsonb AS has FROM x WHERE (x.data -> 'tags') ?| ARRAY['a', 'b'];
SELECT count(*) FILTER (WHERE o.state = 'paid') AS paid, count(*) FILTER (WHERE o.state <> 'paid') AS other, array_agg(o.id ORDER BY o.id) AS ids FROM orders AS o GROUP BY GROUPING SETS ((o.state), ());

-- Hibernate, JDBC
select o1_0.id,o1_0.created,c1_0.id,c1_0.name from orders o1_0 left join customer c1_0 on c1_0.id=o1_0.customer_id where o1_0.id=$1;
select o1_0.id from orders o1_0 where o1_0.state=$1 order by o1_0.id fetch first $2 rows only;
select o1_0.id from orders o1_0 where o1_0.id=$1 for no key update;
select nextval('orders_seq');
SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, ct.relname AS TABLE_NAME, a.attname AS COLUMN_NAME, (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ, ci.relname AS PK_NAME FROM pg_catalog.pg_class ct JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid) JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid) JOIN pg_catalog.pg_index i ON (a.attrelid = i.indrelid) JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid) WHERE true AND ct.relname = 'orders' AND i.indisprimary;
SELECT typinput='pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid FROM pg_catalog.pg_type LEFT JOIN (select ns.oid as nspoid, ns.nspname, r.r from pg_namespace as ns join (select s.r, (current_schemas(false))[s.r] as nspname from generate_series(1, array_upper(current_schemas(false), 1)) as s(r)) as r using (nspname)) as sp ON sp.nspoid = typnamespace WHERE typname = $1 ORDER BY sp.r, pg_type.oid DESC LIMIT 1;
SET extra_float_digits = 3;
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;

-- Prisma, Sequelize, TypeORM, Knex
SELECT "public"."User"."id", "public"."User"."email", COALESCE("aggr_selection_0_Post"."_aggr_count_posts", 0) AS "_aggr_count_posts" FROM "public"."User" LEFT JOIN (SELECT "public"."Post"."authorId", COUNT(*) AS "_aggr_count_posts" FROM "public"."Post" WHERE 1=1 GROUP BY "public"."Post"."authorId") AS "aggr_selection_0_Post" ON ("public"."User"."id" = "aggr_selection_0_Post"."authorId") WHERE 1=1 ORDER BY "public"."User"."id" ASC LIMIT $1 OFFSET $2;
SELECT "t1"."id", "t2"."__data" FROM "User" AS "t1" LEFT JOIN LATERAL (SELECT COALESCE(JSONB_AGG("__j"), '[]') AS "__data" FROM (SELECT JSONB_BUILD_OBJECT('id', "t4"."id") AS "__j" FROM "Post" AS "t4" WHERE "t1"."id" = "t4"."authorId") AS "t3") AS "t2" ON TRUE;
SELECT "User"."id" AS "User_id", "User"."name" AS "User_name" FROM "user" "User" WHERE "User"."name" ILIKE $1 AND "User"."deletedAt" IS NULL;
INSERT INTO "Users" ("id","name") VALUES (DEFAULT,$1) RETURNING "id","name";
DELETE FROM "public"."User" WHERE ("public"."User"."id" IN ($1,$2) AND 1=1);

-- GORM, ent, sqlx, pgx
SELECT * FROM "users" WHERE name = $1 AND "users"."deleted_at" IS NULL ORDER BY "users"."id" LIMIT $2;
SELECT count(*) FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA() AND table_name = $1 AND table_type = $2;
select t.oid, t.typname from pg_type t left join pg_type base_type on t.typelem=base_type.oid where (t.typtype in('b', 'p', 'r', 'e', 'c') and (base_type.oid is null or base_type.typtype in('b', 'p', 'r')));
begin read only;
select;

-- Queues, reports, search, geometry of time
SELECT id, payload FROM job WHERE run_at <= now() ORDER BY priority DESC, id FOR UPDATE SKIP LOCKED LIMIT 10;
WITH picked AS (SELECT id FROM job ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE job SET state = 'taken' FROM picked WHERE job.id = picked.id RETURNING job.*;
SELECT d::date AS day, count(o.id) FROM generate_series(date_trunc('day', now() - interval '30 days'), now(), interval '1 day') AS g(d) LEFT JOIN orders o ON o.created_at >= d AND o.created_at < d + interval '1 day' GROUP BY 1 ORDER BY 1;
SELECT id, ts_rank_cd(doc, q) AS rank, ts_headline('english', body, q, 'MaxWords=20') FROM article, websearch_to_tsquery('english', $1) q WHERE doc @@ q ORDER BY rank DESC LIMIT 10;
SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY ms) FROM request WHERE at > now() - interval '1 hour' AND path !~ '^/static';
SELECT extract(epoch FROM (max(at) - min(at))), width_bucket(avg(ms), 0, 100, 10), mode() WITHIN GROUP (ORDER BY path) FROM request GROUP BY CUBE (host, path) HAVING count(*) > 1;
SELECT lag(v, 1) OVER w AS before, first_value(v) OVER w, ntile(4) OVER (ORDER BY v), row_number() OVER (PARTITION BY k ORDER BY at DESC) AS rn FROM sample WINDOW w AS (PARTITION BY k ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES);
SELECT * FROM crosstabbed, jsonb_to_recordset(data) AS r(id int, name text, tags text[]) WHERE (r.id, r.name) = ANY (SELECT 1, 'a') AND daterange(a, b, '[)') && daterange($1, $2);
SELECT table_name, pg_size_pretty(pg_total_relation_size(quote_ident(table_name))) FROM information_schema.tables WHERE table_schema = 'public';
COPY (SELECT * FROM orders WHERE created_at::date = current_date) TO STDOUT WITH (FORMAT csv, HEADER);
EXPLAIN (FORMAT json, COSTS true) SELECT * FROM orders WHERE total > 10;
VALUES (1, 'one'), (2, 'two') ORDER BY 1 LIMIT 1;
SELECT * FROM (VALUES ('a', 1), ('b', 2)) AS v(name, n) NATURAL JOIN other TABLESAMPLE system (5);
