/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, each one statement on the reading connection. */
#include "store/sqlite.h"

#include <string.h>

#include "base/check.h"

static sqlite3_stmt *begin(struct ts_store *s, enum ts_sqlite_read which)
{
    TS_CHECK(!sqlite3_stmt_busy(s->r[which])); /* a callback calls its own function */
    return s->r[which];
}

/* Ends a statement: TS_OK at its end or when stopped, else what rc means. */
static ts_err end(struct ts_store *s, sqlite3_stmt *st, int rc)
{
    ts_err err = ts_sqlite_err(s->read, rc);
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return err;
}

static void bind_hash(sqlite3_stmt *st, const ts_hash *h)
{
    (void)sqlite3_bind_blob(st, 1, h->b, sizeof(h->b), SQLITE_STATIC);
}

static uint64_t column_u64(sqlite3_stmt *st, int at)
{
    return (uint64_t)sqlite3_column_int64(st, at);
}

static ts_bytes column_bytes(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);
    return ts_bytes_of(p, p != NULL ? (size_t)sqlite3_column_bytes(st, at) : 0);
}

/* False: the column does not hold n bytes, so the database is damaged. */
static bool column_fixed(sqlite3_stmt *st, int at, void *out, size_t n)
{
    ts_bytes b = column_bytes(st, at);
    if (b.n != n)
        return false;
    memcpy(out, b.p, n);
    return true;
}

ts_err ts_store_head(struct ts_store *s, uint64_t *number, ts_hash *hash)
{
    sqlite3_stmt *st = begin(s, R_HEAD);
    int rc = sqlite3_step(st);
    ts_err err = TS_E_NOT_FOUND;
    ts_hash h;
    if (rc == SQLITE_ROW && !column_fixed(st, 1, h.b, sizeof(h.b))) {
        err = TS_E_CORRUPT;
    } else if (rc == SQLITE_ROW) {
        err = TS_OK;
        *number = column_u64(st, 0);
        *hash = h;
    }
    ts_err ended = end(s, st, rc);
    return ended != TS_OK ? ended : err;
}

/* Rows of number, hash, status, raw. *n (may be NULL): how many there were. */
static ts_err each_batch(struct ts_store *s, sqlite3_stmt *st, ts_store_batch_fn fn, void *ctx,
                         size_t *n)
{
    size_t rows = 0;
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct ts_store_batch b = {.number = column_u64(st, 0),
                                   .status = (enum ts_batch_status)sqlite3_column_int(st, 2),
                                   .raw = column_bytes(st, 3)};
        if (!column_fixed(st, 1, b.hash.b, sizeof(b.hash.b))) {
            rc = SQLITE_CORRUPT;
            break;
        }
        rows++;
        if (!fn(ctx, &b))
            break;
    }
    if (n != NULL)
        *n = rows;
    return end(s, st, rc);
}

ts_err ts_store_committed(struct ts_store *s, uint64_t from, uint64_t count, ts_store_batch_fn fn,
                          void *ctx)
{
    if (from > INT64_MAX)
        return TS_OK;
    sqlite3_stmt *st = begin(s, R_COMMITTED);
    (void)sqlite3_bind_int64(st, 1, (sqlite3_int64)from);
    (void)sqlite3_bind_int64(st, 2, (sqlite3_int64)(count < INT64_MAX ? count : INT64_MAX));
    return each_batch(s, st, fn, ctx, NULL);
}

ts_err ts_store_by_hash(struct ts_store *s, const ts_hash *hash, ts_store_batch_fn fn, void *ctx)
{
    sqlite3_stmt *st = begin(s, R_BY_HASH);
    bind_hash(st, hash);
    size_t n = 0;
    ts_err err = each_batch(s, st, fn, ctx, &n);
    return err == TS_OK && n == 0 ? TS_E_NOT_FOUND : err;
}

ts_err ts_store_prepared(struct ts_store *s, ts_store_batch_fn fn, void *ctx)
{
    return each_batch(s, begin(s, R_PREPARED), fn, ctx, NULL);
}

