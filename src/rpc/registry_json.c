/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of a chain as JSON. */
#include "rpc/internal.h"

static const char *role_name(const struct ts_registry_entry *e)
{
    if (e->role == TS_ROLE_ACTIVE)
        return "active";
    return e->role == TS_ROLE_PASSIVE ? "passive" : "none";
}

static bool add_boot(json_t *o, const struct ts_registry_entry *e)
{
    return ts_json_add(o, "bootId", ts_json_hash(&e->boot_id)) &&
           ts_json_add(o, "bootKey", ts_json_hash(&e->boot_key)) &&
           ts_json_add(o, "restartTime", ts_json_u64(e->restart_time)) &&
           ts_json_add(o, "restartHead", ts_json_hash(&e->restart_head)) &&
           ts_json_add(o, "restartNumber", ts_json_u64(e->restart_number)) &&
           ts_json_add(o, "startedIn", ts_json_u64(e->started_in));
}

static json_t *last_report(const struct ts_registry_entry *e)
{
    if (!e->has_report)
        return json_null();
    json_t *o = json_object();
    bool ok = ts_json_add(o, "head", ts_json_u64(e->last_report_head)) &&
              ts_json_add(o, "hash", ts_json_hash(&e->last_report_hash));
    return ts_json_if(ok, o);
}

static json_t *entry_json(const struct ts_registry_entry *e)
{
    json_t *o = json_object();
    bool ok = ts_json_add(o, "id", ts_json_address(&e->id)) &&
              ts_json_add(o, "whitelisted", json_boolean(e->whitelisted)) &&
              ts_json_add(o, "role", json_string(role_name(e))) &&
              ts_json_add(o, "restarts", ts_json_u64(e->restarts)) &&
              ts_json_add(o, "tipSeq", ts_json_u64(e->tip_seq)) &&
              ts_json_add(o, "tipHash", ts_json_hash(&e->tip_hash)) &&
              ts_json_add(o, "lastReport", last_report(e)) &&
              ts_json_add(o, "lastReportIn", ts_json_u64(e->last_report_in));
    if (ok && e->tip_seq != 0)
        ok = add_boot(o, e);
    return ts_json_if(ok, o);
}

json_t *ts_registry_json(const struct ts_chain *chain)
{
    const struct ts_registry *r = &chain->registry;
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < r->n; i++)
        ok = json_array_append_new(list, entry_json(&r->entries[i])) == 0;
    json_t *o = json_object();
    ok = ts_json_add(o, "number", ts_json_u64(chain->head.number)) && ok &&
         ts_json_add(o, "hash", ts_json_hash(&chain->head.hash)) &&
         ts_json_add(o, "term", ts_json_u64(r->term)) &&
         ts_json_add(o, "active", r->has_active ? ts_json_address(&r->active) : json_null()) &&
         ts_json_add(o, "protocolRoot", ts_json_hash(&chain->head.protocol_root)) &&
         ts_json_add(o, "enclaves", json_incref(list));
    json_decref(list);
    return ts_json_if(ok, o);
}
