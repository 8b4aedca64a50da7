package router

import "strings"

// judged gives the verdict that review gave a built-in function, and false
// for one that needs none: immutable or stable and as true on a standby as on
// the primary. Every volatile built-in function of every version is here (a
// test holds that), and the stable ones that a standby would answer
// differently. The verdict covers all overloads of the name.
func judged(name string) (Verdict, bool) {
	for _, f := range [...]func(string) Verdict{
		judgedHarmless, judgedByPrefix, judgedState, judgedTransaction,
		judgedLocal, judgedControl, judgedWrite, judgedDynamic, judgedInternal,
	} {
		if v := f(name); v.Kind != VerdictUnknown {
			return v, true
		}
	}
	return Verdict{}, false
}

// primary makes the verdict of a function that needs the primary.
func primary(r Reason, e Effects) Verdict {
	return Verdict{Kind: VerdictPrimary, Reason: r, Effects: e}
}

// judgedHarmless are volatile functions that a standby runs as well as the
// primary and that leave nothing behind.
func judgedHarmless(name string) Verdict {
	switch name {
	case "random", "random_normal", "array_sample", "array_shuffle", // any server's dice
		"gen_random_uuid", "uuidv4", "uuidv7",
		"clock_timestamp", "timeofday", // a clock; not the transaction's
		"timezone",                                   // volatile up to 15 for timetz: the current offset
		"pg_sleep", "pg_sleep_for", "pg_sleep_until", // waits anywhere
		"current_query",       // the text of the statement itself
		"bernoulli", "system", // TABLESAMPLE methods
		"amvalidate",                                  // looks at the catalogue
		"pg_partition_tree", "pg_partition_ancestors", // look at the catalogue
		// Sizes of files: physical replication keeps them alike, and they are
		// as old as everything else the standby tells.
		"pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_total_relation_size",
		"pg_database_size", "pg_tablespace_size",
		"pg_jit_available",
		// Temporary schemas: a session that has one is pinned with all its
		// reads, any other gets the same "none" everywhere. The views of the
		// information schema call both.
		"pg_my_temp_schema", "pg_is_other_temp_schema":
		return harmless
	}
	return Verdict{}
}

// judgedByPrefix are families in which every member is alike.
func judgedByPrefix(name string) Verdict {
	switch {
	case strings.HasPrefix(name, "pg_advisory_xact_lock"), strings.HasPrefix(name, "pg_try_advisory_xact_lock"):
		// Advisory locks exclude only sessions of the same node: on a standby
		// they are granted, and protect nothing.
		return primary(ReasonAdvisoryLock, EffectNode)
	case strings.HasPrefix(name, "pg_advisory_"), strings.HasPrefix(name, "pg_try_advisory_"):
		return primary(ReasonAdvisoryLock, EffectAdvisoryLock)
	case strings.HasPrefix(name, "pg_stat_reset"):
		return primary(ReasonNodeControl, EffectOutside)
	case strings.HasPrefix(name, "pg_stat_get_"):
		return primary(ReasonNodeLocal, 0) // each node counts for itself
	case strings.HasPrefix(name, "pg_ls_"):
		return primary(ReasonNodeLocal, 0) // directories of the node
	case strings.HasPrefix(name, "binary_upgrade_"):
		return primary(ReasonNodeControl, EffectWrite)
	case strings.HasPrefix(name, "RI_FKey_"), strings.HasSuffix(name, "_call_handler"),
		strings.HasSuffix(name, "_inline_handler"), strings.HasSuffix(name, "_validator"):
		return primary(ReasonVolatileFunction, 0)
	case strings.HasPrefix(name, "pg_replication_origin_") && name != "pg_replication_origin_oid":
		return primary(ReasonNodeControl, EffectWrite|EffectUnknownState)
	case strings.HasPrefix(name, "pg_logical_slot_"):
		return primary(ReasonNodeControl, EffectOutside)
	}
	return Verdict{}
}

