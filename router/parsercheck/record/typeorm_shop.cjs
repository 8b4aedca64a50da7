// A shop in TypeORM with node-postgres.
require("reflect-metadata");
const { DataSource, EntitySchema, In, Between, ILike, Raw, Not, IsNull, ArrayContains, JsonContains, MoreThan, Brackets } = require("typeorm");
const show = (what, rows) => console.log(what, JSON.stringify(rows));
const version = (name) => require(`${process.env.NODE_PATH}/${name}/package.json`).version;
const id = { type: Number, primary: true, generated: true };

const Tag = new EntitySchema({ name: "tag", columns: { id, name: { type: String, unique: true } } });
const Category = new EntitySchema({
  name: "category", columns: { id, name: { type: String } }, trees: [{ type: "closure-table" }],
  relations: { parent: { type: "many-to-one", target: "category", treeParent: true, inverseSide: "children" }, children: { type: "one-to-many", target: "category", treeChildren: true, inverseSide: "parent" } },
});
const Product = new EntitySchema({
  name: "product",
  columns: {
    id, name: { type: String }, price: { type: "numeric", precision: 10, scale: 2 }, data: { type: "jsonb", default: {} }, sizes: { type: "int", array: true },
    state: { type: "enum", enum: ["new", "sold"], default: "new" }, deleted: { type: "timestamptz", deleteDate: true, nullable: true }, version: { type: Number, version: true },
  },
  indices: [{ columns: ["name"] }],
  relations: {
    category: { type: "many-to-one", target: "category" },
    tags: { type: "many-to-many", target: "tag", joinTable: true },
    lines: { type: "one-to-many", target: "line", inverseSide: "product" },
  },
});
const Order = new EntitySchema({
  name: "order", columns: { id, customer: { type: String }, placed: { type: "timestamptz" } },
  relations: { lines: { type: "one-to-many", target: "line", inverseSide: "order", cascade: true } },
});
const Line = new EntitySchema({
  name: "line", columns: { id, amount: { type: Number } },
  relations: { order: { type: "many-to-one", target: "order", inverseSide: "lines", onDelete: "CASCADE" }, product: { type: "many-to-one", target: "product", inverseSide: "lines" } },
});
const env = process.env;
const db = new DataSource({
  type: "postgres", host: env.PGHOST, port: +env.PGPORT, username: env.PGUSER, password: env.PGPASSWORD, database: env.PGDATABASE,
  entities: [Tag, Category, Product, Order, Line], synchronize: true, poolSize: 4,
});

async function fill() {
  const all = await db.getTreeRepository(Category).save({ name: "all" });
  const [books, toys] = await db.getTreeRepository(Category).save([{ name: "books", parent: all }, { name: "toys", parent: all }]);
  const [red, blue] = await db.getRepository(Tag).save([{ name: "red" }, { name: "blue" }]);
  const products = [];
  for (let i = 1; i <= 7; i++) products.push({ name: `product ${i}`, price: i * 1.5, data: { kind: i % 2 ? "odd" : "even" }, sizes: [i, i + 1], category: i % 2 ? books : toys, tags: i % 3 ? [red] : [red, blue] });
  await db.getRepository(Product).save(products);
  for (const [n, customer] of [[1, "ann"], [2, "bob"], [3, "ann"]]) {
    await db.getRepository(Order).save({ customer, placed: new Date(Date.UTC(2024, 0, n)), lines: [{ amount: n, product: products[n] }, { amount: 1, product: products[0] }] });
  }
}

