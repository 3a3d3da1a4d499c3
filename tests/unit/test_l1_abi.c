/* SPDX-License-Identifier: Apache-2.0 */
/* The contract ABI and the management contract, against tests/vectors/l1.json, which cast made. */
#include "l1/contract.h"
#include "l1_kit.h"

#define ROLLUP_BYTES (offsetof(struct ts_rollup, sig) + sizeof(ts_sig)) /* without padding */

/* What a call should be. */
static void expect(struct ts_buf *b, const char *name)
{
    ts_bytes wanted = bytes_of(text_of(named("calls", name), "calldata"));
    assert_int_equal(b->err, TS_OK);
    if (!ts_bytes_equal(ts_buf_bytes(b), wanted))
        fail_msg("%s: other calldata than cast's", name);
    release(wanted);
    ts_buf_reset(b);
}

static void test_calls(void **state)
{
    (void)state;
    struct ts_buf b;
    const ts_address one = address_filled(0x22);
    const ts_hash genesis = hash_filled(0x11);
    const ts_hash measurement = hash_filled(0x33);
    const ts_sig sig = sig_filled(0x44);
    ts_buf_init(&b, 0);
    ts_l1_put_set_genesis(&b, &genesis);
    expect(&b, "setGenesis");
    ts_l1_put_genesis_hash(&b);
    expect(&b, "genesisHash");
    ts_l1_put_is_sequencer(&b, &one);
    expect(&b, "isSequencer");
    ts_l1_put_is_attested(&b, &one);
    expect(&b, "isAttested");
    ts_l1_put_grant(&b, &one);
    expect(&b, "grant");
    ts_l1_put_revoke(&b, &one);
    expect(&b, "revoke");
    ts_l1_put_sequencers(&b);
    expect(&b, "sequencers");
    ts_l1_put_register(&b, &one, &measurement, &sig);
    expect(&b, "register");
    ts_l1_put_approve_replacement(&b, 300);
    expect(&b, "approve");
    ts_l1_put_reject_replacement(&b, 300, "no, because");
    expect(&b, "reject");
    ts_l1_put_cancel_replacement(&b, 300);
    expect(&b, "cancel");
    ts_l1_put_open_replacements(&b);
    expect(&b, "open");
    ts_l1_put_last_number(&b);
    expect(&b, "lastNumber");
    ts_l1_put_rollup_hash(&b, UINT64_MAX);
    expect(&b, "rollupHash");
    ts_l1_put_last_hash(&b);
    expect(&b, "lastHash");
    ts_l1_put_post_bond(&b);
    expect(&b, "postBond");
    ts_buf_free(&b);
}

static void test_reasons_of_every_length(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 31, 32, 33, 100};
    const ts_address one = address_filled(0x22);
    const ts_address two = address_filled(0x23);
    struct ts_buf b;
    char reason[101];
    char name[20];
    ts_buf_init(&b, 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memset(reason, 'x', sizeof(reason));
        reason[sizes[i]] = '\0';
        ts_l1_put_request_replacement(&b, &one, &two, reason);
        snprintf(name, sizeof(name), "request %zu", sizes[i]);
        expect(&b, name);
    }
    ts_buf_free(&b);
}

static struct ts_l1_sealed sealed_from(uint8_t first)
{
    return (struct ts_l1_sealed){
        .header = {.parent_hash = hash_filled(first),
                   .number = (UINT64_C(1) << 40) + first,
                   .time = (UINT64_C(1) << 41) + first,
                   .term = first,
                   .producer = address_filled((uint8_t)(first + 1)),
                   .l1_number = (UINT64_C(1) << 63) + first,
                   .l1_hash = hash_filled((uint8_t)(first + 2)),
                   .tx_root = hash_filled((uint8_t)(first + 3)),
                   .state_root = hash_filled((uint8_t)(first + 4))},
        .protocol_root = hash_filled((uint8_t)(first + 5)),
        .seal = sig_filled((uint8_t)(first + 6)),
    };
}

