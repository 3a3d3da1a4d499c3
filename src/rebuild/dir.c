/* SPDX-License-Identifier: Apache-2.0 */
#include "rebuild/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "chain/batch.h"
#include "crypto/keccak.h"

#define SAVE_MS   10000u
#define STATE_MAX (1024u * 1024 * 1024)

static const uint8_t state_magic[8] = {'t', 's', 'r', 'e', 'b', 'l', 'd', 1};
static const uint8_t fold_magic[8] = {'t', 's', 'r', 'e', 'p', 'a', 'y', 1};

static ts_err fail(struct ts_dir *d, ts_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static ts_err fail(struct ts_dir *d, ts_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(d->why, sizeof(d->why), format, args);
    va_end(args);
    return err;
}

static const char *path_of(const struct ts_dir *d, const char *name, char out[512])
{
    int n = snprintf(out, 512, "%s/%s", d->path, name);
    TS_CHECK(n > 0 && n < 512);
    return out;
}

static uint64_t mono_ms(void)
{
    struct timespec t;
    TS_CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- files ---- */

static bool write_all(const char *path, ts_bytes b)
{
    FILE *f = fopen(path, "we");
    if (f == NULL)
        return false;
    bool ok = fwrite(b.p, 1, b.n, f) == b.n && fflush(f) == 0 && fsync(fileno(f)) == 0;
    int failed = errno;
    ok = fclose(f) == 0 && ok;
    if (!ok && failed != 0)
        errno = failed;
    return ok;
}

ts_err ts_dir_put(struct ts_dir *d, const char *name, ts_bytes bytes)
{
    char path[512], fresh[512], fresh_name[64];
    (void)snprintf(fresh_name, sizeof(fresh_name), "%s.new", name);
    (void)path_of(d, name, path);
    if (!write_all(path_of(d, fresh_name, fresh), bytes) || rename(fresh, path) != 0 ||
        fsync(d->lock) != 0)
        return fail(d, TS_E_IO, "cannot write %s: %s", path, strerror(errno));
    return TS_OK;
}

static ts_err read_all(FILE *f, struct ts_buf *out)
{
    uint8_t piece[65536];
    size_t n;
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        ts_buf_put(out, piece, n);
    return ferror(f) ? TS_E_IO : out->err;
}

ts_err ts_dir_get(struct ts_dir *d, const char *name, struct ts_buf *out)
{
    char path[512];
    FILE *f = fopen(path_of(d, name, path), "re");
    if (f == NULL && errno == ENOENT)
        return TS_E_NOT_FOUND;
    if (f == NULL)
        return fail(d, TS_E_IO, "cannot open %s: %s", path, strerror(errno));
    ts_buf_reset(out);
    ts_err err = read_all(f, out);
    int failed = errno;
    fclose(f);
    if (err != TS_OK)
        return fail(d, err, "cannot read %s: %s", path,
                    err == TS_E_IO ? strerror(failed) : ts_err_text((int)err));
    return TS_OK;
}

/* ---- the state: magic, genesis hash, own numbers, the rebuild's, and a hash of all that ---- */

static void put_be64(struct ts_buf *b, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        ts_buf_put_byte(b, (uint8_t)(v >> (8 * (7 - i))));
}

static ts_err sink_write(void *ctx, const void *p, size_t n)
{
    struct ts_buf *b = ctx;
    ts_buf_put(b, p, n);
    return b->err;
}

struct cursor {
    const uint8_t *p, *end;
};

static ts_err source_read(void *ctx, void *p, size_t n)
{
    struct cursor *c = ctx;
    if ((size_t)(c->end - c->p) < n)
        return TS_E_TRUNCATED;
    memcpy(p, c->p, n);
    c->p += n;
    return TS_OK;
}

static ts_err get_u64(struct cursor *c, uint64_t *v)
{
    uint8_t b[8] = {0};
    ts_err err = source_read(c, b, sizeof(b));
    *v = 0;
    for (unsigned i = 0; i < 8; i++)
        *v = *v << 8 | b[i];
    return err;
}

static void put_start(const struct ts_dir *d, struct ts_buf *b, const uint8_t magic[8])
{
    ts_buf_put(b, magic, 8);
    ts_buf_put(b, d->genesis->hash.b, sizeof(d->genesis->hash.b));
}

static ts_err put_sealed(struct ts_dir *d, const char *name, struct ts_buf *b)
{
    ts_hash sum;
    ts_keccak256(ts_buf_bytes(b), &sum);
    ts_buf_put(b, sum.b, sizeof(sum.b));
    if (b->err != TS_OK)
        return fail(d, b->err, "cannot keep the state: %s", ts_err_text((int)b->err));
    return ts_dir_put(d, name, ts_buf_bytes(b));
}

/* What put_sealed wrote: c is behind the start. */
static ts_err get_sealed(struct ts_dir *d, const char *name, const uint8_t magic[8],
                         struct ts_buf *b, struct cursor *c)
{
    ts_hash sum;
    ts_err err = ts_dir_get(d, name, b);
    if (err != TS_OK)
        return err;
    if (b->n < 72)
        return fail(d, TS_E_CORRUPT, "%s/%s is damaged", d->path, name);
    ts_keccak256(ts_bytes_of(b->p, b->n - 32), &sum);
    if (memcmp(sum.b, b->p + b->n - 32, 32) != 0 || memcmp(b->p, magic, 8) != 0 ||
        memcmp(b->p + 8, d->genesis->hash.b, 32) != 0)
        return fail(d, TS_E_CORRUPT, "%s/%s is damaged", d->path, name);
    *c = (struct cursor){b->p + 40, b->p + b->n - 32};
    return TS_OK;
}

ts_err ts_dir_save(struct ts_dir *d, const struct ts_rebuild *r)
{
    struct ts_buf b;
    const struct ts_sink sink = {.ctx = &b, .write = sink_write};
    if (ts_runs_sync(&d->rebuilt) != TS_OK)
        return fail(d, TS_E_IO, "%s", d->rebuilt.why);
    if (fflush(d->rollups) != 0 || fsync(fileno(d->rollups)) != 0)
        return fail(d, TS_E_IO, "cannot write %s/rollups.rlp: %s", d->path, strerror(errno));
    ts_buf_init(&b, STATE_MAX);
    put_start(d, &b, state_magic);
    put_be64(&b, d->n_txs);
    put_be64(&b, d->rollups_size);
    (void)ts_rebuild_save(r, &sink);
    ts_err err = put_sealed(d, "state", &b);
    ts_buf_free(&b);
    d->saved_ms = mono_ms();
    return err;
}

static ts_err load_state(struct ts_dir *d, struct ts_rebuild *r)
{
    struct ts_buf b;
    struct cursor c = {NULL, NULL};
    const struct ts_source source = {.ctx = &c, .read = source_read};
    ts_buf_init(&b, STATE_MAX);
    ts_err err = get_sealed(d, "state", state_magic, &b, &c);
    if (err == TS_OK) {
        err = get_u64(&c, &d->n_txs);
        if (err == TS_OK)
            err = get_u64(&c, &d->rollups_size);
        if (err == TS_OK)
            err = ts_rebuild_load(r, &source);
        if (err != TS_OK)
            (void)fail(d, err, "%s/state cannot be used: %s", d->path, ts_err_text((int)err));
    }
    ts_buf_free(&b);
    return err == TS_E_NOT_FOUND ? TS_OK : err;
}

ts_err ts_dir_save_fold(struct ts_dir *d, const struct ts_fold *f)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    put_start(d, &b, fold_magic);
    put_be64(&b, f->number);
    ts_buf_put(&b, f->root.b, sizeof(f->root.b));
    ts_err err = put_sealed(d, "payloads", &b);
    ts_buf_free(&b);
    return err;
}

ts_err ts_dir_load_fold(struct ts_dir *d, struct ts_fold *f)
{
    struct ts_buf b;
    struct cursor c = {NULL, NULL};
    uint64_t number;
    ts_hash root;
    ts_buf_init(&b, 0);
    ts_err err = get_sealed(d, "payloads", fold_magic, &b, &c);
    if (err == TS_OK) {
        err = get_u64(&c, &number);
        if (err == TS_OK)
            err = source_read(&c, root.b, sizeof(root.b));
        if (err != TS_OK)
            (void)fail(d, err, "%s/payloads is damaged", d->path);
    }
    ts_buf_free(&b);
    if (err == TS_OK) {
        f->number = number;
        f->root = root;
    }
    return err == TS_E_NOT_FOUND ? TS_OK : err;
}

/* ---- opening ---- */

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *e;
    size_t n = 0;
    if (dir == NULL)
        return false;
    while ((e = readdir(dir)) != NULL)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n == 0;
}

