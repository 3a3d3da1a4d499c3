/* SPDX-License-Identifier: Apache-2.0 */
/* What a node stores as evidence, under TS_OP_PUT_EVIDENCE: what it cannot read elsewhere again.
 * The chain's own batch stands in the store beside it. RLP lists; the first item says which. */
#ifndef TS_AUDIT_RECORD_H
#define TS_AUDIT_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "chain/l1.h"
#include "tenseq/evidence.h"

enum ts_record_kind {
    TS_RECORD_CONFLICT = 1,  /* equivocation: [1, number, own hash, own root, root before both, the
                                other batch] */
    TS_RECORD_WHITELIST = 2, /* whitelist-mismatch: [2, number, root before the batch, the batch,
                                L1's hash, header and list, the whitelist after the batch] */
    TS_RECORD_PAYLOAD = 3,   /* payload-edited: [3, number, own hash, root before it, payload] */
    TS_RECORD_ROLLUP = 4,    /* rollup-mismatch: [4, number (0: no batch), own hash, root before it,
                                rollup, data] */
    TS_RECORD_GRANT = 5      /* who was listed by a batch: [5, number, root before it, header,
                                payload, seal]; its id is ts_record_grant_id */
};

/* Bytes are borrowed from what was read, lists from the arena. */
struct ts_record {
    enum ts_record_kind kind;
    uint64_t number;
    ts_hash own_hash, own_root;
    ts_hash parent_root;
    ts_bytes batch;        /* CONFLICT, WHITELIST: raw */
    struct ts_l1_block l1; /* WHITELIST: number is not filled in */
    ts_address *after;     /* WHITELIST */
    size_t n_after;
    ts_bytes payload;      /* PAYLOAD, GRANT */
    ts_bytes rollup, data; /* ROLLUP: the rollup as RLP */
    ts_bytes header;       /* GRANT: RLP */
    ts_sig seal;           /* GRANT */
};

/* Appends one record: of its kind the members above. */
void ts_record_put(struct ts_buf *b, const struct ts_record *r);
/* TS_OK, TS_E_VERSION for a kind of a later version, or a decoding error: *out is then unspecified.
 */
ts_err ts_record_read(ts_bytes raw, struct ts_arena *arena, struct ts_record *out);
/* Under which id the nth grant of an enclave is stored, from 1: who was removed may be listed
 * again. */
void ts_record_grant_id(const ts_address *enclave, uint32_t nth, ts_hash *out);

/* The sealed part of a raw batch. raw is borrowed; the arena need not stay. */
ts_err ts_sealed_of(ts_bytes raw, size_t max, struct ts_arena *arena, const ts_hash *parent_root,
                    struct ts_sealed *out);
/* A stored grant. TS_OK or a decoding error. */
ts_err ts_sealed_of_grant(const struct ts_record *r, struct ts_sealed *out);

/* The evidence of a record, without grants. own: the chain's batch with its own_hash, raw; empty
 * for WHITELIST, and for a ROLLUP whose number is 0. Everything is borrowed from r, own and
 * genesis. TS_E_UNSUPPORTED: a GRANT is none; else a decoding error. */
ts_err ts_record_evidence(const struct ts_record *r, ts_bytes own, const struct ts_genesis *genesis,
                          struct ts_arena *arena, struct ts_evidence *out);

#endif
