/* SPDX-License-Identifier: Apache-2.0 */
/* The field tables of the types in docs/protocol.md, section 1. The type hashes are keccak256 of
 * the type strings, worked out once; a unit test works them out again. */
#include <stddef.h>

#include "base/check.h"
#include "codec/schema.h"
#include "tenseq/types.h"

static const struct ts_field batch_header_fields[] = {
    {"parentHash", TS_BYTES32, offsetof(struct ts_batch_header, parent_hash)},
    {"number", TS_UINT64, offsetof(struct ts_batch_header, number)},
    {"time", TS_UINT64, offsetof(struct ts_batch_header, time)},
    {"term", TS_UINT64, offsetof(struct ts_batch_header, term)},
    {"producer", TS_ADDRESS, offsetof(struct ts_batch_header, producer)},
    {"l1Number", TS_UINT64, offsetof(struct ts_batch_header, l1_number)},
    {"l1Hash", TS_BYTES32, offsetof(struct ts_batch_header, l1_hash)},
    {"txRoot", TS_BYTES32, offsetof(struct ts_batch_header, tx_root)},
    {"stateRoot", TS_BYTES32, offsetof(struct ts_batch_header, state_root)},
};

static const struct ts_field batch_seal_fields[] = {
    {"batchHash", TS_BYTES32, offsetof(struct ts_batch_seal, batch_hash)},
    {"protocolRoot", TS_BYTES32, offsetof(struct ts_batch_seal, protocol_root)},
};

static const struct ts_field lifecycle_event_fields[] = {
    {"kind", TS_UINT8, offsetof(struct ts_lifecycle_event, kind)},
    {"enclaveId", TS_ADDRESS, offsetof(struct ts_lifecycle_event, enclave_id)},
    {"bootId", TS_BYTES32, offsetof(struct ts_lifecycle_event, boot_id)},
    {"bootKey", TS_BYTES32, offsetof(struct ts_lifecycle_event, boot_key)},
    {"seq", TS_UINT64, offsetof(struct ts_lifecycle_event, seq)},
    {"prev", TS_BYTES32, offsetof(struct ts_lifecycle_event, prev)},
    {"term", TS_UINT64, offsetof(struct ts_lifecycle_event, term)},
    {"time", TS_UINT64, offsetof(struct ts_lifecycle_event, time)},
    {"batchHead", TS_BYTES32, offsetof(struct ts_lifecycle_event, batch_head)},
    {"batchNumber", TS_UINT64, offsetof(struct ts_lifecycle_event, batch_number)},
};

static const struct ts_field restart_event_fields[] = {
    {"enclaveId", TS_ADDRESS, offsetof(struct ts_restart_event, enclave_id)},
    {"bootId", TS_BYTES32, offsetof(struct ts_restart_event, boot_id)},
    {"seq", TS_UINT64, offsetof(struct ts_restart_event, seq)},
    {"lastEvent", TS_BYTES32, offsetof(struct ts_restart_event, last_event)},
    {"lastRestartTime", TS_UINT64, offsetof(struct ts_restart_event, last_restart_time)},
    {"batchHeadAtRestart", TS_BYTES32, offsetof(struct ts_restart_event, batch_head_at_restart)},
    {"currentBatchHead", TS_BYTES32, offsetof(struct ts_restart_event, current_batch_head)},
    {"currentBatchNumber", TS_UINT64, offsetof(struct ts_restart_event, current_batch_number)},
};

static const struct ts_field rollup_fields[] = {
    {"firstNumber", TS_UINT64, offsetof(struct ts_rollup, first_number)},
    {"lastNumber", TS_UINT64, offsetof(struct ts_rollup, last_number)},
    {"firstParentHash", TS_BYTES32, offsetof(struct ts_rollup, first_parent_hash)},
    {"lastHash", TS_BYTES32, offsetof(struct ts_rollup, last_hash)},
    {"protocolRoot", TS_BYTES32, offsetof(struct ts_rollup, protocol_root)},
    {"l1Number", TS_UINT64, offsetof(struct ts_rollup, l1_number)},
    {"l1Hash", TS_BYTES32, offsetof(struct ts_rollup, l1_hash)},
    {"dataHash", TS_BYTES32, offsetof(struct ts_rollup, data_hash)},
};

static const struct ts_field enclave_registration_fields[] = {
    {"enclaveId", TS_ADDRESS, offsetof(struct ts_enclave_registration, enclave_id)},
    {"measurement", TS_BYTES32, offsetof(struct ts_enclave_registration, measurement)},
};

static const ts_hash batch_header_type_hash = {{0x01, 0xba, 0xc6, 0x5a, 0x09, 0x92, 0x11, 0x01,
                                                0xfa, 0x16, 0xcc, 0x37, 0x5a, 0x9d, 0xf9, 0x4c,
                                                0xab, 0xdf, 0xc5, 0x67, 0x8d, 0x26, 0xb5, 0x37,
                                                0xcd, 0xbf, 0x60, 0x5a, 0xa6, 0x49, 0x40, 0x74}};

