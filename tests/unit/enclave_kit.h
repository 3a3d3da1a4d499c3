/* SPDX-License-Identifier: Apache-2.0 */
/* A small network of enclave cores under a host that the test plays: real rules, real signatures,
 * the real ledger. Everything goes through frames, as over a link. */
#ifndef TS_TESTS_ENCLAVE_KIT_H
#define TS_TESTS_ENCLAVE_KIT_H

#include "chain/batch.h"
#include "enclave/core.h"
#include "enclave/own.h"
#include "tenseq/chain.h"
#include "unit.h"

#define EK_MAX      6
#define EK_PEOPLE   3
#define EK_CHAIN    443u
#define EK_BASE_FEE 10u

/* Checkpoint slots in memory. */
struct ek_store {
    struct ts_checkpoint_store ops;
    struct ts_buf slots[2];
    struct ts_buf writing;
    size_t slot;
    size_t at;
    size_t fail_after; /* bytes written until TS_E_DISK_FULL; 0: never */
};

struct ek_enclave {
    ts_secret identity;
    ts_address id;
    struct ek_store store;
    struct ts_enclave *core; /* NULL: not running */
    unsigned boots;
};

struct ek_batch {
    uint8_t *p;
    size_t n;
};

struct ek {
    struct ts_crypto *crypto;
    struct ts_genesis genesis;
    ts_bytes genesis_raw;
    ts_secret people[EK_PEOPLE]; /* with funds */
    ts_address person[EK_PEOPLE];
    const struct ts_engine_ops *engine; /* of the boots to come; the ledger unless changed */
    struct ek_enclave enclaves[EK_MAX]; /* ascending by id */
    size_t n;
    struct ts_chain chain; /* what an honest host and every node see */
    struct ts_effect *effect;
    struct ek_batch *batches; /* published: batch n at n - 1 */
    size_t n_batches;
    struct ts_arena arena; /* answers live here until ek_forget */
    ts_time now;
    uint64_t term;   /* highest handed out */
    uint64_t random; /* state of the generator */
    /* With an L1: the header of a block, in arena, and which one the next batch names. NULL:
     * batches name the genesis' and no header is given. */
    ts_bytes (*l1_header)(uint64_t number, struct ts_arena *arena, ts_hash *hash);
    uint64_t l1_number;
};

/* n enclaves, the first n_listed on the whitelist; none is running. report_every, max_report_lag as
 * in genesis. */
struct ek *ek_open_with(size_t n, size_t n_listed, const struct ts_params *params,
                        uint64_t l1_chain_id);
struct ek *ek_open(size_t n, size_t n_listed);
/* n enclaves, all listed, and one more that runs elsewhere. */
struct ek *ek_open_beside(size_t n, const ts_address *other);
void ek_close(struct ek *k);
/* Frees all answers. */
void ek_forget(struct ek *k);
uint64_t ek_random(struct ek *k);

/* A new process: fresh boot id, same identity and checkpoints. */
void ek_boot(struct ek *k, size_t i);
void ek_kill(struct ek *k, size_t i);
/* One request; the answer has the request's type or is an error, which is checked. */
struct ts_msg ek_ask(struct ek *k, size_t i, const struct ts_msg *req);
ts_err ek_code(const struct ts_msg *answer);
enum ts_enclave_state ek_state(const struct ek *k, size_t i);

/* The requests, ids made up. */
struct ts_msg ek_plain(struct ek *k, size_t i, uint64_t type); /* those without a body */
struct ts_msg ek_load(struct ek *k, size_t i, const struct ts_msg_head *from);
struct ts_msg ek_accept(struct ek *k, size_t i, ts_bytes batch);
struct ts_msg ek_synced(struct ek *k, size_t i);
struct ts_msg ek_activate(struct ek *k, size_t i, uint64_t term);
struct ts_msg ek_step_down(struct ek *k, size_t i);
struct ts_msg ek_offers(struct ek *k, size_t i, uint64_t above);

/* A request for the child of the published head, with the events that the enclaves in with (bits by
 * index, the producer is skipped) hand out now. */
struct ts_msg ek_create_request(struct ek *k, size_t producer, unsigned with);
struct ts_msg ek_create(struct ek *k, size_t producer, unsigned with);

/* Decodes; asserts that it does. */
struct ts_batch ek_decode(struct ek *k, ts_bytes raw);
/* Checks a batch as a host does, appends it to the published chain. */
void ek_publish(struct ek *k, ts_bytes raw);
ts_bytes ek_batch(const struct ek *k, uint64_t number);
struct ts_msg_head ek_head(const struct ek *k);

/* Boot, load genesis, accept all that is published, SYNCED: PASSIVE. */
void ek_start(struct ek *k, size_t i);
/* Feeds what an enclave lacks of the published chain; all answers must be good. */
void ek_feed(struct ek *k, size_t i);
/* A term above every other, and its Active in the next batch. */
void ek_promote(struct ek *k, size_t i);
/* The producer makes the child of the head with all others' events; published, and accepted by all
 * who run. */
void ek_run(struct ek *k, size_t producer, size_t batches);

/* A request for a rollup of published batches, with the headers above them up to a number (0:
 * none). Without L1. */
struct ts_msg ek_rollup_request(struct ek *k, uint64_t first, uint64_t last, uint64_t above);

/* A transfer signed by a person, in the arena. */
ts_bytes ek_transfer(struct ek *k, size_t person, uint64_t nonce, uint64_t wei);
ts_bytes ek_transfer_gas(struct ek *k, size_t person, uint64_t nonce, uint64_t gas);
ts_bytes ek_transfer_to(struct ek *k, size_t person, uint64_t nonce, const ts_address *to);

/* Signs a whole batch as an enclave's key could, whatever is in it: for what only a broken enclave
 * would make. header.producer must be an enclave of the kit. In the arena. */
ts_bytes ek_forge(struct ek *k, struct ts_batch *b, const ts_hash *parent_root);

#define EK_ALL 0xffu

#define assert_code(answer, expected)                                                              \
    assert_string_equal(ts_err_name((int)ek_code(&(answer))), ts_err_name((int)(expected)))
#define assert_state(k, i, expected)                                                               \
    assert_string_equal(ts_enclave_state_name(ek_state(k, i)), ts_enclave_state_name(expected))

#endif
