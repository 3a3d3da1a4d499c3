/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/check.h"
#include "l1/json_read.h"

#define MAX_ID (UINT64_C(1) << 53)

static void put_quantity(struct ts_buf *b, uint64_t v)
{
    ts_buf_printf(b, "\"0x%" PRIx64 "\"", v);
}

static void put_hex(struct ts_buf *b, ts_bytes v)
{
    uint8_t *room = v.n <= TS_L1_MAX_ANSWER ? ts_buf_extend(b, 2 * v.n + 4) : NULL;
    if (!room) {
        if (b->err == TS_OK)
            b->err = TS_E_LIMIT;
        return;
    }
    room[0] = '"';
    ts_hex(v.p, v.n, (char *)room + 1);
    room[2 * v.n + 3] = '"'; /* over the NUL of ts_hex */
}

static void put_address(struct ts_buf *b, const ts_address *a)
{
    put_hex(b, ts_bytes_of(a->b, sizeof(a->b)));
}

static void put_hash(struct ts_buf *b, const ts_hash *h)
{
    put_hex(b, ts_bytes_of(h->b, sizeof(h->b)));
}

static void put_tag(struct ts_buf *b, const struct ts_l1_call *call)
{
    switch (call->tag) {
    case TS_L1_AT_NUMBER:
        put_quantity(b, call->number);
        break;
    case TS_L1_LATEST:
        ts_buf_printf(b, "\"latest\"");
        break;
    case TS_L1_PENDING:
        ts_buf_printf(b, "\"pending\"");
        break;
    case TS_L1_FINALIZED:
        ts_buf_printf(b, "\"finalized\"");
        break;
    }
}

static void put_logs(struct ts_buf *b, const struct ts_l1_call *call)
{
    ts_buf_printf(b, "{\"fromBlock\":");
    put_quantity(b, call->from);
    ts_buf_printf(b, ",\"toBlock\":");
    put_quantity(b, call->to_block);
    ts_buf_printf(b, ",\"address\":");
    put_address(b, &call->address);
    for (size_t i = 0; i < call->n_topics; i++) {
        ts_buf_printf(b, "%s", i == 0 ? ",\"topics\":[[" : ",");
        put_hash(b, &call->topics[i]);
    }
    ts_buf_printf(b, "%s}", call->n_topics > 0 ? "]]" : "");
}

/* The transaction object of eth_call and eth_estimateGas. */
static void put_execution(struct ts_buf *b, const struct ts_l1_call *call)
{
    char value[67];
    ts_buf_put_byte(b, '{');
    if (!ts_address_is_zero(&call->address)) {
        ts_buf_printf(b, "\"from\":");
        put_address(b, &call->address);
        ts_buf_put_byte(b, ',');
    }
    if (!call->creates) {
        ts_buf_printf(b, "\"to\":");
        put_address(b, &call->to);
        ts_buf_put_byte(b, ',');
    }
    if (!ts_u256_is_zero(&call->value))
        ts_buf_printf(b, "\"value\":\"%s\",", ts_u256_quantity(&call->value, value));
    ts_buf_printf(b, "\"data\":");
    put_hex(b, call->data);
    ts_buf_printf(b, "},");
    put_tag(b, call);
}

static void put_of_account(struct ts_buf *b, const struct ts_l1_call *call)
{
    put_address(b, &call->address);
    ts_buf_put_byte(b, ',');
    put_tag(b, call);
}

static void put_params(struct ts_buf *b, const struct ts_l1_call *call)
{
    switch (call->method) {
    case TS_L1_CHAIN_ID:
        break;
    case TS_L1_BLOCK:
        put_tag(b, call);
        ts_buf_printf(b, ",false");
        break;
    case TS_L1_LOGS:
        put_logs(b, call);
        break;
    case TS_L1_TX:
    case TS_L1_RECEIPT:
        put_hash(b, &call->hash);
        break;
    case TS_L1_NONCE:
    case TS_L1_BALANCE:
    case TS_L1_CODE:
        put_of_account(b, call);
        break;
    case TS_L1_FEES:
        ts_buf_printf(b, "\"0xa\",\"latest\",[50]");
        break;
    case TS_L1_ESTIMATE:
    case TS_L1_VIEW:
        put_execution(b, call);
        break;
    case TS_L1_SEND:
        put_hex(b, call->data);
        break;
    }
}

void ts_l1_put_request(struct ts_buf *b, const struct ts_l1_call *call)
{
    TS_CHECK(call->id <= MAX_ID);
    ts_buf_printf(b, "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":\"%s\",\"params\":[",
                  call->id, ts_l1_method_name(call->method));
    put_params(b, call);
    ts_buf_printf(b, "]}");
}
