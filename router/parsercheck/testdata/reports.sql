-- What no recorded program sends: queues, reports, search, ranges of time, and
-- habits of tools. The names of tables are made up; the shapes are what counts.

SELECT "users".* FROM "users" WHERE "users"."email" = $1 LIMIT $2 /*application:Shop,controller:sessions*/;
SELECT count(*) FILTER (WHERE o.state = 'paid') AS paid, count(*) FILTER (WHERE o.state <> 'paid') AS other, array_agg(o.id ORDER BY o.id) AS ids FROM orders AS o GROUP BY GROUPING SETS ((o.state), ());
SELECT x.id, (x.data ->> 'kind') AS kind, x.data #>> '{a,b}' AS leaf, x.data @> '{"a": 1}'::jsonb AS has FROM x WHERE (x.data -> 'tags') ?| ARRAY['a', 'b'];
select o1_0.id from orders o1_0 where o1_0.state=$1 order by o1_0.id fetch first $2 rows only;
SELECT typinput='pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid FROM pg_catalog.pg_type LEFT JOIN (select ns.oid as nspoid, ns.nspname, r.r from pg_namespace as ns join (select s.r, (current_schemas(false))[s.r] as nspname from generate_series(1, array_upper(current_schemas(false), 1)) as s(r)) as r using (nspname)) as sp ON sp.nspoid = typnamespace WHERE typname = $1 ORDER BY sp.r, pg_type.oid DESC LIMIT 1;
select t.oid, t.typname from pg_type t left join pg_type base_type on t.typelem=base_type.oid where (t.typtype in('b', 'p', 'r', 'e', 'c') and (base_type.oid is null or base_type.typtype in('b', 'p', 'r')));
select;
SELECT id, payload FROM job WHERE run_at <= now() ORDER BY priority DESC, id FOR UPDATE SKIP LOCKED LIMIT 10;
WITH picked AS (SELECT id FROM job ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE job SET state = 'taken' FROM picked WHERE job.id = picked.id RETURNING job.*;
SELECT d::date AS day, count(o.id) FROM generate_series(date_trunc('day', now() - interval '30 days'), now(), interval '1 day') AS g(d) LEFT JOIN orders o ON o.created_at >= d AND o.created_at < d + interval '1 day' GROUP BY 1 ORDER BY 1;
SELECT id, ts_rank_cd(doc, q) AS rank, ts_headline('english', body, q, 'MaxWords=20') FROM article, websearch_to_tsquery('english', $1) q WHERE doc @@ q ORDER BY rank DESC LIMIT 10;
SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY ms) FROM request WHERE at > now() - interval '1 hour' AND path !~ '^/static';
SELECT extract(epoch FROM (max(at) - min(at))), width_bucket(avg(ms), 0, 100, 10), mode() WITHIN GROUP (ORDER BY path) FROM request GROUP BY CUBE (host, path) HAVING count(*) > 1;
SELECT lag(v, 1) OVER w AS before, first_value(v) OVER w, ntile(4) OVER (ORDER BY v), row_number() OVER (PARTITION BY k ORDER BY at DESC) AS rn FROM sample WINDOW w AS (PARTITION BY k ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES);
SELECT * FROM crosstabbed, jsonb_to_recordset(data) AS r(id int, name text, tags text[]) WHERE (r.id, r.name) = ANY (SELECT 1, 'a') AND daterange(a, b, '[)') && daterange($1, $2);
SELECT table_name, pg_size_pretty(pg_total_relation_size(quote_ident(table_name))) FROM information_schema.tables WHERE table_schema = 'public';
COPY (SELECT * FROM orders WHERE created_at::date = current_date) TO STDOUT WITH (FORMAT csv, HEADER);
EXPLAIN (FORMAT json, COSTS true) SELECT * FROM orders WHERE total > 10;
VALUES (1, 'one'), (2, 'two') ORDER BY 1 LIMIT 1;
SELECT * FROM (VALUES ('a', 1), ('b', 2)) AS v(name, n) NATURAL JOIN other TABLESAMPLE system (5);
