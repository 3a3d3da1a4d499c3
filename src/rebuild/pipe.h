/* SPDX-License-Identifier: Apache-2.0 */
/* The rebuild on a loop with worker threads: rollups are decoded and their senders recovered ahead,
 * several at a time; one after the other they are executed, and their batches handed out.
 *
 *     rollup ─▶ ahead (a thread: decode, recover) ─▶ L1 hashes ─▶ execute (a thread, in order) ─▶
 *               done
 *
 * Who has the L1 gives rollups while there is room, and asks for the blocks that are wanted. All is
 * called on the loop's thread, but for batch and taken, which come from one worker thread at a
 * time, in order. */
#ifndef TS_REBUILD_PIPE_H
#define TS_REBUILD_PIPE_H

#include <uv.h>

#include "rebuild/rebuild.h"

#define TS_PIPE_ROLLUPS 8 /* on their way at a time */

/* Borrowed pointers outlive the pipe. */
struct ts_pipe_config {
    uv_loop_t *loop;
    const struct ts_genesis *genesis;
    const struct ts_crypto *crypto;
    const struct ts_engine_ops *engine;
    uint64_t seed[2];
    void *ctx;
    /* From a worker thread: the next batch; and, behind its last, a rollup with what the rebuild
     * is then. An error ends the pipe. */
    ts_err (*batch)(void *ctx, const struct ts_rebuilt *b);
    ts_err (*taken)(void *ctx, const struct ts_rollup *rollup, const struct ts_rebuild *r);
    /* From the loop: there is room, or there are blocks to ask for, or all is done. */
    void (*moved)(void *ctx);
};

struct ts_pipe;

/* TS_E_NOMEM, or the engine's error: *out is unchanged. */
ts_err ts_pipe_new(const struct ts_pipe_config *config, struct ts_pipe **out);
/* No work may be in a thread any more: the loop has run to its end, or ts_pipe_is_idle. NULL is
 * ignored. */
void ts_pipe_free(struct ts_pipe *p);

/* To load it before the first rollup, and to look at it while idle. */
struct ts_rebuild *ts_pipe_rebuild(struct ts_pipe *p);

bool ts_pipe_has_room(const struct ts_pipe *p);
/* The next rollup, with L1's whitelist after the block that it names. Data and whitelist are
 * copied. Only with room (a caller's bug). TS_E_NOMEM: it was not taken. */
ts_err ts_pipe_give(struct ts_pipe *p, const struct ts_rollup *rollup, ts_bytes data,
                    const ts_address *whitelist, size_t n_whitelist);
/* An L1 block to ask for; each is told once. false: none for now. */
bool ts_pipe_next_block(struct ts_pipe *p, uint64_t *number);
/* What was asked for. parent is the hash of the block before it. */
void ts_pipe_block(struct ts_pipe *p, uint64_t number, const ts_hash *hash, const ts_hash *parent);
/* Nothing new begins from now on; what is in a thread ends. */
void ts_pipe_stop(struct ts_pipe *p);

/* No rollup is on its way and no thread works. */
bool ts_pipe_is_idle(const struct ts_pipe *p);
/* NULL, or what ended it. */
const struct ts_rebuild_fault *ts_pipe_fault(const struct ts_pipe *p);
/* The newest batch handed out, and rollups taken; at any time. */
uint64_t ts_pipe_number(const struct ts_pipe *p);
uint64_t ts_pipe_count(const struct ts_pipe *p);

#endif
