/* SPDX-License-Identifier: Apache-2.0 */
/* A genesis file: it is refused with one line of text, or its RLP form is the same genesis. */
#include <string.h>

#include "base/check.h"
#include "chain/genesis_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_loaded(const struct ts_genesis *g)
{
    uint8_t *raw = NULL;
    size_t n = 0;
    struct ts_genesis back;
    TS_CHECK(ts_genesis_encode(g, &raw, &n) == TS_OK);
    TS_CHECK(ts_genesis_decode(ts_bytes_of(raw, n), &back) == TS_OK);
    TS_CHECK(ts_hash_equal(&back.hash, &g->hash));
    ts_genesis_free(&back);
    free(raw);
}

static void check_sentence(const char *why)
{
    TS_CHECK(why[0] != '\0');
    for (; *why != '\0'; why++)
        TS_CHECK((unsigned char)*why >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_genesis g;
    char why[200] = "";
    if (ts_genesis_from_json((const char *)data, size, &g, why, sizeof(why)) == TS_OK)
        check_loaded(&g);
    else
        check_sentence(why);
    ts_genesis_free(&g);
    return 0;
}
