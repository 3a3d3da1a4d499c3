/* SPDX-License-Identifier: Apache-2.0 */
/* Second batches that a server has kept and tells who connects, with the protocol root before both.
 * They may be of any age, or ahead of us: each waits until the chain has its number; then our own
 * batch is read from the store, and its seal shows whether the root is the one that was claimed. So
 * who joins late comes to the same proofs as those who were there.
 *
 * Batches that L1 denied wait in the same way; and what has proven to be a second batch waits for
 * L1's word on the block that it names. */
#include <inttypes.h>
#include <string.h>

#include "chain/batch.h"
#include "crypto/keccak.h"
#include "node/internal.h"

static void forget(struct ts_node *n, struct told *t)
{
    n->told_bytes -= t->raw.n;
    ts_node_release(n, t->raw);
    *t = (struct told){.number = 0};
}

void ts_node_told_free(struct ts_node *n)
{
    for (size_t i = 0; i < NODE_TOLD; i++)
        if (n->told[i].number != 0)
            forget(n, &n->told[i]);
}

static ts_err decode(struct ts_node *n, ts_bytes raw, struct ts_batch *out)
{
    return ts_batch_decode(raw, (size_t)n->start.genesis->params.max_batch_bytes, &n->decode, out);
}

/* Batch hash and protocol root, as its producer has sealed them over what was before it. */
static ts_err verify(const struct ts_node *n, const struct ts_batch *b, const ts_hash *parent_root,
                     ts_hash *hash, ts_hash *root)
{
    const struct ts_sealed sealed = {.header = b->header,
                                     .parent_root = *parent_root,
                                     .payload = b->raw_payload,
                                     .seal = b->seal};
    return ts_sealed_verify(n->start.crypto, &n->start.genesis->domain, &sealed, hash, root);
}

static bool waits(const struct ts_node *n, const ts_hash *id)
{
    for (size_t i = 0; i < NODE_TOLD; i++)
        if (n->told[i].number != 0 && ts_hash_equal(&n->told[i].id, id))
            return true;
    return false;
}

static struct told *free_slot(struct ts_node *n)
{
    for (size_t i = 0; i < NODE_TOLD; i++)
        if (n->told[i].number == 0)
            return &n->told[i];
    return NULL;
}

/* What one batch takes of the room: its bytes, and its place. */
static size_t weight(size_t bytes)
{
    return bytes + NODE_TOLD_BYTES / NODE_TOLD;
}

static size_t weight_of(const struct ts_node *n, unsigned link)
{
    size_t sum = 0;
    for (size_t i = 0; i < NODE_TOLD; i++)
        if (n->told[i].number != 0 && n->told[i].link == link)
            sum += weight(n->told[i].raw.n);
    return sum;
}

/* Of the server that has most, and more than own: the batch furthest ahead of us, which may be made
 * up and never come. NULL: there is none. */
static struct told *too_much(struct ts_node *n, size_t own)
{
    struct told *found = NULL;
    size_t most = own;
    for (size_t i = 0; i < NODE_TOLD; i++) {
        struct told *t = &n->told[i];
        size_t has = t->number != 0 && t->token == 0 ? weight_of(n, t->link) : 0;
        if (has > most || (found != NULL && has == most && t->number > found->number)) {
            found = t;
            most = has;
        }
    }
    return found;
}

/* A place for so many bytes. Whoever fills the room gives way to those that have less of it: no
 * server keeps out what another tells. NULL: there is no room. */
static struct told *make_place(struct ts_node *n, unsigned link, size_t bytes)
{
    size_t own = weight_of(n, link) + weight(bytes);
    struct told *place = free_slot(n);
    while (bytes <= NODE_TOLD_BYTES && (place == NULL || n->told_bytes + bytes > NODE_TOLD_BYTES)) {
        struct told *t = too_much(n, own);
        if (t == NULL)
            return NULL;
        forget(n, t);
        n->counters.evidence_dropped++;
        place = t;
    }
    return bytes <= NODE_TOLD_BYTES ? place : NULL;
}

/* raw is copied. */
static void put(struct ts_node *n, const struct told *t)
{
    struct told *place = make_place(n, t->link, t->raw.n);
    ts_bytes held = {0};
    if (place != NULL)
        held = ts_node_hold(n, t->raw);
    if (held.p == NULL) {
        n->counters.evidence_dropped++;
        return;
    }
    *place = *t;
    place->raw = held;
    n->told_bytes += held.n;
}

void ts_node_told(struct ts_node *n, unsigned link, const ts_hash *parent_root, ts_bytes raw)
{
    const struct source s = {.link = link};
    struct ts_batch b;
    ts_hash hash, root, id;
    ts_arena_reset(&n->decode);
    ts_err err = decode(n, raw, &b);
    if (err == TS_E_NOMEM)
        return;
    if (err != TS_OK || b.header.number == 0) {
        n->counters.invalid++;
        ts_node_follow_blame(n, &s, err, "a batch that was told as evidence does not decode");
        return;
    }
    err = verify(n, &b, parent_root, &hash, &root);
    if (err != TS_OK) {
        n->counters.invalid++;
        ts_node_follow_blame(n, &s, err, "a batch that was told as evidence is not sealed");
        return;
    }
    ts_keccak256_pair(&hash, &root, &id);
    if (ts_map_get(&n->evidence, &id) != NULL || waits(n, &id)) {
        n->counters.duplicates++;
        return;
    }
    put(n, &(struct told){.number = b.header.number,
                          .id = id,
                          .parent_root = *parent_root,
                          .raw = raw,
                          .link = link});
}

