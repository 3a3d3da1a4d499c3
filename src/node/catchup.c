/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges: what is asked of whom. They stand in order and without gaps above the runs; each is
 * wanted, asked or held. What a peer does not give, or not in time, another is asked for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/internal.h"

#define ANSWER_MIN (64u * 1024) /* least size that an answer is expected to have */

void ts_node_range_free(struct ts_node *n, struct range *r)
{
    if (r->state == RANGE_HELD) {
        for (uint64_t i = 0; i < r->count; i++)
            ts_node_release(n, r->raws[i]);
        free(r->raws);
    }
    *r = (struct range){0};
}

static void remove_at(struct ts_node *n, size_t i)
{
    n->n_ranges--;
    memmove(&n->ranges[i], &n->ranges[i + 1], (n->n_ranges - i) * sizeof(n->ranges[0]));
}

/* False: no room. */
static bool insert_at(struct ts_node *n, size_t i, const struct range *r)
{
    if (n->n_ranges == NODE_RANGES)
        return false;
    memmove(&n->ranges[i + 1], &n->ranges[i], (n->n_ranges - i) * sizeof(n->ranges[0]));
    n->ranges[i] = *r;
    n->n_ranges++;
    return true;
}

uint64_t ts_node_catchup_next(const struct ts_node *n)
{
    if (n->n_ranges == 0)
        return ts_node_pipeline_next(n);
    const struct range *last = &n->ranges[n->n_ranges - 1];
    return last->from + last->count;
}

void ts_node_catchup_clear(struct ts_node *n)
{
    for (size_t i = 0; i < n->n_ranges; i++)
        ts_node_range_free(n, &n->ranges[i]);
    n->n_ranges = 0;
}

bool ts_node_catchup_take(struct ts_node *n, struct range *out)
{
    if (n->n_ranges == 0 || n->ranges[0].state != RANGE_HELD)
        return false;
    *out = n->ranges[0];
    remove_at(n, 0);
    return true;
}

void ts_node_catchup_rewind(struct ts_node *n, uint64_t from)
{
    while (n->n_ranges > 0 && n->ranges[0].from < from) {
        ts_node_range_free(n, &n->ranges[0]); /* cannot be in order, but must not stay */
        remove_at(n, 0);
    }
    if (n->n_ranges == 0)
        return;
    uint64_t to = n->ranges[0].from;
    while (to > from) {
        uint64_t count = to - from < n->s.get_count ? to - from : n->s.get_count;
        struct range r = {.state = RANGE_WANTED, .from = to - count, .count = count};
        if (!insert_at(n, 0, &r)) {
            ts_node_catchup_clear(n);
            return;
        }
        to -= count;
    }
}

static void want_again(struct range *r)
{
    *r = (struct range){.state = RANGE_WANTED, .from = r->from, .count = r->count};
}

/* The peer of an asked range will not answer: what the second was asked for stays. */
static void unask(struct range *r, unsigned link)
{
    if (r->has_hedge && r->hedge_link == link) {
        r->has_hedge = false;
    } else if (r->link == link && r->has_hedge) {
        r->link = r->hedge_link;
        r->id = r->hedge_id;
        r->has_hedge = false;
    } else if (r->link == link) {
        want_again(r);
    }
}

void ts_node_catchup_peer_gone(struct ts_node *n, unsigned link, bool forget)
{
    for (size_t i = 0; i < n->n_ranges; i++) {
        struct range *r = &n->ranges[i];
        if (r->state == RANGE_ASKED) {
            unask(r, link);
        } else if (forget && r->state == RANGE_HELD && !r->source.is_subscriber &&
                   r->source.link == link) {
            uint64_t from = r->from, count = r->count;
            ts_node_range_free(n, r);
            *r = (struct range){.state = RANGE_WANTED, .from = from, .count = count};
        }
    }
}

/* ---- what to ask for ---- */

/* A pushed batch that waits ahead becomes a range at i. False: none at that number, or no room. */
static bool insert_ahead(struct ts_node *n, size_t i, uint64_t number)
{
    struct ahead a;
    struct range r = {.state = RANGE_HELD, .from = number, .count = 1};
    r.raws = malloc(sizeof(*r.raws));
    if (r.raws == NULL || n->n_ranges == NODE_RANGES || !ts_node_gossip_take_ahead(n, number, &a)) {
        free(r.raws);
        return false;
    }
    r.raws[0] = a.raw;
    r.source = a.source;
    return insert_at(n, i, &r);
}

