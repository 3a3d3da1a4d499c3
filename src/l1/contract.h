/* SPDX-License-Identifier: Apache-2.0 */
/* The management contract: its calls, results, events and the reasons it gives. Of TEN's own
 * registry only isSequencer, isAttested, grantSequencerEnclave, revokeSequencerEnclave and the two
 * whitelist events are there. Source: contracts/; docs/protocol.md, sections 2, 6, 7. */
#ifndef TS_L1_CONTRACT_H
#define TS_L1_CONTRACT_H

#include "l1/abi.h"
#include "l1/call.h"
#include "tenseq/types.h"

#define TS_L1_MAX_REASON       256 /* bytes of a reason that a person wrote: the contract's bound */
#define TS_L1_MAX_REPLACEMENTS 16  /* requests that are open at a time: likewise */

/* ---- calls: each appends the calldata ---- */

void ts_l1_put_set_genesis(struct ts_buf *b, const ts_hash *genesis);
void ts_l1_put_genesis_hash(struct ts_buf *b);
void ts_l1_put_is_sequencer(struct ts_buf *b, const ts_address *enclave);
void ts_l1_put_is_attested(struct ts_buf *b, const ts_address *enclave);
void ts_l1_put_grant(struct ts_buf *b, const ts_address *enclave);
void ts_l1_put_revoke(struct ts_buf *b, const ts_address *enclave);
void ts_l1_put_sequencers(struct ts_buf *b);
/* measurement: what the enclave says it runs; sig: by its identity key, over EnclaveRegistration.
 */
void ts_l1_put_register(struct ts_buf *b, const ts_address *enclave, const ts_hash *measurement,
                        const ts_sig *sig);
void ts_l1_put_request_replacement(struct ts_buf *b, const ts_address *faulty,
                                   const ts_address *replacement, const char *reason);
void ts_l1_put_approve_replacement(struct ts_buf *b, uint64_t id);
void ts_l1_put_reject_replacement(struct ts_buf *b, uint64_t id, const char *why);
void ts_l1_put_cancel_replacement(struct ts_buf *b, uint64_t id);
void ts_l1_put_open_replacements(struct ts_buf *b);
void ts_l1_put_post_bond(struct ts_buf *b);
void ts_l1_put_last_number(struct ts_buf *b);
/* → the digest of the rollup that begins there; zero: none does */
void ts_l1_put_rollup_hash(struct ts_buf *b, uint64_t first_number);
void ts_l1_put_last_hash(struct ts_buf *b);

/* The terms of the bond, fixed at deployment (contracts/src/Types.sol). */
struct ts_l1_bond_params {
    ts_u256 minimum; /* wei; fits 128 bits */
    ts_u256 slash;   /* wei; at most minimum */
    uint64_t reporter_share_bps;
    uint64_t withdrawal_delay; /* seconds */
    ts_address treasury;
};
/* The data of the transaction that creates the contract: its code, then its constructor's values.
 */
void ts_l1_put_deployment(struct ts_buf *b, ts_bytes code, const ts_address *governance,
                          const ts_address *operator, const struct ts_l1_bond_params * bond);

/* A header with the running protocol root and the seal over both. */
struct ts_l1_sealed {
    struct ts_batch_header header;
    ts_hash protocol_root;
    ts_sig seal;
};
void ts_l1_put_report_equivocation(struct ts_buf *b, const struct ts_l1_sealed *one,
                                   const struct ts_l1_sealed *other);

/* rollup->sig is the signature that the contract checks. */
void ts_l1_put_publish(struct ts_buf *b, const struct ts_rollup *rollup, ts_bytes data);
/* Reads calldata of publishRollup. data is borrowed from input; its hash is not compared.
 * TS_E_UNKNOWN_MESSAGE: another function's; else a decoding error. Outputs are then unchanged. */
ts_err ts_l1_read_publish(ts_bytes input, struct ts_rollup *rollup, ts_bytes *data);

/* ---- results of the calls ---- */

/* A decoding error when it is none; *out is then unchanged. An account without code answers every
 * call with nothing: TS_E_TRUNCATED. */
ts_err ts_l1_read_bool(ts_bytes result, bool *out);
ts_err ts_l1_read_hash(ts_bytes result, ts_hash *out);
ts_err ts_l1_read_u64(ts_bytes result, uint64_t *out);
/* sequencers(): at most max (TS_E_LIMIT), in the contract's order. */
ts_err ts_l1_read_addresses(ts_bytes result, ts_address *out, size_t max, size_t *n);

/* ---- events ---- */

enum ts_l1_event_kind {
    TS_L1_GRANTED,
    TS_L1_REVOKED,
    TS_L1_PUBLISHED,
    TS_L1_ROLLED_BACK,
    TS_L1_REQUESTED,
    TS_L1_APPROVED,
    TS_L1_REJECTED,
    TS_L1_CANCELLED
};
#define TS_L1_EVENT_KINDS 8

/* The first topic of its logs. */
void ts_l1_event_topic(enum ts_l1_event_kind kind, ts_hash *out);

struct ts_l1_published {
    uint64_t first_number;
    uint64_t last_number;
    ts_hash last_hash;
    ts_hash protocol_root;
    ts_hash data_hash;
    uint64_t l1_number;
    ts_address signer;
    ts_sig sig;
};

struct ts_l1_replacement {
    uint64_t id;
    ts_address faulty;
    ts_address replacement;
    ts_bytes reason; /* UTF-8 as its writer claims: not checked */
};

struct ts_l1_event {
    enum ts_l1_event_kind kind;
    ts_address enclave;               /* GRANTED, REVOKED */
    struct ts_l1_published published; /* ROLLED_BACK: only first_number, last_number, last_hash and
                                         protocol_root, as in struct ts_l1_rollback */
    struct ts_l1_replacement replacement; /* REQUESTED; REJECTED has id and reason, APPROVED
 and CANCELLED only id */
};

/* Bytes in *out are borrowed from the log. TS_E_UNKNOWN_MESSAGE: an event that is none of these;
 * else a decoding error. *out is then unspecified. */
ts_err ts_l1_read_event(const struct ts_l1_log *log, struct ts_l1_event *out);

/* openReplacements(): at most max (TS_E_LIMIT). Reasons are borrowed from result. */
ts_err ts_l1_read_replacements(ts_bytes result, struct ts_l1_replacement *out, size_t max,
                               size_t *n);

/* ---- reasons ---- */

/* What a revert says, as one printable clause: the text of Error(string), one of the contract's
 * errors with its values, such as "NotNext(5, 3)", or "custom error 0x…". Returns out; "" when data
 * says nothing. */
char *ts_l1_revert_text(ts_bytes data, char *out, size_t size);

#endif
