-- What Drizzle 0.45.4, postgres.js 3.4.9 sent to PostgreSQL 15; see record/README.md.

select b.oid, b.typarray
      from pg_catalog.pg_type a
      left join pg_catalog.pg_type b on b.oid = a.typelem
      where a.typcategory = 'A'
      group by b.oid, b.typarray
      order by b.oid;
CREATE TABLE category (id serial PRIMARY KEY, name text NOT NULL);
    CREATE TABLE product (id serial PRIMARY KEY, name text NOT NULL, price numeric(10, 2), data jsonb, sizes int[], category_id int REFERENCES category);
    CREATE TABLE "order" (id serial PRIMARY KEY, customer text, placed timestamptz);
    CREATE TABLE line (id serial PRIMARY KEY, order_id int REFERENCES "order", product_id int REFERENCES product, amount int, UNIQUE (order_id, product_id));
insert into "category" ("id", "name") values (default, $1), (default, $2) returning "id", "name";
insert into "product" ("id", "name", "price", "data", "sizes", "category_id") values (default, $1, $2, $3, $4, $5), (default, $6, $7, $8, $9, $10), (default, $11, $12, $13, $14, $15), (default, $16, $17, $18, $19, $20), (default, $21, $22, $23, $24, $25), (default, $26, $27, $28, $29, $30), (default, $31, $32, $33, $34, $35);
insert into "order" ("id", "customer", "placed") values (default, $1, $2) returning "id";
insert into "line" ("id", "order_id", "product_id", "amount") values (default, $1, $2, $3), (default, $4, $5, $6);
select "id", "name", "price", "data", "sizes", "category_id" from "product" where (("product"."name" ilike $1 or "product"."price" between $2 and $3) and not "product"."id" in ($4, $5)) order by "product"."id" asc;
select "order"."id", "order"."customer", "order"."placed", "order_lines"."data" as "lines" from "order" "order" left join lateral (select coalesce(json_agg(json_build_array("order_lines"."amount", "order_lines_product"."data") order by "order_lines"."id" asc), '[]'::json) as "data" from (select * from "line" "order_lines" where "order_lines"."order_id" = "order"."id" order by "order_lines"."id" asc limit $1) "order_lines" left join lateral (select json_build_array("order_lines_product"."id", "order_lines_product"."name", "order_lines_product"."price", "order_lines_product"."data", "order_lines_product"."sizes", "order_lines_product"."category_id", "order_lines_product_category"."data") as "data" from (select * from "product" "order_lines_product" where "order_lines_product"."id" = "order_lines"."product_id" limit $2) "order_lines_product" left join lateral (select json_build_array("order_lines_product_category"."id", "order_lines_product_category"."name") as "data" from (select * from "category" "order_lines_product_category" where "order_lines_product_category"."id" = "order_lines_product"."category_id" limit $3) "order_lines_product_category") "order_lines_product_category" on true) "order_lines_product" on true) "order_lines" on true where "order"."id" > $4 order by "order"."id" desc;
select "name", upper("name") as "shout" from "product" "product" where "product"."id" = $1 limit $2;
select "product"."name", "parent"."name", "line"."amount" from "product" inner join "category" "parent" on "parent"."id" = "product"."category_id" left join "line" on "line"."product_id" = "product"."id" order by "product"."id", "line"."id" limit $1 offset $2;
select "order"."customer", count(distinct "order"."id"), sum("line"."amount" * "product"."price") from "order" inner join "line" on "line"."order_id" = "order"."id" inner join "product" on "product"."id" = "line"."product_id" group by "order"."customer" having count(distinct "order"."id") > $1 order by "order"."customer";
with "dear" as (select "id", "name", "price", "data", "sizes", "category_id" from "product" where "product"."price" > $1) select count(*), avg("price") from "dear";
select "product"."name", "n" from "product" inner join (select "product_id", sum("amount") as "n" from "line" group by "line"."product_id") "sold" on "sold"."product_id" = "product"."id" order by "product"."id";
select "product"."id", "late"."amount" from "product" left join lateral (select "amount" from "line" where "line"."product_id" = "product"."id" order by "line"."id" desc limit $1) "late" on true order by "product"."id";
select "id" from "product" where (exists (select 1 from "line" where "line"."product_id" = "product"."id") and not exists (select "id", "order_id", "product_id", "amount" from "line" where "line"."amount" > $1)) order by "product"."id";
select "id" from "product" where "product"."sizes" && $1 order by "product"."id";
select "data" ->> 'kind' from "product" where "product"."data" @> $1::jsonb;
(select "name" from "category") union (select "name" from "product" where "product"."id" < $1) order by name;
select distinct on ("product"."category_id") "id" from "product" order by "product"."category_id", "product"."price";
select "id", row_number() over (partition by "category_id" order by "price" desc) from "product" order by "product"."id";
select count(*) as count from "product" where "product"."id" > $1;
select "name" from "product" where "product"."id" = $1;
SELECT id FROM product ORDER BY id;
update "product" set "price" = "product"."price" + 1 where "product"."price" < $1 returning "id";
update "product" set "name" = upper("product"."name") from "category" where ("category"."id" = "product"."category_id" and "category"."name" = $1) returning "product"."name";
insert into "line" ("id", "order_id", "product_id", "amount") values (default, $1, $2, $3) on conflict ("order_id","product_id") do update set "amount" = excluded.amount returning "id", "order_id", "product_id", "amount";
insert into "line" ("id", "order_id", "product_id", "amount") values (default, $1, $2, $3) on conflict do nothing;
begin;
set transaction isolation level read committed;
select "id" from "product" where "product"."id" = $1 for update of "product" skip locked;
select "id" from "product" where "product"."id" = $1 for key share;
savepoint "s0";
insert into "line" ("id", "order_id", "product_id", "amount") values (default, $1, $2, $3);
rollback to "s0";
select count(*) from "line";
commit;
delete from "line";
rollback;
set transaction isolation level repeatable read read only deferrable;
with "gone" as (delete from "line" where "line"."order_id" = $1 returning "id") select count(*) from "gone";
select $1::int + count(*)::int as n from line;
