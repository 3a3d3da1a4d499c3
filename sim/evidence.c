/* SPDX-License-Identifier: Apache-2.0 */
/* What a node has stored as evidence, looked at as anyone would who is given the file. */
#include "audit/evidence_build.h"

#include "base/check.h"
#include "chain/rollup.h"
#include "world.h"

static ts_err read_record(void *ctx, const ts_hash *id, struct ts_buf *out)
{
    const struct sim_disk *d = ctx;
    for (size_t i = 0; i < d->n_evidence; i++) {
        if (!ts_hash_equal(&d->evidence[i].id, id))
            continue;
        ts_buf_put(out, d->evidence[i].raw, d->evidence[i].n);
        return TS_OK;
    }
    return TS_E_NOT_FOUND;
}

static ts_err put_batch(const struct sim_batch *b, struct ts_buf *out)
{
    ts_buf_put(out, b->b->raw.p, b->b->raw.n);
    return TS_OK;
}

static ts_err read_batch(void *ctx, const ts_hash *hash, struct ts_buf *out)
{
    const struct sim_disk *d = ctx;
    for (uint64_t i = d->n_committed; i-- > 0;)
        if (ts_hash_equal(&d->committed[i]->hash, hash))
            return put_batch(d->committed[i], out);
    for (size_t i = 0; i < d->n_discarded; i++)
        if (ts_hash_equal(&d->discarded[i]->hash, hash))
            return put_batch(d->discarded[i], out);
    return TS_E_NOT_FOUND;
}

/* A batch that does not report does not say who is whitelisted: docs/evidence.md. */
static bool cannot_tell(const struct sim_world *w, const struct ts_evidence *e)
{
    return e->kind == TS_F_WHITELIST_MISMATCH && w->genesis.params.report_every > 1;
}

ts_err sim_evidence_judge(const struct sim_world *w, const struct sim_disk *d, const ts_hash *id,
                          struct ts_evidence_verdict *out)
{
    const struct ts_evidence_source source = {
        .ctx = (void *)(uintptr_t)d, .record = read_record, .batch = read_batch};
    struct ts_evidence_built *built = sim_must(calloc(1, sizeof(*built)));
    memset(out, 0, sizeof(*out));
    ts_err err = ts_evidence_build(&source, id, &w->genesis, w->crypto, built);
    if (err == TS_OK) {
        err = ts_evidence_check(&built->evidence, w->crypto, ts_rollup_said, out);
        if (err == TS_OK && !ts_hash_equal(&out->finding.evidence, id))
            err = TS_E_CORRUPT;
        if (err == TS_E_EVIDENCE && cannot_tell(w, &built->evidence))
            err = TS_E_UNSUPPORTED;
        ts_evidence_built_free(built);
    }
    if (err != TS_OK && out->why[0] == '\0')
        (void)snprintf(out->why, sizeof(out->why), "%s", ts_err_text((int)err));
    free(built);
    return err;
}
