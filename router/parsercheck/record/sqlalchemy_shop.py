"""A shop in SQLAlchemy: python sqlalchemy_shop.py psycopg|psycopg2|asyncpg."""

import asyncio
import datetime
import decimal
import importlib.metadata
import sys

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

driver = sys.argv[1]


class Base(orm.DeclarativeBase):
    pass


tagging = sa.Table(
    "tagging", Base.metadata,
    sa.Column("product_id", sa.ForeignKey("product.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tag.id"), primary_key=True),
)


class Tag(Base):
    __tablename__ = "tag"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(40), unique=True)


class Category(Base):
    __tablename__ = "category"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    parent_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("category.id"))


class Product(Base):
    __tablename__ = "product"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    price: orm.Mapped[decimal.Decimal] = orm.mapped_column(sa.Numeric(10, 2))
    data: orm.Mapped[dict] = orm.mapped_column(pg.JSONB, default=dict)
    sizes: orm.Mapped[list[int]] = orm.mapped_column(pg.ARRAY(sa.Integer), default=list)
    state: orm.Mapped[str] = orm.mapped_column(sa.Enum("new", "sold", name="product_state"), default="new")
    category_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("category.id"), index=True)
    category: orm.Mapped[Category] = orm.relationship()
    tags: orm.Mapped[list[Tag]] = orm.relationship(secondary=tagging, order_by=Tag.name)


class Order(Base):
    __tablename__ = "order"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    customer: orm.Mapped[str]
    placed: orm.Mapped[datetime.datetime] = orm.mapped_column(sa.DateTime(timezone=True))
    version: orm.Mapped[int] = orm.mapped_column()
    lines: orm.Mapped[list["Line"]] = orm.relationship(back_populates="order", cascade="all, delete-orphan", order_by="Line.id")
    __mapper_args__ = {"version_id_col": version}


class Line(Base):
    __tablename__ = "line"
    id: orm.Mapped[int] = orm.mapped_column(sa.Identity(), primary_key=True)
    order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("order.id"))
    product_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("product.id"))
    amount: orm.Mapped[int]
    order: orm.Mapped[Order] = orm.relationship(back_populates="lines")
    product: orm.Mapped[Product] = orm.relationship(lazy="joined")


def day(n):
    return datetime.datetime(2024, 1, n, 12, tzinfo=datetime.timezone.utc)


def fill(s):
    """Units of work: flushes in order of dependency, batches, RETURNING."""
    root = Category(name="all")
    s.add(root)
    s.flush()
    books = Category(name="books", parent_id=root.id)
    toys = Category(name="toys", parent_id=root.id)
    red, blue = Tag(name="red"), Tag(name="blue")
    s.add_all([books, toys, red, blue])
    s.flush()
    s.add_all([
        Product(name=f"product {i}", price=decimal.Decimal(i) * 3 / 2, category=books if i % 2 else toys,
                data={"kind": "odd" if i % 2 else "even", "size": {"w": i}}, sizes=[i, i + 1],
                tags=[red, blue] if i % 3 == 0 else [red])
        for i in range(1, 8)
    ])
    s.commit()
    p = s.scalars(sa.select(Product).order_by(Product.id)).all()
    s.add_all([Order(customer=c, placed=day(n), lines=[Line(product=p[n], amount=n), Line(product=p[0], amount=1)])
               for n, c in ((1, "ann"), (2, "bob"), (3, "ann"))])
    s.commit()


def read(s):
    """Loading of relations in every strategy, pages, locks."""
    def show(what, rows):
        print(what, [tuple(r) if isinstance(r, (sa.Row, tuple)) else r for r in rows])

    show("get", [s.get(Product, 3).name, s.get(Product, 99)])
    show("joined", [(o.customer, [x.product.name for x in o.lines]) for o in s.scalars(
        sa.select(Order).options(orm.joinedload(Order.lines)).order_by(Order.id)).unique()])
    s.expire_all()
    show("selectin", [(p.name, [t.name for t in p.tags], p.category.name) for p in s.scalars(
        sa.select(Product).options(orm.selectinload(Product.tags), orm.joinedload(Product.category, innerjoin=True))
        .where(Product.price.between(2, 8)).order_by(Product.price.desc()).limit(3).offset(1))])
    s.expire_all()
    show("subquery", [len(o.lines) for o in s.scalars(sa.select(Order).options(orm.subqueryload(Order.lines)).order_by(Order.id).limit(2))])
    s.expire_all()
    show("lazy", [len(x.lines) for x in s.scalars(sa.select(Order).order_by(Order.id))])
    show("any", s.scalars(sa.select(Product.name).where(Product.tags.any(Tag.name == "blue")).order_by(Product.name)))
    show("has", s.scalars(sa.select(Product.name).where(Product.category.has(name="toys")).order_by(Product.name)))
    show("lock", s.scalars(sa.select(Product.id).with_for_update(skip_locked=True, of=Product).order_by(Product.id).limit(1)))
    show("share", s.scalars(sa.select(Tag.id).with_for_update(read=True, key_share=True).order_by(Tag.id)))


