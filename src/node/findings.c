/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: fed with every batch of the chain as it is applied, and with evidence beside it. */
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "crypto/sign.h"
#include "node/internal.h"

static void tell(void *ctx, const struct ts_finding *f)
{
    struct ts_node *n = ctx;
    struct ts_finding *copy = ts_node_need(ts_arena_alloc(&n->step, sizeof(*copy)));
    *copy = *f;
    n->counters.findings++;
    ts_node_output_new(n, TS_NODE_OUT_FINDING)->finding = copy;
}

bool ts_node_findings_place(const struct ts_node *n, uint64_t number, struct ts_audit_place *out)
{
    const ts_hash *hash = ts_chain_recent(&n->chain, number);
    const ts_hash *parent = number > 0 ? ts_chain_recent(&n->chain, number - 1) : NULL;
    const ts_hash *root = ts_node_root(n, number);
    const ts_hash *parent_root = number > 0 ? ts_node_root(n, number - 1) : NULL;
    if (hash == NULL || parent == NULL || root == NULL || parent_root == NULL)
        return false;
    *out = (struct ts_audit_place){.number = number,
                                   .hash = *hash,
                                   .root = *root,
                                   .parent_hash = *parent,
                                   .parent_root = *parent_root};
    return true;
}

bool ts_node_findings_add(struct ts_node *n, const struct ts_finding *f)
{
    struct ts_audit_sink sink = {.ctx = n, .emit = tell};
    return ts_audit_add(n->audit, f, &sink);
}

bool ts_node_findings_store(struct ts_node *n, uint64_t number, const ts_hash *hash,
                            const ts_hash *id, const struct ts_record *r)
{
    struct entry e = {
        .is_evidence = true, .is_quiet = true, .number = number, .hash = *hash, .id = *id};
    struct ts_buf buf;
    ts_buf_init(&buf, 0);
    ts_record_put(&buf, r);
    if (buf.err == TS_OK)
        e.record = ts_node_hold(n, ts_buf_bytes(&buf));
    ts_buf_free(&buf);
    if (e.record.p == NULL)
        return false;
    ts_node_commit_evidence(n, &e);
    return true;
}

void ts_node_findings_keep(struct ts_node *n, const struct ts_finding *f, const struct ts_record *r)
{
    (void)ts_node_findings_store(n, f->last, &f->hash, &f->evidence,
                                 r); /* out of memory: there is only no file */
}

/* ---- batches that L1 denies -------------------------------------------------------------------
 */

/* is_told: who connects is told of the batch already. */
static void mismatch(struct ts_node *n, const struct ts_batch *b, const ts_hash *parent_root,
                     const struct l1_word *word, const ts_address *after, size_t n_after,
                     bool is_told)
{
    const struct ts_l1_block l1 = {.number = word->at.number,
                                   .hash = word->at.hash,
                                   .whitelist = word->whitelist,
                                   .n_whitelist = word->n_whitelist};
    struct ts_finding f;
    ts_audit_whitelist(n->audit, parent_root, b, &l1, after, n_after, &f);
    if (!ts_node_gossip_note_evidence(n, TS_RECORD_WHITELIST, b->header.number, &f.evidence))
        return;
    (void)ts_node_findings_add(n, &f);
    const struct ts_record r = {.kind = TS_RECORD_WHITELIST,
                                .number = b->header.number,
                                .parent_root = *parent_root,
                                .batch = b->raw,
                                .l1 = {.hash = word->at.hash,
                                       .header = word->header,
                                       .whitelist = word->whitelist,
                                       .n_whitelist = word->n_whitelist},
                                .after = (ts_address *)(uintptr_t)after,
                                .n_after = n_after};
    if (!ts_node_findings_store(n, b->header.number, &f.hash, &f.evidence, &r))
        ts_node_gossip_forget_evidence(n, TS_RECORD_WHITELIST, b->header.number, &f.evidence);
    else if (!is_told)
        ts_node_gossip_newest(n, &f.evidence); /* see there */
}

