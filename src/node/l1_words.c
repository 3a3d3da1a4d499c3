/* SPDX-License-Identifier: Apache-2.0 */
/* What L1 said of which block, and what it is asked next. Blocks that batches on their way name are
 * asked for ahead, as far as L1 is known to have them: numbers that a peer made up would never be
 * answered, and would be in the way. Only the batch that all wait for may ask beyond that. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "node/internal.h"

#define WANTED      (TS_NODE_L1_ASKS / 2) /* numbers needed at a time; the others are on their way */
#define RECENT_KEPT 16                    /* confirmed blocks that are kept for batches to come */
#define AGAIN_US                                                                                   \
    UINT64_C(30000000) /* a question may be lost where more are asked than can wait                \
                        */

struct l1_word *ts_node_l1_word_new(const struct ts_l1_block *b)
{
    struct l1_word *w = calloc(1, sizeof(*w));
    uint8_t *header = malloc(b->header.n > 0 ? b->header.n : 1);
    ts_address *list = malloc(b->n_whitelist > 0 ? b->n_whitelist * sizeof(*list) : 1);
    if (w == NULL || header == NULL || list == NULL) {
        free(w);
        free(header);
        free(list);
        return NULL;
    }
    if (b->header.n > 0)
        memcpy(header, b->header.p, b->header.n);
    if (b->n_whitelist > 0)
        memcpy(list, b->whitelist, b->n_whitelist * sizeof(*list));
    *w = (struct l1_word){.users = 1,
                          .at = {.number = b->number, .hash = b->hash, .time = b->time},
                          .header = ts_bytes_of(header, b->header.n),
                          .whitelist = list,
                          .n_whitelist = b->n_whitelist};
    return w;
}

struct l1_word *ts_node_l1_word_use(struct l1_word *w)
{
    w->users++;
    return w;
}

void ts_node_l1_word_drop(struct l1_word *w)
{
    if (w == NULL || --w->users > 0)
        return;
    free((void *)(uintptr_t)w->header.p);
    free(w->whitelist);
    free(w);
}

struct l1_slot *ts_node_l1_slot(struct ts_node *n, uint64_t number)
{
    for (size_t i = 0; i < TS_NODE_L1_ASKS; i++) {
        struct l1_slot *s = &n->l1.slots[i];
        if (s->is_used && s->number == number)
            return s;
    }
    return NULL;
}

void ts_node_l1_words_free(struct ts_node *n)
{
    for (size_t i = 0; i < TS_NODE_L1_ASKS; i++) {
        ts_node_l1_word_drop(n->l1.slots[i].word);
        n->l1.slots[i] = (struct l1_slot){0};
    }
}

/* Few of a run's batches name a block that the one before them does not. */
void ts_node_l1_scan(struct ts_node *n, struct run *r)
{
    uint64_t number;
    ts_hash hash;
    if (!ts_node_l1_is_on(n))
        return;
    for (size_t i = 0; i < r->n; i++) {
        if (ts_batch_l1(r->raws[i], &number, &hash) != TS_OK ||
            (r->n_l1 > 0 && r->l1[r->n_l1 - 1] == number))
            continue;
        if (r->l1 == NULL)
            r->l1 = malloc((r->n - i) * sizeof(*r->l1));
        if (r->l1 == NULL)
            return; /* then each is asked for in its turn */
        r->l1[r->n_l1++] = number;
    }
}

/* ---- what is needed ---- */

struct wanted {
    uint64_t number[WANTED];
    size_t n;
};

static void want(struct wanted *w, uint64_t number)
{
    for (size_t i = w->n; i-- > 0;)
        if (w->number[i] == number)
            return;
    if (w->n < WANTED)
        w->number[w->n++] = number;
}

static void want_all(const struct ts_node *n, struct wanted *w)
{
    const struct l1_view *v = &n->l1;
    if (v->waiting != NULL)
        want(w, v->waits_for);
    if (n->validator.wants_l1)
        want(w, n->validator.l1_wanted);
    for (size_t i = 0; i < v->n_claims && v->claims[i].number <= v->confirmed && w->n < WANTED / 2;
         i++)
        want(w, v->claims[i].number);
    for (const struct run *r = n->runs; r != NULL && w->n < WANTED; r = r->next)
        for (size_t i = 0; i < r->n_l1 && w->n < WANTED; i++)
            if (r->l1[i] <= v->confirmed && r->l1[i] > n->chain.head.l1_number)
                want(w, r->l1[i]);
    for (size_t i = 0; i < NODE_TOLD; i++)
        if (n->told[i].l1 != 0 && n->told[i].l1 <= v->confirmed)
            want(w, n->told[i].l1);
}

static void ask(struct ts_node *n, struct l1_slot *s)
{
    s->is_asked = true;
    s->asked_us = n->now.mono_us;
    s->again_us = 0;
    n->counters.l1_asked++;
    ts_node_output_new(n, TS_NODE_OUT_L1_ASK)->number = s->number;
}

/* What was said of a block that was not confirmed is asked for again. */
static bool is_outdated(const struct ts_node *n, const struct l1_slot *s)
{
    if (s->is_asked)
        return n->now.mono_us >= s->asked_us + AGAIN_US;
    if (s->is_settled)
        return false;
    return s->word == NULL || s->number <= n->l1.confirmed ||
           (s->again_us != 0 && n->now.mono_us >= s->again_us);
}

static bool is_recent(const struct ts_node *n, const struct l1_slot *s)
{
    return s->is_settled && s->number > n->chain.head.l1_number &&
           n->l1.confirmed - s->number < RECENT_KEPT;
}

static struct l1_slot *free_slot(struct ts_node *n)
{
    for (size_t i = 0; i < TS_NODE_L1_ASKS; i++)
        if (!n->l1.slots[i].is_used)
            return &n->l1.slots[i];
    return NULL;
}

/* What nobody needs any more and L1 may never say is not waited for: peers can make up numbers. */
static void let_go(struct ts_node *n, struct l1_slot *s)
{
    if (s->is_asked)
        ts_node_output_new(n, TS_NODE_OUT_L1_FORGET)->number = s->number;
    ts_node_l1_word_drop(s->word);
    *s = (struct l1_slot){0};
}

void ts_node_l1_plan(struct ts_node *n)
{
    struct wanted w = {.n = 0};
    if (!ts_node_l1_is_on(n) || n->is_stopping)
        return;
    want_all(n, &w);
    for (size_t i = 0; i < TS_NODE_L1_ASKS; i++) {
        struct l1_slot *s = &n->l1.slots[i];
        s->is_needed = false;
        for (size_t k = 0; k < w.n && s->is_used; k++)
            s->is_needed = s->is_needed || w.number[k] == s->number;
        if (s->is_used && !s->is_needed && !is_recent(n, s))
            let_go(n, s);
        if (s->is_needed && is_outdated(n, s))
            ask(n, s);
    }
    for (size_t k = 0; k < w.n; k++) {
        struct l1_slot *s = ts_node_l1_slot(n, w.number[k]) == NULL ? free_slot(n) : NULL;
        if (s == NULL)
            continue;
        *s = (struct l1_slot){.is_used = true, .number = w.number[k]};
        ask(n, s);
    }
}
