/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, and answers of a real node (tests/vectors/l1.json) and of bad ones. */
#include "chain/l1.h"
#include "crypto/keccak.h"
#include "l1/json.h"
#include "l1_kit.h"

static struct ts_arena arena;

static struct ts_l1_answer read_text(const struct ts_l1_call *call, const char *text)
{
    struct ts_l1_answer a;
    ts_l1_read_answer(call, ts_bytes_of(text, strlen(text)), &arena, &a);
    assert_int_equal(a.id, call->id);
    assert_int_equal(a.method, call->method);
    assert_non_null(a.text);
    assert_true((a.err == TS_OK) == (a.text[0] == '\0'));
    return a;
}

/* The answer to a call in the vectors, and to every text that is a beginning of it. */
static struct ts_l1_answer read_vector(const struct ts_l1_call *call, const char *name)
{
    const char *text = text_of(json_object_get(vectors, "answers"), name);
    const struct ts_l1_answer a = read_text(call, text);
    for (size_t n = 0; n < strlen(text); n++) {
        struct ts_l1_answer cut;
        ts_l1_read_answer(call, ts_bytes_of(text, n), &arena, &cut);
        assert_int_equal(cut.err, TS_E_L1_NONSENSE);
    }
    return a;
}

static ts_address vector_address(const char *name)
{
    return address_of(text_of(json_object_get(vectors, "answers"), name));
}

static ts_hash vector_hash(void)
{
    return hash_of(text_of(json_object_get(vectors, "answers"), "hash"));
}

static void expect_request(const struct ts_l1_call *call, const char *wanted)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_l1_put_request(&b, call);
    ts_buf_put_byte(&b, 0);
    assert_int_equal(b.err, TS_OK);
    assert_string_equal((const char *)b.p, wanted);
    ts_buf_free(&b);
}

#define HEAD(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":["
#define TWOS             "0x2222222222222222222222222222222222222222"
#define THREES           "0x3333333333333333333333333333333333333333333333333333333333333333"

static void test_requests(void **state)
{
    (void)state;
    const ts_address twos = address_filled(0x22);
    const ts_hash topics[] = {hash_filled(0x33), hash_filled(0x33)};
    struct ts_l1_call c = {.id = 1, .method = TS_L1_CHAIN_ID};
    expect_request(&c, HEAD("1", "eth_chainId") "]}");
    c = (struct ts_l1_call){.id = 2, .method = TS_L1_BLOCK, .number = 255};
    expect_request(&c, HEAD("2", "eth_getBlockByNumber") "\"0xff\",false]}");
    c.tag = TS_L1_FINALIZED;
    expect_request(&c, HEAD("2", "eth_getBlockByNumber") "\"finalized\",false]}");
    c = (struct ts_l1_call){.id = 3, .method = TS_L1_NONCE, .tag = TS_L1_PENDING, .address = twos};
    expect_request(&c, HEAD("3", "eth_getTransactionCount") "\"" TWOS "\",\"pending\"]}");
    c = (struct ts_l1_call){.id = 4,
                            .method = TS_L1_LOGS,
                            .from = 1,
                            .to_block = 16,
                            .address = twos,
                            .topics = topics,
                            .n_topics = 2};
    expect_request(&c, HEAD("4", "eth_getLogs") "{\"fromBlock\":\"0x1\",\"toBlock\":\"0x10\","
                                                "\"address\":\"" TWOS "\",\"topics\":[[\"" THREES
                                                "\",\"" THREES "\"]]}]}");
    c = (struct ts_l1_call){.id = 5, .method = TS_L1_RECEIPT, .hash = hash_filled(0x33)};
    expect_request(&c, HEAD("5", "eth_getTransactionReceipt") "\"" THREES "\"]}");
    c = (struct ts_l1_call){.id = 6,
                            .method = TS_L1_VIEW,
                            .tag = TS_L1_LATEST,
                            .to = twos,
                            .data = ts_bytes_of("\x01\xff", 2)};
    expect_request(&c, HEAD("6", "eth_call") "{\"to\":\"" TWOS "\",\"data\":\"0x01ff\"},"
                                             "\"latest\"]}");
    c.method = TS_L1_ESTIMATE;
    c.address = twos;
    c.creates = true;
    c.value = ts_u256_of(16);
    expect_request(&c, HEAD("6", "eth_estimateGas") "{\"from\":\"" TWOS "\",\"value\":\"0x10\","
                                                    "\"data\":\"0x01ff\"},\"latest\"]}");
    c.method = TS_L1_SEND;
    c.data = ts_bytes_of(NULL, 0);
    expect_request(&c, HEAD("6", "eth_sendRawTransaction") "\"0x\"]}");
}

