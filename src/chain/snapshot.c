/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/snapshot.h"

#include <string.h>

#include "chain/registry.h"

static void put_head(struct ts_buf *b, const struct ts_head *h)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, h->number);
    ts_put_hash(b, &h->hash);
    ts_put_u64(b, h->time);
    ts_put_u64(b, h->term);
    ts_put_u64(b, h->l1_number);
    ts_put_hash(b, &h->l1_hash);
    ts_put_hash(b, &h->state_root);
    ts_put_hash(b, &h->protocol_root);
    ts_put_list_end(b, mark);
}

static uint64_t oldest_recent(const struct ts_head *head)
{
    return head->number < TS_RECENT ? 0 : head->number - TS_RECENT + 1;
}

static void put_recent(struct ts_buf *b, const struct ts_chain *c)
{
    size_t mark = ts_put_list(b);
    for (uint64_t n = oldest_recent(&c->head); n <= c->head.number; n++)
        ts_put_hash(b, ts_chain_recent(c, n));
    ts_put_list_end(b, mark);
}

static void put_entry(struct ts_buf *b, const struct ts_registry_entry *e)
{
    size_t mark = ts_put_list(b);
    ts_put_address(b, &e->id);
    ts_put_u64(b, e->whitelisted);
    ts_put_u64(b, (uint64_t)e->role);
    ts_put_hash(b, &e->boot_key);
    ts_put_u64(b, e->tip_seq);
    ts_put_hash(b, &e->tip_hash);
    ts_put_u64(b, e->tip_kind);
    ts_put_u64(b, e->tip_term);
    ts_put_u64(b, e->restart_time);
    ts_put_hash(b, &e->restart_head);
    ts_put_u64(b, e->restart_number);
    ts_put_u64(b, e->started_in);
    ts_put_u64(b, e->has_report);
    ts_put_u64(b, e->last_report_head);
    ts_put_hash(b, &e->last_report_hash);
    ts_put_u64(b, e->last_report_in);
    size_t boots = ts_put_list(b);
    for (size_t i = 0; i < e->n_boot_ids; i++)
        ts_put_hash(b, &e->boot_ids[i]);
    ts_put_list_end(b, boots);
    ts_put_list_end(b, mark);
}

static void put_registry(struct ts_buf *b, const struct ts_registry *r)
{
    size_t mark = ts_put_list(b);
    ts_put_bytes(b, ts_bytes_of(r->active.b, r->has_active ? sizeof(r->active.b) : 0));
    size_t entries = ts_put_list(b);
    for (size_t i = 0; i < r->n; i++)
        put_entry(b, &r->entries[i]);
    ts_put_list_end(b, entries);
    ts_put_list_end(b, mark);
}

void ts_chain_snapshot_put(struct ts_buf *b, const struct ts_chain *chain)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, TS_SNAPSHOT_VERSION);
    ts_put_hash(b, &chain->genesis->hash);
    put_head(b, &chain->head);
    put_recent(b, chain);
    put_registry(b, &chain->registry);
    ts_put_list_end(b, mark);
}

static void read_head(struct ts_reader *r, struct ts_head *h)
{
    ts_read_list(r);
    h->number = ts_read_u64(r);
    ts_read_hash(r, &h->hash);
    h->time = ts_read_u64(r);
    h->term = ts_read_u64(r);
    h->l1_number = ts_read_u64(r);
    ts_read_hash(r, &h->l1_hash);
    ts_read_hash(r, &h->state_root);
    ts_read_hash(r, &h->protocol_root);
    ts_read_list_end(r);
}

static void read_recent(struct ts_reader *r, struct ts_chain *c)
{
    ts_read_list(r);
    uint64_t first = oldest_recent(&c->head);
    uint64_t count = c->head.number - first + 1;
    for (uint64_t i = 0; i < count && r->err == TS_OK; i++)
        ts_read_hash(r, &c->recent[(first + i) % TS_RECENT]);
    ts_read_list_end(r);
    ts_reader_want(r, ts_hash_equal(&c->recent[c->head.number % TS_RECENT], &c->head.hash));
    ts_reader_want(r, first > 0 || ts_hash_equal(&c->recent[0], &c->genesis->hash));
}

/* The list's length is bounded by the input's: 33 bytes stand for each. */
static void read_boots(struct ts_reader *r, struct ts_registry_entry *e)
{
    ts_read_list(r);
    size_t n = ts_read_count(r);
    if (r->err == TS_OK && ts_entry_reserve_boots(e, n) != TS_OK)
        ts_reader_fail(r, TS_E_NOMEM);
    for (size_t i = 0; i < n && r->err == TS_OK; i++)
        ts_read_hash(r, &e->boot_ids[e->n_boot_ids++]);
    ts_read_list_end(r);
    e->restarts = e->n_boot_ids;
    if (e->n_boot_ids > 0)
        e->boot_id = e->boot_ids[e->n_boot_ids - 1];
}

static void read_entry(struct ts_reader *r, struct ts_registry_entry *e)
{
    ts_read_list(r);
    ts_read_address(r, &e->id);
    e->whitelisted = ts_read_at_most(r, 1) == 1;
    e->role = (enum ts_role)ts_read_at_most(r, TS_ROLE_ACTIVE);
    ts_read_hash(r, &e->boot_key);
    e->tip_seq = ts_read_u64(r);
    ts_read_hash(r, &e->tip_hash);
    e->tip_kind = (uint8_t)ts_read_at_most(r, TS_PASSIVE);
    e->tip_term = ts_read_u64(r);
    e->restart_time = ts_read_u64(r);
    ts_read_hash(r, &e->restart_head);
    e->restart_number = ts_read_u64(r);
    e->started_in = ts_read_u64(r);
    e->has_report = ts_read_at_most(r, 1) == 1;
    e->last_report_head = ts_read_u64(r);
    ts_read_hash(r, &e->last_report_hash);
    e->last_report_in = ts_read_u64(r);
    read_boots(r, e);
    ts_read_list_end(r);
}

