/* SPDX-License-Identifier: Apache-2.0 */
#include "l1world.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crypto/keccak.h"

ts_address l1world_who(unsigned i)
{
    return (ts_address){{0xe0, [18] = (uint8_t)(i >> 8), [19] = (uint8_t)i}};
}

void l1world_open(struct l1world *w, uint64_t genesis_number, uint64_t seed)
{
    *w = (struct l1world){.now_us = 5000000, .rollup_next = 1};
    w->genesis.l1_chain_id = 31337;
    w->genesis.chain_id = 443;
    w->genesis.contract = (ts_address){{0xc0, 1}};
    w->genesis.n_whitelist = 3;
    w->genesis.whitelist = calloc(3, sizeof(ts_address));
    for (unsigned i = 0; i < 3; i++)
        w->genesis.whitelist[i] = l1world_who(i);
    ts_params_default(&w->genesis.params);
    w->l1 = fakel1_new(&w->genesis, genesis_number, seed);
    ts_l1_follow_settings_default(&w->s);
    w->s.wants_rollups = true;
}

void l1world_close(struct l1world *w)
{
    ts_l1_follower_free(w->f);
    fakel1_free(w->l1);
    ts_genesis_free(&w->genesis);
}

/* ---- what it says ---- */

static void check_block(const struct ts_l1_block *b, const struct fakel1_block *truth)
{
    ts_hash h;
    assert_int_equal(b->number, truth->number);
    assert_true(ts_hash_equal(&b->hash, &truth->hash));
    assert_int_equal(b->time, truth->time);
    ts_keccak256(b->header, &h);
    assert_true(ts_hash_equal(&h, &truth->hash));
    assert_int_equal(b->n_whitelist, truth->n_list);
    assert_memory_equal(b->whitelist, truth->list, truth->n_list * sizeof(truth->list[0]));
}

static void take_confirmed(struct l1world *w, const struct ts_l1_block *b)
{
    const struct fakel1_block *truth = fakel1_at(w->l1, b->number);
    assert_false(w->is_over);
    assert_non_null(truth);
    check_block(b, truth);
    if (w->s.confirmations > 0 && b->number > w->genesis.l1_number)
        assert_true(w->l1->tip->number + 1 >= b->number + w->s.confirmations);
    if (w->has_told)
        assert_true(b->number > w->told);
    for (uint64_t n = w->told + 1; w->has_told && n < b->number; n++)
        assert_false(fakel1_at(w->l1, n)->is_change);
    w->has_told = true;
    w->told = b->number;
    w->told_hash = b->hash;
    w->n_told++;
}

/* It was on the line when it was looked at; it may have been replaced since. */
static void take_block(struct l1world *w, uint64_t token, const struct ts_l1_block *b)
{
    const struct fakel1_block *truth = w->l1->all;
    assert_true(token < w->n_wanted && w->is_wanted[token]);
    assert_int_equal(b->number, w->wanted[token]);
    w->is_wanted[token] = false;
    w->n_open--;
    w->n_found++;
    w->found = *b;
    if (b->number < w->genesis.l1_number) {
        assert_true(ts_hash_is_zero(&b->hash) && b->n_whitelist == 0 && b->header.n == 0);
        return;
    }
    while (truth != NULL && !ts_hash_equal(&truth->hash, &b->hash))
        truth = truth->all;
    assert_non_null(truth);
    check_block(b, truth);
}

static void take_rollup(struct l1world *w, const struct ts_l1_rollup *r)
{
    const struct fakel1_block *b = fakel1_at(w->l1, r->l1_block);
    struct ts_rollup want;
    struct ts_buf data;
    bool is_there = false;
    assert_non_null(b);
    assert_true(r->l1_block <= w->told || !w->has_told);
    assert_true(w->has_hidden ? r->rollup.first_number >= w->rollup_next
                              : r->rollup.first_number == w->rollup_next);
    ts_buf_init(&data, 0);
    for (size_t i = 0; i < b->n_acts && !is_there; i++) {
        if (b->acts[i].kind != FAKEL1_ROLLUP || b->acts[i].first != r->rollup.first_number ||
            b->acts[i].last != r->rollup.last_number)
            continue;
        is_there = true;
        fakel1_rollup(w->l1, b, &b->acts[i], &want, &data);
        assert_memory_equal(&want, &r->rollup, sizeof(want));
        assert_true(ts_bytes_equal(ts_buf_bytes(&data), r->data));
    }
    assert_true(is_there);
    ts_buf_free(&data);
    w->rollup_next = r->rollup.last_number + 1;
    w->rollups++;
}

