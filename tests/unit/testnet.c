/* SPDX-License-Identifier: Apache-2.0 */
/* The net and its honest enclaves. Batches are in testnet_batch.c. */
#include "testnet.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/l1.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"

#define GENESIS_TIME 1700000000000u

/* A made-up value named by text and two numbers. */
static ts_hash made_up(const char *what, uint64_t a, uint64_t b)
{
    char text[100];
    ts_hash out;
    int n = snprintf(text, sizeof(text), "testnet %s %llu %llu", what, (unsigned long long)a,
                     (unsigned long long)b);
    ts_keccak256(ts_bytes_of(text, (size_t)n), &out);
    return out;
}

static int by_id(const void *a, const void *b)
{
    const struct tn_enclave *x = a;
    const struct tn_enclave *y = b;
    return ts_address_compare(&x->id, &y->id);
}

static void make_keys(struct testnet *net)
{
    for (size_t i = 0; i < net->n; i++) {
        ts_hash secret = made_up("key", i, 0);
        memcpy(net->enclaves[i].key.b, secret.b, sizeof(secret.b));
        TS_CHECK(ts_address_of_key(net->crypto, &net->enclaves[i].key, &net->enclaves[i].id) ==
                 TS_OK);
    }
    qsort(net->enclaves, net->n, sizeof(net->enclaves[0]), by_id);
}

static void *copy_of(const void *p, size_t n)
{
    void *copy = malloc(n + 1);
    TS_CHECK(copy != NULL);
    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

struct ts_l1_evidence tn_l1_block(uint64_t number, uint64_t fork, struct ts_buf *out)
{
    struct ts_buf b;
    ts_hash parent = made_up("l1", number, fork);
    struct ts_l1_evidence at;
    ts_buf_init(&b, 0);
    size_t list = ts_put_list(&b);
    ts_put_hash(&b, &parent);
    for (unsigned i = 0; i < 7; i++) /* uncles to difficulty */
        ts_put_bytes(&b, (ts_bytes){0});
    ts_put_u64(&b, number);
    ts_put_u64(&b, 30000000); /* gas limit and gas used */
    ts_put_u64(&b, 0);
    ts_put_u64(&b, GENESIS_TIME / 1000 + 12 * (number - TN_GENESIS_L1));
    ts_put_list_end(&b, list);
    TS_CHECK(b.err == TS_OK && ts_l1_header_read(ts_buf_bytes(&b), &at, NULL) == TS_OK);
    if (out != NULL)
        ts_buf_put(out, b.p, b.n);
    ts_buf_free(&b);
    return at;
}

static void make_genesis(struct testnet *net, const struct tn_options *o)
{
    struct ts_genesis *g = &net->genesis;
    size_t listed = o->whitelisted != 0 ? o->whitelisted : net->n;
    TS_CHECK(listed <= net->n);
    g->chain_id = 443;
    g->time = GENESIS_TIME;
    g->coinbase = (ts_address){{0xc0}};
    g->whitelist = calloc(listed, sizeof(ts_address));
    TS_CHECK(g->whitelist != NULL);
    for (size_t i = 0; i < listed; i++)
        g->whitelist[g->n_whitelist++] = net->enclaves[i].id;
    g->alloc = copy_of(o->alloc, o->n_alloc * sizeof(o->alloc[0]));
    g->n_alloc = o->n_alloc;
    if (o->l1_chain_id != 0) {
        g->l1_chain_id = o->l1_chain_id;
        g->contract = (ts_address){{0x11}};
        g->l1_number = TN_GENESIS_L1;
        g->l1_hash = tn_l1_block(TN_GENESIS_L1, 0, NULL).hash;
    }
    ts_params_default(&g->params);
    if (o->report_every != 0)
        g->params.report_every = o->report_every;
    if (o->max_report_lag != 0)
        g->params.max_report_lag = o->max_report_lag;
    if (o->max_tx_bytes != 0)
        g->params.max_tx_bytes = o->max_tx_bytes;
    if (o->max_batch_bytes != 0)
        g->params.max_batch_bytes = o->max_batch_bytes;
    TS_CHECK(ts_genesis_finish(g) == TS_OK);
}

struct testnet *tn_new(const struct tn_options *options)
{
    static const struct tn_options defaults;
    const struct tn_options *o = options != NULL ? options : &defaults;
    struct testnet *net = calloc(1, sizeof(*net));
    TS_CHECK(net != NULL && o->enclaves <= TN_MAX_ENCLAVES);
    net->n = o->enclaves != 0 ? o->enclaves : 3;
    net->own_crypto = o->crypto == NULL ? ts_crypto_new() : NULL;
    net->crypto = o->crypto != NULL ? o->crypto : net->own_crypto;
    net->effect = ts_effect_new();
    TS_CHECK(net->crypto != NULL && net->effect != NULL);
    make_keys(net);
    make_genesis(net, o);
    net->genesis_root = o->state_root != NULL ? *o->state_root : made_up("state", 0, 0);
    TS_CHECK(ts_chain_init(&net->chain, &net->genesis, net->crypto, &net->genesis_root) == TS_OK);
    net->time = GENESIS_TIME + 1000;
    return net;
}

void tn_start(struct testnet *net)
{
    for (size_t i = 0; i < net->n; i++) {
        if (tn_entry(net, i) != NULL && tn_entry(net, i)->whitelisted)
            tn_boot(net, i);
    }
    tn_activate(net, 0);
    tn_run(net, 1);
}

struct testnet *tn_running(size_t n)
{
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = n});
    tn_start(net);
    return net;
}

