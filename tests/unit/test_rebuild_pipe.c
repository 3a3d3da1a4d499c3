/* SPDX-License-Identifier: Apache-2.0 */
/* The rebuild with its threads and its state, and payloads: those of the seals, and no others. */
#include <string.h>

#include "base/check.h"
#include "crypto/sign.h"
#include "rebuild/ahead.h"
#include "rebuild/fold.h"
#include "rebuild/pipe.h"
#include "rebuild_kit.h"

/* ---- save and load of the core ---- */

static void a_state_that_is_none_leaves_it_at_genesis(void **state)
{
    (void)state;
    struct world w;
    struct ts_buf saved;
    world_open(&w);
    world_save(&w, &saved);
    world_start(&w);
    for (size_t n = 0; n <= saved.n; n += n + 13 > saved.n && n < saved.n ? saved.n - n : 13) {
        ts_bytes left = ts_bytes_of(saved.p, n);
        const struct ts_source source = world_source(&left);
        assert_int_equal(ts_rebuild_load(w.rebuild, &source), n < saved.n ? TS_E_TRUNCATED : TS_OK);
        assert_int_equal(ts_rebuild_head(w.rebuild)->number, n < saved.n ? 0 : 4);
    }
    /* A state root that is not the engine's. */
    world_start(&w);
    saved.p[40 + 64 + 3] ^= 1;
    ts_bytes left = ts_buf_bytes(&saved);
    const struct ts_source source = world_source(&left);
    assert_int_equal(ts_rebuild_load(w.rebuild, &source), TS_E_CORRUPT);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ts_rebuild_rollup(w.rebuild, &w.rolled[i].rollup, w.rolled[i].data, NULL),
                         TS_OK);
    ts_buf_free(&saved);
    world_close(&w);
}

/* ---- payloads ---- */

static ts_err fold(struct world *w, struct ts_fold *f, ts_bytes raw, char why[TS_FOLD_WHY])
{
    ts_hash hash;
    ts_bytes rebuilt = world_rebuilt(w, f->number + 1, &hash);
    return ts_fold_batch(f, raw, rebuilt, &hash, why);
}

static ts_bytes edited(struct world *w, uint64_t number, void (*edit)(struct ts_batch *b))
{
    struct ts_batch b = ek_decode(w->k, ek_batch(w->k, number));
    struct ts_buf out;
    ts_buf_init(&out, 0);
    edit(&b);
    ts_batch_put(&out, &b);
    ts_bytes kept = world_keep(w->k, ts_buf_bytes(&out));
    ts_buf_free(&out);
    return kept;
}

static void drop_reports(struct ts_batch *b)
{
    b->payload.n_reports = 0;
}

static void change_report(struct ts_batch *b)
{
    b->payload.reports[0].sig.b[3] ^= 1;
}

static void change_seal(struct ts_batch *b)
{
    b->seal.b[9] ^= 1;
}

static void break_seal(struct ts_batch *b)
{
    b->seal.b[64] = 3;
}

static void change_header(struct ts_batch *b)
{
    b->header.time++;
}

static void drop_transaction(struct ts_batch *b)
{
    b->n_txs = b->n_txs > 0 ? b->n_txs - 1 : 0;
}

static void each_payload_is_the_one_that_was_sealed(void **state)
{
    (void)state;
    static const struct {
        void (*edit)(struct ts_batch *b);
        const char *says;
    } edits[] = {
        {drop_reports, "batch 4: its payload was edited"},
        {change_report, "batch 4: its payload was edited"},
        {change_seal, "batch 4: its payload was edited, or its seal"},
        {break_seal, "batch 4: its payload was edited, or its seal"},
        {change_header, "batch 4: its header is not the one that L1 gives"},
        {drop_transaction, "batch 4: its transactions are not those"},
    };
    struct world w;
    char why[TS_FOLD_WHY];
    world_open(&w);
    struct ts_fold f = {.genesis = &w.k->genesis, .crypto = w.k->crypto};
    for (uint64_t n = 1; n <= 11; n++) {
        for (size_t i = 0; i < TS_COUNT(edits) && n == 4; i++) {
            const struct ts_fold before = f;
            assert_int_not_equal(fold(&w, &f, edited(&w, n, edits[i].edit), why), TS_OK);
            assert_non_null(strstr(why, edits[i].says));
            assert_memory_equal(&f, &before, sizeof(f));
        }
        if (n == 5) {
            assert_int_equal(fold(&w, &f, ek_batch(w.k, 6), why), TS_E_OUT_OF_ORDER);
            assert_non_null(strstr(why, "batch 5: it is missing: batch 6 came"));
            ts_bytes raw = ek_batch(w.k, 5);
            assert_int_not_equal(fold(&w, &f, ts_bytes_of(raw.p, raw.n - 1), why), TS_OK);
            assert_non_null(strstr(why, "batch 5: it does not decode"));
        }
        assert_int_equal(fold(&w, &f, ek_batch(w.k, n), why), TS_OK);
        for (size_t i = 0; i < 3; i++)
            if (w.rolled[i].rollup.last_number == n)
                assert_int_equal(ts_fold_rollup(&f, &w.rolled[i].rollup, why), TS_OK);
    }
    assert_true(ts_hash_equal(&f.root, &w.k->chain.head.protocol_root));
    struct ts_rollup other = w.rolled[2].rollup;
    other.protocol_root.b[0] ^= 1;
    assert_int_equal(ts_fold_rollup(&f, &other, why), TS_E_CONFLICT);
    assert_non_null(strstr(why, "batches 11 to 11"));
    world_close(&w);
}

