/* SPDX-License-Identifier: Apache-2.0 */
/* The Ethereum methods, as wallets call them. */
#include "rpc_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "rpc/infos.h"

static int setup(void **state)
{
    *state = kit_open(false);
    return 0;
}

static int teardown(void **state)
{
    kit_close(*state);
    return 0;
}

/* "[…]" with the address of a person and more. */
static const char *with_person(const struct kit *k, size_t i, const char *more)
{
    static char text[256];
    char hex[TS_ADDRESS_HEX_SIZE];
    (void)snprintf(text, sizeof(text), "[\"%s\"%s]", ts_hex(k->people[i].b, 20, hex), more);
    return text;
}

static const char *with_text(const char *value, const char *more)
{
    static char text[256];
    (void)snprintf(text, sizeof(text), "[\"%s\"%s]", value, more);
    return text;
}

static void the_constants_are_those_of_the_network(void **state)
{
    struct kit *k = *state;
    kit_expect(k, "web3_clientVersion", "[]", "\"tenseq-test/1\"");
    kit_expect(k, "net_version", "[]", "\"443\"");
    kit_expect(k, "net_listening", "[]", "true");
    kit_expect(k, "eth_chainId", "[]", "\"0x1bb\"");
    kit_expect(k, "eth_blockNumber", "[]", "\"0x8\"");
    kit_expect(k, "eth_maxPriorityFeePerGas", "[]", "\"0x0\"");
    kit_expect(k, "eth_accounts", "[]", "[]");
    kit_expect(k, "eth_syncing", "[]", "false");
    kit_expect(k, "eth_getLogs", "[{}]", "[]");
    kit_expect(k, "web3_sha3", "[\"0x68656c6c6f20776f726c64\"]",
               "\"0x47173285a8d7341e5e972fc677286384f802f8ef42a5ec5f03bbfa254cb01fad\"");
    char price[80];
    (void)snprintf(price, sizeof(price), "\"0x%llx\"",
                   (unsigned long long)k->net->genesis.params.base_fee);
    kit_expect(k, "eth_gasPrice", "[]", price);
}

static void state_is_read_at_the_head_alone(void **state)
{
    struct kit *k = *state;
    static const char *const tags[] = {"",
                                       ",\"latest\"",
                                       ",\"pending\"",
                                       ",\"safe\"",
                                       ",\"finalized\"",
                                       ",\"0x8\"",
                                       ",{\"blockNumber\":\"0x8\"}"};
    for (size_t i = 0; i < TS_COUNT(tags); i++) {
        kit_expect(k, "eth_getBalance", with_person(k, 1, tags[i]), "\"0xd00000000000000\"");
        kit_expect(k, "eth_getTransactionCount", with_person(k, 1, tags[i]), "\"0x0\"");
        kit_expect(k, "eth_getCode", with_person(k, 1, tags[i]), "\"0x\"");
    }
    kit_refused(k, "eth_getBalance", with_person(k, 1, ",\"0x7\""), -32000,
                "the state of batch 7 is not kept, only that of the newest, which is 8");
    kit_refused(k, "eth_getTransactionCount", with_person(k, 1, ",\"earliest\""), -32000,
                "batch 0 is not kept");
    kit_refused(k, "eth_getCode", with_person(k, 1, ",\"0x9\""), -32000, "batch 9 is not kept");
    kit_refused(k, "eth_getBalance",
                with_person(k, 1,
                            ",\"0x000000000000000000000000000000000000000000000000000000000000000"
                            "1\""),
                -32000, "has another hash");
    kit_refused(k, "eth_getBalance", "[\"0x12\"]", -32602, "parameter 1");
    kit_refused(k, "eth_getBalance", "[]", -32602, "parameter 1");
}

static void the_pending_nonce_counts_what_waits(void **state)
{
    struct kit *k = *state;
    k->has_nonce = true;
    k->nonce = 17;
    kit_expect(k, "eth_getTransactionCount", with_person(k, 0, ",\"pending\""), "\"0x11\"");
    kit_expect(k, "eth_getTransactionCount", with_person(k, 0, ",\"latest\""), "\"0x0\"");
    kit_expect(k, "eth_getTransactionCount", with_person(k, 1, ",\"pending\""), "\"0x0\"");
}

