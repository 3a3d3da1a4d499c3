/* SPDX-License-Identifier: Apache-2.0 */
#include "node/core.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/snapshot.h"
#include "node/internal.h"

#define ROUNDS  8                 /* of moving things on, in one step */
#define TICK_US UINT64_C(1000000) /* at least so often deadlines are looked at */

void ts_node_settings_default(struct ts_node_settings *s)
{
    *s = (struct ts_node_settings){
        .hello_us = 5000000,
        .connect_us = 10000000,
        .get_us = 10000000,
        .hedge_us = 2000000,
        .poll_us = 5000000,
        .backoff_min_us = 200000,
        .backoff_max_us = 15000000,
        .penalty_min_us = 5000000,
        .penalty_max_us = 300000000,
        .progress_us = 5000000,
        .get_count = 512,
        .window = 8,
        .window_bytes = 16u * 1024 * 1024,
        .verify_run = 32,
        .verify_ahead = 8,
        .store_max = 1024,
        .chain_every = 4096,
        .store_retry_us = 1000000,
        .tx_us = 10000000,
        .tx_try_us = 4000000,
        .max_txs = 4096,
        .max_tx_bytes = 16u * 1024 * 1024,
        .enclave_us = 10000000,
        .enclave_load_us = 120000000,
        .enclave_window = 16,
        .snapshot_every = 10000,
        .l1_behind_us = 10000000,
        .l1_again_us = 2000000,
        .settle_us = 5000000,
        .l1_release_us = 60000000,
        .clock_skew_ms = 30000,
    };
}

/* ---- making one ---- */

static ts_err genesis_root(const struct ts_node_start *start, ts_hash *root)
{
    struct ts_engine *engine;
    ts_err err = start->engine->open(start->genesis, start->crypto, start->seed, &engine);
    if (err != TS_OK)
        return err;
    start->engine->root(engine, root);
    start->engine->close(engine);
    return TS_OK;
}

static void check_settings(const struct ts_node_start *start)
{
    const struct ts_node_settings *s = &start->settings;
    TS_CHECK(start->n_peers <= TS_NODE_MAX_PEERS);
    TS_CHECK(!start->follows_l1 || start->genesis->l1_chain_id != 0);
    TS_CHECK(s->get_count > 0 && s->get_count <= TS_FEED_MAX_GET);
    TS_CHECK(s->window > 0 && s->window <= NODE_RANGES / 2);
    TS_CHECK(s->verify_ahead > 0 && s->store_max > 0 && s->chain_every > 0);
    TS_CHECK(s->enclave_window > 0 && s->enclave_window <= NODE_ENC_PENDING - NODE_ENC_QUERIES - 8);
}

static ts_err init_chain(struct ts_node *n)
{
    ts_hash root;
    ts_err err = genesis_root(&n->start, &root);
    if (err == TS_OK)
        err = ts_chain_init(&n->chain, n->start.genesis, &n->cache.crypto, &root);
    if (err != TS_OK)
        return err;
    n->stored = n->chain.head;
    ts_node_note_root(n);
    return TS_OK;
}

ts_err ts_node_new(const struct ts_node_start *start, struct ts_node **out)
{
    check_settings(start);
    struct ts_node *n = calloc(1, sizeof(*n));
    if (n == NULL)
        return TS_E_NOMEM;
    n->start = *start;
    n->s = start->settings;
    n->random = start->seed[0] ^ start->seed[1] ^ UINT64_C(0x9e3779b97f4a7c15);
    n->random |= 1;
    n->answer_bytes = 1024u * 1024;
    ts_arena_init(&n->step, 0);
    ts_arena_init(&n->scratch, 0);
    ts_arena_init(&n->decode, 0);
    ts_buf_init(&n->meta_chain, 0);
    ts_buf_init(&n->meta_roots, 0);
    ts_buf_init(&n->meta_audit, 0);
    ts_buf_init(&n->meta_timeline, 0);
    ts_sig_cache_init(&n->cache, start->crypto, start->seed);
    ts_map_init(&n->evidence, sizeof(ts_hash), 0, start->seed);
    ts_node_grants_init(n);
    ts_map_init(&n->evidence_at, sizeof(struct evidence_at), sizeof(uint32_t), start->seed);
    ts_node_forward_init(n);
    ts_node_rollups_init(n);
    ts_node_line_init(n);
    n->effect = ts_effect_new();
    n->audit = ts_audit_new(start->genesis);
    n->timeline = ts_timeline_new(start->genesis);
    bool has_all = n->effect != NULL && n->audit != NULL && n->timeline != NULL;
    ts_err err = has_all ? init_chain(n) : TS_E_NOMEM;
    if (err != TS_OK) {
        ts_node_free(n);
        return err;
    }
    *out = n;
    return TS_OK;
}

