/* SPDX-License-Identifier: Apache-2.0 */
/* The fake L1's blocks, forks and truth. */
#include "fakel1.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"

uint64_t fakel1_random(struct fakel1 *l, uint64_t below)
{
    l->random ^= l->random >> 12;
    l->random ^= l->random << 25;
    l->random ^= l->random >> 27;
    return below > 0 ? (l->random * UINT64_C(2685821657736338717) >> 11) % below : 0;
}

/* ---- headers ---- */

static void bloom_add(uint8_t bloom[256], const void *p, size_t n)
{
    ts_hash h;
    ts_keccak256(ts_bytes_of(p, n), &h);
    for (unsigned i = 0; i < 6; i += 2) {
        unsigned bit = ((unsigned)h.b[i] * 256 + h.b[i + 1]) % 2048;
        bloom[255 - bit / 8] = (uint8_t)(bloom[255 - bit / 8] | 1u << (bit % 8));
    }
}

enum ts_l1_event_kind fakel1_event(enum fakel1_act_kind kind)
{
    return kind == FAKEL1_ROLLUP     ? TS_L1_PUBLISHED
           : kind == FAKEL1_ROLLBACK ? TS_L1_ROLLED_BACK
           : kind == FAKEL1_REVOKE   ? TS_L1_REVOKED
                                     : TS_L1_GRANTED;
}

static void make_bloom(const struct fakel1 *l, const struct fakel1_block *b, uint8_t bloom[256])
{
    memset(bloom, 0, 256);
    for (size_t i = 0; i < b->n_acts && !l->has_no_bloom; i++) {
        ts_hash topic;
        ts_l1_event_topic(fakel1_event(b->acts[i].kind), &topic);
        bloom_add(bloom, l->genesis->contract.b, sizeof(l->genesis->contract.b));
        bloom_add(bloom, topic.b, sizeof(topic.b));
    }
}

static void make_header(const struct fakel1 *l, struct fakel1_block *b)
{
    struct ts_buf h;
    uint8_t bloom[256];
    ts_hash zero = {{0}}, parent = b->parent != NULL ? b->parent->hash : zero;
    make_bloom(l, b, bloom);
    ts_buf_init(&h, 0);
    size_t list = ts_put_list(&h);
    ts_put_hash(&h, &parent);
    ts_put_hash(&h, &zero);
    ts_put_address(&h, &(ts_address){{1}});
    for (int i = 0; i < 3; i++)
        ts_put_hash(&h, &zero);
    ts_put_bytes(&h, ts_bytes_of(bloom, sizeof(bloom)));
    ts_put_u64(&h, 0);
    ts_put_u64(&h, b->number);
    ts_put_u64(&h, 30000000);
    ts_put_u64(&h, 0);
    ts_put_u64(&h, b->time / 1000);
    ts_put_u64(&h, b->salt);
    ts_put_hash(&h, &zero);
    ts_put_bytes(&h, ts_bytes_of("\1\2\3\4\5\6\7\10", 8));
    ts_put_u64(&h, 7);
    ts_put_list_end(&h, list);
    TS_CHECK(h.err == TS_OK);
    ts_keccak256(ts_buf_bytes(&h), &b->hash);
    b->header = h.p;
    b->n_header = h.n;
}

/* ---- the truth ---- */

static void grant(struct fakel1_block *b, const ts_address *who)
{
    size_t at = 0;
    while (at < b->n_list && ts_address_compare(&b->list[at], who) < 0)
        at++;
    if ((at < b->n_list && ts_address_equal(&b->list[at], who)) || b->n_list == TS_MAX_WHITELIST)
        return;
    for (size_t i = b->n_list++; i > at; i--)
        b->list[i] = b->list[i - 1];
    b->list[at] = *who;
    b->is_change = true;
}

static void revoke(struct fakel1_block *b, const ts_address *who)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_list; i++)
        if (!ts_address_equal(&b->list[i], who))
            b->list[n++] = b->list[i];
    b->is_change = b->is_change || n != b->n_list;
    b->n_list = n;
}

/* The first batch of the rollup that ends at last, of those up to place i of block b. */
static uint64_t rollup_first(const struct fakel1_block *b, size_t i, uint64_t last)
{
    for (; b != NULL; b = b->parent, i = b != NULL ? b->n_acts : 0)
        while (i-- > 0)
            if (b->acts[i].kind == FAKEL1_ROLLUP && b->acts[i].last == last)
                return b->acts[i].first;
    return 1;
}