ts_err ts_store_discarded(struct ts_store *s, uint64_t from, ts_store_batch_fn fn, void *ctx)
{
    if (from > INT64_MAX)
        return TS_OK;
    sqlite3_stmt *st = begin(s, R_DISCARDED);
    (void)sqlite3_bind_int64(st, 1, (sqlite3_int64)from);
    return each_batch(s, st, fn, ctx, NULL);
}

/* One row's first column, appended to out. */
static ts_err one_blob(struct ts_store *s, sqlite3_stmt *st, struct ts_buf *out)
{
    int rc = sqlite3_step(st);
    bool found = rc == SQLITE_ROW;
    if (found) {
        ts_bytes value = column_bytes(st, 0);
        ts_buf_put(out, value.p, value.n);
    }
    ts_err err = end(s, st, rc);
    if (err == TS_OK)
        err = found ? out->err : TS_E_NOT_FOUND;
    return err;
}

ts_err ts_store_meta(struct ts_store *s, const char *key, struct ts_buf *out)
{
    sqlite3_stmt *st = begin(s, R_META);
    (void)sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    return one_blob(s, st, out);
}

ts_err ts_store_pool(struct ts_store *s, ts_store_tx_fn fn, void *ctx)
{
    sqlite3_stmt *st = begin(s, R_POOL);
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct ts_store_tx t = {
            .seq = column_u64(st, 0), .nonce = column_u64(st, 3), .raw = column_bytes(st, 4)};
        if (!column_fixed(st, 1, t.hash.b, sizeof(t.hash.b)) ||
            !column_fixed(st, 2, t.sender.b, sizeof(t.sender.b))) {
            rc = SQLITE_CORRUPT;
            break;
        }
        if (!fn(ctx, &t))
            break;
    }
    return end(s, st, rc);
}

ts_err ts_store_rejected(struct ts_store *s, const ts_hash *hash, uint64_t *number, ts_err *code,
                         struct ts_buf *why)
{
    sqlite3_stmt *st = begin(s, R_REJECTED);
    bind_hash(st, hash);
    int rc = sqlite3_step(st);
    bool found = rc == SQLITE_ROW;
    if (found) {
        *number = column_u64(st, 0);
        *code = (ts_err)sqlite3_column_int(st, 1);
        ts_bytes text = column_bytes(st, 2);
        ts_buf_put(why, text.p, text.n);
    }
    ts_err err = end(s, st, rc);
    if (err == TS_OK)
        err = found ? why->err : TS_E_NOT_FOUND;
    return err;
}

ts_err ts_store_evidence(struct ts_store *s, const ts_hash *id, struct ts_buf *out)
{
    sqlite3_stmt *st = begin(s, R_EVIDENCE);
    bind_hash(st, id);
    return one_blob(s, st, out);
}

ts_err ts_store_l1_header(struct ts_store *s, uint64_t number, const ts_hash *hash,
                          struct ts_buf *out)
{
    if (number > INT64_MAX)
        return TS_E_NOT_FOUND;
    sqlite3_stmt *st = begin(s, R_L1);
    bind_hash(st, hash);
    (void)sqlite3_bind_int64(st, 2, (sqlite3_int64)number);
    return one_blob(s, st, out);
}

ts_err ts_store_rollups(struct ts_store *s, uint64_t from, uint64_t count, ts_store_rollup_fn fn,
                        void *ctx)
{
    if (from > INT64_MAX)
        return TS_OK;
    sqlite3_stmt *st = begin(s, R_ROLLUPS);
    (void)sqlite3_bind_int64(st, 1, (sqlite3_int64)from);
    (void)sqlite3_bind_int64(st, 2, (sqlite3_int64)(count < INT64_MAX ? count : INT64_MAX));
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW &&
           fn(ctx, column_u64(st, 0), column_u64(st, 1), column_bytes(st, 2)))
        continue;
    return end(s, st, rc);
}

ts_err ts_store_each_evidence(struct ts_store *s, ts_store_evidence_fn fn, void *ctx)
{
    sqlite3_stmt *st = begin(s, R_EACH_EVIDENCE);
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        ts_hash id;
        if (!column_fixed(st, 0, id.b, sizeof(id.b))) {
            rc = SQLITE_CORRUPT;
            break;
        }
        if (!fn(ctx, &id, column_bytes(st, 1)))
            break;
    }
    return end(s, st, rc);
}
