/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded list of findings. Proofs about the operator are the last to go: peers cannot push them
 * out. */
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

static void make_room(struct audit_findings *k)
{
    size_t at = 0;
    while (at < k->n && k->f[at].severity == TS_SEVERITY_PROOF &&
           k->f[at].about == TS_ABOUT_OPERATOR)
        at++;
    remove_at(k, at < k->n ? at : 0);
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
