/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/siphash.h"
#include "crypto/sign.h"
#include "crypto_fast.h"
#include "hash_fast.h"
#include "operator.h"

#define TAIL_US    (25 * SIM_S) /* after a lie */
#define AFTER_CALM 20           /* batches that must follow the end of the faults */

void *sim_must(void *p)
{
    TS_CHECK(p != NULL); /* the simulator's own memory does not run out */
    return p;
}

uint8_t *sim_copy(ts_bytes b)
{
    uint8_t *p = sim_must(malloc(b.n + 1));
    if (b.n > 0)
        memcpy(p, b.p, b.n);
    return p;
}

uint64_t sim_later(struct sim_world *w, uint64_t base, uint64_t *last)
{
    uint64_t at = w->now + base + sim_below(&w->rng, base + 1);
    if (last != NULL && at < *last)
        at = *last;
    if (last != NULL)
        *last = at;
    return at;
}

struct ts_now sim_clock(const struct sim_world *w, const struct sim_proc *p)
{
    return (struct ts_now){w->now, SIM_UNIX_START + w->now / 1000 + (uint64_t)p->skew_ms};
}

ts_err sim_random(void *proc, void *out, size_t n)
{
    struct sim_proc *p = proc;
    struct sim_rng r = {p->rng};
    uint8_t *bytes = out;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t x = sim_next(&r);
        memcpy(bytes + i, &x, n - i < 8 ? n - i : 8);
    }
    p->rng = r.state;
    return TS_OK;
}

/* ---- batches ---- */

const struct sim_batch *sim_batch_by(struct sim_world *w, const ts_hash *hash)
{
    struct sim_batch **found = ts_map_get(&w->by_hash, hash->b);
    return found != NULL ? *found : NULL;
}

static int producer_of(const struct sim_world *w, const ts_address *id)
{
    for (unsigned i = 0; i < w->n_enclaves; i++)
        if (ts_address_equal(&w->enclaves[i].id, id))
            return (int)i;
    return -1;
}

static struct sim_batch *make_batch(struct sim_world *w, ts_bytes raw)
{
    static const ts_hash zero;
    struct ts_batch *b;
    ts_hash hash;
    uint8_t *copy = sim_copy(raw);
    if (ts_batch_parse(ts_bytes_of(copy, raw.n), TS_MAX_BATCH_BYTES, &b) != TS_OK) {
        free(copy);
        return NULL;
    }
    ts_header_hash(&w->genesis.domain, &b->header, &hash);
    struct sim_batch *s = sim_must(calloc(1, sizeof(*s)));
    *s = (struct sim_batch){.number = b->header.number,
                            .hash = hash,
                            .producer = producer_of(w, &b->header.producer),
                            .b = b};
    const struct sim_batch *parent = sim_batch_by(w, &b->header.parent_hash);
    s->has_root = b->header.number == 1 || (parent != NULL && parent->has_root);
    if (s->has_root)
        ts_protocol_root(parent != NULL ? &parent->protocol_root : &zero, b->raw_payload,
                         &s->protocol_root);
    return s;
}

const struct sim_batch *sim_batch_of(struct sim_world *w, ts_bytes raw)
{
    uint64_t key = ts_siphash13(w->batches.seed, raw.p, raw.n);
    struct sim_batch **found = ts_map_get(&w->batches, &key);
    if (found != NULL) {
        TS_CHECK(ts_bytes_equal((*found)->b->raw, raw));
        return *found;
    }
    struct sim_batch *s = make_batch(w, raw);
    if (s == NULL)
        return NULL;
    found = sim_must(ts_map_put(&w->batches, &key, NULL));
    *found = s;
    found = sim_must(ts_map_put(&w->by_hash, s->hash.b, NULL));
    if (*found == NULL) /* two payloads may have one header: the first counts */
        *found = s;
    return s;
}

static void free_batches(struct sim_world *w)
{
    size_t at = 0;
    void *value;
    while (ts_map_next(&w->batches, &at, &value) != NULL) {
        struct sim_batch *s = *(struct sim_batch **)value;
        uint8_t *raw = (uint8_t *)(uintptr_t)s->b->raw.p;
        ts_batch_free((struct ts_batch *)(uintptr_t)s->b);
        free(raw);
        free(s);
    }
    ts_map_free(&w->batches);
    ts_map_free(&w->by_hash);
}

