// A shop in Prisma with its query compiler and node-postgres. The tables are
// made by hand, for Prisma's migrations need a program of their own.
const { Prisma, PrismaClient } = require(`${process.env.NODE_PATH}/../prisma-client`);
const { PrismaPg } = require("@prisma/adapter-pg");
const env = process.env;
const version = (name) => require(`${env.NODE_PATH}/${name}/package.json`).version;
const show = (what, rows) => console.log(what, JSON.stringify(rows));
const db = new PrismaClient({ adapter: new PrismaPg({ host: env.PGHOST, port: +env.PGPORT, user: env.PGUSER, password: env.PGPASSWORD, database: env.PGDATABASE, max: 4 }) });

const tables = [
  `CREATE TYPE "State" AS ENUM ('fresh', 'sold')`,
  `CREATE TABLE "Tag" (id serial PRIMARY KEY, name text UNIQUE NOT NULL)`,
  `CREATE TABLE "Category" (id serial PRIMARY KEY, name text NOT NULL)`,
  `CREATE TABLE "Product" (id serial PRIMARY KEY, name text NOT NULL, price numeric(10, 2) NOT NULL, data jsonb NOT NULL, sizes int[], state "State" NOT NULL DEFAULT 'fresh', "categoryId" int NOT NULL REFERENCES "Category")`,
  `CREATE TABLE "Order" (id serial PRIMARY KEY, customer text NOT NULL, placed timestamp(3) NOT NULL)`,
  `CREATE TABLE "Line" (id serial PRIMARY KEY, amount int NOT NULL, "orderId" int NOT NULL REFERENCES "Order" ON DELETE CASCADE, "productId" int NOT NULL REFERENCES "Product", UNIQUE ("orderId", "productId"))`,
  `CREATE TABLE "_ProductToTag" ("A" int NOT NULL REFERENCES "Product" ON DELETE CASCADE, "B" int NOT NULL REFERENCES "Tag" ON DELETE CASCADE, PRIMARY KEY ("A", "B"))`,
];

async function fill() {
  for (const text of tables) await db.$executeRawUnsafe(text);
  const [books, toys] = await db.category.createManyAndReturn({ data: [{ name: "books" }, { name: "toys" }] });
  for (let i = 1; i <= 7; i++) {
    const tags = (i % 3 ? ["red"] : ["red", "blue"]).map((name) => ({ where: { name }, create: { name } }));
    await db.product.create({ data: { name: `product ${i}`, price: i * 1.5, data: { kind: i % 2 ? "odd" : "even", size: { w: i } }, sizes: [i, i + 1], categoryId: (i % 2 ? books : toys).id, tags: { connectOrCreate: tags } } });
  }
  for (const [n, customer] of [[1, "ann"], [2, "bob"], [3, "ann"]]) {
    await db.order.create({ data: { customer, placed: new Date(Date.UTC(2024, 0, n)), lines: { create: [{ amount: n, productId: n + 1 }, { amount: 1, productId: 1 }] } }, include: { lines: true } });
  }
}

