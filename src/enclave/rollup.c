/* SPDX-License-Identifier: Apache-2.0 */
/* ROLLUP: headers and transactions of a range, as the host gives them, become data and are signed.
 * What makes them this enclave's own line is that header after header leads to a batch it has
 * accepted; then their producers were whitelisted and their transactions were executed.
 * Source: docs/protocol.md, section 6. */
#include "chain/rollup.h"
#include "base/check.h"
#include "chain/lists.h"
#include "codec/schema.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "enclave/state.h"

struct rolling {
    const struct ts_msg_rollup *req;
    struct ts_rollup_batch *batches;
    struct ts_batch_header first;
    struct ts_batch_header last; /* of the range; so too its hash */
    ts_hash last_hash;
    struct ts_batch_header newest; /* of all headers read so far; so too its hash */
    ts_hash newest_hash;
};

/* The header that comes next; it must be the child of the newest. */
static ts_err follow(struct ts_enclave *e, struct rolling *r, ts_bytes raw, bool is_first)
{
    struct ts_batch_header h;
    struct ts_reader reader = ts_reader_of(raw);
    ts_schema_read(&reader, &ts_batch_header_type, &h);
    ts_err err = ts_reader_done(&reader);
    if (err != TS_OK)
        return ts_enclave_refuse(e, err, "the header after batch %llu does not decode: %s",
                                 (unsigned long long)r->newest.number, ts_err_text(err));
    if (!is_first &&
        (h.number != r->newest.number + 1 || !ts_hash_equal(&h.parent_hash, &r->newest_hash)))
        return ts_enclave_refuse(e, TS_E_V1_LINKS,
                                 "the header after batch %llu is not that of its child",
                                 (unsigned long long)r->newest.number);
    r->newest = h;
    ts_header_hash(&e->line->genesis.domain, &h, &r->newest_hash);
    return TS_OK;
}

/* The transactions of the batch whose header is the newest. */
static ts_err take_transactions(struct ts_enclave *e, struct rolling *r, ts_bytes raw,
                                struct ts_rollup_batch *out)
{
    const struct ts_batch_header *h = &r->newest;
    struct ts_reader reader = ts_reader_of(raw);
    ts_hash root;
    ts_keccak256(raw, &root);
    if (!ts_hash_equal(&root, &h->tx_root))
        return ts_enclave_refuse(e, TS_E_V3_FORM,
                                 "the transactions of batch %llu are not those of its header",
                                 (unsigned long long)h->number);
    *out = (struct ts_rollup_batch){
        .time = h->time, .term = h->term, .producer = h->producer, .l1_number = h->l1_number};
    ts_bytes *txs =
        ts_list_open(&reader, &e->batch_arena, TS_ROLLUP_MAX_TXS, sizeof(*txs), &out->n_txs);
    for (size_t i = 0; i < out->n_txs; i++)
        txs[i] = ts_read_bytes(&reader, TS_MAX_BATCH_BYTES);
    ts_read_list_end(&reader);
    out->txs = txs;
    return ts_reader_done(&reader);
}

static ts_err take_range(struct ts_enclave *e, struct rolling *r)
{
    const struct ts_msg_rollup *req = r->req;
    ts_arena_reset(&e->batch_arena);
    r->batches = ts_arena_array(&e->batch_arena, req->n_range, sizeof(*r->batches));
    if (r->batches == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < req->n_range; i++) {
        ts_err err = follow(e, r, req->range[i].header, i == 0);
        if (err == TS_OK)
            err = take_transactions(e, r, req->range[i].transactions, &r->batches[i]);
        if (err != TS_OK)
            return err;
        if (i == 0)
            r->first = r->newest;
    }
    r->last = r->newest;
    r->last_hash = r->newest_hash;
    return TS_OK;
}

/* Whether header after header leads to a batch that is on this enclave's line. */
static ts_err check_line(struct ts_enclave *e, struct rolling *r)
{
    uint64_t head = e->line->chain.head.number;
    for (size_t i = 0; i < r->req->n_above; i++) {
        ts_err err = follow(e, r, r->req->above[i], false);
        if (err != TS_OK)
            return err;
    }
    unsigned long long number = r->newest.number;
    const ts_hash *own = ts_line_hash(e->line, r->newest.number);
    if (r->newest.number > head)
        return ts_enclave_refuse(e, TS_E_OUT_OF_ORDER,
                                 "batch %llu is above the head, which is batch %llu", number,
                                 (unsigned long long)head);
    if (own == NULL)
        return ts_enclave_refuse(e, TS_E_NOT_FOUND,
                                 "batch %llu is neither among the newest %u nor a multiple of %u, "
                                 "and no headers up to such a one are given",
                                 number, TS_RECENT, TS_MILESTONE);
    if (!ts_hash_equal(own, &r->newest_hash))
        return ts_enclave_refuse(e, TS_E_CONFLICT, "batch %llu is not the one on this line",
                                 number);
    return TS_OK;
}

