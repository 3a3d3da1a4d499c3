/* SPDX-License-Identifier: Apache-2.0 */
/* The message table: all that host (or node) and enclave share.
 *
 * A frame is u32 big-endian length ‖ RLP [type, id, body]. The body is a list of the struct's
 * members in the order they stand here (empty where a message has none); an optional member is a
 * list of none or one, a bool is 0 or 1. A request carries an id that its answer repeats; ids are
 * the asker's and mean nothing else. Every request gets exactly one answer of its own type, or
 * TS_MSG_ERROR. An enclave answers in order. Source: docs/protocol.md, enclave link. */
#ifndef TS_LINK_MESSAGES_H
#define TS_LINK_MESSAGES_H

#include "base/arena.h"
#include "chain/rollup.h"
#include "codec/rlp.h"
#include "tenseq/types.h"
#include "tenseq/verify.h"

#define TS_LINK_VERSION   1
#define TS_LINK_MAX_FRAME (TS_MAX_BATCH_BYTES + 4u * 1024 * 1024)
#define TS_MAX_OFFERS     65    /* maxReportLag + 1 at the most */
#define TS_MAX_SEALED     8     /* checkpoints in an identity */
#define TS_MAX_CREATE_TXS 65536 /* transactions in one CREATE */
#define TS_MAX_MSG_TEXT   300   /* bytes of a sentence; ts_msg_put cuts longer ones */
/* An enclave keeps the hash of every so manieth batch of its line, from the first on: milestones.
 * 32 bytes each, a MB a year at one batch a second. */
#define TS_MILESTONE 1024
#define TS_MAX_ABOVE (TS_MILESTONE - 1) /* headers above the range in one ROLLUP */

enum ts_msg_type {
    TS_MSG_ERROR = 0,
    TS_MSG_IDENTIFY = 1,
    TS_MSG_LOAD = 2,
    TS_MSG_ACCEPT = 3,
    TS_MSG_SYNCED = 4,
    TS_MSG_REPORT = 5,
    TS_MSG_ACTIVATE = 6,
    TS_MSG_STEP_DOWN = 7,
    TS_MSG_CREATE = 8,
    TS_MSG_QUERY = 9,
    TS_MSG_SNAPSHOT = 10,
    TS_MSG_OFFERS = 11,
    TS_MSG_EXIT = 12,
    TS_MSG_LEAVING = 13,
    TS_MSG_ROLLUP = 14,
    TS_MSG_REGISTER = 15
};

/* The enclave's lifecycle states (protocol section 3). VALIDATING: at the head but outside the
 * whitelist: answers queries, signs nothing. */
enum ts_enclave_state {
    TS_ENC_EMPTY, /* no genesis loaded yet */
    TS_ENC_SYNCING,
    TS_ENC_VALIDATING,
    TS_ENC_PASSIVE,
    TS_ENC_ACTIVE,
    TS_ENC_HALTED
};

struct ts_msg_head {
    uint64_t number;
    ts_hash hash;
};

/* TS_MSG_ERROR: any request's refusal. */
struct ts_msg_error {
    ts_err code;
    bool has_enclave; /* TS_E_BAD_EVENT: whose event */
    ts_address enclave;
    ts_bytes text; /* one sentence, UTF-8, at most 300 bytes */
};

/* TS_MSG_IDENTIFY: request is empty. */
struct ts_msg_identity {
    uint64_t version;
    ts_address id;
    ts_hash boot_id;
    ts_hash boot_key;
    ts_time boot_time;
    uint64_t state;             /* enum ts_enclave_state */
    ts_hash genesis;            /* zero while none is loaded */
    struct ts_msg_head head;    /* zero while none is loaded */
    uint64_t tip_seq;           /* newest transition it knows of its own, published or not */
    uint64_t term;              /* of its newest Active in this boot; 0: none */
    struct ts_msg_head *sealed; /* heads it has sealed checkpoints of, oldest first */
    size_t n_sealed;            /* at most 8 */
};

/* TS_MSG_LOAD: the genesis (RLP form) and the sealed head to start from; number 0: from genesis.
 * Only in EMPTY, or in SYNCING to start over. Answer: struct ts_msg_head, the head it stands at. */