/* What all wait for was pushed meanwhile: the answer need not bring it any more. */
static void absorb_ahead(struct ts_node *n)
{
    for (size_t i = 0; i < n->n_ranges; i++) {
        if (n->ranges[i].state == RANGE_HELD)
            continue;
        if (!insert_ahead(n, i, n->ranges[i].from))
            return;
        struct range *r = &n->ranges[i + 1];
        r->from++;
        if (--r->count == 0)
            remove_at(n, i + 1);
    }
}

/* Wanted ranges that nobody claims to have any more. */
static void drop_unclaimed(struct ts_node *n, uint64_t target)
{
    while (n->n_ranges > 0) {
        struct range *last = &n->ranges[n->n_ranges - 1];
        if (last->state != RANGE_WANTED || last->from + last->count - 1 <= target)
            return;
        if (last->from <= target) {
            last->count = target - last->from + 1;
            return;
        }
        n->n_ranges--;
    }
}

static void extend(struct ts_node *n, uint64_t target)
{
    while (n->n_ranges < n->s.window) {
        uint64_t from = ts_node_catchup_next(n);
        if (insert_ahead(n, n->n_ranges, from))
            continue;
        if (from > target)
            return;
        uint64_t count = target - from + 1;
        uint64_t ahead = ts_node_gossip_next_ahead(n, from);
        if (count > n->s.get_count)
            count = n->s.get_count;
        if (ahead != 0 && ahead - from < count)
            count = ahead - from;
        struct range r = {.state = RANGE_WANTED, .from = from, .count = count};
        TS_CHECK(insert_at(n, n->n_ranges, &r));
    }
}

/* Of the peers that claim number, the one with the fewest requests open; slow ones last. */
static bool pick(const struct ts_node *n, uint64_t number, unsigned except, unsigned *link)
{
    unsigned best = UINT32_MAX;
    for (unsigned i = 0; i < n->start.n_peers; i++) {
        const struct peer *p = &n->peers[i];
        if (i == except || p->state != TS_NODE_PEER_UP || p->probe != PROBE_NONE ||
            p->head < number || p->session.n_gets >= p->session.limits.max_gets)
            continue;
        unsigned cost = p->session.n_gets + (p->is_slow ? 1000u : 0u);
        if (cost < best) {
            best = cost;
            *link = i;
        }
    }
    return best != UINT32_MAX;
}

static bool ask(struct ts_node *n, unsigned link, uint64_t from, uint64_t count, uint64_t *id)
{
    struct peer *p = &n->peers[link];
    if (ts_feed_session_ask_get(&p->session, n->now.mono_us, from, count, id) != TS_OK)
        return false;
    struct ts_buf *b = ts_node_buf(n);
    ts_feed_put_get(b, *id, from, count);
    ts_node_send(n, link, b);
    n->counters.gets++;
    return true;
}

/* Whether another answer fits into what may be held. The first range may always come: all wait. */
static bool may_ask(const struct ts_node *n, size_t i, size_t asked)
{
    if (i == 0 && n->runs == NULL)
        return true;
    size_t held = n->held_bytes - n->told_bytes; /* that has room of its own */
    return held + (asked + 1) * n->answer_bytes <= n->s.window_bytes;
}

void ts_node_catchup_plan(struct ts_node *n)
{
    uint64_t target = ts_node_follow_target(n);
    size_t asked = 0;
    unsigned link = 0;
    absorb_ahead(n);
    drop_unclaimed(n, target);
    extend(n, target);
    for (size_t i = 0; i < n->n_ranges; i++) {
        struct range *r = &n->ranges[i];
        if (r->state == RANGE_WANTED && may_ask(n, i, asked) &&
            pick(n, r->from, UINT32_MAX, &link) && ask(n, link, r->from, r->count, &r->id)) {
            r->state = RANGE_ASKED;
            r->link = link;
            r->asked_us = n->now.mono_us;
        }
        asked += r->state == RANGE_ASKED;
    }
}

/* ---- answers ---- */