static void an_enclaves_error_is_passed_on(void **state)
{
    struct kit *k = *state;
    k->query_err = TS_E_TIMEOUT;
    k->enclave_says = "no enclave is up to answer the query";
    kit_refused(k, "eth_getBalance", with_person(k, 1, ""), -32000, "no enclave is up");
    kit_refused(k, "eth_getBlockByNumber", "[\"0x2\",true]", -32000, "no enclave is up");
    kit_refused(k, "eth_getTransactionReceipt", with_text(kit_hash(k, 0), ""), -32000,
                "no enclave is up");
    k->enclave_says = NULL;
    kit_refused(k, "eth_getBalance", with_person(k, 1, ""), -32000, "the deadline passed");
}

static void an_answer_about_something_else_is_refused(void **state)
{
    struct kit *k = *state;
    k->lie = true;
    kit_start(k, "eth_getTransactionByHash", with_text(kit_hash(k, 0), ""));
    assert_null(kit_answer(k));
    kit_start(k, "eth_getBlockByNumber", "[\"0x8\",true]");
    assert_null(kit_answer(k));
    k->lie = false;
    json_decref(kit_call(k, "eth_getBlockByNumber", "[\"0x8\",true]"));
}

static void gas_is_estimated(void **state)
{
    struct kit *k = *state;
    static const char transfer[] = "[{\"to\":\"0x57000000000000000000000000000000000000aa\"}]";
    kit_expect(k, "eth_estimateGas", transfer, "\"0x5208\"");
    kit_expect(k, "eth_call", transfer, "\"0x\"");
    kit_expect(k, "eth_estimateGas",
               "[{\"to\":\"0x57000000000000000000000000000000000000aa\",\"data\":\"0x00ff\","
               "\"gas\":\"0x1\",\"unknown\":1,\"accessList\":[{\"address\":"
               "\"0x00000000000000000000000000000000000000bb\",\"storageKeys\":["
               "\"0x0000000000000000000000000000000000000000000000000000000000000001\"]}]},"
               "\"latest\"]",
               "\"0x62e8\"");
    kit_refused(k, "eth_estimateGas", "[{}]", -32000, "contract creation is not supported");
    kit_refused(k, "eth_call", "[{\"to\":\"0x0000000000000000000000000000000000000001\"}]", -32000,
                "reserved");
    kit_refused(k, "eth_estimateGas",
                "[{\"to\":\"0x57000000000000000000000000000000000000aa\",\"value\":"
                "\"0xffffffffffffffff\"}]",
                -32000, "insufficient funds");
    kit_refused(k, "eth_estimateGas", "[7]", -32602, "call object");
    kit_refused(k, "eth_estimateGas", "[{\"to\":\"0x12\"}]", -32602, "to must be");
    kit_refused(k, "eth_estimateGas", "[{\"from\":5}]", -32602, "from must be");
    kit_refused(k, "eth_estimateGas", "[{\"value\":\"7\"}]", -32602, "value must be");
    kit_refused(k, "eth_estimateGas", "[{\"data\":\"0x1\"}]", -32602, "data must be");
    kit_refused(k, "eth_estimateGas", "[{\"data\":\"0x11\",\"input\":\"0x22\"}]", -32602,
                "the same as input");
    kit_refused(k, "eth_estimateGas", "[{\"accessList\":[{\"address\":1}]}]", -32602,
                "accessList must be");
    kit_refused(k, "eth_call", "[{},\"latest\",{}]", -32602, "overrides");
}

