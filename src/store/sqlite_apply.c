/* SPDX-License-Identifier: Apache-2.0 */
/* Durable steps: one SQLite transaction for each, or for a group of them. */
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Pages of log at which apply folds it in itself: 256 MiB, which only a store without a writer
 * thread, or a disk that cannot keep up, ever sees. */
#define LOG_PAGES_MAX 65536

static const char *const write_sql[W_COUNT] = {
    [W_BEGIN] = "BEGIN IMMEDIATE",
    [W_COMMIT] = "COMMIT",
    [W_ROLLBACK] = "ROLLBACK",
    [W_BATCH_FIND] = "SELECT id, number FROM batch WHERE hash = ?1",
    [W_BATCH_INSERT] = "INSERT INTO batch(number, hash, status) VALUES(?1, ?2, ?3)",
    [W_BATCH_STATUS] = "UPDATE batch SET status = ?2 WHERE id = ?1",
    [W_BODY_INSERT] = "INSERT INTO body(id, raw) VALUES(?1, ?2)",
    [W_TX_INDEX] = "INSERT OR REPLACE INTO tx(run, key, batch, at) VALUES(?1, ?2, ?3, ?4)",
    [W_MERGE_BEGIN] = "INSERT INTO merge VALUES(1, ?1, ?2, ?3, ?4, 0, 0)",
    [W_MERGE_STEP] = "UPDATE merge SET dropping = ?1, window = ?2",
    [W_MERGE_END] = "DELETE FROM merge",
    [W_MERGE_COPY] = ("INSERT OR REPLACE INTO tx SELECT ?1, key, batch, at FROM tx"
                      " WHERE run = ?2 AND key >= ?3 AND key < ?4 ORDER BY key"),
    [W_MERGE_DROP] = "DELETE FROM tx WHERE run = ?2 AND key >= ?3 AND key < ?4",
    [W_META] = ("INSERT INTO meta(key, value) VALUES(?1, ?2)"
                " ON CONFLICT(key) DO UPDATE SET value = excluded.value"),
    [W_POOL_INSERT] = ("INSERT OR REPLACE INTO pool(seq, hash, sender, nonce, raw)"
                       " SELECT ?1, ?2, ?3, ?4, ?5"
                       " WHERE NOT EXISTS (SELECT 1 FROM pool WHERE seq = ?1 AND hash <> ?2)"),
    [W_POOL_DROP] = "DELETE FROM pool WHERE hash = ?1",
    [W_REJECTED_INSERT] = ("INSERT OR REPLACE INTO rejected(hash, number, code, why)"
                           " VALUES(?1, ?2, ?3, ?4)"),
    [W_REJECTED_PRUNE] = "DELETE FROM rejected WHERE id <= ?1",
    [W_EVIDENCE] = "INSERT INTO evidence(id, data) VALUES(?1, ?2) ON CONFLICT(id) DO NOTHING",
    [W_L1] = ("INSERT INTO l1(number, hash, header) VALUES(?1, ?2, ?3)"
              " ON CONFLICT(number, hash) DO NOTHING"),
    [W_DISCARD] = "UPDATE batch SET status = 3 WHERE status = 2 AND number >= ?1",
    [W_ROLLUP] = "INSERT OR REPLACE INTO rollup(last, first, data) VALUES(?1, ?2, ?3)",
    [W_ROLLUPS_DROP] = "DELETE FROM rollup WHERE last >= ?1",
};

