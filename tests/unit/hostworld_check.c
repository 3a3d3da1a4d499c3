/* SPDX-License-Identifier: Apache-2.0 */
#include "hostworld_internal.h"

#include "chain/batch.h"

static void count_txs(struct world *w, const struct ts_batch *batch)
{
    for (size_t i = 0; i < batch->n_txs; i++) {
        ts_hash hash;
        ts_tx_hash(batch->txs[i], &hash);
        struct tx_record *r = world_record_of(w, &hash);
        if (r != NULL)
            r->batches++;
    }
}

static void follow_one(struct world *w, const struct stored_batch *b, struct ts_chain *chain,
                       struct ts_effect *effect, struct ts_arena *arena)
{
    struct ts_batch batch;
    struct ts_fault fault = {.what = ""};
    if (b->number <= chain->head.number) { /* sent again after a restart: the very same */
        assert_true(b->number + TS_RECENT > chain->head.number);
        assert_true(ts_hash_equal(ts_chain_recent(chain, b->number), &b->hash));
        return;
    }
    ts_arena_reset(arena);
    assert_int_equal(ts_batch_decode(ts_bytes_of(b->raw, b->n), TS_MAX_BATCH_BYTES, arena, &batch),
                     TS_OK);
    ts_err err = ts_batch_check(chain, &batch, NULL, effect, &fault);
    if (err != TS_OK)
        fail_msg("batch %llu: %s: %s", (unsigned long long)b->number, ts_err_name(err), fault.what);
    assert_int_equal(ts_chain_apply(chain, effect), TS_OK);
    count_txs(w, &batch);
}

static void follow_all(struct world *w)
{
    struct ts_engine *engine;
    ts_hash root;
    uint64_t seed[2] = {5, 6};
    assert_int_equal(ts_ledger_engine.open(&w->genesis, w->crypto, seed, &engine), TS_OK);
    ts_ledger_engine.root(engine, &root);
    ts_ledger_engine.close(engine);
    struct ts_chain chain;
    assert_int_equal(ts_chain_init(&chain, &w->genesis, w->crypto, &root), TS_OK);
    struct ts_effect *effect = must(ts_effect_new());
    struct ts_arena arena;
    ts_arena_init(&arena, 0);
    for (size_t i = 0; i < w->n_sent; i++)
        follow_one(w, &w->sent[i], &chain, effect, &arena);
    ts_arena_free(&arena);
    ts_effect_free(effect);
    ts_chain_free(&chain);
}

static void check_tx(const struct world *w, size_t i, bool settled)
{
    const struct tx_record *r = &w->records[i];
    assert_true(r->batches <= 1);
    if (r->rejected && r->batches > 0)
        fail_msg("transaction %zu is in a batch and rejected (%s)", i, r->rejected_text);
    if (settled && r->state == WTX_ACKED && r->batches + r->rejected != 1)
        fail_msg("acknowledged transaction %zu is in %u batches, rejected %d", i, r->batches,
                 r->rejected);
}

void world_check(struct world *w, bool settled)
{
    for (size_t i = 0; i < w->n_records; i++)
        w->records[i].batches = 0;
    follow_all(w);
    for (size_t i = 0; i < w->n_records; i++)
        check_tx(w, i, settled);
    for (size_t i = 0; i < w->n_asked && settled; i++)
        if (!w->asked[i].done && w->asked[i].host_gen == w->host_gen && w->host_gen != 0)
            fail_msg("question %zu was never answered", i);
}
