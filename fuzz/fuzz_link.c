/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the enclave link: no bytes crash the decoder, and what decodes has one encoding. */
#include <string.h>

#include "base/check.h"
#include "link/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(ts_bytes frame, bool is_answer)
{
    struct ts_arena arena;
    struct ts_buf again;
    struct ts_msg m;
    ts_arena_init(&arena, 8u * 1024 * 1024);
    ts_buf_init(&again, 0);
    ts_err err = is_answer ? ts_msg_decode_answer(frame, &arena, &m)
                           : ts_msg_decode_request(frame, &arena, &m);
    if (err == TS_OK) {
        ts_msg_put(&again, &m);
        TS_CHECK(again.err == TS_OK && again.n == frame.n);
        TS_CHECK(memcmp(again.p, frame.p, frame.n) == 0);
    }
    ts_buf_free(&again);
    ts_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    one(ts_bytes_of(data, size), false);
    one(ts_bytes_of(data, size), true);
    return 0;
}
