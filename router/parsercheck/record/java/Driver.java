import java.sql.*;
import java.util.*;

/** pgjdbc by itself: autocommit on and off, cursors, batches, metadata, COPY. */
public class Driver {
  static void show(String what, ResultSet rows) throws SQLException {
    List<String> all = new ArrayList<>();
    int columns = rows.getMetaData().getColumnCount();
    while (rows.next()) {
      List<String> row = new ArrayList<>();
      for (int i = 1; i <= columns; i++) row.add(rows.getString(i));
      all.add(String.join("|", row.stream().map(String::valueOf).toList()));
    }
    rows.close();
    System.out.println(what + " " + all);
  }

  static void read(Connection c) throws SQLException {
    try (PreparedStatement p = c.prepareStatement("SELECT body FROM note WHERE id = ?")) {
      for (int i = 1; i <= 8; i++) { // a named statement from the fifth on
        p.setInt(1, i);
        show("prepared", p.executeQuery());
      }
    }
    try (PreparedStatement p = c.prepareStatement("SELECT id FROM note WHERE id = ANY (?) AND made < ? ORDER BY id LIMIT ?")) {
      p.setArray(1, c.createArrayOf("int4", new Object[] {1, 3}));
      p.setTimestamp(2, Timestamp.valueOf("2030-01-01 00:00:00"));
      p.setInt(3, 9);
      show("types", p.executeQuery());
    }
  }

  static void write(Connection c) throws SQLException {
    c.setAutoCommit(false);
    try (PreparedStatement p = c.prepareStatement("INSERT INTO note (id, body) VALUES (?, ?)")) {
      for (int i = 1; i <= 5; i++) {
        p.setInt(1, i);
        p.setString(2, "note " + i);
        p.addBatch();
      }
      System.out.println("batch " + p.executeBatch().length);
    }
    Savepoint before = c.setSavepoint("before");
    try (Statement s = c.createStatement()) {
      s.executeUpdate("INSERT INTO note (id) VALUES (1)");
    } catch (SQLException e) {
      System.out.println("savepoint " + e.getSQLState());
      c.rollback(before);
    }
    try (Statement s = c.createStatement()) {
      s.setFetchSize(2);
      show("cursor", s.executeQuery("SELECT id FROM note ORDER BY id"));
    }
    c.commit();
    try (PreparedStatement p = c.prepareStatement("UPDATE note SET body = upper(body) WHERE id = ?", Statement.RETURN_GENERATED_KEYS)) {
      p.setInt(1, 2);
      p.executeUpdate();
      show("returned", p.getGeneratedKeys());
    }
    c.rollback();
    try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
      ResultSet rows = s.executeQuery("SELECT id, body FROM note WHERE id = 3");
      rows.next();
      rows.updateString("body", "changed");
      rows.updateRow();
      rows.refreshRow();
      System.out.println("updated " + rows.getString("body"));
    }
    c.commit();
    c.setReadOnly(true);
    c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    try (Statement s = c.createStatement()) {
      show("read only", s.executeQuery("SELECT count(*), current_setting('transaction_isolation') FROM note"));
      s.executeUpdate("DELETE FROM note");
    } catch (SQLException e) {
      System.out.println("refused " + e.getSQLState());
    }
    c.rollback();
    c.setReadOnly(false);
    c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    c.setAutoCommit(true);
  }

  static void look(Connection c) throws SQLException {
    DatabaseMetaData m = c.getMetaData();
    show("tables", m.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"}));
    ResultSet columns = m.getColumns(null, "public", "note", "%");
    while (columns.next()) System.out.println("column " + columns.getString("COLUMN_NAME") + " " + columns.getString("TYPE_NAME"));
    columns.close();
    for (ResultSet r : List.of(m.getPrimaryKeys(null, "public", "note"), m.getImportedKeys(null, "public", "reply"), m.getExportedKeys(null, "public", "note"))) show("keys", r);
    for (ResultSet r : List.of(m.getIndexInfo(null, "public", "note", false, true), m.getSchemas(), m.getTypeInfo(), m.getFunctions(null, "public", "%"), m.getProcedures(null, "public", "%"),
        m.getTablePrivileges(null, "public", "note"), m.getColumnPrivileges(null, "public", "note", "id"), m.getBestRowIdentifier(null, "public", "note", 0, true), m.getUDTs(null, "public", "%", null))) {
      int n = 0;
      while (r.next()) n++;
      System.out.println("rows " + n);
      r.close();
    }
    System.out.println("valid " + c.isValid(5) + " " + c.getSchema() + " " + m.getDatabaseMajorVersion() + " " + m.getMaxConnections());
  }

  public static void main(String[] args) throws Exception {
    Map<String, String> env = System.getenv();
    System.out.println("pgjdbc " + org.postgresql.util.DriverInfo.DRIVER_VERSION);
    String url = "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE");
    try (Connection c = DriverManager.getConnection(url, env.get("PGUSER"), env.getOrDefault("PGPASSWORD", "")); Statement s = c.createStatement()) {
      s.execute("CREATE TABLE note (id int PRIMARY KEY, body text, made timestamptz DEFAULT '2024-01-01'); CREATE TABLE reply (note_id int REFERENCES note)");
      write(c);
      read(c);
      boolean results = s.execute("SELECT 1; UPDATE note SET body = 'x' WHERE id = 5; SELECT body FROM note WHERE id = 5");
      System.out.println("several " + results + s.getMoreResults() + s.getUpdateCount() + s.getMoreResults());
      show("several", s.getResultSet());
      try (CallableStatement call = c.prepareCall("{? = call lower(?)}")) {
        call.registerOutParameter(1, Types.VARCHAR);
        call.setString(2, "CALLED");
        call.execute();
        System.out.println("function " + call.getString(1));
      }
      var copy = new org.postgresql.copy.CopyManager(c.unwrap(org.postgresql.core.BaseConnection.class));
      System.out.println("copied in " + copy.copyIn("COPY note (id, body) FROM STDIN (FORMAT csv)", new java.io.StringReader("8,eight\n9,nine\n")));
      var out = new java.io.StringWriter();
      copy.copyOut("COPY (SELECT id, body FROM note ORDER BY id) TO STDOUT", out);
      System.out.println("copied out " + out.toString().replace('\n', ';'));
      look(c);
      c.setSchema("public");
      c.setNetworkTimeout(Runnable::run, 60000);
      s.setQueryTimeout(30);
      show("escapes", s.executeQuery("SELECT {fn ucase('a')}, {d '2024-01-01'}, {fn concat('a', {fn left('bcd', 1)})}"));
    }
  }
}
