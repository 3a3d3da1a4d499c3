/* SPDX-License-Identifier: Apache-2.0 */
/* One table per type describes its fields once; RLP, EIP-712 hashing, JSON and the fuzzers read it.
 */
#ifndef TS_CODEC_SCHEMA_H
#define TS_CODEC_SCHEMA_H

#include "codec/rlp.h"

enum ts_kind {
    TS_UINT8,
    TS_UINT64,
    TS_ADDRESS,
    TS_BYTES32
}; /* member types: uint8_t, uint64_t, ts_address, ts_hash */

struct ts_field {
    const char *name; /* as in the EIP-712 type string and in JSON */
    enum ts_kind kind;
    size_t offset;
};

struct ts_type {
    const char *name;
    const struct ts_field *fields;
    size_t n_fields;
    size_t size;    /* of the C struct */
    bool is_signed; /* the struct holds a ts_sig at sig_offset; its RLP ends with it */
    size_t sig_offset;
    const ts_hash *type_hash; /* keccak256 of the type string; NULL: computed at each use */
};

/* The name of a member type in EIP-712, such as "uint64". */
const char *ts_kind_name(enum ts_kind kind);

/* The values only, without list header and signature. */
void ts_schema_put_fields(struct ts_buf *b, const struct ts_type *type, const void *value);
void ts_schema_read_fields(struct ts_reader *r, const struct ts_type *type, void *value);

/* [fields…] or, when the type is signed, [fields…, signature]. */
void ts_schema_put(struct ts_buf *b, const struct ts_type *type, const void *value);
/* Reads the same. On failure *value is unspecified and the reader has failed. */
void ts_schema_read(struct ts_reader *r, const struct ts_type *type, void *value);

/* "Name(type a,type b)" of EIP-712. */
void ts_schema_type_string(struct ts_buf *b, const struct ts_type *type);

/* The types of protocol section 1. */
extern const struct ts_type ts_batch_header_type;
extern const struct ts_type ts_batch_seal_type;
extern const struct ts_type ts_lifecycle_event_type;
extern const struct ts_type ts_restart_event_type;
extern const struct ts_type ts_rollup_type;
extern const struct ts_type ts_enclave_registration_type;

#endif