void ts_node_told_denied(struct ts_node *n, const ts_hash *parent_root, const struct ts_batch *b)
{
    ts_hash hash, root, id;
    if (verify(n, b, parent_root, &hash, &root) != TS_OK)
        return; /* of a damaged store */
    ts_keccak256_pair(&hash, &root, &id);
    if (ts_map_get(&n->evidence, &id) == NULL && !waits(n, &id))
        put(n, &(struct told){.number = b->header.number,
                              .id = id,
                              .parent_root = *parent_root,
                              .raw = b->raw,
                              .link = NODE_OWN_LINK});
}

void ts_node_told_second(struct ts_node *n, const ts_hash *parent_root, const struct ts_batch *b,
                         const ts_hash *id)
{
    if (ts_node_l1_is_on(n) && b->header.l1_number >= n->start.genesis->l1_number)
        put(n, &(struct told){.number = b->header.number,
                              .l1 = b->header.l1_number,
                              .id = *id,
                              .parent_root = *parent_root,
                              .raw = b->raw,
                              .link = NODE_OWN_LINK});
}

/* A block that L1 does not have yet, or never will, is waited for as long as there is room. */
static void look_at_l1(struct ts_node *n, struct told *t)
{
    const struct l1_slot *s = ts_node_l1_slot(n, t->l1);
    struct ts_batch b;
    if (s == NULL || s->word == NULL || !s->is_settled)
        return;
    ts_arena_reset(&n->decode);
    if (decode(n, t->raw, &b) != TS_OK)
        return; /* memory: it was decoded before */
    ts_node_findings_second(n, &b, &t->parent_root, s->word);
    forget(n, t);
}

void ts_node_told_pump(struct ts_node *n)
{
    for (size_t i = 0; i < NODE_TOLD; i++) {
        struct told *t = &n->told[i];
        if (t->l1 != 0)
            look_at_l1(n, t);
        if (t->number == 0 || t->l1 != 0 || t->token != 0 || t->number > n->stored.number)
            continue;
        struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_LOAD);
        t->token = o->token = ++n->next_token;
        o->from = t->number;
        o->count = 1;
    }
}

static ts_err judge(struct ts_node *n, const struct told *t, ts_bytes own_raw)
{
    struct ts_batch own, other;
    struct ts_finding f;
    ts_arena_reset(&n->decode);
    ts_err err = decode(n, own_raw, &own);
    if (err == TS_OK)
        err = decode(n, t->raw, &other);
    if (err != TS_OK)
        return err;
    if (!ts_hash_equal(&own.header.parent_hash, &other.header.parent_hash))
        return TS_E_OUT_OF_ORDER; /* roots may differ then */
    struct ts_audit_place place = {.number = own.header.number,
                                   .parent_hash = own.header.parent_hash,
                                   .parent_root = t->parent_root};
    if (verify(n, &own, &t->parent_root, &place.hash, &place.root) != TS_OK)
        return TS_E_OUT_OF_ORDER; /* the parent was sealed with another payload too */
    err = ts_audit_conflict(n->audit, n->start.crypto, &place, &other, &f);
    if (err == TS_OK)
        ts_node_gossip_told(n, &place, &other, &f, t->link);
    return err;
}

/* It is sealed: who stands on another line, or is told of such a one, may have kept it in good
 * faith though it has another parent than ours, or is by somebody whom our chain does not list. */
static bool is_anothers_line(ts_err err)
{
    return err == TS_E_OUT_OF_ORDER || err == TS_E_V2_PRODUCER;
}

static void judged(struct ts_node *n, const struct told *t, ts_err err)
{
    const struct source s = {.link = t->link};
    if (err == TS_OK || err == TS_E_NOMEM || t->link == NODE_OWN_LINK)
        return;
    if (err == TS_E_NOT_FOUND) { /* the second batch is ours: who told it is on the other line */
        n->counters.duplicates++;
        return;
    }
    n->counters.invalid++;
    if (ts_node_peer_is_up(n, t->link) && !is_anothers_line(err))
        ts_node_follow_blame(n, &s, err, "a batch that was told as evidence proves nothing");
}

bool ts_node_told_loaded(struct ts_node *n, const struct ts_node_input *in)
{
    for (size_t i = 0; i < NODE_TOLD; i++) {
        struct told *t = &n->told[i];
        if (t->number == 0 || t->token == 0 || t->token != in->token)
            continue;
        bool is_there = in->err == TS_OK && in->n_batches > 0 && in->batches[0].number == t->number;
        if (is_there)
            judged(n, t, judge(n, t, in->batches[0].raw));
        forget(n, t); /* what could not be read is told again at the next connection */
        return true;
    }
    return false;
}
