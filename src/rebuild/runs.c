/* SPDX-License-Identifier: Apache-2.0 */
#include "rebuild/runs.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define ENTRY    40u
#define ITEM_MAX (32u * 1024 * 1024)

static void put_be64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * (7 - i)));
}

static uint64_t get_be64(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static uint64_t first_of(uint64_t number)
{
    return (number - 1) / TS_RUN_BATCHES * TS_RUN_BATCHES + 1;
}

/* The path of a file of the run that begins with first. */
static const char *path_of(const struct ts_runs *r, uint64_t first, const char *end, char out[600])
{
    int n = snprintf(out, 600, "%s/%010" PRIu64 ".%s", r->dir, first, end);
    TS_CHECK(n > 0 && n < 600);
    return out;
}

static ts_err fail(struct ts_runs *r, ts_err err, const char *what, const char *path)
{
    if (err == TS_E_IO)
        (void)snprintf(r->why, sizeof(r->why), "%s %s: %s", what, path, strerror(errno));
    else
        (void)snprintf(r->why, sizeof(r->why), "%s %s", what, path);
    return err;
}

static ts_err start(struct ts_runs *r, const char *dir, bool writes)
{
    *r = (struct ts_runs){.writes = writes};
    if (snprintf(r->dir, sizeof(r->dir), "%s", dir) >= (int)sizeof(r->dir)) {
        errno = ENAMETOOLONG;
        return fail(r, TS_E_IO, "cannot use", dir);
    }
    if (writes && mkdir(dir, 0777) != 0 && errno != EEXIST)
        return fail(r, TS_E_IO, "cannot make", dir);
    return TS_OK;
}

/* The pair of files of the run that begins with first. */
static ts_err open_run(struct ts_runs *r, uint64_t first, const char *mode)
{
    char path[600];
    r->data = fopen(path_of(r, first, "rlp", path), mode);
    if (r->data == NULL)
        return fail(r, TS_E_IO, "cannot open", path);
    r->index = fopen(path_of(r, first, "idx", path), mode);
    return r->index != NULL ? TS_OK : fail(r, TS_E_IO, "cannot open", path);
}

static ts_err close_run(struct ts_runs *r)
{
    bool ok = r->data == NULL || fclose(r->data) == 0;
    int failed = errno;
    ok = (r->index == NULL || fclose(r->index) == 0) && ok;
    r->data = r->index = NULL;
    if (ok)
        return TS_OK;
    errno = failed;
    return fail(r, TS_E_IO, "cannot write in", r->dir);
}

/* Where the item that index points at, k entries into the run, ends. */
static ts_err read_entry(struct ts_runs *r, uint64_t *end, ts_hash *hash)
{
    uint8_t entry[ENTRY];
    if (fread(entry, 1, sizeof(entry), r->index) != sizeof(entry))
        return fail(r, TS_E_CORRUPT, "an index ends too early in", r->dir);
    *end = get_be64(entry);
    memcpy(hash->b, entry + 8, sizeof(hash->b));
    return TS_OK;
}

static ts_err cut(struct ts_runs *r, FILE *f, uint64_t size)
{
    struct stat st;
    if (fstat(fileno(f), &st) != 0)
        return fail(r, TS_E_IO, "cannot look at a file in", r->dir);
    if ((uint64_t)st.st_size < size)
        return fail(r, TS_E_CORRUPT, "a file is too short in", r->dir);
    if (ftruncate(fileno(f), (off_t)size) != 0 || fseeko(f, (off_t)size, SEEK_SET) != 0)
        return fail(r, TS_E_IO, "cannot cut a file in", r->dir);
    return TS_OK;
}

/* The run that last is in, ready for what comes behind it. */
static ts_err reopen(struct ts_runs *r, uint64_t last)
{
    ts_hash hash;
    uint64_t n = last - first_of(last) + 1;
    ts_err err = open_run(r, first_of(last), "r+e");
    if (err != TS_OK)
        return err;
    if (fseeko(r->index, (off_t)((n - 1) * ENTRY), SEEK_SET) != 0)
        return fail(r, TS_E_IO, "cannot read an index in", r->dir);
    err = read_entry(r, &r->end, &hash);
    if (err == TS_OK)
        err = cut(r, r->index, n * ENTRY);
    return err == TS_OK ? cut(r, r->data, r->end) : err;
}

/* Runs behind the one that last is in. */
static ts_err remove_later(struct ts_runs *r, uint64_t last)
{
    char path[600];
    uint64_t first = last == 0 ? 1 : first_of(last) + TS_RUN_BATCHES;
    for (;; first += TS_RUN_BATCHES) {
        bool none = unlink(path_of(r, first, "idx", path)) != 0 && errno == ENOENT;
        if (unlink(path_of(r, first, "rlp", path)) != 0 && errno != ENOENT)
            return fail(r, TS_E_IO, "cannot take away", path);
        if (none)
            return TS_OK;
    }
}

ts_err ts_runs_append(struct ts_runs *r, const char *dir, uint64_t last)
{
    ts_err err = start(r, dir, true);
    if (err != TS_OK)
        return err;
    r->next = last + 1;
    err = remove_later(r, last);
    if (err == TS_OK && last % TS_RUN_BATCHES != 0)
        err = reopen(r, last);
    if (err != TS_OK)
        ts_runs_close(r);
    return err;
}

/* Behind the items of the run before first. */
static ts_err skip(struct ts_runs *r, uint64_t first)
{
    ts_hash hash;
    ts_err err = open_run(r, first_of(first), "re");
    uint64_t before = first - first_of(first);
    if (err != TS_OK || before == 0)
        return err;
    if (fseeko(r->index, (off_t)((before - 1) * ENTRY), SEEK_SET) != 0)
        return fail(r, TS_E_IO, "cannot read an index in", r->dir);
    err = read_entry(r, &r->end, &hash);
    if (err == TS_OK && fseeko(r->data, (off_t)r->end, SEEK_SET) != 0)
        err = fail(r, TS_E_IO, "cannot read a file in", r->dir);
    return err;
}

ts_err ts_runs_read(struct ts_runs *r, const char *dir, uint64_t first)
{
    ts_err err = start(r, dir, false);
    if (err != TS_OK)
        return err;
    r->next = first;
    if ((first - 1) % TS_RUN_BATCHES != 0)
        err = skip(r, first);
    if (err != TS_OK)
        ts_runs_close(r);
    return err;
}

/* At the first batch of a run. */
static ts_err next_run(struct ts_runs *r)
{
    if ((r->next - 1) % TS_RUN_BATCHES != 0)
        return TS_OK;
    ts_err err = r->writes && r->data != NULL ? ts_runs_sync(r) : TS_OK;
    if (err == TS_OK)
        err = close_run(r);
    r->end = 0;
    return err == TS_OK ? open_run(r, r->next, r->writes ? "we" : "re") : err;
}

ts_err ts_runs_put(struct ts_runs *r, const ts_hash *hash, ts_bytes item)
{
    uint8_t entry[ENTRY];
    ts_err err = next_run(r);
    if (err != TS_OK)
        return err;
    r->end += item.n;
    put_be64(entry, r->end);
    memcpy(entry + 8, hash->b, sizeof(hash->b));
    if (fwrite(item.p, 1, item.n, r->data) != item.n ||
        fwrite(entry, 1, sizeof(entry), r->index) != sizeof(entry))
        return fail(r, TS_E_IO, "cannot write in", r->dir);
    r->next++;
    return TS_OK;
}

ts_err ts_runs_get(struct ts_runs *r, ts_hash *hash, struct ts_buf *item)
{
    uint64_t end = 0;
    ts_err err = next_run(r);
    if (err == TS_OK)
        err = read_entry(r, &end, hash);
    if (err != TS_OK)
        return err;
    if (end < r->end || end - r->end > ITEM_MAX)
        return fail(r, TS_E_CORRUPT, "an index makes no sense in", r->dir);
    ts_buf_reset(item);
    uint8_t *p = ts_buf_extend(item, (size_t)(end - r->end));
    if (p == NULL)
        return item->err;
    if (fread(p, 1, item->n, r->data) != item->n)
        return fail(r, TS_E_CORRUPT, "a file ends too early in", r->dir);
    r->end = end;
    r->next++;
    return TS_OK;
}

static bool sync_file(FILE *f)
{
    return f == NULL || (fflush(f) == 0 && fsync(fileno(f)) == 0);
}

ts_err ts_runs_sync(struct ts_runs *r)
{
    if (sync_file(r->data) && sync_file(r->index))
        return TS_OK;
    return fail(r, TS_E_IO, "cannot write in", r->dir);
}

void ts_runs_close(struct ts_runs *r)
{
    (void)close_run(r);
}