/* Whether the next batch is by an enclave of the operator. Who is listed by his own batch alone is
 * that only when L1 lists him too: anyone can seal such a batch. */
static bool is_operators(const struct ts_node *n, const struct ts_batch *b,
                         const struct l1_word *word)
{
    const struct ts_registry *r = &n->chain.registry;
    return ts_address_among(r->whitelist, r->n_whitelisted, &b->header.producer) ||
           (ts_hash_equal(&b->header.l1_hash, &word->at.hash) &&
            ts_address_among(word->whitelist, word->n_whitelist, &b->header.producer));
}

void ts_node_findings_denied(struct ts_node *n, const struct ts_batch *b,
                             const struct l1_word *word, const ts_address *after, size_t n_after)
{
    n->counters.l1_mismatches++;
    if (!is_operators(n, b, word))
        return;
    mismatch(n, b, &n->chain.head.protocol_root, word, after, n_after, false);
    ts_node_told_denied(n, &n->chain.head.protocol_root, b);
}

/* Who is whitelisted after it is not known: it was never applied. But when it reports it says so.
 */
void ts_node_findings_second(struct ts_node *n, const struct ts_batch *b,
                             const ts_hash *parent_root, const struct l1_word *word)
{
    ts_address after[TS_MAX_WHITELIST];
    size_t n_after = 0;
    bool is_block = ts_hash_equal(&b->header.l1_hash, &word->at.hash);
    bool reports = ts_audit_accounted(&b->payload, after, &n_after);
    bool is_list = reports && n_after == word->n_whitelist &&
                   memcmp(after, word->whitelist, n_after * sizeof(*after)) == 0;
    if (!is_block || (reports && !is_list))
        mismatch(n, b, parent_root, word, after, reports ? n_after : 0, true);
}

/* ---- payloads that turn out to be edited ----------------------------------------------------- */

void ts_node_findings_refused(struct ts_node *n, const struct ts_batch *b)
{
    const struct ts_head *head = &n->chain.head;
    struct ts_batch_seal seal;
    ts_hash digest;
    if (b->raw_payload.n == 0 || b->header.number != head->number + 1 ||
        !ts_hash_equal(&b->header.parent_hash, &head->hash))
        return;
    ts_header_hash(&n->start.genesis->domain, &b->header, &seal.batch_hash);
    ts_protocol_root(&head->protocol_root, b->raw_payload, &seal.protocol_root);
    ts_seal_digest(&n->start.genesis->domain, &seal, &digest);
    if (ts_verify_signer(n->start.crypto, &digest, &b->seal, &b->header.producer) == TS_OK)
        return; /* sealed as it came: whatever is wrong with it, nobody edited it */
    struct refused *r = &n->refused[n->next_refused++ % NODE_REFUSED];
    ts_node_release(n, r->payload);
    *r = (struct refused){.number = b->header.number,
                          .hash = seal.batch_hash,
                          .root = seal.protocol_root,
                          .payload = ts_node_hold(n, b->raw_payload)};
}

void ts_node_findings_payload(struct ts_node *n, const struct ts_audit_place *own,
                              const ts_hash *given, ts_bytes payload)
{
    struct ts_finding f;
    if (!ts_audit_payload(own, given, &f) || !ts_node_findings_add(n, &f) || payload.n == 0 ||
        n->n_edited == NODE_EDITED_MAX)
        return;
    n->n_edited++;
    ts_node_findings_keep(n, &f,
                          &(struct ts_record){.kind = TS_RECORD_PAYLOAD,
                                              .number = own->number,
                                              .own_hash = own->hash,
                                              .parent_root = own->parent_root,
                                              .payload = payload});
}

/* Now that the batch is known: those refused before with the same header came with another payload.
 */
