/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

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
    free(line);
}

ts_err ts_line_apply(struct ts_line *line, const struct ts_effect *effect)
{
    ts_err err = ts_chain_apply(&line->chain, effect);
    if (err != TS_OK)
        return err;
    const struct ts_head *head = &line->chain.head;
    line->roots[head->number % TS_RECENT] = head->protocol_root;
    return TS_OK;
}

const ts_hash *ts_line_root(const struct ts_line *line, uint64_t number)
{
    if (ts_chain_recent(&line->chain, number) == NULL)
        return NULL;
    return &line->roots[number % TS_RECENT];
}
