/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: batches whose signatures workers check together, and the check of each against the chain.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "node/internal.h"

#define FEW          2   /* batches that are not worth a worker */
#define STEP_BATCHES 128 /* checked in one step; then others get their turn */
#define STALL_US     UINT64_C(100000)

const ts_hash *ts_node_root(const struct ts_node *n, uint64_t number)
{
    uint64_t head = n->chain.head.number;
    if (number > head || head - number >= TS_RECENT || number < n->roots_from)
        return NULL;
    return &n->roots[number % TS_RECENT];
}

void ts_node_note_root(struct ts_node *n)
{
    n->roots[n->chain.head.number % TS_RECENT] = n->chain.head.protocol_root;
}

uint64_t ts_node_pipeline_next(const struct ts_node *n)
{
    const struct run *last = n->runs;
    if (last == NULL)
        return n->chain.head.number + 1;
    while (last->next != NULL)
        last = last->next;
    return last->from + last->n;
}

bool ts_node_pipeline_has(const struct ts_node *n, uint64_t number, ts_bytes raw)
{
    for (const struct run *r = n->runs; r != NULL; r = r->next)
        if (number >= r->from && number - r->from < r->n)
            return ts_bytes_equal(r->raws[number - r->from], raw);
    return false;
}

static void run_free(struct ts_node *n, struct run *r)
{
    for (size_t i = 0; i < r->n; i++)
        ts_node_release(n, r->raws[i]);
    free(r->raws);
    free(r->found);
    free(r->l1);
    free(r);
}

void ts_node_pipeline_flush(struct ts_node *n)
{
    ts_node_l1_unwait(n);
    while (n->runs != NULL) {
        struct run *r = n->runs;
        n->runs = r->next;
        if (r->state != RUN_SENT) {
            run_free(n, r);
            continue;
        }
        r->is_dead = true; /* a worker still reads it */
        r->next = n->dead_runs;
        n->dead_runs = r;
    }
}

void ts_node_pipeline_free(struct ts_node *n)
{
    ts_node_pipeline_flush(n);
    while (n->dead_runs != NULL) {
        struct run *r = n->dead_runs;
        n->dead_runs = r->next;
        run_free(n, r);
    }
}

/* ---- ranges become runs ---- */

static void append_run(struct ts_node *n, struct run *r)
{
    struct run **end = &n->runs;
    if (*end == NULL)
        n->run_root = n->chain.head.protocol_root;
    while (*end != NULL)
        end = &(*end)->next;
    *end = r;
    r->root = n->run_root;
    ts_node_l1_scan(n, r);
    /* What cannot be read here cannot be decoded either: then only the root of what follows is
     * wrong, and that falls with it. */
    (void)ts_node_roots(r->raws, r->n, &n->run_root);
}

/* Moves count batches of a held range into a run. False: out of memory, nothing moved. */
static bool add_run(struct ts_node *n, struct range *range, size_t from, size_t count)
{
    struct run *r = calloc(1, sizeof(*r));
    ts_bytes *raws = calloc(count, sizeof(*raws));
    if (r == NULL || raws == NULL) {
        free(r);
        free(raws);
        return false;
    }
    *r = (struct run){.from = range->from + from,
                      .n = count,
                      .raws = raws,
                      .source = range->source,
                      .token = ++n->next_token};
    for (size_t i = 0; i < count; i++) {
        raws[i] = range->raws[from + i];
        range->raws[from + i] = (ts_bytes){0};
    }
    bool few = n->runs == NULL && range->count <= FEW;
    r->state = n->s.verify_run == 0 || few ? RUN_DONE : RUN_WAITING;
    append_run(n, r);
    return true;
}

static void split(struct ts_node *n, struct range *range)
{
    size_t all = (size_t)range->count;
    size_t step = n->s.verify_run != 0 ? (size_t)n->s.verify_run : all;
    for (size_t i = 0; i < all; i += step) {
        size_t count = all - i < step ? all - i : step;
        if (!add_run(n, range, i, count)) {
            ts_node_catchup_rewind(n, range->from + i);
            break;
        }
    }
    ts_node_range_free(n, range);
}

static bool take_ranges(struct ts_node *n)
{
    struct range range;
    bool moved = false;
    uint64_t bound = 2 * n->s.verify_ahead * (n->s.verify_run != 0 ? n->s.verify_run : 1);
    while (ts_node_pipeline_next(n) - n->chain.head.number <= bound &&
           ts_node_catchup_take(n, &range)) {
        split(n, &range);
        moved = true;
    }
    return moved;
}

