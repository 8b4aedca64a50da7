// A shop in Sequelize with node-postgres and a pool of several connections.
const { Sequelize, DataTypes, Op, fn, col, literal, cast, where, json, Transaction } = require("sequelize");
const env = process.env;
const db = new Sequelize(env.PGDATABASE, env.PGUSER, env.PGPASSWORD, {
  host: env.PGHOST, port: env.PGPORT, dialect: "postgres", logging: false, pool: { max: 4 },
});
const show = (what, rows) => console.log(what, JSON.stringify(rows));
const version = (name) => require(`${process.env.NODE_PATH}/${name}/package.json`).version;

const Tag = db.define("Tag", { name: { type: DataTypes.STRING, unique: true } });
const Category = db.define("Category", { name: DataTypes.STRING }, { timestamps: false });
const Product = db.define("Product", {
  name: { type: DataTypes.STRING, allowNull: false }, price: DataTypes.DECIMAL(10, 2), data: DataTypes.JSONB,
  sizes: DataTypes.ARRAY(DataTypes.INTEGER), state: { type: DataTypes.ENUM("new", "sold"), defaultValue: "new" },
}, { paranoid: true, indexes: [{ fields: ["name"] }, { fields: ["data"], using: "gin" }], scopes: { dear: { where: { price: { [Op.gt]: 5 } } } } });
const Order = db.define("Order", { customer: DataTypes.STRING, placed: DataTypes.DATE }, { version: true });
const Line = db.define("Line", { amount: DataTypes.INTEGER });
Category.hasMany(Product);
Product.belongsTo(Category);
Product.belongsToMany(Tag, { through: "Tagging" });
Tag.belongsToMany(Product, { through: "Tagging" });
Order.hasMany(Line, { onDelete: "CASCADE" });
Line.belongsTo(Order);
Line.belongsTo(Product);

async function fill() {
  const [books, toys] = await Category.bulkCreate([{ name: "books" }, { name: "toys" }], { returning: true });
  const [red, made] = await Tag.findOrCreate({ where: { name: "red" } });
  const blue = await Tag.create({ name: "blue" });
  show("made", [made, (await Tag.findOrCreate({ where: { name: "red" } }))[1]]);
  for (let i = 1; i <= 7; i++) {
    const p = await Product.create({
      name: `product ${i}`, price: i * 1.5, data: { kind: i % 2 ? "odd" : "even", size: { w: i } }, sizes: [i, i + 1],
      CategoryId: (i % 2 ? books : toys).id,
    });
    await p.setTags(i % 3 ? [red] : [red, blue]);
  }
  for (const [n, customer] of [[1, "ann"], [2, "bob"], [3, "ann"]]) {
    await Order.create({ customer, placed: new Date(Date.UTC(2024, 0, n)), Lines: [{ amount: n, ProductId: n + 1 }, { amount: 1, ProductId: 1 }] }, { include: [Line] });
  }
}

async function read() {
  const ids = (rows) => rows.map((r) => r.id);
  show("one", [(await Product.findByPk(3)).name, await Product.findByPk(99)]);
  show("eager", (await Order.findAll({ include: [{ model: Line, include: [Product] }], order: [["id", "ASC"], [Line, "ProductId", "DESC"]] })).map((o) => o.Lines.map((l) => l.Product.name)));
  show("page", await Product.findAndCountAll({ attributes: ["id", "price"], include: [{ model: Tag, where: { name: "red" }, attributes: ["name"], through: { attributes: [] } }], limit: 2, offset: 1, order: [["price", "DESC"]], distinct: true }));
  show("separate", (await Order.findAll({ include: [{ model: Line, separate: true, order: [["amount", "ASC"]] }], order: [["id", "DESC"]] })).map((o) => o.Lines.map((l) => l.amount)));
  show("lazy", ids(await (await Product.findOne({ where: { name: "product 3" } })).getTags({ order: ["name"] })));
  show("where", ids(await Product.findAll({ where: { [Op.or]: [{ name: { [Op.iLike]: "%DUCT 1" } }, { price: { [Op.between]: [2, 4] } }], id: { [Op.notIn]: [50] } }, order: ["id"] })));
  show("json", ids(await Product.findAll({ where: { data: { kind: "odd", size: { w: { [Op.gt]: 2 } } } }, order: [["data.size.w", "DESC"]] })));
  show("contains", ids(await Product.findAll({ where: { data: { [Op.contains]: { kind: "even" } }, sizes: { [Op.overlap]: [3, 9] } }, order: ["id"] })));
  show("scope", ids(await Product.scope("dear").findAll({ order: ["id"] })));
  show("function", ids(await Product.findAll({ where: where(fn("lower", col("name")), "product 2"), order: [fn("length", col("name"))] })));
  show("regexp", await Product.count({ where: { name: { [Op.regexp]: "[12]$" } } }));
  show("through", await Tag.findAll({ attributes: ["name", [fn("count", col("Products.id")), "n"]], include: [{ model: Product, attributes: [], through: { attributes: [] } }], group: ["Tag.id"], order: ["name"] }));
}

