/* SPDX-License-Identifier: Apache-2.0 */
/* What the fake L1's node answers: made when the call comes in, delivered later. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crypto/keccak.h"
#include "fakel1.h"

struct fakel1_answer {
    struct fakel1_answer *next;
    uint64_t due_us;
    struct ts_l1_answer a;
    struct ts_arena arena;
};

static bool happens(struct fakel1 *l, unsigned chance)
{
    return chance > 0 && fakel1_random(l, 1000) < chance;
}

static void queue(struct fakel1 *l, struct fakel1_answer *x)
{
    struct fakel1_answer **at = &l->answers;
    while (*at != NULL && (*at)->due_us <= x->due_us)
        at = &(*at)->next;
    x->next = *at;
    *at = x;
}

static void *copy(struct ts_arena *a, const void *p, size_t n)
{
    void *to = ts_arena_alloc(a, n);
    TS_CHECK(to != NULL);
    return n > 0 ? memcpy(to, p, n) : to;
}

/* ---- blocks ---- */

static void give_block(struct fakel1_answer *x, const struct fakel1_block *b)
{
    if (b == NULL)
        return;
    x->a.u.block = (struct ts_l1_answer_block){
        .found = true,
        .number = b->number,
        .hash = b->hash,
        .parent = b->parent != NULL ? b->parent->hash : (ts_hash){{0}},
        .time = b->time,
        .header = ts_bytes_of(copy(&x->arena, b->header, b->n_header), b->n_header),
    };
}

static const struct fakel1_block *below(const struct fakel1_block *tip, uint64_t number)
{
    const struct fakel1_block *b = tip;
    while (b != NULL && b->number > number)
        b = b->parent;
    return b != NULL && b->number == number ? b : NULL;
}

/* ---- logs and transactions ---- */

static ts_hash tx_hash(const struct fakel1_block *b, size_t i)
{
    ts_hash h, mark = {{(uint8_t)i, 0x7a}};
    ts_keccak256_pair(&b->hash, &mark, &h);
    return h;
}

static ts_bytes log_data(struct fakel1 *l, struct ts_arena *arena, const struct fakel1_block *b,
                         const struct fakel1_act *act, struct ts_l1_log *log)
{
    struct ts_buf buf, data;
    struct ts_rollup r;
    ts_buf_init(&buf, 0);
    ts_buf_init(&data, 0);
    log->n_topics = 1;
    if (act->kind == FAKEL1_ROLLUP) {
        fakel1_rollup(l, b, act, &r, &data);
        log->n_topics = 2;
        ts_abi_put_u64(&buf, r.first_number);
        memcpy(log->topics[1].b, buf.p, 32);
        ts_buf_reset(&buf);
        ts_abi_put_u64(&buf, r.last_number);
        ts_abi_put_hash(&buf, &r.last_hash);
        ts_abi_put_hash(&buf, &r.protocol_root);
        ts_abi_put_hash(&buf, &r.data_hash);
        ts_abi_put_u64(&buf, r.l1_number);
        ts_abi_put_address(&buf, &act->who);
        size_t at = ts_abi_put_offset(&buf);
        ts_abi_point(&buf, 0, at);
        ts_abi_put_bytes(&buf, ts_bytes_of(r.sig.b, sizeof(r.sig.b)));
    } else if (act->kind == FAKEL1_ROLLBACK) {
        log->n_topics = 2;
        ts_abi_put_u64(&buf, act->first);
        memcpy(log->topics[1].b, buf.p, 32);
        ts_buf_reset(&buf);
        ts_abi_put_u64(&buf, act->last);
        ts_abi_put_hash(&buf, &(ts_hash){{(uint8_t)(act->first - 1), 1}});
        ts_abi_put_hash(&buf, &(ts_hash){{(uint8_t)(act->first - 1), 2}});
    } else {
        ts_abi_put_address(&buf, &act->who);
        if (act->kind == FAKEL1_ODD)
            ts_abi_put_u64(&buf, 1);
    }
    TS_CHECK(buf.err == TS_OK);
    ts_bytes out = ts_bytes_of(copy(arena, buf.p, buf.n), buf.n);
    ts_buf_free(&buf);
    ts_buf_free(&data);
    return out;
}

static bool is_wanted(const struct ts_l1_call *c, const ts_hash *topic)
{
    bool has = c->n_topics == 0;
    for (size_t i = 0; i < c->n_topics; i++)
        has = has || ts_hash_equal(&c->topics[i], topic);
    return has;
}

