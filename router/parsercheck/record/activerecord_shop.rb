# A shop in ActiveRecord with the pg driver.
require "pg"
require "active_record"

puts "ActiveRecord #{ActiveRecord.version}, pg #{PG::VERSION}"
ActiveRecord::Base.establish_connection(adapter: "postgresql", host: ENV["PGHOST"], port: ENV["PGPORT"], username: ENV["PGUSER"],
                                        password: ENV["PGPASSWORD"], database: ENV["PGDATABASE"], pool: 4)
ActiveRecord::Schema.verbose = false
Time.zone = "UTC"

class CreateShop < ActiveRecord::Migration[6.1]
  def change
    create_table(:categories) { |t| t.string :name, null: false; t.references :parent, foreign_key: { to_table: :categories } }
    create_table(:tags) { |t| t.string :name, index: { unique: true } }
    create_table :products do |t|
      t.string :name, index: true
      t.decimal :price, precision: 10, scale: 2
      t.jsonb :data, default: {}
      t.integer :sizes, array: true, default: []
      t.integer :lines_count, default: 0
      t.references :category, foreign_key: true
      t.timestamps
    end
    create_join_table(:products, :tags) { |t| t.index [:product_id, :tag_id], unique: true }
    create_table(:orders) { |t| t.string :customer; t.datetime :placed; t.integer :state, default: 0; t.integer :lock_version, default: 0 }
    create_table(:lines) { |t| t.references :order, foreign_key: { on_delete: :cascade }; t.references :product; t.integer :amount }
    add_check_constraint :lines, "amount > 0", name: "amount_positive"
    add_column :products, :stock, :integer
    change_column_null :products, :name, false
    rename_column :products, :stock, :left
    remove_column :products, :left, :integer
  end
end

class Category < ActiveRecord::Base
  belongs_to :parent, class_name: "Category", optional: true
  has_many :products
end

class Tag < ActiveRecord::Base
  has_and_belongs_to_many :products
  validates :name, uniqueness: { case_sensitive: false }
end

class Product < ActiveRecord::Base
  belongs_to :category
  has_many :lines
  has_and_belongs_to_many :tags
  scope :dear, -> { where(price: 5..) }
end

class Order < ActiveRecord::Base
  has_many :lines, dependent: :destroy
  has_many :products, through: :lines
  enum state: { open: 0, paid: 1 }
end

class Line < ActiveRecord::Base
  belongs_to :order
  belongs_to :product, counter_cache: true
end

def show(what, rows) = puts("#{what} #{rows.inspect}")

def fill
  all = Category.create!(name: "all")
  books, toys = Category.create!([{ name: "books", parent: all }, { name: "toys", parent: all }])
  red = Tag.find_or_create_by!(name: "red")
  blue = Tag.create_or_find_by!(name: "blue")
  show "again", [Tag.find_or_create_by!(name: "red") == red, Tag.create(name: "RED").errors.full_messages]
  (1..7).each do |i|
    Product.create!(name: "product #{i}", price: i * 1.5, data: { kind: i.odd? ? "odd" : "even", size: { w: i } }, sizes: [i, i + 1],
                    category: i.odd? ? books : toys, tags: i % 3 == 0 ? [red, blue] : [red])
  end
  { 1 => "ann", 2 => "bob", 3 => "ann" }.each do |n, customer|
    Order.create!(customer: customer, placed: Time.utc(2024, 1, n), lines: [Line.new(product_id: n + 1, amount: n), Line.new(product_id: 1, amount: 1)])
  end
end

