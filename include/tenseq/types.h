/* SPDX-License-Identifier: Apache-2.0 */
/* The signed and carried things of the protocol. Source: docs/protocol.md, sections 1 and 2. */
#ifndef TENSEQ_TYPES_H
#define TENSEQ_TYPES_H

#include "tenseq/bytes.h"

/* Fixed limits of the format; genesis parameters may only be stricter. */
#define TS_MAX_WHITELIST     64
#define TS_MAX_NOTICES       16
#define TS_MAX_NOTICE_BYTES  (8u * 1024)
#define TS_MAX_NOTICES_BYTES (32u * 1024)
#define TS_MAX_L1_HEADER     4096 /* bytes of an L1 block header */
#define TS_MAX_UNPUBLISHED   8    /* unpublished transitions of one enclave */
/* Whitelisted before or after the batch's notice: at most 128 enclaves with eight each. */
#define TS_MAX_TRANSITIONS (2u * TS_MAX_WHITELIST * TS_MAX_UNPUBLISHED)
#define TS_MAX_BATCH_BYTES (16u * 1024 * 1024)
#define TS_TERM_STEP_MAX   65536u
#define TS_RECENT          256 /* how far back validity looks at heads that events name */

/* The EIP-712 domain separator of one network. */
struct ts_domain {
    ts_hash separator;
};

struct ts_batch_header {
    ts_hash parent_hash;
    uint64_t number;
    ts_time time;
    uint64_t term;
    ts_address producer;
    uint64_t l1_number;
    ts_hash l1_hash;
    ts_hash tx_root;
    ts_hash state_root;
};

struct ts_batch_seal {
    ts_hash batch_hash;
    ts_hash protocol_root;
};

enum ts_event_kind { TS_STARTED = 1, TS_ACTIVE = 2, TS_PASSIVE = 3 };

/* A transition. */
struct ts_lifecycle_event {
    uint8_t kind; /* enum ts_event_kind */
    ts_address enclave_id;
    ts_hash boot_id;
    ts_hash boot_key;
    uint64_t seq;
    ts_hash prev;
    uint64_t term;
    ts_time time;
    ts_hash batch_head;
    uint64_t batch_number;
    ts_sig sig;
};

/* A report. */
struct ts_restart_event {
    ts_address enclave_id;
    ts_hash boot_id;
    uint64_t seq;
    ts_hash last_event;
    ts_time last_restart_time;
    ts_hash batch_head_at_restart;
    ts_hash current_batch_head;
    uint64_t current_batch_number;
    ts_sig sig;
};

struct ts_rollup {
    uint64_t first_number;
    uint64_t last_number;
    ts_hash first_parent_hash;
    ts_hash last_hash;
    ts_hash protocol_root;
    uint64_t l1_number;
    ts_hash l1_hash;
    ts_hash data_hash;
    ts_sig sig;
};

/* What an enclave signs to be on record at the management contract: that its key is meant for this
 * network, and what it says it runs. Never on wire or disk. */
struct ts_enclave_registration {
    ts_address enclave_id;
    ts_hash measurement;
};

#define TS_NOTICE_WHITELIST 1

struct ts_notice {
    uint64_t type;
    ts_bytes body;
};

/* Notice 1, decoded: RLP [l1Number, l1Hash, added, removed], both lists sorted and disjoint. */
struct ts_whitelist_change {
    uint64_t l1_number;
    ts_hash l1_hash;
    ts_address *added;
    size_t n_added;
    ts_address *removed;
    size_t n_removed;
};

struct ts_payload {
    struct ts_lifecycle_event *transitions;
    size_t n_transitions;
    struct ts_restart_event *reports;
    size_t n_reports;
    ts_address *absent;
    size_t n_absent;
    struct ts_notice *notices;
    size_t n_notices;
};

struct ts_batch {
    struct ts_batch_header header;
    ts_bytes *txs; /* opaque byte strings */
    size_t n_txs;
    struct ts_payload payload;
    ts_sig seal;
    ts_bytes raw;        /* the whole batch's RLP */
    ts_bytes raw_header; /* the header item, list header included; so too the next two */
    ts_bytes raw_txs;
    ts_bytes raw_payload;
};

/* What is known of the newest batch a party accepted. */
struct ts_head {
    uint64_t number; /* 0: the empty chain */
    ts_hash hash;    /* the genesis hash then */
    ts_time time;
    uint64_t term;
    uint64_t l1_number;
    ts_hash l1_hash;
    ts_hash state_root;
    ts_hash protocol_root;
};

#endif
