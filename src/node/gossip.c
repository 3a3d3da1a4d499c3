/* SPDX-License-Identifier: Apache-2.0 */
/* Pushed batches, and what does not fit: batches ahead of the head, and other lines. A sealed batch
 * beside one of ours is evidence, whoever brings it; the head stays where it is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "node/internal.h"

/* ---- batches ahead of the head ---- */

static void free_ahead(struct ts_node *n, struct ahead *a)
{
    n->ahead_bytes -= a->raw.n;
    ts_node_release(n, a->raw);
    *a = (struct ahead){0};
}

static struct ahead *slot_of(struct ts_node *n, uint64_t number)
{
    return &n->ahead[number % NODE_AHEAD];
}

bool ts_node_gossip_take_ahead(struct ts_node *n, uint64_t number, struct ahead *out)
{
    struct ahead *a = slot_of(n, number);
    if (number == 0 || a->number != number)
        return false;
    n->ahead_bytes -= a->raw.n;
    *out = *a;
    *a = (struct ahead){0};
    return true;
}

uint64_t ts_node_gossip_next_ahead(const struct ts_node *n, uint64_t from)
{
    uint64_t next = 0;
    for (size_t i = 0; i < NODE_AHEAD; i++) {
        uint64_t number = n->ahead[i].number;
        if (number > from && (next == 0 || number < next))
            next = number;
    }
    return next;
}

void ts_node_gossip_head_moved(struct ts_node *n)
{
    const struct ts_head *head = &n->chain.head;
    for (unsigned i = 0; i < n->start.n_peers; i++) {
        const struct ts_feed_session *s = &n->peers[i].session;
        if (ts_node_peer_is_up(n, i) && s->head_number == head->number &&
            !ts_hash_equal(&s->head_hash, &head->hash))
            ts_node_gossip_other_line(n, i); /* its HELLO spoke of another batch here */
    }
}

void ts_node_gossip_pump(struct ts_node *n)
{
    for (size_t i = 0; n->ahead_bytes > 0 && i < NODE_AHEAD; i++) {
        struct ahead a = n->ahead[i];
        if (a.number == 0 || a.number > n->chain.head.number)
            continue;
        n->ahead[i] = (struct ahead){0};
        n->ahead_bytes -= a.raw.n;
        ts_node_gossip_batch(n, &a.source, a.raw);
        ts_node_release(n, a.raw);
    }
}

void ts_node_gossip_forget(struct ts_node *n, unsigned link)
{
    for (size_t i = 0; i < NODE_AHEAD; i++) {
        struct ahead *a = &n->ahead[i];
        if (a->number != 0 && !a->source.is_subscriber && a->source.link == link)
            free_ahead(n, a);
    }
}

void ts_node_gossip_free(struct ts_node *n)
{
    for (size_t i = 0; i < NODE_AHEAD; i++) {
        if (n->ahead[i].number != 0)
            free_ahead(n, &n->ahead[i]);
    }
    ts_map_free(&n->evidence);
    ts_map_free(&n->evidence_at);
    ts_node_grants_free(n);
}

/* Also when another one of that number is being checked. */
static void keep_ahead(struct ts_node *n, const struct source *s, const struct ts_batch *b)
{
    uint64_t number = b->header.number;
    struct ahead *a = slot_of(n, number);
    if (a->number == number || ts_node_pipeline_has(n, number, b->raw)) {
        n->counters.duplicates++;
        return;
    }
    if (number != n->chain.head.number + 1 && n->ahead_bytes + b->raw.n > NODE_AHEAD_BYTES) {
        n->counters.stray++;
        return;
    }
    ts_bytes raw = ts_node_hold(n, b->raw);
    if (raw.p == NULL)
        return;
    if (a->number != 0)
        free_ahead(n, a);
    *a = (struct ahead){.number = number, .raw = raw, .source = *s};
    n->ahead_bytes += raw.n;
    n->counters.ahead += number != n->chain.head.number + 1;
}

/* ---- evidence ---- */

void ts_node_load_evidence(struct ts_node *n, const ts_hash *id, ts_bytes data)
{
    struct ts_record r;
    ts_arena_reset(&n->decode);
    if (ts_record_read(data, &n->decode, &r) == TS_OK)
        ts_node_findings_load(n, id, &r); /* else it is of a later version, or damaged */
}

