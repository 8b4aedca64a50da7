package catalog

// user is the condition on an OID of what initdb did not make: from
// FirstNormalObjectId on (src/include/access/transam.h). Objects below are
// known to package router without asking, but for their OIDs.
const user = ">= 16384"

// relationKinds are the relations that a query can name. Temporary ones are
// left out: only their own session sees them, and that is pinned.
const relationKinds = `relpersistence <> 't' AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')`

// typeKinds leaves out the row types of relations and their arrays, of which
// there is one per table; relations stand for them.
const typeKinds = `t.typtype <> 'c' AND NOT EXISTS
	(SELECT FROM pg_type e WHERE e.oid = t.typelem AND t.typcategory = 'A' AND e.typtype = 'c')`

// The queries of a load. Every table is readable by every role.
const (
	functionsQuery = `SELECT p.oid, n.nspname, p.proname, p.provolatile::text, p.prokind::text, l.lanname,
	coalesce((SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
		WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' LIMIT 1), ''),
	p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1 AND
		coalesce((SELECT a.typtype IN ('c', 'p', 'd') FROM pg_type a WHERE a.oid = p.proargtypes[0]), false),
	ARRAY(SELECT o FROM unnest(p.proargtypes::oid[] || p.prorettype) o WHERE o ` + user + `),
	coalesce(p.proargdefaults::text, ''),
	CASE WHEN l.lanname IN ('c', 'internal') THEN '' ELSE p.prosrc END, %s
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid ` + user

	// sqlBody is the column of a function's parsed body, which came with 14.
	sqlBody   = `coalesce(p.prosqlbody::text, '')`
	noSQLBody = `''`

	builtinFunctionsQuery = `SELECT p.oid, n.nspname, p.proname, p.provolatile::text FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid < 16384`
	builtinRelationsQuery = `SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid < 16384 AND c.relkind IN ('r', 'v') AND n.nspname <> 'pg_toast'`

	// An aggregate is always called immutable; what its functions are counts.
	aggregatesQuery = `SELECT aggfnoid::oid, unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn,
	aggmtransfn, aggminvtransfn, aggmfinalfn]::oid[]) FROM pg_aggregate WHERE aggfnoid::oid ` + user

	operatorsQuery = `SELECT o.oid, n.nspname, o.oprname, o.oprcode::oid FROM pg_operator o
JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid ` + user

	castsQuery = `SELECT casttarget, castfunc, castcontext::text FROM pg_cast WHERE castfunc <> 0 AND oid ` + user

	typesQuery = `SELECT t.oid, n.nspname, t.typname, t.typtype::text, t.typbasetype,
	CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END,
	ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout]::oid[] ||
		coalesce((SELECT ARRAY[rngcanonical, rngsubdiff]::oid[] FROM pg_range WHERE rngtypid = t.oid), '{}')
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid ` + user + ` AND ` + typeKinds

	domainChecksQuery = `SELECT contypid, conbin::text FROM pg_constraint
WHERE contypid <> 0 AND conbin IS NOT NULL AND oid ` + user

	relationsQuery = `SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relpersistence::text, c.relrowsecurity
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid ` + user + ` AND ` + relationKinds

	inheritsQuery = `SELECT inhparent, inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = inhrelid
WHERE ` + relationKinds

	// The rule that makes a view one; a materialized view is read as a table.
	rulesQuery = `SELECT ev_class, ev_action::text FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class
WHERE ev_type = '1' AND relkind = 'v' AND r.oid ` + user

	policiesQuery = `SELECT polrelid, polqual::text FROM pg_policy WHERE polqual IS NOT NULL AND polcmd IN ('r', '*')`

	// Functions and operators that indexes, sorting and grouping use without
	// their being named.
	supportQuery    = `SELECT amproc::oid FROM pg_amproc WHERE oid ` + user
	strategiesQuery = `SELECT amopopr FROM pg_amop WHERE oid ` + user
)

// signatureExpr gives a text that differs whenever anything that a load reads
// has changed. A row that DDL wrote has a new xmin, larger than any before it
// but for wrap-around, so count and sum tell; pg_class is rewritten by TRUNCATE
// and the like as well, so there the columns that matter are hashed instead.
const signatureExpr = `concat_ws('/',
(SELECT count(*) || ':' || coalesce(sum(xmin::text::int8 + hashint8(oid::int8)), 0) FROM pg_proc WHERE oid ` + user + `),
(SELECT count(*) || ':' || coalesce(sum(xmin::text::int8 + hashint8(oid::int8)), 0) FROM pg_operator WHERE oid ` + user + `),
(SELECT count(*) || ':' || coalesce(sum(xmin::text::int8 + hashint8(oid::int8)), 0) FROM pg_cast WHERE oid ` + user + `),
(SELECT count(*) || ':' || coalesce(sum(xmin::text::int8 + hashint8(oid::int8)), 0) FROM pg_type t WHERE oid ` + user + ` AND ` + typeKinds + `),
(SELECT count(*) || ':' || coalesce(sum(xmin::text::int8 + hashint8(oid::int8)), 0) FROM pg_constraint WHERE contypid <> 0 AND oid ` + user + `),
(SELECT count(*) || ':' || coalesce(sum(hashtextextended(relname::text || relkind::text || relpersistence::text || relrowsecurity::text,
	(oid::int8 << 32) + relnamespace::int8)), 0) FROM pg_class WHERE oid ` + user + ` AND ` + relationKinds + `),
(SELECT count(*) || ':' || coalesce(sum(hashint8((inhrelid::int8 << 32) + inhparent::int8)), 0)
	FROM pg_inherits i JOIN pg_class c ON c.oid = inhrelid WHERE ` + relationKinds + `),
(SELECT count(*) || ':' || coalesce(sum(r.xmin::text::int8 + hashint8(r.oid::int8)), 0) FROM pg_rewrite r
	JOIN pg_class c ON c.oid = ev_class WHERE ev_type = '1' AND relkind = 'v' AND relpersistence <> 't' AND r.oid ` + user + `),
(SELECT count(*) || ':' || coalesce(sum(xmin::text::int8 + hashint8(oid::int8)), 0) FROM pg_policy),
(SELECT count(*) || ':' || coalesce(sum(hashtextextended(nspname::text, oid::int8)), 0) FROM pg_namespace
	WHERE oid ` + user + ` AND nspname NOT LIKE 'pg\_temp\_%' AND nspname NOT LIKE 'pg\_toast\_temp\_%'),
(SELECT count(*) || ':' || coalesce(sum(hashint8(oid::int8)), 0) FROM pg_amproc WHERE oid ` + user + `),
(SELECT count(*) || ':' || coalesce(sum(hashint8(oid::int8)), 0) FROM pg_amop WHERE oid ` + user + `),
(SELECT count(*) || ':' || coalesce(sum(xmin::text::int8), 0) FROM pg_extension))`

// checkQuery answers with the snapshot and, unless nothing at all has been
// committed since the snapshot given, the signature in that snapshot.
const checkQuery = `SELECT s, CASE WHEN s = $1 THEN '' ELSE ` + signatureExpr + ` END
FROM (SELECT pg_current_snapshot()::text AS s OFFSET 0) x`
