/* SPDX-License-Identifier: Apache-2.0 */
/* Batches in the making, and chains compared. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/registry.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "testnet.h"

static struct tn_draft *new_draft(struct testnet *net, size_t producer)
{
    struct tn_draft *d = calloc(1, sizeof(*d));
    TS_CHECK(d != NULL);
    d->next = net->drafts;
    net->drafts = d;
    ts_buf_init(&d->raw, 0);
    d->sealer = producer;
    d->payload = (struct ts_payload){.transitions = d->transitions,
                                     .reports = d->reports,
                                     .absent = d->absent,
                                     .notices = d->notices};
    return d;
}

static bool holds(const ts_address *list, size_t n, const ts_address *id)
{
    for (size_t i = 0; i < n; i++) {
        if (ts_address_equal(&list[i], id))
            return true;
    }
    return false;
}

static bool listed_before(const struct testnet *net, const ts_address *id)
{
    return holds(net->chain.registry.whitelist, net->chain.registry.n_whitelisted, id);
}

static bool listed_after(const struct testnet *net, const ts_address *id)
{
    return (listed_before(net, id) || holds(net->adds, net->n_adds, id)) &&
           !holds(net->removes, net->n_removes, id);
}

/* The newest term of an enclave's Actives that would take effect in the next batch; 0: none. */
static uint64_t term_in_offer(const struct testnet *net, const struct tn_enclave *e)
{
    uint64_t term = 0;
    for (size_t k = 0; k < e->n_unpublished; k++) {
        if (ts_active_takes_effect(&net->chain, &e->unpublished[k], net->chain.registry.term,
                                   listed_after(net, &e->id)))
            term = e->unpublished[k].term;
    }
    return term;
}

/* Whether the producer takes this enclave's events. */
static bool is_taken(const struct testnet *net, const struct tn_enclave *e,
                     const struct tn_enclave *producer)
{
    if (!e->up || (!listed_before(net, &e->id) && !listed_after(net, &e->id)))
        return false;
    uint64_t term = term_in_offer(net, e);
    return e == producer || term == 0 || term < term_in_offer(net, producer);
}

static void add_transitions(struct tn_draft *d, const struct tn_enclave *e)
{
    for (size_t k = 0; k < e->n_unpublished; k++)
        d->transitions[d->payload.n_transitions++] = e->unpublished[k];
}

static bool fresh_enough(const struct testnet *net, size_t i)
{
    const struct tn_enclave *e = &net->enclaves[i];
    const struct ts_registry_entry *entry = tn_entry(net, i);
    uint64_t number = net->chain.head.number + 1;
    if (number - e->head.number > net->genesis.params.max_report_lag)
        return false;
    return entry == NULL || !entry->has_report || !ts_hash_equal(&entry->boot_id, &e->boot_id) ||
           e->head.number > entry->last_report_head;
}

static void account(struct testnet *net, struct tn_draft *d, const struct tn_enclave *producer)
{
    for (size_t i = 0; i < net->n; i++) {
        const struct tn_enclave *e = &net->enclaves[i];
        if (!listed_after(net, &e->id))
            continue;
        if (is_taken(net, e, producer) && fresh_enough(net, i))
            d->reports[d->payload.n_reports++] = tn_report(net, i);
        else
            d->absent[d->payload.n_absent++] = e->id;
    }
}

static ts_time header_time(const struct testnet *net, const struct tn_draft *d)
{
    ts_time time = net->time;
    ts_time events = ts_payload_time(&d->payload);
    if (time < net->chain.head.time)
        time = net->chain.head.time;
    return time > events ? time : events;
}

static bool must_report(const struct testnet *net, const struct tn_draft *d)
{
    return d->header.number % net->genesis.params.report_every == 0 ||
           d->payload.n_transitions > 0 || d->payload.n_notices > 0;
}

static void fill_header(const struct testnet *net, struct tn_draft *d,
                        const struct tn_enclave *producer)
{
    const struct ts_head *head = &net->chain.head;
    uint64_t term = term_in_offer(net, producer);
    d->header = (struct ts_batch_header){.parent_hash = head->hash,
                                         .number = head->number + 1,
                                         .time = header_time(net, d),
                                         .term = term != 0 ? term : head->term,
                                         .producer = producer->id,
                                         .l1_number = head->l1_number,
                                         .l1_hash = head->l1_hash,
                                         .state_root = head->state_root};
    if (net->l1_number <= head->l1_number)
        return;
    d->header.l1_number = net->l1_number;
    d->header.l1_hash = tn_l1_block(net->l1_number, 0, NULL).hash;
}

