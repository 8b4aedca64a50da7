import jakarta.persistence.*;
import java.math.BigDecimal;
import java.time.LocalDateTime;
import java.util.*;
import org.hibernate.Hibernate;
import org.hibernate.LockMode;
import org.hibernate.LockOptions;
import org.hibernate.Session;
import org.hibernate.SessionFactory;
import org.hibernate.annotations.BatchSize;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.cfg.Configuration;
import org.hibernate.type.SqlTypes;

/** A shop in Hibernate; its sessions have autocommit off, as JPA wants it. */
public class Shop {
  @Entity(name = "Tag")
  public static class Tag {
    @Id @GeneratedValue(strategy = GenerationType.IDENTITY) Long id;
    @Column(unique = true) String name;

    public Tag() {}

    Tag(String name) { this.name = name; }
  }

  @Entity(name = "Category")
  public static class Category {
    @Id @GeneratedValue Long id;
    String name;
    @ManyToOne(fetch = FetchType.LAZY) Category parent;
    @OneToMany(mappedBy = "category") @OrderBy("name") List<Product> products = new ArrayList<>();

    public Category() {}

    Category(String name, Category parent) { this.name = name; this.parent = parent; }
  }

  @Entity(name = "Product")
  @Table(indexes = @Index(columnList = "name"))
  public static class Product {
    @Id @GeneratedValue(strategy = GenerationType.SEQUENCE) Long id;
    @Column(nullable = false, length = 40) String name;
    @Column(precision = 10, scale = 2) BigDecimal price;
    @JdbcTypeCode(SqlTypes.JSON) Map<String, String> data = new HashMap<>();
    int[] sizes;
    @Version int version;
    @ManyToOne(fetch = FetchType.LAZY) Category category;
    @ManyToMany @BatchSize(size = 5) Set<Tag> tags = new HashSet<>();
  }

  @Entity(name = "Bill")
  public static class Bill {
    @Id @GeneratedValue Long id;
    String customer;
    LocalDateTime placed;
    @OneToMany(mappedBy = "bill", cascade = CascadeType.ALL, orphanRemoval = true) @OrderBy("id") List<Line> lines = new ArrayList<>();

    void add(Product product, int amount) {
      Line line = new Line();
      line.bill = this;
      line.product = product;
      line.amount = amount;
      lines.add(line);
    }
  }

  @Entity(name = "Line")
  public static class Line {
    @Id @GeneratedValue(strategy = GenerationType.IDENTITY) Long id;
    int amount;
    @ManyToOne Bill bill;
    @ManyToOne Product product;
  }

  static void show(String what, Object rows) {
    if (rows instanceof List<?> list) {
      rows = list.stream().map(r -> r instanceof Object[] a ? Arrays.deepToString(a) : String.valueOf(r)).toList();
    }
    System.out.println(what + " " + rows);
  }

  static void fill(Session s) {
    Category all = new Category("all", null);
    Category[] kinds = {new Category("toys", all), new Category("books", all)};
    Tag red = new Tag("red");
    Tag blue = new Tag("blue");
    for (Object o : List.of(all, kinds[0], kinds[1], red, blue)) s.persist(o);
    List<Product> products = new ArrayList<>();
    for (int i = 1; i <= 7; i++) {
      Product p = new Product();
      p.name = "product " + i;
      p.price = new BigDecimal(i * 3).divide(new BigDecimal(2));
      p.data.put("kind", i % 2 == 0 ? "even" : "odd");
      p.sizes = new int[] {i, i + 1};
      p.category = kinds[i % 2];
      p.tags.add(red);
      if (i % 3 == 0) p.tags.add(blue);
      s.persist(p);
      products.add(p);
    }
    String[] customers = {"ann", "bob", "ann"};
    for (int n = 0; n < 3; n++) {
      Bill bill = new Bill();
      bill.customer = customers[n];
      bill.placed = LocalDateTime.of(2024, 1, n + 1, 12, 0);
      bill.add(products.get(n + 1), n + 1);
      bill.add(products.get(0), 1);
      s.persist(bill);
    }
  }