// judgedState are functions that read or change the state of the session.
func judgedState(name string) Verdict {
	switch name {
	case "set_config":
		return primary(ReasonSetting, EffectSetting)
	case "setseed": // random() of this server process repeats from here
		return primary(ReasonSetting, EffectUnknownState)
	case "nextval", "setval":
		return primary(ReasonSequence, EffectSequence|EffectWrite)
	case "currval", "lastval":
		return primary(ReasonSequence, EffectReadSequence)
	case "pg_sequence_last_value", "pg_get_sequence_data":
		// A standby's sequence is ahead: 32 values are logged at once.
		return primary(ReasonSequence, 0)
	case "lo_export", "lo_import":
		return primary(ReasonLargeObject, EffectOutside|EffectWrite)
	case "lo_open", "lo_close", "lo_lseek", "lo_lseek64", "lo_tell", "lo_tell64", "loread", "lo_get":
		return primary(ReasonLargeObject, EffectLargeObject)
	case "lo_creat", "lo_create", "lo_from_bytea", "lo_put", "lo_truncate", "lo_truncate64", "lo_unlink", "lowrite":
		return primary(ReasonLargeObject, EffectLargeObject|EffectWrite)
	case "pg_listening_channels":
		return primary(ReasonListen, 0)
	case "pg_cursor", "cursor_to_xml", "cursor_to_xmlschema":
		return primary(ReasonCursor, 0)
	case "pg_prepared_statement":
		return primary(ReasonPrepared, 0)
	case "pg_notify":
		return primary(ReasonNotify, EffectWrite)
	}
	return Verdict{}
}

// judgedTransaction are functions about transactions and snapshots: a standby
// assigns no transaction IDs, and its snapshots are its own.
func judgedTransaction(name string) Verdict {
	switch name {
	case "txid_current", "pg_current_xact_id":
		return primary(ReasonTransactionID, EffectWrite)
	case "txid_current_if_assigned", "pg_current_xact_id_if_assigned",
		"txid_current_snapshot", "pg_current_snapshot", "txid_status", "pg_xact_status",
		"pg_xact_commit_timestamp", "pg_xact_commit_timestamp_origin", "pg_last_committed_xact",
		"pg_get_multixact_members",
		"currtid", "currtid2": // follow the versions of a row under writes
		return primary(ReasonTransactionID, 0)
	case "pg_export_snapshot": // can be imported on the same node only
		return primary(ReasonSnapshot, EffectNode)
	}
	return Verdict{}
}

// judgedLocal are functions whose answer is about the node, its files or its
// processes; a client expects the primary's.
func judgedLocal(name string) Verdict {
	switch name {
	case "pg_is_in_recovery": // how drivers look for the primary
		return primary(ReasonRoleProbe, 0)
	case "pg_backend_pid", "inet_server_addr", "inet_server_port",
		"pg_postmaster_start_time", "pg_conf_load_time", "pg_show_all_settings",
		"pg_show_all_file_settings", "pg_hba_file_rules", "pg_ident_file_mappings", "pg_config",
		"pg_available_extensions", "pg_available_extension_versions", "pg_extension_update_paths",
		"pg_collation_actual_version", "pg_database_collation_actual_version", "pg_import_system_collations",
		"pg_control_checkpoint", "pg_control_init", "pg_control_recovery", "pg_control_system",
		"pg_current_logfile", "pg_read_file", "pg_read_file_old", "pg_read_binary_file", "pg_stat_file",
		"pg_current_wal_lsn", "pg_current_wal_insert_lsn", "pg_current_wal_flush_lsn",
		"pg_last_wal_receive_lsn", "pg_last_wal_replay_lsn", "pg_last_xact_replay_timestamp",
		"pg_is_wal_replay_paused", "pg_get_wal_replay_pause_state", "pg_is_in_backup", "pg_backup_start_time",
		"pg_walfile_name", "pg_walfile_name_offset", // refused during recovery
		"pg_get_replication_slots", "pg_show_replication_origin_status", "pg_prepared_xact",
		"pg_get_wal_resource_managers", "pg_get_wal_summarizer_state",
		"pg_available_wal_summaries", "pg_wal_summary_contents",
		"pg_lock_status", "pg_blocking_pids", "pg_safe_snapshot_blocking_pids",
		"pg_isolation_test_session_is_blocked", "pg_notification_queue_usage",
		"pg_get_backend_memory_contexts", "pg_get_shmem_allocations", "pg_get_shmem_allocations_numa",
		"pg_numa_available", "pg_get_aios", "pg_get_loaded_modules", "pg_get_wait_events",
		"pg_stat_have_stats", "pg_stat_clear_snapshot", "pg_stat_force_next_flush":
		return primary(ReasonNodeLocal, 0)
	}
	return Verdict{}
}

