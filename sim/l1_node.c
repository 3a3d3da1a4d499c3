/* SPDX-License-Identifier: Apache-2.0 */
/* What an L1 node answers. It sees the chain as it is when the question comes in, unless it lags;
 * the answer arrives later. Texts are geth's. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "l1.h"

#define GWEI     UINT64_C(1000000000)
#define MAX_LOGS 512 /* blocks in one eth_getLogs */

static void refuse(struct ts_l1_answer *a, ts_err err, const char *text)
{
    a->err = err;
    a->code = -32000;
    a->text = text;
}

/* ---- blocks ---- */

static const struct sim_l1_mined *final_of(const struct sim_world *w,
                                           const struct sim_l1_mined *view)
{
    uint64_t number = view->told.number;
    number = number > w->o.l1.number + SIM_L1_FINAL ? number - SIM_L1_FINAL : w->o.l1.number;
    return sim_l1_at(view, number);
}

static const struct sim_l1_mined *
block_of(const struct sim_world *w, const struct sim_l1_mined *view, const struct ts_l1_call *c)
{
    if (c->tag == TS_L1_FINALIZED)
        return final_of(w, view);
    return c->tag == TS_L1_AT_NUMBER ? sim_l1_at(view, c->number) : view;
}

static void give_block(const struct sim_world *w, const struct sim_l1_mined *b,
                       struct ts_l1_answer *a)
{
    if (b == NULL)
        return;
    a->u.block = (struct ts_l1_answer_block){.found = true,
                                             .number = b->told.number,
                                             .hash = b->told.hash,
                                             .parent = b->told.parent,
                                             .time = b->told.time,
                                             .base_fee = w->l1->base_fee,
                                             .header = ts_bytes_of(b->header, b->n_header)};
}

/* ---- logs ---- */

static bool is_wanted(const struct ts_l1_call *c, const struct ts_l1_log *log)
{
    bool has = c->n_topics == 0;
    for (size_t i = 0; i < c->n_topics; i++)
        has = has || ts_hash_equal(&c->topics[i], &log->topics[0]);
    return has;
}

/* Those of the range, ascending; NULL out: only counted. */
static size_t list_logs(const struct sim_l1_mined *view, const struct ts_l1_call *c,
                        struct ts_l1_log *out)
{
    size_t n = 0;
    const struct sim_l1_mined *b = view;
    for (; b != NULL && b->told.number >= c->from; b = b->parent)
        for (size_t i = b->n_logs; b->told.number <= c->to_block && i-- > 0;)
            if (is_wanted(c, &b->logs[i])) {
                if (out != NULL)
                    out[n] = b->logs[i];
                n++;
            }
    for (size_t i = 0; out != NULL && i < n / 2; i++) {
        struct ts_l1_log swap = out[i];
        out[i] = out[n - 1 - i];
        out[n - 1 - i] = swap;
    }
    return n;
}

/* ---- transactions ---- */

/* The block of the view's line that holds it, or NULL. */
static const struct sim_l1_mined *mined_in(const struct sim_l1_mined *view, size_t tx,
                                           bool *succeeded)
{
    for (; view != NULL; view = view->parent)
        for (size_t i = 0; i < view->n_done; i++)
            if (view->done[i].tx == tx) {
                *succeeded = view->done[i].succeeded;
                return view;
            }
    return NULL;
}

static struct sim_l1_tx *tx_of(struct sim_l1 *l, const ts_hash *hash)
{
    for (size_t i = 0; i < l->n_txs; i++)
        if (ts_hash_equal(&l->txs[i].hash, hash))
            return &l->txs[i];
    return NULL;
}