  static void read(Session s) {
    show("find", s.find(Product.class, 3L).name + " " + s.find(Product.class, 99L));
    show("lazy", s.createQuery("from Product p order by p.id", Product.class).setMaxResults(4).setFirstResult(1).list().stream().map(p -> ((Category) Hibernate.unproxy(p.category)).name + p.tags.size()).toList());
    show("fetch", s.createQuery("select distinct b from Bill b join fetch b.lines l join fetch l.product where b.customer in (:c) order by b.id", Bill.class).setParameterList("c", List.of("ann", "bob")).list().stream().map(b -> b.lines.get(0).product.name).toList());
    s.clear();
    EntityGraph<Product> graph = s.createEntityGraph(Product.class);
    graph.addAttributeNodes("category", "tags");
    show("graph", s.createQuery("from Product p where p.price between 2 and 8 order by p.id", Product.class).setHint("jakarta.persistence.fetchgraph", graph).list().size());
    show("group", s.createQuery("select b.customer, count(distinct b), sum(l.amount * l.product.price) from Bill b join b.lines l group by b.customer having sum(l.amount) > 1 order by 3 desc nulls last", Object[].class).list());
    show("exists", s.createQuery("select p.id from Product p where exists (from Line l where l.product = p) and p.price < (select avg(q.price) * 2 from Product q) order by p.id", Long.class).list());
    show("members", s.createQuery("select p.id from Product p where :t member of p.tags and size(p.tags) = 2 order by p.id", Long.class).setParameter("t", s.getReference(Tag.class, 2L)).list());
    show("functions", s.createQuery("select upper(p.name), length(p.name), coalesce(p.category.parent.name, '?'), cast(p.price as Integer), case when p.price > 5 then 'dear' else 'cheap' end, extract(month from current_date) > 0 from Product p where lower(p.name) like :n escape '!' order by p.id", Object[].class).setParameter("n", "product _").setMaxResults(2).list());
    show("window", s.createQuery("select p.id, row_number() over (partition by p.category order by p.price desc), lag(p.name, 1) over (order by p.id) from Product p order by p.id", Object[].class).list());
    show("tree", s.createQuery("with tree as (select c.id id, 0 depth from Category c where c.parent is null union all select c.id id, t.depth + 1 depth from tree t join Category c on c.parent.id = t.id) select t.id, t.depth from tree t order by t.id", Object[].class).list());
    show("lateral", s.createQuery("select p.id, l.amount from Product p left join lateral (select x.amount amount from Line x where x.product = p order by x.id desc limit 1) l order by p.id", Object[].class).list());
    show("union", s.createQuery("select t.name from Tag t union all select c.name from Category c order by 1", String.class).list());
    show("lists", s.createQuery("select listagg(t.name, ',') within group (order by t.name), count(*) filter (where t.id > 1) from Tag t", Object[].class).list());
    show("arrays", s.createQuery("select p.id from Product p where array_contains(p.sizes, 3) order by p.id", Long.class).list());
    var cb = s.getCriteriaBuilder();
    var q = cb.createQuery(Product.class);
    var p = q.from(Product.class);
    q.where(cb.and(cb.like(p.get("name"), "product%"), cb.or(cb.gt(p.get("price"), 6), cb.isNull(p.get("data"))), p.get("id").in(5L, 6L, 7L))).orderBy(cb.desc(p.get("price")));
    show("criteria", s.createQuery(q).list().stream().map(x -> x.id).toList());
    show("native", s.createNativeQuery("SELECT id, data ->> 'kind' AS kind, date_trunc('day', now()) <= now() FROM Product WHERE id = ANY (:ids) ORDER BY id", Object[].class).setParameter("ids", new Long[] {1L, 2L}).list());
    try (var rows = s.createQuery("select p.id from Product p order by p.id", Long.class).setFetchSize(2).getResultStream()) {
      show("stream", rows.toList());
    }
  }

  static void write(Session s) {
    show("update", s.createMutationQuery("update Product p set p.price = p.price + 1, p.version = p.version + 1 where p.price < 3").executeUpdate());
    show("insert", s.createMutationQuery("insert into Tag (name) select upper(c.name) from Category c").executeUpdate());
    show("conflict", s.createMutationQuery("insert into Tag (name) values ('red') on conflict (name) do nothing").executeUpdate());
    s.clear();
    Product p = s.find(Product.class, 1L, LockModeType.PESSIMISTIC_WRITE);
    p.data.put("seen", "yes");
    s.flush();
    s.refresh(p);
    show("locked", p.data.get("seen") + p.version);
    show("skip", s.createQuery("from Product p where p.id = 2", Product.class).setHibernateLockMode(LockMode.UPGRADE_SKIPLOCKED).list().size());
    show("share", s.createQuery("from Tag t where t.id = 1", Tag.class).setLockMode(LockModeType.PESSIMISTIC_READ).list().size());
    s.lock(s.find(Category.class, 1L), new LockOptions(LockMode.UPGRADE_NOWAIT));
    Bill bill = s.find(Bill.class, 1L);
    bill.customer = "eve";
    bill.lines.remove(0);
    s.remove(s.createQuery("from Bill b where b.placed > :d", Bill.class).setParameter("d", LocalDateTime.of(2024, 1, 2, 13, 0)).getSingleResult());
    s.merge(new Tag("merged"));
    s.flush();
    show("left", s.createQuery("select count(*), (select count(*) from Tag) from Line", Object[].class).list());
    show("delete", s.createMutationQuery("delete from Tag t where not exists (from Product p where t member of p.tags)").executeUpdate());
  }

  public static void main(String[] args) {
    Map<String, String> env = System.getenv();
    Configuration c = new Configuration();
    c.setProperty("hibernate.connection.url", "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE"));
    c.setProperty("hibernate.connection.username", env.get("PGUSER"));
    c.setProperty("hibernate.connection.password", env.getOrDefault("PGPASSWORD", ""));
    c.setProperty("hibernate.connection.pool_size", "4");
    c.setProperty("hibernate.hbm2ddl.auto", "update");
    c.setProperty("hibernate.jdbc.batch_size", "5");
    for (Class<?> entity : List.of(Tag.class, Category.class, Product.class, Bill.class, Line.class)) c.addAnnotatedClass(entity);
    System.out.println("Hibernate " + org.hibernate.Version.getVersionString() + ", pgjdbc " + org.postgresql.util.DriverInfo.DRIVER_VERSION);
    try (SessionFactory factory = c.buildSessionFactory()) {
      factory.inTransaction(Shop::fill);
      factory.inTransaction(Shop::read);
      factory.inTransaction(s -> {
        s.doWork(w -> w.createStatement().execute("SET TRANSACTION READ ONLY"));
        show("read only", s.createQuery("select count(*) from Product", Long.class).getSingleResult());
      });
      factory.inTransaction(Shop::write);
      try {
        factory.inTransaction(s -> s.persist(new Tag("red")));
      } catch (PersistenceException e) {
        show("unique", e.getClass().getSimpleName());
      }
      show("stateless", factory.fromStatelessSession(s -> s.createQuery("select name from Tag order by name", String.class).list()));
      factory.getSchemaManager().validateMappedObjects();
      factory.getSchemaManager().truncateMappedObjects();
      factory.getSchemaManager().dropMappedObjects(false);
    }
  }
}