// judgedControl are functions that act on a node or outside the database.
// Most of them a standby would carry out, on the wrong node.
func judgedControl(name string) Verdict {
	switch name {
	case "pg_cancel_backend", "pg_terminate_backend", "pg_reload_conf", "pg_rotate_logfile", "pg_rotate_logfile_old",
		"pg_promote", "pg_wal_replay_pause", "pg_wal_replay_resume",
		"pg_start_backup", "pg_stop_backup", "pg_backup_start", "pg_backup_stop",
		"pg_create_restore_point", "pg_switch_wal", "pg_log_standby_snapshot", "pg_log_backend_memory_contexts",
		"pg_create_physical_replication_slot", "pg_create_logical_replication_slot",
		"pg_copy_physical_replication_slot", "pg_copy_logical_replication_slot",
		"pg_drop_replication_slot", "pg_replication_slot_advance", "pg_sync_replication_slots":
		return primary(ReasonNodeControl, EffectOutside)
	}
	return Verdict{}
}

// judgedWrite are functions that write what is neither a table's row nor a
// sequence.
func judgedWrite(name string) Verdict {
	switch name {
	case "brin_summarize_new_values", "brin_summarize_range", "brin_desummarize_range", "gin_clean_pending_list":
		return primary(ReasonMaintain, EffectWrite)
	case "pg_logical_emit_message", "pg_nextoid", "pg_extension_config_dump", "pg_stop_making_pinned_objects",
		"pg_clear_attribute_stats", "pg_clear_relation_stats",
		"pg_restore_attribute_stats", "pg_restore_relation_stats":
		return primary(ReasonVolatileFunction, EffectWrite)
	}
	return Verdict{}
}

// judgedDynamic are functions that run a query given as text, or read a
// relation given by name: whatever that calls cannot be seen. Several of them
// are stable.
func judgedDynamic(name string) Verdict {
	switch name {
	case "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema",
		"table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema",
		"schema_to_xml", "schema_to_xmlschema", "schema_to_xml_and_xmlschema",
		"database_to_xml", "database_to_xmlschema", "database_to_xml_and_xmlschema",
		"ts_stat", "ts_rewrite",
		"pg_input_is_valid", "pg_input_error_info": // the checks of a domain, given by name
		return primary(ReasonVolatileFunction, EffectUnknownState)
	}
	return Verdict{}
}

// judgedInternal are functions that SQL cannot call, or only in vain.
func judgedInternal(name string) Verdict {
	switch name {
	case "bthandler", "hashhandler", "gisthandler", "ginhandler", "spghandler", "brinhandler",
		"heap_tableam_handler", "dsnowball_init", "dsnowball_lexize",
		"suppress_redundant_updates_trigger", "tsvector_update_trigger", "tsvector_update_trigger_column",
		"unique_key_recheck":
		return primary(ReasonVolatileFunction, 0)
	}
	return Verdict{}
}

// grammarFunction reports whether a name followed by a parenthesis is an
// expression of PostgreSQL's grammar (func_expr_common_subexpr, c_expr and
// aggregates with their own syntax in src/backend/parser/gram.y), which the
// catalogue does not list. All of them only compute.
func grammarFunction(name string) bool {
	switch name {
	case "cast", "coalesce", "greatest", "least", "nullif", "treat", "grouping", "exists", "row", "array",
		"any", "some", "all", "collation", "extract", "normalize", "overlay", "position", "substring", "trim",
		"current_time", "current_timestamp", "localtime", "localtimestamp",
		"xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlparse", "xmlpi", "xmlroot", "xmlserialize",
		"xmlattributes", "xmltable", "xmlnamespaces",
		"json", "json_array", "json_arrayagg", "json_object", "json_objectagg", "json_scalar", "json_serialize",
		"json_exists", "json_query", "json_value", "json_table", "merge_action":
		return true
	}
	return false
}

// grammarType reports whether a word names a type in the grammar only; the
// catalogue has it under another name (integer is int4).
func grammarType(name string) bool {
	switch name {
	case "int", "integer", "smallint", "bigint", "real", "float", "double", "decimal", "dec", "numeric",
		"boolean", "character", "char", "nchar", "national", "varchar", "bit", "time", "timestamp", "interval", "json",
		"setof", "precision", "varying":
		return true
	}
	return false
}

// Judge gives the verdict of a function of pg_catalog by its name and its
// volatility (pg_proc.provolatile).
func Judge(name, volatility string) Verdict {
	if volatility == "" {
		volatility = "v"
	}
	return verdictOf(name, volatility[0])
}
