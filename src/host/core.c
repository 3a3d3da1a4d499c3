/* SPDX-License-Identifier: Apache-2.0 */
/* The host core: start, inputs to their handlers, and what is due at the end of every step. */
#include "chain/snapshot.h"
#include "host/internal.h"

/* An event comes in an answer and then in a batch: its signature is recovered once. */
#define VERIFIED_SLOTS 512
#define LATE_US        20000u /* a tick later than this means that the host itself stood still */

void ts_host_settings_default(struct ts_host_settings *s, const struct ts_genesis *g)
{
    *s = (struct ts_host_settings){
        .interval_us = g->params.batch_interval_ms * 1000,
        .commit_quorum = 1,
        .dispute_hold_us = 30000000,
        .connect_deadline_us = 2000000,
        .answer_min_us = 100000,
        .answer_max_us = 2000000,
        .cool_down_us = 10000000,
        .heartbeat_us = 500000,
        .snapshot_every = 10000,
        .pool_max_txs = 100000,
        .pool_max_bytes = 64u * 1024 * 1024,
        .pool_max_per_sender = 16384,
        .rollup_batches = 10000,
        .rollup_bytes = 110000,
        .rollup_us = 600000000,
    };
}

/* ---- start ---- */

static ts_err genesis_root(const struct ts_host_start *start, ts_hash *out)
{
    struct ts_engine *engine;
    ts_err err = start->engine->open(start->genesis, start->crypto, start->seed, &engine);
    if (err != TS_OK)
        return err;
    start->engine->root(engine, out);
    start->engine->close(engine);
    return TS_OK;
}

static void init_members(struct ts_host *h, unsigned n)
{
    h->n_members = n;
    h->members = host_alloc(n * sizeof(*h->members));
    for (unsigned i = 0; i < n; i++) {
        h->members[i].link = i;
        h->members[i].phase = M_DOWN;
    }
}

ts_err ts_host_new(const struct ts_host_start *start, struct ts_host **out)
{
    TS_CHECK(start->n_links >= 1 && start->n_links <= TS_HOST_MAX_ENCLAVES);
    *out = NULL;
    ts_hash root;
    ts_err err = genesis_root(start, &root);
    if (err != TS_OK)
        return err;
    struct ts_host *h = host_alloc(sizeof(*h));
    h->genesis = start->genesis;
    h->genesis_raw = start->genesis_raw;
    h->set = start->settings;
    h->crypto = start->crypto;
    h->effect = ts_effect_new();
    TS_CHECK(h->effect != NULL);
    err = ts_chain_init(&h->chain, start->genesis, h->crypto, &root);
    if (err != TS_OK) {
        ts_effect_free(h->effect);
        free(h);
        return err;
    }
    h->verified = ts_verified_new(VERIFIED_SLOTS);
    TS_CHECK(h->verified != NULL);
    h->chain.verified = h->verified;
    init_members(h, start->n_links);
    h->producer = h->checker = h->last_producer = TS_NOBODY;
    ts_map_init(&h->pool_by_hash, sizeof(ts_hash), sizeof(struct pool_tx *), start->seed);
    ts_map_init(&h->senders, sizeof(ts_address), sizeof(struct sender), start->seed);
    /* One step may feed a batch of the largest size to the most enclaves there can be. */
    ts_arena_init(&h->arena, 2 * (size_t)TS_HOST_MAX_ENCLAVES * TS_LINK_MAX_FRAME);
    ts_arena_init(&h->create_arena, 0);
    ts_arena_init(&h->roll.arena, TS_ROLLUP_ARENA);
    h->roll.hash = start->genesis->hash;
    h->roll.member = TS_NOBODY;
    *out = h;
    return TS_OK;
}

static void free_lists(struct ts_host *h)
{
    while (h->pool_first != NULL) {
        struct pool_tx *t = h->pool_first;
        h->pool_first = t->next;
        free(t->raw);
        free(t);
    }
    while (h->queries != NULL) {
        struct query *q = h->queries;
        h->queries = q->next;
        free(q->arg);
        free(q->answer);
        free(q);
    }
    while (h->steps != NULL) {
        struct store_step *s = h->steps;
        h->steps = s->next;
        ts_arena_free(&s->arena);
        free(s);
    }
}

void ts_host_free(struct ts_host *h)
{
    if (h == NULL)
        return;
    free_lists(h);
    l1_free(h);
    rollup_free(h);
    free(h->prep.raw);
    ts_arena_free(&h->prep.arena);
    ts_map_free(&h->pool_by_hash);
    ts_map_free(&h->senders);
    ts_arena_free(&h->arena);
    ts_arena_free(&h->create_arena);
    ts_chain_free(&h->chain);
    ts_effect_free(h->effect);
    ts_verified_free(h->verified);
    free(h->discarded);
    free(h->members);
    free(h->out);
    free(h);
}