static void announce(const struct testnet *net, struct tn_draft *d)
{
    if (net->n_adds + net->n_removes == 0)
        return;
    if (net->l1_number <= net->chain.head.l1_number)
        d->header.l1_number++;
    d->header.l1_hash = tn_l1_block(d->header.l1_number, 0, NULL).hash;
    tn_set_change(d, &(struct ts_whitelist_change){.l1_number = d->header.l1_number,
                                                   .l1_hash = d->header.l1_hash,
                                                   .added = (ts_address *)(uintptr_t)net->adds,
                                                   .n_added = net->n_adds,
                                                   .removed = (ts_address *)(uintptr_t)net->removes,
                                                   .n_removed = net->n_removes});
}

struct tn_draft *tn_draft(struct testnet *net, size_t producer)
{
    const struct tn_enclave *p = &net->enclaves[producer];
    struct tn_draft *d = new_draft(net, producer);
    add_transitions(d, p);
    for (size_t i = 0; i < net->n; i++) {
        const struct tn_enclave *e = &net->enclaves[i];
        if (e != p && is_taken(net, e, p))
            add_transitions(d, e);
    }
    fill_header(net, d, p);
    announce(net, d);
    if (must_report(net, d))
        account(net, d, p);
    return d;
}

struct ts_restart_event *tn_report_of(struct testnet *net, struct tn_draft *d, size_t i)
{
    size_t k = 0;
    while (k < d->payload.n_reports &&
           !ts_address_equal(&d->payload.reports[k].enclave_id, tn_id(net, i)))
        k++;
    TS_CHECK(k < d->payload.n_reports);
    return &d->payload.reports[k];
}

struct ts_lifecycle_event *tn_transition_of(struct testnet *net, struct tn_draft *d, size_t i)
{
    size_t k = 0;
    while (k < d->payload.n_transitions &&
           !ts_address_equal(&d->payload.transitions[k].enclave_id, tn_id(net, i)))
        k++;
    TS_CHECK(k < d->payload.n_transitions);
    return &d->payload.transitions[k];
}

static void drop_transitions(struct tn_draft *d, const ts_address *id)
{
    struct ts_payload *p = &d->payload;
    size_t kept = 0;
    for (size_t k = 0; k < p->n_transitions; k++) {
        if (!ts_address_equal(&p->transitions[k].enclave_id, id))
            p->transitions[kept++] = p->transitions[k];
    }
    p->n_transitions = kept;
}

static bool drop_report(struct tn_draft *d, const ts_address *id)
{
    struct ts_payload *p = &d->payload;
    size_t kept = 0;
    size_t before = p->n_reports;
    for (size_t k = 0; k < before; k++) {
        if (!ts_address_equal(&p->reports[k].enclave_id, id))
            p->reports[kept++] = p->reports[k];
    }
    p->n_reports = kept;
    return kept < before;
}

void tn_leave_out(struct testnet *net, struct tn_draft *d, size_t i)
{
    struct ts_payload *p = &d->payload;
    const ts_address *id = tn_id(net, i);
    drop_transitions(d, id);
    if (!must_report(net, d)) {
        p->n_reports = 0;
        p->n_absent = 0;
        return;
    }
    if (!drop_report(d, id))
        return;
    size_t at = p->n_absent++;
    for (; at > 0 && ts_address_compare(&p->absent[at - 1], id) > 0; at--)
        p->absent[at] = p->absent[at - 1];
    p->absent[at] = *id;
}

void tn_set_notice(struct tn_draft *d, uint64_t type, ts_bytes body)
{
    TS_CHECK(body.n <= sizeof(d->notice_body));
    memcpy(d->notice_body, body.p, body.n);
    d->payload.notices[0] =
        (struct ts_notice){.type = type, .body = ts_bytes_of(d->notice_body, body.n)};
    d->payload.n_notices = 1;
}

void tn_set_change(struct tn_draft *d, const struct ts_whitelist_change *c)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_whitelist_change_put(&b, c);
    TS_CHECK(b.err == TS_OK);
    tn_set_notice(d, TS_NOTICE_WHITELIST, ts_buf_bytes(&b));
    ts_buf_free(&b);
}

static void seal_of(struct testnet *net, const struct ts_batch *b, size_t sealer, ts_sig *out)
{
    struct ts_batch_seal seal;
    struct ts_buf payload;
    ts_hash digest;
    ts_buf_init(&payload, 0);
    ts_payload_put(&payload, &b->payload);
    ts_header_hash(&net->genesis.domain, &b->header, &seal.batch_hash);
    ts_protocol_root(&net->chain.head.protocol_root, ts_buf_bytes(&payload), &seal.protocol_root);
    ts_seal_digest(&net->genesis.domain, &seal, &digest);
    TS_CHECK(ts_sign(net->crypto, &net->enclaves[sealer].key, &digest, out) == TS_OK);
    ts_buf_free(&payload);
}