static ts_err lock(struct ts_dir *d)
{
    if (mkdir(d->path, 0777) != 0 && errno != EEXIST)
        return fail(d, TS_E_IO, "cannot make %s: %s", d->path, strerror(errno));
    d->lock = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->lock < 0)
        return fail(d, TS_E_IO, "cannot open %s: %s", d->path, strerror(errno));
    if (flock(d->lock, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? fail(d, TS_E_BUSY, "another rebuild is at work in %s", d->path)
                   : fail(d, TS_E_IO, "cannot lock %s: %s", d->path, strerror(errno));
    return TS_OK;
}

/* genesis.rlp says whose the directory is. */
static ts_err claim(struct ts_dir *d)
{
    uint8_t *raw;
    size_t n;
    ts_err err = ts_genesis_encode(d->genesis, &raw, &n);
    if (err != TS_OK)
        return fail(d, err, "%s", ts_err_text((int)err));
    err = ts_dir_get(d, "genesis.rlp", &d->scratch);
    if (err == TS_E_NOT_FOUND)
        err = is_empty(d->path) ? ts_dir_put(d, "genesis.rlp", ts_bytes_of(raw, n))
                                : fail(d, TS_E_USAGE, "%s is not empty, and no rebuild's", d->path);
    else if (err == TS_OK && !ts_bytes_equal(ts_buf_bytes(&d->scratch), ts_bytes_of(raw, n)))
        err =
            fail(d, TS_E_USAGE, "%s holds the rebuild of a network with another genesis", d->path);
    free(raw);
    return err;
}

static ts_err open_rollups(struct ts_dir *d)
{
    char path[512];
    struct stat st;
    d->rollups = fopen(path_of(d, "rollups.rlp", path), "ae");
    if (d->rollups == NULL || fstat(fileno(d->rollups), &st) != 0)
        return fail(d, TS_E_IO, "cannot open %s: %s", path, strerror(errno));
    if ((uint64_t)st.st_size < d->rollups_size)
        return fail(d, TS_E_CORRUPT, "%s is too short", path);
    if (ftruncate(fileno(d->rollups), (off_t)d->rollups_size) != 0)
        return fail(d, TS_E_IO, "cannot cut %s: %s", path, strerror(errno));
    return TS_OK;
}

/* The batch that the state speaks of is the last one there. */
static ts_err check_last(struct ts_dir *d, const char *dir, const struct ts_head *head)
{
    struct ts_runs runs;
    ts_hash hash;
    if (head->number == 0)
        return TS_OK;
    ts_err err = ts_runs_read(&runs, dir, head->number);
    if (err == TS_OK)
        err = ts_runs_get(&runs, &hash, &d->scratch);
    if (err != TS_OK)
        (void)fail(d, err, "%s", runs.why);
    else if (!ts_hash_equal(&hash, &head->hash))
        err = fail(d, TS_E_CORRUPT, "batch %" PRIu64 " in %s is not the one of the state",
                   head->number, dir);
    ts_runs_close(&runs);
    return err;
}

static ts_err open_all(struct ts_dir *d, struct ts_rebuild *r)
{
    char dir[512];
    ts_err err = lock(d);
    if (err == TS_OK)
        err = claim(d);
    if (err == TS_OK)
        err = load_state(d, r);
    if (err == TS_OK)
        err = check_last(d, path_of(d, "rebuilt", dir), ts_rebuild_head(r));
    if (err == TS_OK)
        err = open_rollups(d);
    if (err != TS_OK)
        return err;
    err = ts_runs_append(&d->rebuilt, dir, ts_rebuild_head(r)->number);
    return err == TS_OK ? TS_OK : fail(d, err, "%s", d->rebuilt.why);
}

ts_err ts_dir_open(struct ts_dir *d, const char *path, const struct ts_genesis *genesis,
                   struct ts_rebuild *r)
{
    *d = (struct ts_dir){.lock = -1, .genesis = genesis};
    ts_buf_init(&d->scratch, STATE_MAX);
    if (snprintf(d->path, sizeof(d->path), "%s", path) >= (int)sizeof(d->path))
        return fail(d, TS_E_USAGE, "the path is too long: %.100s…", path);
    ts_err err = open_all(d, r);
    d->saved_ms = mono_ms();
    if (err != TS_OK)
        ts_dir_close(d);
    return err;
}

void ts_dir_close(struct ts_dir *d)
{
    ts_runs_close(&d->rebuilt);
    if (d->rollups != NULL)
        fclose(d->rollups);
    if (d->lock >= 0)
        close(d->lock);
    d->rollups = NULL;
    d->lock = -1;
    ts_buf_free(&d->scratch);
}

/* ---- filling it ---- */

ts_err ts_dir_batch(struct ts_dir *d, const struct ts_rebuilt *b)
{
    ts_buf_reset(&d->scratch);
    size_t mark = ts_put_list(&d->scratch);
    ts_schema_put(&d->scratch, &ts_batch_header_type, b->header);
    ts_txs_put(&d->scratch, b->txs, b->n_txs);
    ts_put_list_end(&d->scratch, mark);
    if (d->scratch.err != TS_OK)
        return fail(d, d->scratch.err, "%s", ts_err_text((int)d->scratch.err));
    d->n_txs += b->n_txs;
    ts_err err = ts_runs_put(&d->rebuilt, b->hash, ts_buf_bytes(&d->scratch));
    return err == TS_OK ? TS_OK : fail(d, err, "%s", d->rebuilt.why);
}

ts_err ts_dir_rollup(struct ts_dir *d, const struct ts_rollup *rollup, const struct ts_rebuild *r)
{
    ts_buf_reset(&d->scratch);
    ts_rollup_put(&d->scratch, rollup);
    if (d->scratch.err != TS_OK)
        return fail(d, d->scratch.err, "%s", ts_err_text((int)d->scratch.err));
    if (fwrite(d->scratch.p, 1, d->scratch.n, d->rollups) != d->scratch.n)
        return fail(d, TS_E_IO, "cannot write %s/rollups.rlp: %s", d->path, strerror(errno));
    d->rollups_size += d->scratch.n;
    return mono_ms() >= d->saved_ms + SAVE_MS ? ts_dir_save(d, r) : TS_OK;
}