static size_t add_logs(struct fakel1 *l, struct fakel1_answer *x, const struct ts_l1_call *c,
                       const struct fakel1_block *b, struct ts_l1_log *out)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_acts; i++) {
        struct ts_l1_log *log = &out[n];
        ts_l1_event_topic(fakel1_event(b->acts[i].kind), &log->topics[0]);
        if (!is_wanted(c, &log->topics[0]))
            continue;
        log->block = b->number;
        log->block_hash = b->hash;
        log->tx = tx_hash(b, i);
        log->index = 3 * i + 1;
        log->address = l->genesis->contract;
        log->data = log_data(l, &x->arena, b, &b->acts[i], log);
        n++;
    }
    return n;
}

static void give_logs(struct fakel1 *l, struct fakel1_answer *x, const struct ts_l1_call *c,
                      const struct fakel1_block *tip)
{
    uint64_t end = c->to_block < tip->number ? c->to_block : tip->number;
    if (l->mood.max_logs > 0 && c->to_block - c->from + 1 > l->mood.max_logs) {
        x->a.err = TS_E_L1_REFUSED;
        x->a.code = -32005;
        x->a.text = "query returned more than 10000 results";
        return;
    }
    if (end < c->from || l->mood.hides_logs)
        return;
    size_t blocks = (size_t)(end - c->from + 1), n = 0;
    struct ts_l1_log *log = ts_arena_array(&x->arena, blocks * FAKEL1_MAX_ACTS, sizeof(*log));
    TS_CHECK(log != NULL);
    for (uint64_t i = c->from; i <= end; i++)
        n += add_logs(l, x, c, below(tip, i), log + n);
    x->a.u.logs.log = log;
    x->a.u.logs.n = n;
}

static void give_tx(struct fakel1 *l, struct fakel1_answer *x, const struct fakel1_block *b,
                    size_t i)
{
    const struct fakel1_act *act = &b->acts[i];
    struct ts_buf buf, data;
    struct ts_rollup r;
    ts_buf_init(&buf, 0);
    ts_buf_init(&data, 0);
    fakel1_rollup(l, b, act, &r, &data);
    if (act->way == FAKEL1_FORWARDED) /* a wrapping call, at an offset that is no whole word */
        ts_buf_put(&buf, "forward me this, please", 23);
    if (act->way != FAKEL1_HIDDEN)
        ts_l1_put_publish(&buf, &r, ts_buf_bytes(&data));
    TS_CHECK(buf.err == TS_OK);
    x->a.u.tx = (struct ts_l1_answer_tx){
        .found = true,
        .is_mined = true,
        .block = b->number,
        .to = act->way == FAKEL1_DIRECT ? l->genesis->contract : (ts_address){{9}},
        .input = ts_bytes_of(copy(&x->arena, buf.p, buf.n), buf.n),
    };
    ts_buf_free(&buf);
    ts_buf_free(&data);
}

static void find_tx(struct fakel1 *l, struct fakel1_answer *x, const ts_hash *hash,
                    const struct fakel1_block *tip)
{
    for (const struct fakel1_block *b = tip; b != NULL; b = b->parent)
        for (size_t i = 0; i < b->n_acts; i++) {
            ts_hash h = tx_hash(b, i);
            if (!ts_hash_equal(&h, hash))
                continue;
            give_tx(l, x, b, i);
            return;
        }
}

/* ---- answers ---- */

static void give_view(struct fakel1 *l, struct fakel1_answer *x)
{
    ts_hash h = l->genesis->hash;
    h.b[0] ^= l->mood.has_other_genesis;
    if (l->mood.is_plain) {
        x->a.err = TS_E_L1_REVERT;
        x->a.text = "execution reverted";
    } else if (!l->mood.has_no_code) {
        x->a.u.bytes = ts_bytes_of(copy(&x->arena, h.b, sizeof(h.b)), sizeof(h.b));
    }
}

