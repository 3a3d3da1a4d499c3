/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that applies durable steps in their order, so that the loop never waits for the disk.
 * Steps that wait at the same moment share one flush (group commit). The store's log is folded in
 * by a second thread, so that a fold does not hold steps up; and the store is tidied when nothing
 * waits. */
#ifndef TS_STORE_WRITER_H
#define TS_STORE_WRITER_H

#include <uv.h>

#include "store/store.h"

/* A 0 takes the default in brackets. */
struct ts_writer_config {
    struct ts_store *store; /* borrowed; nobody else applies to it meanwhile */
    size_t max_steps;       /* submitted and not yet reported [65536] */
    size_t max_group_steps; /* in one flush [1024] */
    size_t max_group_bytes; /* of op data in one flush, but at least one step [8 MiB] */
    size_t fold_pages;      /* pages of the store's log that start a fold [1024] */
    /* From the loop, in the order of submission. why is a sentence when err is not TS_OK, borrowed
     * for the call. us: from submission to durability. */
    void (*done)(void *ctx, uint64_t token, ts_err err, const char *why, uint64_t us);
    void *ctx;
};

struct ts_writer_counters {
    uint64_t steps, failed; /* reported */
    uint64_t groups;        /* flushes */
    uint64_t folds;
    uint64_t tidied; /* moments of tidying the store */
};

struct ts_writer;

/* TS_E_NOMEM, TS_E_IO (no thread): *out is unchanged. */
ts_err ts_writer_new(uv_loop_t *loop, const struct ts_writer_config *config,
                     struct ts_writer **out);
/* TS_E_BUSY: the bound on steps is reached, nothing is taken. ops and all they point to stay
 * borrowed until done is called with token. */
ts_err ts_writer_submit(struct ts_writer *w, uint64_t token, const struct ts_store_op *ops,
                        size_t n);
/* Steps submitted and not yet reported. */
size_t ts_writer_waiting(const struct ts_writer *w);
struct ts_writer_counters ts_writer_counters(struct ts_writer *w);
/* Applies what was submitted, ends the threads and only then returns; reports nothing more. Memory
 * and handle go when the loop runs on. */
void ts_writer_close(struct ts_writer *w);

#endif
