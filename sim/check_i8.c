/* SPDX-License-Identifier: Apache-2.0 */
/* I8: what a boot signed shows, or its silence does. A report names all that its boot had signed by
 * then; once one is published, so is all that it names and all that was signed at an older head;
 * and at the end a living boot that still hides something has not reported since.
 *
 * A boot whose Started is unpublished may sign all again on top of another's transitions. So a
 * transition goes by boot, kind and term, not by its hash. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "check_line.h"

#define GRACE 3 /* batches at the very end */

struct signed_one {
    uint8_t kind;
    uint16_t published; /* one bit for each line */
    uint64_t term, seq, batch_number;
    /* Reports up to this one may know nothing of it: each line's newest batch when it was first
     * seen, or the head it was signed at, where the line is behind that. */
    uint64_t seen_at[SIM_LINES];
};

struct boot {
    int who;
    bool is_over;
    struct signed_one *all; /* in the order they were signed: Started first */
    size_t n, cap;
    uint64_t top_seq;             /* newest */
    size_t published[SIM_LINES];  /* how many are */
    uint64_t reported[SIM_LINES]; /* number of the batch with its newest report; 0: none */
};

struct i8 {
    struct sim_lines lines;
    struct boot **boots;
    size_t n_boots, cap_boots;
    struct ts_map boot_of; /* boot id → struct boot * */
    struct boot *current[SIM_MAX_ENCLAVES];
};

static struct boot *find(const struct i8 *s, const ts_hash *id)
{
    struct boot **b = ts_map_get(&s->boot_of, id);
    return b != NULL ? *b : NULL;
}

static struct signed_one *find_signed(const struct boot *b, const struct ts_lifecycle_event *t)
{
    for (size_t i = b->n; i > 0; i--) {
        if (b->all[i - 1].kind == t->kind && b->all[i - 1].term == t->term)
            return &b->all[i - 1];
    }
    return NULL;
}

/* ---- what enclaves sign ---- */