static const char *const read_sql[R_COUNT] = {
    [R_HEAD] = "SELECT number, hash FROM batch WHERE status = 2 ORDER BY number DESC LIMIT 1",
    [R_COMMITTED] = ("SELECT number, hash, status, raw FROM batch JOIN body USING(id)"
                     " WHERE status = 2 AND number >= ?1 ORDER BY number LIMIT ?2"),
    [R_BY_HASH] = "SELECT number, hash, status, raw FROM batch JOIN body USING(id) WHERE hash = ?1",
    [R_PREPARED] = ("SELECT number, hash, status, raw FROM batch JOIN body USING(id)"
                    " WHERE status = 1 ORDER BY number"),
    [R_DISCARDED] = ("SELECT number, hash, status, raw FROM batch JOIN body USING(id)"
                     " WHERE status = 3 AND number >= ?1 ORDER BY number"),
    [R_META] = "SELECT value FROM meta WHERE key = ?1",
    [R_POOL] = "SELECT seq, hash, sender, nonce, raw FROM pool ORDER BY seq",
    [R_FIND_TX] = ("SELECT number, at FROM tx JOIN batch ON batch.id = tx.batch"
                   " WHERE run = ?1 AND key = ?2 AND status = 2"),
    [R_FIRST_RUN] = "SELECT run FROM tx WHERE run >= ?1 ORDER BY run LIMIT 1",
    [R_LAST_RUN] = "SELECT run FROM tx WHERE run <= ?1 ORDER BY run DESC LIMIT 1",
    [R_MERGE] = "SELECT level, first, last, target, dropping, window FROM merge",
    [R_RUN_SIZE] = "SELECT count(*) FROM tx WHERE run = ?1",
    [R_REJECTED] = "SELECT number, code, why FROM rejected WHERE hash = ?1",
    [R_EVIDENCE] = "SELECT data FROM evidence WHERE id = ?1",
    [R_EACH_EVIDENCE] = "SELECT id, data FROM evidence ORDER BY seq",
    [R_L1] = "SELECT header FROM l1 WHERE hash = ?1 AND number = ?2",
    [R_ROLLUPS] = "SELECT first, last, data FROM rollup WHERE last >= ?1 ORDER BY last LIMIT ?2",
};

int ts_sqlite_prepare(struct ts_store *s, sqlite3 **failed)
{
    for (size_t i = 0; i < W_COUNT; i++) {
        int rc = sqlite3_prepare_v3(s->write, write_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->w[i],
                                    NULL);
        *failed = s->write;
        if (rc != SQLITE_OK)
            return rc;
    }
    for (size_t i = 0; i < R_COUNT; i++) {
        int rc =
            sqlite3_prepare_v3(s->read, read_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->r[i], NULL);
        *failed = s->read;
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

void ts_sqlite_finalize(struct ts_store *s)
{
    for (size_t i = 0; i < W_COUNT; i++)
        (void)sqlite3_finalize(s->w[i]);
    for (size_t i = 0; i < R_COUNT; i++)
        (void)sqlite3_finalize(s->r[i]);
}

/* The errno of the newest failed call on a file of db. SQLite itself says ENOSPC of most writes,
 * but not the other ways to be without room, and not of a flush. */
static bool file_is_full(sqlite3 *db, int which)
{
    sqlite3_file *file = NULL;
    int e = 0;
    if (sqlite3_file_control(db, "main", which, &file) != SQLITE_OK || file == NULL ||
        file->pMethods == NULL ||
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &e) != SQLITE_OK)
        return false;
    return e == ENOSPC || e == EDQUOT || e == EFBIG;
}

static bool is_full(sqlite3 *db)
{
    return db != NULL && (file_is_full(db, SQLITE_FCNTL_JOURNAL_POINTER) ||
                          file_is_full(db, SQLITE_FCNTL_FILE_POINTER));
}

ts_err ts_sqlite_err(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return TS_OK;
    case SQLITE_FULL:
        return TS_E_DISK_FULL;
    case SQLITE_IOERR:
        if ((rc & ~0xff) == (SQLITE_IOERR_NOMEM & ~0xff))
            return TS_E_NOMEM;
        if (rc == SQLITE_IOERR_SHORT_READ)
            return TS_E_CORRUPT;
        return is_full(db) ? TS_E_DISK_FULL : TS_E_IO;
    case SQLITE_NOMEM:
        return TS_E_NOMEM;
    case SQLITE_CONSTRAINT:
        return TS_E_CONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return TS_E_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return TS_E_CORRUPT;
    case SQLITE_TOOBIG:
        return TS_E_LIMIT;
    default:
        return TS_E_IO;
    }
}