/* Nothing published: then nothing but the id and the whitelist is there. */
static bool entry_is_fresh(const struct ts_registry_entry *e, const ts_hash *genesis)
{
    return e->role == TS_ROLE_NONE && ts_hash_is_zero(&e->boot_key) &&
           ts_hash_equal(&e->tip_hash, genesis) && e->tip_kind == 0 && e->tip_term == 0 &&
           e->restart_time == 0 && ts_hash_is_zero(&e->restart_head) && e->restart_number == 0 &&
           e->started_in == 0 && !e->has_report && e->last_report_in == 0 && e->n_boot_ids == 0;
}

/* What the rules make true of every entry with a published transition. */
static bool entry_is_started(const struct ts_registry_entry *e)
{
    return e->role != TS_ROLE_NONE && e->tip_kind != 0 &&
           (e->tip_kind == TS_STARTED) == (e->tip_term == 0) && e->n_boot_ids > 0 &&
           e->n_boot_ids <= e->tip_seq && e->restart_number < e->started_in;
}

static bool entry_is_possible(const struct ts_registry_entry *e, const struct ts_chain *c)
{
    if (e->tip_seq == 0 ? !entry_is_fresh(e, &c->genesis->hash) : !entry_is_started(e))
        return false;
    if (e->started_in > c->head.number || e->last_report_in > c->head.number)
        return false;
    if (!e->has_report)
        return e->last_report_head == 0 && ts_hash_is_zero(&e->last_report_hash);
    return e->last_report_head < e->last_report_in && e->last_report_in >= e->started_in;
}

/* The one active enclave is whitelisted and its entry says that it is active; no other's does. */
static void check_active(struct ts_reader *r, const struct ts_registry *reg)
{
    size_t n_active = 0;
    for (size_t i = 0; i < reg->n; i++)
        n_active += reg->entries[i].role == TS_ROLE_ACTIVE;
    const struct ts_registry_entry *active =
        reg->has_active ? ts_registry_find(reg, &reg->active) : NULL;
    ts_reader_want(r, n_active == (reg->has_active ? 1u : 0u));
    ts_reader_want(r, !reg->has_active || (active != NULL && active->role == TS_ROLE_ACTIVE &&
                                           active->whitelisted && active->tip_kind == TS_ACTIVE));
}

static void list_if_whitelisted(struct ts_reader *r, struct ts_registry *reg,
                                const struct ts_registry_entry *e)
{
    if (!e->whitelisted)
        return;
    if (reg->n_whitelisted == TS_MAX_WHITELIST)
        ts_reader_fail(r, TS_E_LIMIT);
    else
        reg->whitelist[reg->n_whitelisted++] = e->id;
}

static void read_entries(struct ts_reader *r, struct ts_chain *c)
{
    struct ts_registry *reg = &c->registry;
    ts_read_list(r);
    while (ts_read_more(r)) {
        /* Grown as it is read, so that a short input cannot ask for much memory. */
        if (ts_registry_reserve(reg, 1) != TS_OK) {
            ts_reader_fail(r, TS_E_NOMEM);
            return;
        }
        struct ts_registry_entry *e = &reg->entries[reg->n++];
        *e = (struct ts_registry_entry){0};
        read_entry(r, e);
        if (r->err != TS_OK)
            return;
        ts_reader_want(r, entry_is_possible(e, c));
        ts_reader_want(r, reg->n == 1 || ts_address_compare(&e[-1].id, &e->id) < 0);
        list_if_whitelisted(r, reg, e);
    }
    ts_read_list_end(r);
}

static void read_registry(struct ts_reader *r, struct ts_chain *c)
{
    struct ts_registry *reg = &c->registry;
    ts_read_list(r);
    ts_bytes active = ts_read_bytes(r, sizeof(reg->active.b));
    if (active.n == sizeof(reg->active.b)) {
        reg->has_active = true;
        memcpy(reg->active.b, active.p, active.n);
    } else {
        ts_reader_want(r, active.n == 0);
    }
    read_entries(r, c);
    ts_read_list_end(r);
    reg->term = c->head.term;
    if (r->err == TS_OK)
        check_active(r, reg);
}

ts_err ts_chain_snapshot_read(struct ts_reader *r, const struct ts_genesis *g,
                              const struct ts_crypto *crypto, struct ts_chain *out)
{
    ts_hash genesis;
    *out = (struct ts_chain){.genesis = g, .crypto = crypto};
    ts_read_list(r);
    uint64_t version = ts_read_u64(r);
    if (r->err == TS_OK && version != TS_SNAPSHOT_VERSION)
        ts_reader_fail(r, TS_E_VERSION);
    ts_read_hash(r, &genesis);
    if (r->err == TS_OK && !ts_hash_equal(&genesis, &g->hash))
        ts_reader_fail(r, TS_E_FOREIGN);
    read_head(r, &out->head);
    if (r->err == TS_OK)
        read_recent(r, out);
    if (r->err == TS_OK)
        read_registry(r, out);
    ts_read_list_end(r);
    if (r->err != TS_OK)
        ts_chain_free(out);
    return r->err;
}
