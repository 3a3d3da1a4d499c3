/* SPDX-License-Identifier: Apache-2.0 */
/* Who stands on the other side of an equivocation has a batch of his own and not ours. He sees both
 * only when we show him ours: feeds carry a server's batches to its clients, not back. So when
 * evidence is kept all around us are shown our batch too; and a peer that a probe finds on another
 * line is shown where ours parts from his before he is dropped. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "node/internal.h"

static void drop_parted(struct ts_node *n, unsigned link, uint64_t number)
{
    if (n->peers[link].probe == PROBE_PARTED && n->peers[link].probe_from == number)
        ts_node_follow_drop(n, link, true, TS_E_CONFLICT,
                            "it follows another line from batch %" PRIu64 " on", number);
}

/* The same is shown once at a time. */
static struct own_showing *slot_for(struct ts_node *n, uint64_t number, bool to_all, unsigned link)
{
    struct own_showing *found = NULL;
    for (size_t i = 0; i < NODE_SHOWINGS; i++) {
        struct own_showing *s = &n->showings[i];
        if (s->number == number && s->to_all == to_all && (to_all || s->link == link))
            return s;
        if (s->number == 0)
            found = s;
    }
    return found;
}

void ts_node_show_all(struct ts_node *n, uint64_t number)
{
    struct own_showing *s = slot_for(n, number, true, 0);
    if (s != NULL && s->number == 0)
        *s = (struct own_showing){.number = number, .to_all = true};
}

void ts_node_show_parted(struct ts_node *n, unsigned link, uint64_t number)
{
    struct own_showing *s = slot_for(n, number, false, link);
    n->peers[link].probe = PROBE_PARTED;
    n->peers[link].probe_from = number;
    if (s == NULL)
        drop_parted(n, link, number);
    else if (s->number == 0)
        *s = (struct own_showing){.number = number, .link = link};
}

void ts_node_show_pump(struct ts_node *n)
{
    for (size_t i = 0; i < NODE_SHOWINGS; i++) {
        struct own_showing *s = &n->showings[i];
        if (s->number == 0 || s->token != 0 || s->number > n->stored.number)
            continue;
        struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_LOAD);
        s->token = o->token = ++n->next_token;
        o->from = s->number;
        o->count = 1;
    }
}

static void show_to(struct ts_node *n, unsigned link, ts_bytes raw)
{
    struct ts_buf *b = ts_node_buf(n);
    ts_feed_put_batch(b, raw);
    ts_node_send(n, link, b);
}

static void show(struct ts_node *n, const struct own_showing *s, const struct ts_store_batch *b)
{
    if (!s->to_all) {
        if (n->peers[s->link].probe == PROBE_PARTED && n->peers[s->link].probe_from == s->number)
            show_to(n, s->link, b->raw);
        return;
    }
    for (unsigned i = 0; i < n->start.n_peers; i++)
        if (ts_node_peer_is_up(n, i))
            show_to(n, i, b->raw);
    uint8_t *copy = ts_node_need(ts_arena_alloc(&n->step, b->raw.n));
    memcpy(copy, b->raw.p, b->raw.n);
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_EVIDENCE);
    o->number = b->number;
    o->hash = b->hash;
    o->bytes = ts_bytes_of(copy, b->raw.n);
}

bool ts_node_show_loaded(struct ts_node *n, const struct ts_node_input *in)
{
    for (size_t i = 0; i < NODE_SHOWINGS; i++) {
        struct own_showing s = n->showings[i];
        if (s.number == 0 || s.token == 0 || s.token != in->token)
            continue;
        n->showings[i] = (struct own_showing){0};
        if (in->err == TS_OK && in->n_batches > 0 && in->batches[0].number == s.number)
            show(n, &s, &in->batches[0]);
        if (!s.to_all)
            drop_parted(n, s.link, s.number);
        return true;
    }
    return false;
}
