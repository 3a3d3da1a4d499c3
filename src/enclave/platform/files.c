/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/platform/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE (S_IRUSR | S_IWUSR)

static ts_err fail(char why[TS_PLATFORM_WHY], const char *path, const char *doing)
{
    int err = errno;
    snprintf(why, TS_PLATFORM_WHY, "%.256s: %s: %s", path, doing, strerror(err));
    return err == ENOSPC || err == EDQUOT ? TS_E_DISK_FULL : TS_E_IO;
}

/* The whole of a file that is as private as it should be. */
static ts_err check(int fd, const char *path, const char *what, size_t n, char why[TS_PLATFORM_WHY])
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return fail(why, path, "cannot be looked at");
    if (!S_ISREG(st.st_mode))
        snprintf(why, TS_PLATFORM_WHY, "%.256s: the %s must be a plain file", path, what);
    else if (st.st_uid != geteuid())
        snprintf(why, TS_PLATFORM_WHY,
                 "%.256s: the %s belongs to user %u, but this process is user %u", path, what,
                 (unsigned)st.st_uid, (unsigned)geteuid());
    else if ((st.st_mode & 07777) != MODE)
        snprintf(why, TS_PLATFORM_WHY, "%.256s: the %s has mode %04o, but must have 0600", path,
                 what, (unsigned)(st.st_mode & 07777));
    else if (st.st_size != (off_t)n)
        snprintf(why, TS_PLATFORM_WHY, "%.256s: the %s has %lld bytes, but must have %zu", path,
                 what, (long long)st.st_size, n);
    else
        return TS_OK;
    return TS_E_USAGE;
}

static ts_err read_all(int fd, const char *path, void *out, size_t n, char why[TS_PLATFORM_WHY])
{
    uint8_t *p = out;
    while (n > 0) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got == 0 ? EIO : errno;
            return fail(why, path, "cannot be read");
        }
        p += got;
        n -= (size_t)got;
    }
    return TS_OK;
}

ts_err ts_private_read(const char *path, const char *what, void *out, size_t n,
                       char why[TS_PLATFORM_WHY])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        snprintf(why, TS_PLATFORM_WHY, "%.256s: there is no %s", path, what);
        return TS_E_NOT_FOUND;
    }
    if (fd < 0)
        return fail(why, path, "cannot be opened");
    ts_err err = check(fd, path, what, n, why);
    if (err == TS_OK)
        err = read_all(fd, path, out, n, why);
    close(fd);
    return err;
}

static ts_err write_all(int fd, const char *path, const void *from, size_t n,
                        char why[TS_PLATFORM_WHY])
{
    const uint8_t *p = from;
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail(why, path, "cannot be written");
        p += done;
        n -= (size_t)done;
    }
    return fsync(fd) < 0 ? fail(why, path, "cannot be made durable") : TS_OK;
}

/* Makes the name of a new file durable. */
static ts_err sync_dir(const char *path, char why[TS_PLATFORM_WHY])
{
    char dir[PATH_MAX];
    snprintf(dir, sizeof(dir), "%s", path);
    int fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        ts_err err = fail(why, path, "its directory cannot be made durable");
        if (fd >= 0)
            close(fd);
        return err;
    }
    close(fd);
    return TS_OK;
}

ts_err ts_private_create(const char *path, const void *p, size_t n, char why[TS_PLATFORM_WHY])
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid()) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return fail(why, path, "cannot be created");
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE);
    if (fd < 0)
        return fail(why, path, "cannot be created");
    ts_err err = write_all(fd, temporary, p, n, why);
    close(fd);
    /* A link, unlike a rename, does not take the place of a file that another process just made. */
    if (err == TS_OK && link(temporary, path) < 0) {
        bool is_there = errno == EEXIST;
        err = fail(why, path, "cannot be created");
        err = is_there ? TS_E_CONFLICT : err;
    }
    unlink(temporary);
    return err == TS_OK ? sync_dir(path, why) : err;
}
