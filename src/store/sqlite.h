/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the SQLite store: what its files share. Not for others. */
#ifndef TS_STORE_SQLITE_H
#define TS_STORE_SQLITE_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "store/store.h"

#define TS_SQLITE_APPLICATION_ID 0x746e7371 /* "tnsq" */
#define TS_SQLITE_SCHEMA         1
#define TS_SQLITE_RUN            65536 /* entries after which the index of transactions begins a run */
#define TS_SQLITE_KEY            16    /* bytes of a hash in it */

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
    W_META,
    W_POOL_INSERT,
    W_POOL_DROP,
    W_REJECTED_INSERT,
    W_REJECTED_PRUNE,
    W_EVIDENCE,
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
    R_LAST_RUN,
    R_RUN_SIZE,
    R_REJECTED,
    R_EVIDENCE,
    R_EACH_EVIDENCE,
    R_COUNT
};

/* A transaction of a batch, for sorting by key. */
struct ts_sqlite_place {
    const ts_hash *hash;
    size_t at;
};

struct ts_store {
    sqlite3 *write;      /* the applying thread's */
    sqlite3 *read;       /* the reading thread's */
    sqlite3 *checkpoint; /* the checkpointing thread's */
    sqlite3_stmt *w[W_COUNT];
    sqlite3_stmt *r[R_COUNT];
    atomic_size_t log_pages;
    atomic_uint last_run; /* of the index of transactions */
    size_t run_size;      /* entries in it, or a few more; so too the next, the applying thread's */
    struct ts_sqlite_place *places; /* room for sorting a batch's transactions */
    size_t cap_places;
    int lock_fd; /* held as long as the store is open; -1: not yet */
    char *path;
    char error[256];
};

/* Finds where the index of transactions goes on. */
ts_err ts_sqlite_find_run(struct ts_store *s);
/* The code for a failed call on db. */
ts_err ts_sqlite_err(sqlite3 *db, int rc);
/* Prepares all statements of both tables. */
int ts_sqlite_prepare(struct ts_store *s, sqlite3 **failed);
void ts_sqlite_finalize(struct ts_store *s);

/* Makes an empty database at path, whole or not at all. */
ts_err ts_sqlite_create(const char *path, const ts_hash *genesis, const char *program, char *why,
                        size_t why_size);
/* One program per database: takes the lock file of path. TS_E_BUSY, TS_E_IO, TS_E_DISK_FULL. */
ts_err ts_sqlite_lock(const char *path, int *fd, char *why, size_t why_size);
/* Removes the lock file and lets go of the lock. */
void ts_sqlite_unlock(const char *path, int fd);

#endif