def report(s):
    """Core: aggregates, windows, CTEs, set operations, PostgreSQL's own types."""
    def show(what, stmt):
        print(what, [tuple(r) for r in s.execute(stmt)])

    total = sa.func.sum(Line.amount * Product.price)
    by = sa.select(Order.customer, sa.func.count(sa.distinct(Order.id)), total.label("total")).join(Order.lines).join(Line.product)
    show("group", by.group_by(Order.customer).having(total > 1).order_by(sa.desc("total").nulls_last()))
    show("rollup", sa.select(Order.customer, sa.func.count()).group_by(sa.func.rollup(Order.customer)).order_by(Order.customer))
    w = sa.func.row_number().over(partition_by=Product.category_id, order_by=Product.price.desc()).label("n")
    inner = sa.select(Product.name, w, sa.func.lag(Product.price, 1).over(order_by=Product.id)).subquery()
    show("window", sa.select(inner).where(inner.c.n <= 2).order_by(inner.c.name))
    show("frame", sa.select(Product.id, sa.func.sum(Product.price).over(order_by=Product.id, rows=(-1, 0))).order_by(Product.id))
    tree = sa.select(Category.id, Category.name, sa.literal(0).label("depth")).where(Category.parent_id.is_(None)).cte("tree", recursive=True)
    child = orm.aliased(Category)
    tree = tree.union_all(sa.select(child.id, child.name, tree.c.depth + 1).where(child.parent_id == tree.c.id))
    show("tree", sa.select(tree).order_by(tree.c.id))
    late = sa.select(Line.amount).where(Line.product_id == Product.id).order_by(Line.id).limit(1).lateral("late")
    show("lateral", sa.select(Product.name, late.c.amount).join(late, sa.true(), isouter=True).order_by(Product.id))
    show("union", sa.union_all(sa.select(Tag.name), sa.select(Category.name)).order_by("name"))
    show("except", sa.except_(sa.select(Product.id), sa.select(Line.product_id)).order_by("id"))
    show("exists", sa.select(sa.exists().where(Product.price > 5), ~sa.exists().where(Product.price > 500)))
    show("case", sa.select(Product.id, sa.case((Product.price > 5, "dear"), else_="cheap")).order_by(Product.id))
    show("scalar", sa.select(Tag.name, sa.select(sa.func.count()).select_from(tagging).where(tagging.c.tag_id == Tag.id).scalar_subquery()).order_by(Tag.id))
    show("json", sa.select(Product.id, Product.data["kind"].astext, Product.data[("size", "w")].as_integer())
         .where(Product.data.contains({"kind": "odd"}), Product.data.has_key("size")).order_by(Product.id))
    show("array", sa.select(Product.id).where(Product.sizes.any(3) | Product.sizes.overlap([6])).order_by(Product.id))
    show("unnest", sa.select(sa.func.unnest(Product.sizes).label("size")).distinct().order_by("size"))
    show("text", sa.select(Product.name).where(Product.name.icontains("DUCT 1", autoescape=True), Product.name.regexp_match("^p")))
    show("dates", sa.select(sa.func.date_trunc("month", Order.placed), sa.extract("dow", Order.placed), sa.cast(Order.placed, sa.Date)).order_by(Order.id))
    show("agg", sa.select(sa.func.string_agg(Tag.name, pg.aggregate_order_by(sa.literal(","), Tag.name)), sa.func.array_agg(Tag.id).filter(Tag.id > 1),
                          sa.func.percentile_cont(0.5).within_group(Tag.id)))
    show("values", sa.select(sa.values(sa.column("a", sa.Integer), sa.column("b", sa.String), name="v").data([(1, "x"), (2, "y")])))
    show("series", sa.select(sa.func.generate_series(1, 3).column_valued("n")))
    show("distinct on", sa.select(Product.category_id, Product.name).distinct(Product.category_id).order_by(Product.category_id, Product.price))
    show("tuple", sa.select(Line.id).where(sa.tuple_(Line.order_id, Line.amount).in_([(1, 1), (2, 2)])).order_by(Line.id))
    show("search", sa.select(Product.id).where(sa.func.to_tsvector("english", Product.name).bool_op("@@")(sa.func.plainto_tsquery("english", "product 4"))))
    show("sample", sa.select(sa.func.count()).select_from(sa.tablesample(Product, 100)))
    show("raw", sa.text("SELECT name FROM product WHERE id = :id AND price < :most").bindparams(id=2, most=100))
    show("explain", sa.text("EXPLAIN (COSTS OFF) SELECT 1"))