static void test_blocks_of_every_fork(void **state)
{
    (void)state;
    const json_t *forks = array_of("blocks");
    for (size_t i = 0; i < json_array_size(forks); i++) {
        const json_t *answers = json_object_get(json_array_get(forks, i), "answers");
        ts_hash parent = hash_filled(0);
        for (size_t n = 0; n < json_array_size(answers); n++) {
            const struct ts_l1_call c = {.id = 7, .method = TS_L1_BLOCK, .number = n};
            const struct ts_l1_answer a =
                read_text(&c, json_string_value(json_array_get(answers, n)));
            struct ts_l1_evidence seen;
            assert_int_equal(a.err, TS_OK);
            assert_true(a.u.block.found);
            assert_int_equal(a.u.block.number, n);
            assert_true(a.u.block.base_fee > 0);
            assert_int_equal(ts_l1_header_read(a.u.block.header, &seen, NULL), TS_OK);
            assert_true(ts_hash_equal(&seen.hash, &a.u.block.hash));
            assert_true(seen.time == a.u.block.time && seen.number == n);
            if (n > 0)
                assert_true(ts_hash_equal(&parent, &a.u.block.parent));
            parent = a.u.block.hash;
        }
    }
}

/* Every member that belongs to the header, changed, gives another hash. */
static void test_a_wrong_member_shows(void **state)
{
    (void)state;
    const json_t *forks = array_of("blocks");
    const json_t *newest = json_array_get(forks, json_array_size(forks) - 1);
    const char *text = json_string_value(json_array_get(json_object_get(newest, "answers"), 2));
    const struct ts_l1_call c = {.id = 7, .method = TS_L1_BLOCK, .number = 2};
    json_t *root = json_loads(text, 0, NULL);
    json_t *block = json_object_get(root, "result");
    const char *name;
    json_t *member;
    void *tmp;
    unsigned refused = 0;
    json_object_foreach_safe(block, tmp, name, member)
    {
        char *changed;
        json_t *before = json_incref(member);
        if (!json_is_string(member))
            goto next;
        changed = strdup(json_string_value(member));
        changed[strlen(changed) - 1] = changed[strlen(changed) - 1] == '1' ? '2' : '1';
        json_object_set_new(block, name, json_string(strlen(changed) > 2 ? changed : "0x77"));
        char *all = json_dumps(root, 0);
        const struct ts_l1_answer a = read_text(&c, all);
        refused += a.err == TS_E_L1_NONSENSE;
        assert_true(a.err == TS_OK || a.err == TS_E_L1_NONSENSE);
        free(all);
        free(changed);
        json_object_set(block, name, before);
    next:
        json_decref(before);
    }
    assert_int_equal(refused, 22); /* 21 of the header, and the hash itself */
    json_decref(root);
}