ts_err ts_host_load_chain(struct ts_host *h, ts_bytes snapshot)
{
    struct ts_chain loaded;
    struct ts_reader r = ts_reader_of(snapshot);
    ts_err err = ts_chain_snapshot_read(&r, h->genesis, h->crypto, &loaded);
    if (err != TS_OK)
        return err;
    ts_chain_free(&h->chain);
    h->chain = loaded;
    h->chain.verified = h->verified;
    return TS_OK;
}

/* What is wrong with a stored batch; want of memory is not its fault. */
static ts_err load_fault(ts_err err)
{
    return err == TS_OK || err == TS_E_NOMEM ? err : TS_E_CORRUPT;
}

ts_err ts_host_load_committed(struct ts_host *h, const struct ts_store_batch *b)
{
    ts_arena_reset(&h->arena);
    struct ts_batch batch;
    ts_err err = ts_batch_decode(b->raw, TS_MAX_BATCH_BYTES, &h->arena, &batch);
    struct ts_fault fault;
    if (err == TS_OK)
        err = ts_batch_check(&h->chain, &batch, NULL, h->effect, &fault);
    return err == TS_OK ? ts_chain_apply(&h->chain, h->effect) : load_fault(err);
}

void ts_host_load_l1(struct ts_host *h, ts_bytes header)
{
    l1_load_header(h, header);
}

ts_err ts_host_load_prepared(struct ts_host *h, const struct ts_store_batch *b)
{
    struct ts_fault fault;
    ts_arena_reset(&h->arena);
    h->n_out = 0;
    l1_load_header(h, b->l1_header);
    ts_err err = prepared_take(h, NULL, b->raw, NULL, &fault);
    if (err != TS_OK)
        return load_fault(err);
    /* It is durable already: no step is needed before it may be fed. */
    struct store_step *s = h->steps;
    h->steps = s->next;
    ts_arena_free(&s->arena);
    free(s);
    h->n_out = 0;
    h->prep.stage = P_FEEDING;
    h->prep.from_store = true;
    return TS_OK;
}

/* The dispute goes on: nobody knows how long ago it was, so it is held for the whole time. */
ts_err ts_host_load_discarded(struct ts_host *h, const struct ts_store_batch *b)
{
    struct ts_batch batch;
    if (b->number <= h->chain.head.number)
        return TS_OK;
    prepared_note_discarded(h, &b->hash);
    h->hold_number = b->number;
    ts_arena_reset(&h->arena);
    ts_err err = ts_batch_decode(b->raw, TS_MAX_BATCH_BYTES, &h->arena, &batch);
    if (err != TS_OK)
        return load_fault(err);
    id_set_add(h, &h->losers, &batch.header.producer);
    return TS_OK;
}

ts_err ts_host_load_meta(struct ts_host *h, const char *key, ts_bytes value)
{
    return strcmp(key, "rollup") == 0 ? rollup_load(h, value) : settings_load(h, key, value);
}

ts_err ts_host_load_tx(struct ts_host *h, const struct ts_store_tx *tx)
{
    pool_load(h, tx);
    return TS_OK;
}

/* ---- steps ---- */

static void stored(struct ts_host *h, const struct ts_host_input *in)
{
    struct store_step **at = &h->steps;
    while (*at != NULL && (*at)->token != in->token)
        at = &(*at)->next;
    struct store_step *s = *at;
    TS_CHECK(s != NULL);
    *at = s->next;
    if (s->what == STEP_TXS) {
        pool_stored(h, s, in->err);
    } else if (s->what == STEP_TERM) {
        h->term_storing = false;
        if (in->err == TS_OK && s->value > h->term_reserved)
            h->term_reserved = s->value;
        if (in->err != TS_OK && h->next_batch_us <= h->now.mono_us)
            h->next_batch_us = h->now.mono_us + 500000; /* then it is asked for again */
    } else if (s->what == STEP_META) {
        settings_stored(h, s, in->err);
    } else if (s->what != STEP_UNDO) {
        prepared_stored(h, s->what, in->err);
    }
    ts_arena_free(&s->arena);
    free(s);
}

static void loaded(struct ts_host *h, const struct ts_host_input *in)
{
    if (rollup_waits_for(h, in->token)) {
        rollup_loaded(h, in);
        return;
    }
    for (unsigned i = 0; i < h->n_members; i++)
        if (h->members[i].loading_store && h->members[i].load_token == in->token) {
            join_from_store(h, &h->members[i], in);
            return;
        }
}

