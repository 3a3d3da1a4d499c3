/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: fed with every batch of the chain as it is applied, and with evidence beside it. */
#include <string.h>

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

void ts_node_findings_add(struct ts_node *n, const struct ts_finding *f)
{
    struct ts_audit_sink sink = {.ctx = n, .emit = tell};
    (void)ts_audit_add(n->audit, f, &sink);
}

void ts_node_findings_load(struct ts_node *n, const struct ts_audit_place *own, ts_bytes raw)
{
    struct ts_batch b;
    struct ts_finding f;
    ts_arena_reset(&n->decode);
    if (ts_batch_decode(raw, n->start.genesis->params.max_batch_bytes, &n->decode, &b) != TS_OK)
        return; /* out of memory, or a damaged store, which the batches will tell */
    ts_audit_conflict_known(n->audit, own, &b, &f);
    (void)ts_audit_add(n->audit, &f, NULL);
}

/* ---- batches that L1 denies -------------------------------------------------------------------
 */

static void put_list(struct ts_buf *b, const ts_address *list, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n; i++)
        ts_put_address(b, &list[i]);
    ts_put_list_end(b, mark);
}

static size_t read_list(struct ts_reader *r, ts_address list[TS_MAX_WHITELIST])
{
    size_t n = 0;
    ts_read_list(r);
    for (; ts_read_more(r); n++) {
        if (n == TS_MAX_WHITELIST) {
            ts_reader_fail(r, TS_E_LIMIT);
            return 0;
        }
        ts_read_address(r, &list[n]);
    }
    ts_read_list_end(r);
    return n;
}

/* What is stored: RLP [version, number, protocol root before it, the batch, hash and header of the
 * L1 block, whitelist after that, whitelist after the batch]. */
static ts_bytes mismatch_record(struct ts_node *n, const struct ts_batch *b,
                                const struct l1_word *word, const ts_address *after, size_t n_after)
{
    struct ts_buf buf;
    ts_bytes record = {0};
    ts_buf_init(&buf, 0);
    size_t list = ts_put_list(&buf);
    ts_put_u64(&buf, NODE_EVIDENCE_L1);
    ts_put_u64(&buf, b->header.number);
    ts_put_hash(&buf, &n->chain.head.protocol_root);
    ts_put_raw(&buf, b->raw);
    ts_put_hash(&buf, &word->at.hash);
    ts_put_bytes(&buf, word->header);
    put_list(&buf, word->whitelist, word->n_whitelist);
    put_list(&buf, after, n_after);
    ts_put_list_end(&buf, list);
    if (buf.err == TS_OK)
        record = ts_node_hold(n, ts_buf_bytes(&buf));
    ts_buf_free(&buf);
    return record;
}

void ts_node_findings_mismatch(struct ts_node *n, const struct source *s, const struct ts_batch *b,
                               const struct l1_word *word, const ts_address *after, size_t n_after)
{
    const struct ts_l1_block l1 = {.number = word->at.number,
                                   .hash = word->at.hash,
                                   .whitelist = word->whitelist,
                                   .n_whitelist = word->n_whitelist};
    struct ts_finding f;
    n->counters.l1_mismatches++;
    ts_audit_whitelist(n->audit, &n->chain.head.protocol_root, b, &l1, after, n_after, &f);
    if (!ts_node_gossip_note_evidence(n, b->header.number, &f.evidence))
        return;
    ts_node_findings_add(n, &f);
    struct entry e = {.is_evidence = true,
                      .is_quiet = true,
                      .number = b->header.number,
                      .hash = f.hash,
                      .id = f.evidence,
                      .source = *s,
                      .record = mismatch_record(n, b, word, after, n_after)};
    if (e.record.p != NULL)
        ts_node_commit_evidence(n, &e);
    else
        ts_map_remove(&n->evidence, &f.evidence); /* the next who brings it */
}

void ts_node_findings_load_mismatch(struct ts_node *n, struct ts_reader *r, const ts_hash *id)
{
    ts_address theirs[TS_MAX_WHITELIST], after[TS_MAX_WHITELIST];
    struct ts_l1_block l1 = {.whitelist = theirs};
    struct ts_finding f;
    struct ts_batch b;
    ts_hash root;
    uint64_t number = ts_read_u64(r);
    ts_read_hash(r, &root);
    ts_bytes raw = ts_read_raw(r);
    ts_read_hash(r, &l1.hash);
    (void)ts_read_bytes(r, TS_MAX_L1_HEADER);
    l1.n_whitelist = read_list(r, theirs);
    size_t n_after = read_list(r, after);
    ts_read_list_end(r);
    ts_arena_reset(&n->decode);
    if (ts_reader_done(r) != TS_OK ||
        ts_batch_decode(raw, n->start.genesis->params.max_batch_bytes, &n->decode, &b) != TS_OK ||
        !ts_node_gossip_note_evidence(n, number, id))
        return;
    l1.number = b.header.l1_number;
    ts_audit_whitelist(n->audit, &root, &b, &l1, after, n_after, &f);
    (void)ts_audit_add(n->audit, &f, NULL);
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
    n->refused[n->next_refused++ % NODE_REFUSED] = (struct refused){
        .number = b->header.number, .hash = seal.batch_hash, .root = seal.protocol_root};
}

/* Now that the batch is known: those refused before with the same header came with another payload.
 */
static void look_at_refused(struct ts_node *n)
{
    struct ts_audit_place own;
    struct ts_finding f;
    for (size_t i = 0; i < NODE_REFUSED; i++) {
        struct refused *r = &n->refused[i];
        if (r->number == 0 || r->number > n->chain.head.number)
            continue;
        if (r->number == n->chain.head.number && ts_hash_equal(&r->hash, &n->chain.head.hash) &&
            ts_node_findings_place(n, r->number, &own) && ts_audit_payload(&own, &r->root, &f))
            ts_node_findings_add(n, &f);
        *r = (struct refused){0};
    }
}

void ts_node_findings_batch(struct ts_node *n, const struct ts_batch *b, bool quiet)
{
    struct ts_audit_sink sink = {.ctx = n, .emit = tell};
    ts_audit_batch(n->audit, &n->chain, b, quiet ? NULL : &sink);
    if (!quiet)
        look_at_refused(n);
}
