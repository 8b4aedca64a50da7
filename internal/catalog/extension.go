package catalog

import (
	"strings"

	"github.com/pgroute/pgroute/router"
)

// harmless makes the verdict that lets a statement stay a read.
func harmless() router.Verdict {
	return router.Verdict{Kind: router.VerdictHarmless, Reason: router.ReasonRead}
}

// needsPrimary makes the verdict of an object that needs the primary.
func needsPrimary(r router.Reason, e router.Effects) router.Verdict {
	return router.Verdict{Kind: router.VerdictPrimary, Reason: r, Effects: e}
}

// judgedExtension gives the verdict that review gave a function of a known
// extension, and false where its volatility may be trusted.
func judgedExtension(extension, function string) (router.Verdict, bool) {
	switch extension {
	case "uuid-ossp", "pgcrypto": // random numbers, clocks, arithmetic
		return harmless(), true
	case "dblink", "pg_background", "http", "plsh", "plproxy":
		return needsPrimary(router.ReasonOutside, router.EffectOutside|router.EffectUnknownState), true
	case "adminpack", "pg_surgery", "pg_prewarm", "pg_cron", "pg_partman_bgw":
		return needsPrimary(router.ReasonNodeControl, router.EffectOutside|router.EffectWrite), true
	case "lo":
		return needsPrimary(router.ReasonLargeObject, router.EffectLargeObject), true
	case "pg_stat_statements", "pg_stat_kcache", "pg_stat_monitor", "pg_qualstats", "pg_wait_sampling",
		"pg_buffercache", "pg_freespacemap", "pg_visibility", "pg_walinspect", "pageinspect", "pgrowlocks",
		"pgstattuple", "pg_proctab", "system_stats", "sslinfo", "postgres_fdw", "amcheck":
		if strings.Contains(function, "reset") || strings.Contains(function, "evict") {
			return needsPrimary(router.ReasonNodeControl, router.EffectOutside), true
		}
		return needsPrimary(router.ReasonNodeLocal, 0), true
	case "hypopg": // hypothetical indexes live in the server process
		return needsPrimary(router.ReasonNodeLocal, router.EffectUnknownState), true
	}
	return judgedOfExtension(extension, function)
}

// judgedOfExtension does so for extensions of which only some functions count.
func judgedOfExtension(extension, function string) (router.Verdict, bool) {
	switch extension {
	case "tablefunc":
		// crosstab and connectby run a query given as text, and are stable.
		if strings.HasPrefix(function, "crosstab") || function == "connectby" {
			return needsPrimary(router.ReasonVolatileFunction, router.EffectUnknownState), true
		}
		return harmless(), function == "normal_rand"
	case "xml2":
		if function == "xpath_table" {
			return needsPrimary(router.ReasonVolatileFunction, router.EffectUnknownState), true
		}
	case "pg_trgm":
		if function == "set_limit" {
			return needsPrimary(router.ReasonSetting, router.EffectUnknownState), true
		}
	}
	return router.Verdict{}, false
}