static void test_real_answers(void **state)
{
    (void)state;
    const ts_hash hash = vector_hash();
    const ts_address account = vector_address("account");
    const ts_address contract = vector_address("contract");
    struct ts_l1_call c = {.id = 7, .method = TS_L1_CHAIN_ID};
    assert_int_equal(read_vector(&c, "chainId").u.number, 31337);
    c.method = TS_L1_NONCE;
    assert_int_equal(read_vector(&c, "nonce").u.number, 1);
    c.method = TS_L1_BALANCE;
    assert_true(read_vector(&c, "balance").u.amount.w[1] > 0);
    c.method = TS_L1_ESTIMATE;
    assert_int_equal(read_vector(&c, "estimate").u.number, 21000);
    c.method = TS_L1_CODE;
    assert_int_equal(read_vector(&c, "code").u.bytes.n, 0);
    c.method = TS_L1_FEES;
    struct ts_l1_answer a = read_vector(&c, "fees");
    assert_int_equal(a.u.fees.base_fee, 0x342e72aa);
    assert_int_equal(a.u.fees.tip, 1);
    c = (struct ts_l1_call){.id = 7, .method = TS_L1_BLOCK, .number = 0x99};
    a = read_vector(&c, "noBlock");
    assert_true(a.err == TS_OK && !a.u.block.found);
    c = (struct ts_l1_call){.id = 7, .method = TS_L1_TX, .hash = hash};
    a = read_vector(&c, "tx");
    assert_true(a.err == TS_OK && a.u.tx.found && a.u.tx.is_mined && a.u.tx.creates);
    assert_int_equal(a.u.tx.block, 1);
    assert_true(ts_address_equal(&a.u.tx.from, &account) && a.u.tx.input.n > 40);
    a = read_vector(&c, "noTx");
    assert_true(a.err == TS_OK && !a.u.tx.found);
    c.method = TS_L1_RECEIPT;
    a = read_vector(&c, "receipt");
    assert_true(a.err == TS_OK && a.u.receipt.found && a.u.receipt.succeeded);
    assert_int_equal(a.u.receipt.gas_used, 0xd745);
    assert_true(ts_address_equal(&a.u.receipt.created, &contract));
    a = read_vector(&c, "noReceipt");
    assert_true(a.err == TS_OK && !a.u.receipt.found);
}

static void test_real_logs(void **state)
{
    (void)state;
    const ts_hash topic = hash_filled(0x11);
    const ts_hash tx = vector_hash();
    struct ts_l1_call c = {.id = 7,
                           .method = TS_L1_LOGS,
                           .to_block = 1,
                           .address = vector_address("contract"),
                           .topics = &topic,
                           .n_topics = 1};
    struct ts_l1_answer a = read_vector(&c, "logs");
    assert_true(a.err == TS_OK && a.u.logs.n == 1);
    const struct ts_l1_log *log = a.u.logs.log;
    assert_true(log->block == 1 && log->index == 0 && log->n_topics == 2 && log->data.n == 32);
    assert_true(ts_hash_equal(&log->tx, &tx) && log->topics[1].b[31] == 5 && log->data.p[31] == 42);
    assert_true(!log->is_cut);
    assert_int_equal(read_vector(&c, "noLogs").u.logs.n, 0);
    const char *text = text_of(json_object_get(vectors, "answers"), "logs");
    const ts_hash other = hash_filled(0x12);
    c.topics = &other;
    assert_int_equal(read_text(&c, text).err, TS_E_L1_NONSENSE);
    c.n_topics = 0;
    assert_int_equal(read_text(&c, text).err, TS_OK);
    c.from = c.to_block = 2;
    assert_int_equal(read_text(&c, text).err, TS_E_L1_NONSENSE);
    c.from = 0;
    c.address.b[0] ^= 1;
    assert_int_equal(read_text(&c, text).err, TS_E_L1_NONSENSE);
}

