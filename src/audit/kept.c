/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded list of findings. Those about peers are the first to go, since any peer makes as many
 * as it likes, and proofs about the operator the last. */
#include <stdlib.h>
#include <string.h>

#include "audit/internal.h"
#include "base/check.h"

bool audit_findings_init(struct audit_findings *k, size_t max)
{
    *k = (struct audit_findings){.f = calloc(max, sizeof(*k->f)), .max = max};
    return k->f != NULL;
}

/* The newest first: what is changed is mostly young. */
static struct ts_finding *find_serial(struct audit_findings *k, uint64_t serial)
{
    for (size_t i = k->n; serial != 0 && i > 0 && k->f[i - 1].serial >= serial; i--) {
        if (k->f[i - 1].serial == serial)
            return &k->f[i - 1];
    }
    return NULL;
}

static void remove_at(struct audit_findings *k, size_t at)
{
    k->n--;
    memmove(&k->f[at], &k->f[at + 1], (k->n - at) * sizeof(k->f[0]));
}

static int worth(const struct ts_finding *f)
{
    if (f->about == TS_ABOUT_PEER)
        return 0;
    return f->severity == TS_SEVERITY_PROOF ? 2 : 1;
}

/* The oldest of those that are worth least. */
static void make_room(struct audit_findings *k)
{
    size_t least = 0;
    for (size_t i = 1; i < k->n; i++)
        if (worth(&k->f[i]) < worth(&k->f[least]))
            least = i;
    remove_at(k, least);
}

void audit_findings_put(struct audit_findings *k, const struct ts_finding *f)
{
    struct ts_finding *old = find_serial(k, f->serial);
    if (old != NULL) {
        *old = *f;
        return;
    }
    if (k->n == k->max)
        make_room(k);
    size_t at = k->n++;
    /* One that was forgotten and is closed now has an old serial: they stay in order. */
    for (; f->serial != 0 && at > 0 && k->f[at - 1].serial > f->serial; at--)
        k->f[at] = k->f[at - 1];
    k->f[at] = *f;
}