void ts_node_free(struct ts_node *n)
{
    if (n == NULL)
        return;
    ts_node_outputs_reset(n);
    ts_node_catchup_clear(n);
    ts_node_pipeline_free(n);
    ts_node_commit_free(n);
    ts_node_gossip_free(n);
    ts_node_told_free(n);
    ts_node_findings_free(n);
    ts_node_forward_free(n);
    ts_node_l1_free(n);
    ts_node_rollups_free(n);
    ts_node_line_free(n);
    ts_chain_free(&n->chain);
    ts_effect_free(n->effect);
    ts_audit_free(n->audit);
    ts_timeline_free(n->timeline);
    ts_sig_cache_free(&n->cache);
    ts_arena_free(&n->step);
    ts_arena_free(&n->scratch);
    ts_arena_free(&n->decode);
    free(n->out);
    free(n->sends);
    free(n);
}

/* ---- what the store holds ---- */

/* [first, [root, …]]: the last is that of the chain's head. */
static ts_err load_roots(struct ts_node *n, ts_bytes roots, const struct ts_head *head,
                         uint64_t *from)
{
    struct ts_reader r = ts_reader_of(roots);
    ts_read_list(&r);
    uint64_t number = ts_read_u64(&r);
    *from = number;
    ts_hash root = {{0}};
    for (; ts_read_more(&r); number++) {
        ts_read_hash(&r, &root);
        n->roots[number % TS_RECENT] = root;
    }
    ts_read_list_end(&r);
    ts_err err = ts_reader_done(&r);
    if (err != TS_OK)
        return err;
    bool fits = number == head->number + 1 && ts_hash_equal(&root, &head->protocol_root);
    return fits ? TS_OK : TS_E_CORRUPT;
}

static ts_err load_audit(struct ts_node *n, ts_bytes audit, const struct ts_chain *chain)
{
    struct ts_reader r = ts_reader_of(audit);
    (void)ts_read_raw(&r);
    ts_err err = ts_reader_done(&r); /* one item, before anything is changed */
    r = ts_reader_of(audit);
    return err == TS_OK ? ts_audit_read(&r, chain, n->audit) : err;
}

ts_err ts_node_load_chain(struct ts_node *n, ts_bytes snapshot, ts_bytes roots, ts_bytes audit)
{
    struct ts_chain chain;
    uint64_t from = 0;
    struct ts_reader r = ts_reader_of(snapshot);
    TS_CHECK(n->chain.head.number == 0);
    ts_err err = ts_chain_snapshot_read(&r, n->start.genesis, &n->cache.crypto, &chain);
    if (err != TS_OK)
        return err;
    err = ts_reader_done(&r);
    if (err == TS_OK)
        err = load_roots(n, roots, &chain.head, &from);
    if (err == TS_OK)
        err = load_audit(n, audit, &chain);
    if (err != TS_OK) {
        ts_chain_free(&chain);
        ts_node_note_root(n);
        return err;
    }
    ts_chain_free(&n->chain);
    n->chain = chain;
    n->roots_from = from;
    n->chain_saved = chain.head.number;
    n->stored = chain.head;
    return TS_OK;
}

ts_err ts_node_load_timeline(struct ts_node *n, ts_bytes timeline)
{
    struct ts_reader r = ts_reader_of(timeline);
    (void)ts_read_raw(&r);
    ts_err err = ts_reader_done(&r); /* one item, before anything is changed */
    r = ts_reader_of(timeline);
    return err == TS_OK ? ts_timeline_read(&r, &n->chain.head, n->timeline) : err;
}

ts_err ts_node_fold_timeline(struct ts_node *n, const struct ts_store_batch *b)
{
    struct ts_batch batch;
    TS_CHECK(b->number <= n->chain.head.number);
    ts_arena_reset(&n->decode);
    ts_err err =
        ts_batch_decode(b->raw, n->start.genesis->params.max_batch_bytes, &n->decode, &batch);
    if (err == TS_OK && batch.header.number != ts_timeline_head(n->timeline) + 1)
        err = TS_E_CORRUPT;
    return err == TS_OK ? ts_timeline_batch(n->timeline, &batch, &b->hash) : err;
}

