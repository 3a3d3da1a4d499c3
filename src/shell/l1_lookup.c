/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/l1_lookup.h"

#include "chain/batch.h"

void ts_l1_lookup_init(struct ts_l1_lookup *l, struct ts_store *store)
{
    *l = (struct ts_l1_lookup){.store = store};
    ts_buf_init(&l->header, 0);
}

void ts_l1_lookup_free(struct ts_l1_lookup *l)
{
    ts_buf_free(&l->header);
}

ts_err ts_l1_lookup(struct ts_l1_lookup *l, ts_bytes raw_batch, ts_bytes *out)
{
    static const ts_hash none;
    uint64_t number;
    ts_hash hash;
    *out = (ts_bytes){0};
    ts_err err = ts_batch_l1(raw_batch, &number, &hash);
    if (err != TS_OK || ts_hash_equal(&hash, &none))
        return err;
    if (l->header.n == 0 || !ts_hash_equal(&hash, &l->hash)) {
        ts_buf_reset(&l->header);
        err = ts_store_l1_header(l->store, number, &hash, &l->header);
        if (err != TS_OK) {
            ts_buf_free(&l->header); /* what failed to be read is not remembered */
            ts_buf_init(&l->header, 0);
            return err == TS_E_NOT_FOUND ? TS_OK : err;
        }
        l->hash = hash;
    }
    *out = ts_buf_bytes(&l->header);
    return TS_OK;
}