static void test_refusals(void **state)
{
    (void)state;
    struct ts_l1_call c = {.id = 7, .method = TS_L1_VIEW};
    struct ts_l1_answer a = read_vector(&c, "viewRefused");
    assert_int_equal(a.err, TS_E_L1_REVERT);
    assert_string_equal(a.text, "the contract refuses: no such thing");
    c.method = TS_L1_ESTIMATE;
    assert_int_equal(read_vector(&c, "estimateRefused").err, TS_E_L1_REVERT);
    c.method = TS_L1_SEND;
    a = read_vector(&c, "nonceLow");
    assert_int_equal(a.err, TS_E_L1_REFUSED);
    assert_int_equal(a.code, -32003);
    assert_string_equal(a.text, "the L1 node refuses eth_sendRawTransaction: nonce too low");
    static const char custom[] =
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32000,\"message\":"
        "\"execution reverted\",\"data\":\"0x2e7c39a1\"}}";
    assert_int_equal(read_text(&c, custom).err, TS_E_L1_REFUSED);
    c.method = TS_L1_VIEW;
    assert_string_equal(read_text(&c, custom).text,
                        "the contract refuses: custom error 0x2e7c39a1");
    static const char nested[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32015,"
                                 "\"message\":\"VM execution error\","
                                 "\"data\":\"Reverted 0xd93c0665\"}}";
    assert_string_equal(read_text(&c, nested).text, "the contract refuses: EnforcedPause");
    static const char zeros[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":3,\"message\":"
                                "\"execution reverted: custom error 0x2e7c39a1: \\u0000\\u0001\"}}";
    assert_int_equal(read_text(&c, zeros).err, TS_E_L1_REVERT);
    c.method = TS_L1_CODE;
    assert_int_equal(
        read_text(&c, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x12\\u000034\"}").err,
        TS_E_L1_NONSENSE);
    static const char early[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32000,"
                                "\"message\":\"finalized block not found\"}}";
    c = (struct ts_l1_call){.id = 7, .method = TS_L1_BLOCK, .tag = TS_L1_FINALIZED};
    a = read_text(&c, early);
    assert_true(a.err == TS_OK && !a.u.block.found);
}

static void test_nonsense(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "",
        "null",
        "[]",
        "\"0x1\"",
        "{}",
        "{\"jsonrpc\":\"2.0\",\"id\":7}",
        "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":\"0x1\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":\"0x1\"}",
        "{\"jsonrpc\":\"1.0\",\"id\":7,\"result\":\"0x1\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":null}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"1\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0xg\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x10000000000000000\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":\"no\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x1\",\"result\":\"0x1\"}",
        "[{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x1\"}]",
    };
    const struct ts_l1_call c = {.id = 7, .method = TS_L1_NONCE};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_int_equal(read_text(&c, numbers[i]).err, TS_E_L1_NONSENSE);
    for (int m = TS_L1_CHAIN_ID; m <= TS_L1_SEND; m++) {
        const struct ts_l1_call any = {.id = 7, .method = (enum ts_l1_method)m};
        static const char *const wrong[] = {
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"number\":[]}}",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":[{}]}",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"\"}",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":true}",
        };
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
            const struct ts_l1_answer a = read_text(&any, wrong[i]);
            if (m != TS_L1_RECEIPT || i != 0) /* as one that waits */
                assert_int_equal(a.err, TS_E_L1_NONSENSE);
        }
    }
}

/* The hash that SEND gives back is the transaction's, or the node is talking of another. */
static void test_sent_hash(void **state)
{
    (void)state;
    const struct ts_l1_call c = {.id = 7, .method = TS_L1_SEND, .data = ts_bytes_of("abc", 3)};
    char text[200];
    char hex[TS_HASH_HEX_SIZE];
    ts_hash h;
    ts_keccak256(c.data, &h);
    snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"%s\"}",
             ts_hex(h.b, sizeof(h.b), hex));
    assert_int_equal(read_text(&c, text).err, TS_OK);
    h.b[0] ^= 1;
    snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"%s\"}",
             ts_hex(h.b, sizeof(h.b), hex));
    assert_int_equal(read_text(&c, text).err, TS_E_L1_NONSENSE);
}

static void put_log(struct ts_buf *b, unsigned index, size_t data)
{
    static const char zeros[64] =
        "0000000000000000000000000000000000000000000000000000000000000000";
    ts_buf_printf(b,
                  "%s{\"address\":\"" TWOS "\",\"topics\":[\"" THREES "\"],\"blockHash\":\"" THREES
                  "\",\"transactionHash\":\"" THREES
                  "\",\"blockNumber\":\"0x5\",\"logIndex\":\"0x%x\",\"data\":\"0x",
                  b->p[b->n - 1] == '[' ? "" : ",", index);
    for (size_t i = 0; i < data; i++)
        ts_buf_put(b, zeros, 2);
    ts_buf_printf(b, "\"}");
}

