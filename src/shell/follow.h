/* SPDX-License-Identifier: Apache-2.0 */
/* What host and node share of following L1: the follower core (l1/follower.h) on the caller's loop,
 * with its timer, a client that carries its calls, and what it keeps, under the meta key "l1" of
 * the store. */
#ifndef TS_SHELL_FOLLOW_H
#define TS_SHELL_FOLLOW_H

#include <uv.h>

#include "cfg/cfg.h"
#include "l1/follower.h"
#include "store/writer.h"

/* What both are configured with: struct ts_follow_keys l1 of the struct, and TS_CFG_L1_KEYS(struct
 * config) in the key table. */
struct ts_follow_keys {
    const char *url; /* NULL: none */
    uint64_t confirmations;
};
#define TS_CFG_L1_KEYS(struct_type)                                                                \
    TS_CFG(struct_type, l1.url, "l1", TS_CFG_STRING, .flags = TS_CFG_SECRET, .value_name = "URL",  \
           .help = "JSON-RPC of the L1 node that is followed, such as http://127.0.0.1:8545"),     \
        TS_CFG(struct_type, l1.confirmations, "l1-confirmations", TS_CFG_U64, .def = "2",          \
               .max = 10000,                                                                       \
               .help = "blocks from an L1 block to the newest, both counted, until it counts; "    \
                       "0: when L1 says it is final")

struct ts_follow;

/* Borrowed pointers outlive it; the URL is copied. */
struct ts_follow_config {
    uv_loop_t *loop;
    const struct ts_genesis *genesis; /* with an L1 */
    const char *url;
    struct ts_l1_follow_settings settings;
    struct ts_store *store;   /* read at the opening */
    struct ts_writer *writer; /* of the same store */
    uint64_t save_token;      /* of steps submitted here; their done goes to ts_follow_saved */
    /* CONFIRMED, BLOCK, ROLLUP, ROLLBACK, REORG; and EVENT, which is logged already. From the loop,
     * never from inside a function below; o is borrowed for the call. */
    void (*on_output)(void *ctx, const struct ts_l1_follow_output *o);
    /* Or NULL: the newest block that L1 itself says is final; when it has changed. Likewise. */
    void (*on_final)(void *ctx, uint64_t number);
    /* Or NULL: false while something that was told would be lost if it were not told again after a
     * start. */
    bool (*may_save)(void *ctx);
    void *ctx;
};

/* TS_E_USAGE (the URL), TS_E_NOMEM, errors of the store: why holds a sentence, *out is unchanged.
 * What is kept and cannot be read is read from L1 again, and the log says so. */
ts_err ts_follow_new(const struct ts_follow_config *config, struct ts_follow **out, char *why,
                     size_t why_size);
/* TS_L1_FOLLOW_LOOKUP. What waits for its answer already is not asked twice. Of more than
 * TS_L1_MAX_LOOKUPS that wait, the highest that L1 does not have yet is dropped without an answer:
 * numbers may come from hostile batches. */
void ts_follow_lookup(struct ts_follow *f, uint64_t token, uint64_t number);
/* It is not waited for any more, unless L1 has the block: then its answer comes. */
void ts_follow_forget(struct ts_follow *f, uint64_t token, uint64_t number);
/* How many wait; whether one of that number does. */
size_t ts_follow_lookups(const struct ts_follow *f);
bool ts_follow_waits_for(const struct ts_follow *f, uint64_t number);
/* After a REORG that the caller can live with: all is read from L1 anew, from the genesis' block
 * on, and told again. Lookups that wait go on waiting. */
void ts_follow_again(struct ts_follow *f);
/* The same when rollups must be told again: those whose last batch is above above, in L1's block
 * from or later; also from then on. */
void ts_follow_rollups_again(struct ts_follow *f, uint64_t above, uint64_t from);
/* The step with save_token is done. */
void ts_follow_saved(struct ts_follow *f, ts_err err);
void ts_follow_status(const struct ts_follow *f, struct ts_l1_status *out);
/* The node as sentences name it. */
const char *ts_follow_name(const struct ts_follow *f);
/* Submits what is to be kept, unless a step is under way; the writer is closed after this and
 * before the loop runs on. NULL is allowed. */
void ts_follow_close(struct ts_follow *f);

#endif