static void free_drafts(struct testnet *net)
{
    while (net->drafts != NULL) {
        struct tn_draft *d = net->drafts;
        net->drafts = d->next;
        ts_buf_free(&d->raw);
        free(d);
    }
}

void tn_free(struct testnet *net)
{
    if (net == NULL)
        return;
    free_drafts(net);
    for (size_t i = 0; i < net->n_history; i++)
        free((void *)(uintptr_t)net->history[i].p);
    free(net->history);
    ts_chain_free(&net->chain);
    ts_effect_free(net->effect);
    ts_genesis_free(&net->genesis);
    ts_crypto_free(net->own_crypto);
    free(net);
}

const ts_address *tn_id(const struct testnet *net, size_t i)
{
    TS_CHECK(i < net->n);
    return &net->enclaves[i].id;
}

size_t tn_index(const struct testnet *net, const ts_address *id)
{
    size_t i = 0;
    while (i < net->n && !ts_address_equal(&net->enclaves[i].id, id))
        i++;
    TS_CHECK(i < net->n);
    return i;
}

const struct ts_registry_entry *tn_entry(const struct testnet *net, size_t i)
{
    return ts_registry_find(&net->chain.registry, tn_id(net, i));
}

void tn_sign_transition_by(const struct testnet *net, struct ts_lifecycle_event *e, size_t i)
{
    ts_hash hash;
    ts_transition_hash(&net->genesis.domain, e, &hash);
    TS_CHECK(ts_sign(net->crypto, &net->enclaves[i].key, &hash, &e->sig) == TS_OK);
}

void tn_sign_transition(const struct testnet *net, struct ts_lifecycle_event *e)
{
    tn_sign_transition_by(net, e, tn_index(net, &e->enclave_id));
}

void tn_sign_report_by(const struct testnet *net, struct ts_restart_event *e, size_t i)
{
    ts_hash hash;
    ts_report_hash(&net->genesis.domain, e, &hash);
    TS_CHECK(ts_sign(net->crypto, &net->enclaves[i].key, &hash, &e->sig) == TS_OK);
}

void tn_sign_report(const struct testnet *net, struct ts_restart_event *e)
{
    tn_sign_report_by(net, e, tn_index(net, &e->enclave_id));
}

static uint64_t tip_seq(const struct tn_enclave *e)
{
    return e->published_seq + e->n_unpublished;
}

static ts_hash tip_hash(const struct testnet *net, const struct tn_enclave *e)
{
    ts_hash hash = e->published_tip;
    if (e->n_unpublished > 0)
        ts_transition_hash(&net->genesis.domain, &e->unpublished[e->n_unpublished - 1], &hash);
    return hash;
}

static void emit(struct testnet *net, struct tn_enclave *e, enum ts_event_kind kind, uint64_t term)
{
    TS_CHECK(e->n_unpublished < TS_MAX_UNPUBLISHED);
    /* No Started or Active that leaves no room for a Passive. */
    TS_CHECK(kind == TS_PASSIVE || e->n_unpublished < TS_MAX_UNPUBLISHED - 1);
    struct ts_lifecycle_event event = {.kind = (uint8_t)kind,
                                       .enclave_id = e->id,
                                       .boot_id = e->boot_id,
                                       .boot_key = e->boot_key,
                                       .seq = tip_seq(e) + 1,
                                       .prev = tip_hash(net, e),
                                       .term = term,
                                       .time = net->time > e->head.time ? net->time : e->head.time,
                                       .batch_head = e->head.hash,
                                       .batch_number = e->head.number};
    tn_sign_transition(net, &event);
    e->unpublished[e->n_unpublished++] = event;
}