/* The protocol root is in no header: the seal of the range's newest batch says it. */
static ts_err check_seal(struct ts_enclave *e, const struct rolling *r)
{
    struct ts_batch_seal s = {.batch_hash = r->last_hash, .protocol_root = r->req->protocol_root};
    const ts_hash *own = ts_line_root(e->line, r->last.number);
    ts_hash digest;
    if (own != NULL && !ts_hash_equal(own, &s.protocol_root))
        return ts_enclave_refuse(e, TS_E_CONFLICT,
                                 "the protocol root of batch %llu is not the one on this line",
                                 (unsigned long long)r->last.number);
    ts_seal_digest(&e->line->genesis.domain, &s, &digest);
    ts_err err = ts_verify_signer(e->crypto, &digest, &r->req->seal, &r->last.producer);
    if (err != TS_OK)
        return ts_enclave_refuse(e, err, "the seal of batch %llu and this protocol root: %s",
                                 (unsigned long long)r->last.number, ts_err_text(err));
    return TS_OK;
}

/* Not older than the block that the head names: there this enclave is on the whitelist. */
static ts_err check_l1(struct ts_enclave *e, const struct rolling *r)
{
    const struct ts_msg_rollup *req = r->req;
    const struct ts_head *head = &e->line->chain.head;
    struct ts_l1_evidence l1;
    bool has;
    ts_err err = ts_enclave_l1(e, req->l1_header, req->l1_number, &req->l1_hash, &l1, &has);
    if (err != TS_OK)
        return err;
    bool same = req->l1_number == head->l1_number && ts_hash_equal(&req->l1_hash, &head->l1_hash);
    if (same || (has && req->l1_number > head->l1_number))
        return TS_OK;
    return ts_enclave_refuse(
        e, TS_E_L1,
        "the rollup's L1 block %llu is neither the one of the head, %llu, nor a later one",
        (unsigned long long)req->l1_number, (unsigned long long)head->l1_number);
}

/* Into scratch, where it stays until the answer is written. */
static ts_err make_data(struct ts_enclave *e, const struct rolling *r)
{
    size_t n = r->req->n_range;
    size_t max = ts_rollup_data_max(n);
    struct ts_rollup_sizes sizes;
    ts_err err = ts_rollup_encode(r->batches, n, max, &e->scratch, &sizes);
    size_t bytes = 0;
    for (size_t i = 0; i < TS_ROLLUP_COLUMNS; i++)
        bytes += sizes.stored[i];
    if (err != TS_E_LIMIT)
        return err;
    if (bytes <= max)
        return ts_enclave_refuse(e, err, "the range holds more transactions than one rollup may");
    return ts_enclave_refuse(e, err,
                             "the data of %zu batches take %zu bytes, at most %zu are "
                             "allowed: ask for fewer batches",
                             n, bytes, max);
}

static ts_err sign(struct ts_enclave *e, const struct rolling *r, struct ts_msg_rolled *out)
{
    ts_hash digest;
    out->data = ts_buf_bytes(&e->scratch);
    out->rollup = (struct ts_rollup){.first_number = r->first.number,
                                     .last_number = r->last.number,
                                     .first_parent_hash = r->first.parent_hash,
                                     .last_hash = r->last_hash,
                                     .protocol_root = r->req->protocol_root,
                                     .l1_number = r->req->l1_number,
                                     .l1_hash = r->req->l1_hash};
    ts_keccak256(out->data, &out->rollup.data_hash);
    ts_rollup_hash(&e->line->genesis.domain, &out->rollup, &digest);
    return ts_sign(e->crypto, &e->own.key, &digest, &out->rollup.sig);
}

ts_err ts_enclave_rollup(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    struct rolling r = {.req = &req->u.rollup};
    if (!ts_enclave_is_whitelisted(e))
        return ts_enclave_refuse(e, TS_E_NOT_WHITELISTED, "this enclave is not on the whitelist");
    if (r.req->n_range == 0)
        return ts_enclave_refuse(e, TS_E_RANGE, "a rollup of no batch was asked for");
    ts_err err = take_range(e, &r);
    if (err == TS_OK)
        err = check_line(e, &r);
    if (err == TS_OK)
        err = check_seal(e, &r);
    if (err == TS_OK)
        err = check_l1(e, &r);
    if (err == TS_OK)
        err = make_data(e, &r);
    return err == TS_OK ? sign(e, &r, &ans->u.rolled) : err;
}
