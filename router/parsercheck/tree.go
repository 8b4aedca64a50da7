package main

import (
	pgquery "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pgroute/pgroute/router"
)

// judgement is what the tree says of a statement.
type judgement struct {
	read bool
	// why names what made it no read.
	why string
	// neutral: the router goes by more than the tree shows (SHOW,
	// current_setting), so a primary is no miss.
	neutral bool
}

// judge walks one statement as parsed by PostgreSQL.
func judge(node *pgquery.Node, cat router.Catalog, path *router.SearchPath) judgement {
	w := walker{cat: cat, path: path}
	w.statement(node)
	return judgement{read: w.why == "", why: w.why, neutral: w.neutral}
}

// walker looks for whatever keeps a statement from a standby.
type walker struct {
	cat     router.Catalog
	path    *router.SearchPath
	why     string
	neutral bool
	planned bool // EXPLAIN without ANALYZE: only relations count
	ctes    []string
}

// found notes the first reason.
func (w *walker) found(why string) {
	if w.why == "" {
		w.why = why
	}
}

// statement judges by kind; what is not listed is no read.
func (w *walker) statement(node *pgquery.Node) {
	switch n := node.Node.(type) {
	case *pgquery.Node_SelectStmt:
		w.walk(n.SelectStmt.ProtoReflect())
	case *pgquery.Node_ExplainStmt:
		w.explain(n.ExplainStmt)
	case *pgquery.Node_CopyStmt:
		if n.CopyStmt.IsFrom || n.CopyStmt.IsProgram || n.CopyStmt.Filename != "" {
			w.found("COPY")
		}
		w.walk(n.CopyStmt.ProtoReflect())
	case *pgquery.Node_DeclareCursorStmt:
		const hold = 0x0020 // CURSOR_OPT_HOLD
		if n.DeclareCursorStmt.Options&hold != 0 {
			w.found("WITH HOLD")
		}
		w.walk(n.DeclareCursorStmt.ProtoReflect())
	case *pgquery.Node_VariableShowStmt:
		w.neutral = true
	default:
		w.found("statement")
	}
}

// explain judges what is explained, as planned or as executed.
func (w *walker) explain(e *pgquery.ExplainStmt) {
	w.planned = true
	for _, o := range e.Options {
		if o.GetDefElem().GetDefname() == "analyze" {
			w.planned = false
		}
	}
	switch e.Query.Node.(type) {
	case *pgquery.Node_SelectStmt:
	case *pgquery.Node_InsertStmt, *pgquery.Node_UpdateStmt, *pgquery.Node_DeleteStmt, *pgquery.Node_MergeStmt:
		if !w.planned {
			w.found("write")
		}
	default:
		w.found("statement")
	}
	w.walk(e.Query.ProtoReflect())
}

// walk visits a message and all below it.
func (w *walker) walk(m protoreflect.Message) {
	known := len(w.ctes)
	if with := m.Descriptor().Fields().ByName("with_clause"); with != nil && m.Has(with) {
		w.with(m.Get(with).Message().Interface().(*pgquery.WithClause))
	}
	w.visit(m)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.Name() == "with_clause" {
			return true
		}
		if f.IsList() {
			for i := range v.List().Len() {
				w.walk(v.List().Get(i).Message())
			}
			return true
		}
		w.walk(v.Message())
		return true
	})
	w.ctes = w.ctes[:known]
}

// with visits the queries of a WITH list in order, each known to those after it.
func (w *walker) with(c *pgquery.WithClause) {
	for _, n := range c.Ctes {
		cte := n.GetCommonTableExpr()
		if c.Recursive {
			w.ctes = append(w.ctes, cte.Ctename)
		}
		w.walk(cte.ProtoReflect())
		if !c.Recursive {
			w.ctes = append(w.ctes, cte.Ctename)
		}
	}
}

