/* SPDX-License-Identifier: Apache-2.0 */
/* I12, for an honest operator with any crashes: no finding is a proof against it, no evidence that
 * a node keeps proves anything of it, and host and nodes have the same batch for each number. That
 * attacks are found is asked where they are made. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "check_l1.h"
#include "tenseq/finding.h"
#include "tenseq/verify.h"

/* What a proof against the operator says, else NULL. */
static const char *proof_of(const struct ts_finding *f, bool is_back)
{
    if (is_back && (f->kind == TS_F_WHITELIST_MISMATCH || f->kind == TS_F_ROLLUP_MISMATCH ||
                    f->kind == TS_F_ROLLUP_GAP))
        return NULL;
    return f->severity == TS_SEVERITY_PROOF && f->about == TS_ABOUT_OPERATOR ? f->text : NULL;
}

/* The whitelist from a batch on. */
struct since {
    uint64_t number;
    struct sim_whitelist whitelist;
};

struct line {
    struct since *whitelists; /* oldest first; the first is of genesis */
    size_t n, cap;
};

struct i12 {
    struct sim_lines lines;
    struct line of[SIM_LINES];
    const struct sim_batch *newest; /* broadcast */
    bool is_back; /* L1 went back: what it says of batches is no longer the operator's doing */
    struct ts_map numbers; /* uint64_t → const struct sim_batch *, whoever took it first */
};

static const struct sim_whitelist *whitelist_at(const struct line *l, uint64_t number)
{
    size_t i = l->n;
    while (i > 1 && l->whitelists[i - 1].number > number)
        i--;
    return &l->whitelists[i - 1].whitelist;
}

static void take(struct i12 *s, const struct sim_batch *b, const struct sim_event *e,
                 struct sim_verdict *v)
{
    bool is_new;
    const struct sim_batch **held = sim_check_memory(ts_map_put(&s->numbers, &b->number, &is_new));
    if (is_new)
        *held = b;
    else if (!sim_same_batch(*held, b))
        sim_violate(v, e, "I12",
                    "batch %" PRIu64 " is not the same to everyone: %s %d took another", b->number,
                    e->kind == SIM_NODE_TAKES ? "node" : "host", e->who);
}

static void batch(void *state, unsigned line, const struct sim_batch *b, const struct sim_event *e,
                  struct sim_verdict *v)
{
    struct i12 *s = state;
    struct line *l = &s->of[line];
    bool changed;
    take(s, b, e, v);
    if (b->b->payload.n_notices == 0)
        return;
    l->whitelists = sim_check_grow(l->whitelists, l->n, &l->cap, sizeof(*l->whitelists));
    l->whitelists[l->n] = (struct since){b->number, l->whitelists[l->n - 1].whitelist};
    sim_whitelist_fold(&l->whitelists[l->n].whitelist, b->b, &changed); /* ill-formed: I6's */
    l->n++;
}

/* Whether the seal is by an enclave that may produce a batch of that number on that line. */
static bool sealed_by_listed(const struct i12 *s, const struct line *l, const struct sim_batch *b)
{
    const struct sim_setting *setting = s->lines.setting;
    struct ts_batch_seal seal = {b->hash, b->protocol_root};
    struct sim_whitelist after = *whitelist_at(l, b->number - 1);
    ts_hash digest;
    ts_address by;
    bool changed;
    if (!b->has_root)
        return false;
    ts_seal_digest(&setting->genesis->domain, &seal, &digest);
    if (setting->crypto->recover(setting->crypto->ctx, &digest, &b->b->seal, &by) != TS_OK)
        return false;
    sim_whitelist_fold(&after, b->b, &changed);
    return ts_address_equal(&by, &b->b->header.producer) && sim_whitelist_find(&after, &by) >= 0;
}

static void evidence(const struct i12 *s, const struct sim_event *e, struct sim_verdict *v)
{
    const struct sim_batch *held = sim_line_at(&s->lines.line[1 + e->who], e->batch->number);
    if (held != NULL && !sim_same_batch(held, e->batch) &&
        sealed_by_listed(s, &s->of[1 + e->who], e->batch))
        sim_violate(v, e, "I12",
                    "node %d keeps a second batch %" PRIu64
                    " sealed by a whitelisted enclave: a proof against an honest operator",
                    e->who, e->batch->number);
}

/* What a node has stored: it proves what was found, whoever the operator is. */
static void proves(const struct sim_event *e, struct sim_verdict *v)
{
    if (e->err != TS_OK && e->err != TS_E_UNSUPPORTED)
        sim_violate(v, e, "I12", "node %d keeps evidence that proves nothing: %s", e->who,
                    e->text != NULL ? e->text : "");
}

static void reset(void *state, unsigned line)
{
    struct i12 *s = state;
    struct line *l = &s->of[line];
    l->whitelists = sim_check_grow(l->whitelists, 0, &l->cap, sizeof(*l->whitelists));
    l->whitelists[0].number = 0;
    sim_whitelist_init(&l->whitelists[0].whitelist, s->lines.setting->genesis);
    l->n = 1;
}

static void *make(const struct sim_setting *setting)
{
    struct i12 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->lines = (struct sim_lines){.setting = setting, .batch = batch, .reset = reset};
    ts_map_init(&s->numbers, sizeof(uint64_t), sizeof(struct sim_batch *), sim_map_seed);
    for (unsigned i = 0; i < SIM_LINES; i++)
        reset(s, i);
    return s;
}

static void drop(void *state)
{
    struct i12 *s = state;
    for (size_t i = 0; i < SIM_LINES; i++)
        free(s->of[i].whitelists);
    ts_map_free(&s->numbers);
    sim_lines_free(&s->lines);
    free(s);
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct i12 *s = state;
    if (e->kind == SIM_NODE_EVIDENCE)
        proves(e, v);
    if (!s->lines.setting->is_honest)
        return;
    sim_lines_see(&s->lines, s, e, v);
    s->is_back = s->is_back || sim_l1_goes_back(e, s->newest);
    if (e->kind == SIM_BROADCAST)
        s->newest = e->batch;
    if ((e->kind == SIM_FINDING || e->kind == SIM_NODE_EVIDENCE) && e->finding != NULL &&
        proof_of(e->finding, s->is_back) != NULL)
        sim_violate(v, e, "I12", "node %d has a proof against an honest operator: %s", e->who,
                    proof_of(e->finding, s->is_back));
    else if (e->kind == SIM_NODE_EVIDENCE && e->batch != NULL && e->who >= 0 &&
             e->who < SIM_MAX_NODES)
        evidence(s, e, v);
}

const struct sim_checker sim_check_i12 = {.name = "I12",
                                          .title = "an honest operator leaves no proof",
                                          .make = make,
                                          .see = see,
                                          .drop = drop};
