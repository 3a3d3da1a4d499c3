/* SPDX-License-Identifier: Apache-2.0 */
/* Rollups that the contract took: they wait until the chain has their batches, are checked one
 * after the other, and what was found is kept. What finds no room is asked for again when there is.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "node/internal.h"

#define RETRY_US UINT64_C(1000000)

void ts_node_rollups_init(struct ts_node *n)
{
    n->rollups.checked_hash = n->start.genesis->hash;
    ts_arena_init(&n->rollups.check.arena, TS_ROLLUP_ARENA);
}

static struct held_rollup *front(struct rollups *v)
{
    return &v->q[v->first];
}

static void drop_front(struct ts_node *n)
{
    struct rollups *v = &n->rollups;
    v->bytes -= front(v)->data.n;
    ts_node_release(n, front(v)->data);
    *front(v) = (struct held_rollup){.data = {0}};
    v->first = (v->first + 1) % NODE_ROLLUPS;
    v->n--;
}

void ts_node_rollups_free(struct ts_node *n)
{
    while (n->rollups.n > 0)
        drop_front(n);
    ts_arena_free(&n->rollups.check.arena);
    free(n->rollups.past);
}

/* ---- findings -------------------------------------------------------------------------------- */

static void put_rollup_record(struct ts_node *n, const struct ts_finding *f,
                              const struct held_rollup *h)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_rollup_put(&b, &h->record.rollup);
    if (b.err == TS_OK)
        ts_node_findings_keep(n, f,
                              &(struct ts_record){.kind = TS_RECORD_ROLLUP,
                                                  .number = h->shown_by,
                                                  .own_hash = h->own_hash,
                                                  .parent_root = h->parent_root,
                                                  .rollup = ts_buf_bytes(&b),
                                                  .data = h->in_data ? h->data : (ts_bytes){0}});
    ts_buf_free(&b);
}

/* h: with what shows it; NULL: that is stored already, or there is nothing. A rollup that no
 * enclave of the chain signed proves nothing against anyone. */
static void found(struct ts_node *n, bool is_gap, const struct ts_rollup *r, const char *what,
                  const struct held_rollup *h, bool quiet)
{
    const struct ts_domain *d = &n->start.genesis->domain;
    struct ts_finding f;
    ts_address signer;
    ts_hash digest;
    bool has_signer = ts_rollup_signer(n->start.crypto, d, r, &signer) == TS_OK;
    ts_rollup_hash(d, r, &digest);
    ts_audit_rollup(is_gap, r, &digest, has_signer ? &signer : NULL, what, &f);
    bool is_signed = has_signer && ts_registry_find(&n->chain.registry, &signer) != NULL;
    if (!is_signed)
        f.severity = TS_SEVERITY_OMISSION;
    if (quiet)
        (void)ts_audit_add(n->audit, &f, NULL);
    else if (ts_node_findings_add(n, &f) && is_signed && h != NULL)
        put_rollup_record(n, &f, h);
}

/* ---- coming ---------------------------------------------------------------------------------- */

static void look_at_order(struct ts_node *n, const struct ts_rollup *r, bool quiet)
{
    char what[TS_ROLLUP_TEXT];
    if (r->first_number == n->rollups.told + 1)
        return;
    snprintf(what, sizeof(what), "does not follow the one before it, which ends at %" PRIu64,
             n->rollups.told);
    found(n, true, r, what, NULL, quiet);
}

static bool has_room(const struct ts_node *n, size_t bytes)
{
    const struct rollups *v = &n->rollups;
    return v->n < NODE_ROLLUPS && (v->n == 0 || v->bytes + bytes <= NODE_ROLLUP_BYTES);
}

void ts_node_rollups_take(struct ts_node *n, const struct ts_l1_rollup *r)
{
    struct rollups *v = &n->rollups;
    uint64_t last = r->rollup.last_number;
    if (last <= v->told || r->rollup.first_number == 0 || r->rollup.first_number > last)
        return; /* told before, or what the contract does not take */
    ts_bytes data = {0};
    if (!n->is_stopping && !v->is_lost && has_room(n, r->data.n))
        data = ts_node_hold(n, r->data);
    if (data.p == NULL) {
        v->is_lost = true;
        return;
    }
    look_at_order(n, &r->rollup, false);
    struct held_rollup *h = &v->q[(v->first + v->n++) % NODE_ROLLUPS];
    *h = (struct held_rollup){.record = {.rollup = r->rollup,
                                         .l1_block = r->l1_block,
                                         .l1_tx = r->l1_tx,
                                         .bytes = r->data.n},
                              .data = data};
    if (last - r->rollup.first_number >= TS_ROLLUP_MAX_BATCHES) /* it may wait here for ever */
        found(n, false, &r->rollup, "names more batches than a rollup may hold", h, false);
    v->bytes += data.n;
    v->told = last;
}