void tn_boot(struct testnet *net, size_t i)
{
    struct tn_enclave *e = &net->enclaves[i];
    const struct ts_registry_entry *entry = tn_entry(net, i);
    TS_CHECK(!e->running);
    e->boots++;
    e->running = true;
    e->up = true;
    e->active = false;
    e->boot_id = made_up("boot", i, e->boots);
    e->boot_key = made_up("boot key", i, e->boots);
    e->head = net->chain.head;
    e->published_seq = entry != NULL ? entry->tip_seq : 0;
    e->published_tip = entry != NULL ? entry->tip_hash : net->genesis.hash;
    e->n_unpublished = 0;
    emit(net, e, TS_STARTED, 0);
    e->start_head = e->head;
    e->start_time = e->unpublished[0].time;
}

void tn_crash(struct testnet *net, size_t i)
{
    struct tn_enclave *e = &net->enclaves[i];
    TS_CHECK(e->running);
    e->running = false;
    e->up = false;
    e->active = false;
    e->n_unpublished = 0;
}

void tn_activate_with(struct testnet *net, size_t i, uint64_t term)
{
    struct tn_enclave *e = &net->enclaves[i];
    TS_CHECK(e->running && !e->active);
    emit(net, e, TS_ACTIVE, term);
    e->active = true;
    if (term > net->term)
        net->term = term;
}

void tn_activate(struct testnet *net, size_t i)
{
    tn_activate_with(net, i, net->term + 1);
}

static uint64_t newest_active_term(const struct testnet *net, const struct tn_enclave *e)
{
    for (size_t k = e->n_unpublished; k > 0; k--) {
        if (e->unpublished[k - 1].kind == TS_ACTIVE)
            return e->unpublished[k - 1].term;
    }
    const struct ts_registry_entry *entry = ts_registry_find(&net->chain.registry, &e->id);
    TS_CHECK(entry != NULL && entry->tip_kind == TS_ACTIVE);
    return entry->tip_term;
}

void tn_step_down(struct testnet *net, size_t i)
{
    struct tn_enclave *e = &net->enclaves[i];
    TS_CHECK(e->running && e->active);
    emit(net, e, TS_PASSIVE, newest_active_term(net, e));
    e->active = false;
}

struct ts_restart_event tn_report(const struct testnet *net, size_t i)
{
    const struct tn_enclave *e = &net->enclaves[i];
    TS_CHECK(e->running);
    struct ts_restart_event r = {.enclave_id = e->id,
                                 .boot_id = e->boot_id,
                                 .seq = tip_seq(e),
                                 .last_event = tip_hash(net, e),
                                 .last_restart_time = e->start_time,
                                 .batch_head_at_restart = e->start_head.hash,
                                 .current_batch_head = e->head.hash,
                                 .current_batch_number = e->head.number};
    tn_sign_report(net, &r);
    return r;
}

/* All that is unpublished once more, on top of the published tip. */
static void sign_again(struct testnet *net, struct tn_enclave *e)
{
    size_t n = e->n_unpublished;
    TS_CHECK(n == 0 || e->unpublished[0].kind == TS_STARTED); /* else somebody runs a copy */
    for (size_t k = 0; k < n; k++) {
        e->n_unpublished = k;
        e->unpublished[k].seq = tip_seq(e) + 1;
        e->unpublished[k].prev = tip_hash(net, e);
        tn_sign_transition(net, &e->unpublished[k]);
    }
    e->n_unpublished = n;
}

/* A batch published one of the enclave's transitions. */
static void learn(struct testnet *net, struct tn_enclave *e, const struct ts_lifecycle_event *event)
{
    ts_hash hash;
    ts_hash own;
    ts_transition_hash(&net->genesis.domain, event, &hash);
    e->published_seq = event->seq;
    e->published_tip = hash;
    if (e->n_unpublished > 0) {
        ts_transition_hash(&net->genesis.domain, &e->unpublished[0], &own);
        if (!ts_hash_equal(&hash, &own)) {
            sign_again(net, e);
            return;
        }
        e->n_unpublished--;
        memmove(e->unpublished, e->unpublished + 1, e->n_unpublished * sizeof(e->unpublished[0]));
    }
}

static bool notice_removes(const struct ts_batch *b, const ts_address *id, struct ts_arena *arena)
{
    for (size_t i = 0; i < b->payload.n_notices; i++) {
        struct ts_whitelist_change c;
        if (b->payload.notices[i].type != TS_NOTICE_WHITELIST)
            continue;
        TS_CHECK(ts_whitelist_change_decode(b->payload.notices[i].body, arena, &c) == TS_OK);
        for (size_t k = 0; k < c.n_removed; k++) {
            if (ts_address_equal(&c.removed[k], id))
                return true;
        }
    }
    return false;
}