static void send_runs(struct ts_node *n)
{
    for (struct run *r = n->runs; r != NULL && n->n_sent < n->s.verify_ahead; r = r->next) {
        if (r->state != RUN_WAITING)
            continue;
        r->state = RUN_SENT;
        n->n_sent++;
        struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_VERIFY);
        o->token = r->token;
        o->raws = r->raws;
        o->n_raws = r->n;
        o->hash = r->root;
    }
}

static struct run *unlink_run(struct run **list, uint64_t token)
{
    for (struct run **at = list; *at != NULL; at = &(*at)->next) {
        struct run *r = *at;
        if (r->token == token && r->state == RUN_SENT) {
            *at = r->next;
            return r;
        }
    }
    return NULL;
}

void ts_node_pipeline_verified(struct ts_node *n, uint64_t token, const struct ts_recovered *v,
                               size_t n_v)
{
    struct run *r = unlink_run(&n->dead_runs, token);
    if (r != NULL) {
        n->n_sent--;
        run_free(n, r);
        return;
    }
    for (r = n->runs; r != NULL && (r->token != token || r->state != RUN_SENT);)
        r = r->next;
    TS_CHECK(r != NULL); /* the shell answers each token once */
    n->n_sent--;
    r->state = RUN_DONE;
    r->found = n_v > 0 ? malloc(n_v * sizeof(*v)) : NULL;
    if (r->found != NULL) {
        memcpy(r->found, v, n_v * sizeof(*v));
        r->n_found = n_v;
    }
}

/* ---- the check ---- */

static void stall(struct ts_node *n)
{
    n->stalled_us = n->now.mono_us + STALL_US;
    ts_node_event(n, TS_LOG_ERROR, "out-of-memory", "head=%" PRIu64, n->chain.head.number);
}

/* Everything behind a bad batch falls with it and is asked for again. */
static void refuse(struct ts_node *n, const struct source *s, ts_err err, const struct ts_batch *b,
                   const char *what)
{
    const struct ts_head *head = &n->chain.head;
    bool other_line = err == TS_E_V1_LINKS && b->header.number == head->number + 1 &&
                      !ts_hash_equal(&b->header.parent_hash, &head->hash);
    char text[NODE_TEXT];
    snprintf(text, sizeof(text), "batch %" PRIu64 ": %s (%s)", head->number + 1,
             what[0] != '\0' ? what : ts_err_text((int)err), ts_err_name((int)err));
    struct source source = *s;
    ts_node_findings_refused(n, b);
    ts_node_pipeline_flush(n);
    ts_node_catchup_rewind(n, head->number + 1);
    if (other_line && !source.is_subscriber) {
        ts_node_gossip_other_line(n, source.link);
        return;
    }
    n->counters.invalid++;
    ts_node_event(n, TS_LOG_WARN, "invalid-batch", "number=%" PRIu64 " reason=\"%s\"",
                  head->number + 1, text);
    ts_node_follow_blame(n, &source, err, text);
}

static ts_hash *hash_txs(const struct ts_batch *b)
{
    ts_hash *hashes = malloc((b->n_txs > 0 ? b->n_txs : 1) * sizeof(*hashes));
    for (size_t i = 0; hashes != NULL && i < b->n_txs; i++)
        ts_tx_hash(b->txs[i], &hashes[i]);
    return hashes;
}

/* Whether b and L1 agree: the block it names, and who is whitelisted after it. TS_E_BUSY: L1 has
 * not spoken yet. */
static ts_err check_l1(struct ts_node *n, const struct ts_batch *b, enum l1_said said,
                       const struct l1_word *word, struct ts_fault *fault)
{
    size_t n_after = 0;
    const ts_address *after = ts_effect_whitelist(n->effect, &n_after);
    if (said == L1_WAIT) {
        ts_node_l1_wait(n, b);
        return TS_E_BUSY;
    }
    if (said == L1_AGREES && n_after == word->n_whitelist &&
        memcmp(after, word->whitelist, n_after * sizeof(*after)) == 0)
        return TS_OK;
    *fault = (struct ts_fault){.rule = TS_E_L1};
    snprintf(fault->what, sizeof(fault->what), "L1 block %" PRIu64 " %s", b->header.l1_number,
             said == L1_AGREES ? "has another whitelist than the one after this batch"
                               : "has another hash than this batch says");
    ts_node_findings_denied(n, b, word, after, n_after);
    return TS_E_L1;
}

