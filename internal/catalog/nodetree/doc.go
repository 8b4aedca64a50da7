// Package nodetree finds the objects that a stored expression or query
// refers to, in the text form in which PostgreSQL keeps them (pg_node_tree):
// pg_rewrite.ev_action, pg_policy.polqual, pg_proc.prosqlbody,
// pg_constraint.conbin.
//
// pg_depend would tell the same of user-defined objects, but since PostgreSQL
// 14 it no longer records dependencies on built-in ones, and a view over
// nextval or pg_advisory_lock is just what must be found.
//
// The package knows nothing of what the objects are and reads no catalogue.
package nodetree
