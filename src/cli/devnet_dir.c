/* SPDX-License-Identifier: Apache-2.0 */
/* The devnet's data directory, and where its programs are. */
#include "cli/devnet_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define MAX_DIR 70u /* "/run/validator-32.sock" and more must fit into a socket's address */

int devnet_make_dir(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return TS_EXIT_OK;
    return cli_fail("cannot make the directory %s: %s", path, strerror(errno));
}

int devnet_sub_dir(const struct devnet *d, const char *name)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "%s/%s", d->dir, name);
    return devnet_make_dir(path);
}

int devnet_find_programs(struct devnet *d)
{
    ssize_t n = readlink("/proc/self/exe", d->bin, sizeof(d->bin) - 1);
    if (n <= 0)
        return cli_fail("cannot tell where this program is: %s", strerror(errno));
    d->bin[n] = 0;
    *strrchr(d->bin, '/') = 0;
    static const char *const programs[] = {"tenseq-enclave", "tenseq-host", "tenseq-node"};
    for (size_t i = 0; i < TS_COUNT(programs); i++) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof(path), "%s/%s", d->bin, programs[i]);
        if (access(path, X_OK) != 0)
            return cli_fail("%s is missing or cannot be run; it must stand beside tenseq", path);
    }
    return TS_EXIT_OK;
}

/* The absolute path of a directory that need not be there yet; its parent must. */
static int resolve_dir(struct devnet *d)
{
    char parent[PATH_MAX];
    if (realpath(d->o.data_dir, d->dir) != NULL)
        return TS_EXIT_OK;
    size_t n = strlen(d->o.data_dir);
    while (n > 1 && d->o.data_dir[n - 1] == '/')
        n--;
    size_t at = n;
    while (at > 0 && d->o.data_dir[at - 1] != '/')
        at--;
    if (errno != ENOENT || n >= sizeof(parent))
        return cli_fail("cannot use %s: %s", d->o.data_dir,
                        strerror(n >= sizeof(parent) ? ENAMETOOLONG : errno));
    snprintf(parent, sizeof(parent), "%.*s", (int)(at > 0 ? at : 1), at > 0 ? d->o.data_dir : ".");
    if (realpath(parent, d->dir) == NULL)
        return cli_fail("cannot make the directory %s: %s: %s", d->o.data_dir, parent,
                        strerror(errno));
    size_t len = strlen(d->dir);
    int more = snprintf(d->dir + len, sizeof(d->dir) - len, "%s%.*s", len > 1 ? "/" : "",
                        (int)(n - at), d->o.data_dir + at);
    return len + (size_t)more < sizeof(d->dir)
               ? TS_EXIT_OK
               : cli_fail("cannot use %s: %s", d->o.data_dir, strerror(ENAMETOOLONG));
}

/* Where the directory would be, before anything is made. */
int devnet_find_dir(struct devnet *d)
{
    int code = resolve_dir(d);
    if (code == TS_EXIT_OK && strlen(d->dir) > MAX_DIR)
        code = cli_fail("the path %s is too long for the sockets inside it: %zu characters, at "
                        "most %u; give another --data-dir",
                        d->dir, strlen(d->dir), MAX_DIR);
    return code;
}

int devnet_open_dir(struct devnet *d)
{
    int code = devnet_make_dir(d->dir);
    if (code != TS_EXIT_OK)
        return code;
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/lock", d->dir);
    d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock < 0)
        return cli_fail("cannot use %s: %s", d->dir, strerror(errno));
    if (flock(d->lock, LOCK_EX | LOCK_NB) != 0)
        return cli_fail("%s is in use by another devnet", d->dir);
    code = devnet_sub_dir(d, "logs");
    return code == TS_EXIT_OK ? devnet_sub_dir(d, "run") : code;
}