struct ts_msg_load {
    ts_bytes genesis;
    struct ts_msg_head from;
};

/* TS_MSG_ACCEPT: one raw batch. Answer: struct ts_msg_events. In SYNCING: head only. */
struct ts_msg_accept {
    ts_bytes batch;
    ts_bytes l1_header; /* RLP of the L1 header the batch names; empty without L1 */
};

/* The answer to ACCEPT, SYNCED, REPORT, ACTIVATE and STEP_DOWN: where the enclave stands, and what
 * it wants published. Signs at most once for the same head and tip. */
struct ts_msg_events {
    uint64_t state;
    struct ts_msg_head head;
    bool has_report; /* PASSIVE and ACTIVE */
    struct ts_restart_event report;
    struct ts_lifecycle_event *transitions; /* all unpublished ones, in order; at most 8 */
    size_t n_transitions;
};

/* TS_MSG_SYNCED: "you are at the head". notice: body of the whitelist notice that the next batch
 * will carry and which lists the enclave, with its L1 header, or empty. time: now, for the host's
 * record; Started carries the start of the process, which the platform claims. */
struct ts_msg_synced {
    ts_time time;
    ts_bytes notice;
    ts_bytes l1_header;
};

/* TS_MSG_REPORT: request is empty. */

/* TS_MSG_ACTIVATE */
struct ts_msg_activate {
    uint64_t term;
    ts_time time;
};

/* TS_MSG_STEP_DOWN */
struct ts_msg_step_down {
    ts_time time;
};

/* TS_MSG_CREATE: batch head + 1. Own events are the enclave's to add. */
struct ts_msg_create {
    struct ts_msg_head parent;
    ts_time time;
    uint64_t l1_number;
    ts_hash l1_hash;
    ts_bytes l1_header;
    struct ts_lifecycle_event *transitions; /* the others', sorted by enclave id, then seq */
    size_t n_transitions;
    struct ts_restart_event *reports; /* the others', sorted by enclave id */
    size_t n_reports;
    struct ts_notice *notices;
    size_t n_notices;
    ts_bytes *txs;
    size_t n_txs;
};

struct ts_msg_rejected {
    uint64_t index; /* into the request's txs */
    ts_err code;    /* TS_E_TX_DEFERRED: not decided, ask again with a later batch */
    ts_bytes text;
};

/* Answer to CREATE. fresh: false when this is the batch it sealed earlier for the same parent,
 * whatever the request held now; rejected is then empty. */
struct ts_msg_created {
    ts_bytes batch;
    bool fresh;
    struct ts_msg_rejected *rejected; /* sorted by index */
    size_t n_rejected;
    bool has_report; /* own report at the new head, for the next batch of whoever makes it */
    struct ts_restart_event report;
    struct ts_lifecycle_event *transitions; /* unpublished ones left */
    size_t n_transitions;
};

/* TS_MSG_QUERY: engine queries (engine/engine.h). Refused in EMPTY, SYNCING, HALTED. */
struct ts_msg_query {
    uint64_t kind;
    ts_bytes arg;
};
struct ts_msg_query_answer {
    struct ts_msg_head head; /* the state it was answered from */
    ts_bytes answer;
};

/* TS_MSG_SNAPSHOT: seal a checkpoint at the head. Request is empty. Answer: struct ts_msg_head. */

/* TS_MSG_OFFERS: own batches above a number that it still keeps. */
struct ts_msg_offers {
    uint64_t above;
};
struct ts_msg_offered {
    ts_bytes *batches; /* ascending; as many as fit in a frame: ask again above the last */
    size_t n;
};

/* TS_MSG_EXIT: end the process (a supervisor starts it anew). Answered, then done. */

/* TS_MSG_LEAVING: the one message without a request (is_answer, id 0, empty body): the enclave's
 * process was asked to end; the host switches away and then sends EXIT, for which it waits up to
 * four seconds. */

