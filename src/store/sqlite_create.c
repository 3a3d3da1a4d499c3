/* SPDX-License-Identifier: Apache-2.0 */
/* Making a database, and keeping it to one program at a time. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bodies stand apart from what changes and what is searched, so that a change of status writes one
 * small page, and an index on committed numbers alone says that no number has two of them. The
 * index of transactions is told of in sqlite_runs.c; its entries point at rows of batch, so that
 * one left behind by a batch that is no longer committed finds nothing. */
#define MERGE_TABLE                                                                                \
    "CREATE TABLE merge(one INTEGER PRIMARY KEY CHECK(one = 1), level INTEGER NOT NULL,"           \
    " first INTEGER NOT NULL, last INTEGER NOT NULL, target INTEGER NOT NULL,"                     \
    " dropping INTEGER NOT NULL, window INTEGER NOT NULL) STRICT;"
/* By number first, so that blocks are appended to the index; reorgs may leave several of a number.
 */
#define L1_TABLE                                                                                   \
    "CREATE TABLE l1(number INTEGER NOT NULL, hash BLOB NOT NULL CHECK(length(hash) = 32),"        \
    " header BLOB NOT NULL, UNIQUE(number, hash)) STRICT;"
#define ROLLUP_TABLE                                                                               \
    "CREATE TABLE rollup(last INTEGER PRIMARY KEY, first INTEGER NOT NULL, data BLOB NOT NULL)"    \
    " STRICT;"
static const char schema[] =
    "CREATE TABLE info(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE batch(id INTEGER PRIMARY KEY, number INTEGER NOT NULL CHECK(number > 0),"
    " hash BLOB NOT NULL CHECK(length(hash) = 32),"
    " status INTEGER NOT NULL CHECK(status IN (1, 2, 3))) STRICT;"
    "CREATE UNIQUE INDEX batch_hash ON batch(hash);"
    "CREATE UNIQUE INDEX batch_committed ON batch(number) WHERE status = 2;"
    "CREATE INDEX batch_prepared ON batch(number) WHERE status = 1;"
    "CREATE INDEX batch_discarded ON batch(number) WHERE status = 3;"
    "CREATE TABLE body(id INTEGER PRIMARY KEY, raw BLOB NOT NULL) STRICT;"
    "CREATE TABLE tx(run INTEGER NOT NULL, key BLOB NOT NULL CHECK(length(key) = 16),"
    " batch INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(run, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
    "CREATE TABLE pool(seq INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32),"
    " sender BLOB NOT NULL CHECK(length(sender) = 20), nonce INTEGER NOT NULL, raw BLOB NOT NULL)"
    " STRICT;"
    "CREATE TABLE rejected(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE"
    " CHECK(length(hash) = 32), number INTEGER NOT NULL, code INTEGER NOT NULL, why TEXT NOT NULL)"
    " STRICT;"
    "CREATE TABLE evidence(seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE"
    " CHECK(length(id) = 32), data BLOB NOT NULL) STRICT;" MERGE_TABLE L1_TABLE ROLLUP_TABLE;

int ts_sqlite_upgrade(sqlite3 *db, uint32_t version)
{
    /* Schema 1 had no merges: every run of it is one that merges may begin with. Schema 2 knew no
     * L1, schema 3 no rollups. */
    static const char *const from[TS_SQLITE_SCHEMA] = {
        [1] =
            "BEGIN IMMEDIATE;" MERGE_TABLE L1_TABLE ROLLUP_TABLE "PRAGMA user_version = 4; COMMIT;",
        [2] = "BEGIN IMMEDIATE;" L1_TABLE ROLLUP_TABLE "PRAGMA user_version = 4; COMMIT;",
        [3] = "BEGIN IMMEDIATE;" ROLLUP_TABLE "PRAGMA user_version = 4; COMMIT;",
    };
    return version < TS_SQLITE_SCHEMA && from[version] != NULL
               ? sqlite3_exec(db, from[version], NULL, NULL, NULL)
               : SQLITE_OK;
}

static ts_err errno_err(int e)
{
    return e == ENOSPC || e == EDQUOT || e == EFBIG ? TS_E_DISK_FULL : TS_E_IO;
}