/* ---- finality -------------------------------------------------------------------------------- */

/* Newest first: those that are not final yet are few, once L1 has said what is. */
static void look_at_finality(struct ts_node *n)
{
    struct rollups *v = &n->rollups;
    v->final_to = 0;
    for (size_t i = v->final > 0 ? v->n_past : 0; i > 0 && v->final_to == 0; i--)
        if (v->past[i - 1].is_equal && v->past[i - 1].l1_block <= v->final)
            v->final_to = v->past[i - 1].last;
}

static void note_checked(struct ts_node *n, const struct ts_rollup_record *record)
{
    struct rollups *v = &n->rollups;
    bool is_equal = record->verdict == TS_ROLLUP_EQUAL;
    if (v->n_past == v->cap_past) {
        v->cap_past = v->cap_past > 0 ? 2 * v->cap_past : 64;
        v->past = ts_node_need(realloc(v->past, v->cap_past * sizeof(*v->past)));
    }
    v->past[v->n_past++] = (struct past_rollup){.last = record->rollup.last_number,
                                                .l1_block = record->l1_block,
                                                .is_equal = is_equal,
                                                .hash = record->own_hash,
                                                .root = record->own_root};
    v->equal += is_equal;
    v->wrong += !is_equal;
    if (is_equal)
        v->published_to = record->rollup.last_number;
    v->checked = record->rollup.last_number;
    v->checked_hash = record->own_hash;
    v->checked_root = record->own_root;
    look_at_finality(n);
}

void ts_node_rollups_final(struct ts_node *n, uint64_t number)
{
    if (number <= n->rollups.final)
        return;
    n->rollups.final = number;
    look_at_finality(n);
}

/* ---- taken back ------------------------------------------------------------------------------ */

/* Those that wait. */
static void drop_waiting(struct ts_node *n, uint64_t first)
{
    struct rollups *v = &n->rollups;
    while (v->n > 0) {
        struct held_rollup *h = &v->q[(v->first + v->n - 1) % NODE_ROLLUPS];
        if (h->record.rollup.last_number < first)
            return;
        if (v->n == 1) { /* it may be under way, or has decided for its line */
            ts_node_rollup_check_end(n);
            n->line.is_leaving = false;
            v->retry_us = 0;
        }
        v->bytes -= h->data.n;
        ts_node_release(n, h->data);
        *h = (struct held_rollup){.data = {0}};
        v->n--;
    }
}

/* Those that were checked: as if they had never been. */
static bool forget_checked(struct ts_node *n, uint64_t first)
{
    struct rollups *v = &n->rollups;
    bool is_any = false;
    for (; v->n_past > 0 && v->past[v->n_past - 1].last >= first; v->n_past--) {
        bool is_equal = v->past[v->n_past - 1].is_equal;
        v->equal -= is_equal;
        v->wrong -= !is_equal;
        is_any = true;
    }
    if (!is_any)
        return false;
    size_t equal = v->n_past;
    while (equal > 0 && !v->past[equal - 1].is_equal)
        equal--;
    v->published_to = equal > 0 ? v->past[equal - 1].last : 0;
    const struct past_rollup *last = v->n_past > 0 ? &v->past[v->n_past - 1] : NULL;
    v->checked = last != NULL ? last->last : 0;
    v->checked_hash = last != NULL ? last->hash : n->start.genesis->hash;
    v->checked_root = last != NULL ? last->root : (ts_hash){{0}};
    look_at_finality(n);
    return true;
}

void ts_node_rollups_back(struct ts_node *n, const struct ts_l1_rollback *b)
{
    struct rollups *v = &n->rollups;
    struct entry e = {.is_rollup = true, .is_rollback = true, .first = b->first_number};
    if (n->is_stopping || n->line.is_submitted) {
        v->is_lost = true; /* told again after a start */
        return;
    }
    e.unpins = ts_node_line_rolled_back(n, b->first_number);
    if (!e.unpins && v->told < b->first_number)
        return;
    drop_waiting(n, b->first_number);
    bool is_any = forget_checked(n, b->first_number);
    v->told = v->n > 0 ? v->q[(v->first + v->n - 1) % NODE_ROLLUPS].record.rollup.last_number
                       : v->checked;
    ts_node_event(n, TS_LOG_WARN, "rollups-rolled-back",
                  "first=%" PRIu64 " last=%" PRIu64 " l1_block=%" PRIu64 " published=%" PRIu64,
                  b->first_number, b->last_number, b->l1_block, v->published_to);
    if (!is_any && !e.unpins)
        return;
    v->unstored++;
    ts_node_commit_evidence(n, &e);
}