// visit judges one node by itself.
func (w *walker) visit(m protoreflect.Message) {
	if r, ok := m.Interface().(*pgquery.RangeVar); ok {
		w.relation(r)
		return
	}
	if w.planned {
		return
	}
	switch n := m.Interface().(type) {
	case *pgquery.InsertStmt, *pgquery.UpdateStmt, *pgquery.DeleteStmt, *pgquery.MergeStmt:
		w.found("write")
	case *pgquery.LockingClause:
		w.found("row lock")
	case *pgquery.IntoClause:
		w.found("SELECT INTO")
	case *pgquery.FuncCall:
		w.function(n)
	case *pgquery.RangeTableSample:
		w.lookup(router.KindFunction, n.Method, "sampling method")
	case *pgquery.TypeName:
		w.lookup(router.KindType, n.Names, "type")
	case *pgquery.A_Expr:
		w.lookup(router.KindOperator, n.Name, "operator")
	case *pgquery.SortBy:
		w.lookup(router.KindOperator, n.UseOp, "operator")
	case *pgquery.SubLink:
		w.lookup(router.KindOperator, n.OperName, "operator")
	case *pgquery.ColumnRef:
		if len(n.Fields) > 1 {
			w.attribute(n.Fields[len(n.Fields)-1])
		}
	case *pgquery.A_Indirection:
		for _, i := range n.Indirection {
			w.attribute(i)
		}
	}
}

// relation looks a name up unless it is that of a WITH query.
func (w *walker) relation(r *pgquery.RangeVar) {
	if r.Schemaname == "" {
		for _, c := range w.ctes {
			if c == r.Relname {
				return
			}
		}
	}
	w.name(router.KindRelation, r.Schemaname, r.Relname, "relation")
}

// function looks the function of a call up.
func (w *walker) function(f *pgquery.FuncCall) {
	schema, name := lastTwo(f.Funcname)
	switch {
	case name == "set_config" && (schema == "" || schema == "pg_catalog"):
		w.found("set_config")
	case name == "current_setting" && (schema == "" || schema == "pg_catalog"):
		w.neutral = true
	default:
		w.name(router.KindFunction, schema, name, "function")
	}
}

// attribute is the last part of a.b or (expression).b.
func (w *walker) attribute(n *pgquery.Node) {
	if s := n.GetString_(); s != nil {
		w.name(router.KindAttribute, "", s.Sval, "attribute")
	}
}

// lookup resolves a list of name parts.
func (w *walker) lookup(kind router.ObjectKind, parts []*pgquery.Node, what string) {
	if schema, name := lastTwo(parts); name != "" {
		w.name(kind, schema, name, what)
	}
}

// name asks the catalogue.
func (w *walker) name(kind router.ObjectKind, schema, name, what string) {
	var s []byte
	if schema != "" {
		s = []byte(schema)
	}
	if len(schema) >= 7 && schema[:7] == "pg_temp" {
		w.found(what + " " + schema + "." + name)
	}
	if v := w.cat.Lookup(kind, s, []byte(name), w.path); v.Kind != router.VerdictHarmless {
		w.found(what + " " + name)
	}
}

// lastTwo gives schema and name of a dotted name.
func lastTwo(parts []*pgquery.Node) (schema, name string) {
	for _, p := range parts {
		if s := p.GetString_(); s != nil {
			schema, name = name, s.Sval
		}
	}
	return schema, name
}

// nested collects the queries below a node.
func nested(m protoreflect.Message, into []*pgquery.SelectStmt) []*pgquery.SelectStmt {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil {
			return true
		}
		visit := func(m protoreflect.Message) {
			if s, ok := m.Interface().(*pgquery.SelectStmt); ok {
				into = append(into, s)
			}
			into = nested(m, into)
		}
		if f.IsList() {
			for i := range v.List().Len() {
				visit(v.List().Get(i).Message())
			}
			return true
		}
		visit(v.Message())
		return true
	})
	return into
}

// lenient finds a parameter in the place of a type's constant, as in "date $1".
// pg_query lets that pass, for texts whose constants were taken out; to
// PostgreSQL it is a syntax error.
func lenient(m protoreflect.Message) bool {
	if c, ok := m.Interface().(*pgquery.TypeCast); ok && c.Location < 0 && c.Arg.GetParamRef() != nil {
		return true
	}
	found := false
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				found = found || lenient(v.List().Get(i).Message())
			}
		default:
			found = lenient(v.Message())
		}
		return !found
	})
	return found
}
