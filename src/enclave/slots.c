/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define MAGIC      "tsslot01"
#define MAGIC_SIZE 8u
#define USED       32u /* bytes of the block that mean something */

static ts_err io_error(void)
{
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? TS_E_DISK_FULL : TS_E_IO;
}

static ts_err write_at(int fd, const void *from, size_t n, off_t at)
{
    const uint8_t *p = from;
    while (n > 0) {
        ssize_t done = pwrite(fd, p, n, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return io_error();
        p += done;
        at += done;
        n -= (size_t)done;
    }
    return TS_OK;
}

/* Fewer than n bytes only at the end of the file. */
static ts_err read_at(int fd, void *out, size_t n, off_t at, size_t *got)
{
    uint8_t *p = out;
    *got = 0;
    while (*got < n) {
        ssize_t done = pread(fd, p + *got, n - *got, at + (off_t)*got);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return TS_E_IO;
        if (done == 0)
            break;
        *got += (size_t)done;
    }
    return TS_OK;
}

static void put_be(uint8_t *out, uint64_t v)
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (8 * (7 - i)));
}

static uint64_t get_be(const uint8_t *p)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

/* FNV-1a, against tearing alone. */
static uint64_t check_of(const uint8_t *p, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* TS_E_NOT_FOUND: no whole content is there. */
static ts_err read_block(int fd, uint64_t *generation, uint64_t *length)
{
    uint8_t block[USED];
    size_t got;
    ts_err err = read_at(fd, block, sizeof(block), 0, &got);
    if (err != TS_OK)
        return err;
    if (got < sizeof(block) || memcmp(block, MAGIC, MAGIC_SIZE) != 0 ||
        get_be(block + 24) != check_of(block, 24))
        return TS_E_NOT_FOUND;
    *generation = get_be(block + 8);
    *length = get_be(block + 16);
    return *length <= INT64_MAX - TS_SLOT_BLOCK ? TS_OK : TS_E_NOT_FOUND;
}

static ts_err write_block(int fd, uint64_t generation, uint64_t length)
{
    uint8_t block[USED];
    memcpy(block, MAGIC, MAGIC_SIZE);
    put_be(block + 8, generation);
    put_be(block + 16, length);
    put_be(block + 24, check_of(block, 24));
    ts_err err = write_at(fd, block, sizeof(block), 0);
    if (err == TS_OK && fdatasync(fd) < 0)
        err = io_error();
    return err;
}

/* From here on the slot reads as empty, whatever happens. */
static ts_err clear_block(int fd)
{
    static const uint8_t zeros[TS_SLOT_BLOCK];
    ts_err err = write_at(fd, zeros, sizeof(zeros), 0);
    if (err == TS_OK && fdatasync(fd) < 0)
        err = io_error();
    return err;
}

/* Part of the content of the slot that is being read. */
static ts_err read_content(const struct ts_slots *s, size_t slot, uint64_t at, uint64_t length,
                           void *out, size_t n, size_t *got)
{
    uint64_t left = length - at;
    if (n > left)
        n = (size_t)left;
    return read_at(s->fd[slot], out, n, (off_t)(TS_SLOT_BLOCK + at), got);
}

static ts_err peek(void *ctx, size_t slot, void *out, size_t n, size_t *got)
{
    const struct ts_slots *s = ctx;
    uint64_t generation;
    uint64_t length;
    ts_err err = read_block(s->fd[slot], &generation, &length);
    if (err != TS_OK)
        return err;
    return read_content(s, slot, 0, length, out, n, got);
}

static ts_err write_begin(void *ctx, size_t slot)
{
    struct ts_slots *s = ctx;
    s->slot = slot;
    s->at = 0;
    return clear_block(s->fd[slot]);
}

static ts_err write_more(void *ctx, const void *p, size_t n)
{
    struct ts_slots *s = ctx;
    ts_err err = write_at(s->fd[s->slot], p, n, (off_t)(TS_SLOT_BLOCK + s->at));
    if (err == TS_OK)
        s->at += n;
    return err;
}

static ts_err write_end(void *ctx, bool keep)
{
    struct ts_slots *s = ctx;
    int fd = s->fd[s->slot];
    if (ftruncate(fd, (off_t)(TS_SLOT_BLOCK + (keep ? s->at : 0))) < 0)
        return io_error();
    if (!keep)
        return TS_OK;
    if (fdatasync(fd) < 0)
        return io_error();
    return write_block(fd, ++s->generation, s->at);
}

static ts_err read_begin(void *ctx, size_t slot)
{
    struct ts_slots *s = ctx;
    uint64_t generation;
    s->slot = slot;
    s->at = 0;
    return read_block(s->fd[slot], &generation, &s->length);
}

static ts_err read_more(void *ctx, void *out, size_t n, size_t *got)
{
    struct ts_slots *s = ctx;
    ts_err err = read_content(s, s->slot, s->at, s->length, out, n, got);
    if (err == TS_OK)
        s->at += *got;
    return err;
}

static void read_end(void *ctx)
{
    (void)ctx;
}

static ts_err open_one(struct ts_slots *s, const char *dir, size_t i, char *why, size_t why_size)
{
    char path[PATH_MAX];
    struct stat st;
    uint64_t generation;
    uint64_t length;
    snprintf(path, sizeof(path), "%s/checkpoint-%zu", dir, i);
    s->fd[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (s->fd[i] < 0 || fstat(s->fd[i], &st) < 0) {
        snprintf(why, why_size, "%.200s: cannot be opened: %s", path, strerror(errno));
        return TS_E_IO;
    }
    if (!S_ISREG(st.st_mode)) {
        snprintf(why, why_size, "%.200s: a checkpoint must be a plain file", path);
        return TS_E_IO;
    }
    if (read_block(s->fd[i], &generation, &length) == TS_OK && generation > s->generation)
        s->generation = generation;
    return TS_OK;
}

ts_err ts_slots_open(struct ts_slots *s, const char *dir, char *why, size_t why_size)
{
    *s = (struct ts_slots){
        .fd = {-1, -1},
        .store =
            {
                .ctx = s,
                .n_slots = TS_SLOTS,
                .peek = peek,
                .write_begin = write_begin,
                .write = write_more,
                .write_end = write_end,
                .read_begin = read_begin,
                .read = read_more,
                .read_end = read_end,
            },
    };
    for (size_t i = 0; i < TS_SLOTS; i++) {
        ts_err err = open_one(s, dir, i, why, why_size);
        if (err != TS_OK) {
            ts_slots_close(s);
            return err;
        }
    }
    return TS_OK;
}

void ts_slots_close(struct ts_slots *s)
{
    for (size_t i = 0; i < TS_SLOTS; i++) {
        if (s->fd[i] >= 0)
            close(s->fd[i]);
        s->fd[i] = -1;
    }
}