static bool hold_all(struct ts_node *n, struct range *r, const ts_bytes *raws, size_t n_raws)
{
    r->raws = calloc(n_raws > 0 ? n_raws : 1, sizeof(*r->raws));
    if (r->raws == NULL)
        return false;
    for (size_t i = 0; i < n_raws; i++) {
        r->raws[i] = ts_node_hold(n, raws[i]);
        if (r->raws[i].p != NULL)
            continue;
        while (i-- > 0)
            ts_node_release(n, r->raws[i]);
        free(r->raws);
        r->raws = NULL;
        return false;
    }
    return true;
}

/* An answer may hold fewer batches than asked for: the rest is wanted. Of its first, some may have
 * come another way. */
static void fill(struct ts_node *n, size_t i, unsigned link, const struct ts_feed_get *get,
                 const struct ts_feed_frame *f)
{
    struct range *r = &n->ranges[i];
    uint64_t skip = r->from - get->from;
    want_again(r);
    if (f->n_batches <= skip)
        return;
    size_t n_new = f->n_batches - (size_t)skip;
    if (n_new > r->count)
        n_new = (size_t)r->count;
    if (!hold_all(n, r, f->batches + skip, n_new))
        return;
    struct range rest = {.state = RANGE_WANTED, .from = r->from + n_new, .count = r->count - n_new};
    r->state = RANGE_HELD;
    r->count = n_new;
    r->source = (struct source){.link = link};
    if (rest.count == 0 || insert_at(n, i + 1, &rest))
        return;
    while (n->n_ranges > i + 1) { /* no room: what comes behind is planned anew */
        ts_node_range_free(n, &n->ranges[n->n_ranges - 1]);
        n->n_ranges--;
    }
}

static bool range_of(const struct ts_node *n, unsigned link, uint64_t id, size_t *at)
{
    for (size_t i = 0; i < n->n_ranges; i++) {
        const struct range *r = &n->ranges[i];
        if (r->state == RANGE_ASKED &&
            ((r->link == link && r->id == id) ||
             (r->has_hedge && r->hedge_link == link && r->hedge_id == id))) {
            *at = i;
            return true;
        }
    }
    return false;
}

static void note_size(struct ts_node *n, const struct ts_feed_frame *f)
{
    size_t bytes = 0;
    for (size_t i = 0; i < f->n_batches; i++)
        bytes += f->batches[i].n;
    n->answer_bytes = (n->answer_bytes * 3 + bytes) / 4;
    if (n->answer_bytes < ANSWER_MIN)
        n->answer_bytes = ANSWER_MIN;
}

void ts_node_catchup_answer(struct ts_node *n, unsigned link, const struct ts_feed_get *get,
                            const struct ts_feed_frame *f)
{
    struct peer *p = &n->peers[link];
    size_t i;
    p->answer_us = n->now.mono_us;
    p->is_slow = false;
    if (p->probe == PROBE_ASKED && get->id == p->probe_id) {
        ts_node_gossip_probe_answer(n, link, f);
        return;
    }
    if (f->n_batches == 0 && get->from <= p->head) {
        ts_node_follow_drop(n, link, true, TS_E_NOT_FOUND,
                            "it claims head %" PRIu64 " but gives no batch %" PRIu64, p->head,
                            get->from);
        return;
    }
    if (get->id == p->poll_id) {
        struct source s = {.link = link};
        p->poll_id = 0;
        for (size_t k = 0; k < f->n_batches && ts_node_peer_is_up(n, link); k++)
            ts_node_gossip_batch(n, &s, f->batches[k]);
        return;
    }
    if (range_of(n, link, get->id, &i) && f->n_batches > 0) {
        note_size(n, f);
        fill(n, i, link, get, f);
    }
}

/* ---- time ---- */

/* The oldest request of a peer is overdue, counted from its newest answer: it answers in order. */
static void tick_answers(struct ts_node *n, unsigned link, uint64_t *wake)
{
    struct peer *p = &n->peers[link];
    if (p->state != TS_NODE_PEER_UP || p->session.n_gets == 0)
        return;
    const struct ts_feed_get *oldest = &p->session.gets[0];
    uint64_t since = oldest->at_us > p->answer_us ? oldest->at_us : p->answer_us;
    uint64_t due = since + n->s.get_us;
    if (n->now.mono_us < due) {
        if (due < *wake)
            *wake = due;
        return;
    }
    n->counters.get_timeouts++;
    ts_node_follow_drop(n, link, true, TS_E_TIMEOUT,
                        "no answer to GET from %" PRIu64 " in %" PRIu64 " ms", oldest->from,
                        n->s.get_us / 1000);
}