static struct ts_l1_answer read_logs(unsigned n, unsigned step, size_t data)
{
    const struct ts_l1_call c = {
        .id = 7, .method = TS_L1_LOGS, .from = 5, .to_block = 5, .address = address_filled(0x22)};
    struct ts_buf b;
    struct ts_l1_answer a;
    ts_buf_init(&b, 0);
    ts_buf_printf(&b, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":[");
    for (unsigned i = n; i > 0; i--)
        put_log(&b, i * step, data);
    ts_buf_printf(&b, "]}");
    ts_l1_read_answer(&c, ts_buf_bytes(&b), &arena, &a);
    ts_buf_free(&b);
    return a;
}

static void test_bounds_of_logs(void **state)
{
    (void)state;
    struct ts_l1_answer a = read_logs(3, 1, 40);
    assert_int_equal(a.err, TS_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(a.u.logs.log[i].index, i + 1);
    assert_int_equal(read_logs(2, 0, 0).err, TS_E_L1_NONSENSE); /* two at one place */
    a = read_logs(1, 1, TS_L1_MAX_LOG_DATA + 1);
    assert_true(a.err == TS_OK && a.u.logs.log->is_cut);
    assert_int_equal(a.u.logs.log->data.n, TS_L1_MAX_LOG_DATA);
    assert_int_equal(read_logs(TS_L1_MAX_LOGS, 1, 0).u.logs.n, TS_L1_MAX_LOGS);
    assert_int_equal(read_logs(TS_L1_MAX_LOGS + 1, 1, 0).err, TS_E_L1_REFUSED);
}

static void test_floods(void **state)
{
    (void)state;
    const size_t n = TS_L1_MAX_ANSWER;
    char *text = malloc(n + 1);
    struct ts_l1_answer a;
    struct ts_l1_call c = {.id = 7, .method = TS_L1_BLOCK};
    assert_non_null(text);
    memset(text, '[', n + 1);
    ts_l1_read_answer(&c, ts_bytes_of(text, n), &arena, &a);
    assert_int_equal(a.err, TS_E_L1_NONSENSE);
    ts_l1_read_answer(&c, ts_bytes_of(text, 100000), &arena, &a);
    assert_int_equal(a.err, TS_E_L1_NONSENSE);
    c.method = TS_L1_LOGS;
    ts_l1_read_answer(&c, ts_bytes_of(text, n + 1), &arena, &a);
    assert_int_equal(a.err, TS_E_L1_REFUSED);
    free(text);
}

static void test_failed(void **state)
{
    (void)state;
    const struct ts_l1_call c = {.id = 9, .method = TS_L1_CODE};
    char text[1000];
    struct ts_l1_answer a;
    memset(text, 'x', sizeof(text));
    text[1] = '\n';
    text[sizeof(text) - 1] = '\0';
    ts_l1_fail_answer(&c, TS_E_CLOSED, text, &arena, &a);
    assert_true(a.id == 9 && a.method == TS_L1_CODE && a.err == TS_E_CLOSED);
    assert_int_equal(strlen(a.text), TS_L1_MAX_TEXT - 1);
    assert_int_equal(a.text[1], '?');
}

/* No memory for the result, or not even for the sentence. */
static void test_no_memory(void **state)
{
    (void)state;
    const struct ts_l1_call c = {.id = 7, .method = TS_L1_TX, .hash = vector_hash()};
    const char *text = text_of(json_object_get(vectors, "answers"), "tx");
    for (size_t max = 1; max < 200; max += 13) {
        struct ts_arena tight;
        struct ts_l1_answer a;
        ts_arena_init(&tight, max);
        ts_l1_read_answer(&c, ts_bytes_of(text, strlen(text)), &tight, &a);
        assert_true(a.err == TS_OK || (a.err == TS_E_NOMEM && a.text[0] != '\0'));
        ts_arena_free(&tight);
    }
}

static int set_up(void **state)
{
    ts_arena_init(&arena, 0);
    return load_vectors(state);
}

static int tear_down(void **state)
{
    ts_arena_free(&arena);
    return free_vectors(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_blocks_of_every_fork),
        cmocka_unit_test(test_a_wrong_member_shows),
        cmocka_unit_test(test_real_answers),
        cmocka_unit_test(test_real_logs),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_sent_hash),
        cmocka_unit_test(test_bounds_of_logs),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
