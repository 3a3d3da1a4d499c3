/* SPDX-License-Identifier: Apache-2.0 */
/* What --chaos, --attack and --corrupt look at and act on: the devnet's programs by name, and what
 * the host says of its enclaves. */
#include <signal.h>

#include "cli/cli.h"
#include "cli/devnet_internal.h"
#include "net/http_client.h"

pid_t devnet_pid_of(const struct devnet *d, const char *name)
{
    for (int i = 0; i < d->sup.n; i++)
        if (strcmp(d->sup.children[i].name, name) == 0)
            return d->sup.children[i].pid;
    return 0;
}

bool devnet_kill(const struct devnet *d, const char *name, int sig)
{
    pid_t pid = devnet_pid_of(d, name);
    return pid > 0 && kill(pid, sig) == 0;
}

bool devnet_ask_host(const struct devnet *d, const char *method, json_t *params, unsigned ms,
                     json_t **result, char why[256])
{
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%llu", (unsigned long long)d->o.base_port);
    return ts_rpc_call_blocking(url, NULL, method, params, ms, result, why, 256) == TS_OK;
}

const json_t *devnet_entry_of(const json_t *status, const char *id)
{
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(status, "enclaves"), i, e)
    {
        const char *theirs = json_string_value(json_object_get(e, "id"));
        if (theirs != NULL && strcmp(theirs, id) == 0)
            return e;
    }
    return NULL;
}