static void blocks_look_as_wallets_expect(void **state)
{
    struct kit *k = *state;
    json_t *b = kit_call(k, "eth_getBlockByNumber", "[\"latest\",false]");
    static const char *const members[] = {
        "number",       "hash",          "parentHash",       "timestamp",      "miner",
        "stateRoot",    "size",          "gasLimit",         "gasUsed",        "sha3Uncles",
        "receiptsRoot", "logsBloom",     "difficulty",       "nonce",          "mixHash",
        "extraData",    "baseFeePerGas", "transactionsRoot", "totalDifficulty"};
    for (size_t i = 0; i < TS_COUNT(members); i++)
        (void)member(b, members[i]);
    char hash[TS_HASH_HEX_SIZE];
    const struct ts_head *head = &k->net->chain.head;
    assert_string_equal(member(b, "hash"), ts_hex(head->hash.b, 32, hash));
    assert_string_equal(member(b, "stateRoot"), ts_hex(head->state_root.b, 32, hash));
    assert_string_equal(member(b, "number"), "0x8");
    assert_int_equal(strlen(member(b, "logsBloom")), 514);
    uint64_t seconds = strtoull(member(b, "timestamp"), NULL, 16);
    assert_true(seconds == head->time / 1000);
    assert_int_equal(json_array_size(json_object_get(b, "transactions")), KIT_CHUNKY);
    assert_string_equal(json_string_value(json_array_get(json_object_get(b, "transactions"), 299)),
                        kit_hash(k, 3 + 299));
    assert_int_equal(json_array_size(json_object_get(b, "uncles")), 0);
    /* The same by hash, in full. */
    json_t *full = kit_call(k, "eth_getBlockByHash", with_text(member(b, "hash"), ",true"));
    assert_string_equal(member(full, "gasUsed"), member(b, "gasUsed"));
    const json_t *tx = json_array_get(json_object_get(full, "transactions"), 299);
    assert_string_equal(member(tx, "hash"), kit_hash(k, 3 + 299));
    assert_string_equal(member(tx, "transactionIndex"), "0x12b");
    json_decref(full);
    json_decref(b);
    kit_expect(k, "eth_getBlockByNumber", "[\"0x9\",false]", "null");
    kit_expect(k, "eth_getBlockByHash",
               "[\"0x0000000000000000000000000000000000000000000000000000000000000001\",false]",
               "null");
    kit_expect(k, "eth_getBlockTransactionCountByNumber", "[\"0x8\"]", "\"0x12c\"");
    kit_expect(k, "eth_getBlockTransactionCountByNumber", "[\"0x0\"]", "\"0x0\"");
    kit_refused(k, "eth_getBlockByNumber", "[\"0x01\",false]", -32602, "parameter 1");
    kit_refused(k, "eth_getBlockByNumber", "[\"latest\",\"yes\"]", -32602, "parameter 2");
}

static void block_zero_is_the_genesis(void **state)
{
    struct kit *k = *state;
    char hash[TS_HASH_HEX_SIZE];
    (void)ts_hex(k->net->genesis.hash.b, 32, hash);
    json_t *b = kit_call(k, "eth_getBlockByNumber", "[\"earliest\",true]");
    assert_string_equal(member(b, "hash"), hash);
    assert_string_equal(member(b, "number"), "0x0");
    json_decref(b);
    b = kit_call(k, "eth_getBlockByHash", with_text(hash, ",false"));
    assert_string_equal(member(b, "number"), "0x0");
    json_decref(b);
    kit_expect(k, "eth_getBlockReceipts", "[\"0x0\"]", "[]");
    /* And the parent of batch 1. */
    b = kit_call(k, "eth_getBlockByNumber", "[\"0x1\",false]");
    assert_string_equal(member(b, "parentHash"), hash);
    assert_string_equal(member(b, "gasUsed"), "0x0");
    json_decref(b);
}

static void a_batch_in_the_store_above_the_head_is_not_shown(void **state)
{
    struct kit *k = *state;
    struct tn_draft *d = tn_draft(k->net, 0);
    ts_hash tx = {{9}};
    tn_seal(k->net, d);
    struct ts_store_op op = {.kind = TS_OP_PUT_BATCH,
                             .number = 9,
                             .hash = {{1}},
                             .status = TS_BATCH_COMMITTED,
                             .data = ts_buf_bytes(&d->raw),
                             .tx_hashes = &tx,
                             .n_tx_hashes = 1};
    kit_put(k, &op);
    char hex[TS_HASH_HEX_SIZE];
    kit_expect(k, "eth_getBlockByNumber", "[\"0x9\",false]", "null");
    kit_expect(k, "eth_getBlockByHash", with_text(ts_hex(op.hash.b, 32, hex), ",false"), "null");
    kit_expect(k, "eth_getTransactionByHash", with_text(ts_hex(tx.b, 32, hex), ""), "null");
    kit_expect(k, "eth_getTransactionReceipt", with_text(ts_hex(tx.b, 32, hex), ""), "null");
    kit_expect(k, "ten_getBatches", "[{\"from\":9,\"count\":1}]", "[]");
}

