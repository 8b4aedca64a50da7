"""A shop in Django, one file for settings, models and what is done with them.

python django_shop.py [server] takes parameters out of the text for the server
to bind; without it psycopg puts them into the text, which is Django's default.
"""

import datetime
import importlib.metadata
import os
import sys

import django
from django.apps import AppConfig
from django.conf import settings


class ShopConfig(AppConfig):
    name = "__main__"
    label = "shop"
    path = os.path.dirname(os.path.abspath(__file__))


settings.configure(
    INSTALLED_APPS=["__main__.ShopConfig", "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"],
        "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"], "PASSWORD": os.environ.get("PGPASSWORD", ""),
        "OPTIONS": {"server_side_binding": sys.argv[1:] == ["server"]},
    }},
    USE_TZ=True, TIME_ZONE="Europe/Rome", DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", SECRET_KEY="none",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
django.setup()

from django.contrib.auth import authenticate  # noqa: E402
from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.contrib.postgres import aggregates, search  # noqa: E402
from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.paginator import Paginator  # noqa: E402
from django.db import DatabaseError, IntegrityError, connection, models, transaction  # noqa: E402
from django.db.models import Avg, Case, Count, Exists, F, Max, Min, OuterRef, Prefetch, Q, StdDev, Subquery, Sum, Value, When, Window  # noqa: E402
from django.db.models.functions import (  # noqa: E402
    Cast, Coalesce, Concat, DenseRank, ExtractWeekDay, Greatest, Lag, Length, Lower, Now, Rank, RowNumber, TruncDay, TruncMonth, Upper)


class Shop(models.Model):
    class Meta:
        abstract = True
        app_label = "shop"


class Tag(Shop):
    name = models.CharField(max_length=40, unique=True)


class Category(Shop):
    name = models.CharField(max_length=40)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")


class Product(Shop):
    name = models.CharField(max_length=40, db_index=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    data = models.JSONField(default=dict)
    sizes = ArrayField(models.IntegerField(), default=list)
    category = models.ForeignKey(Category, models.PROTECT)
    tags = models.ManyToManyField(Tag)

    class Meta(Shop.Meta):
        abstract = False
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="price_not_negative")]


class Order(Shop):
    customer = models.CharField(max_length=40)
    placed = models.DateTimeField()
    products = models.ManyToManyField(Product, through="Line")


class Line(Shop):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.CASCADE)
    amount = models.IntegerField()


def day(n):
    return datetime.datetime(2024, 1, n, 12, tzinfo=datetime.timezone.utc)


def show(what, rows):
    print(what, list(rows) if not isinstance(rows, (dict, int, str, bool)) else rows)


def fill():
    """Rows one by one, in bulk, with relations."""
    everything = Category.objects.create(name="all")
    books, toys = (Category.objects.create(name=n, parent=everything) for n in ("books", "toys"))
    red, made = Tag.objects.get_or_create(name="red")
    blue, again = Tag.objects.get_or_create(name="blue")
    show("made", [made, again, Tag.objects.get_or_create(name="red")[1]])
    for i in range(1, 8):
        p = Product(name=f"product {i}", price=i * 3 / 2, category=books if i % 2 else toys,
                    data={"kind": "odd" if i % 2 else "even", "size": {"w": i}}, sizes=[i, i + 1])
        p.full_clean()
        p.save()
        p.tags.set([red, blue] if i % 3 == 0 else [red])
    p = list(Product.objects.order_by("id"))
    for n, customer in ((1, "ann"), (2, "bob"), (3, "ann")):
        order = Order.objects.create(customer=customer, placed=day(n))
        Line.objects.bulk_create([Line(order=order, product=p[n], amount=n), Line(order=order, product=p[0], amount=1)])