bool ts_node_gossip_note_evidence(struct ts_node *n, enum ts_record_kind kind, uint64_t number,
                                  const ts_hash *id)
{
    const struct evidence_at at = {.number = number, .kind = kind};
    if (ts_map_get(&n->evidence, id) != NULL) {
        n->counters.duplicates++;
        return false;
    }
    uint32_t count = 0;
    void *value = n->evidence.n < NODE_EVIDENCE_MAX ? ts_map_put(&n->evidence_at, &at, NULL) : NULL;
    if (value != NULL)
        memcpy(&count, value, sizeof(count));
    if (value == NULL || count >= NODE_EVIDENCE_PER_NUMBER ||
        ts_map_put(&n->evidence, id, NULL) == NULL) {
        n->counters.evidence_dropped++;
        return false;
    }
    count++;
    memcpy(value, &count, sizeof(count));
    return true;
}

void ts_node_gossip_forget_evidence(struct ts_node *n, enum ts_record_kind kind, uint64_t number,
                                    const ts_hash *id)
{
    const struct evidence_at at = {.number = number, .kind = kind};
    uint32_t count = 0;
    void *value = ts_map_get(&n->evidence_at, &at);
    TS_CHECK(value != NULL && ts_map_remove(&n->evidence, id));
    memcpy(&count, value, sizeof(count));
    TS_CHECK(count > 0);
    count--;
    memcpy(value, &count, sizeof(count));
}

static ts_bytes record_of(struct ts_node *n, const struct ts_audit_place *own,
                          const struct ts_batch *b)
{
    struct ts_buf buf;
    ts_bytes record = {0};
    ts_buf_init(&buf, 0);
    ts_record_put(&buf, &(struct ts_record){.kind = TS_RECORD_CONFLICT,
                                            .number = own->number,
                                            .own_hash = own->hash,
                                            .own_root = own->root,
                                            .parent_root = own->parent_root,
                                            .batch = b->raw});
    if (buf.err == TS_OK)
        record = ts_node_hold(n, ts_buf_bytes(&buf));
    ts_buf_free(&buf);
    return record;
}

static void keep_evidence(struct ts_node *n, const struct source *s,
                          const struct ts_audit_place *own, const struct ts_batch *b,
                          const struct ts_finding *f, bool is_quiet)
{
    struct entry e = {.is_evidence = true,
                      .is_quiet = is_quiet,
                      .number = own->number,
                      .hash = f->hash,
                      .id = f->evidence,
                      .source = *s,
                      .raw = ts_node_hold(n, b->raw),
                      .record = record_of(n, own, b)};
    if (e.raw.p == NULL || e.record.p == NULL) {
        ts_node_release(n, e.raw);
        ts_node_release(n, e.record);
        ts_node_gossip_forget_evidence(n, TS_RECORD_CONFLICT, own->number, &f->evidence);
        return;
    }
    ts_node_gossip_newest(n, &f->evidence);
    ts_node_commit_evidence(n, &e);
}

void ts_node_gossip_newest(struct ts_node *n, const ts_hash *id)
{
    n->newest[n->n_newest++ % TS_NODE_NEWEST_EVIDENCE] = *id;
}

size_t ts_node_newest_evidence(const struct ts_node *n, ts_hash out[TS_NODE_NEWEST_EVIDENCE])
{
    size_t count = n->n_newest < TS_NODE_NEWEST_EVIDENCE ? n->n_newest : TS_NODE_NEWEST_EVIDENCE;
    for (size_t i = 0; i < count; i++)
        out[i] = n->newest[(n->n_newest - 1 - i) % TS_NODE_NEWEST_EVIDENCE];
    return count;
}

/* A second batch, judged. is_quiet: it is too old for others to judge it by itself. */
static void found(struct ts_node *n, const struct source *s, const struct ts_audit_place *own,
                  const struct ts_batch *b, const struct ts_finding *f, bool is_quiet)
{
    char ours[TS_HASH_HEX_SIZE], other[TS_HASH_HEX_SIZE];
    if (!ts_node_gossip_note_evidence(n, TS_RECORD_CONFLICT, own->number, &f->evidence))
        return;
    n->counters.equivocations++;
    ts_node_event(n, TS_LOG_ERROR, "equivocation", "number=%" PRIu64 " own=%s other=%s",
                  own->number, ts_hex(own->hash.b, 32, ours), ts_hex(f->hash.b, 32, other));
    (void)ts_node_findings_add(n, f);
    keep_evidence(n, s, own, b, f, is_quiet);
    if (s->is_subscriber || s->link != NODE_OWN_LINK)
        ts_node_told_second(n, &own->parent_root, b, &f->evidence);
}

void ts_node_gossip_told(struct ts_node *n, const struct ts_audit_place *own,
                         const struct ts_batch *b, const struct ts_finding *f, unsigned link)
{
    const struct source s = {.link = link};
    found(n, &s, own, b, f, ts_chain_recent(&n->chain, own->number) == NULL);
}

