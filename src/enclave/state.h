/* SPDX-License-Identifier: Apache-2.0 */
/* What an enclave core holds; shared by its files, by nobody else. */
#ifndef TS_ENCLAVE_STATE_H
#define TS_ENCLAVE_STATE_H

#include "enclave/core.h"
#include "enclave/kept.h"
#include "enclave/lifecycle.h"
#include "enclave/own.h"
#include "tenseq/chain.h"

/* One line of batches up to a head: what loading makes and a start over throws away. Stays where it
 * is in memory: chain and engine point to the genesis. */
struct ts_line {
    struct ts_genesis genesis;
    struct ts_chain chain;
    struct ts_engine *engine;
    ts_hash roots[TS_RECENT]; /* protocol root of batch n at n % TS_RECENT, as chain.recent */
    ts_hash *milestones; /* owned: of batches TS_MILESTONE, 2 * TS_MILESTONE… up to the head */
    size_t n_milestones, cap_milestones;
    uint64_t own_term; /* of this enclave's newest Active on the line, of any boot; 0: none */
};

/* Why a request is refused. */
struct ts_refusal {
    bool has_enclave;
    ts_address enclave;
    char text[TS_MAX_MSG_TEXT + 1];
};

struct ts_enclave {
    const struct ts_crypto *crypto;
    const struct ts_engine_ops *engine_ops;
    const struct ts_checkpoint_store *checkpoints; /* NULL: none are kept */
    struct ts_env env;
    ts_secret checkpoint_key;
    enum ts_enclave_state state;
    struct ts_own own;
    struct ts_line *line; /* NULL while EMPTY */
    struct ts_kept kept;  /* what this boot sealed */
    struct ts_effect *effect;
    struct ts_arena frame_arena; /* the request, and what its answer needs */
    struct ts_arena batch_arena; /* a decoded batch or notice */
    struct ts_buf scratch;
    struct ts_buf answer;
    struct ts_refusal refusal;
    char halt_text[TS_MAX_MSG_TEXT + 1];
    bool wants_exit;
    struct ts_enclave_counters counters;
};

/* ---- core.c ---- */

/* Sets the sentence of a refusal and returns code. */
ts_err ts_enclave_refuse(struct ts_enclave *e, ts_err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what a rule found, with the enclave it names. */
ts_err ts_enclave_refuse_fault(struct ts_enclave *e, ts_err code, const struct ts_fault *fault);
/* To HALTED for an integrity failure: wipes the identity key, keeps the sentence. TS_E_HALTS. */
ts_err ts_enclave_halt(struct ts_enclave *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A move that the table must hold: anything else is a bug here. */
void ts_enclave_move(struct ts_enclave *e, enum ts_enclave_on on);
bool ts_enclave_is_whitelisted(const struct ts_enclave *e);

/* ---- line.c ---- */

/* The empty chain of a genesis in RLP. TS_E_GENESIS and a refusal; TS_E_NOMEM, TS_E_RANDOM. */
ts_err ts_line_new(struct ts_enclave *e, ts_bytes genesis, struct ts_line **out);
void ts_line_free(struct ts_enclave *e, struct ts_line *line);
/* The effect of a batch becomes the head. TS_E_NOMEM: unchanged. */
ts_err ts_line_apply(struct ts_line *line, const struct ts_effect *effect);
/* The hash of batch number, NULL when it is above the head, or neither among the newest TS_RECENT
 * nor a milestone. */
const ts_hash *ts_line_hash(const struct ts_line *line, uint64_t number);
/* The milestones of a line whose head has this number; copied. TS_E_NOMEM: unchanged. TS_E_CORRUPT:
 * another number of them, or not the line's own where it knows better. */
ts_err ts_line_set_milestones(struct ts_line *line, ts_bytes hashes);
/* The protocol root of batch number, NULL when it is not among the newest TS_RECENT. */
const ts_hash *ts_line_root(const struct ts_line *line, uint64_t number);

/* ---- assert.c ---- */

/* What the state guarantees (lifecycle.h) and I2, I7: a failed one is a bug here and ends the
 * process, which leaves the lifecycle to a new boot. */
void ts_enclave_assert(const struct ts_enclave *e);

/* ---- l1.c ---- */

/* The L1 block that a batch or notice names, from the block's header in RLP. With an L1: the
 * header's hash and number must be those named. Without: both must be empty, and *has is false.
 * TS_E_L1 with a refusal. */
ts_err ts_enclave_l1(struct ts_enclave *e, ts_bytes header, uint64_t number, const ts_hash *hash,
                     struct ts_l1_evidence *out, bool *has);

/* ---- checkpoint.c ---- */

/* Seals line into the slot that is unused or oldest. */
ts_err ts_checkpoint_save(struct ts_enclave *e);
/* Fills a fresh line (ts_line_new) from the slot that holds exactly this head of its genesis.
 * TS_E_NOT_FOUND with what each slot holds instead; TS_E_CORRUPT; TS_E_IO. On failure the line is
 * only good for ts_line_free. */
ts_err ts_checkpoint_load(struct ts_enclave *e, const struct ts_msg_head *head,
                          struct ts_line *line);
/* The heads of the checkpoints that open, oldest first, at most max. */
size_t ts_checkpoint_list(struct ts_enclave *e, struct ts_msg_head *out, size_t max);

/* ---- the requests, one or more to a file; each fills in *ans or returns an error with a refusal.
 */

typedef ts_err ts_enclave_handler(struct ts_enclave *e, const struct ts_msg *req,
                                  struct ts_msg *ans);
ts_enclave_handler ts_enclave_load, ts_enclave_accept, ts_enclave_synced, ts_enclave_report,
    ts_enclave_activate, ts_enclave_step_down, ts_enclave_create, ts_enclave_offers,
    ts_enclave_snapshot, ts_enclave_rollup, ts_enclave_register;

/* Where the enclave stands and what it wants published, for ACCEPT, SYNCED and others (events.c).
 */
ts_err ts_enclave_events(struct ts_enclave *e, struct ts_msg_events *out);

#endif