const struct ts_type ts_batch_header_type = {
    .name = "BatchHeader",
    .fields = batch_header_fields,
    .n_fields = TS_COUNT(batch_header_fields),
    .size = sizeof(struct ts_batch_header),
    .type_hash = &batch_header_type_hash,
};

static const ts_hash batch_seal_type_hash = {{0x6c, 0x36, 0xbf, 0xaf, 0x94, 0x6b, 0xf2, 0xed,
                                              0x58, 0x20, 0x57, 0xc3, 0xf0, 0x5f, 0x67, 0x33,
                                              0x5d, 0xd5, 0x5b, 0x7f, 0x52, 0x3b, 0x1c, 0x36,
                                              0x88, 0xd8, 0xca, 0xe4, 0xdf, 0xa7, 0x15, 0x28}};

const struct ts_type ts_batch_seal_type = {
    .name = "BatchSeal",
    .fields = batch_seal_fields,
    .n_fields = TS_COUNT(batch_seal_fields),
    .size = sizeof(struct ts_batch_seal),
    .type_hash = &batch_seal_type_hash,
};

static const ts_hash lifecycle_event_type_hash = {{0x1c, 0x47, 0x96, 0x35, 0x78, 0x78, 0xc7, 0xf6,
                                                   0x2b, 0x1e, 0x79, 0x69, 0x26, 0x93, 0x3d, 0x29,
                                                   0x2c, 0x2b, 0x99, 0x52, 0xb7, 0xe2, 0x20, 0xa0,
                                                   0x17, 0xbb, 0x03, 0xc8, 0x42, 0xef, 0x39, 0x73}};

const struct ts_type ts_lifecycle_event_type = {
    .name = "LifecycleEvent",
    .fields = lifecycle_event_fields,
    .n_fields = TS_COUNT(lifecycle_event_fields),
    .size = sizeof(struct ts_lifecycle_event),
    .type_hash = &lifecycle_event_type_hash,
    .is_signed = true,
    .sig_offset = offsetof(struct ts_lifecycle_event, sig),
};

static const ts_hash restart_event_type_hash = {{0x99, 0xf3, 0x06, 0x37, 0x0b, 0x27, 0x62, 0xdc,
                                                 0x1a, 0x4a, 0x3d, 0x80, 0xfb, 0x38, 0xd6, 0x62,
                                                 0xf8, 0x1b, 0x20, 0xd9, 0xac, 0xa6, 0xd4, 0x2a,
                                                 0x60, 0x6b, 0x6b, 0x00, 0xd9, 0x36, 0x1a, 0x09}};

const struct ts_type ts_restart_event_type = {
    .name = "RestartEvent",
    .fields = restart_event_fields,
    .n_fields = TS_COUNT(restart_event_fields),
    .size = sizeof(struct ts_restart_event),
    .type_hash = &restart_event_type_hash,
    .is_signed = true,
    .sig_offset = offsetof(struct ts_restart_event, sig),
};

static const ts_hash rollup_type_hash = {{0x6e, 0x7b, 0xd6, 0x8a, 0xf5, 0x8f, 0xc7, 0x17,
                                          0x3a, 0xcf, 0x95, 0xa8, 0xd2, 0xe7, 0x02, 0x71,
                                          0x4c, 0xb8, 0x19, 0x60, 0x29, 0x9a, 0x95, 0xc4,
                                          0x8e, 0x01, 0xed, 0x65, 0x86, 0xd7, 0x0f, 0x7a}};

const struct ts_type ts_rollup_type = {
    .name = "Rollup",
    .fields = rollup_fields,
    .n_fields = TS_COUNT(rollup_fields),
    .size = sizeof(struct ts_rollup),
    .type_hash = &rollup_type_hash,
    .is_signed = true,
    .sig_offset = offsetof(struct ts_rollup, sig),
};

static const ts_hash enclave_registration_type_hash = {
    {0xa3, 0xf1, 0x3c, 0x60, 0x5e, 0xb1, 0x74, 0xd7, 0x96, 0xe8, 0x83,
     0x81, 0x08, 0xb9, 0x9e, 0x3b, 0xce, 0x61, 0x08, 0x6e, 0x74, 0xbe,
     0xa9, 0x46, 0xb2, 0x3e, 0x67, 0x99, 0x43, 0x06, 0x10, 0x37}};

const struct ts_type ts_enclave_registration_type = {
    .name = "EnclaveRegistration",
    .fields = enclave_registration_fields,
    .n_fields = TS_COUNT(enclave_registration_fields),
    .size = sizeof(struct ts_enclave_registration),
    .type_hash = &enclave_registration_type_hash,
};