static void give_tx(struct sim_l1 *l, const struct sim_l1_mined *view, const ts_hash *hash,
                    struct ts_l1_answer *a)
{
    const struct sim_l1_tx *t = tx_of(l, hash);
    bool ok = false;
    const struct sim_l1_mined *b = t != NULL ? mined_in(view, (size_t)(t - l->txs), &ok) : NULL;
    if (b == NULL && (t == NULL || !t->is_queued))
        return;
    a->u.tx = (struct ts_l1_answer_tx){.found = true,
                                       .is_mined = b != NULL,
                                       .block = b != NULL ? b->told.number : 0,
                                       .to = t->to,
                                       .nonce = t->nonce,
                                       .input = t->data};
}

static void give_receipt(struct sim_l1 *l, const struct sim_l1_mined *view, const ts_hash *hash,
                         struct ts_l1_answer *a)
{
    const struct sim_l1_tx *t = tx_of(l, hash);
    bool ok = false;
    const struct sim_l1_mined *b = t != NULL ? mined_in(view, (size_t)(t - l->txs), &ok) : NULL;
    if (b != NULL)
        a->u.receipt = (struct ts_l1_answer_receipt){.found = true,
                                                     .succeeded = ok,
                                                     .block = b->told.number,
                                                     .block_hash = b->told.hash,
                                                     .gas_used = 50000};
}

static void estimate(const struct sim_world *w, const struct sim_l1_mined *view,
                     const struct ts_l1_call *c, struct ts_l1_answer *a)
{
    struct ts_rollup r;
    ts_bytes data;
    const char *why = ts_address_equal(&c->to, &w->genesis.contract)
                          ? sim_l1_refuses(w, view, c->data, &r, &data)
                          : NULL;
    a->u.number = 80000;
    if (why != NULL)
        refuse(a, TS_E_L1_REVERT, why);
}

static void read_tx(ts_bytes raw, struct sim_l1_tx *t)
{
    TS_CHECK(raw.n > 1 && raw.p[0] == 2);
    *t = (struct sim_l1_tx){.raw = sim_copy(raw), .is_queued = true};
    struct ts_reader r = ts_reader_of(ts_bytes_of(t->raw + 1, raw.n - 1));
    ts_read_list(&r);
    TS_CHECK(ts_read_u64(&r) == SIM_L1_CHAIN);
    t->nonce = ts_read_u64(&r);
    t->tip = ts_read_u64(&r);
    t->fee = ts_read_u64(&r);
    (void)ts_read_u64(&r);
    ts_read_address(&r, &t->to);
    (void)ts_read_u256(&r);
    t->data = ts_read_bytes(&r, TS_L1_MAX_INPUT);
    TS_CHECK(r.err == TS_OK);
    ts_keccak256(raw, &t->hash);
}

static const char *not_taken(struct sim_l1 *l, const struct sim_l1_mined *view,
                             const struct sim_l1_tx *t, struct sim_l1_tx **rival)
{
    const struct sim_l1_tx *known = tx_of(l, &t->hash);
    *rival = NULL;
    for (size_t i = 0; i < l->n_txs; i++)
        if (l->txs[i].is_queued && l->txs[i].nonce == t->nonce)
            *rival = &l->txs[i];
    if (known != NULL && known->is_queued)
        return "already known";
    if (t->nonce < view->nonce)
        return "nonce too low";
    if (*rival != NULL && (t->fee < (*rival)->fee + (*rival)->fee / 10 ||
                           t->tip < (*rival)->tip + (*rival)->tip / 10))
        return "replacement transaction underpriced";
    return NULL;
}

static void take_tx(struct sim_world *w, const struct sim_l1_mined *view, ts_bytes raw,
                    struct ts_l1_answer *a)
{
    struct sim_l1 *l = w->l1;
    struct sim_l1_tx t, *rival, *known;
    read_tx(raw, &t);
    a->u.hash = t.hash;
    const char *why = not_taken(l, view, &t, &rival);
    known = tx_of(l, &t.hash);
    if (why == NULL && rival != NULL)
        rival->is_queued = false;
    if (why == NULL && known != NULL)
        known->is_queued = true;
    if (why != NULL)
        refuse(a, TS_E_L1_REFUSED, why);
    if (why != NULL || known != NULL) {
        free(t.raw);
        return;
    }
    t.is_slow = sim_chance(&l->rng, 15);
    if (l->n_txs == l->cap_txs) {
        l->cap_txs = l->cap_txs != 0 ? 2 * l->cap_txs : 16;
        l->txs = sim_must(realloc(l->txs, l->cap_txs * sizeof(*l->txs)));
    }
    l->txs[l->n_txs++] = t;
}