/* ---- going ----------------------------------------------------------------------------------- */

static void store_record(struct ts_node *n, const struct ts_rollup_record *record)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_rollup_record_put(&b, record);
    struct entry e = {.is_rollup = true,
                      .first = record->rollup.first_number,
                      .number = record->rollup.last_number,
                      .record = b.err == TS_OK ? ts_node_hold(n, ts_buf_bytes(&b)) : (ts_bytes){0}};
    ts_buf_free(&b);
    (void)ts_node_need((void *)(uintptr_t)e.record.p); /* a few hundred bytes */
    n->rollups.unstored++;
    ts_node_commit_evidence(n, &e);
}

void ts_node_rollups_judge(struct ts_node *n, const char *wrong, const struct ts_head *own)
{
    struct held_rollup *held = front(&n->rollups);
    struct ts_rollup_record *record = &held->record;
    record->verdict = wrong != NULL ? TS_ROLLUP_WRONG : TS_ROLLUP_EQUAL;
    if (wrong != NULL) {
        snprintf(record->text, sizeof(record->text), "%s", wrong);
        found(n, false, &record->rollup, wrong, held, false);
    } else {
        ts_node_event(n, TS_LOG_INFO, "rollup",
                      "first=%" PRIu64 " last=%" PRIu64 " l1_block=%" PRIu64 " bytes=%" PRIu64,
                      record->rollup.first_number, record->rollup.last_number, record->l1_block,
                      record->bytes);
    }
    record->own_hash = own->hash;
    record->own_root = own->protocol_root;
    note_checked(n, record);
    store_record(n, record);
    drop_front(n);
}

void ts_node_rollups_wrong(struct ts_node *n)
{
    const struct held_rollup *h = front(&n->rollups);
    found(n, false, &h->record.rollup, h->record.text, h, false);
}

void ts_node_rollups_stored(struct ts_node *n)
{
    TS_CHECK(n->rollups.unstored > 0);
    n->rollups.unstored--;
}

static uint64_t checked_l1(const struct rollups *v)
{
    return v->n_past > 0 ? v->past[v->n_past - 1].l1_block : 0;
}

/* What came when there was no room is asked for once the rest is done. */
static void ask_again(struct ts_node *n)
{
    struct rollups *v = &n->rollups;
    if (!v->is_lost || v->n > 0 || v->unstored > 0)
        return;
    v->is_lost = false;
    v->told = v->checked;
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_ROLLUPS);
    o->number = v->checked;
    o->from = checked_l1(v);
}

void ts_node_rollups_pump(struct ts_node *n, uint64_t *wake)
{
    struct rollups *v = &n->rollups;
    if (n->is_stopping)
        return;
    ask_again(n);
    if (v->n == 0 || v->check.is_on)
        return;
    if (front(v)->record.rollup.last_number > n->stored.number) {
        if (n->now.mono_us >= v->short_us)
            ts_node_rollup_check_short(n);
        *wake = v->short_us < *wake ? v->short_us : *wake;
        return;
    }
    if (n->now.mono_us < v->retry_us) {
        *wake = v->retry_us < *wake ? v->retry_us : *wake;
        return;
    }
    v->retry_us = n->now.mono_us + RETRY_US; /* when memory is short */
    ts_node_rollup_check_begin(n);
    if (v->check.is_on || v->n == 0)
        v->retry_us = 0;
    else
        *wake = v->retry_us < *wake ? v->retry_us : *wake;
}

/* ---- at start -------------------------------------------------------------------------------- */

ts_err ts_node_load_rollup(struct ts_node *n, ts_bytes raw)
{
    struct rollups *v = &n->rollups;
    struct ts_rollup_record record;
    ts_err err = ts_rollup_record_read(raw, &record);
    if (err != TS_OK)
        return err;
    const struct ts_rollup *r = &record.rollup;
    if (r->last_number <= v->checked || r->last_number > n->stored.number)
        return TS_E_CORRUPT;
    look_at_order(n, r, true);
    if (record.verdict == TS_ROLLUP_WRONG)
        found(n, false, r, record.text, NULL, true);
    note_checked(n, &record);
    v->told = v->checked;
    return TS_OK;
}

void ts_node_rollups_status_of(const struct ts_node *n, struct ts_node_rollup_status *out)
{
    const struct rollups *v = &n->rollups;
    *out = (struct ts_node_rollup_status){.checked = v->checked,
                                          .checked_l1 = checked_l1(v),
                                          .equal = v->equal,
                                          .wrong = v->wrong,
                                          .waiting = v->n + v->unstored + v->is_lost,
                                          .published = v->published_to,
                                          .final = v->final_to,
                                          .l1_final = v->final};
}