ts_err ts_node_load_batch(struct ts_node *n, const struct ts_store_batch *b, char why[160])
{
    struct ts_batch batch;
    struct ts_fault fault = {.what = ""};
    ts_arena_reset(&n->decode);
    ts_sig_cache_fill(&n->cache, NULL, 0);
    ts_err err =
        ts_batch_decode(b->raw, n->start.genesis->params.max_batch_bytes, &n->decode, &batch);
    if (err == TS_OK)
        err = ts_batch_check(&n->chain, &batch, NULL, n->effect, &fault);
    if (err == TS_OK && !ts_hash_equal(&ts_effect_head(n->effect)->hash, &b->hash))
        err = TS_E_CORRUPT;
    if (err == TS_OK)
        err = ts_chain_apply(&n->chain, n->effect);
    if (err == TS_E_NOMEM)
        return err;
    if (err != TS_OK) {
        snprintf(why, 160, "batch %" PRIu64 " does not follow from the batches before it: %.80s",
                 b->number, fault.what[0] != '\0' ? fault.what : ts_err_text((int)err));
        return TS_E_CORRUPT;
    }
    ts_node_note_root(n);
    ts_node_findings_batch(n, &batch, true);
    n->stored = n->chain.head;
    return TS_OK;
}

/* ---- a step ---- */

static void take_input(struct ts_node *n, const struct ts_node_input *in)
{
    bool is_enclave = in->link == TS_NODE_LINK_ENCLAVE;
    struct source subscriber = {.is_subscriber = true, .peer = in->peer};
    TS_CHECK(is_enclave || in->link < n->start.n_peers || in->link == 0);
    switch (in->kind) {
    case TS_NODE_IN_TICK:
        break;
    case TS_NODE_IN_LINK_UP:
        is_enclave ? ts_node_validator_link_up(n) : ts_node_follow_link_up(n, in->link);
        break;
    case TS_NODE_IN_LINK_DOWN:
        is_enclave ? ts_node_validator_link_down(n, in->text)
                   : ts_node_follow_link_down(n, in->link, in->text);
        break;
    case TS_NODE_IN_FRAME:
        is_enclave ? ts_node_validator_frame(n, in->bytes)
                   : ts_node_follow_frame(n, in->link, in->bytes);
        break;
    case TS_NODE_IN_STORED:
        ts_node_commit_stored(n, in->token, in->err);
        break;
    case TS_NODE_IN_LOADED:
        if (!ts_node_show_loaded(n, in) && !ts_node_rollup_check_loaded(n, in) &&
            !ts_node_told_loaded(n, in))
            ts_node_validator_loaded(n, in);
        break;
    case TS_NODE_IN_VERIFIED:
        ts_node_pipeline_verified(n, in->token, in->verified, in->n_verified);
        break;
    case TS_NODE_IN_BATCH:
        if (!n->is_stopping)
            ts_node_gossip_batch(n, &subscriber, in->bytes);
        break;
    case TS_NODE_IN_TX:
        ts_node_forward_tx(n, in->token, in->bytes, in->is_relay);
        break;
    case TS_NODE_IN_QUERY:
        ts_node_validator_query(n, in->token, in->query_kind, in->bytes);
        break;
    case TS_NODE_IN_SETTLE:
        ts_node_settle(n, in->token);
        break;
    case TS_NODE_IN_L1_BLOCK:
        ts_node_l1_block(n, in->l1);
        break;
    case TS_NODE_IN_L1_CONFIRMED:
        ts_node_l1_confirmed(n, in->l1);
        break;
    case TS_NODE_IN_L1_REORG:
        ts_node_l1_reorg(n, in->l1);
        break;
    case TS_NODE_IN_L1_FINAL:
        ts_node_rollups_final(n, in->number);
        break;
    case TS_NODE_IN_ROLLUP:
        ts_node_rollups_take(n, in->rollup);
        break;
    case TS_NODE_IN_ROLLBACK:
        ts_node_rollups_back(n, in->rollback);
        break;
    case TS_NODE_IN_STOP:
        break;
    }
}

/* What waits for room, time or a peer moves as far as it can. */
static void move_on(struct ts_node *n)
{
    bool moved = !n->l1.is_halted && !n->line.is_leaving; /* else nothing is taken any more */
    for (int i = 0; moved && i < ROUNDS && !n->is_stopping; i++) {
        ts_node_catchup_plan(n);
        moved = ts_node_pipeline_pump(n);
    }
    if (!n->is_stopping)
        ts_node_gossip_pump(n);
    ts_node_l1_plan(n);
    ts_node_commit_pump(n);
    if (!n->is_stopping) {
        ts_node_show_pump(n);
        ts_node_told_pump(n);
    }
}

