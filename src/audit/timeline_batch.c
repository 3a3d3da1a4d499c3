/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch adds to the timeline. */
#include "audit/timeline_internal.h"
#include "base/check.h"

/* The batch in hand. */
struct step {
    struct ts_timeline *t;
    const struct ts_batch *b;
    struct ts_timeline_bucket *bucket; /* NULL: before the window, and only learnt from */
    bool is_first;                     /* nothing is known of the time before it */
    bool is_reporting;
};

static const struct ts_restart_event *report_of(const struct ts_batch *b, const ts_address *id)
{
    for (size_t i = 0; i < b->payload.n_reports; i++) {
        if (ts_address_equal(&b->payload.reports[i].enclave_id, id))
            return &b->payload.reports[i];
    }
    return NULL;
}

static bool is_absent(const struct ts_batch *b, const ts_address *id)
{
    for (size_t i = 0; i < b->payload.n_absent; i++) {
        if (ts_address_equal(&b->payload.absent[i], id))
            return true;
    }
    return false;
}

static void mark(struct step *s, enum ts_mark_kind kind, const ts_address *id, uint32_t index)
{
    struct ts_timeline *t = s->t;
    if (s->bucket == NULL)
        return;
    t->marks[t->n_marks++ % TS_TIMELINE_MARKS] = (struct ts_mark){.number = s->b->header.number,
                                                                  .time = s->b->header.time,
                                                                  .enclave = *id,
                                                                  .kind = kind,
                                                                  .index = index};
    s->bucket->marks++;
}

static bool make_lane(struct ts_timeline *t, const struct ts_batch *b, const ts_address *id)
{
    if (timeline_lane(t, id) != NULL)
        return true;
    struct lane *l = timeline_add_lane(t, id);
    if (l == NULL)
        return false;
    l->changed = b->header.number; /* or the next of this batch might be given its lane */
    if (!t->is_window)
        l->granted = b->header.number;
    return true;
}

/* Lanes for all that are accounted for. False: out of memory. */
static bool make_lanes(struct ts_timeline *t, const struct ts_batch *b)
{
    const struct ts_payload *p = &b->payload;
    bool ok = true;
    for (size_t i = 0; ok && i < p->n_reports; i++)
        ok = make_lane(t, b, &p->reports[i].enclave_id);
    for (size_t i = 0; ok && i < p->n_absent; i++)
        ok = make_lane(t, b, &p->absent[i]);
    return ok;
}

/* V5: who is listed is accounted for. */
static void walk_list(struct step *s)
{
    struct ts_timeline *t = s->t;
    uint64_t number = s->b->header.number;
    for (size_t i = 0; i < t->n_lanes; i++) {
        struct lane *l = &t->lanes[i];
        bool is_listed = report_of(s->b, &l->id) != NULL || is_absent(s->b, &l->id);
        if (is_listed == l->is_listed)
            continue;
        l->is_listed = is_listed;
        if (!t->is_settled)
            continue; /* of a window: it was so before */
        l->changed = number;
        mark(s, is_listed ? TS_MARK_GRANTED : TS_MARK_REVOKED, &l->id, TS_MARK_NO_INDEX);
    }
    t->is_settled = true;
}

/* The Active that took effect, for who wants to look at it. */
static uint32_t index_of_active(const struct ts_batch *b)
{
    for (size_t i = b->payload.n_transitions; i-- > 0;) {
        const struct ts_lifecycle_event *e = &b->payload.transitions[i];
        if (e->kind == TS_ACTIVE && e->term == b->header.term &&
            ts_address_equal(&e->enclave_id, &b->header.producer))
            return (uint32_t)i;
    }
    return TS_MARK_NO_INDEX;
}

/* As unclean-takeover has it (takeover.c). */
static enum ts_mark_kind kind_of_takeover(const struct step *s)
{
    const struct ts_timeline *t = s->t;
    const struct ts_payload *p = &s->b->payload;
    bool same = ts_address_equal(&t->producer, &s->b->header.producer);
    bool has_started = false, stepped_down = false;
    for (size_t i = 0; i < p->n_transitions; i++) {
        const struct ts_lifecycle_event *e = &p->transitions[i];
        if (!ts_address_equal(&e->enclave_id, &t->producer))
            continue;
        has_started |= e->kind == TS_STARTED;
        stepped_down |= e->kind == TS_PASSIVE && ts_hash_equal(&e->boot_id, &t->producer_boot) &&
                        ts_hash_equal(&e->batch_head, &s->b->header.parent_hash);
    }
    if (t->term == 0 || (same && !has_started))
        return TS_MARK_ACTIVATION;
    bool is_removed = report_of(s->b, &t->producer) == NULL && !is_absent(s->b, &t->producer);
    return stepped_down || is_removed ? TS_MARK_CLEAN_TAKEOVER : TS_MARK_TAKEOVER;
}

static void walk_takeover(struct step *s)
{
    struct ts_timeline *t = s->t;
    const struct ts_batch_header *h = &s->b->header;
    if (s->bucket == NULL || s->is_first || h->term == t->term)
        return;
    enum ts_mark_kind kind = kind_of_takeover(s);
    mark(s, kind, &h->producer, index_of_active(s->b));
    if (kind == TS_MARK_ACTIVATION)
        return;
    s->bucket->takeovers++;
    s->bucket->unclean += kind == TS_MARK_TAKEOVER;
    t->times[t->n_times++ % TS_TIMELINE_TIMES] = (struct ts_takeover_time){
        .number = h->number, .ms = h->time - t->time, .is_clean = kind == TS_MARK_CLEAN_TAKEOVER};
}

