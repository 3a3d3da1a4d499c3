/* SPDX-License-Identifier: Apache-2.0 */
/* Row 28: publishes a rollup that differs from the batches, signed with the key of a listed
 * enclave, which others know. The contract cannot tell: it knows no batches. Nodes compare. */
#include <string.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "sim/l1.h"
#include "sim/operators.h"

#define MAX_MADE 64

enum { MISMATCH };

static const struct sim_expect expects[] = {
    [MISMATCH] = {.kind = SIM_FOUND,
                  .finding = TS_F_ROLLUP_MISMATCH,
                  .is_about_who = true,
                  .batches = 120},
    {0},
};

enum how { LEFT_OUT, OTHER_TIME, NO_DATA, OTHER_LINE, OTHER_ROOT, N_WAYS };

struct state {
    bool is_begun;
    enum how how;
    unsigned enclave; /* whose key signs */
    struct ts_buf data;
    ts_hash made[MAX_MADE]; /* the Keccak hash of each, signature included */
    size_t n_made;
};

static void begin(struct sim_world *w)
{
    struct state *s = sim_op_state(w, sizeof(*s));
    ts_buf_init(&s->data, 0);
    s->how = (enum how)sim_below(&w->op_rng, N_WAYS);
    sim_op_begin(w);
}

static void end(struct sim_world *w)
{
    struct state *s = w->op_state;
    ts_buf_free(&s->data);
}

static void wake(struct sim_world *w, uint64_t token)
{
    struct state *s = w->op_state;
    (void)token;
    if (!sim_op_is_calm(w)) {
        sim_op_later(w, 0);
        return;
    }
    s->enclave = (unsigned)sim_below(&w->op_rng, w->o.enclaves);
    s->is_begun = true;
}

/* ---- the forgery ---- */

static void leave_out(struct ts_rollup_batch *b, size_t n)
{
    for (size_t i = n; i-- > 0;)
        if (b[i].n_txs > 0) {
            b[i].n_txs--;
            return;
        }
    b[n - 1].time++; /* there are none */
}

static void encode_other(struct state *s, const struct ts_rollup *r, ts_bytes data)
{
    size_t n = (size_t)(r->last_number - r->first_number + 1);
    struct ts_rollup_batch *b;
    struct ts_arena arena;
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    TS_CHECK(ts_rollup_decode(data, n, &arena, &b) == TS_OK);
    if (s->how == LEFT_OUT)
        leave_out(b, n);
    else
        b[n - 1].time++;
    TS_CHECK(ts_rollup_encode(b, n, ts_rollup_data_max(n), &s->data, NULL) == TS_OK);
    ts_arena_free(&arena);
}

static void mark(const struct ts_rollup *r, ts_hash *out)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_rollup_put(&b, r);
    ts_keccak256(ts_buf_bytes(&b), out);
    ts_buf_free(&b);
}

static ts_bytes publishes(struct sim_world *w, struct ts_rollup *r, ts_bytes data)
{
    struct state *s = w->op_state;
    ts_hash digest;
    if (!s->is_begun || w->done_us != 0 || s->n_made == MAX_MADE)
        return data;
    ts_buf_reset(&s->data);
    if (s->how == LEFT_OUT || s->how == OTHER_TIME)
        encode_other(s, r, data);
    else if (s->how != NO_DATA)
        ts_buf_put(&s->data, data.p, data.n);
    if (s->how == OTHER_LINE)
        r->last_hash.b[sim_below(&w->op_rng, 32)] ^= 1;
    if (s->how == OTHER_LINE || s->how == OTHER_ROOT)
        r->protocol_root.b[sim_below(&w->op_rng, 32)] ^= 1;
    ts_keccak256(ts_buf_bytes(&s->data), &r->data_hash);
    ts_rollup_hash(&w->genesis.domain, r, &digest);
    TS_CHECK(ts_sign(w->crypto, &w->enclaves[s->enclave].key, &digest, &r->sig) == TS_OK);
    mark(r, &s->made[s->n_made++]);
    return ts_buf_bytes(&s->data);
}

/* ---- it is there ---- */

static bool is_made(const struct state *s, const struct ts_rollup *r)
{
    ts_hash of;
    mark(r, &of);
    for (size_t i = 0; i < s->n_made; i++)
        if (ts_hash_equal(&s->made[i], &of))
            return true;
    return false;
}

/* When it is confirmed at the host, and at no node before. */
static void l1_mined(struct sim_world *w)
{
    struct state *s = w->op_state;
    uint64_t newest = w->l1->tip->told.number + 1;
    if (!s->is_begun || w->done_us != 0 || newest < w->o.l1.confirmations)
        return;
    const struct sim_l1_mined *b = sim_l1_at(w->l1->tip, newest - w->o.l1.confirmations);
    for (; b != NULL; b = b->parent)
        for (size_t i = 0; i < b->told.n_rollups; i++)
            if (w->done_us == 0 && is_made(s, &b->told.rollups[i].rollup)) {
                sim_op_lie(w, MISMATCH, (int)s->enclave, NULL, "a rollup on L1 is false");
                sim_op_done(w);
            }
}

const struct sim_operator sim_op_false_rollup = {
    .name = "false-rollup",
    .row = 28,
    .what = "a rollup differs from the batches",
    .expects = expects,
    .tail = 20,
    .has_l1 = true,
    .begin = begin,
    .wake = wake,
    .l1_mined = l1_mined,
    .publishes = publishes,
    .end = end,
};
