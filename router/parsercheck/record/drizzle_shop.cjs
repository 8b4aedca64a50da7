// A shop in Drizzle with postgres.js.
const { drizzle } = require("drizzle-orm/postgres-js");
const { pgTable, pgView, serial, text, integer, numeric, jsonb, timestamp, unique, alias, union, QueryBuilder } = require("drizzle-orm/pg-core");
const { relations, sql, eq, and, or, gt, lt, ilike, inArray, between, not, exists, notExists, arrayOverlaps, desc, asc, count, sum, avg, countDistinct } = require("drizzle-orm");
const postgres = require("postgres");
const env = process.env;
const version = (name) => require(`${env.NODE_PATH}/${name}/package.json`).version;
const show = (what, rows) => console.log(what, JSON.stringify(rows));

const category = pgTable("category", { id: serial().primaryKey(), name: text().notNull() });
const product = pgTable("product", { id: serial().primaryKey(), name: text().notNull(), price: numeric({ precision: 10, scale: 2 }), data: jsonb(), sizes: integer().array(), categoryId: integer("category_id").references(() => category.id) });
const order = pgTable("order", { id: serial().primaryKey(), customer: text(), placed: timestamp({ withTimezone: true, mode: "date" }) });
const line = pgTable("line", { id: serial().primaryKey(), orderId: integer("order_id"), productId: integer("product_id"), amount: integer() }, (t) => [unique().on(t.orderId, t.productId)]);
const all = {
  category, product, order, line,
  categoryRelations: relations(category, ({ many }) => ({ products: many(product) })),
  productRelations: relations(product, ({ one, many }) => ({ category: one(category, { fields: [product.categoryId], references: [category.id] }), lines: many(line) })),
  orderRelations: relations(order, ({ many }) => ({ lines: many(line) })),
  lineRelations: relations(line, ({ one }) => ({ order: one(order, { fields: [line.orderId], references: [order.id] }), product: one(product, { fields: [line.productId], references: [product.id] }) })),
};
const client = postgres({ max: 4, ssl: false, onnotice: () => {} });
const db = drizzle(client, { schema: all });

async function fill() {
  await client.unsafe(`CREATE TABLE category (id serial PRIMARY KEY, name text NOT NULL);
    CREATE TABLE product (id serial PRIMARY KEY, name text NOT NULL, price numeric(10, 2), data jsonb, sizes int[], category_id int REFERENCES category);
    CREATE TABLE "order" (id serial PRIMARY KEY, customer text, placed timestamptz);
    CREATE TABLE line (id serial PRIMARY KEY, order_id int REFERENCES "order", product_id int REFERENCES product, amount int, UNIQUE (order_id, product_id))`);
  const [books, toys] = await db.insert(category).values([{ name: "books" }, { name: "toys" }]).returning();
  await db.insert(product).values([1, 2, 3, 4, 5, 6, 7].map((i) => ({ name: `product ${i}`, price: String(i * 1.5), data: { kind: i % 2 ? "odd" : "even" }, sizes: [i, i + 1], categoryId: (i % 2 ? books : toys).id })));
  for (const [n, customer] of [[1, "ann"], [2, "bob"], [3, "ann"]]) {
    const [{ id }] = await db.insert(order).values({ customer, placed: new Date(Date.UTC(2024, 0, n)) }).returning({ id: order.id });
    await db.insert(line).values([{ orderId: id, productId: n + 1, amount: n }, { orderId: id, productId: 1, amount: 1 }]);
  }
}