static void walk_started(struct step *s)
{
    const struct ts_payload *p = &s->b->payload;
    for (size_t i = 0; i < p->n_transitions; i++) {
        const struct ts_lifecycle_event *e = &p->transitions[i];
        struct lane *l = e->kind == TS_STARTED ? timeline_lane(s->t, &e->enclave_id) : NULL;
        if (l == NULL)
            continue; /* of one that this batch removes, and that is no longer shown */
        bool is_first = l->started == 0 || l->started == s->b->header.number;
        if (l->started == 0)
            l->started = s->b->header.number;
        mark(s, is_first ? TS_MARK_START : TS_MARK_RESTART, &l->id, (uint32_t)i);
    }
}

static bool starts(const struct ts_batch *b, const ts_address *id)
{
    for (size_t i = 0; i < b->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *e = &b->payload.transitions[i];
        if (e->kind == TS_STARTED && ts_address_equal(&e->enclave_id, id))
            return true;
    }
    return false;
}

static enum ts_lane_state state_of(const struct step *s, const struct lane *l)
{
    uint64_t number = s->b->header.number;
    bool has_started = l->started != 0 && l->started <= number;
    if (!l->is_listed)
        return l->changed == 0 && number < l->granted ? TS_LANE_NONE : TS_LANE_REVOKED;
    if (ts_address_equal(&l->id, &s->b->header.producer))
        return TS_LANE_ACTIVE;
    if (starts(s->b, &l->id))
        return TS_LANE_STARTING;
    if (is_absent(s->b, &l->id))
        return has_started ? TS_LANE_ABSENT : TS_LANE_STARTING;
    if (s->is_reporting || l->state == TS_LANE_NONE || l->state == TS_LANE_REVOKED)
        return TS_LANE_PASSIVE;
    /* Between reports it is as it was. */
    if (l->state == TS_LANE_ACTIVE || l->state == TS_LANE_STARTING)
        return has_started ? TS_LANE_PASSIVE : TS_LANE_STARTING;
    return (enum ts_lane_state)l->state;
}

static uint64_t most_lag(const struct ts_batch *b)
{
    uint64_t most = 0;
    for (size_t i = 0; i < b->payload.n_reports; i++) {
        uint64_t lag = b->header.number - b->payload.reports[i].current_batch_number;
        most = lag > most ? lag : most;
    }
    return most;
}

static void count(struct step *s)
{
    struct ts_timeline_bucket *k = s->bucket;
    const struct ts_batch_header *h = &s->b->header;
    uint64_t gap = s->is_first ? 0 : h->time - s->t->time;
    uint64_t lag = most_lag(s->b);
    k->n++;
    k->time = h->time;
    k->term = h->term;
    k->txs += s->b->n_txs;
    k->span_ms += gap;
    k->longest_ms = gap > k->longest_ms ? gap : k->longest_ms;
    k->lag = lag > k->lag ? lag : k->lag;
}

static void walk_lanes(struct step *s)
{
    struct ts_timeline *t = s->t;
    for (size_t i = 0; i < t->n_lanes; i++) {
        struct lane *l = &t->lanes[i];
        l->state = (uint8_t)state_of(s, l);
        if (s->bucket != NULL)
            l->cells[s->bucket - t->buckets].n[l->state]++;
    }
}

static void move_head(struct step *s, const ts_hash *hash)
{
    struct ts_timeline *t = s->t;
    const struct ts_batch_header *h = &s->b->header;
    const struct ts_restart_event *report = report_of(s->b, &h->producer);
    t->number = h->number;
    t->hash = *hash;
    t->time = h->time;
    t->term = h->term;
    t->producer = h->producer;
    if (report != NULL)
        t->producer_boot = report->boot_id;
}

/* A window that begins with batch 1 knows what was before. */
static void settle_at_genesis(struct ts_timeline *t)
{
    t->time = t->genesis->time;
    t->is_settled = true;
    for (size_t i = 0; i < t->genesis->n_whitelist; i++) {
        struct lane *l = timeline_lane(t, &t->genesis->whitelist[i]);
        if (l != NULL)
            l->is_listed = true;
    }
}

ts_err ts_timeline_batch(struct ts_timeline *t, const struct ts_batch *b, const ts_hash *hash)
{
    uint64_t number = b->header.number;
    bool is_first = t->is_window && t->number == 0;
    TS_CHECK(is_first || number == t->number + 1);
    TS_CHECK(number <= t->first || !is_first);
    uint64_t at = number < t->first ? 0 : (number - t->first) / t->width;
    if (at < TS_TIMELINE_BUCKETS && !timeline_reserve(t, (size_t)at + 1))
        return TS_E_NOMEM;
    if (!make_lanes(t, b))
        return TS_E_NOMEM;
    struct step s = {.t = t,
                     .b = b,
                     .bucket = number < t->first ? NULL : timeline_bucket(t, number),
                     .is_first = is_first && number > 1,
                     .is_reporting = b->payload.n_reports > 0};
    if (is_first && number == 1)
        settle_at_genesis(t);
    if (s.is_reporting)
        walk_list(&s);
    walk_takeover(&s);
    walk_started(&s);
    walk_lanes(&s);
    if (s.bucket != NULL)
        count(&s);
    move_head(&s, hash);
    return TS_OK;
}
