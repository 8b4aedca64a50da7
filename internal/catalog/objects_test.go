package catalog

import "github.com/pgroute/pgroute/router"

// schema makes one of everything that must be judged, as a superuser.
const schema = `
CREATE SCHEMA other;
CREATE TABLE t (id serial PRIMARY KEY, v text);
CREATE TABLE log (at timestamptz, what text);
CREATE TABLE "Mixed Case" (id int);

CREATE FUNCTION reads(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT count(*)::int + $1 FROM t';
CREATE FUNCTION adds(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
CREATE FUNCTION writes(int) RETURNS int LANGUAGE plpgsql AS $$BEGIN INSERT INTO log VALUES (now(), 'x'); RETURN $1; END$$;
CREATE FUNCTION sets() RETURNS void LANGUAGE plpgsql AS $$BEGIN SET app.x = '1'; END$$;
CREATE FUNCTION sets_local() RETURNS void LANGUAGE plpgsql AS $$BEGIN SET LOCAL app.x = '1'; END$$;
CREATE FUNCTION configures() RETURNS text LANGUAGE sql AS $$SELECT set_config('app.x', '1', false)$$;
CREATE FUNCTION dynamic(q text) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE q; END$$;
CREATE FUNCTION temps() RETURNS void LANGUAGE sql AS $$CREATE TEMP TABLE IF NOT EXISTS x (i int)$$;
CREATE FUNCTION calls_writes() RETURNS int LANGUAGE sql AS $$SELECT writes(1)$$;
CREATE FUNCTION lies() RETURNS boolean LANGUAGE sql STABLE AS $$SELECT pg_try_advisory_lock(1)$$;
CREATE FUNCTION lies_deeper() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN lies(); END$$;
CREATE FUNCTION mentions_in_comment() RETURNS int LANGUAGE sql STABLE AS $$SELECT 1 /* not nextval */ -- nor setval
$$;
CREATE FUNCTION overloaded(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION overloaded(text) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
CREATE FUNCTION other.overloaded2(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
CREATE FUNCTION overloaded2(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION lower(t) RETURNS text LANGUAGE plpgsql AS $$BEGIN INSERT INTO log VALUES (now(), 'l'); RETURN ''; END$$;
CREATE FUNCTION row_writes(t) RETURNS int LANGUAGE sql AS $$INSERT INTO log VALUES (now(), 'r') RETURNING 1$$;
CREATE FUNCTION row_reads(t) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION step(int, int) RETURNS int LANGUAGE plpgsql AS $$BEGIN INSERT INTO log VALUES (now(), 'a'); RETURN $1; END$$;
CREATE AGGREGATE writing_sum(int) (SFUNC = step, STYPE = int, INITCOND = '0');
CREATE AGGREGATE reading_sum(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE PROCEDURE proc() LANGUAGE sql AS 'SELECT 1';

CREATE OPERATOR <+> (LEFTARG = int, RIGHTARG = int, FUNCTION = adds);
CREATE FUNCTION op_writes(int, int) RETURNS int LANGUAGE sql AS $$INSERT INTO log VALUES (now(), 'o') RETURNING 1$$;
CREATE OPERATOR <!> (LEFTARG = int, RIGHTARG = int, FUNCTION = op_writes);

CREATE FUNCTION lies_by_operator() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1 <!> 2';
CREATE FUNCTION lies_by_default(a bigint DEFAULT nextval('t_id_seq')) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT a';

CREATE VIEW v_plain AS SELECT * FROM t WHERE id > 0;
CREATE VIEW v_writes AS SELECT writes(id) FROM t;
CREATE VIEW v_over_v AS SELECT * FROM v_writes;
CREATE VIEW v_sequence AS SELECT nextval('t_id_seq') AS n;
CREATE VIEW v_random AS SELECT random() AS r;
CREATE VIEW v_lock AS SELECT pg_try_advisory_lock(1) AS got;
CREATE VIEW v_operator AS SELECT 1 <!> id AS n FROM t;
CREATE VIEW v_harmless_operator AS SELECT 1 <+> id AS n FROM t;
CREATE VIEW v_for_update AS SELECT * FROM t FOR UPDATE;
CREATE VIEW v_activity AS SELECT count(*) FROM pg_stat_activity;
CREATE VIEW v_columns AS SELECT table_name FROM information_schema.columns;
CREATE VIEW v_aggregate AS SELECT writing_sum(id) FROM t;
CREATE VIEW v_subquery AS SELECT (SELECT max(writes(id)) FROM t) AS m;
CREATE VIEW v_sample AS SELECT * FROM t TABLESAMPLE bernoulli (10);
CREATE VIEW v_unlogged AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW m AS SELECT random() AS r;
CREATE UNLOGGED TABLE u (id int);
CREATE OR REPLACE VIEW v_unlogged AS SELECT 1 AS one FROM u;
CREATE SEQUENCE s;
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE half (id int) PARTITION BY RANGE (id);
CREATE UNLOGGED TABLE half_1 PARTITION OF half FOR VALUES FROM (0) TO (10);

CREATE TABLE secured (id int);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON secured USING (id = current_setting('app.id')::int);
CREATE TABLE badly_secured (id int);
ALTER TABLE badly_secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON badly_secured FOR SELECT USING (writes(id) > 0);
CREATE TABLE policy_off (id int);
CREATE POLICY p ON policy_off USING (writes(id) > 0);
CREATE VIEW v_badly_secured AS SELECT * FROM badly_secured;

CREATE TYPE colour AS ENUM ('red');
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION checks(text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO log VALUES (now(), 'c'); RETURN true; END$$;
CREATE DOMAIN fine AS text CHECK (length(VALUE) < 10);
CREATE DOMAIN checked AS text CHECK (checks(VALUE));
CREATE DOMAIN checked_twice AS checked;
CREATE FUNCTION takes(checked) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION to_pair(text) RETURNS colour LANGUAGE sql AS $$INSERT INTO log VALUES (now(), 'k') RETURNING 'red'::colour$$;
CREATE TYPE hue AS ENUM ('red');
CREATE FUNCTION to_hue(t) RETURNS hue LANGUAGE sql AS $$INSERT INTO log VALUES (now(), 'k') RETURNING 'red'::hue$$;
CREATE CAST (t AS hue) WITH FUNCTION to_hue(t);
`

