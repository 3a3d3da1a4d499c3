/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void ts_kept_add(struct ts_kept *k, size_t max, struct ts_kept_batch batch)
{
    TS_CHECK(max >= 1 && max <= TS_MAX_OFFERS);
    while (k->n >= max) {
        free(k->batches[0].p);
        k->n--;
        memmove(&k->batches[0], &k->batches[1], k->n * sizeof(k->batches[0]));
    }
    k->batches[k->n++] = batch;
}

const struct ts_kept_batch *ts_kept_find(const struct ts_kept *k, const ts_hash *parent)
{
    for (size_t i = 0; i < k->n; i++) {
        if (ts_hash_equal(&k->batches[i].parent, parent))
            return &k->batches[i];
    }
    return NULL;
}

size_t ts_kept_above(const struct ts_kept *k, uint64_t above, size_t max, ts_bytes *out)
{
    size_t n = 0;
    for (size_t i = 0; i < k->n; i++) {
        const struct ts_kept_batch *b = &k->batches[i];
        if (b->number <= above)
            continue;
        if (b->n > max)
            break;
        max -= b->n;
        out[n++] = ts_bytes_of(b->p, b->n);
    }
    return n;
}

void ts_kept_free(struct ts_kept *k)
{
    for (size_t i = 0; i < k->n; i++)
        free(k->batches[i].p);
    k->n = 0;
}