static void transactions_of_each_type_look_as_wallets_expect(void **state)
{
    struct kit *k = *state;
    char from[TS_ADDRESS_HEX_SIZE];
    (void)ts_hex(k->people[0].b, 20, from);
    for (size_t i = 0; i < 3; i++) {
        char text[16];
        json_t *tx = kit_call(k, "eth_getTransactionByHash", with_text(kit_hash(k, i), ""));
        (void)snprintf(text, sizeof(text), "0x%zx", i);
        assert_string_equal(member(tx, "type"), text);
        assert_string_equal(member(tx, "nonce"), text);
        assert_string_equal(member(tx, "transactionIndex"), text);
        assert_string_equal(member(tx, "blockNumber"), "0x2");
        assert_string_equal(member(tx, "from"), from);
        assert_string_equal(member(tx, "chainId"), "0x1bb");
        assert_string_equal(member(tx, "input"), "0x010203");
        assert_string_equal(member(tx, "gas"), "0x7530");
        assert_string_equal(member(tx, "hash"), kit_hash(k, i));
        assert_int_equal(json_is_array(json_object_get(tx, "accessList")), i > 0);
        assert_int_equal(json_is_string(json_object_get(tx, "yParity")), i > 0);
        assert_int_equal(json_is_string(json_object_get(tx, "maxFeePerGas")), i == 2);
        (void)member(tx, "v");
        (void)member(tx, "r");
        (void)member(tx, "s");
        json_decref(tx);
    }
    json_t *a = kit_call(k, "eth_getTransactionByBlockNumberAndIndex", "[\"0x2\",\"0x1\"]");
    assert_string_equal(member(a, "hash"), kit_hash(k, 1));
    char params[100];
    (void)snprintf(params, sizeof(params), "[\"%s\",\"0x1\"]", member(a, "blockHash"));
    json_t *b = kit_call(k, "eth_getTransactionByBlockHashAndIndex", params);
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
    kit_expect(k, "eth_getTransactionByBlockNumberAndIndex", "[\"0x2\",\"0x3\"]", "null");
    kit_expect(k, "eth_getTransactionByBlockNumberAndIndex", "[\"0x63\",\"0x0\"]", "null");
}

static void a_pending_transaction_has_no_block(void **state)
{
    struct kit *k = *state;
    size_t i = kit_tx(k, TS_TX_DYNAMIC_FEE, 500);
    kit_expect(k, "eth_getTransactionByHash", with_text(kit_hash(k, i), ""), "null");
    k->pending = kit_raw(k, i);
    json_t *tx = kit_call(k, "eth_getTransactionByHash", with_text(kit_hash(k, i), ""));
    assert_true(json_is_null(json_object_get(tx, "blockHash")));
    assert_true(json_is_null(json_object_get(tx, "blockNumber")));
    assert_string_equal(member(tx, "gasPrice"), member(tx, "maxFeePerGas"));
    json_decref(tx);
    kit_expect(k, "eth_getTransactionReceipt", with_text(kit_hash(k, i), ""), "null");
}

static void receipts_add_the_gas_up(void **state)
{
    struct kit *k = *state;
    json_t *first = kit_call(k, "eth_getTransactionReceipt", with_text(kit_hash(k, 0), ""));
    json_t *third = kit_call(k, "eth_getTransactionReceipt", with_text(kit_hash(k, 2), ""));
    assert_string_equal(member(first, "status"), "0x1");
    assert_string_equal(member(first, "gasUsed"), member(first, "cumulativeGasUsed"));
    uint64_t used = strtoull(member(first, "gasUsed"), NULL, 16);
    assert_int_equal(strtoull(member(third, "cumulativeGasUsed"), NULL, 16), 3 * used);
    assert_true(json_is_null(json_object_get(first, "contractAddress")));
    assert_int_equal(json_array_size(json_object_get(first, "logs")), 0);
    assert_string_equal(member(third, "type"), "0x2");
    json_t *all = kit_call(k, "eth_getBlockReceipts", "[\"0x2\"]");
    assert_int_equal(json_array_size(all), 3);
    assert_true(json_equal(json_array_get(all, 2), third));
    json_decref(all);
    json_decref(third);
    json_decref(first);
}

