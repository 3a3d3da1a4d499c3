/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing: whose database it is, and the three connections to it. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define HEADER_SIZE       100 /* of an SQLite file, https://sqlite.org/fileformat.html */
#define USER_VERSION_AT   60
#define APPLICATION_ID_AT 68

/* How long to wait for a foreign reader or writer, such as a backup by the sqlite3 shell. */
#define BUSY_MS 2000

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Whether the file is ours, by its first bytes: SQLite itself would make files beside it. */
static ts_err check_header(const char *path, const uint8_t *h, size_t n, char *why, size_t why_size)
{
    if (n < HEADER_SIZE || memcmp(h, "SQLite format 3", 16) != 0) {
        (void)snprintf(why, why_size, "%s is not a database", path);
        return TS_E_FOREIGN;
    }
    if (be32(h + APPLICATION_ID_AT) != TS_SQLITE_APPLICATION_ID) {
        (void)snprintf(why, why_size, "%s is a database of another application", path);
        return TS_E_FOREIGN;
    }
    uint32_t version = be32(h + USER_VERSION_AT);
    if (version == 0 || version > TS_SQLITE_SCHEMA) {
        (void)snprintf(why, why_size,
                       "%s has schema %u, and this program knows none newer than %d: it was made "
                       "by a newer version",
                       path, (unsigned)version, TS_SQLITE_SCHEMA);
        return TS_E_VERSION;
    }
    return TS_OK;
}

static int user_version(void *ctx, int n, char **values, char **names)
{
    (void)n;
    (void)names;
    *(uint32_t *)ctx = values[0] != NULL ? (uint32_t)strtoul(values[0], NULL, 10) : 0;
    return 0;
}

static int upgrade(sqlite3 *db)
{
    uint32_t version = 0;
    int rc = sqlite3_exec(db, "PRAGMA user_version", user_version, &version, NULL);
    return rc == SQLITE_OK ? ts_sqlite_upgrade(db, version) : rc;
}

/* *exists: there is something in the file, and it is ours. */
static ts_err look(const char *path, bool *exists, char *why, size_t why_size)
{
    *exists = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return TS_OK;
    if (fd < 0) {
        (void)snprintf(why, why_size, "%s cannot be opened: %s", path, strerror(errno));
        return TS_E_IO;
    }
    uint8_t header[HEADER_SIZE];
    ssize_t n = pread(fd, header, sizeof(header), 0);
    int e = errno;
    (void)close(fd);
    if (n < 0) {
        (void)snprintf(why, why_size, "%s cannot be read: %s", path, strerror(e));
        return e == EISDIR ? TS_E_FOREIGN : TS_E_IO;
    }
    *exists = n > 0;
    return *exists ? check_header(path, header, (size_t)n, why, why_size) : TS_OK;
}

static int on_log(void *ctx, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    atomic_store((atomic_size_t *)ctx, (size_t)pages);
    return SQLITE_OK;
}

/* The only answer to the pragmas of a connection that says "wal" is that of journal_mode. */
static int on_pragma(void *ctx, int n, char **values, char **names)
{
    (void)names;
    if (n == 1 && values[0] != NULL && strcmp(values[0], "wal") == 0)
        *(bool *)ctx = true;
    return 0;
}

static int connect_one(const char *path, int cache_kib, sqlite3 **out)
{
    int rc = sqlite3_open_v2(path, out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return rc;
    (void)sqlite3_extended_result_codes(*out, 1);
    (void)sqlite3_busy_timeout(*out, BUSY_MS);
    char pragmas[256];
    (void)snprintf(pragmas, sizeof(pragmas),
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -%d;"
                   "PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 0;"
                   "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
                   cache_kib);
    bool is_wal = false;
    rc = sqlite3_exec(*out, pragmas, on_pragma, &is_wal, NULL);
    return rc == SQLITE_OK && !is_wal ? SQLITE_CANTOPEN : rc;
}

static ts_err failed(struct ts_store *s, sqlite3 *db, int rc, char *why, size_t why_size)
{
    ts_err err = ts_sqlite_err(db, rc);
    /* A missing table or column: the header is ours, the rest is not. */
    if ((rc & 0xff) == SQLITE_ERROR || (rc & 0xff) == SQLITE_NOTADB)
        err = TS_E_CORRUPT;
    const char *what = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    if (err == TS_E_CORRUPT)
        (void)snprintf(why, why_size, "%s is damaged: %s", s->path, what);
    else if (err == TS_E_BUSY)
        (void)snprintf(why, why_size, "%s is in use by another process", s->path);
    else
        (void)snprintf(why, why_size, "%s cannot be opened: %s", s->path, what);
    return err;
}

static ts_err connect_all(struct ts_store *s, char *why, size_t why_size)
{
    struct {
        sqlite3 **db;
        int cache_kib;
    } conn[] = {{&s->write, 8192}, {&s->read, 4096}, {&s->checkpoint, 64}};
    for (size_t i = 0; i < TS_COUNT(conn); i++) {
        int rc = connect_one(s->path, conn[i].cache_kib, conn[i].db);
        if (rc != SQLITE_OK)
            return failed(s, *conn[i].db, rc, why, why_size);
    }
    (void)sqlite3_wal_hook(s->write, on_log, &s->log_pages);
    return TS_OK;
}

/* Only once it is known to be ours: another's database is left as it is. */
static ts_err prepare(struct ts_store *s, char *why, size_t why_size)
{
    int rc = upgrade(s->write);
    if (rc != SQLITE_OK)
        return failed(s, s->write, rc, why, why_size);
    sqlite3 *db = NULL;
    rc = ts_sqlite_prepare(s, &db);
    return rc == SQLITE_OK ? TS_OK : failed(s, db, rc, why, why_size);
}

/* The value of key in info equals n bytes at p; else what stands there is in seen, cut to its size.
 */
static int same_info(sqlite3 *db, const char *key, const void *p, size_t n, bool *same, char *seen,
                     size_t seen_size)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT value FROM info WHERE key = ?1", -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    (void)sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        size_t got = (size_t)sqlite3_column_bytes(st, 0);
        const void *value = sqlite3_column_blob(st, 0);
        *same = got == n && (n == 0 || memcmp(value, p, n) == 0);
        size_t cut = got < seen_size - 1 ? got : seen_size - 1;
        if (cut != 0)
            memcpy(seen, value, cut);
        seen[cut] = '\0';
        rc = SQLITE_OK;
    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_CORRUPT; /* ours by its header, and made in one piece */
    }
    (void)sqlite3_finalize(st);
    return rc;
}