/* ---- events ---- */

static bool before(const struct sim_ev *a, const struct sim_ev *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static size_t sift_up(struct sim_world *w, struct sim_ev ev)
{
    if (w->n_heap == w->cap_heap) {
        w->cap_heap = w->cap_heap != 0 ? 2 * w->cap_heap : 256;
        w->heap = sim_must(realloc(w->heap, w->cap_heap * sizeof(ev)));
    }
    size_t i = w->n_heap++;
    for (; i > 0 && before(&ev, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = ev;
    return i;
}

/* The caller fills in the rest at once: the place is good until the next event is scheduled. */
struct sim_ev *sim_schedule(struct sim_world *w, uint64_t at, enum sim_ev_kind kind, int who)
{
    struct sim_ev ev = {
        .at = at > w->now ? at : w->now, .order = ++w->order, .kind = kind, .who = who};
    size_t i = sift_up(w, ev); /* which may move the heap */
    return &w->heap[i];
}

static struct sim_ev pop(struct sim_world *w)
{
    struct sim_ev top = w->heap[0];
    struct sim_ev last = w->heap[--w->n_heap];
    size_t i = 0;
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= w->n_heap)
            break;
        if (c + 1 < w->n_heap && before(&w->heap[c + 1], &w->heap[c]))
            c++;
        if (!before(&w->heap[c], &last))
            break;
        w->heap[i] = w->heap[c];
        i = c;
    }
    w->heap[i] = last;
    return top;
}

/* The process that an event is for, if any. */
static const struct sim_proc *process_of(const struct sim_world *w, const struct sim_ev *ev)
{
    switch (ev->kind) {
    case EV_TO_ENCLAVE:
        return &w->enclaves[ev->who].p;
    case EV_FROM_ENCLAVE:
    case EV_LINK_UP:
    case EV_LINK_DOWN:
        return w->links[ev->link].owner == SIM_HOST ? &w->host.p
                                                    : &w->nodes[w->links[ev->link].owner].p;
    case EV_HOST_TICK:
    case EV_HOST_STORED:
    case EV_HOST_LOADED:
        return &w->host.p;
    case EV_L1_TICK:
    case EV_L1_ANSWER:
        return ev->who == SIM_HOST ? &w->host.p : &w->nodes[ev->who].p;
    case EV_NODE_TICK:
    case EV_NODE_STORED:
    case EV_NODE_LOADED:
    case EV_NODE_LINK:
    case EV_NODE_FRAME:
        return &w->nodes[ev->who].p;
    default:
        return NULL;
    }
}

static void dispatch(struct sim_world *w, struct sim_ev *ev)
{
    switch (ev->kind) {
    case EV_TO_ENCLAVE:
    case EV_FROM_ENCLAVE:
    case EV_LINK_UP:
    case EV_LINK_DOWN:
        sim_wire_event(w, ev);
        return;
    case EV_BOOT:
        sim_boot(w, (unsigned)ev->who);
        return;
    case EV_ENCLAVE_END:
        if (w->enclaves[ev->who].p.runs == ev->token)
            sim_end(w, (unsigned)ev->who, "nobody took over in time");
        return;
    case EV_HOST_TICK:
    case EV_HOST_STORED:
    case EV_HOST_LOADED:
    case EV_HOST_START:
        sim_host_event(w, ev);
        return;
    case EV_NODE_TICK:
    case EV_NODE_STORED:
    case EV_NODE_LOADED:
    case EV_NODE_LINK:
    case EV_NODE_FRAME:
    case EV_NODE_START:
        sim_node_event(w, ev);
        return;
    case EV_TO_SERVER:
        sim_feed_event(w, ev);
        return;
    case EV_WALLET:
        sim_wallet_event(w);
        return;
    case EV_FAULT:
        sim_fault_event(w);
        return;
    case EV_L1_BLOCK:
    case EV_L1_TICK:
    case EV_L1_ANSWER:
        sim_l1_event(w, ev);
        return;
    case EV_HEAL:
        sim_heal_event(w, ev);
        return;
    case EV_OPERATOR:
        w->o.op->wake(w, ev->token);
        return;
    }
}

bool sim_step(struct sim_world *w, uint64_t until)
{
    if (sim_violated(w) || w->n_heap == 0 || w->heap[0].at > until) {
        w->now = until > w->now ? until : w->now;
        return false;
    }
    struct sim_ev ev = pop(w);
    w->now = ev.at;
    const struct sim_proc *p = process_of(w, &ev);
    if (p != NULL && p->asleep_until > w->now) {
        ev.at = p->asleep_until; /* it waits in the process's socket, in its order */
        sift_up(w, ev);
        return true;
    }
    dispatch(w, &ev);
    free(ev.bytes);
    return true;
}

/* ---- a world ---- */

static void make_genesis(struct sim_world *w)
{
    struct ts_genesis *g = &w->genesis;
    const struct sim_options *o = &w->o;
    g->chain_id = 443;
    g->time = SIM_UNIX_START;
    g->n_whitelist = o->enclaves - o->l1.spares;
    g->whitelist = sim_must(calloc(g->n_whitelist, sizeof(*g->whitelist)));
    for (unsigned i = 0; i < g->n_whitelist; i++)
        g->whitelist[i] = w->enclaves[i].id;
    g->n_alloc = SIM_ACCOUNTS;
    g->alloc = sim_must(calloc(g->n_alloc, sizeof(*g->alloc)));
    for (unsigned i = 0; i < SIM_ACCOUNTS; i++) {
        TS_CHECK(ts_address_of_key(w->crypto, &w->accounts[i].key, &g->alloc[i].address) == TS_OK);
        g->alloc[i].balance[i == 0 ? 24 : 20] = 1; /* the first one runs out of it */
    }
    memset(&g->coinbase, 0xcb, sizeof(g->coinbase));
    struct ts_params *p = &g->params;
    ts_params_default(p);
    p->batch_interval_ms = o->interval_us / 1000;
    p->report_every = o->report_every != 0 ? o->report_every : p->report_every;
    p->max_report_lag = o->max_report_lag != 0 ? o->max_report_lag : p->max_report_lag;
    p->max_batch_bytes = o->max_batch_bytes != 0 ? o->max_batch_bytes : p->max_batch_bytes;
    if (p->max_tx_bytes > p->max_batch_bytes / 2)
        p->max_tx_bytes = p->max_batch_bytes / 2;
    p->batch_gas_limit = o->batch_gas_limit != 0 ? o->batch_gas_limit : p->batch_gas_limit;
    p->max_l1_age_ms = o->l1.max_age_ms != 0 ? o->l1.max_age_ms : p->max_l1_age_ms;
    sim_l1_new(w);
    TS_CHECK(ts_genesis_finish(g) == TS_OK);
    TS_CHECK(ts_genesis_encode(g, &w->genesis_raw, &w->n_genesis_raw) == TS_OK);
}

static void make_keys(struct sim_world *w)
{
    struct sim_proc keys = {.rng = w->o.seed * 31 + 7};
    for (unsigned i = 0; i < SIM_ACCOUNTS; i++)
        sim_random(&keys, w->accounts[i].key.b, 32);
    for (unsigned i = 0; i < w->n_enclaves; i++) {
        struct sim_enclave *e = &w->enclaves[i];
        e->w = w;
        sim_random(&keys, e->key.b, 32);
        TS_CHECK(ts_address_of_key(w->crypto, &e->key, &e->id) == TS_OK);
        sim_slots_init(&e->slots);
    }
}

static void make_processes(struct sim_world *w)
{
    struct sim_rng r = {w->o.seed ^ 0x5eed};
    uint64_t skew = w->o.skew_ms;
    w->n_enclaves = w->o.enclaves;
    for (unsigned i = 0; i < w->o.enclaves; i++)
        w->links[i] = (struct sim_link){.owner = SIM_HOST, .no = i, .enclave = i};
    for (unsigned i = 0; i < w->o.nodes; i++) {
        w->nodes[i].p = (struct sim_proc){.rng = sim_next(&r)};
        w->nodes[i].p.skew_ms = (int64_t)sim_below(&r, 2 * skew + 1) - (int64_t)skew;
        sim_disk_init(&w->nodes[i].disk);
        for (unsigned k = 0; k < w->o.n_peers[i]; k++)
            w->nodes[i].feeds[k].server = w->o.peers[i][k];
        if (!w->o.validator[i])
            continue;
        w->links[w->n_enclaves] = (struct sim_link){
            .owner = (int)i, .no = TS_NODE_LINK_ENCLAVE, .enclave = w->n_enclaves};
        w->n_enclaves++;
    }
    for (unsigned i = 0; i < w->n_enclaves; i++) {
        w->enclaves[i].p = (struct sim_proc){.rng = sim_next(&r)};
        w->enclaves[i].p.skew_ms = (int64_t)sim_below(&r, 2 * skew + 1) - (int64_t)skew;
    }
    w->n_frail = w->n_enclaves;
    w->host.p = (struct sim_proc){.rng = sim_next(&r)};
    sim_disk_init(&w->host.disk);
}

static void describe(struct sim_world *w)
{
    struct sim_setting *s = &w->setting;
    *s = (struct sim_setting){.seed = w->o.seed,
                              .genesis = &w->genesis,
                              .crypto = w->crypto,
                              .n_enclaves = w->n_enclaves,
                              .n_whitelisted = w->o.enclaves - w->o.l1.spares,
                              .n_nodes = w->o.nodes,
                              .is_honest = w->o.op == NULL,
                              .interval_us = w->o.interval_us,
                              .has_l1 = w->l1 != NULL,
                              .l1_confirmations = w->o.l1.confirmations,
                              .l1_halt_us = sim_l1_time(w) + 30 * SIM_S,
                              .attack = w->o.op != NULL ? w->o.op->name : NULL,
                              .expects = w->o.op != NULL ? w->o.op->expects : NULL};
    for (unsigned i = 0; i < w->n_enclaves; i++)
        s->enclave[i] = w->enclaves[i].id;
}

struct sim_world *sim_world_new(const struct sim_options *o, bool verbose)
{
    static const uint64_t map_seed[2] = {3, 4};
    struct sim_world *w = sim_must(calloc(1, sizeof(*w)));
    TS_CHECK(o->enclaves >= 1 && o->enclaves <= SIM_MAX_WHITELIST && o->nodes <= SIM_MAX_NODES);
    w->o = *o;
    w->now = SIM_S;
    w->rng.state = o->seed * 0x9e3779b9 + 1;
    w->fault_rng.state = o->seed * 0x85ebca6b + 2;
    w->op_rng.state = o->seed * 0xc2b2ae35 + 3;
    w->spared = -1;
    sim_hash_fast(!o->real_crypto);
    w->real = o->real_crypto ? sim_must(ts_crypto_new()) : NULL;
    w->crypto = o->real_crypto ? w->real : sim_crypto_fast();
    ts_map_init(&w->batches, sizeof(uint64_t), sizeof(struct sim_batch *), map_seed);
    ts_map_init(&w->by_hash, sizeof(ts_hash), sizeof(struct sim_batch *), map_seed);
    ts_map_init(&w->tx_of, sizeof(ts_hash), sizeof(size_t), map_seed);
    ts_arena_init(&w->arena, 0);
    ts_arena_init(&w->op_arena, 0);
    make_processes(w);
    make_keys(w);
    make_genesis(w);
    describe(w);
    sim_trace_init(w, verbose);
    return w;
}

static void begin(struct sim_world *w)
{
    sim_l1_begin(w);
    for (unsigned i = 0; i < w->n_enclaves; i++)
        sim_boot(w, i);
    sim_host_start(w);
    for (unsigned i = 0; i < w->o.nodes; i++)
        sim_node_start(w, i);
    sim_wallets_init(w);
    if (w->o.fault_us != 0)
        sim_schedule(w, w->now + sim_about(&w->fault_rng, w->o.fault_us), EV_FAULT, SIM_HOST);
    if (w->o.op != NULL)
        w->o.op->begin(w);
}

static uint64_t head_of(const struct sim_world *w)
{
    return w->newest != NULL ? w->newest->number : 0;
}

/* The first phase ends when most batches are there, or when faults have kept them back for long. */
static void run_faults(struct sim_world *w)
{
    uint64_t want = w->o.batches - w->o.batches / 8;
    uint64_t limit = w->now + 4 * want * w->o.interval_us + 60 * SIM_S;
    while (head_of(w) < want && sim_step(w, limit))
        ;
}

static bool all_is_settled(const struct sim_world *w, uint64_t number)
{
    for (size_t k = 0; k < w->n_open; k++)
        if (w->txs[w->open[k]].state == STX_ACKED || !w->txs[w->open[k]].is_answered)
            return false;
    for (unsigned i = 0; i < w->o.nodes; i++)
        if (w->nodes[i].head < number)
            return false;
    return true;
}

/* The bounds are the checkers': the world goes on for as long as one of them may still come into
 * play, and ends before when all that they wait for is there. */
static void run_calm(struct sim_world *w)
{
    sim_calm_down(w);
    const struct sim_calm *c = &w->calm;
    uint64_t want = head_of(w) + AFTER_CALM > w->o.batches ? head_of(w) + AFTER_CALM : w->o.batches;
    uint64_t end = w->now + c->first_us + (want - head_of(w)) * (c->between_us + w->o.interval_us);
    while (head_of(w) < want && sim_step(w, end))
        ;
    w->is_quiet = true;
    want = head_of(w);
    end = w->now + c->first_us + c->settle_us + c->nodes_us;
    while (!all_is_settled(w, want) && sim_step(w, end))
        ;
    end += w->l1 != NULL ? 2 * c->rollup_us : 0;
    while (!sim_l1_is_rolled_up(w, want) && sim_step(w, end))
        ;
}

/* Faults go on beside the lie. When all of it is done they end, and the world goes on for as long
 * as any finding may take: batches, and the time in which nodes forgive a peer and ask again. */
static void run_lie(struct sim_world *w)
{
    uint64_t limit = w->now + 4 * w->o.batches * w->o.interval_us + 300 * SIM_S;
    while (w->done_us == 0 && sim_step(w, limit))
        ;
    if (w->done_us == 0 || sim_violated(w))
        return;
    sim_faults_end(w);
    uint64_t want = w->done_number + w->o.op->tail;
    uint64_t until = w->now + TAIL_US;
    limit = until + 4 * w->o.op->tail * w->o.interval_us + 60 * SIM_S;
    while (sim_step(w, until))
        ;
    while (head_of(w) < want && sim_step(w, limit))
        ;
    until = w->now + 2 * SIM_S + 10 * w->o.feed_us;
    while (sim_step(w, until))
        ;
}

void sim_run(struct sim_world *w, struct sim_result *r)
{
    begin(w);
    if (w->o.op != NULL) {
        run_lie(w);
    } else {
        run_faults(w);
        if (!sim_violated(w) && w->o.l1.goes_back)
            sim_l1_go_back(w);
        else if (!sim_violated(w))
            run_calm(w);
    }
    struct sim_event over = {.kind = SIM_OVER, .who = SIM_HOST};
    sim_tell(w, &over);
    sim_trace_result(w, r);
    r->batches = head_of(w);
    r->virtual_us = w->now;
}

void sim_world_free(struct sim_world *w)
{
    if (w->o.op != NULL && w->o.op->end != NULL)
        w->o.op->end(w);
    free(w->op_state);
    sim_l1_free(w);
    ts_host_free(w->host.core);
    sim_disk_free(&w->host.disk);
    for (unsigned i = 0; i < w->o.nodes; i++) {
        ts_node_free(w->nodes[i].core);
        sim_disk_free(&w->nodes[i].disk);
    }
    for (unsigned i = 0; i < w->n_enclaves; i++) {
        ts_enclave_free(w->enclaves[i].core);
        sim_slots_free(&w->enclaves[i].slots);
    }
    for (size_t i = 0; i < w->n_heap; i++)
        free(w->heap[i].bytes);
    free(w->heap);
    sim_wallets_free(w);
    sim_trace_free(w);
    free_batches(w);
    ts_map_free(&w->tx_of);
    ts_arena_free(&w->arena);
    ts_arena_free(&w->op_arena);
    free(w->genesis_raw);
    ts_genesis_free(&w->genesis);
    ts_crypto_free(w->real);
    free(w);
}