def read():
    """The query sets of a usual application."""
    show("get", [Product.objects.get(pk=3).name, Product.objects.filter(pk=99).first(), Product.objects.filter(pk=1).exists()])
    show("related", ((x.product.name, x.order.customer) for x in Line.objects.select_related("product__category", "order").order_by("id")))
    show("prefetch", ((p.name, [t.name for t in p.tags.all()]) for p in Product.objects.prefetch_related(Prefetch("tags", Tag.objects.order_by("name"))).order_by("id")[:3]))
    show("lazy", (o.lines.count() for o in Order.objects.order_by("id")))
    show("lookups", Product.objects.filter(Q(name__icontains="DUCT 1") | Q(name__startswith="product 2") | Q(name__iexact="PRODUCT 3"), price__range=(1, 9)).values_list("name", flat=True).order_by("name"))
    show("exclude", Product.objects.exclude(tags__name="blue").exclude(line__isnull=False).values_list("id", flat=True).order_by("id"))
    show("json", Product.objects.filter(data__kind="odd", data__size__w__gt=2, data__has_key="size").order_by("id").values_list("data__kind", "data__size__w"))
    show("contains", Product.objects.filter(data__contains={"kind": "even"}, sizes__overlap=[3, 9]).order_by("id").values_list("id", flat=True))
    show("array", Product.objects.filter(sizes__contains=[3], sizes__len=2).order_by("id").values_list("sizes__0", flat=True))
    show("dates", Order.objects.filter(placed__date__gte=datetime.date(2024, 1, 2), placed__week_day=3).dates("placed", "day"))
    show("trunc", Order.objects.annotate(month=TruncMonth("placed"), day=TruncDay("placed"), dow=ExtractWeekDay("placed")).values("month", "dow").annotate(n=Count("id")).order_by("dow"))
    show("regex", Product.objects.filter(name__regex=r"[12]$", name__iregex="^PRO").order_by("id").values_list("id", flat=True))
    show("search", Product.objects.annotate(rank=search.SearchRank(search.SearchVector("name"), search.SearchQuery("product 4"))).filter(rank__gt=0.05).values_list("id", flat=True))
    page = Paginator(Product.objects.order_by("-price"), 3).page(2)
    show("page", [page.has_next(), [p.id for p in page]])
    show("iterator", (p.id for p in Product.objects.order_by("id").iterator(chunk_size=2)))
    show("in bulk", sorted(Product.objects.in_bulk([1, 2, 3])))
    show("values", Product.objects.order_by("category_id", "price").distinct("category_id").values("category__name", "name"))
    show("union", Tag.objects.values_list("name").union(Category.objects.values_list("name"), all=True).order_by("name"))
    show("defer", (p.name for p in Product.objects.only("name").order_by("id")[:2]))
    show("latest", [Order.objects.latest("placed").id, Order.objects.earliest("placed").id, Order.objects.order_by("id").last().id])
    show("raw", (p.name for p in Product.objects.raw("SELECT id, name FROM shop_product WHERE id = %s", [2])))


def report():
    """Aggregates, subqueries, windows."""
    show("aggregate", {k: str(v)[:6] for k, v in Product.objects.aggregate(Sum("price"), Avg("price"), Min("name"), Max("id"), StdDev("price"), n=Count("id", filter=Q(price__gt=5))).items()})
    show("group", Order.objects.values("customer").annotate(n=Count("lines", distinct=True), total=Sum(F("lines__amount") * F("lines__product__price"))).filter(total__gt=1).order_by("customer"))
    show("case", Product.objects.annotate(dear=Case(When(price__gt=5, then=Value("yes")), default=Value("no"))).values_list("id", "dear").order_by("id"))
    newest = Line.objects.filter(product=OuterRef("pk")).order_by("-id")
    show("subquery", Product.objects.annotate(last=Subquery(newest.values("amount")[:1]), sold=Exists(newest)).filter(sold=True).values_list("id", "last").order_by("id"))
    show("not exists", Product.objects.filter(~Exists(newest)).values_list("id", flat=True).order_by("id"))
    show("window", Product.objects.annotate(n=Window(RowNumber(), partition_by="category", order_by=F("price").desc()), before=Window(Lag("price"), order_by="id"),
                                            rank=Window(Rank(), order_by="category"), dense=Window(DenseRank(), order_by="category")).filter(n__lte=2).values_list("id", "n", "before", "rank", "dense").order_by("id"))
    show("functions", Product.objects.annotate(label=Concat(Upper("name"), Value("/"), Lower("category__name")), long=Length("name"),
                                               most=Greatest("price", Cast(Value(3), Product._meta.get_field("price"))), whole=Cast("price", models.IntegerField()), known=Coalesce("category__parent__name", Value("?")))
         .filter(id__lt=3).values_list("label", "long", "most", "whole", "known").order_by("id"))
    show("arrays", Category.objects.annotate(names=aggregates.ArrayAgg("product__name", filter=Q(product__price__gt=3), ordering="product__id"), all=aggregates.StringAgg("product__name", ",", ordering="product__id"),
                                             objects_=aggregates.JSONBAgg("product__id", ordering="product__id")).values_list("names", "all", "objects_").order_by("id"))
    show("now", Order.objects.filter(placed__lt=Now()).count())
    show("having", Category.objects.annotate(n=Count("product")).filter(n__gt=2).order_by("-n", F("name").asc(nulls_last=True)).values_list("name", "n"))
    print("explain", Product.objects.filter(id=1).explain(verbose=False).split()[0] != "")