static void the_enclave_is_asked_in_pieces_and_once(void **state)
{
    struct kit *k = *state;
    k->n_queries = 0;
    json_decref(kit_call(k, "eth_getBlockByNumber", "[\"0x8\",true]"));
    assert_int_equal(k->n_queries, (KIT_CHUNKY + TS_INFOS_CHUNK - 1) / TS_INFOS_CHUNK);
    json_decref(kit_call(k, "eth_getBlockByNumber", "[\"0x8\",false]"));
    json_decref(kit_call(k, "eth_getTransactionReceipt", with_text(kit_hash(k, 7), "")));
    assert_int_equal(k->n_queries, (KIT_CHUNKY + TS_INFOS_CHUNK - 1) / TS_INFOS_CHUNK);
    json_decref(kit_call(k, "eth_getBlockByNumber", "[\"0x5\",false]")); /* empty */
    assert_int_equal(k->n_queries, (KIT_CHUNKY + TS_INFOS_CHUNK - 1) / TS_INFOS_CHUNK);
}

static void calls_for_one_batch_share_its_questions(void **state)
{
    struct kit *k = *state;
    k->hold = true;
    kit_start(k, "eth_getBlockByNumber", "[\"0x8\",false]");
    kit_start(k, "eth_getTransactionReceipt", with_text(kit_hash(k, 9), ""));
    kit_start(k, "eth_getBlockReceipts", "[\"0x2\"]");
    assert_int_equal(k->n_held, 1);
    k->n_answers = 0;
    kit_release(k);
    kit_release(k);
    assert_int_equal(k->n_answers, 0);
    kit_release(k);
    assert_int_equal(k->n_answers, 2);
    assert_int_equal(k->n_held, 1);
    kit_release(k);
    assert_int_equal(k->n_answers, 3);
    assert_int_equal(k->n_queries, 4);
}

static void too_many_waiting_calls_are_refused(void **state)
{
    struct kit *k = *state;
    k->hold = true;
    for (size_t i = 0; i < TS_INFOS_MAX_WAITING; i++)
        kit_start(k, "eth_getBlockByNumber", "[\"0x8\",false]");
    kit_refused(k, "eth_getBlockByNumber", "[\"0x8\",false]", -32000, "try again");
    k->n_answers = 0;
    while (k->n_held > 0)
        kit_release(k);
    assert_int_equal(k->n_answers, TS_INFOS_MAX_WAITING);
}

static const char *hex_of(ts_bytes raw)
{
    static char text[4096];
    assert_true(raw.n < 2000);
    return ts_hex(raw.p, raw.n, text);
}

/* The newest answer, a refusal, says its name. */
static void assert_refusal_named(const struct kit *k, const char *name)
{
    json_t *o = json_loadb((const char *)k->answer.p, k->answer.n, 0, NULL);
    const json_t *data = json_object_get(json_object_get(o, "error"), "data");
    assert_string_equal(member(data, "code"), name);
    json_decref(o);
}

static void sending_answers_with_the_hash_once_it_is_durable(void **state)
{
    struct kit *k = *state;
    size_t i = kit_tx(k, TS_TX_DYNAMIC_FEE, 500);
    struct ts_buf params;
    char hash[80];
    ts_buf_init(&params, 0);
    ts_buf_printf(&params, "[\"%s\"]%c", hex_of(kit_raw(k, i)), 0);
    (void)snprintf(hash, sizeof(hash), "\"%s\"", kit_hash(k, i));
    kit_expect(k, "eth_sendRawTransaction", (const char *)params.p, hash);
    assert_true(ts_bytes_equal(ts_buf_bytes(&k->sent), kit_raw(k, i)));
    k->send_err = TS_E_TX_NONCE_LOW;
    k->enclave_says = "nonce too low: next nonce 3, tx nonce 0";
    kit_refused(k, "eth_sendRawTransaction", (const char *)params.p, -32000, k->enclave_says);
    k->enclave_says = "";
    kit_refused(k, "eth_sendRawTransaction", (const char *)params.p, -32000, "nonce too low");
    k->send_err = TS_E_DISK_FULL;
    kit_refused(k, "eth_sendRawTransaction", (const char *)params.p, -32000, "the disk is full");
    assert_refusal_named(k, "TS_E_DISK_FULL");
    ts_buf_free(&params);
    kit_refused(k, "eth_sendRawTransaction", "[\"0xabc\"]", -32602, "parameter 1");
    kit_refused(k, "eth_sendRawTransaction", "[]", -32602, "parameter 1");
}