/* TS_MSG_ROLLUP: sign a rollup of the batches in range. An enclave that does not know the message
 * answers TS_E_UNKNOWN_MESSAGE and goes on.
 *
 * The range is consecutive batches without their payloads, and the enclave trusts none of it: by
 * its hashes the newest must be an ancestor of its head or the head. When that one is neither among
 * the enclave's newest TS_RECENT nor a milestone, above has the headers of all batches behind it,
 * up to one that is: never more than TS_MAX_ABOVE, however old the range. protocol_root and seal
 * are those of the range's newest batch. L1 as in CREATE: the block that the rollup names, not
 * older than the one that the enclave's head names; 0, zeros and empty without L1.
 *
 * Refused with TS_E_STATE (not PASSIVE or ACTIVE), TS_E_NOT_WHITELISTED, TS_E_RANGE (an empty
 * range), a decoding error, TS_E_V1_LINKS (what is given is no chain), TS_E_V3_FORM (transactions
 * that are not the header's), TS_E_OUT_OF_ORDER (above the head), TS_E_CONFLICT (not this enclave's
 * line), TS_E_NOT_FOUND (too old, and nothing above it is given), TS_E_SIGNATURE or TS_E_SIGNER
 * (the seal), TS_E_L1, TS_E_LIMIT (the data take more than ts_rollup_data_max: ask for fewer
 * batches; how many fit the host finds out with ts_rollup_encode), TS_E_NOMEM. Nothing has changed
 * then. Asked again, it gives the same bytes. */
struct ts_msg_range_item {
    ts_bytes header;       /* RLP, as in the batch */
    ts_bytes transactions; /* likewise */
};
struct ts_msg_rollup {
    uint64_t l1_number;
    ts_hash l1_hash;
    ts_bytes l1_header;
    ts_hash protocol_root;
    ts_sig seal;
    struct ts_msg_range_item *range; /* at most TS_ROLLUP_MAX_BATCHES */
    size_t n_range;
    ts_bytes *above; /* headers in RLP, ascending; at most TS_MAX_ABOVE */
    size_t n_above;
};
/* Answer to ROLLUP. */
struct ts_msg_rolled {
    struct ts_rollup rollup;
    ts_bytes data; /* its Keccak hash is rollup.data_hash; chain/rollup.h */
};

/* TS_MSG_REGISTER: request is empty. Answer: what the management contract's registerEnclave takes:
 * a statement that this identity is meant for this network and what it runs (zero on the simulation
 * platform, which measures nothing), signed over EnclaveRegistration. Asked again, the same bytes.
 * Refused with TS_E_STATE before the enclave is at the head. */
struct ts_msg_registered {
    struct ts_enclave_registration registration;
    ts_sig sig;
};

struct ts_msg {
    uint64_t type;
    uint64_t id;
    bool is_answer;
    union {
        struct ts_msg_error error;
        struct ts_msg_identity identity; /* answer */
        struct ts_msg_load load;
        struct ts_msg_head head; /* answer to LOAD and SNAPSHOT */
        struct ts_msg_accept accept;
        struct ts_msg_events events; /* answer to ACCEPT, SYNCED, REPORT, ACTIVATE, STEP_DOWN */
        struct ts_msg_synced synced;
        struct ts_msg_activate activate;
        struct ts_msg_step_down step_down;
        struct ts_msg_create create;
        struct ts_msg_created created;
        struct ts_msg_query query;
        struct ts_msg_query_answer query_answer;
        struct ts_msg_offers offers;
        struct ts_msg_offered offered;
        struct ts_msg_rollup rollup;
        struct ts_msg_rolled rolled;
        struct ts_msg_registered registered;
    } u;
};

/* Appends the frame body (no length) of a request or an answer. m->is_answer picks the form. */
void ts_msg_put(struct ts_buf *b, const struct ts_msg *m);

/* Decodes a request (enclave side) or an answer (host side). Lists come from the arena, byte
 * strings point into the frame. Errors: a decoding error or TS_E_UNKNOWN_MESSAGE; *out then has
 * type and id when these could be read (else 0) and nothing else. */
ts_err ts_msg_decode_request(ts_bytes frame, struct ts_arena *arena, struct ts_msg *out);
ts_err ts_msg_decode_answer(ts_bytes frame, struct ts_arena *arena, struct ts_msg *out);

const char *ts_msg_name(uint64_t type);
const char *ts_enclave_state_name(uint64_t state);

#endif