/* Accepts the child of its head. */
static void follow(struct testnet *net, struct tn_enclave *e, const struct ts_batch *b,
                   struct ts_arena *arena)
{
    TS_CHECK(ts_hash_equal(&b->header.parent_hash, &e->head.hash));
    for (size_t k = 0; k < b->payload.n_transitions; k++) {
        if (ts_address_equal(&b->payload.transitions[k].enclave_id, &e->id))
            learn(net, e, &b->payload.transitions[k]);
    }
    e->head.number = b->header.number;
    e->head.time = b->header.time;
    ts_header_hash(&net->genesis.domain, &b->header, &e->head.hash);
    if (!e->active || ts_address_equal(&b->header.producer, &e->id))
        return;
    if (!notice_removes(b, &e->id, arena))
        emit(net, e, TS_PASSIVE, newest_active_term(net, e));
    e->active = false;
}

/* Everything published since its head. */
static void catch_up(struct testnet *net, struct tn_enclave *e)
{
    struct ts_arena arena;
    ts_arena_init(&arena, 0);
    while (e->head.number < net->chain.head.number) {
        struct ts_batch b;
        ts_arena_reset(&arena);
        tn_decode(net, e->head.number + 1, &arena, &b);
        follow(net, e, &b, &arena);
    }
    ts_arena_free(&arena);
}

void tn_cut(struct testnet *net, size_t i)
{
    TS_CHECK(net->enclaves[i].running);
    net->enclaves[i].up = false;
}

void tn_heal(struct testnet *net, size_t i)
{
    TS_CHECK(net->enclaves[i].running);
    net->enclaves[i].up = true;
    catch_up(net, &net->enclaves[i]);
}

static void insert_sorted(ts_address *list, size_t *n, const ts_address *id)
{
    size_t at = *n;
    TS_CHECK(*n < TS_MAX_WHITELIST);
    for (; at > 0 && ts_address_compare(&list[at - 1], id) > 0; at--)
        list[at] = list[at - 1];
    list[at] = *id;
    (*n)++;
}

void tn_whitelist_add(struct testnet *net, size_t i)
{
    insert_sorted(net->adds, &net->n_adds, tn_id(net, i));
}

void tn_whitelist_remove(struct testnet *net, size_t i)
{
    insert_sorted(net->removes, &net->n_removes, tn_id(net, i));
}

static void keep_history(struct testnet *net, ts_bytes raw)
{
    ts_bytes *grown = realloc(net->history, (net->n_history + 1) * sizeof(*grown));
    TS_CHECK(grown != NULL);
    net->history = grown;
    net->history[net->n_history++] = ts_bytes_of(copy_of(raw.p, raw.n), raw.n);
}

void tn_publish(struct testnet *net, struct tn_draft *d)
{
    ts_err err = tn_check(net, d);
    if (err != TS_OK)
        fprintf(stderr, "batch %llu: %s: %s\n", (unsigned long long)d->header.number,
                ts_err_name(err), net->fault.what);
    TS_CHECK(err == TS_OK);
    TS_CHECK(ts_chain_apply(&net->chain, net->effect) == TS_OK);
    keep_history(net, ts_buf_bytes(&d->raw));
    net->n_adds = 0;
    net->n_removes = 0;
    net->time += 1000;
    for (size_t i = 0; i < net->n; i++) {
        if (net->enclaves[i].up)
            catch_up(net, &net->enclaves[i]);
    }
    free_drafts(net);
}

/* The enclave that is active by its own word, the newest term first. */
static size_t newest_active(const struct testnet *net)
{
    size_t best = net->n;
    uint64_t best_term = 0;
    for (size_t i = 0; i < net->n; i++) {
        const struct tn_enclave *e = &net->enclaves[i];
        if (!e->up || !e->active || newest_active_term(net, e) <= best_term)
            continue;
        best = i;
        best_term = newest_active_term(net, e);
    }
    TS_CHECK(best < net->n);
    return best;
}

void tn_run(struct testnet *net, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tn_publish(net, tn_draft(net, newest_active(net)));
}

ts_bytes tn_raw(const struct testnet *net, uint64_t number)
{
    TS_CHECK(number >= 1 && number <= net->n_history);
    return net->history[number - 1];
}

void tn_decode(const struct testnet *net, uint64_t number, struct ts_arena *arena,
               struct ts_batch *out)
{
    TS_CHECK(ts_batch_decode(tn_raw(net, number), TS_MAX_BATCH_BYTES, arena, out) == TS_OK);
}