async function read() {
  const ids = (rows) => rows.map((r) => r.id);
  show("unique", [(await db.product.findUnique({ where: { id: 3 } })).name, await db.product.findUnique({ where: { id: 99 } }), (await db.tag.findUniqueOrThrow({ where: { name: "red" } })).id]);
  for (const relationLoadStrategy of ["query", "join"]) {
    show("include", await db.order.findMany({ relationLoadStrategy, include: { lines: { include: { product: { select: { name: true, category: true } } }, orderBy: { id: "asc" } } }, orderBy: { id: "asc" } }));
    show("many", await db.product.findMany({ relationLoadStrategy, select: { id: true, tags: { select: { name: true }, orderBy: { name: "asc" }, take: 1 }, _count: { select: { lines: true } } }, orderBy: [{ price: "desc" }, { id: "asc" }], skip: 1, take: 3 }));
    show("some", ids(await db.product.findMany({ relationLoadStrategy, where: { tags: { some: { name: "blue" } }, lines: { none: { amount: { gt: 5 } } }, category: { is: { name: { in: ["books", "toys"] } } } }, orderBy: { id: "asc" } })));
  }
  show("where", ids(await db.product.findMany({ where: { OR: [{ name: { contains: "DUCT 1", mode: "insensitive" } }, { AND: [{ price: { gte: 2 } }, { price: { lt: 4 } }] }], NOT: { name: { startsWith: "x" } }, state: { not: "sold" } }, orderBy: { id: "asc" } })));
  show("json", ids(await db.product.findMany({ where: { data: { path: ["size", "w"], gt: 2 }, AND: { data: { path: ["kind"], equals: "odd" } } }, orderBy: { id: "asc" } })));
  show("arrays", ids(await db.product.findMany({ where: { OR: [{ sizes: { has: 3 } }, { sizes: { hasSome: [7] } }, { sizes: { isEmpty: true } }] }, orderBy: { id: "asc" } })));
  show("cursor", ids(await db.product.findMany({ cursor: { id: 3 }, skip: 1, take: 2, orderBy: { id: "asc" } })));
  show("distinct", await db.product.findMany({ distinct: ["categoryId"], select: { categoryId: true }, orderBy: { id: "asc" } }));
  show("related order", ids(await db.product.findMany({ orderBy: [{ lines: { _count: "desc" } }, { category: { name: "asc" } }, { id: "asc" }], take: 3 })));
  show("count", [await db.product.count({ where: { price: { gt: 5 } } }), await db.product.count({ select: { _all: true, name: true } })]);
  show("aggregate", await db.product.aggregate({ _sum: { price: true }, _avg: { price: true }, _min: { name: true }, _max: { id: true }, _count: true, where: { id: { lt: 7 } } }));
  show("group", await db.product.groupBy({ by: ["categoryId", "state"], _sum: { price: true }, _count: { _all: true }, having: { price: { _avg: { gt: 1 } } }, orderBy: { categoryId: "asc" } }));
  show("first", (await db.order.findFirst({ where: { lines: { every: { amount: { gt: 0 } } } }, orderBy: { placed: "desc" } })).customer);
  show("raw", await db.$queryRaw`SELECT name, rank() OVER (ORDER BY price DESC)::int AS r FROM "Product" WHERE id IN (${Prisma.join([1, 2, 3])}) ORDER BY name`);
}

async function write() {
  show("update", (await db.product.update({ where: { id: 1 }, data: { price: { increment: 1 }, tags: { disconnect: { name: "red" }, connect: { name: "blue" } }, lines: { updateMany: { where: { amount: 1 }, data: { amount: { multiply: 2 } } } } }, include: { tags: true, lines: { orderBy: { id: "asc" } } } })));
  show("many", await db.product.updateMany({ where: { price: { lt: 4 } }, data: { state: "sold" } }));
  show("returned", (await db.product.updateManyAndReturn({ where: { id: { gte: 6 } }, data: { sizes: { push: 9 } }, select: { id: true, sizes: true } })).sort((a, b) => a.id - b.id));
  show("upsert", [await db.tag.upsert({ where: { name: "green" }, create: { name: "green" }, update: { name: "verdant" } }), await db.tag.upsert({ where: { name: "red" }, create: { name: "red" }, update: { name: "crimson" } })]);
  show("skip", await db.tag.createMany({ data: [{ name: "green" }, { name: "grey" }], skipDuplicates: true }));
  show("batch", (await db.$transaction([db.tag.count(), db.tag.deleteMany({ where: { products: { none: {} } } })])));
  await db.$transaction(async (t) => {
    await t.$queryRaw`SELECT id FROM "Product" WHERE id = 1 FOR UPDATE`;
    await t.product.update({ where: { id: 1 }, data: { data: { seen: true } } });
    show("inside", (await t.product.findUnique({ where: { id: 1 } })).data);
  }, { isolationLevel: "RepeatableRead" });
  await db.$transaction(async (t) => { await t.order.deleteMany(); throw new Error("undone"); }).catch((e) => show(e.message, null));
  await db.tag.create({ data: { name: "crimson" } }).catch((e) => show("unique", e.code));
  show("delete", await db.order.delete({ where: { id: 3 }, select: { customer: true, _count: { select: { lines: true } } } }));
  show("left", [await db.order.count(), await db.line.count()]);
  show("executed", await db.$executeRaw`UPDATE "Product" SET price = price WHERE id < ${3}`);
}

(async () => {
  console.log(`Prisma ${version("@prisma/client")}, node-postgres ${version("pg")}`);
  for (const step of [fill, read, write]) await step();
  await db.$disconnect();
})().catch((e) => { console.error(e.message, e.stack); process.exit(1); });
