/* SPDX-License-Identifier: Apache-2.0 */
#include "l1_shelf.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"

static const struct ts_store_op *find(const struct l1_shelf *s, uint64_t number,
                                      const ts_hash *hash)
{
    for (size_t i = s->n; i-- > 0;)
        if (s->kept[i].number == number && ts_hash_equal(&s->kept[i].hash, hash))
            return &s->kept[i];
    return NULL;
}

void l1_shelf_put(struct l1_shelf *s, const struct ts_store_op *op)
{
    TS_CHECK(op->kind == TS_OP_PUT_L1 && op->data.n > 0);
    if (find(s, op->number, &op->hash) != NULL)
        return;
    s->kept = realloc(s->kept, (s->n + 1) * sizeof(*s->kept));
    uint8_t *copy = malloc(op->data.n);
    TS_CHECK(s->kept != NULL && copy != NULL);
    memcpy(copy, op->data.p, op->data.n);
    s->kept[s->n] = *op;
    s->kept[s->n++].data = ts_bytes_of(copy, op->data.n);
}

ts_bytes l1_shelf_of(const struct l1_shelf *s, ts_bytes raw_batch)
{
    uint64_t number;
    ts_hash hash;
    TS_CHECK(ts_batch_l1(raw_batch, &number, &hash) == TS_OK);
    const struct ts_store_op *op = find(s, number, &hash);
    return op != NULL ? op->data : (ts_bytes){0};
}

void l1_shelf_free(struct l1_shelf *s)
{
    for (size_t i = 0; i < s->n; i++)
        free((void *)(uintptr_t)s->kept[i].data.p);
    free(s->kept);
    *s = (struct l1_shelf){0};
}