static ts_err check_owner(struct ts_store *s, const ts_hash *genesis, const char *program,
                          char *why, size_t why_size)
{
    bool same = false;
    char seen[sizeof(genesis->b) + 1];
    int rc = same_info(s->read, "program", program, strlen(program), &same, seen, sizeof(seen));
    if (rc != SQLITE_OK)
        return failed(s, s->read, rc, why, why_size);
    if (!same) {
        (void)snprintf(why, why_size, "%s is the database of a %.16s, not of a %s", s->path, seen,
                       program);
        return TS_E_FOREIGN;
    }
    rc = same_info(s->read, "genesis", genesis->b, sizeof(genesis->b), &same, seen, sizeof(seen));
    if (rc != SQLITE_OK)
        return failed(s, s->read, rc, why, why_size);
    if (!same) {
        char theirs[TS_HASH_HEX_SIZE];
        char ours[TS_HASH_HEX_SIZE];
        (void)snprintf(why, why_size, "%s belongs to another network: its genesis is %s, not %s",
                       s->path, ts_hex(seen, sizeof(genesis->b), theirs),
                       ts_hex(genesis->b, sizeof(genesis->b), ours));
        return TS_E_FOREIGN;
    }
    return TS_OK;
}

/* The newest batch can be read: a cheap sign that the file is whole. */
static bool stop_at_first(void *ctx, const struct ts_store_batch *b)
{
    *(bool *)ctx = b->raw.n > 0;
    return false;
}

static ts_err check_head(struct ts_store *s, char *why, size_t why_size)
{
    uint64_t number = 0;
    ts_hash hash;
    ts_err err = ts_store_head(s, &number, &hash);
    if (err == TS_E_NOT_FOUND)
        return TS_OK;
    bool whole = false;
    if (err == TS_OK)
        err = ts_store_committed(s, number, 1, stop_at_first, &whole);
    if (err == TS_OK && !whole)
        err = TS_E_CORRUPT;
    if (err != TS_OK)
        (void)snprintf(why, why_size, "%s is damaged: its newest batch cannot be read", s->path);
    return err;
}

static ts_err open_index(struct ts_store *s, char *why, size_t why_size)
{
    ts_err err = ts_sqlite_index_open(s);
    if (err != TS_OK)
        (void)snprintf(why, why_size, "%s is damaged: the index of transactions cannot be read",
                       s->path);
    return err;
}

static ts_err open_locked(struct ts_store *s, const ts_hash *genesis, const char *program,
                          char *why, size_t why_size)
{
    bool exists = false;
    ts_err err = look(s->path, &exists, why, why_size);
    if (err == TS_OK && !exists)
        err = ts_sqlite_create(s->path, genesis, program, why, why_size);
    if (err == TS_OK)
        err = connect_all(s, why, why_size);
    if (err == TS_OK)
        err = check_owner(s, genesis, program, why, why_size);
    if (err == TS_OK)
        err = prepare(s, why, why_size);
    if (err == TS_OK)
        err = check_head(s, why, why_size);
    if (err == TS_OK)
        err = open_index(s, why, why_size);
    return err;
}

ts_err ts_store_open(const char *path, const ts_hash *genesis, const char *program,
                     struct ts_store **out, char *why, size_t why_size)
{
    TS_CHECK(path != NULL && genesis != NULL && program != NULL && why_size > 0);
    why[0] = '\0';
    struct ts_store *s = calloc(1, sizeof(*s));
    if (s != NULL) {
        s->lock_fd = -1;
        s->path = strdup(path);
        s->index.run = TS_SQLITE_RUN;
        (void)pthread_mutex_init(&s->index.lock, NULL);
    }
    if (s == NULL || s->path == NULL) {
        (void)snprintf(why, why_size, "out of memory");
        free(s);
        return TS_E_NOMEM;
    }
    ts_err err = ts_sqlite_lock(path, &s->lock_fd, why, why_size);
    if (err == TS_OK)
        err = open_locked(s, genesis, program, why, why_size);
    if (err != TS_OK) {
        ts_store_close(s);
        return err;
    }
    *out = s;
    return TS_OK;
}

void ts_store_close(struct ts_store *s)
{
    if (s == NULL)
        return;
    ts_sqlite_finalize(s);
    (void)sqlite3_close(s->checkpoint);
    (void)sqlite3_close(s->read);
    (void)sqlite3_close(s->write);
    if (s->lock_fd >= 0)
        ts_sqlite_unlock(s->path, s->lock_fd);
    free(s->index.places);
    (void)pthread_mutex_destroy(&s->index.lock);
    free(s->path);
    free(s);
}