/* If the host itself stood still, nobody missed a deadline by that. */
static void forgive_own_lateness(struct ts_host *h, uint64_t expected)
{
    uint64_t now = h->now.mono_us;
    if (expected == UINT64_MAX || now < expected + LATE_US)
        return;
    for (unsigned i = 0; i < h->n_members; i++) {
        struct member *m = &h->members[i];
        m->line_since_us += now - expected;
        if (m->line_since_us > now) /* asked since */
            m->line_since_us = now;
    }
}

static void tick(struct ts_host *h, uint64_t expected)
{
    forgive_own_lateness(h, expected);
    for (unsigned i = 0; i < h->n_members; i++)
        member_tick(h, &h->members[i]);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_wake(const struct ts_host *h)
{
    uint64_t wake =
        least(least(produce_wake(h), rollup_wake(h)), least(pool_wake(h), query_wake(h)));
    for (unsigned i = 0; i < h->n_members; i++)
        wake = least(wake, member_wake(h, &h->members[i]));
    return wake;
}

static void finish_step(struct ts_host *h, struct ts_host_outputs *out)
{
    bool was_stopped = h->stopped;
    for (unsigned i = 0; i < h->n_members; i++)
        join_advance(h, &h->members[i]);
    l1_advance(h);
    produce_advance(h);
    pool_advance(h);
    query_advance(h);
    rollup_advance(h);
    replace_advance(h);
    if (h->stopped && !was_stopped) /* the last: with it all that outputs need may be closed */
        out_push(h, TS_OUT_STOPPED);
    h->wake_us = next_wake(h);
    out->out = h->out;
    out->n = h->n_out;
    out->wake_us = h->wake_us;
}

static void start_step(struct ts_host *h, struct ts_now now)
{
    ts_arena_reset(&h->arena);
    h->n_out = 0;
    h->now = now;
}

void ts_host_begin(struct ts_host *h, struct ts_now now, struct ts_host_outputs *out)
{
    start_step(h, now);
    h->grace_until_us = now.mono_us + h->set.connect_deadline_us;
    h->next_batch_us = now.mono_us;
    for (unsigned i = 0; i < h->n_members; i++)
        member_connect(h, &h->members[i]);
    h->hold_until_us = now.mono_us + h->set.dispute_hold_us;
    if (h->term_handed > h->chain.head.term)
        out_event(h, TS_LOG_INFO, "terms-skipped", "chain=%llu next=%llu reason=\"%s\"",
                  (unsigned long long)h->chain.head.term, (unsigned long long)h->term_handed + 1,
                  "the terms between were reserved before this start and may have been handed out");
    produce_stock_terms(h);
    rollup_begin(h);
    replace_begin(h);
    finish_step(h, out);
}

void ts_host_step(struct ts_host *h, struct ts_now now, const struct ts_host_input *in,
                  struct ts_host_outputs *out)
{
    uint64_t expected = h->wake_us;
    start_step(h, now);
    if (in->kind == TS_IN_LINK_UP || in->kind == TS_IN_LINK_DOWN || in->kind == TS_IN_FRAME)
        TS_CHECK(in->link < h->n_members);
    switch (in->kind) {
    case TS_IN_TICK:
        tick(h, expected);
        break;
    case TS_IN_LINK_UP:
        member_link_up(h, &h->members[in->link]);
        break;
    case TS_IN_LINK_DOWN:
        member_link_down(h, &h->members[in->link], in->text);
        break;
    case TS_IN_FRAME:
        member_frame(h, &h->members[in->link], in->bytes);
        break;
    case TS_IN_STORED:
        stored(h, in);
        break;
    case TS_IN_LOADED:
        loaded(h, in);
        break;
    case TS_IN_TX:
        pool_add(h, in);
        break;
    case TS_IN_QUERY:
        query_add(h, in);
        break;
    case TS_IN_ADMIN:
        admin_input(h, in);
        break;
    case TS_IN_ROLLUP:
        rollup_confirmed(h, in->rollup);
        break;
    case TS_IN_ROLLBACK:
        rollup_rolled_back(h, in->rollback);
        break;
    case TS_IN_SUBMITTED:
        rollup_submitted(h, in);
        break;
    case TS_IN_L1_BLOCK:
    case TS_IN_L1_REORG:
        l1_input(h, in);
        break;
    case TS_IN_REQUESTED:
        replace_done(h, in);
        break;
    case TS_IN_STOP:
        h->stopping = true;
        h->next_batch_us = now.mono_us;
        if (!h->sw.started)
            switch_failed(h, "the host is stopping");
        break;
    }
    finish_step(h, out);
}
