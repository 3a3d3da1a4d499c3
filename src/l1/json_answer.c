/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "base/check.h"
#include "crypto/keccak.h"
#include "l1/contract.h"
#include "l1/json_read.h"

#define MAX_VALUES  (512u * 1024) /* JSON values in one answer: jansson takes some 50 bytes each */
#define MAX_HISTORY 1024          /* blocks in a fee history */
#define MAX_REVERT  4096          /* bytes of a revert's data that are read */

const char *ts_l1_method_name(enum ts_l1_method method)
{
    static const char *const names[] = {
        [TS_L1_CHAIN_ID] = "eth_chainId",
        [TS_L1_BLOCK] = "eth_getBlockByNumber",
        [TS_L1_LOGS] = "eth_getLogs",
        [TS_L1_TX] = "eth_getTransactionByHash",
        [TS_L1_RECEIPT] = "eth_getTransactionReceipt",
        [TS_L1_NONCE] = "eth_getTransactionCount",
        [TS_L1_BALANCE] = "eth_getBalance",
        [TS_L1_FEES] = "eth_feeHistory",
        [TS_L1_ESTIMATE] = "eth_estimateGas",
        [TS_L1_VIEW] = "eth_call",
        [TS_L1_CODE] = "eth_getCode",
        [TS_L1_SEND] = "eth_sendRawTransaction",
    };
    TS_CHECK((size_t)method < TS_COUNT(names));
    return names[method];
}

/* ---- failures ---- */

void ts_l1_fail_answer(const struct ts_l1_call *call, ts_err err, const char *text,
                       struct ts_arena *arena, struct ts_l1_answer *out)
{
    const size_t n = strnlen(text, TS_L1_MAX_TEXT - 1);
    char *copy = ts_arena_alloc(arena, n + 1);
    TS_CHECK(err != TS_OK);
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = (char)(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
    memset(out, 0, sizeof(*out));
    out->id = call->id;
    out->method = call->method;
    out->err = err;
    out->text = copy ? copy : ts_err_text(err);
}

static bool contains(const char *text, const char *part)
{
    const size_t n = strlen(part);
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < n && tolower((unsigned char)text[i]) == part[i])
            i++;
        if (i == n)
            return true;
    }
    return false;
}

/* Nodes differ: a code of its own (geth and its kin 3, others -32015), or words alone. An estimate
 * that finds no amount of gas that is enough ends in failure too. */
static bool is_revert(const struct ts_l1_call *call, json_int_t code, const char *message)
{
    if (call->method != TS_L1_VIEW && call->method != TS_L1_ESTIMATE)
        return false;
    return code == 3 || code == -32015 || contains(message, "revert") ||
           contains(message, "gas required exceeds") || contains(message, "always failing") ||
           contains(message, "invalid opcode");
}

/* The data of a revert as 0x hex, where some node hides it. */
static const char *revert_hex(const json_t *error)
{
    const json_t *data = json_object_get(error, "data");
    if (json_is_object(data))
        data = json_object_get(data, "data");
    const char *text = json_string_value(data);
    const char *hex = text ? strstr(text, "0x") : NULL;
    return hex ? hex : "";
}

static void put_revert(struct ts_l1_reading *r, const json_t *error, const char *message)
{
    uint8_t data[MAX_REVERT];
    char why[TS_L1_MAX_TEXT / 2];
    char text[TS_L1_MAX_TEXT];
    size_t n = 0;
    if (ts_unhex_any(revert_hex(error), data, sizeof(data), &n) != TS_OK)
        n = 0;
    ts_l1_revert_text(ts_bytes_of(data, n), why, sizeof(why));
    snprintf(text, sizeof(text), "the contract refuses: %.200s", why[0] != '\0' ? why : message);
    ts_l1_fail_answer(r->call, TS_E_L1_REVERT, text, r->arena, r->out);
}

/* "finalized block not found" and the like: before there is one, geth calls it an error. */
static bool is_absent_block(const struct ts_l1_call *call, json_int_t code, const char *message)
{
    return call->method == TS_L1_BLOCK && (code == -39001 || contains(message, "block not found") ||
                                           contains(message, "unknown block"));
}

