/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of an L1 node to every call. The first byte says which; the call's own values are those
 * that make most answers fit. */
#include "base/check.h"
#include "chain/l1.h"
#include "l1/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_block(const struct ts_l1_answer_block *block)
{
    struct ts_l1_evidence seen;
    if (!block->found)
        return;
    TS_CHECK(ts_l1_header_read(block->header, &seen, NULL) == TS_OK);
    TS_CHECK(ts_hash_equal(&seen.hash, &block->hash) && seen.number == block->number &&
             seen.time == block->time);
}

static void check_logs(const struct ts_l1_call *call, const struct ts_l1_answer *a)
{
    TS_CHECK(a->u.logs.n <= TS_L1_MAX_LOGS);
    for (size_t i = 0; i < a->u.logs.n; i++) {
        const struct ts_l1_log *log = &a->u.logs.log[i];
        TS_CHECK(log->n_topics <= 4 && log->data.n <= TS_L1_MAX_LOG_DATA);
        TS_CHECK(ts_address_equal(&log->address, &call->address));
        TS_CHECK(log->block <= call->to_block);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_arena arena;
    struct ts_l1_answer a;
    struct ts_l1_call call = {.id = 7, .to_block = UINT64_MAX, .tag = TS_L1_LATEST};
    if (size == 0)
        return 0;
    call.method = (enum ts_l1_method)(data[0] % (TS_L1_SEND + 1));
    memset(call.hash.b, 0x11, sizeof(call.hash.b));
    memset(call.address.b, 0x22, sizeof(call.address.b));
    ts_arena_init(&arena, 1u << 20);
    ts_l1_read_answer(&call, ts_bytes_of(data + 1, size - 1), &arena, &a);
    TS_CHECK(a.id == 7 && a.method == call.method);
    TS_CHECK((a.err == TS_OK) == (a.text[0] == '\0') && strlen(a.text) < TS_L1_MAX_TEXT);
    if (a.err == TS_OK && call.method == TS_L1_BLOCK)
        check_block(&a.u.block);
    if (a.err == TS_OK && call.method == TS_L1_LOGS)
        check_logs(&call, &a);
    ts_arena_free(&arena);
    return 0;
}