/* ---- one operation --------------------------------------------------------------------------- */

ts_err ts_sqlite_fail(struct ts_store *s, ts_err err, const char *what)
{
    (void)snprintf(s->error, sizeof(s->error), "%s", what);
    return err;
}

/* Notes what SQLite says of a failure of the writing connection. */
static ts_err fail_sqlite(struct ts_store *s, int rc)
{
    ts_err err = ts_sqlite_err(s->write, rc);
    return ts_sqlite_fail(s, err,
                          err == TS_E_DISK_FULL ? ts_err_text(err) : sqlite3_errmsg(s->write));
}

/* Runs a statement whose parameters are bound, and forgets them. */
ts_err ts_sqlite_run(struct ts_store *s, enum ts_sqlite_write which)
{
    sqlite3_stmt *st = s->w[which];
    int rc = sqlite3_step(st);
    ts_err err = rc == SQLITE_DONE ? TS_OK : fail_sqlite(s, rc);
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return err;
}

static void bind_bytes(sqlite3_stmt *st, int at, const void *p, size_t n)
{
    /* A NULL pointer would bind NULL, which no column takes. */
    (void)sqlite3_bind_blob64(st, at, n != 0 ? p : "", n, SQLITE_STATIC);
}

static void bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{
    (void)sqlite3_bind_int64(st, at, (sqlite3_int64)v);
}

/* The row of a batch; *id 0: there is none. */
static ts_err find_batch(struct ts_store *s, const struct ts_store_op *op, sqlite3_int64 *id)
{
    sqlite3_stmt *st = s->w[W_BATCH_FIND];
    bind_bytes(st, 1, op->hash.b, sizeof(op->hash.b));
    int rc = sqlite3_step(st);
    *id = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    bool other = rc == SQLITE_ROW && (uint64_t)sqlite3_column_int64(st, 1) != op->number;
    ts_err err = rc == SQLITE_ROW || rc == SQLITE_DONE ? TS_OK : fail_sqlite(s, rc);
    (void)sqlite3_reset(st);
    if (err == TS_OK && other)
        return ts_sqlite_fail(s, TS_E_CONFLICT, "the batch is stored under another number");
    return err;
}

static ts_err update_status(struct ts_store *s, const struct ts_store_op *op, sqlite3_int64 id)
{
    (void)sqlite3_bind_int64(s->w[W_BATCH_STATUS], 1, id);
    (void)sqlite3_bind_int(s->w[W_BATCH_STATUS], 2, (int)op->status);
    ts_err err = ts_sqlite_run(s, W_BATCH_STATUS);
    return err == TS_OK && op->status == TS_BATCH_COMMITTED ? ts_sqlite_index_add(s, op, id) : err;
}

static ts_err set_status(struct ts_store *s, const struct ts_store_op *op)
{
    sqlite3_int64 id = 0;
    ts_err err = find_batch(s, op, &id);
    if (err == TS_OK && id == 0)
        return ts_sqlite_fail(s, TS_E_NOT_FOUND, "the batch whose status is set is not stored");
    return err == TS_OK ? update_status(s, op, id) : err;
}

static ts_err put_batch(struct ts_store *s, const struct ts_store_op *op)
{
    sqlite3_int64 id = 0;
    ts_err err = find_batch(s, op, &id);
    if (err != TS_OK)
        return err;
    if (id != 0)
        return update_status(s, op, id);
    sqlite3_stmt *st = s->w[W_BATCH_INSERT];
    bind_u64(st, 1, op->number);
    bind_bytes(st, 2, op->hash.b, sizeof(op->hash.b));
    (void)sqlite3_bind_int(st, 3, (int)op->status);
    err = ts_sqlite_run(s, W_BATCH_INSERT);
    if (err != TS_OK)
        return err;
    id = sqlite3_last_insert_rowid(s->write);
    (void)sqlite3_bind_int64(s->w[W_BODY_INSERT], 1, id);
    bind_bytes(s->w[W_BODY_INSERT], 2, op->data.p, op->data.n);
    err = ts_sqlite_run(s, W_BODY_INSERT);
    return err == TS_OK && op->status == TS_BATCH_COMMITTED ? ts_sqlite_index_add(s, op, id) : err;
}

