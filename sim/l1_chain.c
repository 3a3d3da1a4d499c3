/* SPDX-License-Identifier: Apache-2.0 */
/* L1's blocks and forks, and what is in a block. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "l1.h"
#include "operator.h"

#define GWEI UINT64_C(1000000000)

const struct sim_l1_mined *sim_l1_at(const struct sim_l1_mined *tip, uint64_t number)
{
    while (tip != NULL && tip->told.number > number)
        tip = tip->parent;
    return tip != NULL && tip->told.number == number ? tip : NULL;
}

/* ---- the whitelist ---- */

static void list_ids(const struct sim_world *w, uint32_t list, ts_address *out, size_t *n)
{
    *n = 0;
    for (unsigned i = 0; i < w->n_enclaves && i < SIM_MAX_ENCLAVES; i++) {
        if ((list >> i & 1) == 0)
            continue;
        size_t at = (*n)++;
        for (; at > 0 && ts_address_compare(&out[at - 1], &w->enclaves[i].id) > 0; at--)
            out[at] = out[at - 1];
        out[at] = w->enclaves[i].id;
    }
}

static bool has_effect(uint32_t list, const struct sim_l1_act *a)
{
    return a->newest == NULL && ((list >> a->enclave & 1) == 0) == a->is_grant;
}

void sim_l1_act(struct sim_world *w, unsigned enclave, bool grant)
{
    struct sim_l1 *l = w->l1;
    if (l->n_gov == SIM_L1_ACTS)
        return;
    l->gov[l->n_gov++] = (struct sim_l1_act){.enclave = enclave, .is_grant = grant};
}

bool sim_l1_act_back(struct sim_world *w, uint64_t most)
{
    struct sim_l1 *l = w->l1;
    struct sim_l1_act a = {.newest = l->tip->taken, .kept = l->tip->taken};
    if (a.newest == NULL || l->n_gov == SIM_L1_ACTS)
        return false;
    for (; most > 0 && a.kept != NULL; most--)
        a.kept = a.kept->before;
    l->gov[l->n_gov++] = a;
    return true;
}

uint32_t sim_l1_list_to_be(const struct sim_world *w)
{
    uint32_t list = w->l1->tip->list;
    for (size_t i = 0; i < w->l1->n_gov; i++)
        if (has_effect(list, &w->l1->gov[i]))
            list ^= UINT32_C(1) << w->l1->gov[i].enclave;
    return list;
}

static void take_acts(struct sim_world *w, struct sim_l1_mined *b)
{
    struct sim_l1 *l = w->l1;
    for (size_t i = 0; i < l->n_gov; i++) {
        const struct sim_l1_act *a = &l->gov[i];
        if (has_effect(b->list, a))
            b->list ^= UINT32_C(1) << a->enclave;
        else if (a->newest == NULL || !sim_l1_take_back(w, b, a))
            continue;
        b->acts[b->n_acts++] = *a;
    }
    l->n_gov = 0;
}

/* ---- the contract's calls ---- */

const char *sim_l1_refuses(const struct sim_world *w, const struct sim_l1_mined *parent,
                           ts_bytes data, struct ts_rollup *r, ts_bytes *rollup_data)
{
    if (ts_l1_read_publish(data, r, rollup_data) != TS_OK)
        return "no such function";
    return sim_l1_rollup_refused(w, parent, parent, r, *rollup_data);
}

/* ---- transactions of the host's account ---- */

static struct sim_l1_tx *queued(struct sim_l1 *l, uint64_t nonce)
{
    for (size_t i = 0; i < l->n_txs; i++)
        if (l->txs[i].is_queued && l->txs[i].nonce == nonce)
            return &l->txs[i];
    return NULL;
}

static void run_tx(struct sim_world *w, struct sim_l1_mined *b, struct sim_l1_tx *t)
{
    struct ts_rollup r;
    ts_bytes data;
    bool is_call = ts_address_equal(&t->to, &w->genesis.contract);
    bool ok = !is_call || (ts_l1_read_publish(t->data, &r, &data) == TS_OK &&
                           sim_l1_rollup_refused(w, b, b->parent, &r, data) == NULL);
    b->done = sim_must(realloc(b->done, (b->n_done + 1) * sizeof(*b->done)));
    b->done[b->n_done++] = (struct sim_l1_done){(size_t)(t - w->l1->txs), ok};
    if (ok && is_call)
        sim_l1_add_rollup(w, b, &r, data);
    t->is_queued = false;
    b->nonce++;
}