static void a_transaction_over_the_limit_is_not_handed_in(void **state)
{
    struct kit *k = *state;
    size_t n = k->net->genesis.params.max_tx_bytes + 1;
    struct ts_buf params;
    ts_buf_init(&params, 0);
    ts_buf_printf(&params, "[\"0x");
    for (size_t i = 0; i < n; i++)
        ts_buf_put(&params, "ab", 2);
    ts_buf_printf(&params, "\"]%c", 0);
    kit_refused(k, "eth_sendRawTransaction", (const char *)params.p, -32000, "131073 bytes");
    assert_refusal_named(k, "TS_E_TX_SIZE");
    assert_int_equal(k->sent.n, 0);
    ts_buf_free(&params);
}

static void fee_history_tells_what_there_is(void **state)
{
    struct kit *k = *state;
    k->query_err = TS_E_TIMEOUT;
    kit_refused(k, "eth_feeHistory", "[7,\"latest\",[]]", -32000, "deadline");
    k->query_err = TS_OK;
    json_t *h = kit_call(k, "eth_feeHistory", "[\"0x4\",\"latest\",[10,50.5]]");
    assert_string_equal(member(h, "oldestBlock"), "0x5");
    assert_int_equal(json_array_size(json_object_get(h, "baseFeePerGas")), 5);
    const json_t *ratio = json_object_get(h, "gasUsedRatio");
    assert_int_equal(json_array_size(ratio), 4);
    assert_true(json_real_value(json_array_get(ratio, 0)) == 0.0);
    assert_true(json_real_value(json_array_get(ratio, 3)) > 0.0);
    assert_int_equal(json_array_size(json_object_get(h, "reward")), 4);
    assert_int_equal(json_array_size(json_array_get(json_object_get(h, "reward"), 0)), 2);
    json_decref(h);
    h = kit_call(k, "eth_feeHistory", "[100000,\"0x3\"]");
    assert_string_equal(member(h, "oldestBlock"), "0x0");
    assert_null(json_object_get(h, "reward"));
    assert_int_equal(json_array_size(json_object_get(h, "gasUsedRatio")), 4);
    json_decref(h);
    kit_refused(k, "eth_feeHistory", "[1,\"0x9\",[]]", -32000, "beyond head block");
    kit_refused(k, "eth_feeHistory", "[1,\"latest\",[50,10]]", -32602, "parameter 3");
    kit_refused(k, "eth_feeHistory", "[1,\"latest\",[101]]", -32602, "parameter 3");
    kit_refused(k, "eth_feeHistory", "[\"x\",\"latest\",[]]", -32602, "parameter 1");
}

static void on_many(void *ctx, ts_bytes text)
{
    (void)ctx;
    assert_true(text.n > 0);
}

/* So many calls in one text. */
static void ask_many(struct ts_rpc *rpc, const char *method, const char *params, unsigned n)
{
    const struct ts_rpc_peer peer = {.is_local = true};
    struct ts_buf b;
    ts_buf_init(&b, 0);
    for (unsigned i = 0; i < n; i++)
        ts_buf_printf(&b, "%c{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}",
                      i == 0 ? '[' : ',', method, params);
    ts_buf_put_byte(&b, ']');
    ts_rpc_handle(rpc, &peer, ts_buf_bytes(&b), on_many, NULL);
    ts_buf_free(&b);
}