static void look_at_refused(struct ts_node *n)
{
    struct ts_audit_place own;
    for (size_t i = 0; i < NODE_REFUSED; i++) {
        struct refused *r = &n->refused[i];
        if (r->number == 0 || r->number > n->chain.head.number)
            continue;
        if (r->number == n->chain.head.number && ts_hash_equal(&r->hash, &n->chain.head.hash) &&
            ts_node_findings_place(n, r->number, &own))
            ts_node_findings_payload(n, &own, &r->root, r->payload);
        ts_node_release(n, r->payload);
        *r = (struct refused){0};
    }
}

void ts_node_findings_free(struct ts_node *n)
{
    for (size_t i = 0; i < NODE_REFUSED; i++)
        ts_node_release(n, n->refused[i].payload);
}

/* ---- what is stored --------------------------------------------------------------------------
 */

static void load_conflict(struct ts_node *n, const ts_hash *id, const struct ts_record *r)
{
    const struct ts_audit_place own = {.number = r->number,
                                       .hash = r->own_hash,
                                       .root = r->own_root,
                                       .parent_root = r->parent_root};
    struct ts_batch b;
    struct ts_finding f;
    if (ts_batch_decode(r->batch, n->start.genesis->params.max_batch_bytes, &n->decode, &b) !=
            TS_OK ||
        !ts_node_gossip_note_evidence(n, r->kind, r->number, id))
        return; /* out of memory, or a damaged store, which the batches will tell */
    ts_node_gossip_newest(n, id);
    ts_audit_conflict_known(n->audit, &own, &b, &f);
    (void)ts_audit_add(n->audit, &f, NULL);
}

static void load_mismatch(struct ts_node *n, const ts_hash *id, const struct ts_record *r)
{
    struct ts_l1_block l1 = r->l1;
    struct ts_batch b;
    struct ts_finding f;
    if (ts_batch_decode(r->batch, n->start.genesis->params.max_batch_bytes, &n->decode, &b) !=
            TS_OK ||
        !ts_node_gossip_note_evidence(n, r->kind, r->number, id))
        return;
    l1.number = b.header.l1_number;
    ts_node_gossip_newest(n, id);
    ts_audit_whitelist(n->audit, &r->parent_root, &b, &l1, r->after, r->n_after, &f);
    (void)ts_audit_add(n->audit, &f, NULL);
    ts_node_told_denied(n, &r->parent_root, &b);
}

static void load_payload(struct ts_node *n, const struct ts_record *r)
{
    const struct ts_audit_place own = {.number = r->number, .hash = r->own_hash};
    struct ts_finding f;
    ts_hash given;
    ts_protocol_root(&r->parent_root, r->payload, &given);
    if (!ts_audit_payload(&own, &given, &f))
        return;
    n->n_edited++;
    (void)ts_audit_add(n->audit, &f, NULL);
}

void ts_node_findings_load(struct ts_node *n, const ts_hash *id, const struct ts_record *r)
{
    switch (r->kind) {
    case TS_RECORD_CONFLICT:
        load_conflict(n, id, r);
        break;
    case TS_RECORD_WHITELIST:
        load_mismatch(n, id, r);
        break;
    case TS_RECORD_PAYLOAD:
        load_payload(n, r);
        break;
    case TS_RECORD_GRANT:
        ts_node_grants_load(n, id, r);
        break;
    case TS_RECORD_ROLLUP: /* its finding is made of the rollup's own record */
        break;
    }
}

void ts_node_findings_batch(struct ts_node *n, const struct ts_batch *b, bool quiet)
{
    struct ts_audit_sink sink = {.ctx = n, .emit = tell};
    ts_audit_batch(n->audit, &n->chain, b, quiet ? NULL : &sink);
    if (ts_timeline_head(n->timeline) + 1 == b->header.number)
        TS_CHECK(ts_timeline_batch(n->timeline, b, &n->chain.head.hash) == TS_OK); /* memory */
    if (!quiet)
        look_at_refused(n);
}