static void take_txs(struct sim_world *w, struct sim_l1_mined *b)
{
    struct sim_l1 *l = w->l1;
    struct sim_l1_tx *t;
    while ((t = queued(l, b->nonce)) != NULL && t->fee >= l->base_fee && !t->is_slow)
        run_tx(w, b, t);
    for (size_t i = 0; i < l->n_txs; i++) {
        l->txs[i].is_slow = false;
        if (l->txs[i].nonce < b->nonce)
            l->txs[i].is_queued = false; /* another one has its nonce now */
    }
}

/* ---- headers and logs ---- */

static void bloom_add(uint8_t bloom[256], const void *p, size_t n)
{
    ts_hash h;
    ts_keccak256(ts_bytes_of(p, n), &h);
    for (unsigned i = 0; i < 6; i += 2) {
        unsigned bit = ((unsigned)h.b[i] * 256 + h.b[i + 1]) % 2048;
        bloom[255 - bit / 8] = (uint8_t)(bloom[255 - bit / 8] | 1u << (bit % 8));
    }
}

static void make_header(struct sim_world *w, struct sim_l1_mined *b)
{
    static const ts_hash zero;
    uint8_t bloom[256] = {0};
    struct ts_buf h;
    for (size_t i = 0; i < b->n_logs; i++) {
        bloom_add(bloom, w->genesis.contract.b, sizeof(w->genesis.contract.b));
        bloom_add(bloom, b->logs[i].topics[0].b, sizeof(zero.b));
    }
    ts_buf_init(&h, 0);
    size_t list = ts_put_list(&h);
    ts_put_hash(&h, &b->told.parent);
    ts_put_hash(&h, &zero);
    ts_put_address(&h, &(ts_address){{1}});
    for (int i = 0; i < 3; i++)
        ts_put_hash(&h, &zero);
    ts_put_bytes(&h, ts_bytes_of(bloom, sizeof(bloom)));
    ts_put_u64(&h, 0);
    ts_put_u64(&h, b->told.number);
    ts_put_u64(&h, 30000000);
    ts_put_u64(&h, 0);
    ts_put_u64(&h, b->told.time / 1000);
    ts_put_u64(&h, sim_next(&w->l1->rng)); /* no two blocks are the same */
    ts_put_hash(&h, &zero);
    ts_put_bytes(&h, ts_bytes_of("\1\2\3\4\5\6\7\10", 8));
    ts_put_u64(&h, w->l1->base_fee);
    ts_put_list_end(&h, list);
    TS_CHECK(h.err == TS_OK);
    ts_keccak256(ts_buf_bytes(&h), &b->told.hash);
    b->header = h.p;
    b->n_header = h.n;
}

static struct ts_l1_log *add_log(struct sim_world *w, struct sim_l1_mined *b,
                                 enum ts_l1_event_kind kind, const ts_hash *tx, struct ts_buf *data)
{
    TS_CHECK(data->err == TS_OK);
    b->logs = sim_must(realloc(b->logs, (b->n_logs + 1) * sizeof(*b->logs)));
    struct ts_l1_log *log = &b->logs[b->n_logs];
    *log = (struct ts_l1_log){.block = b->told.number,
                              .tx = *tx,
                              .index = 2 * b->n_logs++,
                              .address = w->genesis.contract,
                              .n_topics = 1,
                              .data = ts_buf_bytes(data)};
    ts_l1_event_topic(kind, &log->topics[0]);
    return log;
}

static void log_range(struct sim_world *w, struct sim_l1_mined *b, enum ts_l1_event_kind kind,
                      const ts_hash *tx, const ts_hash *first, struct ts_buf *data)
{
    struct ts_l1_log *log = add_log(w, b, kind, tx, data);
    log->topics[1] = *first;
    log->n_topics = 2;
}

static void log_rollup(struct sim_world *w, struct sim_l1_mined *b, const struct ts_rollup *r,
                       const ts_hash *tx)
{
    struct ts_buf data;
    ts_hash first;
    sim_l1_write_published(w, r, &first, &data);
    log_range(w, b, TS_L1_PUBLISHED, tx, &first, &data);
}

static void log_act(struct sim_world *w, struct sim_l1_mined *b, const struct sim_l1_act *a)
{
    static const ts_hash by_governance = {{0x60}};
    struct ts_buf data;
    ts_hash first;
    if (a->newest != NULL) {
        sim_l1_write_back(w, a, &first, &data);
        log_range(w, b, TS_L1_ROLLED_BACK, &by_governance, &first, &data);
        return;
    }
    ts_buf_init(&data, 0);
    ts_abi_put_address(&data, &w->enclaves[a->enclave].id);
    add_log(w, b, a->is_grant ? TS_L1_GRANTED : TS_L1_REVOKED, &by_governance, &data);
}

