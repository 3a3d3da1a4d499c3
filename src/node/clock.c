/* SPDX-License-Identifier: Apache-2.0 */
/* The times of batches against the node's own clock. A batch from the future is one whenever it
 * comes; one from the past only when it was pushed, as new ones are: what is caught up with is old.
 * Told once, until a pushed batch is in time again. */
#include "node/internal.h"

void ts_node_clock_pushed(struct ts_node *n, const struct ts_batch_header *h)
{
    struct arrival *a = &n->arrivals[h->number % NODE_AHEAD];
    if (a->number != h->number || a->time != h->time) /* the first time counts */
        *a = (struct arrival){.number = h->number, .time = h->time, .own = n->now.unix_ms};
}

void ts_node_clock_applied(struct ts_node *n, const struct ts_batch *b)
{
    const struct ts_batch_header *h = &b->header;
    const struct arrival *a = &n->arrivals[h->number % NODE_AHEAD];
    bool was_pushed = a->number == h->number && a->time == h->time;
    uint64_t bound = n->s.clock_skew_ms;
    ts_time own = was_pushed ? a->own : n->now.unix_ms;
    struct ts_finding f;
    if (bound == 0)
        return;
    bool is_off = h->time > own + bound || (was_pushed && own > h->time + bound);
    if (is_off && !n->is_clock_off) {
        ts_audit_clock_skew(b, &n->chain.head.hash, own, &f);
        (void)ts_node_findings_add(n, &f);
    }
    if (is_off || was_pushed)
        n->is_clock_off = is_off;
}