static ts_err check_line(struct ts_node *n, const struct ts_batch *b, struct ts_fault *fault)
{
    const char *why = ts_node_line_refuses(n, b);
    if (why == NULL)
        return TS_OK;
    *fault = (struct ts_fault){.rule = TS_E_CONFLICT};
    snprintf(fault->what, sizeof(fault->what), "%s", why);
    return TS_E_CONFLICT;
}

static ts_err check(struct ts_node *n, const struct ts_batch *b, struct ts_fault *fault,
                    ts_hash **tx_hashes, struct l1_word **word)
{
    bool is_on = ts_node_l1_is_on(n);
    enum l1_said said = is_on ? ts_node_l1_look(n, b, word) : L1_WAIT;
    ts_err err =
        ts_batch_check(&n->chain, b, said == L1_AGREES ? &(*word)->at : NULL, n->effect, fault);
    if (err == TS_OK && is_on)
        err = check_l1(n, b, said, *word, fault);
    if (err == TS_OK)
        err = check_line(n, b, fault);
    if (err != TS_OK)
        return err;
    *tx_hashes = hash_txs(b);
    if (*tx_hashes == NULL)
        return TS_E_NOMEM;
    err = ts_chain_apply(&n->chain, n->effect);
    if (err != TS_OK)
        free(*tx_hashes);
    return err;
}

static void credit(struct ts_node *n, const struct source *s)
{
    n->last_batch_us = n->now.mono_us;
    n->news_us = n->now.mono_us;
    if (s->is_subscriber)
        return;
    n->peers[s->link].batches++;
    n->peers[s->link].is_proven = true;
    n->peers[s->link].attempts = 0;
}

/* Checks the next batch of the first run. False: it was refused or must wait, or memory is short,
 * and the run may be gone. */
static bool check_next(struct ts_node *n, struct run *r)
{
    struct ts_batch b;
    struct ts_fault fault = {.what = ""};
    ts_hash *tx_hashes;
    struct l1_word *word = NULL;
    ts_bytes raw = r->raws[r->at];
    const ts_hash parent_root = n->chain.head.protocol_root;
    if (ts_node_l1_still_waits(n, raw))
        return false;
    ts_arena_reset(&n->decode);
    ts_err err = ts_batch_decode(raw, n->start.genesis->params.max_batch_bytes, &n->decode, &b);
    if (err != TS_OK && err != TS_E_NOMEM) {
        b = (struct ts_batch){.raw = raw};
        refuse(n, &r->source, err, &b, "it does not decode");
        return false;
    }
    if (err == TS_OK)
        err = check(n, &b, &fault, &tx_hashes, &word);
    if (err == TS_E_BUSY)
        return false;
    if (err == TS_E_NOMEM) {
        stall(n);
        return false;
    }
    if (err != TS_OK) {
        refuse(n, &r->source, err, &b, fault.what);
        return false;
    }
    ts_node_note_root(n);
    ts_node_findings_batch(n, &b, false);
    ts_node_grants_batch(n, &b, &parent_root);
    ts_node_clock_applied(n, &b);
    n->counters.batches++;
    credit(n, &r->source);
    r->raws[r->at++] = (ts_bytes){0};
    if (word != NULL)
        ts_node_l1_applied(n, &b, word);
    ts_node_commit_batch(n, &b, raw, &r->source, tx_hashes, word);
    ts_node_gossip_head_moved(n);
    return true;
}

static bool check_runs(struct ts_node *n)
{
    unsigned left = STEP_BATCHES;
    while (n->runs != NULL && n->runs->state == RUN_DONE) {
        struct run *r = n->runs;
        ts_sig_cache_fill(&n->cache, r->found, r->n_found);
        while (r->at < r->n) {
            if (left == 0 || !ts_node_commit_has_room(n))
                return left != STEP_BATCHES;
            left--;
            if (!check_next(n, r))
                return n->l1.waiting == NULL;
        }
        n->runs = r->next;
        run_free(n, r);
    }
    return left != STEP_BATCHES;
}

bool ts_node_pipeline_pump(struct ts_node *n)
{
    if (n->is_stopping || n->now.mono_us < n->stalled_us)
        return false;
    bool moved = take_ranges(n);
    send_runs(n);
    moved |= check_runs(n);
    n->counters.sigs_ahead = n->cache.hits;
    n->counters.sigs_inline = n->cache.misses;
    return moved;
}