static void make_logs(struct sim_world *w, struct sim_l1_mined *b)
{
    size_t rollup = 0;
    for (size_t i = 0; i < b->n_acts; i++)
        log_act(w, b, &b->acts[i]);
    for (size_t i = 0; i < b->n_done; i++) {
        const struct sim_l1_tx *t = &w->l1->txs[b->done[i].tx];
        if (b->done[i].succeeded && ts_address_equal(&t->to, &w->genesis.contract))
            log_rollup(w, b, &b->told.rollups[rollup++].rollup, &t->hash);
    }
}

/* ---- blocks ---- */

static void tell_block(struct sim_world *w, const struct sim_l1_mined *b)
{
    struct sim_event ev = {.kind = SIM_L1_BLOCK,
                           .who = SIM_HOST,
                           .number = b->told.number,
                           .hash = b->told.hash,
                           .l1 = &b->told};
    sim_tell(w, &ev);
}

static struct sim_l1_mined *new_block(struct sim_world *w)
{
    struct sim_l1 *l = w->l1;
    struct sim_l1_mined *b = sim_must(calloc(1, sizeof(*b)));
    ts_time now = SIM_UNIX_START + w->now / 1000 / 1000 * 1000;
    b->parent = l->tip;
    b->told.number = b->parent != NULL ? b->parent->told.number + 1 : w->o.l1.number;
    b->told.time = b->parent != NULL && b->parent->told.time > now ? b->parent->told.time : now;
    if (b->parent != NULL) {
        b->told.parent = b->parent->told.hash;
        b->list = b->parent->list;
        b->nonce = b->parent->nonce;
        b->taken = b->parent->taken;
        b->rollup_last = b->parent->rollup_last;
        b->rollup_hash = b->parent->rollup_hash;
    }
    b->all = l->all;
    l->all = l->tip = b;
    return b;
}

static void finish_block(struct sim_world *w, struct sim_l1_mined *b)
{
    make_logs(w, b);
    make_header(w, b);
    for (size_t i = 0; i < b->n_logs; i++)
        b->logs[i].block_hash = b->told.hash;
    if (b->told.number > w->l1->highest)
        w->l1->highest = b->told.number;
    list_ids(w, b->list, b->told.whitelist, &b->told.n_whitelist);
}

void sim_l1_mine(struct sim_world *w)
{
    struct sim_l1_mined *b = new_block(w);
    w->l1->base_fee = w->now < w->l1->fees_until ? 40 * GWEI : GWEI;
    take_acts(w, b);
    take_txs(w, b);
    finish_block(w, b);
    tell_block(w, b);
    if (w->o.op != NULL && w->o.op->l1_mined != NULL)
        w->o.op->l1_mined(w);
}

/* A block on made_up. Whoever looks at L1 itself never sees it. */
static void mine_made_up(struct sim_world *w, const struct sim_l1_act *act)
{
    struct sim_l1 *l = w->l1;
    struct sim_l1_mined *tip = l->tip;
    uint64_t highest = l->highest;
    l->tip = l->made_up;
    struct sim_l1_mined *b = new_block(w);
    if (act != NULL && has_effect(b->list, act)) {
        b->list ^= UINT32_C(1) << act->enclave;
        b->acts[b->n_acts++] = *act;
    }
    finish_block(w, b);
    l->made_up = b;
    l->tip = tip;
    l->highest = highest;
    sim_l1_party(w, SIM_HOST)->shown = b;
}

/* On no block that L1 may still replace: the host would name what nodes have seen go. */
bool sim_l1_make_up(struct sim_world *w, unsigned enclave, bool grant)
{
    struct sim_l1 *l = w->l1;
    const struct sim_l1_act act = {.enclave = enclave, .is_grant = grant};
    struct sim_l1_mined *b = l->tip;
    while (b != NULL && b->told.number + w->o.l1.confirmations > l->highest + 1)
        b = b->parent;
    if (b == NULL)
        return false;
    l->made_up = b;
    mine_made_up(w, &act);
    while (l->made_up->told.number <= l->tip->told.number)
        mine_made_up(w, NULL);
    return true;
}

