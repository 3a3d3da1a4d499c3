/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws_handshake.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>

static void encode(const uint8_t *p, size_t n, char *out)
{
    base64_encode_raw(out, n, p);
    out[BASE64_ENCODE_RAW_LENGTH(n)] = '\0';
}

void ts_ws_accept(const char *key, char out[TS_WS_ACCEPT_SIZE])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    struct sha1_ctx sha1;
    uint8_t digest[SHA1_DIGEST_SIZE];
    sha1_init(&sha1);
    sha1_update(&sha1, strlen(key), (const uint8_t *)key);
    sha1_update(&sha1, sizeof(guid) - 1, (const uint8_t *)guid);
    sha1_digest(&sha1, sizeof(digest), digest);
    encode(digest, sizeof(digest), out);
}

void ts_ws_key(const unsigned char random[16], char out[TS_WS_KEY_SIZE])
{
    encode(random, 16, out);
}
