/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the SQLite store: what its files share. Not for others. */
#ifndef TS_STORE_SQLITE_H
#define TS_STORE_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/store.h"

#define TS_SQLITE_APPLICATION_ID 0x746e7371 /* "tnsq" */
#define TS_SQLITE_SCHEMA         4

/* The index of transactions (sqlite_runs.c). */
#define TS_SQLITE_KEY    16    /* bytes of a hash that are kept */
#define TS_SQLITE_RUN    65536 /* entries after which a run of level 0 is full */
#define TS_SQLITE_FAN    16    /* runs of one level that are merged into one of the next */
#define TS_SQLITE_LEVELS 8
#define TS_SQLITE_SLICE  1024 /* entries moved at a time, about */

/* Statements of the writing connection. */
enum ts_sqlite_write {
    W_BEGIN,
    W_COMMIT,
    W_ROLLBACK,
    W_BATCH_FIND,
    W_BATCH_INSERT,
    W_BATCH_STATUS,
    W_BODY_INSERT,
    W_TX_INDEX,
    W_MERGE_BEGIN,
    W_MERGE_STEP,
    W_MERGE_END,
    W_MERGE_COPY,
    W_MERGE_DROP,
    W_META,
    W_POOL_INSERT,
    W_POOL_DROP,
    W_REJECTED_INSERT,
    W_REJECTED_PRUNE,
    W_EVIDENCE,
    W_L1,
    W_ROLLUP,
    W_ROLLUPS_DROP,
    W_DISCARD,
    W_COUNT
};

/* Statements of the reading connection. */
enum ts_sqlite_read {
    R_HEAD,
    R_COMMITTED,
    R_BY_HASH,
    R_PREPARED,
    R_DISCARDED,
    R_META,
    R_POOL,
    R_FIND_TX,
    R_FIRST_RUN,
    R_LAST_RUN,
    R_RUN_SIZE,
    R_MERGE,
    R_REJECTED,
    R_EVIDENCE,
    R_EACH_EVIDENCE,
    R_L1,
    R_ROLLUPS,
    R_COUNT
};

/* A transaction of a batch, for sorting by key. */
struct ts_sqlite_place {
    const ts_hash *hash;
    size_t at;
};

/* The runs of a level that are searched: first to last, none when last is below first. */
struct ts_sqlite_level {
    uint32_t first, last;
};

/* Runs first to last of a level on their way into one of the next. */
struct ts_sqlite_merge {
    bool on;
    bool dropping; /* copied, and searched where they are copied to; now they are deleted */
    uint32_t level, first, last, target;
    uint64_t window; /* the next slice of the keys */
};

struct ts_sqlite_index {
    pthread_mutex_t lock; /* of the next two, which the reading thread looks at */
    struct ts_sqlite_level levels[TS_SQLITE_LEVELS];
    uint64_t changes;
    /* The applying thread's. */
    struct ts_sqlite_merge merge;
    size_t run;  /* entries in a full run of level 0: TS_SQLITE_RUN, less in tests */
    size_t size; /* entries in the newest, or a few more */
    struct ts_sqlite_place *places; /* room for sorting a batch's transactions */
    size_t cap_places;
};

struct ts_store {
    sqlite3 *write;      /* the applying thread's */
    sqlite3 *read;       /* the reading thread's */
    sqlite3 *checkpoint; /* the checkpointing thread's */
    sqlite3_stmt *w[W_COUNT];
    sqlite3_stmt *r[R_COUNT];
    atomic_size_t log_pages;
    bool is_lax; /* commits of write are not flushed just now */
    struct ts_sqlite_index index;
    int lock_fd; /* held as long as the store is open; -1: not yet */
    char *path;
    char error[256];
};

/* Reads how the index of transactions stands. */
ts_err ts_sqlite_index_open(struct ts_store *s);
/* Adds a batch's transactions to it, in the transaction that is open. */
ts_err ts_sqlite_index_add(struct ts_store *s, const struct ts_store_op *op, sqlite3_int64 id);

/* For the applying thread: runs a statement whose parameters are bound, and forgets them; or notes
 * a failure of its own. */
ts_err ts_sqlite_run(struct ts_store *s, enum ts_sqlite_write which);
ts_err ts_sqlite_fail(struct ts_store *s, ts_err err, const char *what);
/* Begins a transaction. flush: it is on disk when it ends; else only before whatever comes after.
 */
ts_err ts_sqlite_begin(struct ts_store *s, bool flush);
/* Ends the transaction that is open: commits it when err is TS_OK, else takes it back. */
ts_err ts_sqlite_end(struct ts_store *s, ts_err err);
/* The code for a failed call on db. */
ts_err ts_sqlite_err(sqlite3 *db, int rc);
/* Prepares all statements of both tables. */
int ts_sqlite_prepare(struct ts_store *s, sqlite3 **failed);
void ts_sqlite_finalize(struct ts_store *s);

/* Brings an open database of an older schema to this one, in one transaction. An SQLite result;
 * when it is not SQLITE_OK the database is as it was. */
int ts_sqlite_upgrade(sqlite3 *db, uint32_t version);
/* Makes an empty database at path, whole or not at all. */
ts_err ts_sqlite_create(const char *path, const ts_hash *genesis, const char *program, char *why,
                        size_t why_size);
/* One program per database: takes the lock file of path. TS_E_BUSY, TS_E_IO, TS_E_DISK_FULL. */
ts_err ts_sqlite_lock(const char *path, int *fd, char *why, size_t why_size);
/* Removes the lock file and lets go of the lock. */
void ts_sqlite_unlock(const char *path, int fd);

#endif
