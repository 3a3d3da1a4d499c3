/* SPDX-License-Identifier: Apache-2.0 */
/* Writing evidence. */
#include "audit/evidence_json.h"

#include <stdlib.h>

#include "audit/evidence_file.h"
#include "base/check.h"
#include "chain/genesis_json.h"
#include "codec/json.h"
#include "crypto/keccak.h"

/* Adds a member, which is stolen; false when it or object is NULL. */
static bool put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

static json_t *if_ok(bool ok, json_t *json)
{
    if (ok)
        return json;
    json_decref(json);
    return NULL;
}

json_t *ts_finding_json(const struct ts_finding *f)
{
    json_t *o = json_object();
    bool ok = put(o, "name", json_string(ts_finding_name((int)f->kind))) &&
              put(o, "severity", json_string(ts_severity_name((int)f->severity))) &&
              put(o, "about", json_string(ts_about_name(f->about))) &&
              put(o, "state", json_string(ts_finding_state_name(f->state))) &&
              put(o, "serial", f->serial != 0 ? ts_json_u64(f->serial) : json_null()) &&
              put(o, "evidence",
                  ts_hash_is_zero(&f->evidence) ? json_null() : ts_json_hash(&f->evidence)) &&
              put(o, "enclave", f->has_enclave ? ts_json_address(&f->enclave) : json_null()) &&
              put(o, "first", ts_json_u64(f->first)) && put(o, "last", ts_json_u64(f->last)) &&
              put(o, "hash", ts_json_hash(&f->hash)) && put(o, "time", ts_json_u64(f->time)) &&
              put(o, "count", ts_json_u64(f->count)) && put(o, "text", json_string(f->text));
    return if_ok(ok, o);
}

static json_t *sealed_json(const struct ts_domain *d, const struct ts_sealed *s)
{
    ts_hash hash, root, payload_hash;
    json_t *o = json_object();
    ts_header_hash(d, &s->header, &hash);
    ts_keccak256(s->payload, &payload_hash);
    ts_keccak256_pair(&s->parent_root, &payload_hash, &root);
    bool ok = put(o, "hash", ts_json_hash(&hash)) && put(o, "protocolRoot", ts_json_hash(&root)) &&
              put(o, "header", ts_schema_to_json(&ts_batch_header_type, &s->header)) &&
              put(o, "parentRoot", ts_json_hash(&s->parent_root)) &&
              put(o, "payloadHash", ts_json_hash(&payload_hash)) &&
              put(o, "payload", ts_json_bytes(s->payload)) &&
              put(o, "seal", ts_json_bytes(ts_bytes_of(s->seal.b, sizeof(s->seal.b))));
    return if_ok(ok, o);
}

static json_t *addresses_json(const ts_address *list, size_t n)
{
    json_t *a = json_array();
    bool ok = a != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = json_array_append_new(a, ts_json_address(&list[i])) == 0;
    return if_ok(ok, a);
}

static json_t *l1_json(const struct ts_evidence *e)
{
    ts_hash hash;
    json_t *o = json_object();
    ts_keccak256(e->l1_header, &hash);
    bool is_named = ts_hash_equal(&hash, &e->batch.header.l1_hash);
    bool ok =
        put(o, "number", ts_json_u64(e->batch.header.l1_number)) &&
        put(o, "hash", ts_json_hash(&hash)) && put(o, "header", ts_json_bytes(e->l1_header)) &&
        put(o, "whitelist", is_named ? addresses_json(e->l1_list, e->n_l1_list) : json_null());
    return if_ok(ok, o);
}

static json_t *grants_json(const struct ts_evidence *e)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < e->n_grants; i++)
        ok = json_array_append_new(list, sealed_json(&e->genesis->domain, &e->grants[i])) == 0;
    return if_ok(ok, list);
}

static json_t *material_json(const struct ts_evidence *e)
{
    const struct ts_domain *d = &e->genesis->domain;
    json_t *o = json_object();
    bool ok = true;
    if (e->kind == TS_F_ROLLUP_MISMATCH)
        ok = put(o, "rollup", ts_schema_to_json(&ts_rollup_type, &e->rollup));
    ok = ok && put(o, "batch", e->has_batch ? sealed_json(d, &e->batch) : json_null());
    if (e->kind == TS_F_EQUIVOCATION)
        ok = ok && put(o, "other", sealed_json(d, &e->other));
    if (e->kind == TS_F_PAYLOAD_EDITED)
        ok = ok && put(o, "given", ts_json_bytes(e->given));
    if (e->kind == TS_F_WHITELIST_MISMATCH)
        ok = ok && put(o, "l1", l1_json(e));
    if (e->kind == TS_F_ROLLUP_MISMATCH)
        ok = ok && put(o, "data", e->has_data ? ts_json_bytes(e->data) : json_null());
    return if_ok(ok && put(o, "grants", grants_json(e)), o);
}

static json_t *genesis_json(const struct ts_genesis *g)
{
    char *text = ts_genesis_to_json(g);
    json_t *json = text != NULL ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return json;
}

static json_t *network_json(const struct ts_genesis *g)
{
    json_t *domain = json_object();
    json_t *o = json_object();
    bool ok = put(domain, "name", json_string("tenseq")) &&
              put(domain, "version", json_string("1")) &&
              put(domain, "chainId", ts_json_u64(g->l1_chain_id)) &&
              put(domain, "verifyingContract", ts_json_address(&g->contract)) &&
              put(domain, "salt", ts_json_hash(&g->hash)) &&
              put(o, "genesisHash", ts_json_hash(&g->hash)) &&
              put(o, "chainId", ts_json_u64(g->chain_id)) &&
              put(o, "domain", json_incref(domain)) && put(o, "genesis", genesis_json(g));
    json_decref(domain);
    return if_ok(ok, o);
}

json_t *ts_evidence_to_json(const struct ts_evidence *e, const struct ts_evidence_verdict *v)
{
    json_t *o = json_object();
    bool ok = put(o, "format", json_string(TS_EVIDENCE_FORMAT)) &&
              put(o, "version", json_integer(TS_EVIDENCE_VERSION)) &&
              put(o, "kind", json_string(ts_finding_name((int)e->kind))) &&
              put(o, "id", ts_json_hash(&v->finding.evidence)) &&
              put(o, "finding", ts_finding_json(&v->finding)) &&
              put(o, "rests", json_string(v->rests)) &&
              put(o, "network", network_json(e->genesis)) && put(o, "material", material_json(e));
    return if_ok(ok, o);
}
