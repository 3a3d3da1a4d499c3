/* SPDX-License-Identifier: Apache-2.0 */
#include "check_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

const uint64_t sim_map_seed[2] = {0x73696d, 0x636865636b};

void *sim_check_memory(void *p)
{
    TS_CHECK(p != NULL);
    return p;
}

void *sim_check_grow(void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    *cap = *cap != 0 ? 2 * *cap : 16;
    return sim_check_memory(realloc(list, *cap * size));
}

/* ---- lines ---- */

bool sim_same_batch(const struct sim_batch *a, const struct sim_batch *b)
{
    return a == b || (ts_hash_equal(&a->hash, &b->hash) &&
                      ts_bytes_equal(a->b->raw_payload, b->b->raw_payload));
}

const struct sim_batch *sim_line_at(const struct sim_line *l, uint64_t number)
{
    return number >= 1 && number <= l->n ? l->batches[number - 1] : NULL;
}

const char *sim_where(unsigned line, uint64_t number, char out[SIM_WHERE_SIZE])
{
    if (line == 0)
        snprintf(out, SIM_WHERE_SIZE, "batch %" PRIu64 " of the host's line", number);
    else
        snprintf(out, SIM_WHERE_SIZE, "batch %" PRIu64 " of node %u's line", number, line - 1);
    return out;
}

static int line_of(const struct sim_setting *s, const struct sim_event *e)
{
    if (e->batch == NULL)
        return -1;
    if (e->kind == SIM_COMMITTED && s->is_honest)
        return 0;
    return e->kind == SIM_NODE_TAKES && e->who >= 0 && e->who < SIM_MAX_NODES ? 1 + e->who : -1;
}

static void append(struct sim_line *l, const struct sim_batch *b)
{
    l->batches = sim_check_grow(l->batches, l->n, &l->cap, sizeof(b));
    l->batches[l->n++] = b;
}

void sim_lines_see(struct sim_lines *l, void *state, const struct sim_event *e,
                   struct sim_verdict *v)
{
    int which = line_of(l->setting, e);
    if (which < 0)
        return;
    unsigned i = (unsigned)which;
    struct sim_line *line = &l->line[i];
    const struct sim_batch *held = sim_line_at(line, e->batch->number);
    if (line->is_lost || (held != NULL && sim_same_batch(held, e->batch)))
        return;
    if (e->batch->number == 0 || e->batch->number > line->n + 1) {
        line->is_lost = true;
        return;
    }
    bool turns = held != NULL;
    line->n = e->batch->number - 1;
    append(line, e->batch);
    if (!turns) {
        l->batch(state, i, e->batch, e, v);
        return;
    }
    l->reset(state, i);
    for (size_t k = 0; k < line->n; k++)
        l->batch(state, i, line->batches[k], e, v);
}

void sim_lines_free(struct sim_lines *l)
{
    for (size_t i = 0; i < SIM_LINES; i++)
        free(l->line[i].batches);
}

/* ---- whitelist ---- */

void sim_whitelist_init(struct sim_whitelist *w, const struct ts_genesis *g)
{
    TS_CHECK(g->n_whitelist <= TS_MAX_WHITELIST);
    memcpy(w->ids, g->whitelist, g->n_whitelist * sizeof(w->ids[0]));
    w->n = g->n_whitelist;
}

int sim_whitelist_find(const struct sim_whitelist *w, const ts_address *id)
{
    for (size_t i = 0; i < w->n; i++) {
        if (memcmp(w->ids[i].b, id->b, sizeof(id->b)) == 0)
            return (int)i;
    }
    return -1;
}

static const char *add(struct sim_whitelist *w, const ts_address *id)
{
    if (sim_whitelist_find(w, id) >= 0)
        return "adds an enclave that is on the whitelist";
    if (w->n == TS_MAX_WHITELIST)
        return "adds one enclave too many";
    w->ids[w->n++] = *id;
    return NULL;
}

static const char *take_away(struct sim_whitelist *w, const ts_address *id)
{
    int at = sim_whitelist_find(w, id);
    if (at < 0)
        return "removes an enclave that is not on the whitelist";
    w->ids[at] = w->ids[--w->n];
    return NULL;
}

/* [l1Number, l1Hash, added, removed] */
static const char *fold_notice(struct sim_whitelist *w, ts_bytes body)
{
    struct ts_reader r = ts_reader_of(body);
    const char *wrong = NULL;
    ts_hash l1_hash;
    ts_read_list(&r);
    ts_read_u64(&r);
    ts_read_hash(&r, &l1_hash);
    for (int list = 0; list < 2; list++) {
        ts_read_list(&r);
        while (ts_read_more(&r) && wrong == NULL) {
            ts_address id;
            ts_read_address(&r, &id);
            if (r.err == TS_OK)
                wrong = list == 0 ? add(w, &id) : take_away(w, &id);
        }
        if (wrong != NULL)
            return wrong;
        ts_read_list_end(&r);
    }
    ts_read_list_end(&r);
    return ts_reader_done(&r) == TS_OK ? NULL : "is malformed";
}

const char *sim_whitelist_fold(struct sim_whitelist *w, const struct ts_batch *b, bool *changed)
{
    const char *wrong = NULL;
    *changed = false;
    for (size_t i = 0; i < b->payload.n_notices && wrong == NULL; i++) {
        const struct ts_notice *n = &b->payload.notices[i];
        if (n->type != TS_NOTICE_WHITELIST)
            continue;
        *changed = true;
        wrong = fold_notice(w, n->body);
    }
    return wrong;
}