// expectation is what the catalogue must say of one name.
type expectation struct {
	kind    router.ObjectKind
	schema  string
	name    string
	reason  router.Reason
	effects router.Effects
}

const read = router.ReasonRead

// expectations are for the schema above with search_path "$user", public.
func expectations() []expectation {
	const (
		f = router.KindFunction
		r = router.KindRelation
		o = router.KindOperator
		y = router.KindType
		a = router.KindAttribute

		volatile = router.ReasonVolatileFunction
		write    = router.EffectWrite
		state    = router.EffectUnknownState
	)
	return []expectation{
		{f, "", "reads", read, 0},
		{f, "public", "adds", read, 0},
		{f, "", "writes", volatile, write},
		{f, "other", "writes", router.ReasonUnknownFunction, 0},
		{f, "", "sets", volatile, state},
		{f, "", "sets_local", volatile, 0},
		{f, "", "configures", volatile, state},
		{f, "", "dynamic", volatile, state | write},
		{f, "", "temps", volatile, write | router.EffectDDL | router.EffectCatalog | router.EffectTempTable},
		{f, "", "calls_writes", volatile, write},
		{f, "", "lies", router.ReasonAdvisoryLock, router.EffectAdvisoryLock},
		{f, "", "lies_deeper", router.ReasonAdvisoryLock, router.EffectAdvisoryLock},
		{f, "", "lies_by_operator", router.ReasonOperator, write},
		{f, "", "lies_by_default", router.ReasonSequence, router.EffectSequence | write},
		{f, "", "mentions_in_comment", read, 0},
		{f, "", "overloaded", volatile, 0},
		{f, "", "overloaded2", read, 0},
		{f, "other", "overloaded2", volatile, 0},
		{f, "", "lower", volatile, write},
		{f, "pg_catalog", "lower", read, 0},
		{f, "", "upper", read, 0},
		{f, "", "nextval", router.ReasonSequence, router.EffectSequence | write},
		{f, "", "writing_sum", volatile, write},
		{f, "", "reading_sum", read, 0},
		{f, "", "proc", router.ReasonProcedure, state | write},
		{f, "", "takes", router.ReasonType, write},
		{f, "", "colour", read, 0},
		{f, "", "checked", router.ReasonType, write},
		{f, "", "nothing_of_that_name", router.ReasonUnknownFunction, 0},

		{r, "", "t", read, 0},
		{r, "public", "t", read, 0},
		{r, "other", "t", router.ReasonUnknownRelation, 0},
		{r, "", "Mixed Case", read, 0},
		{r, "", "mixed case", router.ReasonUnknownRelation, 0},
		{r, "", "pg_class", read, 0},
		{r, "", "pg_stat_activity", router.ReasonNodeLocal, 0},
		{r, "", "v_plain", read, 0},
		{r, "", "v_writes", router.ReasonView, write},
		{r, "", "v_over_v", router.ReasonView, write},
		{r, "", "v_sequence", router.ReasonView, router.EffectSequence | write},
		{r, "", "v_random", read, 0},
		{r, "", "v_lock", router.ReasonView, router.EffectAdvisoryLock},
		{r, "", "v_operator", router.ReasonView, write},
		{r, "", "v_harmless_operator", read, 0},
		{r, "", "v_for_update", router.ReasonRowLock, write},
		{r, "", "v_activity", router.ReasonNodeLocal, 0},
		{r, "", "v_columns", read, 0},
		{r, "", "v_aggregate", router.ReasonView, write},
		{r, "", "v_subquery", router.ReasonView, write},
		{r, "", "v_sample", read, 0},
		{r, "", "v_unlogged", router.ReasonUnlogged, 0},
		{r, "", "m", read, 0},
		{r, "", "u", router.ReasonUnlogged, 0},
		{r, "", "s", router.ReasonSequence, 0},
		{r, "", "parted", read, 0},
		{r, "", "half", router.ReasonUnlogged, 0},
		{r, "", "secured", read, 0},
		{r, "", "badly_secured", router.ReasonView, write},
		{r, "", "policy_off", read, 0},
		{r, "", "v_badly_secured", router.ReasonView, write},

		{o, "", "<+>", read, 0},
		{o, "", "<!>", router.ReasonOperator, write},
		{o, "public", "<!>", router.ReasonOperator, write},
		{o, "", "+", read, 0},
		{o, "", "<?>", router.ReasonOperator, 0},

		{y, "", "colour", read, 0},
		{y, "", "pair", router.ReasonType, write}, // a column may be of a bad domain
		{y, "", "fine", read, 0},
		{y, "", "checked", router.ReasonType, write},
		{y, "", "_checked", router.ReasonType, write},
		{y, "", "checked_twice", router.ReasonType, write},
		{y, "", "hue", router.ReasonType, write},
		{y, "", "int4", read, 0},
		{y, "", "no_such_type", router.ReasonType, 0},

		{a, "", "row_writes", volatile, write},
		{a, "", "row_reads", read, 0},
		{a, "", "v", read, 0},
	}
}