def read
  show "find", [Product.find(3).name, Product.find_by(id: 99), Product.exists?(1), Product.where(name: "x").none?]
  show "includes", Order.includes(lines: :product).order(:id).map { |o| o.lines.map { |l| l.product.name } }
  show "eager", Product.eager_load(:tags, :category).where(tags: { name: "blue" }).order(:id).map(&:name)
  show "joins", Product.joins(:category, lines: :order).left_joins(:tags).where.not(orders: { customer: nil }).distinct.order(:name).limit(3).offset(1).pluck(:name)
  show "page", Product.includes(:tags).references(:tags).order(price: :desc).limit(2).map { |p| [p.id, p.tags.size] }
  show "where", Product.where("name ILIKE ?", "%DUCT 1").or(Product.where(price: 2..4)).where.not(id: [50, 51]).order(:id).ids
  show "json", Product.where("data ->> 'kind' = ?", "odd").where("data @> ?", { size: { w: 3 } }.to_json).or(Product.where("? = ANY (sizes)", 2)).order(:id).ids
  show "exists", Product.where(Line.where("lines.product_id = products.id").arel.exists).order(:id).ids
  show "missing", Product.where.missing(:lines).order(:id).ids
  show "group", Line.joins(:order, :product).group("orders.customer").having("sum(amount) > 1").order("orders.customer").sum("amount * products.price")
  show "calculations", [Product.count, Product.dear.average(:price).to_s, Product.maximum(:name), Order.group(:state).count, Line.distinct.count(:product_id)]
  show "window", Product.select("id, row_number() OVER (PARTITION BY category_id ORDER BY price DESC) AS n, lag(price) OVER (ORDER BY id) AS b").order(:id).map { |p| [p.id, p.n] }
  show "from", Product.from(Product.select(:category_id, "avg(price) AS a").group(:category_id), :products).order("a").pluck("a").map(&:to_s)
  show "batches", Product.in_batches(of: 3).map(&:count)
  show "each", Product.find_each(batch_size: 4).map(&:id)
  show "through", Order.first.products.order(:id).pluck(:name) + [Order.last.products.size, Order.second.lines.first.product.category.name]
  show "trunc", Order.group("date_trunc('month', placed)").count.values
  show "sql", Product.find_by_sql(["WITH dear AS (SELECT * FROM products WHERE price > ?) SELECT id FROM dear ORDER BY id", 6]).map(&:id)
  show "raw", ActiveRecord::Base.connection.select_all("SELECT name FROM tags ORDER BY name").rows
  show "explain", Product.where(id: 1).explain.include?("Scan")
  show "cached", Product.cache { [Product.first.id, Product.first.id] }
end

def write
  show "update all", Product.where("price < 3").update_all("price = price + 1")
  Product.where(id: 2).joins(:category).update_all(name: "joined")
  show "upsert", Tag.upsert_all([{ name: "red" }, { name: "green" }], unique_by: :name).length
  show "insert", Tag.insert_all([{ name: "red" }, { name: "grey" }]).length
  Product.transaction do
    p = Product.lock.find(1)
    Product.where(id: 2).lock("FOR NO KEY UPDATE SKIP LOCKED").load
    p.with_lock { p.update!(data: p.data.merge(seen: true)) }
    begin
      Product.transaction(requires_new: true) { Tag.new(name: "red").save!(validate: false) }
    rescue ActiveRecord::RecordNotUnique => e
      show "savepoint", e.class
    end
    show "inside", p.reload.data["seen"]
  end
  Order.transaction(isolation: :repeatable_read) { Line.delete_all; raise ActiveRecord::Rollback }
  show "undone", Line.count
  stale = Order.find(1)
  Order.find(1).paid!
  begin
    stale.update!(customer: "eve")
  rescue ActiveRecord::StaleObjectError => e
    show "stale", e.class
  end
  Product.find(1).increment!(:lines_count, 2)
  Product.find(1).touch
  Product.reset_counters(1, :lines)
  Product.find(1).tags.delete(Tag.find_by(name: "red"))
  Order.find(3).destroy!
  show "left", [Line.count, Product.find(1).lines_count, Tag.where(name: %w[green grey]).destroy_all.size]
  show "lock", ActiveRecord::Base.connection.get_advisory_lock(42) && ActiveRecord::Base.connection.release_advisory_lock(42)
end

def inspect_schema
  c = ActiveRecord::Base.connection
  show "tables", c.tables.sort
  show "columns", c.columns("products").map { |x| [x.name, x.sql_type] }
  show "indexes", c.indexes("products").map(&:name).sort
  show "keys", [c.primary_key("lines"), c.foreign_keys("lines").map(&:column), c.check_constraints("lines").map(&:name), c.views, c.extensions.sort, c.pk_and_sequence_for("tags")&.first]
  dump = StringIO.new
  ActiveRecord::SchemaDumper.dump(c, dump)
  show "dump", dump.string.scan(/create_table/).size
end

c = ActiveRecord::Base.connection
ActiveRecord::Migration.suppress_messages { CreateShop.migrate(:up) }
fill
read
write
inspect_schema
c.truncate_tables("lines", "orders")
ActiveRecord::Migration.suppress_messages { [:lines, :orders, :products_tags, :products, :tags, :categories].each { |t| c.drop_table(t) } }
c.disconnect!
