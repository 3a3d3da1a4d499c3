/* SPDX-License-Identifier: Apache-2.0 */
/* Batches, payloads and notices as bytes. */
#include "unit.h"

#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "crypto/keccak.h"

static struct ts_arena arena;
static struct ts_buf buf;

static int set_up(void **state)
{
    (void)state;
    ts_arena_init(&arena, 0);
    ts_buf_init(&buf, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ts_arena_free(&arena);
    ts_buf_free(&buf);
    return 0;
}

/* Values that differ from field to field and item to item. */
static void fill(void *p, size_t n, uint8_t from)
{
    uint8_t *bytes = p;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(from + i);
}

struct sample {
    struct ts_lifecycle_event transitions[3];
    struct ts_restart_event reports[2];
    ts_address absent[2];
    struct ts_notice notices[2];
    ts_bytes txs[3];
    struct ts_batch batch;
};

static void make_sample(struct sample *s)
{
    memset(s, 0, sizeof(*s));
    fill(s->transitions, sizeof(s->transitions), 1);
    fill(s->reports, sizeof(s->reports), 2);
    fill(s->absent, sizeof(s->absent), 3);
    s->notices[0] = (struct ts_notice){.type = 200, .body = ts_bytes_of("hello", 5)};
    s->notices[1] = (struct ts_notice){.type = UINT64_MAX};
    s->txs[0] = ts_bytes_of("first", 5);
    s->txs[2] = ts_bytes_of("\x05", 1);
    fill(&s->batch.header, sizeof(s->batch.header), 4);
    fill(&s->batch.seal, sizeof(s->batch.seal), 5);
    s->batch.txs = s->txs;
    s->batch.n_txs = TS_COUNT(s->txs);
    s->batch.payload = (struct ts_payload){
        .transitions = s->transitions,
        .n_transitions = TS_COUNT(s->transitions),
        .reports = s->reports,
        .n_reports = TS_COUNT(s->reports),
        .absent = s->absent,
        .n_absent = TS_COUNT(s->absent),
        .notices = s->notices,
        .n_notices = TS_COUNT(s->notices),
    };
}

static ts_bytes encoded(const struct ts_batch *batch)
{
    ts_buf_reset(&buf);
    ts_batch_put(&buf, batch);
    assert_int_equal(buf.err, TS_OK);
    return ts_buf_bytes(&buf);
}

static void round_trip(void **state)
{
    (void)state;
    struct sample s;
    struct ts_batch got;
    make_sample(&s);
    ts_bytes raw = encoded(&s.batch);
    assert_int_equal(ts_batch_decode(raw, raw.n, &arena, &got), TS_OK);
    assert_memory_equal(got.seal.b, s.batch.seal.b, sizeof(got.seal.b));
    assert_int_equal(got.header.number, s.batch.header.number);
    assert_int_equal(got.n_txs, 3);
    assert_true(ts_bytes_equal(got.txs[0], s.txs[0]));
    assert_true(ts_bytes_equal(got.txs[2], s.txs[2]));
    assert_int_equal(got.txs[1].n, 0);
    assert_int_equal(got.payload.n_transitions, 3);
    assert_int_equal(got.payload.transitions[2].seq, s.transitions[2].seq);
    assert_int_equal(got.payload.n_reports, 2);
    assert_int_equal(got.payload.n_absent, 2);
    assert_true(ts_address_equal(&got.payload.absent[1], &s.absent[1]));
    assert_int_equal(got.payload.notices[1].type, UINT64_MAX);
    struct ts_buf again;
    ts_buf_init(&again, 0);
    ts_batch_put(&again, &got);
    assert_true(ts_bytes_equal(ts_buf_bytes(&again), raw));
    /* The three elements as they stand in the batch, end to end with the seal behind them. */
    assert_true(ts_bytes_equal(got.raw, raw));
    assert_ptr_equal(got.raw_header.p + got.raw_header.n, got.raw_txs.p);
    assert_ptr_equal(got.raw_txs.p + got.raw_txs.n, got.raw_payload.p);
    assert_ptr_equal(got.raw_payload.p + got.raw_payload.n + 67, raw.p + raw.n);
    ts_buf_reset(&again);
    ts_payload_put(&again, &s.batch.payload);
    assert_true(ts_bytes_equal(ts_buf_bytes(&again), got.raw_payload));
    ts_buf_reset(&again);
    ts_txs_put(&again, s.txs, TS_COUNT(s.txs));
    assert_true(ts_bytes_equal(ts_buf_bytes(&again), got.raw_txs));
    ts_buf_free(&again);
}

/* No cut of a batch, and no batch with bytes behind it, decodes. */
static void cuts_are_refused(void **state)
{
    (void)state;
    struct sample s;
    struct ts_batch got;
    make_sample(&s);
    ts_buf_reset(&buf);
    encoded(&s.batch);
    ts_buf_put_byte(&buf, 0x80);
    for (size_t n = 0; n < buf.n; n++) {
        ts_err want = n + 1 == buf.n ? TS_OK : TS_E_TRUNCATED;
        assert_int_equal(ts_batch_decode(ts_bytes_of(buf.p, n), buf.n, &arena, &got), want);
        ts_arena_reset(&arena);
    }
    assert_int_equal(ts_batch_decode(ts_buf_bytes(&buf), buf.n, &arena, &got), TS_E_TRAILING);
    assert_int_equal(ts_batch_decode(ts_buf_bytes(&buf), buf.n - 1, &arena, &got), TS_E_LIMIT);
}

static ts_err decode_sample(const struct sample *s)
{
    struct ts_batch got;
    ts_bytes raw = encoded(&s->batch);
    ts_arena_reset(&arena);
    return ts_batch_decode(raw, TS_MAX_BATCH_BYTES, &arena, &got);
}

static void lists_are_bounded(void **state)
{
    (void)state;
    static struct ts_lifecycle_event transitions[TS_MAX_TRANSITIONS + 1];
    static struct ts_restart_event reports[TS_MAX_WHITELIST + 1];
    static ts_address absent[TS_MAX_WHITELIST + 1];
    struct sample s;
    for (size_t over = 0; over < 2; over++) {
        ts_err want = over == 0 ? TS_OK : TS_E_LIMIT;
        make_sample(&s);
        s.batch.payload.transitions = transitions;
        s.batch.payload.n_transitions = TS_MAX_TRANSITIONS + over;
        assert_int_equal(decode_sample(&s), want);
        make_sample(&s);
        s.batch.payload.reports = reports;
        s.batch.payload.n_reports = TS_MAX_WHITELIST + over;
        assert_int_equal(decode_sample(&s), want);
        make_sample(&s);
        s.batch.payload.absent = absent;
        s.batch.payload.n_absent = TS_MAX_WHITELIST + over;
        assert_int_equal(decode_sample(&s), want);
    }
}

static void notices_are_bounded(void **state)
{
    (void)state;
    static const uint8_t body[TS_MAX_NOTICE_BYTES + 1];
    struct ts_notice notices[TS_MAX_NOTICES + 1] = {{.type = 128}};
    struct sample s;
    make_sample(&s);
    s.batch.payload.notices = notices;
    s.batch.payload.n_notices = TS_MAX_NOTICES;
    assert_int_equal(decode_sample(&s), TS_OK);
    s.batch.payload.n_notices = TS_MAX_NOTICES + 1;
    assert_int_equal(decode_sample(&s), TS_E_LIMIT);
    s.batch.payload.n_notices = 5;
    for (size_t i = 0; i < 4; i++)
        notices[i].body = ts_bytes_of(body, TS_MAX_NOTICE_BYTES);
    assert_int_equal(decode_sample(&s), TS_OK); /* 32 KiB in all */
    notices[4].body = ts_bytes_of(body, 1);
    assert_int_equal(decode_sample(&s), TS_E_LIMIT);
    s.batch.payload.n_notices = 1;
    notices[0].body = ts_bytes_of(body, sizeof(body));
    assert_int_equal(decode_sample(&s), TS_E_LIMIT);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct sample s;
    struct ts_batch got;
    struct ts_arena small;
    make_sample(&s);
    ts_bytes raw = encoded(&s.batch);
    for (size_t max = 1; max < 1200; max += 50) {
        ts_arena_init(&small, max);
        assert_int_equal(ts_batch_decode(raw, raw.n, &small, &got), TS_E_LIMIT);
        ts_arena_free(&small);
    }
}

static void hashes(void **state)
{
    (void)state;
    struct sample s;
    ts_hash got;
    ts_hash want;
    make_sample(&s);
    ts_buf_reset(&buf);
    ts_txs_put(&buf, s.txs, TS_COUNT(s.txs));
    ts_keccak256(ts_buf_bytes(&buf), &want);
    ts_tx_root(&s.batch, &got);
    assert_true(ts_hash_equal(&got, &want));
    /* keccak256(0xc0), as for an empty list of uncles. */
    s.batch.n_txs = 0;
    want = hash_of("0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
    ts_tx_root(&s.batch, &got);
    assert_true(ts_hash_equal(&got, &want));
    ts_tx_hash(ts_bytes_of("\xc0", 1), &got);
    assert_true(ts_hash_equal(&got, &want));
    /* keccak256(32 zero bytes ‖ keccak256(0xc0)). */
    uint8_t both[64] = {0};
    memcpy(both + 32, want.b, 32);
    ts_keccak256(ts_bytes_of(both, sizeof(both)), &want);
    const ts_hash zero = {{0}};
    ts_protocol_root(&zero, ts_bytes_of("\xc0", 1), &got);
    assert_true(ts_hash_equal(&got, &want));
}

static ts_err decode_change(const struct ts_whitelist_change *c, struct ts_whitelist_change *out)
{
    ts_buf_reset(&buf);
    ts_whitelist_change_put(&buf, c);
    return ts_whitelist_change_decode(ts_buf_bytes(&buf), &arena, out);
}

static void whitelist_changes(void **state)
{
    (void)state;
    ts_address a[3] = {{{1}}, {{3}}, {{5}}};
    ts_address b[2] = {{{2}}, {{4}}};
    struct ts_whitelist_change c = {
        .l1_number = 9, .l1_hash = {{8}}, .added = a, .n_added = 3, .removed = b, .n_removed = 2};
    struct ts_whitelist_change got;
    assert_int_equal(decode_change(&c, &got), TS_OK);
    assert_int_equal(got.l1_number, 9);
    assert_int_equal(got.n_added, 3);
    assert_true(ts_address_equal(&got.removed[1], &b[1]));
    b[1] = a[2]; /* in both lists */
    assert_int_equal(decode_change(&c, &got), TS_E_NOT_CANONICAL);
    b[1] = b[0]; /* twice */
    assert_int_equal(decode_change(&c, &got), TS_E_NOT_CANONICAL);
    b[1] = (ts_address){{1}}; /* not sorted */
    assert_int_equal(decode_change(&c, &got), TS_E_NOT_CANONICAL);
    static ts_address many[TS_MAX_WHITELIST + 1];
    for (size_t i = 0; i < TS_COUNT(many); i++)
        many[i].b[0] = (uint8_t)(i + 10);
    c = (struct ts_whitelist_change){.added = many, .n_added = TS_COUNT(many)};
    assert_int_equal(decode_change(&c, &got), TS_E_LIMIT);
    c.n_added--;
    assert_int_equal(decode_change(&c, &got), TS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),        cmocka_unit_test(cuts_are_refused),
        cmocka_unit_test(lists_are_bounded), cmocka_unit_test(notices_are_bounded),
        cmocka_unit_test(memory_is_bounded), cmocka_unit_test(hashes),
        cmocka_unit_test(whitelist_changes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
