// Package admin is what operators see over HTTP: /metrics for Prometheus,
// /healthz and /readyz for whoever starts and stops pgroute, /status as JSON,
// and the same as a page for people at /. pprof comes with [admin] pprof.
//
// Every page is made from a sample: all counters and states, read once. The
// package only reads; nothing here changes how pgroute works, and no page
// shows a password, a verifier, a parameter or the text of a statement.
// Metrics are labelled by enumerations and by what the configuration names,
// never by what clients send. Names of databases and roles are on the status
// page only, so the listener belongs on an address that operators alone reach.
package admin