static struct boot *boot_of(struct i8 *s, int who, const ts_hash *id)
{
    struct boot *b = s->current[who];
    bool is_new;
    struct boot **slot = sim_check_memory(ts_map_put(&s->boot_of, id, &is_new));
    if (!is_new)
        return *slot;
    *slot = sim_check_memory(calloc(1, sizeof(**slot)));
    (*slot)->who = who;
    s->boots = sim_check_grow(s->boots, s->n_boots, &s->cap_boots, sizeof(struct boot *));
    s->boots[s->n_boots++] = *slot;
    if (b != NULL)
        b->is_over = true;
    s->current[who] = *slot;
    return *slot;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void signs(struct i8 *s, int who, const struct ts_lifecycle_event *t)
{
    struct boot *b = boot_of(s, who, &t->boot_id);
    struct signed_one *one = find_signed(b, t);
    if (one == NULL) {
        b->all = sim_check_grow(b->all, b->n, &b->cap, sizeof(*b->all));
        one = &b->all[b->n++];
        *one =
            (struct signed_one){.kind = t->kind, .term = t->term, .batch_number = t->batch_number};
        for (size_t i = 0; i < SIM_LINES; i++)
            one->seen_at[i] = later(s->lines.line[i].n, t->batch_number);
    }
    one->seq = t->seq;
    if (t->seq > b->top_seq)
        b->top_seq = t->seq;
}

static void reports(struct i8 *s, const struct sim_event *e, const struct ts_restart_event *r,
                    struct sim_verdict *v)
{
    const struct boot *b = find(s, &r->boot_id);
    if (b != NULL && r->seq < b->top_seq)
        sim_violate(v, e, "I8",
                    "enclave %d reports transition %" PRIu64
                    " as its newest and has signed %" PRIu64,
                    e->who, r->seq, b->top_seq);
}

static void answer(struct i8 *s, const struct sim_event *e, struct sim_verdict *v)
{
    const struct ts_msg *m = e->msg;
    switch (m->type) {
    case TS_MSG_ACCEPT:
    case TS_MSG_SYNCED:
    case TS_MSG_REPORT:
    case TS_MSG_ACTIVATE:
    case TS_MSG_STEP_DOWN:
        for (size_t i = 0; i < m->u.events.n_transitions; i++)
            signs(s, e->who, &m->u.events.transitions[i]);
        if (m->u.events.has_report)
            reports(s, e, &m->u.events.report, v);
        break;
    case TS_MSG_CREATE:
        for (size_t i = 0; i < m->u.created.n_transitions; i++)
            signs(s, e->who, &m->u.created.transitions[i]);
        if (m->u.created.has_report)
            reports(s, e, &m->u.created.report, v);
        break;
    default:
        break;
    }
}

static void ends(struct i8 *s, int who)
{
    if (s->current[who] != NULL)
        s->current[who]->is_over = true;
    s->current[who] = NULL;
}

/* ---- what is published ---- */

static void published(struct i8 *s, unsigned line, const struct ts_lifecycle_event *t)
{
    struct boot *b = find(s, &t->boot_id);
    struct signed_one *one = b != NULL ? find_signed(b, t) : NULL;
    if (one == NULL || (one->published >> line & 1) != 0)
        return;
    one->published |= (uint16_t)(1u << line);
    b->published[line]++;
}

static bool has_started(const struct boot *b, unsigned line)
{
    return b->n > 0 && b->all[0].kind == TS_STARTED && (b->all[0].published >> line & 1) != 0;
}

static const char *name_of(uint8_t kind)
{
    return kind == TS_STARTED ? "Started" : kind == TS_ACTIVE ? "Active" : "Passive";
}

static void report_published(struct i8 *s, unsigned line, const struct sim_batch *batch,
                             const struct ts_restart_event *r, const struct sim_event *e,
                             struct sim_verdict *v)
{
    char where[SIM_WHERE_SIZE];
    struct boot *b = find(s, &r->boot_id);
    if (b == NULL)
        return;
    b->reported[line] = batch->number;
    if (b->published[line] == b->n || !has_started(b, line))
        return;
    for (size_t i = 0; i < b->n; i++) {
        const struct signed_one *one = &b->all[i];
        if ((one->published >> line & 1) != 0 ||
            (one->seq > r->seq && one->batch_number >= r->current_batch_number))
            continue;
        sim_violate(v, e, "I8",
                    "%s holds a report of enclave %d at head %" PRIu64
                    ", and the %s it had signed at head %" PRIu64 " is not published",
                    sim_where(line, batch->number, where), b->who, r->current_batch_number,
                    name_of(one->kind), one->batch_number);
    }
}

static void batch(void *state, unsigned line, const struct sim_batch *b, const struct sim_event *e,
                  struct sim_verdict *v)
{
    const struct ts_payload *p = &b->b->payload;
    for (size_t i = 0; i < p->n_transitions; i++)
        published(state, line, &p->transitions[i]);
    for (size_t i = 0; i < p->n_reports; i++)
        report_published(state, line, b, &p->reports[i], e, v);
}

static void reset(void *state, unsigned line)
{
    struct i8 *s = state;
    for (size_t i = 0; i < s->n_boots; i++) {
        struct boot *b = s->boots[i];
        for (size_t k = 0; k < b->n; k++)
            b->all[k].published &= (uint16_t) ~(1u << line);
        b->published[line] = 0;
        b->reported[line] = 0;
    }
}

/* ---- the end ---- */

static void at_end(const struct i8 *s, const struct boot *b, unsigned line,
                   const struct sim_event *e, struct sim_verdict *v)
{
    uint64_t lag = s->lines.setting->genesis->params.max_report_lag;
    for (size_t i = 0; i < b->n && has_started(b, line); i++) {
        const struct signed_one *one = &b->all[i];
        if ((one->published >> line & 1) != 0 ||
            b->reported[line] <= one->seen_at[line] + lag + GRACE)
            continue;
        sim_violate(v, e, "I8",
                    "the %s that enclave %d signed at head %" PRIu64
                    " was never published, though it reported in batch %" PRIu64 " and lives",
                    name_of(one->kind), b->who, one->batch_number, b->reported[line]);
    }
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct i8 *s = state;
    bool is_enclave = e->who >= 0 && e->who < SIM_MAX_ENCLAVES;
    sim_lines_see(&s->lines, s, e, v);
    if ((e->kind == SIM_BOOT || e->kind == SIM_END) && is_enclave)
        ends(s, e->who);
    else if (e->kind == SIM_ANSWER && is_enclave && e->msg != NULL && e->msg->is_answer)
        answer(s, e, v);
    for (size_t i = 0; e->kind == SIM_OVER && i < s->n_boots; i++) {
        for (unsigned line = 0; line < SIM_LINES && !s->boots[i]->is_over; line++)
            at_end(s, s->boots[i], line, e, v);
    }
}

static void *make(const struct sim_setting *setting)
{
    struct i8 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->lines = (struct sim_lines){.setting = setting, .batch = batch, .reset = reset};
    ts_map_init(&s->boot_of, sizeof(ts_hash), sizeof(struct boot *), sim_map_seed);
    return s;
}

static void drop(void *state)
{
    struct i8 *s = state;
    for (size_t i = 0; i < s->n_boots; i++) {
        free(s->boots[i]->all);
        free(s->boots[i]);
    }
    free(s->boots);
    ts_map_free(&s->boot_of);
    sim_lines_free(&s->lines);
    free(s);
}

const struct sim_checker sim_check_i8 = {.name = "I8",
                                         .title = "what was signed shows, or its silence does",
                                         .make = make,
                                         .see = see,
                                         .drop = drop};
