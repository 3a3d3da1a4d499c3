/* SPDX-License-Identifier: Apache-2.0 */
/* devnet --chaos: every now and then an enclave is killed as kill -9 does it, and comes back as the
 * supervisor starts it again. One at least of those on the list is left running, as in a network
 * that has enough spares; which enclave is drawn each time. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/devnet_internal.h"
#include "net/http_client.h"

static uint64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* From half a period to one and a half, so that no rhythm of the network's is met again and again.
 */
static uint64_t next_kill(const struct devnet *d)
{
    uint64_t period = d->o.chaos_ms;
    return mono_ms() + period / 2 + (uint64_t)(drand48() * (double)period);
}

void devnet_chaos_begin(struct devnet *d)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    srand48((long)t.tv_sec ^ t.tv_nsec);
    d->chaos_at_ms = d->o.chaos_ms > 0 ? next_kill(d) : UINT64_MAX;
}

/* Those of the list that run: at most max of them. */
static size_t running(const struct devnet *d, const struct ts_child **out, unsigned *numbers)
{
    size_t n = 0;
    for (unsigned i = 0; i < d->o.enclaves; i++) {
        char name[32];
        devnet_enclave_name(d, i, name);
        for (int k = 0; k < d->sup.n; k++) {
            const struct ts_child *c = &d->sup.children[k];
            if (strcmp(c->name, name) != 0 || c->pid == 0)
                continue;
            out[n] = c;
            numbers[n++] = i;
        }
    }
    return n;
}

/* "active", "passive", … as the host sees it; "" when it does not say. */
static void role_of(const struct devnet *d, const char *id, char out[16])
{
    char url[64], why[256];
    json_t *result = NULL, *e;
    size_t i;
    out[0] = '\0';
    snprintf(url, sizeof(url), "http://127.0.0.1:%llu", (unsigned long long)d->o.base_port);
    if (ts_rpc_call_blocking(url, NULL, "sequencer_status", NULL, 1000, &result, why,
                             sizeof(why)) != TS_OK)
        return;
    json_array_foreach(json_object_get(result, "enclaves"), i, e)
    {
        const char *theirs = json_string_value(json_object_get(e, "id"));
        const char *role = json_string_value(json_object_get(e, "role"));
        if (theirs != NULL && role != NULL && strcmp(theirs, id) == 0)
            snprintf(out, 16, "%s", role);
    }
    json_decref(result);
}

static void kill_one(const struct devnet *d)
{
    const struct ts_child *children[MAX_ENCLAVES];
    unsigned numbers[MAX_ENCLAVES];
    char role[16];
    size_t n = running(d, children, numbers);
    if (n < 2)
        return;
    size_t which = (size_t)(drand48() * (double)n) % n;
    role_of(d, d->ids[numbers[which]], role);
    if (kill(children[which]->pid, SIGKILL) == 0)
        fprintf(stderr, "chaos: %s killed (%s%s%s)\n", children[which]->name,
                d->ids[numbers[which]], role[0] != '\0' ? ", " : "", role);
}

unsigned devnet_chaos(struct devnet *d)
{
    uint64_t now = mono_ms();
    if (d->chaos_at_ms == UINT64_MAX)
        return 1000;
    if (now >= d->chaos_at_ms) {
        kill_one(d);
        d->chaos_at_ms = next_kill(d);
    }
    uint64_t left = d->chaos_at_ms > now ? d->chaos_at_ms - now : 0;
    return left < 1000 ? (unsigned)left : 1000;
}
