/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static ts_err fail(const struct ts_datadir *d, const char *doing, char *why, size_t why_size)
{
    ts_err err = errno == ENOENT ? TS_E_NOT_FOUND : TS_E_IO;
    snprintf(why, why_size, "data-dir %s: the directory %s: %s", d->path, doing, strerror(errno));
    return err;
}

ts_err ts_datadir_open(struct ts_datadir *d, const char *path, bool create, char *why,
                       size_t why_size)
{
    struct stat st;
    *d = (struct ts_datadir){.path = path, .fd = -1};
    if (create && mkdir(path, 0700) < 0 && errno != EEXIST)
        return fail(d, "cannot be made", why, why_size);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(d, "cannot be opened", why, why_size);
    if (fstat(fd, &st) < 0) {
        ts_err err = fail(d, "cannot be looked at", why, why_size);
        close(fd);
        return err;
    }
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        snprintf(
            why, why_size,
            "data-dir %s: the directory must belong to user %u, and nobody else may write to it",
            path, (unsigned)geteuid());
        close(fd);
        return TS_E_USAGE;
    }
    d->fd = fd;
    return TS_OK;
}

ts_err ts_datadir_lock(struct ts_datadir *d, char *why, size_t why_size)
{
    if (flock(d->fd, LOCK_EX | LOCK_NB) == 0)
        return TS_OK;
    if (errno != EWOULDBLOCK)
        return fail(d, "cannot be locked", why, why_size);
    snprintf(why, why_size, "data-dir %s: another tenseq-enclave is running in this directory",
             d->path);
    return TS_E_BUSY;
}

void ts_datadir_close(struct ts_datadir *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}
