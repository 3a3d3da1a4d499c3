/* SPDX-License-Identifier: Apache-2.0 */
/* devnet --chaos: every now and then an enclave is killed as kill -9 does it, and comes back as the
 * supervisor starts it again. One at least of those on the list is left running, as in a network
 * that has enough spares; which enclave is drawn each time. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/devnet_internal.h"

/* From half a period to one and a half, so that no rhythm of the network's is met again and again.
 */
static uint64_t next_kill(const struct devnet *d)
{
    uint64_t period = d->o.chaos_ms;
    return cli_mono_ms() + period / 2 + (uint64_t)(drand48() * (double)period);
}

void devnet_chaos_begin(struct devnet *d)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    srand48((long)t.tv_sec ^ t.tv_nsec);
    d->chaos_at_ms = d->o.chaos_ms > 0 ? next_kill(d) : UINT64_MAX;
}

/* Those of the list that run, as numbers of enclaves. */
static size_t running(const struct devnet *d, unsigned out[MAX_ENCLAVES])
{
    char name[32];
    size_t n = 0;
    for (unsigned i = 0; i < d->o.enclaves; i++)
        if (devnet_pid_of(d, devnet_enclave_name(d, i, name)) > 0)
            out[n++] = i;
    return n;
}

/* "active", "passive", … as the host sees it; "" when it does not say. */
static void role_of(const struct devnet *d, const char *id, char out[16])
{
    char why[256];
    json_t *result = NULL;
    out[0] = '\0';
    if (!devnet_ask_host(d, "sequencer_status", NULL, 1000, &result, why))
        return;
    const char *role = json_string_value(json_object_get(devnet_entry_of(result, id), "role"));
    if (role != NULL)
        snprintf(out, 16, "%s", role);
    json_decref(result);
}

static void kill_one(const struct devnet *d)
{
    unsigned numbers[MAX_ENCLAVES];
    char role[16], name[32];
    size_t n = running(d, numbers);
    if (n < 2)
        return;
    unsigned i = numbers[(size_t)(drand48() * (double)n) % n];
    role_of(d, d->ids[i], role);
    if (devnet_kill(d, devnet_enclave_name(d, i, name), SIGKILL))
        fprintf(stderr, "chaos: %s killed (%s%s%s)\n", name, d->ids[i], role[0] != '\0' ? ", " : "",
                role);
}

unsigned devnet_chaos(struct devnet *d)
{
    uint64_t now = cli_mono_ms();
    if (d->chaos_at_ms == UINT64_MAX)
        return 1000;
    if (now >= d->chaos_at_ms) {
        kill_one(d);
        d->chaos_at_ms = next_kill(d);
    }
    uint64_t left = d->chaos_at_ms > now ? d->chaos_at_ms - now : 0;
    return left < 1000 ? (unsigned)left : 1000;
}