static void read_error(struct ts_l1_reading *r, const json_t *error)
{
    const json_t *code_json = json_object_get(error, "code");
    const json_int_t code = json_integer_value(code_json);
    const char *message = json_string_value(json_object_get(error, "message"));
    char text[TS_L1_MAX_TEXT];
    if (!json_is_integer(code_json) || !message) {
        ts_l1_nonsense(r, "an error without code and message");
        return;
    }
    if (is_absent_block(r->call, code, message))
        return; /* found is false */
    if (is_revert(r->call, code, message)) {
        put_revert(r, error, message);
    } else {
        snprintf(text, sizeof(text), "the L1 node refuses %s: %.200s",
                 ts_l1_method_name(r->call->method), message);
        ts_l1_fail_answer(r->call, TS_E_L1_REFUSED, text, r->arena, r->out);
    }
    r->out->code = code;
}

/* ---- results ---- */

static void read_tx(struct ts_l1_reading *r, const json_t *json)
{
    struct ts_l1_answer_tx *tx = &r->out->u.tx;
    ts_hash hash;
    tx->found = true;
    ts_l1_get_hash(r, json, "hash", &hash);
    tx->is_mined = ts_l1_has(json, "blockNumber");
    if (tx->is_mined)
        tx->block = ts_l1_get_u64(r, json, "blockNumber");
    ts_l1_get_address(r, json, "from", &tx->from);
    tx->creates = !ts_l1_has(json, "to");
    if (!tx->creates)
        ts_l1_get_address(r, json, "to", &tx->to);
    tx->nonce = ts_l1_get_u64(r, json, "nonce");
    tx->input = ts_l1_get_bytes(r, json, "input", TS_L1_MAX_INPUT);
    if (ts_l1_reads(r) && !ts_hash_equal(&hash, &r->call->hash))
        ts_l1_nonsense(r, "it is another transaction");
}

static void read_receipt(struct ts_l1_reading *r, const json_t *json)
{
    struct ts_l1_answer_receipt *receipt = &r->out->u.receipt;
    ts_hash hash;
    if (json_is_object(json) && !ts_l1_has(json, "blockNumber"))
        return; /* of one that waits: as good as none */
    receipt->found = true;
    ts_l1_get_hash(r, json, "transactionHash", &hash);
    receipt->block = ts_l1_get_u64(r, json, "blockNumber");
    ts_l1_get_hash(r, json, "blockHash", &receipt->block_hash);
    receipt->gas_used = ts_l1_get_u64(r, json, "gasUsed");
    const uint64_t status = ts_l1_get_u64(r, json, "status");
    receipt->succeeded = status == 1;
    if (ts_l1_has(json, "contractAddress"))
        ts_l1_get_address(r, json, "contractAddress", &receipt->created);
    if (ts_l1_reads(r) && !ts_hash_equal(&hash, &r->call->hash))
        ts_l1_nonsense(r, "it is of another transaction");
    if (status > 1)
        ts_l1_nonsense(r, "status is neither 0x0 nor 0x1");
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The median of the blocks' rewards that are not zero: an empty block has none. */
static uint64_t read_tip(struct ts_l1_reading *r, const json_t *rewards)
{
    uint64_t tips[MAX_HISTORY];
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(rewards) && i < MAX_HISTORY; i++) {
        const json_t *of_block = json_array_get(rewards, i);
        const uint64_t tip = ts_l1_take_u64(r, json_array_get(of_block, 0), "a reward");
        if (tip > 0)
            tips[n++] = tip;
    }
    if (n == 0)
        return 0;
    qsort(tips, n, sizeof(tips[0]), compare_u64);
    return tips[n / 2];
}

static void read_fees(struct ts_l1_reading *r, const json_t *json)
{
    const json_t *base = json_object_get(json, "baseFeePerGas");
    const size_t n = json_array_size(base);
    if (n == 0 || n > MAX_HISTORY) {
        ts_l1_nonsense(r, "baseFeePerGas is no list of fees");
        return;
    }
    r->out->u.fees.base_fee = ts_l1_take_u64(r, json_array_get(base, n - 1), "baseFeePerGas");
    r->out->u.fees.tip = read_tip(r, json_object_get(json, "reward"));
}