def write():
    """Conflicts, expressions, locks, savepoints."""
    show("ignored", len(Tag.objects.bulk_create([Tag(name="red"), Tag(name="green")], ignore_conflicts=True)))
    Tag.objects.bulk_create([Tag(name="red"), Tag(name="pink")], update_conflicts=True, unique_fields=["name"], update_fields=["name"])
    show("update", Product.objects.filter(price__lt=3).update(price=F("price") + 1))
    show("joined update", Product.objects.filter(category__name="toys").update(name=Concat(F("name"), Value("!"))))
    changed = list(Product.objects.order_by("id")[:2])
    for p in changed:
        p.sizes.append(0)
    show("bulk update", Product.objects.bulk_update(changed, ["sizes"]))
    show("update or create", [Tag.objects.update_or_create(name="red", defaults={"name": "crimson"})[1], Tag.objects.update_or_create(name="grey")[1]])
    with transaction.atomic():
        p = Product.objects.select_for_update(of=("self",), no_key=True).select_related("category").get(pk=1)
        p.data["seen"] = True
        p.save(update_fields=["data"])
        p.refresh_from_db()
        show("locked", [p.data["seen"], Product.objects.select_for_update(skip_locked=True).filter(pk=2).count()])
        try:
            with transaction.atomic():
                Tag.objects.create(name="grey")
        except IntegrityError:
            show("savepoint undone", Tag.objects.filter(name="grey").count())
        transaction.on_commit(lambda: show("after commit", Order.objects.count()))
    try:
        with transaction.atomic(durable=True):
            Order.objects.all().delete()
            raise DatabaseError
    except DatabaseError:
        show("undone", Order.objects.count())
    show("cascade", Order.objects.get(pk=3).delete()[1])
    Tag.objects.filter(product__isnull=True).delete()
    show("tags", Tag.objects.values_list("name", flat=True).order_by("name"))
    Product.objects.get(pk=1).tags.add(*Tag.objects.all())
    Product.objects.get(pk=1).tags.remove(Tag.objects.get(name="blue"))


def site():
    """What login, sessions and the admin pages do."""
    user = User.objects.create_user("ann", "ann@example.org", "secret")
    staff = Group.objects.create(name="staff")
    staff.permissions.add(*Permission.objects.filter(content_type=ContentType.objects.get_for_model(User)))
    user.groups.add(staff)
    user = authenticate(username="ann", password="secret")
    show("permissions", sorted(user.get_all_permissions()))
    store = SessionStore()
    store["user"] = user.pk
    store.save()
    show("session", SessionStore(store.session_key)["user"])
    store.cycle_key()
    store.clear_expired()


def inspect():
    """Introspection: inspectdb and the raw cursor."""
    with connection.cursor() as c:
        i = connection.introspection
        show("tables", sorted(t.name for t in i.get_table_list(c)))
        show("columns", (d.name for d in i.get_table_description(c, "shop_product")))
        show("constraints", sorted(i.get_constraints(c, "shop_product")))
        show("relations", sorted(i.get_relations(c, "shop_line").items()))
        show("sequences", i.get_sequences(c, "shop_product"))
        c.execute("SELECT name, count(*) OVER () FROM shop_tag ORDER BY name LIMIT %s", [2])
        show("cursor", c.fetchall())
        show("many", [c.executemany("UPDATE shop_tag SET name = name WHERE id = %s", [[1], [2]])])
        connection.check_constraints()
    with open(os.devnull, "w") as nowhere:
        call_command("inspectdb", stdout=nowhere)
        call_command("sqlsequencereset", "auth", stdout=nowhere)


print(f"Django {django.__version__}, psycopg {importlib.metadata.version('psycopg')}, parameters bound by the {'server' if sys.argv[1:] else 'driver'}")
call_command("migrate", verbosity=0)
with connection.schema_editor() as editor:
    for model in (Tag, Category, Product, Order, Line):
        editor.create_model(model)
for step in (fill, read, report, write, site, inspect):
    step()
with connection.schema_editor() as editor:
    field = models.IntegerField(default=0, db_index=True)
    field.set_attributes_from_name("stock")
    editor.add_field(Product, field)
    editor.remove_field(Product, field)
call_command("flush", interactive=False, verbosity=0)