/* ---- answers ---- */

static void make(struct sim_world *w, const struct sim_l1_mined *view, const struct ts_l1_call *c,
                 struct ts_l1_answer *a)
{
    struct sim_l1 *l = w->l1;
    switch (c->method) {
    case TS_L1_CHAIN_ID:
        a->u.number = SIM_L1_CHAIN;
        return;
    case TS_L1_BLOCK:
        give_block(w, block_of(w, view, c), a);
        return;
    case TS_L1_TX:
        give_tx(l, view, &c->hash, a);
        return;
    case TS_L1_RECEIPT:
        give_receipt(l, view, &c->hash, a);
        return;
    case TS_L1_NONCE: {
        const struct sim_l1_mined *b = block_of(w, view, c);
        a->u.number = b != NULL ? b->nonce : 0;
        return;
    }
    case TS_L1_FEES:
        a->u.fees = (struct ts_l1_answer_fees){.base_fee = l->base_fee, .tip = GWEI};
        return;
    case TS_L1_ESTIMATE:
        estimate(w, view, c, a);
        return;
    case TS_L1_VIEW:
        a->u.bytes = ts_bytes_of(w->genesis.hash.b, sizeof(w->genesis.hash.b));
        return;
    case TS_L1_SEND:
        take_tx(w, view, c->data, a);
        return;
    default:
        refuse(a, TS_E_L1_REFUSED, "the method does not exist");
        return;
    }
}

static void send_back(struct sim_world *w, int who, enum sim_l1_asker asker,
                      struct sim_l1_answer *x)
{
    const struct sim_l1_party *p = sim_l1_party(w, who);
    uint64_t us = w->o.l1.node_us + sim_below(&w->l1->rng, w->o.l1.node_us + 1);
    if (w->now < p->slow_until)
        us += sim_below(&w->l1->rng, 12 * SIM_S);
    struct sim_ev *ev = sim_schedule(w, w->now + us, EV_L1_ANSWER, who);
    ev->gen = sim_l1_proc(w, who)->runs;
    ev->link = asker;
    ev->bytes = (uint8_t *)x;
}

void sim_l1_call(struct sim_world *w, int who, enum sim_l1_asker asker,
                 const struct ts_l1_call *call)
{
    struct sim_l1_party *p = sim_l1_party(w, who);
    size_t n = 0;
    if (p->shown != NULL)
        p->view = p->shown;
    else if (p->view == NULL || w->now >= p->lag_until)
        p->view = w->l1->tip;
    if (call->method == TS_L1_LOGS)
        n = list_logs(p->view, call, NULL);
    struct sim_l1_answer *x = sim_must(calloc(1, sizeof(*x) + n * sizeof(x->logs[0])));
    x->a = (struct ts_l1_answer){.id = call->id, .method = call->method, .text = ""};
    if (w->now < p->down_until) {
        refuse(&x->a, TS_E_CLOSED, "connection refused");
    } else if (call->method == TS_L1_LOGS && call->to_block - call->from >= MAX_LOGS) {
        refuse(&x->a, TS_E_L1_REFUSED, "query exceeds max block range 512");
    } else if (call->method == TS_L1_LOGS) {
        x->a.u.logs.n = list_logs(p->view, call, x->logs);
        x->a.u.logs.log = x->logs;
    } else {
        make(w, p->view, call, &x->a);
    }
    if (w->now < p->slow_until && sim_chance(&w->l1->rng, 15)) {
        free(x); /* it took effect, and nobody hears of it */
        return;
    }
    send_back(w, who, asker, x);
}