static void test_equivocation(void **state)
{
    (void)state;
    const struct ts_l1_sealed one = sealed_from(0x10);
    const struct ts_l1_sealed other = sealed_from(0x30);
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_l1_put_report_equivocation(&b, &one, &other);
    expect(&b, "equivocation");
    ts_buf_free(&b);
}

static struct ts_rollup rollup(void)
{
    return (struct ts_rollup){
        .first_number = 7,
        .last_number = 2000000,
        .first_parent_hash = hash_filled(1),
        .last_hash = hash_filled(2),
        .protocol_root = hash_filled(3),
        .l1_number = UINT64_MAX,
        .l1_hash = hash_filled(4),
        .data_hash = hash_filled(5),
        .sig = sig_filled(0x66),
    };
}

static void test_publish_both_ways(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 32, 1000};
    const struct ts_rollup r = rollup();
    uint8_t data[1000];
    char name[20];
    struct ts_buf b;
    memset(data, 0x5a, sizeof(data));
    ts_buf_init(&b, 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct ts_rollup back;
        ts_bytes back_data;
        ts_l1_put_publish(&b, &r, ts_bytes_of(data, sizes[i]));
        assert_int_equal(ts_l1_read_publish(ts_buf_bytes(&b), &back, &back_data), TS_OK);
        assert_memory_equal(&back, &r, ROLLUP_BYTES);
        assert_true(ts_bytes_equal(back_data, ts_bytes_of(data, sizes[i])));
        snprintf(name, sizeof(name), "publish %zu", sizes[i]);
        expect(&b, name);
    }
    ts_buf_free(&b);
}

static ts_err publish_err(const struct ts_buf *b, size_t n)
{
    struct ts_rollup back = rollup();
    const struct ts_rollup before = back;
    ts_bytes data = {NULL, 77};
    ts_err err = ts_l1_read_publish(ts_bytes_of(b->p, n), &back, &data);
    if (err != TS_OK) {
        assert_memory_equal(&back, &before, ROLLUP_BYTES);
        assert_int_equal(data.n, 77);
    }
    return err;
}

static void test_publish_malformed(void **state)
{
    (void)state;
    const struct ts_rollup r = rollup();
    const uint8_t data[40] = {1};
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_l1_put_publish(&b, &r, ts_bytes_of(data, sizeof(data)));
    const size_t end = b.n - 24; /* behind the data; the padding may be missing */
    for (size_t n = 0; n < 4; n++)
        assert_int_equal(publish_err(&b, n), TS_E_UNKNOWN_MESSAGE);
    for (size_t n = 4; n < end; n++)
        assert_int_equal(publish_err(&b, n), TS_E_TRUNCATED);
    assert_int_equal(publish_err(&b, end), TS_OK);
    b.p[4 + 3] = 1; /* firstNumber over 64 bits */
    assert_int_equal(publish_err(&b, b.n), TS_E_RANGE);
    b.p[4 + 3] = 0;
    b.p[4 + 8 * 32 + 3] = 1; /* an offset out of this world */
    assert_int_equal(publish_err(&b, b.n), TS_E_RANGE);
    b.p[4 + 8 * 32 + 3] = 0;
    memset(b.p + 4 + 8 * 32 + 24, 0xff, 8);
    assert_int_equal(publish_err(&b, b.n), TS_E_TRUNCATED);
    memset(b.p + 4 + 8 * 32 + 24, 0, 8);
    b.p[4 + 8 * 32 + 30] = 1; /* 320, then 64: in the middle of the struct */
    b.p[4 + 8 * 32 + 31] = 64;
    b.p[4 + 10 * 32 + 31] = 64; /* a signature of 64 bytes */
    assert_int_equal(publish_err(&b, b.n), TS_E_LENGTH);
    b.p[4 + 10 * 32 + 31] = 66;
    assert_int_equal(publish_err(&b, b.n), TS_E_LIMIT);
    b.p[4 + 10 * 32 + 31] = 65;
    assert_int_equal(publish_err(&b, b.n), TS_OK);
    b.p[0] ^= 1;
    assert_int_equal(publish_err(&b, b.n), TS_E_UNKNOWN_MESSAGE);
    ts_buf_free(&b);
}