/* ---- the pipe ---- */

struct flow {
    struct world *w;
    uv_loop_t loop;
    struct ts_pipe *pipe;
    uint64_t told, rollups, asked[64];
    size_t n_asked;
    ts_err batch_err;
};

static ts_err count_batch(void *ctx, const struct ts_rebuilt *b)
{
    struct flow *f = ctx;
    if (b->header->number != f->told + 1)
        return TS_E_OUT_OF_ORDER;
    f->told++;
    return f->batch_err;
}

static ts_err count_rollup(void *ctx, const struct ts_rollup *rollup, const struct ts_rebuild *r)
{
    struct flow *f = ctx;
    f->rollups++;
    return ts_rebuild_head(r)->number == rollup->last_number ? TS_OK : TS_E_CONFLICT;
}

static void note_blocks(void *ctx)
{
    struct flow *f = ctx;
    while (ts_pipe_next_block(f->pipe, &f->asked[f->n_asked]))
        f->n_asked++;
}

static void flow_open(struct flow *f, struct world *w)
{
    *f = (struct flow){.w = w};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    const struct ts_pipe_config c = {.loop = &f->loop,
                                     .genesis = &w->k->genesis,
                                     .crypto = w->k->crypto,
                                     .engine = &ts_ledger_engine,
                                     .seed = {5, 6},
                                     .ctx = f,
                                     .batch = count_batch,
                                     .taken = count_rollup,
                                     .moved = note_blocks};
    assert_int_equal(ts_pipe_new(&c, &f->pipe), TS_OK);
}

static void flow_give(struct flow *f, const struct ts_msg_rolled *u)
{
    assert_true(ts_pipe_has_room(f->pipe));
    assert_int_equal(ts_pipe_give(f->pipe, &u->rollup, u->data, f->w->k->genesis.whitelist, 2),
                     TS_OK);
}

/* Runs what there is in threads, and answers what was asked for, the newest question first. */
static void flow_run(struct flow *f)
{
    do {
        (void)uv_run(&f->loop, UV_RUN_DEFAULT);
        if (f->n_asked > 0) {
            uint64_t number = f->asked[--f->n_asked];
            ts_pipe_block(f->pipe, number, &f->w->l1_hashes[number], &f->w->l1_hashes[number - 1]);
        }
    } while (f->n_asked > 0 || uv_loop_alive(&f->loop));
}

