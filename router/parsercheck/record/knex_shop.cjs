// A shop in Knex, a query builder, with node-postgres.
const knex = require("knex");
const env = process.env;
const version = (name) => require(`${env.NODE_PATH}/${name}/package.json`).version;
const show = (what, rows) => console.log(what, JSON.stringify(rows));
const db = knex({ client: "pg", connection: { host: env.PGHOST, port: env.PGPORT, user: env.PGUSER, password: env.PGPASSWORD, database: env.PGDATABASE }, pool: { min: 0, max: 4 } });

async function schema() {
  await db.schema.createTable("category", (t) => { t.increments(); t.string("name").notNullable(); t.integer("parent_id").references("category.id"); });
  await db.schema.createTable("product", (t) => {
    t.increments(); t.string("name").index(); t.decimal("price", 10, 2); t.jsonb("data"); t.specificType("sizes", "int[]");
    t.enu("state", ["new", "sold"]).defaultTo("new"); t.timestamps(true, true); t.integer("category_id").references("category.id");
  });
  await db.schema.createTable("line", (t) => { t.bigIncrements(); t.string("customer"); t.integer("product_id").references("product.id"); t.integer("amount"); t.unique(["customer", "product_id"]); });
  await db.schema.alterTable("product", (t) => { t.integer("stock").defaultTo(0); t.index(["category_id", "price"]); });
  show("there", [await db.schema.hasTable("product"), await db.schema.hasColumn("product", "stock"), Object.keys(await db("product").columnInfo())]);
  await db.schema.createView("dear", (v) => v.as(db("product").where("price", ">", 5).select("id", "name")));
}

async function fill() {
  const [all] = await db("category").insert({ name: "all" }).returning("id");
  const [books, toys] = await db("category").insert([{ name: "books", parent_id: all.id }, { name: "toys", parent_id: all.id }], ["id"]);
  const rows = [];
  for (let i = 1; i <= 7; i++) rows.push({ name: `product ${i}`, price: i * 1.5, data: { kind: i % 2 ? "odd" : "even", size: { w: i } }, sizes: [i, i + 1], category_id: (i % 2 ? books : toys).id });
  await db.batchInsert("product", rows, 3);
  await db("line").insert([["ann", 2, 1], ["ann", 1, 1], ["bob", 3, 2], ["bob", 1, 1]].map(([customer, product_id, amount]) => ({ customer, product_id, amount })));
}

