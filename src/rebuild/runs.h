/* SPDX-License-Identifier: Apache-2.0 */
/* Batches on disk in a form that other tools can read: files of TS_RUN_BATCHES batches each, named
 * by the number of their first with ten digits:
 *
 *     0000000001.rlp   one RLP item after the other
 *     0000000001.idx   40 bytes for each: where its item ends in the .rlp file (8 bytes,
 *                      big-endian), and the batch's hash
 *
 * One writer at a time. */
#ifndef TS_REBUILD_RUNS_H
#define TS_REBUILD_RUNS_H

#include <stdio.h>

#include "base/buf.h"
#include "tenseq/bytes.h"

#define TS_RUN_BATCHES 10000u

struct ts_runs {
    char dir[512];
    uint64_t next; /* the next batch's number */
    uint64_t end;  /* bytes of the open .rlp file */
    FILE *data, *index;
    bool writes;
    char why[700]; /* what went wrong last, one clause that names the file */
};

/* To go on behind batch last (0: from the start): what is there of later ones is taken away. dir is
 * made when it is not there. TS_E_IO, TS_E_CORRUPT (batch last is not there); why says it. */
ts_err ts_runs_append(struct ts_runs *r, const char *dir, uint64_t last);
/* To read from batch first on. */
ts_err ts_runs_read(struct ts_runs *r, const char *dir, uint64_t first);
/* The next batch. TS_E_IO: the writer is at its end. */
ts_err ts_runs_put(struct ts_runs *r, const ts_hash *hash, ts_bytes item);
/* The next batch's item, into item, which is emptied before. TS_E_IO, TS_E_CORRUPT; TS_E_LIMIT or
 * TS_E_NOMEM from the buffer. */
ts_err ts_runs_get(struct ts_runs *r, ts_hash *hash, struct ts_buf *item);
/* All that was put is on the disk. */
ts_err ts_runs_sync(struct ts_runs *r);
void ts_runs_close(struct ts_runs *r);

#endif
