/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding for those outside, who have no arena. */
#include "tenseq/batch.h"

#include <stdlib.h>

#include "chain/batch.h"

/* What a decoded batch takes is at most 16 bytes for each of its own (a transaction of one byte),
 * and alignment. */
#define ARENA_PER_BYTE 16u
#define ARENA_EXTRA    4096u

struct parsed {
    struct ts_batch batch; /* first: its address is the whole's */
    struct ts_arena arena;
};

ts_err ts_batch_parse(ts_bytes raw, size_t max, struct ts_batch **out)
{
    *out = NULL;
    if (raw.n > max || raw.n > TS_MAX_BATCH_BYTES)
        return TS_E_LIMIT;
    struct parsed *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&p->arena, ARENA_PER_BYTE * raw.n + ARENA_EXTRA);
    ts_err err = ts_batch_decode(raw, max, &p->arena, &p->batch);
    if (err != TS_OK) {
        ts_batch_free(&p->batch);
        return err;
    }
    *out = &p->batch;
    return TS_OK;
}

void ts_batch_free(struct ts_batch *batch)
{
    struct parsed *p = (struct parsed *)batch;
    if (p == NULL)
        return;
    ts_arena_free(&p->arena);
    free(p);
}