/* Whatever reads a batch: many calls in one text do not hold up the rest. */
static void calls_that_read_batches_share_a_turn_of_the_loop(void **state)
{
    struct kit *k = *state;
    const struct ts_rpc_limits limits = {.heavy_ms = 1};
    char hash[80], second[80], tx[80];
    size_t n = 0;
    const struct ts_rpc_method *methods = ts_api_methods(k->api, &n);
    json_t *b =
        kit_call(k, "eth_getBlockByNumber", "[\"0x8\",true]"); /* the enclave has told all */
    (void)snprintf(hash, sizeof(hash), "[\"%s\"]", member(b, "hash"));
    (void)snprintf(second, sizeof(second), "[\"%s\",\"0x1\"]", member(b, "hash"));
    (void)snprintf(tx, sizeof(tx), "[\"%s\"]", kit_hash(k, 9));
    json_decref(b);
    const struct {
        const char *method, *params;
    } calls[] = {
        {"eth_getBlockByNumber", "[\"0x8\",false]"},
        {"eth_getBlockByHash", hash},
        {"eth_getBlockReceipts", "[\"0x8\"]"},
        {"eth_getBlockTransactionCountByNumber", "[\"0x8\"]"},
        {"eth_getBlockTransactionCountByHash", hash},
        {"eth_feeHistory", "[8,\"0x8\"]"},
        {"eth_getTransactionByHash", tx},
        {"eth_getTransactionByBlockNumberAndIndex", "[\"0x8\",\"0x1\"]"},
        {"eth_getTransactionByBlockHashAndIndex", second},
        {"eth_getTransactionReceipt", tx},
        {"ten_finality", "[8]"},
        {"ten_registry", "[7]"},
    };
    k->has_rollups = true;
    for (size_t i = 0; i < TS_COUNT(calls); i++) {
        struct ts_rpc *rpc = ts_rpc_new(&k->loop, &limits, methods, n, k->api);
        assert_non_null(rpc);
        uv_update_time(&k->loop);
        ask_many(rpc, calls[i].method, calls[i].params, 500);
        if (ts_rpc_counters(rpc)->too_many == 0)
            fail_msg("500 times %s were all answered", calls[i].method);
        assert_true(ts_rpc_counters(rpc)->calls > 0);
        ts_rpc_close(rpc);
    }
}

/* What is asked of the enclave comes back for all who wait for it at once. */
static void calls_that_waited_share_a_turn_of_the_loop(void **state)
{
    static const struct {
        const char *method, *params;
    } calls[] = {{"eth_getBlockByNumber", "[\"0x8\",true]"},
                 {"eth_getBlockReceipts", "[\"0x8\"]"},
                 {"eth_feeHistory", "[8,\"0x8\"]"}};
    (void)state;
    for (size_t i = 0; i < TS_COUNT(calls); i++) {
        struct kit *k = kit_open(false);
        const struct ts_rpc_limits limits = {.heavy_ms = 1};
        size_t n = 0;
        const struct ts_rpc_method *methods = ts_api_methods(k->api, &n);
        struct ts_rpc *rpc = ts_rpc_new(&k->loop, &limits, methods, n, k->api);
        assert_non_null(rpc);
        k->hold = true;
        for (unsigned c = 0; c < 450; c++) { /* each in a turn of its own */
            uv_sleep(1);
            uv_update_time(&k->loop);
            ask_many(rpc, calls[i].method, calls[i].params, 1);
        }
        assert_int_equal(ts_rpc_counters(rpc)->too_many, 0);
        uv_sleep(1);
        uv_update_time(&k->loop);
        uint64_t start = uv_hrtime();
        while (k->n_held > 0)
            kit_release(k);
        uint64_t ms = (uv_hrtime() - start) / 1000000;
        assert_int_equal(ts_rpc_in_flight(rpc), 0);
        if (ts_rpc_counters(rpc)->too_many == 0)
            fail_msg("%s: all were answered, in %u ms", calls[i].method, (unsigned)ms);
        ts_rpc_close(rpc);
        kit_close(k);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_constants_are_those_of_the_network),
        T(state_is_read_at_the_head_alone),
        T(the_pending_nonce_counts_what_waits),
        T(an_enclaves_error_is_passed_on),
        T(an_answer_about_something_else_is_refused),
        T(gas_is_estimated),
        T(blocks_look_as_wallets_expect),
        T(block_zero_is_the_genesis),
        T(a_batch_in_the_store_above_the_head_is_not_shown),
        T(transactions_of_each_type_look_as_wallets_expect),
        T(a_pending_transaction_has_no_block),
        T(receipts_add_the_gas_up),
        T(the_enclave_is_asked_in_pieces_and_once),
        T(calls_for_one_batch_share_its_questions),
        T(too_many_waiting_calls_are_refused),
        T(sending_answers_with_the_hash_once_it_is_durable),
        T(a_transaction_over_the_limit_is_not_handed_in),
        T(fee_history_tells_what_there_is),
        T(calls_that_read_batches_share_a_turn_of_the_loop),
        cmocka_unit_test(calls_that_waited_share_a_turn_of_the_loop),
    };
#undef T
    return cmocka_run_group_tests_name("rpc_eth", tests, NULL, NULL);
}