void tn_seal(struct testnet *net, struct tn_draft *d)
{
    struct ts_batch b = {.txs = d->txs, .n_txs = d->n_txs, .payload = d->payload};
    if (!d->keep_tx_root)
        ts_tx_root(&b, &d->header.tx_root);
    b.header = d->header;
    seal_of(net, &b, d->sealer, &b.seal);
    ts_buf_reset(&d->raw);
    ts_batch_put(&d->raw, &b);
    TS_CHECK(d->raw.err == TS_OK);
}

ts_err tn_check_raw(struct testnet *net, ts_bytes raw)
{
    struct ts_arena arena;
    struct ts_batch b;
    ts_arena_init(&arena, 0);
    memset(&net->fault, 0, sizeof(net->fault));
    ts_err err = ts_batch_decode(raw, TS_MAX_BATCH_BYTES, &arena, &b);
    if (err == TS_OK)
        err = ts_batch_check(&net->chain, &b, NULL, net->effect, &net->fault);
    /* The effect must not lean on the batch. */
    ts_arena_free(&arena);
    return err;
}

ts_err tn_check(struct testnet *net, struct tn_draft *d)
{
    tn_seal(net, d);
    return tn_check_raw(net, ts_buf_bytes(&d->raw));
}

void tn_fold(const struct testnet *net, uint64_t number, struct ts_chain *out)
{
    struct ts_effect *effect = ts_effect_new();
    TS_CHECK(effect != NULL);
    TS_CHECK(ts_chain_init(out, &net->genesis, net->crypto, &net->genesis_root) == TS_OK);
    for (uint64_t n = 1; n <= number; n++) {
        struct ts_arena arena;
        struct ts_batch b;
        ts_arena_init(&arena, 0);
        tn_decode(net, n, &arena, &b);
        TS_CHECK(ts_batch_check(out, &b, NULL, effect, NULL) == TS_OK);
        ts_arena_free(&arena);
        TS_CHECK(ts_chain_apply(out, effect) == TS_OK);
    }
    ts_effect_free(effect);
}

static bool head_equal(const struct ts_head *a, const struct ts_head *b)
{
    return a->number == b->number && ts_hash_equal(&a->hash, &b->hash) && a->time == b->time &&
           a->term == b->term && a->l1_number == b->l1_number &&
           ts_hash_equal(&a->l1_hash, &b->l1_hash) &&
           ts_hash_equal(&a->state_root, &b->state_root) &&
           ts_hash_equal(&a->protocol_root, &b->protocol_root);
}

static bool entry_equal(const struct ts_registry_entry *a, const struct ts_registry_entry *b)
{
    if (!ts_address_equal(&a->id, &b->id) || a->whitelisted != b->whitelisted ||
        a->role != b->role || !ts_hash_equal(&a->boot_id, &b->boot_id) ||
        !ts_hash_equal(&a->boot_key, &b->boot_key) || a->tip_seq != b->tip_seq ||
        !ts_hash_equal(&a->tip_hash, &b->tip_hash) || a->tip_kind != b->tip_kind ||
        a->tip_term != b->tip_term)
        return false;
    if (a->restart_time != b->restart_time || !ts_hash_equal(&a->restart_head, &b->restart_head) ||
        a->restart_number != b->restart_number || a->started_in != b->started_in ||
        a->has_report != b->has_report || a->last_report_head != b->last_report_head ||
        !ts_hash_equal(&a->last_report_hash, &b->last_report_hash) ||
        a->last_report_in != b->last_report_in || a->restarts != b->restarts)
        return false;
    return ts_bytes_equal(ts_bytes_of(a->boot_ids, a->n_boot_ids * sizeof(ts_hash)),
                          ts_bytes_of(b->boot_ids, b->n_boot_ids * sizeof(ts_hash)));
}

static bool registry_equal(const struct ts_registry *a, const struct ts_registry *b)
{
    if (a->term != b->term || a->has_active != b->has_active || a->n != b->n ||
        a->n_whitelisted != b->n_whitelisted)
        return false;
    if (a->has_active && !ts_address_equal(&a->active, &b->active))
        return false;
    for (size_t i = 0; i < a->n_whitelisted; i++) {
        if (!ts_address_equal(&a->whitelist[i], &b->whitelist[i]))
            return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (!entry_equal(&a->entries[i], &b->entries[i]))
            return false;
    }
    return true;
}

bool tn_chain_equal(const struct ts_chain *a, const struct ts_chain *b)
{
    if (!head_equal(&a->head, &b->head))
        return false;
    for (uint64_t back = 0; back < TS_RECENT && back <= a->head.number; back++) {
        if (!ts_hash_equal(ts_chain_recent(a, a->head.number - back),
                           ts_chain_recent(b, b->head.number - back)))
            return false;
    }
    return registry_equal(&a->registry, &b->registry);
}
