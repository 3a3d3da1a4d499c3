/* SPDX-License-Identifier: Apache-2.0 */
/* I11: headers and transactions are enough. With every payload thrown away, execution from genesis
 * gives each header's transaction root and state root, and the headers link and have the hashes
 * that everybody uses. What rollups hold: check_rollups.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/map.h"
#include "check_line.h"
#include "engine/engine.h"
#include "tenseq/verify.h"

#define STATES 4 /* of as many branches at once; others are executed from genesis again */

struct known {
    const struct sim_batch *b;
};

struct state_at {
    struct ts_engine *engine; /* NULL: free */
    ts_hash head;
};

struct i11 {
    struct sim_lines lines;
    struct ts_map known; /* hash → struct known */
    struct state_at states[STATES];
    size_t oldest;
    ts_hash empty_tx_root;
    ts_hash genesis_state;
};

static struct ts_engine *open_engine(const struct i11 *s, ts_hash *root)
{
    struct ts_engine *engine;
    const struct sim_setting *setting = s->lines.setting;
    TS_CHECK(ts_ledger_engine.open(setting->genesis, setting->crypto, sim_map_seed, &engine) ==
             TS_OK);
    if (root != NULL)
        ts_ledger_engine.root(engine, root);
    return engine;
}

/* The state after a batch is the engine's, and root what it is then. NULL, or what is wrong. */
static const char *execute(struct ts_engine *engine, const struct ts_batch *b, ts_hash *root)
{
    const char *wrong = NULL;
    ts_ledger_engine.root(engine, root);
    if (b->n_txs == 0)
        return NULL;
    TS_CHECK(ts_ledger_engine.begin(engine, b->header.number, b->header.time) == TS_OK);
    for (size_t i = 0; i < b->n_txs && wrong == NULL; i++) {
        struct ts_tx_result result;
        TS_CHECK(ts_ledger_engine.execute(engine, b->txs[i], &result) == TS_OK);
        if (result.err != TS_OK)
            wrong = "holds a transaction that cannot stand there";
    }
    TS_CHECK(ts_ledger_engine.finish(engine, root) == TS_OK);
    ts_ledger_engine.commit(engine);
    return wrong;
}

/* All up to b, oldest first. */
static void replay(const struct i11 *s, struct ts_engine *engine, const struct sim_batch *b)
{
    const struct sim_batch **path = NULL;
    size_t n = 0, cap = 0;
    ts_hash root;
    while (b != NULL) {
        path = sim_check_grow(path, n, &cap, sizeof(b));
        path[n++] = b;
        const struct known *parent = ts_map_get(&s->known, &b->b->header.parent_hash);
        b = parent != NULL ? parent->b : NULL;
    }
    while (n > 0)
        execute(engine, path[--n]->b, &root);
    free(path);
}

/* A state that stands at that head; at: the batch, NULL for genesis. */
static struct state_at *state_at(struct i11 *s, const ts_hash *head, const struct sim_batch *at)
{
    for (size_t i = 0; i < STATES; i++) {
        if (s->states[i].engine != NULL && ts_hash_equal(&s->states[i].head, head))
            return &s->states[i];
    }
    struct state_at *st = &s->states[s->oldest++ % STATES];
    ts_ledger_engine.close(st->engine);
    st->engine = open_engine(s, NULL);
    st->head = *head;
    replay(s, st->engine, at);
    return st;
}

static const char *state_wrong(struct i11 *s, const struct sim_batch *b, const struct known *parent)
{
    const ts_hash *parent_root =
        parent != NULL ? &parent->b->b->header.state_root : &s->genesis_state;
    struct state_at *st = state_at(s, &b->b->header.parent_hash, parent != NULL ? parent->b : NULL);
    ts_hash root = *parent_root;
    const char *wrong = b->b->n_txs > 0 ? execute(st->engine, b->b, &root) : NULL;
    st->head = b->hash;
    if (wrong == NULL && !ts_hash_equal(&root, &b->b->header.state_root))
        wrong = b->b->n_txs > 0 ? "has not the state root that its transactions give"
                                : "has no transactions and another state root than its parent";
    return wrong;
}

static const char *form_wrong(const struct i11 *s, const struct sim_batch *b)
{
    ts_hash hash, tx_root = s->empty_tx_root;
    ts_header_hash(&s->lines.setting->genesis->domain, &b->b->header, &hash);
    if (!ts_hash_equal(&hash, &b->hash))
        return "has a header with another hash than it goes by";
    if (b->b->n_txs > 0)
        ts_tx_root(b->b, &tx_root);
    if (!ts_hash_equal(&tx_root, &b->b->header.tx_root))
        return "has not the transaction root that its transactions give";
    return NULL;
}

static const char *first_seen(struct i11 *s, const struct sim_batch *b)
{
    const struct known *parent = ts_map_get(&s->known, &b->b->header.parent_hash);
    const char *wrong = form_wrong(s, b);
    if (wrong == NULL)
        wrong = state_wrong(s, b, parent);
    struct known *k = sim_check_memory(ts_map_put(&s->known, &b->hash, NULL));
    *k = (struct known){.b = b};
    return wrong;
}

static void batch(void *state, unsigned line, const struct sim_batch *b, const struct sim_event *e,
                  struct sim_verdict *v)
{
    struct i11 *s = state;
    char where[SIM_WHERE_SIZE];
    const struct sim_batch *before = sim_line_at(&s->lines.line[line], b->number - 1);
    const ts_hash *parent = before != NULL ? &before->hash : &s->lines.setting->genesis->hash;
    const char *wrong = NULL;
    if (!ts_hash_equal(parent, &b->b->header.parent_hash))
        wrong = "does not name the hash of the one before";
    else if (b->b->header.number != b->number)
        wrong = "has another number in its header";
    else if (ts_map_get(&s->known, &b->hash) == NULL)
        wrong = first_seen(s, b);
    if (wrong != NULL)
        sim_violate(v, e, "I11", "%s %s", sim_where(line, b->number, where), wrong);
}

static void reset(void *state, unsigned line)
{
    (void)state; /* what is known of a batch does not depend on lines */
    (void)line;
}

static void *make(const struct sim_setting *setting)
{
    struct i11 *s = sim_check_memory(calloc(1, sizeof(*s)));
    const struct ts_batch empty = {0};
    s->lines = (struct sim_lines){.setting = setting, .batch = batch, .reset = reset};
    ts_map_init(&s->known, sizeof(ts_hash), sizeof(struct known), sim_map_seed);
    ts_tx_root(&empty, &s->empty_tx_root);
    s->states[0] = (struct state_at){open_engine(s, &s->genesis_state), setting->genesis->hash};
    s->oldest = 1;
    return s;
}

static void drop(void *state)
{
    struct i11 *s = state;
    for (size_t i = 0; i < STATES; i++)
        ts_ledger_engine.close(s->states[i].engine);
    ts_map_free(&s->known);
    sim_lines_free(&s->lines);
    free(s);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    sim_lines_see(&((struct i11 *)state)->lines, state, e, v);
}

const struct sim_checker sim_check_i11 = {.name = "I11",
                                          .title = "headers and transactions are enough",
                                          .make = make,
                                          .see = see,
                                          .drop = drop};