static void read_sent(struct ts_l1_reading *r, const json_t *json)
{
    ts_hash hash;
    ts_l1_take_fixed(r, json, "the hash", r->out->u.hash.b, sizeof(r->out->u.hash.b));
    ts_keccak256(r->call->data, &hash);
    if (ts_l1_reads(r) && !ts_hash_equal(&hash, &r->out->u.hash))
        ts_l1_nonsense(r, "it is the hash of another transaction");
}

static void read_result(struct ts_l1_reading *r, const json_t *json)
{
    switch (r->call->method) {
    case TS_L1_CHAIN_ID:
    case TS_L1_NONCE:
    case TS_L1_ESTIMATE:
        r->out->u.number = ts_l1_take_u64(r, json, "the result");
        break;
    case TS_L1_BALANCE:
        r->out->u.amount = ts_l1_take_u256(r, json, "the result");
        break;
    case TS_L1_VIEW:
    case TS_L1_CODE:
        r->out->u.bytes = ts_l1_take_bytes(r, json, "the result", TS_L1_MAX_INPUT);
        break;
    case TS_L1_BLOCK:
        if (!json_is_null(json))
            ts_l1_read_block(r, json);
        break;
    case TS_L1_TX:
        if (!json_is_null(json))
            read_tx(r, json);
        break;
    case TS_L1_RECEIPT:
        if (!json_is_null(json))
            read_receipt(r, json);
        break;
    case TS_L1_LOGS:
        ts_l1_read_logs(r, json);
        break;
    case TS_L1_FEES:
        read_fees(r, json);
        break;
    case TS_L1_SEND:
        read_sent(r, json);
        break;
    }
}

/* ---- the whole ---- */

/* An upper bound on the JSON values in a text, cheaply, before jansson makes them. */
static bool has_too_many_values(ts_bytes body)
{
    size_t n = 0;
    bool in_string = false;
    for (size_t i = 0; i < body.n; i++) {
        const uint8_t c = body.p[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == ',' || c == '[' || c == '{'))
            n++;
    }
    return n > MAX_VALUES;
}

static void read_envelope(struct ts_l1_reading *r, const json_t *root)
{
    const json_t *id = json_object_get(root, "id");
    const json_t *version = json_object_get(root, "jsonrpc");
    const json_t *result = json_object_get(root, "result");
    const bool is_error = ts_l1_has(root, "error");
    if (!json_is_object(root) || !json_is_string(version) ||
        strcmp(json_string_value(version), "2.0") != 0 || (!result && !is_error))
        ts_l1_nonsense(r, "it is no JSON-RPC answer");
    else if (is_error && (!id || json_is_null(id)))
        read_error(r, json_object_get(root, "error")); /* it could not read the request at all */
    else if (!json_is_integer(id) || (uint64_t)json_integer_value(id) != r->call->id)
        ts_l1_nonsense(r, "it answers another request");
    else if (is_error)
        read_error(r, json_object_get(root, "error"));
    else
        read_result(r, result);
}

void ts_l1_read_answer(const struct ts_l1_call *call, ts_bytes body, struct ts_arena *arena,
                       struct ts_l1_answer *out)
{
    struct ts_l1_reading r = {.call = call, .arena = arena, .out = out};
    memset(out, 0, sizeof(*out));
    out->id = call->id;
    out->method = call->method;
    out->text = "";
    if (body.n > TS_L1_MAX_ANSWER || has_too_many_values(body)) {
        if (call->method == TS_L1_LOGS)
            ts_l1_fail_answer(call, TS_E_L1_REFUSED, "more logs than are read at a time", arena,
                              out);
        else
            ts_l1_nonsense(&r, "it is too large");
        return;
    }
    /* Some nodes put the bytes of a revert into their message, zeros and all. */
    json_t *root =
        json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (root)
        read_envelope(&r, root);
    else
        ts_l1_nonsense(&r, "it is no JSON");
    json_decref(root);
}