/* It conflicts with ours and proves nothing; but it may be ours with an edited payload. */
static void proves_nothing(struct ts_node *n, const struct source *s, const struct ts_batch *b,
                           const struct ts_audit_place *own, const ts_hash *hash,
                           const ts_hash *root, ts_err err)
{
    char text[NODE_TEXT];
    n->counters.invalid++;
    if (err == TS_E_V2_PRODUCER && ts_hash_equal(hash, &own->hash))
        ts_node_findings_payload(n, own, root, b->raw_payload);
    snprintf(text, sizeof(text), "a second batch %" PRIu64 " proves nothing: %s", own->number,
             ts_err_text((int)err));
    ts_node_follow_blame(n, s, err, text);
}

static void conflict(struct ts_node *n, const struct source *s, const struct ts_batch *b,
                     const ts_hash *hash, const ts_hash *root)
{
    struct ts_audit_place own;
    struct ts_finding f;
    TS_CHECK(ts_node_findings_place(n, b->header.number, &own)); /* compare found it */
    ts_err err = ts_audit_conflict(n->audit, n->start.crypto, &own, b, &f);
    if (err == TS_OK)
        found(n, s, &own, b, &f, false);
    else
        proves_nothing(n, s, b, &own, hash, root, err);
}

void ts_node_gossip_stored_evidence(struct ts_node *n, const struct entry *e)
{
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_EVIDENCE);
    o->number = e->number;
    o->hash = e->hash;
    o->bytes = e->raw;
    o->peer = e->source.is_subscriber ? e->source.peer : 0;
    for (unsigned i = 0; i < n->start.n_peers; i++) {
        if (!ts_node_peer_is_up(n, i) || (!e->source.is_subscriber && e->source.link == i))
            continue;
        struct ts_buf *b = ts_node_buf(n);
        ts_feed_put_batch(b, e->raw);
        ts_node_send(n, i, b);
    }
    ts_node_show_all(n, e->number);
}

/* ---- batches at numbers of ours ---- */

enum known { KNOWN_SAME, KNOWN_CONFLICT, KNOWN_DEEPER, KNOWN_TOO_OLD };

/* DEEPER: its parent is not on our chain, so the lines part further back. */
static enum known compare(struct ts_node *n, const struct ts_batch *b, ts_hash *hash, ts_hash *root)
{
    uint64_t number = b->header.number;
    const ts_hash *own = ts_chain_recent(&n->chain, number);
    if (number == 0 || own == NULL)
        return KNOWN_TOO_OLD;
    ts_header_hash(&n->start.genesis->domain, &b->header, hash);
    const ts_hash *parent = ts_chain_recent(&n->chain, number - 1);
    const ts_hash *own_root = ts_node_root(n, number), *parent_root = ts_node_root(n, number - 1);
    if (parent == NULL || own_root == NULL || parent_root == NULL)
        return ts_hash_equal(own, hash) ? KNOWN_SAME : KNOWN_TOO_OLD;
    if (!ts_hash_equal(&b->header.parent_hash, parent))
        return KNOWN_DEEPER;
    ts_protocol_root(parent_root, b->raw_payload, root);
    return ts_hash_equal(own, hash) && ts_hash_equal(own_root, root) ? KNOWN_SAME : KNOWN_CONFLICT;
}

static void at_known_number(struct ts_node *n, const struct source *s, const struct ts_batch *b)
{
    ts_hash hash, root;
    switch (compare(n, b, &hash, &root)) {
    case KNOWN_SAME:
        n->counters.duplicates++;
        if (!s->is_subscriber)
            n->peers[s->link].is_proven = true;
        break;
    case KNOWN_CONFLICT:
        conflict(n, s, b, &hash, &root);
        break;
    case KNOWN_DEEPER:
        if (s->is_subscriber)
            n->counters.evidence_dropped++;
        else
            ts_node_gossip_other_line(n, s->link);
        break;
    case KNOWN_TOO_OLD:
        n->counters.stray++;
        break;
    }
}

void ts_node_gossip_batch(struct ts_node *n, const struct source *s, ts_bytes raw)
{
    struct ts_batch b;
    ts_arena_reset(&n->decode);
    ts_err err = ts_batch_decode(raw, n->start.genesis->params.max_batch_bytes, &n->decode, &b);
    if (err == TS_E_NOMEM)
        return;
    if (err != TS_OK) {
        n->counters.invalid++;
        ts_node_follow_blame(n, s, err, "a batch does not decode");
        return;
    }
    uint64_t number = b.header.number;
    if (!s->is_subscriber && number > n->peers[s->link].head)
        n->peers[s->link].head = number;
    if (number <= n->chain.head.number)
        at_known_number(n, s, &b);
    else if (number - n->chain.head.number <= NODE_AHEAD) {
        if (!s->is_subscriber) /* who may have kept it for long */
            ts_node_clock_pushed(n, &b.header);
        keep_ahead(n, s, &b);
    } else
        n->counters.stray++; /* asked for as a range when its turn comes */
}