static ts_bytes result_of(const char *name)
{
    return bytes_of(text_of(json_object_get(vectors, "results"), name));
}

static void test_results(void **state)
{
    (void)state;
    ts_address list[3];
    ts_hash hash;
    const ts_hash nines = hash_filled(9);
    bool flag = false;
    uint64_t number;
    size_t n = 9;
    ts_bytes r = result_of("addresses");
    assert_int_equal(ts_l1_read_addresses(r, list, 3, &n), TS_OK);
    assert_int_equal(n, 3);
    for (uint8_t i = 0; i < 3; i++)
        assert_int_equal(list[i].b[19], i + 1);
    assert_int_equal(ts_l1_read_addresses(r, list, 2, &n), TS_E_LIMIT);
    assert_int_equal(ts_l1_read_addresses(ts_bytes_of(r.p, r.n - 1), list, 3, &n), TS_E_TRUNCATED);
    assert_int_equal(ts_l1_read_bool(r, &flag), TS_E_RANGE);
    assert_int_equal(n, 3);
    release(r);
    r = result_of("none");
    assert_int_equal(ts_l1_read_addresses(r, list, 3, &n), TS_OK);
    assert_int_equal(n, 0);
    release(r);
    r = result_of("true");
    assert_int_equal(ts_l1_read_bool(r, &flag), TS_OK);
    assert_true(flag);
    release(r);
    r = result_of("hash");
    assert_int_equal(ts_l1_read_hash(r, &hash), TS_OK);
    assert_true(ts_hash_equal(&hash, &nines));
    assert_int_equal(ts_l1_read_u64(r, &number), TS_E_RANGE);
    release(r);
    r = result_of("number");
    assert_int_equal(ts_l1_read_u64(r, &number), TS_OK);
    assert_true(number == UINT64_MAX);
    release(r);
    assert_int_equal(ts_l1_read_u64(ts_bytes_of(NULL, 0), &number), TS_E_TRUNCATED);
}

static void test_replacements(void **state)
{
    (void)state;
    struct ts_l1_replacement list[2];
    size_t n = 0;
    ts_bytes r = result_of("replacements");
    assert_int_equal(ts_l1_read_replacements(r, list, 1, &n), TS_E_LIMIT);
    assert_int_equal(ts_l1_read_replacements(r, list, 2, &n), TS_OK);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].id, 1);
    assert_int_equal(list[1].id, 2);
    assert_int_equal(list[1].replacement.b[0], 4);
    assert_true(ts_bytes_equal(list[0].reason, ts_bytes_of("first", 5)));
    assert_memory_equal(list[1].reason.p, "long long", 9);
    for (size_t cut = 1; cut < r.n; cut++)
        (void)ts_l1_read_replacements(ts_bytes_of(r.p, r.n - cut), list, 2, &n);
    release(r);
}

static struct ts_l1_event event_of(const char *name)
{
    const json_t *v = named("events", name);
    const json_t *indexed = json_object_get(v, "indexed");
    struct ts_l1_log log = {.n_topics = 1, .topics = {hash_of(text_of(v, "topic"))}};
    struct ts_l1_event e;
    ts_hash topic;
    if (json_is_string(indexed))
        log.topics[log.n_topics++] = hash_of(json_string_value(indexed));
    log.data = bytes_of(text_of(v, "data"));
    assert_int_equal(ts_l1_read_event(&log, &e), TS_OK);
    ts_l1_event_topic(e.kind, &topic);
    assert_true(ts_hash_equal(&topic, &log.topics[0]));
    if (log.data.n > 0) {
        struct ts_l1_event short_one;
        log.data.n = log.data.n / 2;
        assert_int_not_equal(ts_l1_read_event(&log, &short_one), TS_OK);
    }
    log.n_topics++;
    assert_int_equal(ts_l1_read_event(&log, &(struct ts_l1_event){0}), TS_E_ARITY);
    release(log.data);
    e.replacement.reason.p = NULL;
    return e;
}