static void flow_close(struct flow *f)
{
    ts_pipe_stop(f->pipe);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(ts_pipe_is_idle(f->pipe));
    ts_pipe_free(f->pipe);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static void the_chain_comes_back_through_threads(void **state)
{
    (void)state;
    struct world w;
    struct flow f;
    world_open(&w);
    flow_open(&f, &w);
    for (size_t i = 0; i < 3; i++)
        flow_give(&f, &w.rolled[i]);
    flow_run(&f);
    assert_true(ts_pipe_is_idle(f.pipe));
    assert_null(ts_pipe_fault(f.pipe));
    assert_int_equal(f.told, 11);
    assert_int_equal(f.rollups, 3);
    assert_int_equal(ts_pipe_number(f.pipe), 11);
    assert_int_equal(ts_pipe_count(f.pipe), 3);
    assert_memory_equal(ts_rebuild_head(ts_pipe_rebuild(f.pipe)), &w.k->chain.head,
                        sizeof(struct ts_head));
    flow_close(&f);
    world_close(&w);
}

/* A block tells the hash of the one before it, and none is asked for twice. */
static void few_blocks_are_asked_for(void **state)
{
    (void)state;
    struct world w;
    struct flow f;
    bool seen[64] = {false};
    world_open(&w);
    flow_open(&f, &w);
    flow_give(&f, &w.rolled[0]);
    (void)uv_run(&f.loop, UV_RUN_DEFAULT);
    /* It names 1 and 2, and 61 itself; 2 tells 1. */
    assert_int_equal(f.n_asked, 2);
    assert_true(f.asked[0] == 61 && f.asked[1] == 2);
    flow_give(&f, &w.rolled[1]);
    flow_give(&f, &w.rolled[2]);
    (void)uv_run(&f.loop, UV_RUN_DEFAULT);
    for (size_t i = 0; i < f.n_asked; i++) {
        assert_false(seen[f.asked[i]]);
        seen[f.asked[i]] = true;
    }
    flow_run(&f);
    assert_int_equal(f.told, 11);
    flow_close(&f);
    world_close(&w);
}

static void what_is_wrong_ends_the_pipe(void **state)
{
    (void)state;
    struct world w;
    struct flow f;
    world_open(&w);
    /* A rollup that is not the next. */
    flow_open(&f, &w);
    flow_give(&f, &w.rolled[1]);
    flow_give(&f, &w.rolled[0]);
    flow_run(&f);
    assert_int_equal(ts_pipe_fault(f.pipe)->code, TS_E_OUT_OF_ORDER);
    assert_false(ts_pipe_has_room(f.pipe));
    assert_int_equal(f.told, 0);
    flow_close(&f);
    /* Data that do not decode. */
    struct ts_msg_rolled r = w.rolled[0];
    r.data.n--;
    flow_open(&f, &w);
    flow_give(&f, &r);
    flow_run(&f);
    assert_int_equal(ts_pipe_fault(f.pipe)->code, TS_E_CORRUPT);
    flow_close(&f);
    /* A signer that is not on the list. */
    flow_open(&f, &w);
    assert_int_equal(ts_pipe_give(f.pipe, &w.rolled[0].rollup, w.rolled[0].data, NULL, 0), TS_OK);
    flow_run(&f);
    assert_int_equal(ts_pipe_fault(f.pipe)->code, TS_E_NOT_WHITELISTED);
    flow_close(&f);
    /* Who takes the batches says no. */
    flow_open(&f, &w);
    f.batch_err = TS_E_DISK_FULL;
    flow_give(&f, &w.rolled[0]);
    flow_run(&f);
    assert_int_equal(ts_pipe_fault(f.pipe)->code, TS_E_DISK_FULL);
    flow_close(&f);
    /* It is left while rollups wait for L1, and while threads work. */
    flow_open(&f, &w);
    for (size_t i = 0; i < 3; i++)
        flow_give(&f, &w.rolled[i]);
    flow_close(&f);
    world_close(&w);
}

/* ---- ahead ---- */

static void senders_are_known_before_their_turn(void **state)
{
    (void)state;
    struct world w;
    struct ts_ahead a;
    ts_address sender, again;
    world_open(&w);
    assert_int_equal(
        ts_ahead_make(&w.k->genesis, w.k->crypto, &w.rolled[0].rollup, w.rolled[0].data, &a),
        TS_OK);
    assert_int_equal(a.n_senders, 9);
    assert_int_equal(a.n_l1, 3); /* 1, 2, and 61 of the rollup itself */
    assert_true(a.l1[0] == 1 && a.l1[1] == 2 && a.l1[2] == 61);
    for (size_t i = 0; i < a.n_senders; i++) {
        struct ts_ahead_sender s = a.senders[i];
        assert_int_equal(ts_recover(w.k->crypto, &s.digest, &s.sig, &again), TS_OK);
        assert_true(ts_ahead_sender(&a, &s.digest, &s.sig, &sender));
        assert_true(ts_address_equal(&sender, &again));
        s.sig.b[0] ^= 1;
        assert_false(ts_ahead_sender(&a, &s.digest, &s.sig, &sender));
        s.digest.b[0] ^= 1;
        assert_false(ts_ahead_sender(&a, &s.digest, &s.sig, &sender));
    }
    ts_ahead_free(&a);
    struct ts_msg_rolled r = w.rolled[0];
    r.data.n--;
    assert_int_equal(ts_ahead_make(&w.k->genesis, w.k->crypto, &r.rollup, r.data, &a), TS_OK);
    assert_true(a.n_senders == 0 && a.n_l1 == 1 && a.l1[0] == 61);
    ts_ahead_free(&a);
    r.rollup.last_number = 0;
    assert_int_equal(ts_ahead_make(&w.k->genesis, w.k->crypto, &r.rollup, r.data, &a), TS_OK);
    assert_true(a.n_senders == 0 && a.n_l1 == 1);
    ts_ahead_free(&a);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_that_is_none_leaves_it_at_genesis),
        cmocka_unit_test(each_payload_is_the_one_that_was_sealed),
        cmocka_unit_test(the_chain_comes_back_through_threads),
        cmocka_unit_test(few_blocks_are_asked_for),
        cmocka_unit_test(what_is_wrong_ends_the_pipe),
        cmocka_unit_test(senders_are_known_before_their_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