/* ---- a peer on another line: where do the lines part? ---- */

void ts_node_gossip_other_line(struct ts_node *n, unsigned link)
{
    struct peer *p = &n->peers[link];
    if (p->state != TS_NODE_PEER_UP || p->probe != PROBE_NONE)
        return;
    p->probe = PROBE_WANTED;
    p->probe_to = p->head < n->chain.head.number ? p->head : n->chain.head.number;
    p->probe_from = p->probe_to >= NODE_PROBE ? p->probe_to - NODE_PROBE + 1 : 1;
    ts_node_catchup_peer_gone(n, link, true);
    ts_node_gossip_forget(n, link);
}

void ts_node_gossip_probe(struct ts_node *n, unsigned link)
{
    struct peer *p = &n->peers[link];
    if (p->probe_to < p->probe_from) {
        ts_node_follow_drop(n, link, true, TS_E_V1_LINKS, "its batches do not link to this chain");
        return;
    }
    uint64_t count = p->probe_to - p->probe_from + 1;
    if (ts_feed_session_ask_get(&p->session, n->now.mono_us, p->probe_from, count, &p->probe_id) !=
        TS_OK)
        return; /* when one of its answers came */
    struct ts_buf *b = ts_node_buf(n);
    ts_feed_put_get(b, p->probe_id, p->probe_from, count);
    ts_node_send(n, link, b);
    p->probe = PROBE_ASKED;
}

/* The line parts before what was looked at: look further back, as far as it can be proven. */
static void probe_deeper(struct ts_node *n, unsigned link)
{
    struct peer *p = &n->peers[link];
    uint64_t to = p->probe_from - 1;
    if (to == 0 || ts_node_root(n, to) == NULL) {
        ts_node_follow_drop(n, link, true, TS_E_V1_LINKS,
                            "it follows another line that parts far back");
        return;
    }
    p->probe_to = to;
    p->probe_from = to >= NODE_PROBE ? to - NODE_PROBE + 1 : 1;
    p->probe = PROBE_WANTED;
}

/* Looks at one batch of the peer's line; true when the probe goes on with the next. */
static bool probe_one(struct ts_node *n, unsigned link, uint64_t number, ts_bytes raw)
{
    struct source s = {.link = link};
    struct ts_batch b;
    ts_hash hash, root;
    ts_arena_reset(&n->decode);
    ts_err err = ts_batch_decode(raw, n->start.genesis->params.max_batch_bytes, &n->decode, &b);
    if (err != TS_OK || b.header.number != number) {
        n->counters.invalid++;
        ts_node_follow_drop(n, link, true, err != TS_OK ? err : TS_E_V1_LINKS,
                            "it answered GET from %" PRIu64 " with something else", number);
        return false;
    }
    switch (compare(n, &b, &hash, &root)) {
    case KNOWN_SAME:
    case KNOWN_TOO_OLD:
        return true;
    case KNOWN_DEEPER:
        probe_deeper(n, link);
        return false;
    case KNOWN_CONFLICT:
        break;
    }
    conflict(n, &s, &b, &hash, &root);
    if (ts_node_peer_is_up(n, link)) /* else it proved nothing, and is dropped for that */
        ts_node_show_parted(n, link, number);
    return false;
}

void ts_node_gossip_probe_answer(struct ts_node *n, unsigned link, const struct ts_feed_frame *f)
{
    struct peer *p = &n->peers[link];
    if (f->n_batches == 0) {
        struct ts_audit_place own;
        struct ts_finding withheld;
        if (ts_node_findings_place(n, p->probe_from, &own) &&
            ts_audit_payload(&own, NULL, &withheld))
            (void)ts_node_findings_add(n, &withheld);
        ts_node_follow_drop(n, link, true, TS_E_NOT_FOUND,
                            "it claims head %" PRIu64 " but gives no batch %" PRIu64, p->head,
                            p->probe_from);
        return;
    }
    for (size_t i = 0; i < f->n_batches; i++) {
        if (!probe_one(n, link, p->probe_from + i, f->batches[i]))
            return;
    }
    p->probe_from += f->n_batches;
    p->probe = PROBE_WANTED; /* with nothing left it is dropped: then its batches never linked */
}