static void roll_back(struct fakel1_block *b, struct fakel1_act *act)
{
    uint64_t last = b->rollup_last;
    for (uint64_t n = act->first; n > 0 && last > 0; n--)
        last = rollup_first(b, (size_t)(act - b->acts), last) - 1;
    act->first = last + 1;
    act->last = b->rollup_last;
    b->rollup_last = last;
}

static void take_act(struct fakel1_block *b, struct fakel1_act *act)
{
    if (act->kind == FAKEL1_ROLLBACK) {
        roll_back(b, act);
        if (act->last < act->first) /* nothing to take back: the contract refuses it */
            *act = (struct fakel1_act){.kind = FAKEL1_REVOKE};
    }
    if (act->kind == FAKEL1_GRANT)
        grant(b, &act->who);
    else if (act->kind == FAKEL1_REVOKE)
        revoke(b, &act->who);
    if (act->kind != FAKEL1_ROLLUP)
        return;
    uint64_t size = act->last - act->first;
    act->first = b->rollup_last + 1; /* the contract takes no other */
    act->last = b->rollup_last = act->first + size;
}

void fakel1_rollup(const struct fakel1 *l, const struct fakel1_block *in,
                   const struct fakel1_act *act, struct ts_rollup *r, struct ts_buf *data)
{
    ts_buf_reset(data);
    for (uint64_t i = act->first; i <= act->last; i++)
        ts_put_u64(data, i * 7919 + l->genesis->l1_chain_id);
    *r = (struct ts_rollup){
        .first_number = act->first,
        .last_number = act->last,
        .last_hash = {{(uint8_t)act->last, 1}},
        .protocol_root = {{(uint8_t)act->last, 2}},
        .l1_number = in->number - 1,
        .l1_hash = in->parent->hash,
        .sig = {{(uint8_t)act->first, 3}},
    };
    ts_keccak256(ts_buf_bytes(data), &r->data_hash);
}

/* ---- blocks ---- */

void fakel1_act(struct fakel1 *l, struct fakel1_act act)
{
    if (l->n_next < FAKEL1_MAX_ACTS)
        l->next[l->n_next++] = act;
}

void fakel1_mine(struct fakel1 *l)
{
    struct fakel1_block *b = calloc(1, sizeof(*b));
    TS_CHECK(b != NULL);
    const struct fakel1_block *p = l->tip;
    b->parent = l->tip;
    b->number = p != NULL ? p->number + 1 : 0;
    b->time = p != NULL ? p->time + l->block_ms : UINT64_C(1700000000000);
    b->salt = fakel1_random(l, UINT64_C(1) << 40) + 1;
    b->n_list = p != NULL ? p->n_list : l->genesis->n_whitelist;
    memcpy(b->list, p != NULL ? p->list : l->genesis->whitelist, b->n_list * sizeof(b->list[0]));
    b->rollup_last = p != NULL ? p->rollup_last : 0;
    b->n_acts = l->n_next;
    memcpy(b->acts, l->next, sizeof(b->acts));
    l->n_next = 0;
    for (size_t i = 0; i < b->n_acts; i++)
        take_act(b, &b->acts[i]);
    make_header(l, b);
    b->all = l->all;
    l->all = l->tip = b;
}

void fakel1_back(struct fakel1 *l, uint64_t depth)
{
    for (; depth > 0; depth--)
        l->tip = l->tip->parent;
}

const struct fakel1_block *fakel1_at(const struct fakel1 *l, uint64_t number)
{
    const struct fakel1_block *b = l->tip;
    while (b != NULL && b->number > number)
        b = b->parent;
    return b != NULL && b->number == number ? b : NULL;
}

struct fakel1 *fakel1_new(struct ts_genesis *genesis, uint64_t number, uint64_t seed)
{
    struct fakel1 *l = calloc(1, sizeof(*l));
    TS_CHECK(l != NULL);
    l->genesis = genesis;
    l->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    l->block_ms = 12000;
    l->mood = (struct fakel1_mood){.min_us = 1000, .max_us = 50000};
    for (uint64_t i = 0; i <= number; i++)
        fakel1_mine(l);
    genesis->l1_number = l->tip->number;
    genesis->l1_hash = l->tip->hash;
    genesis->time = l->tip->time;
    TS_CHECK(ts_genesis_finish(genesis) == TS_OK);
    return l;
}

void fakel1_free(struct fakel1 *l)
{
    fakel1_hang_up(l);
    while (l->all != NULL) {
        struct fakel1_block *b = l->all;
        l->all = b->all;
        free(b->header);
        free(b);
    }
    free(l);
}