static void make(struct fakel1 *l, struct fakel1_answer *x, const struct ts_l1_call *c)
{
    const struct fakel1_block *tip = l->tip;
    for (uint64_t k = happens(l, l->mood.lagging) ? fakel1_random(l, 6) : 0;
         k > 0 && tip->number > l->genesis->l1_number; k--)
        tip = tip->parent;
    switch (c->method) {
    case TS_L1_CHAIN_ID:
        x->a.u.number = l->mood.chain_id != 0 ? l->mood.chain_id : l->genesis->l1_chain_id;
        break;
    case TS_L1_BLOCK:
        give_block(x, c->tag == TS_L1_LATEST      ? tip
                      : c->tag == TS_L1_FINALIZED ? below(l->tip, l->final)
                                                  : below(tip, c->number));
        break;
    case TS_L1_LOGS:
        give_logs(l, x, c, tip);
        break;
    case TS_L1_TX:
        find_tx(l, x, &c->hash, tip);
        break;
    case TS_L1_VIEW:
        give_view(l, x);
        break;
    case TS_L1_CODE:
        x->a.u.bytes = ts_bytes_of("\x60", l->mood.has_no_code ? 0 : 1);
        break;
    default:
        x->a.err = TS_E_L1_REFUSED;
        x->a.text = "the method is not one of this node";
    }
}

static void fail(struct fakel1_answer *x, ts_err err, const char *text)
{
    memset(&x->a.u, 0, sizeof(x->a.u));
    x->a.err = err;
    x->a.text = text;
}

/* Something that the JSON layer lets pass. */
static void spoil(struct fakel1 *l, struct fakel1_answer *x, const struct ts_l1_call *c)
{
    struct ts_l1_answer *a = &x->a;
    if (a->err != TS_OK)
        return;
    if (c->method == TS_L1_BLOCK && a->u.block.found) {
        switch (fakel1_random(l, 4)) {
        case 0:
            a->u.block.number++;
            break;
        case 1:
            a->u.block.hash.b[3] ^= 1;
            break;
        case 2:
            a->u.block.parent.b[3] ^= 1;
            break;
        default: /* a sound header of another block */
            give_block(x, below(l->tip, l->tip->number - 1 - fakel1_random(l, 3)));
        }
        if (c->tag != TS_L1_AT_NUMBER)
            a->u.block.time++;
    } else if (c->method == TS_L1_LOGS && a->u.logs.n > 0) {
        struct ts_l1_log *log = (struct ts_l1_log *)(uintptr_t)a->u.logs.log;
        switch (fakel1_random(l, 3)) {
        case 0:
            log->block = c->to_block + 1;
            break;
        case 1:
            log->address.b[0] ^= 1;
            break;
        default:
            log->topics[0].b[0] ^= 1;
        }
    } else if (c->method == TS_L1_TX && a->u.tx.found) {
        a->u.tx.block++;
    } else {
        fail(x, TS_E_L1_NONSENSE, "not JSON");
    }
}

static uint64_t latency(struct fakel1 *l)
{
    return l->mood.min_us + fakel1_random(l, l->mood.max_us - l->mood.min_us + 1);
}

static void answer(struct fakel1 *l, uint64_t now_us, const struct ts_l1_call *c)
{
    struct fakel1_answer *x = calloc(1, sizeof(*x));
    TS_CHECK(x != NULL);
    ts_arena_init(&x->arena, 0);
    x->a.id = c->id;
    x->a.method = c->method;
    x->a.text = "";
    x->due_us = now_us + latency(l);
    if (l->mood.is_down || happens(l, l->mood.closed))
        fail(x, TS_E_CLOSED, "connection refused");
    else if (happens(l, l->mood.refused))
        fail(x, TS_E_L1_REFUSED, "too many requests");
    else
        make(l, x, c);
    if (happens(l, l->mood.nonsense))
        spoil(l, x, c);
    queue(l, x);
}

void fakel1_call(struct fakel1 *l, uint64_t now_us, const struct ts_l1_call *c)
{
    l->calls++;
    l->log_calls += c->method == TS_L1_LOGS;
    if (happens(l, l->mood.lost))
        return;
    answer(l, now_us, c);
    if (happens(l, l->mood.twice))
        answer(l, now_us + l->mood.max_us, c);
}

uint64_t fakel1_due(const struct fakel1 *l)
{
    return l->answers != NULL ? l->answers->due_us : UINT64_MAX;
}

static void drop_taken(struct fakel1 *l)
{
    if (l->taken == NULL)
        return;
    ts_arena_free(&l->taken->arena);
    free(l->taken);
    l->taken = NULL;
}

const struct ts_l1_answer *fakel1_take(struct fakel1 *l, uint64_t now_us)
{
    drop_taken(l);
    if (l->answers == NULL || l->answers->due_us > now_us)
        return NULL;
    l->taken = l->answers;
    l->answers = l->taken->next;
    return &l->taken->a;
}

void fakel1_hang_up(struct fakel1 *l)
{
    while (fakel1_take(l, UINT64_MAX) != NULL)
        continue;
}