async function report() {
  show("sum", [await Product.sum("price"), await Product.max("price", { where: { CategoryId: 1 } }), await Product.min("name"), await Product.count({ distinct: true, col: "CategoryId" })]);
  show("group", await Line.findAll({ attributes: [[col("Order.customer"), "customer"], [fn("sum", literal('"amount" * "Product"."price"')), "total"]], include: [{ model: Order, attributes: [] }, { model: Product, attributes: [] }], group: ["Order.customer"], having: where(fn("count", col("Line.id")), Op.gt, 1), order: [[col("customer"), "ASC"]], raw: true }));
  show("literal", await Product.findAll({ attributes: ["id", [literal('(SELECT count(*) FROM "Lines" AS l WHERE l."ProductId" = "Product"."id")'), "sold"], [cast(col("price"), "integer"), "whole"]], order: [[literal("sold"), "DESC"], ["id", "ASC"]], limit: 3, raw: true }));
  show("raw", await db.query('SELECT name, row_number() OVER (PARTITION BY "CategoryId" ORDER BY price) AS n FROM "Products" WHERE price > :least ORDER BY name', { replacements: { least: 4 }, type: db.QueryTypes.SELECT }));
  show("bound", await db.query('SELECT $1::int + $2::int AS sum, date_trunc(\'month\', placed) AS month FROM "Orders" ORDER BY id LIMIT 1', { bind: [1, 2], type: db.QueryTypes.SELECT }));
}

async function write() {
  show("update", await Product.update({ price: literal("price + 1") }, { where: { price: { [Op.lt]: 3 } }, returning: ["id"] }).then((r) => r[0]));
  show("increment", (await (await Product.findByPk(2)).increment("price", { by: 2 })).id);
  show("upsert", (await Tag.upsert({ name: "red" }))[0].name);
  await Tag.bulkCreate([{ name: "red" }, { name: "green" }], { ignoreDuplicates: true });
  await Category.bulkCreate([{ id: 1, name: "volumes" }], { updateOnDuplicate: ["name"] });
  await db.transaction(async (t) => {
    const p = await Product.findByPk(1, { lock: t.LOCK.UPDATE, transaction: t });
    await Product.findAll({ where: { id: 2 }, lock: { level: t.LOCK.NO_KEY_UPDATE, of: Product }, skipLocked: true, transaction: t });
    p.data = { ...p.data, seen: true };
    await p.save({ transaction: t });
    await db.transaction({ transaction: t }, async (inner) => { await Tag.create({ name: "red" }, { transaction: inner }); }).catch((e) => show("savepoint", e.name));
    show("inside", (await Product.findByPk(1, { transaction: t })).data);
  });
  await db.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.REPEATABLE_READ }, async (t) => { await Order.destroy({ where: {}, transaction: t }); throw new Error("undone"); }).catch((e) => show(e.message, null));
  await db.transaction({ readOnly: true }, async (t) => show("read only", await Order.count({ transaction: t })));
  const order = await Order.findByPk(1);
  order.customer = "eve";
  await order.save();
  show("version", [order.version, (await Order.findByPk(1)).customer]);
  await (await Product.findByPk(7)).destroy();
  show("paranoid", [await Product.count(), await Product.count({ paranoid: false })]);
  await Product.restore({ where: { id: 7 } });
  show("destroy", await Line.destroy({ where: { amount: 3 } }));
}

async function inspect() {
  const q = db.getQueryInterface();
  show("tables", (await q.showAllTables()).sort());
  show("columns", Object.keys(await q.describeTable("Products")));
  show("indexes", (await q.showIndex("Products")).map((i) => i.name));
  show("keys", (await q.getForeignKeyReferencesForTable("Lines")).map((k) => k.columnName).sort());
  await q.addColumn("Products", "stock", { type: DataTypes.INTEGER, defaultValue: 0 });
  await q.removeColumn("Products", "stock");
  show("version", (await db.databaseVersion()).split(".")[0]);
}

(async () => {
  console.log(`Sequelize ${version("sequelize")}, node-postgres ${version("pg")}`);
  await db.authenticate();
  await db.sync();
  await db.sync({ alter: true });
  for (const step of [fill, read, report, write, inspect]) await step();
  await db.drop({});
  await db.close();
})().catch((e) => { console.error(e.message, e.sql ?? "", e.stack); process.exit(1); });
