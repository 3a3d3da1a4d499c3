/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "cli/devnet.h"
#include "cli/genesis.h"
#include "crypto/keccak.h"

void devnet_account(const struct ts_crypto *crypto, unsigned i, struct devnet_account *out)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "tenseq devnet account %u", i);
    ts_hash h;
    ts_keccak256(ts_bytes_of(text, (size_t)n), &h);
    memcpy(out->key.b, h.b, sizeof(h.b));
    TS_CHECK(ts_address_of_key(crypto, &out->key, &out->address) == TS_OK);
    ts_hex(out->key.b, sizeof(out->key.b), out->key_hex);
    ts_hex(out->address.b, sizeof(out->address.b), out->address_hex);
}

ts_time cli_unix_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (ts_time)t.tv_sec * 1000 + (ts_time)t.tv_nsec / 1000000;
}