static uint64_t tick_all(struct ts_node *n)
{
    uint64_t wake = n->now.mono_us + TICK_US;
    ts_node_catchup_tick(n, &wake);
    ts_node_commit_tick(n, &wake);
    ts_node_settle_tick(n, &wake);
    ts_node_forward_tick(n, &wake);
    ts_node_validator_tick(n, &wake);
    ts_node_l1_tick(n, &wake);
    ts_node_rollups_pump(n, &wake);
    ts_node_follow_tick(n,
                        &wake); /* last: the others drop peers, who then have a time to come back */
    if (n->stalled_us > n->now.mono_us && n->stalled_us < wake)
        wake = n->stalled_us;
    return wake;
}

static void begin_stop(struct ts_node *n)
{
    if (n->is_stopping)
        return;
    n->is_stopping = true;
    ts_node_follow_stop(n);
    ts_node_forward_stop(n);
    ts_node_settle_stop(n);
    ts_node_validator_stop(n);
    ts_node_catchup_clear(n);
    ts_node_pipeline_flush(n);
}

/* Stops when the newest step is durable and no worker reads our memory any more. */
static void try_stop(struct ts_node *n)
{
    if (!n->is_stopping || n->is_stopped || n->n_sent > 0)
        return;
    bool is_failing = n->retry_us != 0; /* what is not durable now is fetched again */
    if (!ts_node_commit_is_idle(n) && !is_failing)
        return;
    n->is_stopped = true;
    ts_node_output_new(n, TS_NODE_OUT_STOPPED);
}

static void finish_step(struct ts_node *n, struct ts_node_outputs *out)
{
    uint64_t wake = UINT64_MAX;
    if (!n->is_stopped) {
        move_on(n);
        wake = tick_all(n);
        if (!n->is_stopping && !n->l1.is_halted)
            ts_node_catchup_plan(n); /* what a deadline set free is asked of another at once */
        if (n->runs != NULL && n->runs->state == RUN_DONE && ts_node_commit_has_room(n) &&
            n->stalled_us <= n->now.mono_us && n->l1.waiting == NULL && !n->l1.is_halted &&
            !n->line.is_leaving)
            wake = n->now.mono_us; /* the next share of a long run */
        try_stop(n);
    }
    *out = (struct ts_node_outputs){
        .out = n->out, .n = n->n_out, .wake_us = n->is_stopped ? UINT64_MAX : wake};
}

void ts_node_begin(struct ts_node *n, struct ts_now now, struct ts_node_outputs *out)
{
    n->now = now;
    n->news_us = now.mono_us;
    ts_node_follow_begin(n);
    ts_node_validator_begin(n);
    ts_node_l1_begin(n);
    finish_step(n, out);
}

void ts_node_step(struct ts_node *n, struct ts_now now, const struct ts_node_input *in,
                  struct ts_node_outputs *out)
{
    if (now.mono_us < n->now.mono_us)
        now.mono_us = n->now.mono_us;
    n->now = now;
    ts_node_outputs_reset(n);
    if (in->kind == TS_NODE_IN_STOP)
        begin_stop(n);
    else if (!n->is_stopped)
        take_input(n, in);
    finish_step(n, out);
}

/* ---- looking in ---- */

void ts_node_status_of(const struct ts_node *n, struct ts_node_status *out)
{
    const struct validator *v = &n->validator;
    uint64_t target = ts_node_follow_credible(n);
    *out = (struct ts_node_status){
        .head = n->stored,
        .target = target > n->stored.number ? target : n->stored.number,
        .is_catching_up = (!n->has_heard && n->start.n_peers > 0) || n->is_behind,
        .is_storing = n->retry_us == 0,
        .last_batch_us = n->last_batch_us,
        .evidence = n->evidence.n,
        .n_peers = n->start.n_peers,
        .counters = n->counters,
        .enclave = {.state = v->state,
                    .state_text = ts_node_validator_state_text(v->state),
                    .id = v->id,
                    .head = v->head,
                    .reason = v->reason,
                    .disputes = v->disputes,
                    .disputed = v->disputed},
    };
    ts_node_l1_status_of(n, &out->l1);
    ts_node_rollups_status_of(n, &out->rollups);
    for (unsigned i = 0; i < n->start.n_peers; i++)
        out->peers_up += n->peers[i].state == TS_NODE_PEER_UP;
}

const struct ts_chain *ts_node_chain(const struct ts_node *n)
{
    return &n->chain;
}

const struct ts_audit *ts_node_audit(const struct ts_node *n)
{
    return n->audit;
}

const struct ts_timeline *ts_node_timeline(const struct ts_node *n)
{
    return n->timeline;
}