static void test_events(void **state)
{
    (void)state;
    struct ts_l1_event e = event_of("granted");
    assert_int_equal(e.kind, TS_L1_GRANTED);
    assert_int_equal(e.enclave.b[0], 0x22);
    e = event_of("revoked");
    assert_int_equal(e.kind, TS_L1_REVOKED);
    assert_int_equal(e.enclave.b[0], 0x23);
    e = event_of("published");
    assert_int_equal(e.kind, TS_L1_PUBLISHED);
    assert_int_equal(e.published.first_number, 7);
    assert_int_equal(e.published.last_number, 2000000);
    assert_int_equal(e.published.last_hash.b[0], 2);
    assert_int_equal(e.published.protocol_root.b[0], 3);
    assert_int_equal(e.published.data_hash.b[0], 5);
    assert_true(e.published.l1_number == UINT64_MAX);
    assert_int_equal(e.published.signer.b[0], 0x22);
    assert_int_equal(e.published.sig.b[64], 0x66);
    e = event_of("rolled back");
    assert_int_equal(e.kind, TS_L1_ROLLED_BACK);
    assert_int_equal(e.published.first_number, 7);
    assert_int_equal(e.published.last_number, 2000000);
    assert_int_equal(e.published.last_hash.b[0], 2);
    assert_int_equal(e.published.protocol_root.b[0], 3);
    e = event_of("requested");
    assert_int_equal(e.kind, TS_L1_REQUESTED);
    assert_int_equal(e.replacement.id, 300);
    assert_int_equal(e.replacement.faulty.b[0], 0x22);
    assert_int_equal(e.replacement.replacement.b[0], 0x23);
    assert_int_equal(e.replacement.reason.n, 7);
    assert_int_equal(event_of("approved").kind, TS_L1_APPROVED);
    assert_int_equal(event_of("approved").replacement.id, 300);
    assert_int_equal(event_of("rejected").kind, TS_L1_REJECTED);
    assert_int_equal(event_of("rejected").replacement.reason.n, 2);
    assert_int_equal(event_of("cancelled").kind, TS_L1_CANCELLED);
}

static void test_other_events(void **state)
{
    (void)state;
    struct ts_l1_event e;
    struct ts_l1_log log = {.n_topics = 1, .topics = {hash_filled(1)}};
    assert_int_equal(ts_l1_read_event(&log, &e), TS_E_UNKNOWN_MESSAGE);
    log.n_topics = 0;
    assert_int_equal(ts_l1_read_event(&log, &e), TS_E_UNKNOWN_MESSAGE);
}

static void test_reverts(void **state)
{
    (void)state;
    const json_t *list = array_of("reverts");
    char text[200];
    for (size_t i = 0; i < json_array_size(list); i++) {
        ts_bytes data = bytes_of(text_of(json_array_get(list, i), "data"));
        ts_l1_revert_text(data, text, sizeof(text));
        assert_string_equal(text, text_of(json_array_get(list, i), "text"));
        for (size_t n = 0; n < data.n; n++)
            ts_l1_revert_text(ts_bytes_of(data.p, n), text, n + 1);
        release(data);
    }
    assert_string_equal(ts_l1_revert_text(ts_bytes_of("abc", 3), text, sizeof(text)), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_reasons_of_every_length),
        cmocka_unit_test(test_equivocation),
        cmocka_unit_test(test_publish_both_ways),
        cmocka_unit_test(test_publish_malformed),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_replacements),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_other_events),
        cmocka_unit_test(test_reverts),
    };
    return cmocka_run_group_tests(tests, load_vectors, free_vectors);
}