static void take_rollback(struct l1world *w, const struct ts_l1_rollback *r)
{
    const struct fakel1_block *b = fakel1_at(w->l1, r->l1_block);
    bool is_there = false;
    assert_non_null(b);
    assert_true(r->l1_block <= w->told || !w->has_told);
    for (size_t i = 0; i < b->n_acts; i++)
        is_there =
            is_there || (b->acts[i].kind == FAKEL1_ROLLBACK &&
                         b->acts[i].first == r->first_number && b->acts[i].last == r->last_number);
    assert_true(is_there);
    assert_int_equal(r->last_hash.b[0], (uint8_t)(r->first_number - 1));
    assert_int_equal(r->last_hash.b[1], 1);
    assert_int_equal(r->protocol_root.b[1], 2);
    assert_true(w->has_hidden || r->first_number <= w->rollup_next);
    w->rollup_next = r->first_number < w->rollup_next ? r->first_number : w->rollup_next;
    w->rollbacks++;
}

static void take_event(struct l1world *w, const struct ts_l1_follow_output *o)
{
    if (w->n_events < L1WORLD_EVENTS)
        snprintf(w->events[w->n_events++], sizeof(w->events[0]), "%s %s", o->event, o->text);
    if (getenv("TS_L1_SAY") != NULL)
        print_message("%llu %s %s\n", (unsigned long long)w->now_us / 1000, o->event, o->text);
}

static void take(struct l1world *w, const struct ts_l1_follow_output *o)
{
    switch (o->kind) {
    case TS_L1_FOLLOW_CALL:
        if (fakel1_random(w->l1, 1000) >= w->loses_calls)
            fakel1_call(w->l1, w->now_us, o->call);
        break;
    case TS_L1_FOLLOW_CONFIRMED:
        take_confirmed(w, &o->block);
        break;
    case TS_L1_FOLLOW_BLOCK:
        take_block(w, o->token, &o->block);
        break;
    case TS_L1_FOLLOW_ROLLUP:
        take_rollup(w, o->rollup);
        break;
    case TS_L1_FOLLOW_ROLLBACK:
        take_rollback(w, &o->rollback);
        break;
    case TS_L1_FOLLOW_REORG:
        assert_int_equal(o->block.number, w->told);
        assert_true(ts_hash_equal(&o->block.hash, &w->told_hash));
        w->is_over = true;
        break;
    case TS_L1_FOLLOW_EVENT:
        take_event(w, o);
    }
}

static void step(struct l1world *w, const struct ts_l1_follow_input *in)
{
    struct ts_l1_follow_outputs out;
    struct ts_now now = {.mono_us = w->now_us, .unix_ms = w->now_us / 1000};
    bool was_over = w->is_over;
    unsigned calls = 0;
    ts_l1_follower_step(w->f, now, in, &out);
    assert_true(out.n == 0 || !was_over);
    for (size_t i = 0; i < out.n; i++) {
        calls += out.out[i].kind == TS_L1_FOLLOW_CALL;
        take(w, &out.out[i]);
    }
    if (calls > w->max_in_flight)
        w->max_in_flight = calls;
    w->wake_us = out.wake_us;
}

/* ---- driving it ---- */

