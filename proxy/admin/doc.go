// Package admin is what operators see over HTTP: /healthz, /readyz, /status
// and /metrics. It only reads; nothing here changes how pgroute works.
package admin