async function read() {
  const products = db.getRepository(Product);
  const ids = (rows) => rows.map((r) => r.id);
  show("one", [(await products.findOneBy({ id: 3 })).name, await products.findOneBy({ id: 99 }), await products.existsBy({ name: "product 1" })]);
  show("relations", (await db.getRepository(Order).find({ relations: { lines: { product: { category: true } } }, order: { id: "ASC", lines: { id: "ASC" } } })).map((o) => o.lines.map((l) => l.product.name)));
  show("queries", (await products.find({ relations: { tags: true }, relationLoadStrategy: "query", order: { id: "ASC" }, take: 3 })).map((p) => p.tags.length));
  show("where", ids(await products.find({ where: [{ name: ILike("%DUCT 1") }, { price: Between(2, 4), id: Not(In([50])) }, { category: { name: "toys" } }], order: { id: "ASC" } })));
  show("page", (await products.findAndCount({ relations: { tags: true }, order: { price: "DESC" }, skip: 1, take: 2 })).map((r) => (Array.isArray(r) ? ids(r) : r)));
  show("postgres", ids(await products.find({ where: { sizes: ArrayContains([3]), data: JsonContains({ kind: "odd" }), name: Raw((c) => `lower(${c}) LIKE :like`, { like: "product%" }) } })));
  show("builder", await products.createQueryBuilder("p").leftJoin("p.lines", "l").select("p.id", "id").addSelect("COALESCE(SUM(l.amount), 0)", "sold").where(new Brackets((q) => q.where("p.price > :least", { least: 1 }).orWhere("p.name = 'x'"))).groupBy("p.id").having("COUNT(l.id) > 0").orderBy("sold", "DESC").addOrderBy("p.id").getRawMany());
  show("subquery", ids(await products.createQueryBuilder("p").where((q) => "EXISTS " + q.subQuery().select("1").from("line", "l").where("l.productId = p.id").getQuery()).andWhere("p.price > (" + db.createQueryBuilder().select("AVG(x.price)").from("product", "x").getQuery() + ") - 3").orderBy("p.id").getMany()));
  show("cte", await db.createQueryBuilder().addCommonTableExpression(db.createQueryBuilder().select("p.id", "id").from("product", "p").where("p.price > 6"), "dear").select("count(*)", "n").from("dear", "dear").getRawOne());
  show("distinct on", await products.createQueryBuilder("p").distinctOn(["p.category"]).select(["p.categoryId AS category", "p.name AS name"]).orderBy("p.category").addOrderBy("p.price").getRawMany());
  show("aggregates", [await products.sum("price"), await products.average("price", { id: MoreThan(3) }), await products.maximum("id"), await products.countBy({ deleted: IsNull() })]);
  show("tree", await db.getTreeRepository(Category).findTrees());
  show("ancestors", ids(await db.getTreeRepository(Category).findAncestors({ id: 3 })).sort());
  const stream = await products.createQueryBuilder("p").select("p.id").orderBy("p.id").stream();
  const streamed = [];
  for await (const row of stream) streamed.push(row.p_id);
  show("stream", streamed);
}

async function write() {
  const products = db.getRepository(Product), tags = db.getRepository(Tag);
  show("update", (await products.update({ price: Between(0, 2) }, { state: "sold" })).affected);
  await products.increment({ id: 2 }, "price", 2);
  await tags.upsert([{ name: "red" }, { name: "green" }], ["name"]);
  await tags.createQueryBuilder().insert().values([{ name: "red" }]).orIgnore().execute();
  show("returning", (await products.createQueryBuilder().update().set({ name: () => "upper(name)" }).where("id = 4").returning("name").execute()).raw);
  await db.transaction(async (m) => {
    const p = await m.findOne(Product, { where: { id: 1 }, lock: { mode: "pessimistic_write" } });
    await m.findOne(Product, { where: { id: 2 }, lock: { mode: "pessimistic_write_or_fail", tables: ["product"] } });
    await m.find(Product, { where: { id: 3 }, lock: { mode: "for_no_key_update", onLocked: "skip_locked" } });
    p.data = { seen: true };
    await m.save(Product, p);
    await m.transaction((inner) => inner.insert(Tag, { name: "red" })).catch((e) => show("savepoint", e.code));
    show("inside", (await m.findOneBy(Product, { id: 1 })).data);
  });
  await db.transaction("SERIALIZABLE", async (m) => { await m.delete(Line, { amount: 1 }); throw new Error("undone"); }).catch((e) => show(e.message, null));
  const order = await db.getRepository(Order).findOne({ where: { id: 1 }, relations: { lines: true } });
  order.customer = "eve";
  await db.getRepository(Order).save(order);
  show("lines", await db.getRepository(Line).count());
  await products.softDelete({ id: 7 });
  show("soft", [await products.count(), await products.count({ withDeleted: true })]);
  await products.restore({ id: 7 });
  await db.createQueryBuilder().relation(Product, "tags").of(1).remove(2);
  await db.createQueryBuilder().relation(Product, "tags").of(1).add(2);
  await db.getRepository(Order).remove(await db.getRepository(Order).findBy({ id: 3 }));
  show("orders", await db.getRepository(Order).count());
}

async function inspect() {
  const r = db.createQueryRunner();
  show("columns", (await r.getTable("product")).columns.map((c) => [c.name, c.type]));
  show("there", [await r.hasTable("line"), await r.hasColumn("line", "amount"), await r.getCurrentDatabase() === env.PGDATABASE, await r.getCurrentSchema(), await r.hasSchema("public")]);
  show("raw", await r.query('SELECT name, rank() OVER (ORDER BY price DESC) FROM product WHERE id < $1 ORDER BY name', [4]));
  await r.release();
  await db.synchronize();
}

(async () => {
  console.log(`TypeORM ${version("typeorm")}, node-postgres ${version("pg")}`);
  await db.initialize();
  for (const step of [fill, read, write, inspect]) await step();
  await db.dropDatabase();
  await db.destroy();
})().catch((e) => { console.error(e.message, e.sql ?? "", e.stack); process.exit(1); });