static ts_err put_tx(struct ts_store *s, const struct ts_store_op *op)
{
    sqlite3_stmt *st = s->w[W_POOL_INSERT];
    bind_u64(st, 1, op->seq);
    bind_bytes(st, 2, op->hash.b, sizeof(op->hash.b));
    bind_bytes(st, 3, op->sender.b, sizeof(op->sender.b));
    bind_u64(st, 4, op->nonce); /* all 64 bits: it is kept, never compared */
    bind_bytes(st, 5, op->data.p, op->data.n);
    ts_err err = ts_sqlite_run(s, W_POOL_INSERT);
    if (err == TS_OK && sqlite3_changes(s->write) == 0)
        return ts_sqlite_fail(s, TS_E_CONFLICT, "another transaction has this place in the pool");
    return err;
}

static ts_err put_rejected(struct ts_store *s, const struct ts_store_op *op)
{
    sqlite3_stmt *st = s->w[W_REJECTED_INSERT];
    bind_bytes(st, 1, op->hash.b, sizeof(op->hash.b));
    bind_u64(st, 2, op->number);
    (void)sqlite3_bind_int(st, 3, (int)op->code);
    (void)sqlite3_bind_text(st, 4, op->text != NULL ? op->text : "", -1, SQLITE_STATIC);
    ts_err err = ts_sqlite_run(s, W_REJECTED_INSERT);
    sqlite3_int64 oldest = sqlite3_last_insert_rowid(s->write) - TS_STORE_MAX_REJECTED;
    if (err != TS_OK || oldest <= 0)
        return err;
    (void)sqlite3_bind_int64(s->w[W_REJECTED_PRUNE], 1, oldest);
    return ts_sqlite_run(s, W_REJECTED_PRUNE);
}