/* What was in a block that is gone: mostly it comes again. */
static void give_back(struct sim_world *w, const struct sim_l1_mined *b)
{
    struct sim_l1 *l = w->l1;
    for (size_t i = 0; i < b->n_done; i++)
        l->txs[b->done[i].tx].is_queued = sim_chance(&l->rng, 75);
    bool comes = sim_chance(&l->rng, 80);
    size_t n = comes ? b->n_acts : 0;
    if (n > SIM_L1_ACTS - l->n_gov)
        return;
    memmove(&l->gov[n], &l->gov[0], l->n_gov * sizeof(l->gov[0]));
    memcpy(&l->gov[0], b->acts, n * sizeof(l->gov[0]));
    l->n_gov += n;
}

void sim_l1_back(struct sim_world *w, uint64_t depth, bool falls)
{
    struct sim_l1 *l = w->l1;
    uint64_t comes = depth;
    for (uint64_t i = 0; i < depth && l->tip->parent != NULL; i++) {
        give_back(w, l->tip);
        l->tip = l->tip->parent;
    }
    struct sim_event ev = {.kind = SIM_L1_REORG, .who = SIM_HOST, .number = l->tip->told.number};
    sim_tell(w, &ev);
    if (falls)
        comes = 1; /* the others with time: L1's newest number goes back */
    else if (sim_chance(&l->rng, 40))
        comes++;
    for (size_t i = 0; i < l->n_txs; i++)
        l->txs[i].is_slow = sim_chance(&l->rng, 30);
    while (comes-- > 0)
        sim_l1_mine(w);
}

/* ---- its life ---- */

void sim_l1_new(struct sim_world *w)
{
    struct ts_genesis *g = &w->genesis;
    struct sim_l1 *l;
    if (!w->o.l1.is_there)
        return;
    w->l1 = l = sim_must(calloc(1, sizeof(*l)));
    l->rng.state = w->o.seed * UINT64_C(0x27d4eb2f) + 9;
    l->base_fee = GWEI;
    for (unsigned i = 0; i < sizeof(l->key.b); i++)
        l->key.b[i] = (uint8_t)(1 + sim_below(&l->rng, 200));
    memset(&g->contract, 0xc0, sizeof(g->contract));
    g->l1_chain_id = SIM_L1_CHAIN;
    struct sim_l1_mined *b = new_block(w);
    b->told.time = SIM_UNIX_START;
    b->list = (UINT32_C(1) << (w->o.enclaves - w->o.l1.spares)) - 1;
    finish_block(w, b);
    g->l1_number = b->told.number;
    g->l1_hash = b->told.hash;
}

static void free_block(struct sim_l1_mined *b)
{
    for (size_t i = 0; i < b->n_logs; i++)
        free((void *)(uintptr_t)b->logs[i].data.p);
    free(b->logs);
    free(b->done);
    free(b->told.rollups);
    free(b->told.taken_back);
    free(b->header);
    free(b);
}

void sim_l1_free(struct sim_world *w)
{
    struct sim_l1 *l = w->l1;
    if (l == NULL)
        return;
    for (int who = SIM_HOST; who < SIM_MAX_NODES; who++)
        sim_l1_stop(w, who);
    while (l->all != NULL) {
        struct sim_l1_mined *b = l->all;
        l->all = b->all;
        free_block(b);
    }
    while (l->taken != NULL) {
        struct sim_l1_taken *t = l->taken;
        l->taken = t->all;
        free(t);
    }
    for (size_t i = 0; i < l->n_txs; i++)
        free(l->txs[i].raw);
    free(l->txs);
    free(l);
    w->l1 = NULL;
}

static void next_block_later(struct sim_world *w)
{
    struct sim_l1 *l = w->l1;
    uint64_t us = w->o.l1.block_us;
    us += sim_below(&l->rng, us + 1) * (w->now < l->slow_until ? 6 : 1);
    sim_schedule(w, w->now + us, EV_L1_BLOCK, SIM_HOST);
}

void sim_l1_begin(struct sim_world *w)
{
    if (w->l1 == NULL)
        return;
    /* Nobody knew it before the contract was there: what is hashed in the logs needs its domain. */
    w->l1->tip->rollup_hash = w->genesis.hash;
    tell_block(w, w->l1->tip);
    next_block_later(w);
}

void sim_l1_event(struct sim_world *w, struct sim_ev *ev)
{
    if (ev->kind != EV_L1_BLOCK) {
        sim_l1_party_event(w, ev);
        return;
    }
    sim_l1_mine(w);
    if (w->l1->made_up != NULL)
        mine_made_up(w, NULL);
    next_block_later(w);
}