static int put_info(sqlite3 *db, const char *key, const void *p, size_t n)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "INSERT INTO info VALUES(?1, ?2)", -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    (void)sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    (void)sqlite3_bind_blob64(st, 2, p, n, SQLITE_STATIC);
    rc = sqlite3_step(st);
    (void)sqlite3_finalize(st);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int fill(sqlite3 *db, const ts_hash *genesis, const char *program)
{
    char pragmas[128];
    (void)snprintf(pragmas, sizeof(pragmas),
                   "PRAGMA page_size = 4096; PRAGMA application_id = %d; PRAGMA user_version = %d;",
                   TS_SQLITE_APPLICATION_ID, TS_SQLITE_SCHEMA);
    int rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, schema, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = put_info(db, "genesis", genesis->b, sizeof(genesis->b));
    if (rc == SQLITE_OK)
        rc = put_info(db, "program", program, strlen(program));
    return rc;
}

/* Flushes the directory that holds path, so that the name in it is durable. */
static ts_err sync_directory(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return TS_E_NOMEM;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0)
        return TS_E_IO;
    ts_err err = fsync(fd) == 0 ? TS_OK : errno_err(errno);
    (void)close(fd);
    return err;
}

static ts_err make(const char *temp, const ts_hash *genesis, const char *program, char *why,
                   size_t why_size)
{
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(temp, &db, flags, NULL);
    if (rc == SQLITE_OK)
        rc = fill(db, genesis, program);
    ts_err err = TS_OK;
    if (rc != SQLITE_OK) {
        err = ts_sqlite_err(db, rc);
        (void)snprintf(why, why_size, "%s cannot be made: %s", temp,
                       db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    }
    (void)sqlite3_close(db);
    return err;
}

ts_err ts_sqlite_create(const char *path, const ts_hash *genesis, const char *program, char *why,
                        size_t why_size)
{
    char temp[PATH_MAX];
    int n = snprintf(temp, sizeof(temp), "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof(temp)) {
        (void)snprintf(why, why_size, "the path of the database is too long");
        return TS_E_IO;
    }
    (void)unlink(temp); /* of an attempt that was cut off */
    ts_err err = make(temp, genesis, program, why, why_size);
    if (err == TS_OK && rename(temp, path) != 0) {
        err = errno_err(errno);
        (void)snprintf(why, why_size, "%s cannot be made: %s", path, strerror(errno));
    }
    if (err != TS_OK) {
        (void)unlink(temp);
        return err;
    }
    err = sync_directory(path);
    if (err != TS_OK)
        (void)snprintf(why, why_size, "the directory of %s cannot be flushed to disk", path);
    return err;
}

static ts_err lock_name(const char *path, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s.lock", path);
    return n > 0 && n < PATH_MAX ? TS_OK : TS_E_IO;
}

/* Says who holds the lock, as far as the file tells. */
static void name_holder(int fd, const char *path, char *why, size_t why_size)
{
    char pid[16] = "";
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    (void)snprintf(why, why_size, "%s is in use by another process%s%s", path,
                   pid[0] != '\0' ? ", pid " : "", pid);
}

/* True when fd still is the file that name names: else its holder removed it before we locked it.
 */
static bool is_current(int fd, const char *name)
{
    struct stat ours;
    struct stat named;
    return fstat(fd, &ours) == 0 && stat(name, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

static void write_pid(int fd)
{
    char pid[16];
    int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    /* For a sentence only: a full disk must not keep the database from being opened. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
        return;
}

ts_err ts_sqlite_lock(const char *path, int *fd, char *why, size_t why_size)
{
    char name[PATH_MAX];
    ts_err err = lock_name(path, name);
    if (err != TS_OK) {
        (void)snprintf(why, why_size, "the path of the database is too long");
        return err;
    }
    for (;;) {
        int got = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (got < 0) {
            err = errno_err(errno);
            (void)snprintf(why, why_size, "%s cannot be opened: %s", name, strerror(errno));
            return err;
        }
        if (flock(got, LOCK_EX | LOCK_NB) != 0) {
            name_holder(got, path, why, why_size);
            (void)close(got);
            return TS_E_BUSY;
        }
        if (is_current(got, name)) {
            write_pid(got);
            *fd = got;
            return TS_OK;
        }
        (void)close(got);
    }
}

void ts_sqlite_unlock(const char *path, int fd)
{
    char name[PATH_MAX];
    if (lock_name(path, name) == TS_OK)
        (void)unlink(name);
    (void)close(fd);
}
