/* SPDX-License-Identifier: Apache-2.0 */
/* The genesis as RLP: what decodes has one encoding, and its JSON form is the same genesis. */
#include <string.h>

#include "base/check.h"
#include "chain/genesis_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_decoded(const struct ts_genesis *g, ts_bytes in)
{
    uint8_t *raw = NULL;
    size_t n = 0;
    char why[200];
    struct ts_genesis back;
    TS_CHECK(ts_genesis_encode(g, &raw, &n) == TS_OK);
    TS_CHECK(ts_bytes_equal(ts_bytes_of(raw, n), in));
    free(raw);
    char *text = ts_genesis_to_json(g);
    TS_CHECK(text != NULL);
    TS_CHECK(ts_genesis_from_json(text, strlen(text), &back, why, sizeof(why)) == TS_OK);
    TS_CHECK(ts_hash_equal(&back.hash, &g->hash));
    ts_genesis_free(&back);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_genesis g;
    if (ts_genesis_decode(ts_bytes_of(data, size), &g) == TS_OK)
        check_decoded(&g, ts_bytes_of(data, size));
    else
        TS_CHECK(g.whitelist == NULL && g.alloc == NULL);
    ts_genesis_free(&g);
    return 0;
}