async function read() {
  show("first", [await db("product").where({ id: 3 }).first("name"), await db("product").where("id", 99).first()]);
  show("pluck", await db("product").where((q) => q.where("price", ">", 5).orWhereILike("name", "%DUCT 1")).whereNot("id", 7).whereIn("state", ["new", "sold"]).orderBy("name").pluck("name"));
  show("joins", await db("line as l").join("product as p", "p.id", "l.product_id").leftJoin("category as c", (j) => j.on("c.id", "p.category_id").andOnNotNull("c.parent_id")).select("l.customer", "p.name", { category: "c.name" }).orderBy(["l.customer", { column: "p.id", order: "desc" }]));
  show("group", await db("line as l").join("product as p", "p.id", "l.product_id").groupBy("customer").select("customer", db.raw("sum(l.amount * p.price) as total")).count("* as n").countDistinct("p.category_id as kinds").having(db.raw("sum(amount)"), ">", 1).orderBy("total", "desc", "last"));
  show("sums", await db("product").sum("price as s").avg("price as a").min("id as least").max("name as most").first());
  show("tree", await db.withRecursive("tree", ["id", "name", "depth"], (q) => q.select("id", "name", db.raw("0")).from("category").whereNull("parent_id").unionAll((u) => u.select("c.id", "c.name", db.raw("tree.depth + 1")).from("category as c").join("tree", "c.parent_id", "tree.id"))).select().from("tree").orderBy("id"));
  show("cte", await db.withMaterialized("sold", db("line").distinct("product_id")).from("product").whereIn("id", db("sold").select("product_id")).orderBy("id").pluck("name"));
  show("exists", await db("product as p").whereExists(db("line").select(db.raw("1")).whereRaw("line.product_id = p.id")).whereNotExists(db("line").where("amount", ">", 5)).orderBy("id").pluck("id"));
  show("subquery", await db("product").where("price", ">", db("product").avg("price")).select("id", db("line").count().where("product_id", db.ref("product.id")).as("sold")).orderBy("id"));
  show("windows", await db("product").select("id").rowNumber("n", (w) => w.partitionBy("category_id").orderBy("price", "desc")).rank("r", "price").denseRank("d", "category_id").orderBy("id"));
  show("json", await db("product").whereJsonPath("data", "$.size.w", ">", 2).whereJsonSupersetOf("data", { kind: "odd" }).orderBy("id").jsonExtract("data", "$.kind", "kind").select("id"));
  show("arrays", await db("product").whereRaw("? = ANY (sizes)", [3]).orWhereRaw("sizes && ?::int[]", [[7]]).orderBy("id").pluck("id"));
  show("union", await db("category").select("name").union([db("product").select("name").where("id", 1)], true).except(db("category").select("name").where({ name: "all" })).orderBy("name"));
  show("distinct on", await db("product").distinctOn("category_id").orderBy([{ column: "category_id" }, { column: "price" }]).select("category_id", "name"));
  show("raw", (await db.raw("select ??, ? :: int as n from ?? where id between :a and :b".replace(":a", "?").replace(":b", "?"), ["name", 5, "product", 1, 2])).rows);
  show("view", await db("dear").count().first());
  show("page", await db("product").orderByRaw("length(name), id desc").limit(2).offset(2).pluck("id"));
  const streamed = [];
  for await (const row of db("product").select("id").orderBy("id").stream()) streamed.push(row.id);
  show("stream", streamed);
}

async function write() {
  show("update", await db("product").where("price", "<", 3).update({ price: db.raw("price + ?", [1]), updated_at: db.fn.now() }, ["id"]));
  show("increment", await db("product").where({ id: 2 }).increment({ stock: 2 }));
  show("merge", await db("line").insert({ customer: "ann", product_id: 1, amount: 4 }).onConflict(["customer", "product_id"]).merge({ amount: db.raw("line.amount + excluded.amount") }).returning("amount"));
  show("ignore", (await db("line").insert({ customer: "ann", product_id: 1, amount: 4 }).onConflict().ignore()).rowCount);
  show("from", await db("product").updateFrom("category").where("category.id", db.ref("product.category_id")).where("category.name", "toys").update({ state: "sold" }));
  await db.transaction(async (t) => {
    show("locked", await t("product").where({ id: 1 }).forUpdate().noWait().pluck("id"));
    show("skipped", await t("product").orderBy("id").limit(1).forNoKeyUpdate().skipLocked().pluck("id"));
    show("shared", await t("product").where({ id: 2 }).forShare().pluck("id"));
    await t.transaction(async (inner) => { await inner("line").insert({ customer: "ann", product_id: 1, amount: 1 }); }).catch((e) => show("savepoint", e.code));
    show("inside", await t("line").count().first());
  });
  await db.transaction(async (t) => { await t("line").del(); throw new Error("undone"); }, { isolationLevel: "repeatable read" }).catch((e) => show(e.message, null));
  await db.transaction(async (t) => show("read only", await t("line").sum("amount as n").first()), { readOnly: true });
  show("delete", await db("line").where({ customer: "bob" }).del(["product_id"]));
  show("left", await db("line").count().first());
  await db("line").truncate();
}

(async () => {
  console.log(`Knex ${version("knex")}, node-postgres ${version("pg")}`);
  for (const step of [schema, fill, read, write]) await step();
  await db.schema.dropView("dear");
  for (const table of ["line", "product", "category"]) await db.schema.dropTableIfExists(table);
  await db.destroy();
})().catch((e) => { console.error(e.message, e.stack); process.exit(1); });
