/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that a rebuild fills:
 *
 *     genesis.rlp      the genesis; its Keccak hash is the network's
 *     rollups.rlp      the signed header of each rollup, one RLP item after the other
 *     rebuilt/         [header, transactions] of each batch (rebuild/runs.h)
 *     batches/         the whole batches, as far as payloads were fetched and found right; likewise
 *     summary.json     for people and programs
 *     state, payloads  what another run goes on from
 *
 * A run that is cut off at any moment is gone on with by the next one: what is behind the state
 * that was written last is cut away and made again. */
#ifndef TS_REBUILD_DIR_H
#define TS_REBUILD_DIR_H

#include "rebuild/fold.h"
#include "rebuild/rebuild.h"
#include "rebuild/runs.h"

#define TS_DIR_WHY 900

struct ts_dir {
    char path[400];
    int lock; /* -1: not open */
    const struct ts_genesis *genesis;
    struct ts_runs rebuilt;
    FILE *rollups;
    uint64_t rollups_size;
    uint64_t n_txs; /* transactions in all */
    struct ts_buf scratch;
    uint64_t saved_ms; /* mono */
    char why[TS_DIR_WHY];
};

/* Makes it, or goes on with what is there: r, at genesis, is then where the run before was. Held
 * against a second run until closed. TS_E_USAGE: it is none of this network's; TS_E_BUSY: another
 * run has it; TS_E_IO, TS_E_CORRUPT, TS_E_NOMEM. why holds a sentence; d is closed. genesis is
 * borrowed. */
ts_err ts_dir_open(struct ts_dir *d, const char *path, const struct ts_genesis *genesis,
                   struct ts_rebuild *r);
void ts_dir_close(struct ts_dir *d);

/* As the callbacks of the pipe: from one thread at a time. The state is written at most every ten
 * seconds. Errors: why says it. */
ts_err ts_dir_batch(struct ts_dir *d, const struct ts_rebuilt *b);
ts_err ts_dir_rollup(struct ts_dir *d, const struct ts_rollup *rollup, const struct ts_rebuild *r);
/* All so far is on the disk, and the next run goes on from here. */
ts_err ts_dir_save(struct ts_dir *d, const struct ts_rebuild *r);

/* A file of the directory, whole or not at all. */
ts_err ts_dir_put(struct ts_dir *d, const char *name, ts_bytes bytes);
/* TS_E_NOT_FOUND: there is none. */
ts_err ts_dir_get(struct ts_dir *d, const char *name, struct ts_buf *out);

/* Where the payloads stand: number and root of f, which are left alone when nothing is kept. */
ts_err ts_dir_load_fold(struct ts_dir *d, struct ts_fold *f);
ts_err ts_dir_save_fold(struct ts_dir *d, const struct ts_fold *f);

#endif