static ts_err apply_op(struct ts_store *s, const struct ts_store_op *op)
{
    if (op->number > INT64_MAX || op->seq > INT64_MAX)
        return ts_sqlite_fail(s, TS_E_RANGE, "a number is 2^63 or more");
    switch (op->kind) {
    case TS_OP_PUT_BATCH:
    case TS_OP_SET_STATUS:
        if (op->number == 0)
            return ts_sqlite_fail(s, TS_E_RANGE, "batch 0 is the genesis and is not stored");
        return op->kind == TS_OP_PUT_BATCH ? put_batch(s, op) : set_status(s, op);
    case TS_OP_PUT_META:
        (void)sqlite3_bind_text(s->w[W_META], 1, op->key, -1, SQLITE_STATIC);
        bind_bytes(s->w[W_META], 2, op->data.p, op->data.n);
        return ts_sqlite_run(s, W_META);
    case TS_OP_PUT_TX:
        return put_tx(s, op);
    case TS_OP_DROP_TX:
        bind_bytes(s->w[W_POOL_DROP], 1, op->hash.b, sizeof(op->hash.b));
        return ts_sqlite_run(s, W_POOL_DROP);
    case TS_OP_PUT_REJECTED:
        return put_rejected(s, op);
    case TS_OP_PUT_EVIDENCE:
        bind_bytes(s->w[W_EVIDENCE], 1, op->hash.b, sizeof(op->hash.b));
        bind_bytes(s->w[W_EVIDENCE], 2, op->data.p, op->data.n);
        return ts_sqlite_run(s, W_EVIDENCE);
    case TS_OP_PUT_L1:
        bind_u64(s->w[W_L1], 1, op->number);
        bind_bytes(s->w[W_L1], 2, op->hash.b, sizeof(op->hash.b));
        bind_bytes(s->w[W_L1], 3, op->data.p, op->data.n);
        return ts_sqlite_run(s, W_L1);
    case TS_OP_DISCARD:
        bind_u64(s->w[W_DISCARD], 1, op->number);
        return ts_sqlite_run(s, W_DISCARD);
    case TS_OP_PUT_ROLLUP:
        bind_u64(s->w[W_ROLLUP], 1, op->number);
        bind_u64(s->w[W_ROLLUP], 2, op->seq);
        bind_bytes(s->w[W_ROLLUP], 3, op->data.p, op->data.n);
        return ts_sqlite_run(s, W_ROLLUP);
    case TS_OP_DROP_ROLLUPS:
        bind_u64(s->w[W_ROLLUPS_DROP], 1, op->number);
        return ts_sqlite_run(s, W_ROLLUPS_DROP);
    }
    TS_CHECK(!"an operation of a kind that is none");
    return TS_E_UNSUPPORTED;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void roll_back(struct ts_store *s)
{
    /* SQLite has rolled back by itself after some failures. */
    if (sqlite3_get_autocommit(s->write) != 0)
        return;
    (void)sqlite3_step(s->w[W_ROLLBACK]);
    (void)sqlite3_reset(s->w[W_ROLLBACK]);
    TS_CHECK(sqlite3_get_autocommit(s->write) != 0);
}

ts_err ts_sqlite_begin(struct ts_store *s, bool flush)
{
    if (flush == s->is_lax) {
        const char *level = flush ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
        int rc = sqlite3_exec(s->write, level, NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            return fail_sqlite(s, rc);
        s->is_lax = !flush;
    }
    return ts_sqlite_run(s, W_BEGIN);
}

ts_err ts_sqlite_end(struct ts_store *s, ts_err err)
{
    if (err == TS_OK)
        err = ts_sqlite_run(s, W_COMMIT);
    if (err != TS_OK)
        roll_back(s);
    return err;
}

/* All steps in one transaction, or TS_OK is not returned and nothing has changed. */
static ts_err apply_all(struct ts_store *s, const struct ts_store_step *steps, size_t n)
{
    ts_err err = ts_sqlite_begin(s, true);
    for (size_t i = 0; err == TS_OK && i < n; i++) {
        for (size_t j = 0; err == TS_OK && j < steps[i].n; j++)
            err = apply_op(s, &steps[i].ops[j]);
    }
    err = ts_sqlite_end(s, err);
    if (err != TS_OK)
        return err;
    if (ts_store_log_pages(s) > LOG_PAGES_MAX) {
        size_t left = 0;
        (void)ts_store_checkpoint_rest(s, &left); /* tried again after the next step */
    }
    return TS_OK;
}

ts_err ts_store_apply(struct ts_store *s, const struct ts_store_op *ops, size_t n)
{
    struct ts_store_step step = {.ops = ops, .n = n};
    return apply_all(s, &step, 1);
}

void ts_store_apply_group(struct ts_store *s, struct ts_store_step *steps, size_t n)
{
    bool together = n > 1 && apply_all(s, steps, n) == TS_OK;
    for (size_t i = 0; i < n; i++)
        steps[i].err = together ? TS_OK : apply_all(s, &steps[i], 1);
}

const char *ts_store_error(const struct ts_store *s)
{
    return s->error;
}

/* ---- the log --------------------------------------------------------------------------------- */

size_t ts_store_log_pages(const struct ts_store *s)
{
    return atomic_load(&s->log_pages);
}

static ts_err fold(sqlite3 *db, size_t *left)
{
    int in_log = 0;
    int done = 0;
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &done);
    if (rc != SQLITE_OK)
        return ts_sqlite_err(db, rc);
    *left = in_log > done ? (size_t)(in_log - done) : 0;
    return TS_OK;
}

ts_err ts_store_checkpoint(struct ts_store *s, size_t *left)
{
    return fold(s->checkpoint, left);
}

ts_err ts_store_checkpoint_rest(struct ts_store *s, size_t *left)
{
    ts_err err = fold(s->write, left);
    /* With nothing left the next step starts the log anew, and says how long it is then. */
    if (err == TS_OK && *left == 0)
        atomic_store(&s->log_pages, 0);
    return err;
}