async function read() {
  show("select", await db.select().from(product).where(and(or(ilike(product.name, "%DUCT 1"), between(product.price, "2", "4")), not(inArray(product.id, [50, 51])))).orderBy(asc(product.id)));
  show("relations", await db.query.order.findMany({ with: { lines: { columns: { amount: true }, with: { product: { with: { category: true } } }, orderBy: asc(line.id), limit: 5 } }, orderBy: desc(order.id), where: gt(order.id, 1) }));
  show("first", await db.query.product.findFirst({ columns: { name: true }, extras: { shout: sql`upper(${product.name})`.as("shout") }, where: eq(product.id, 3) }));
  const parent = alias(category, "parent");
  show("joins", await db.select({ name: product.name, category: parent.name, amount: line.amount }).from(product).innerJoin(parent, eq(parent.id, product.categoryId)).leftJoin(line, eq(line.productId, product.id)).orderBy(product.id, line.id).limit(4).offset(1));
  show("group", await db.select({ customer: order.customer, n: countDistinct(order.id), total: sum(sql`${line.amount} * ${product.price}`).mapWith(Number) }).from(order).innerJoin(line, eq(line.orderId, order.id)).innerJoin(product, eq(product.id, line.productId)).groupBy(order.customer).having(({ n }) => gt(n, 0)).orderBy(order.customer));
  const dear = db.$with("dear").as(db.select().from(product).where(gt(product.price, "5")));
  show("with", await db.with(dear).select({ n: count(), a: avg(dear.price) }).from(dear));
  const sold = db.select({ productId: line.productId, n: sum(line.amount).as("n") }).from(line).groupBy(line.productId).as("sold");
  show("subquery", await db.select({ name: product.name, n: sold.n }).from(product).innerJoin(sold, eq(sold.productId, product.id)).orderBy(product.id));
  const late = db.select({ amount: line.amount }).from(line).where(eq(line.productId, product.id)).orderBy(desc(line.id)).limit(1).as("late");
  show("lateral", await db.select({ id: product.id, amount: late.amount }).from(product).leftJoinLateral(late, sql`true`).orderBy(product.id));
  show("exists", await db.select({ id: product.id }).from(product).where(and(exists(db.select({ one: sql`1` }).from(line).where(eq(line.productId, product.id))), notExists(db.select().from(line).where(gt(line.amount, 5))))).orderBy(product.id));
  show("arrays", await db.select({ id: product.id }).from(product).where(arrayOverlaps(product.sizes, [3, 7])).orderBy(product.id));
  show("json", await db.select({ kind: sql`${product.data} ->> 'kind'` }).from(product).where(sql`${product.data} @> ${JSON.stringify({ kind: "odd" })}::jsonb`));
  show("union", await union(db.select({ name: category.name }).from(category), db.select({ name: product.name }).from(product).where(lt(product.id, 2))).orderBy(sql`name`));
  show("distinct on", await db.selectDistinctOn([product.categoryId], { id: product.id }).from(product).orderBy(product.categoryId, product.price));
  show("window", await db.select({ id: product.id, n: sql`row_number() over (partition by ${product.categoryId} order by ${product.price} desc)`.mapWith(Number) }).from(product).orderBy(product.id));
  show("count", await db.$count(product, gt(product.id, 3)));
  const prepared = db.select({ name: product.name }).from(product).where(eq(product.id, sql.placeholder("id"))).prepare("by_id");
  show("prepared", [await prepared.execute({ id: 1 }), await prepared.execute({ id: 2 })]);
  const rows = [];
  await client`SELECT id FROM product ORDER BY id`.cursor(3, (some) => rows.push(some.map((r) => r.id)));
  show("cursor", rows);
}

async function write() {
  show("update", await db.update(product).set({ price: sql`${product.price} + 1` }).where(lt(product.price, "3")).returning({ id: product.id }));
  show("from", await db.update(product).set({ name: sql`upper(${product.name})` }).from(category).where(and(eq(category.id, product.categoryId), eq(category.name, "toys"))).returning({ name: product.name }).then((r) => r.length));
  show("upsert", await db.insert(line).values({ orderId: 1, productId: 1, amount: 4 }).onConflictDoUpdate({ target: [line.orderId, line.productId], set: { amount: sql`excluded.amount` } }).returning());
  await db.insert(line).values({ orderId: 1, productId: 1, amount: 4 }).onConflictDoNothing();
  await db.transaction(async (t) => {
    show("locked", await t.select({ id: product.id }).from(product).where(eq(product.id, 1)).for("update", { of: product, skipLocked: true }));
    show("shared", await t.select({ id: product.id }).from(product).where(eq(product.id, 2)).for("key share"));
    await t.transaction(async (inner) => { await inner.insert(line).values({ orderId: 1, productId: 1, amount: 1 }); }).catch((e) => show("savepoint", e.cause?.code ?? e.code));
    show("inside", await t.select({ n: count() }).from(line));
  }, { isolationLevel: "read committed" });
  await db.transaction(async (t) => { await t.delete(line); t.rollback(); }).catch((e) => show(e.name, null));
  await db.transaction(async (t) => show("read only", await t.select({ n: count() }).from(line)), { isolationLevel: "repeatable read", accessMode: "read only", deferrable: true });
  const gone = db.$with("gone").as(db.delete(line).where(eq(line.orderId, 3)).returning({ id: line.id }));
  show("delete", await db.with(gone).select({ n: count() }).from(gone));
  show("raw", await db.execute(sql`select ${1}::int + count(*)::int as n from line`));
}

(async () => {
  console.log(`Drizzle ${version("drizzle-orm")}, postgres.js ${version("postgres")}`);
  for (const step of [fill, read, write]) await step();
  await client.end();
})().catch((e) => { console.error(e.message, e.cause?.message, e.stack); process.exit(1); });