def write(s):
    """Upserts, bulk statements, savepoints, a stale version, a two-phase-like end."""
    upsert = pg.insert(Tag).values([{"name": "red"}, {"name": "green"}])
    print("upsert", len(s.execute(upsert.on_conflict_do_update(index_elements=["name"], set_={"name": upsert.excluded.name}).returning(Tag.id)).all()))
    s.execute(pg.insert(Tag).values(name="red").on_conflict_do_nothing())
    print("update", s.execute(sa.update(Product).where(Product.price < 3).values(price=Product.price + 1, state="sold")).rowcount)
    sold = sa.update(Product).where(Product.id == 2).values(state="sold").returning(Product.id).cte("sold")
    print("in cte", s.execute(sa.select(sold)).all())
    print("insert from", s.execute(sa.insert(Tag).from_select(["name"], sa.select(sa.func.upper(Category.name)))).rowcount)
    s.execute(sa.insert(Tag), [{"name": f"many {i}"} for i in range(3)])
    s.commit()
    try:
        with s.begin_nested():
            s.add(Tag(name="red"))
            s.flush()
    except sa.exc.IntegrityError:
        print("savepoint undone", s.scalar(sa.select(sa.func.count(Tag.id))))
    order = s.get(Order, 1)
    order.customer = "eve"
    order.lines.pop()
    s.commit()
    print("version", s.scalar(sa.select(Order.version).where(Order.id == 1)), order.customer, len(order.lines))
    s.delete(s.get(Order, 3))
    s.execute(sa.delete(Tag).where(Tag.name.like("many%")))
    s.rollback()
    print("rolled back", s.scalar(sa.select(sa.func.count()).select_from(Order)))
    print("sequence", s.scalar(sa.select(sa.func.nextval("tag_id_seq"))) > 0)
    s.execute(sa.text("SET LOCAL statement_timeout = '5s'"))
    print("setting", s.scalar(sa.text("SHOW statement_timeout")))
    s.commit()
    s.connection(execution_options={"isolation_level": "SERIALIZABLE"})
    print(s.scalar(sa.select(sa.func.current_setting("transaction_isolation"))))
    s.commit()


def inspect(s):
    """What migrations and admin tools look at."""
    i = sa.inspect(s.connection())
    print(sorted(i.get_table_names()), i.get_view_names(), i.get_sequence_names(), i.get_schema_names(), i.has_table("product"))
    for table in ("product", "line"):
        print([(c["name"], str(c["type"])) for c in i.get_columns(table)], i.get_pk_constraint(table), i.get_indexes(table),
              i.get_unique_constraints(table), i.get_foreign_keys(table), i.get_check_constraints(table), i.get_table_comment(table))
    print(i.get_enums())
    other = sa.MetaData()
    other.reflect(s.connection())
    print(len(other.tables))
    s.commit()


def run(s):
    for step in (fill, read, report, write, inspect):
        step(s)
        s.commit()
    if driver != "asyncpg":
        rows = s.connection().execution_options(stream_results=True, max_row_buffer=2).execute(sa.select(Product.id).order_by(Product.id))
        print("stream", [r[0] for r in rows])
        s.commit()
        s.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        print("autocommit", s.scalar(sa.select(sa.func.count()).select_from(Product)))
    s.commit()
    Base.metadata.drop_all(s.connection())
    s.commit()


async def run_async():
    engine = create_async_engine("postgresql+asyncpg://")
    async with AsyncSession(engine) as s:
        await s.run_sync(lambda s: Base.metadata.create_all(s.connection()))
        await s.run_sync(run)
    await engine.dispose()


print(f"SQLAlchemy {sa.__version__}, {driver} {importlib.metadata.version(driver.replace('psycopg2', 'psycopg2-binary'))}")
if driver == "asyncpg":
    asyncio.run(run_async())
else:
    with orm.Session(sa.create_engine(f"postgresql+{driver}://")) as session:
        Base.metadata.create_all(session.connection())
        run(session)