/* All wait for the first range: if its peer is slow, another is asked too, and the first answer
 * counts. */
static void tick_hedge(struct ts_node *n, uint64_t *wake)
{
    if (n->n_ranges == 0 || n->ranges[0].state != RANGE_ASKED || n->ranges[0].has_hedge)
        return;
    struct range *r = &n->ranges[0];
    uint64_t since =
        r->asked_us > n->peers[r->link].answer_us ? r->asked_us : n->peers[r->link].answer_us;
    uint64_t due = since + n->s.hedge_us;
    unsigned link = 0;
    uint64_t id;
    if (n->now.mono_us < due) {
        if (due < *wake)
            *wake = due;
        return;
    }
    if (!pick(n, r->from, r->link, &link) || !ask(n, link, r->from, r->count, &id))
        return;
    r->has_hedge = true;
    r->hedge_link = link;
    r->hedge_id = id;
    n->peers[r->link].is_slow = true;
    n->counters.hedged++;
}

/* At the head and quiet for long: a push may have been lost. Peers are asked in turn. */
static void tick_poll(struct ts_node *n, uint64_t *wake)
{
    uint64_t due = n->news_us + n->s.poll_us;
    if (n->n_ranges > 0 || n->runs != NULL || n->start.n_peers == 0)
        return;
    if (n->now.mono_us < due) {
        if (due < *wake)
            *wake = due;
        return;
    }
    n->news_us = n->now.mono_us;
    *wake = *wake < n->news_us + n->s.poll_us ? *wake : n->news_us + n->s.poll_us;
    for (unsigned k = 0; k < n->start.n_peers; k++) {
        unsigned link = n->poll_next++ % n->start.n_peers;
        struct peer *p = &n->peers[link];
        uint64_t id;
        if (p->state != TS_NODE_PEER_UP || p->probe != PROBE_NONE || p->poll_id != 0)
            continue;
        if (ask(n, link, ts_node_catchup_next(n), NODE_AHEAD / 2, &id))
            p->poll_id = id;
        return;
    }
}

static void tick_progress(struct ts_node *n, uint64_t *wake)
{
    uint64_t target = ts_node_follow_credible(n);
    bool behind = target > n->stored.number + NODE_AHEAD;
    if (!behind && n->is_behind && target <= n->stored.number) {
        n->is_behind = false;
        ts_node_event(n, TS_LOG_INFO, "caught-up", "head=%" PRIu64, n->stored.number);
    }
    if (!behind)
        return;
    if (!n->is_behind) {
        n->is_behind = true;
        ts_node_event(n, TS_LOG_INFO, "catching-up", "head=%" PRIu64 " target=%" PRIu64,
                      n->stored.number, target);
    } else if (n->now.mono_us >= n->progress_due_us) {
        uint64_t passed = n->now.mono_us - n->progress_from_us;
        uint64_t rate = passed > 0 ? (n->stored.number - n->progress_from) * 1000000 / passed : 0;
        ts_node_event(n, TS_LOG_INFO, "progress",
                      "head=%" PRIu64 " target=%" PRIu64 " batches_per_s=%" PRIu64,
                      n->stored.number, target, rate);
    } else {
        *wake = n->progress_due_us < *wake ? n->progress_due_us : *wake;
        return;
    }
    n->progress_from = n->stored.number;
    n->progress_from_us = n->now.mono_us;
    n->progress_due_us = n->now.mono_us + n->s.progress_us;
    *wake = n->progress_due_us < *wake ? n->progress_due_us : *wake;
}

void ts_node_catchup_tick(struct ts_node *n, uint64_t *wake)
{
    if (n->is_stopping)
        return;
    for (unsigned i = 0; i < n->start.n_peers; i++)
        tick_answers(n, i, wake);
    tick_hedge(n, wake);
    tick_poll(n, wake);
    tick_progress(n, wake);
}
