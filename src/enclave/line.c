/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "enclave/state.h"

static ts_err open_engine(struct ts_enclave *e, struct ts_line *line)
{
    uint64_t seed[2];
    ts_err err = e->env.random(e->env.ctx, seed, sizeof(seed));
    if (err == TS_OK)
        err = e->engine_ops->open(&line->genesis, e->crypto, seed, &line->engine);
    return err;
}

ts_err ts_line_new(struct ts_enclave *e, ts_bytes genesis, struct ts_line **out)
{
    struct ts_line *line = calloc(1, sizeof(*line));
    ts_hash root;
    if (line == NULL)
        return TS_E_NOMEM;
    ts_err err = ts_genesis_decode(genesis, &line->genesis);
    if (err != TS_OK && err != TS_E_NOMEM)
        err =
            ts_enclave_refuse(e, TS_E_GENESIS, "the genesis does not decode: %s", ts_err_text(err));
    if (err == TS_OK)
        err = open_engine(e, line);
    if (err == TS_OK) {
        e->engine_ops->root(line->engine, &root);
        err = ts_chain_init(&line->chain, &line->genesis, e->crypto, &root);
    }
    if (err != TS_OK) {
        ts_line_free(e, line);
        return err;
    }
    *out = line;
    return TS_OK;
}

void ts_line_free(struct ts_enclave *e, struct ts_line *line)
{
    if (line == NULL)
        return;
    if (line->engine != NULL)
        e->engine_ops->close(line->engine);
    if (line->chain.genesis != NULL)
        ts_chain_free(&line->chain);
    ts_genesis_free(&line->genesis);
    free(line->milestones);
    free(line);
}

/* Room for n milestones in all. */
static ts_err reserve_milestones(struct ts_line *line, size_t n)
{
    if (n <= line->cap_milestones)
        return TS_OK;
    size_t cap = n < 2 * line->cap_milestones ? 2 * line->cap_milestones : n + 15;
    ts_hash *p = realloc(line->milestones, cap * sizeof(*p));
    if (p == NULL)
        return TS_E_NOMEM;
    line->milestones = p;
    line->cap_milestones = cap;
    return TS_OK;
}

ts_err ts_line_apply(struct ts_line *line, const struct ts_effect *effect)
{
    const struct ts_head *head = &line->chain.head;
    ts_err err = reserve_milestones(line, line->n_milestones + 1);
    if (err == TS_OK)
        err = ts_chain_apply(&line->chain, effect);
    if (err != TS_OK)
        return err;
    line->roots[head->number % TS_RECENT] = head->protocol_root;
    if (head->number % TS_MILESTONE == 0)
        line->milestones[line->n_milestones++] = head->hash;
    TS_CHECK(line->n_milestones == head->number / TS_MILESTONE);
    return TS_OK;
}

const ts_hash *ts_line_hash(const struct ts_line *line, uint64_t number)
{
    const ts_hash *recent = ts_chain_recent(&line->chain, number);
    if (recent != NULL || number == 0 || number % TS_MILESTONE != 0 ||
        number > line->chain.head.number)
        return recent;
    return &line->milestones[number / TS_MILESTONE - 1];
}

ts_err ts_line_set_milestones(struct ts_line *line, ts_bytes hashes)
{
    uint64_t n = line->chain.head.number / TS_MILESTONE;
    if (hashes.n % sizeof(ts_hash) != 0 || hashes.n / sizeof(ts_hash) != n)
        return TS_E_CORRUPT;
    ts_err err = reserve_milestones(line, (size_t)n);
    if (err != TS_OK)
        return err;
    if (n > 0)
        memcpy(line->milestones, hashes.p, hashes.n);
    line->n_milestones = (size_t)n;
    const ts_hash *own = ts_chain_recent(&line->chain, n * TS_MILESTONE);
    bool fits = n == 0 || own == NULL || ts_hash_equal(own, &line->milestones[n - 1]);
    return fits ? TS_OK : TS_E_CORRUPT;
}

const ts_hash *ts_line_root(const struct ts_line *line, uint64_t number)
{
    if (ts_chain_recent(&line->chain, number) == NULL)
        return NULL;
    return &line->roots[number % TS_RECENT];
}