void l1world_start(struct l1world *w, ts_bytes saved)
{
    ts_l1_follower_free(w->f);
    w->f = NULL;
    fakel1_hang_up(w->l1);
    w->has_told = w->is_over = false;
    w->n_open = 0;
    memset(w->is_wanted, 0, sizeof(w->is_wanted));
    w->s.rollups_above = w->rollup_next - 1;
    assert_int_equal(ts_l1_follower_new(&w->genesis, &w->s, &w->f), TS_OK);
    if (saved.n > 0)
        assert_int_equal(ts_l1_follower_load(w->f, saved), TS_OK);
    step(w, &(struct ts_l1_follow_input){.kind = TS_L1_FOLLOW_TICK});
}

void l1world_run(struct l1world *w, uint64_t us)
{
    uint64_t end = w->now_us + us;
    for (unsigned i = 0;; i++) {
        uint64_t due = fakel1_due(w->l1), at = due < w->wake_us ? due : w->wake_us;
        assert_true(i < 2000000); /* it does not spin */
        if (at > end)
            break;
        w->now_us = at > w->now_us ? at : w->now_us;
        const struct ts_l1_answer *a = due <= w->now_us ? fakel1_take(w->l1, w->now_us) : NULL;
        step(w, &(struct ts_l1_follow_input){
                    .kind = a != NULL ? TS_L1_FOLLOW_ANSWER : TS_L1_FOLLOW_TICK, .answer = a});
    }
    w->now_us = end;
}

void l1world_lookup(struct l1world *w, uint64_t number)
{
    if (w->n_wanted == TS_COUNT(w->wanted) || w->n_open == TS_L1_MAX_LOOKUPS)
        return;
    size_t token = w->n_wanted++;
    w->is_wanted[token] = true;
    w->wanted[token] = number;
    w->n_open++;
    step(w, &(struct ts_l1_follow_input){
                .kind = TS_L1_FOLLOW_LOOKUP, .token = token, .number = number});
}

size_t l1world_said(const struct l1world *w, const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n_events; i++)
        n += strncmp(w->events[i], text, strlen(text)) == 0;
    return n;
}

struct ts_l1_status l1world_status(const struct l1world *w)
{
    struct ts_l1_status s;
    ts_l1_follower_status(w->f, &s);
    return s;
}

void l1world_check_settled(struct l1world *w)
{
    uint64_t c = w->s.confirmations;
    uint64_t want = c == 0 ? w->l1->final : w->l1->tip->number + 1 - c;
    struct ts_l1_status s = l1world_status(w);
    assert_false(w->is_over);
    assert_int_equal(w->told, want);
    assert_int_equal(s.confirmed, want);
    assert_int_equal(s.latest, w->l1->tip->number);
    assert_true(s.is_up && !s.is_stopped);
    assert_string_equal(s.reason, "");
    if (w->s.wants_rollups && !w->has_hidden)
        assert_int_equal(w->rollup_next, fakel1_at(w->l1, want)->rollup_last + 1);
    assert_int_equal(w->n_open, 0);
    assert_int_equal(l1world_said(w, "l1-rollup-gap"), 0);
}

void l1world_grant(struct l1world *w, unsigned i)
{
    fakel1_act(w->l1, (struct fakel1_act){.kind = FAKEL1_GRANT, .who = l1world_who(i)});
}

void l1world_revoke(struct l1world *w, unsigned i)
{
    fakel1_act(w->l1, (struct fakel1_act){.kind = FAKEL1_REVOKE, .who = l1world_who(i)});
}

void l1world_publish(struct l1world *w, uint64_t n, enum fakel1_way way)
{
    fakel1_act(w->l1,
               (struct fakel1_act){.kind = FAKEL1_ROLLUP, .first = 1, .last = n, .way = way});
    w->has_hidden = w->has_hidden || way == FAKEL1_HIDDEN;
}

void l1world_roll_back(struct l1world *w, uint64_t n)
{
    fakel1_act(w->l1, (struct fakel1_act){.kind = FAKEL1_ROLLBACK, .first = n});
}

void l1world_mine(struct l1world *w, unsigned n)
{
    for (; n > 0; n--)
        fakel1_mine(w->l1);
}
