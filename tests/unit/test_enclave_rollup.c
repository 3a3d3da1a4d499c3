/* SPDX-License-Identifier: Apache-2.0 */
/* ROLLUP: the enclave signs its own line and nothing else, whatever the host gives. */
#include <string.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "codec/schema.h"
#include "crypto/keccak.h"
#include "enclave_kit.h"

/* Enclaves 0 and 1 run and 0 is active; 2 is listed and down. A few batches have transfers. */
static struct ek *running(size_t batches)
{
    struct ek *k = ek_open(3, 3);
    ek_start(k, 0);
    ek_start(k, 1);
    ek_promote(k, 0);
    ek_run(k, 0, batches);
    return k;
}

static void run_with_transfers(struct ek *k, size_t producer, size_t batches, uint64_t *nonce)
{
    for (size_t n = 0; n < batches; n++) {
        struct ts_msg req = ek_create_request(k, producer, EK_ALL);
        ts_bytes txs[2] = {ek_transfer(k, 0, *nonce, 7), ek_transfer(k, 1, *nonce, 8)};
        ++*nonce;
        req.u.create.txs = txs;
        req.u.create.n_txs = 2;
        struct ts_msg m = ek_ask(k, producer, &req);
        assert_code(m, TS_OK);
        assert_int_equal(m.u.created.n_rejected, 0);
        ek_publish(k, m.u.created.batch);
        for (size_t i = 0; i < k->n; i++) {
            if (i != producer && k->enclaves[i].core != NULL)
                ek_feed(k, i);
        }
    }
}

/* Everything about a good answer. */
static void check_rolled(struct ek *k, size_t signer, const struct ts_msg *m, uint64_t first,
                         uint64_t last)
{
    const struct ts_rollup *r = &m->u.rolled.rollup;
    struct ts_rollup_batch *got;
    struct ts_arena arena;
    ts_address by;
    ts_hash h;
    assert_int_equal(m->type, TS_MSG_ROLLUP);
    assert_int_equal(r->first_number, first);
    assert_int_equal(r->last_number, last);
    ts_keccak256(m->u.rolled.data, &h);
    assert_true(ts_hash_equal(&h, &r->data_hash));
    assert_int_equal(ts_rollup_signer(k->crypto, &k->genesis.domain, r, &by), TS_OK);
    assert_true(ts_address_equal(&by, &k->enclaves[signer].id));
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    size_t n = (size_t)(last - first + 1);
    assert_int_equal(ts_rollup_decode(m->u.rolled.data, n, &arena, &got), TS_OK);
    for (uint64_t i = first; i <= last; i++) {
        struct ts_batch b = ek_decode(k, ek_batch(k, i));
        const struct ts_rollup_batch *g = &got[i - first];
        if (i == first)
            assert_true(ts_hash_equal(&r->first_parent_hash, &b.header.parent_hash));
        ts_header_hash(&k->genesis.domain, &b.header, &h);
        assert_int_equal(g->time, b.header.time);
        assert_int_equal(g->term, b.header.term);
        assert_true(ts_address_equal(&g->producer, &b.header.producer));
        assert_int_equal(g->n_txs, b.n_txs);
        for (size_t j = 0; j < b.n_txs; j++)
            assert_true(ts_bytes_equal(g->txs[j], b.txs[j]));
    }
    assert_true(ts_hash_equal(&h, &r->last_hash));
    ts_arena_free(&arena);
}

static void active_and_passive_sign_what_they_accepted(void **state)
{
    (void)state;
    struct ek *k = running(3);
    uint64_t nonce = 0;
    run_with_transfers(k, 0, 3, &nonce);
    /* Another producer, and with it another term. */
    ek_promote(k, 1);
    run_with_transfers(k, 1, 2, &nonce);
    for (size_t i = 0; i < 2; i++) {
        struct ts_msg req = ek_rollup_request(k, 1, 8, 0);
        struct ts_msg m = ek_ask(k, i, &req);
        assert_code(m, TS_OK);
        check_rolled(k, i, &m, 1, 8);
        assert_true(ts_hash_equal(&m.u.rolled.rollup.protocol_root, &k->chain.head.protocol_root));
        assert_true(ts_hash_equal(&m.u.rolled.rollup.last_hash, &k->chain.head.hash));
        /* Asked again, the same bytes. */
        struct ts_msg again = ek_ask(k, i, &req);
        assert_memory_equal(&again.u.rolled.rollup, &m.u.rolled.rollup, sizeof(struct ts_rollup));
        assert_true(ts_bytes_equal(again.u.rolled.data, m.u.rolled.data));
        req = ek_rollup_request(k, 3, 5, 0);
        m = ek_ask(k, i, &req);
        assert_code(m, TS_OK);
        check_rolled(k, i, &m, 3, 5);
        req = ek_rollup_request(k, 8, 8, 0);
        m = ek_ask(k, i, &req);
        assert_code(m, TS_OK);
        check_rolled(k, i, &m, 8, 8);
    }
    ek_close(k);
}

/* A copy of bytes that may be changed. */
static uint8_t *copy_of(struct ek *k, ts_bytes b)
{
    uint8_t *p = ts_arena_alloc(&k->arena, b.n);
    assert_non_null(p);
    memcpy(p, b.p, b.n);
    return p;
}

static void an_edited_range_is_refused(void **state)
{
    (void)state;
    struct ek *k = running(2);
    uint64_t nonce = 0;
    run_with_transfers(k, 0, 4, &nonce);
    struct ts_msg good = ek_rollup_request(k, 2, 5, 6);
    struct ts_msg_rollup *r = &good.u.rollup;
    for (size_t i = 0; i < r->n_range; i++) {
        struct ts_msg_range_item kept = r->range[i];
        /* A byte of a header, anywhere. */
        for (size_t at = 0; at < kept.header.n; at += 5) {
            uint8_t *p = copy_of(k, kept.header);
            p[at] ^= 1;
            r->range[i].header.p = p;
            struct ts_msg m = ek_ask(k, 1, &good);
            assert_int_not_equal(ek_code(&m), TS_OK);
        }
        r->range[i] = kept;
        /* A byte of a transaction. */
        uint8_t *p = copy_of(k, kept.transactions);
        p[kept.transactions.n - 1] ^= 1;
        r->range[i].transactions.p = p;
        struct ts_msg m = ek_ask(k, 1, &good);
        assert_code(m, kept.transactions.n > 1 ? TS_E_V3_FORM : TS_E_TRUNCATED);
        r->range[i] = kept;
    }
    struct ts_msg m = ek_ask(k, 1, &good);
    assert_code(m, TS_OK);
    ek_close(k);
}

static void what_is_no_chain_is_refused(void **state)
{
    (void)state;
    struct ek *k = running(6);
    struct ts_msg req = ek_rollup_request(k, 1, 6, 0);
    struct ts_msg m;
    /* One is missing, two have changed places, one is there twice. */
    struct ts_msg_rollup *r = &req.u.rollup;
    struct ts_msg_range_item kept = r->range[3];
    r->range[3] = r->range[4];
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_V1_LINKS);
    r->range[3] = r->range[2];
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_V1_LINKS);
    r->range[3] = kept;
    struct ts_msg empty = req;
    empty.u.rollup.n_range = 0;
    m = ek_ask(k, 1, &empty);
    assert_code(m, TS_E_RANGE);
    /* Transactions that are no list. */
    r->range[5].transactions = ts_bytes_of("\x80", 1);
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_V3_FORM);
    ek_close(k);
}

static void another_line_is_refused(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg req = ek_rollup_request(k, 1, 3, 0);
    /* The last batch as another one of the same producer: its key signs it, so only the enclave's
     * own line tells them apart. */
    ts_hash parent = {{0}};
    for (uint64_t n = 1; n < 3; n++) {
        struct ts_batch b = ek_decode(k, ek_batch(k, n));
        ts_protocol_root(&parent, b.raw_payload, &parent);
    }
    struct ts_batch b = ek_decode(k, ek_batch(k, 3));
    b.header.time++;
    b = ek_decode(k, ek_forge(k, &b, &parent));
    req.u.rollup.range[2] = (struct ts_msg_range_item){b.raw_header, b.raw_txs};
    req.u.rollup.seal = b.seal;
    struct ts_msg m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_CONFLICT);
    assert_state(k, 1, TS_ENC_PASSIVE);
    ek_close(k);
}

static void a_wrong_protocol_root_or_seal_is_refused(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg req = ek_rollup_request(k, 1, 3, 0);
    struct ts_msg other = ek_rollup_request(k, 1, 2, 0);
    struct ts_msg bad = req;
    bad.u.rollup.protocol_root.b[3] ^= 1;
    struct ts_msg m = ek_ask(k, 1, &bad);
    assert_code(m, TS_E_CONFLICT);
    bad = req;
    bad.u.rollup.seal = other.u.rollup.seal;
    m = ek_ask(k, 1, &bad);
    assert_true(ek_code(&m) == TS_E_SIGNER || ek_code(&m) == TS_E_SIGNATURE);
    bad.u.rollup.seal.b[64] = 3;
    m = ek_ask(k, 1, &bad);
    assert_code(m, TS_E_SIGNATURE);
    ek_close(k);
}

/* What is older than the enclave remembers needs the headers up to what it does. */
static void an_old_range_needs_the_headers_above_it(void **state)
{
    (void)state;
    struct ek *k = running(TS_RECENT + 10);
    uint64_t head = k->chain.head.number;
    struct ts_msg req = ek_rollup_request(k, 1, 5, 0);
    struct ts_msg m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_NOT_FOUND);
    req = ek_rollup_request(k, 1, 5, head - TS_RECENT);
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_NOT_FOUND);
    req = ek_rollup_request(k, 1, 5, head - TS_RECENT + 1);
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_OK);
    check_rolled(k, 1, &m, 1, 5);
    /* Its own root is forgotten: the seal alone holds the protocol root. */
    struct ts_msg bad = req;
    bad.u.rollup.protocol_root.b[0] ^= 1;
    m = ek_ask(k, 1, &bad);
    assert_true(ek_code(&m) == TS_E_SIGNER || ek_code(&m) == TS_E_SIGNATURE);
    bad = req;
    uint8_t *p = copy_of(k, req.u.rollup.above[2]);
    p[20] ^= 1;
    bad.u.rollup.above[2].p = p;
    m = ek_ask(k, 1, &bad);
    assert_code(m, TS_E_V1_LINKS);
    ek_close(k);
}

/* However old the range: headers up to the next milestone are enough, and one less is not. */
static void headers_up_to_the_next_milestone_are_enough(void **state)
{
    (void)state;
    struct ek *k = running(2 * TS_MILESTONE + TS_RECENT + 10);
    static const struct {
        uint64_t first, last, above;
        ts_err err;
    } cases[] = {
        {1, 5, TS_MILESTONE, TS_OK},
        {1, 5, TS_MILESTONE - 1, TS_E_NOT_FOUND},
        {1, 5, 0, TS_E_NOT_FOUND},
        {1, TS_MILESTONE, 0, TS_OK},
        {1, TS_MILESTONE + 1, 0, TS_E_NOT_FOUND},
        {1, TS_MILESTONE + 1, 2 * TS_MILESTONE - 1, TS_E_NOT_FOUND},
        {1, TS_MILESTONE + 1, 2 * TS_MILESTONE, TS_OK},
        {TS_MILESTONE - 3, TS_MILESTONE + 3, 2 * TS_MILESTONE, TS_OK},
        {2 * TS_MILESTONE, 2 * TS_MILESTONE, 0, TS_OK},
        {1, 1, 1 + TS_MAX_ABOVE, TS_OK},
        {1, 1, 2 + TS_MAX_ABOVE, TS_E_LIMIT},
    };
    for (size_t i = 0; i < 2; i++) {
        if (i == 1) { /* what a boot knows from its checkpoint is as good */
            struct ts_msg m = ek_plain(k, 1, TS_MSG_SNAPSHOT);
            assert_code(m, TS_OK);
            struct ts_msg_head at = m.u.head;
            ek_boot(k, 1);
            m = ek_load(k, 1, &at);
            assert_code(m, TS_OK);
            ek_synced(k, 1);
            assert_state(k, 1, TS_ENC_PASSIVE);
        }
        for (size_t c = 0; c < TS_COUNT(cases); c++) {
            struct ts_msg req = ek_rollup_request(k, cases[c].first, cases[c].last, cases[c].above);
            struct ts_msg m = ek_ask(k, 1, &req);
            assert_code(m, cases[c].err);
            if (cases[c].err == TS_OK)
                check_rolled(k, 1, &m, cases[c].first, cases[c].last);
        }
    }
    ek_close(k);
}

/* Headers that link to one another and end at a milestone, but not at this enclave's. */
static void another_line_up_to_a_milestone_is_refused(void **state)
{
    (void)state;
    struct ek *k = running(TS_MILESTONE + TS_RECENT + 10);
    ts_hash root = {{0}};
    ts_hash hash;
    for (uint64_t n = 1; n < 1000; n++)
        ts_protocol_root(&root, ek_decode(k, ek_batch(k, n)).raw_payload, &root);
    struct ts_msg req = ek_rollup_request(k, 998, 1000, TS_MILESTONE);
    struct ts_msg m = ek_ask(k, 1, &req);
    assert_code(m, TS_OK);
    struct ts_batch b = ek_decode(k, ek_batch(k, 1000));
    b.header.time++;
    b = ek_decode(k, ek_forge(k, &b, &root)); /* sealed by its producer's key */
    req.u.rollup.range[2] = (struct ts_msg_range_item){b.raw_header, b.raw_txs};
    req.u.rollup.seal = b.seal;
    ts_header_hash(&k->genesis.domain, &b.header, &hash);
    for (uint64_t n = 1001; n <= TS_MILESTONE; n++) {
        struct ts_buf raw;
        b = ek_decode(k, ek_batch(k, n));
        b.header.parent_hash = hash;
        ts_header_hash(&k->genesis.domain, &b.header, &hash);
        ts_buf_init(&raw, 0);
        ts_schema_put(&raw, &ts_batch_header_type, &b.header);
        req.u.rollup.above[n - 1001] = ts_bytes_of(copy_of(k, ts_buf_bytes(&raw)), raw.n);
        ts_buf_free(&raw);
    }
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_CONFLICT);
    assert_state(k, 1, TS_ENC_PASSIVE);
    ek_close(k);
}

static void batches_above_the_head_are_refused(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg m = ek_create(k, 0, EK_ALL);
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch); /* 1 has not been given it */
    struct ts_msg req = ek_rollup_request(k, 1, 3, 0);
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_E_OUT_OF_ORDER);
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    ek_close(k);
}

static void who_is_syncing_or_not_listed_signs_none(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 2);
    ek_start(k, 0);
    ek_promote(k, 0);
    ek_run(k, 0, 3);
    struct ts_msg req = ek_rollup_request(k, 1, 3, 0);
    for (size_t i = 1; i < 3; i++) {
        ek_boot(k, i);
        struct ts_msg m = ek_ask(k, i, &req);
        assert_code(m, TS_E_STATE);
        ek_load(k, i, NULL);
        ek_feed(k, i);
        m = ek_ask(k, i, &req);
        assert_code(m, TS_E_STATE);
        assert_non_null(memmem(m.u.error.text.p, m.u.error.text.n, "rollup", 6));
    }
    ek_synced(k, 2);
    assert_state(k, 2, TS_ENC_VALIDATING);
    struct ts_msg m = ek_ask(k, 2, &req);
    assert_code(m, TS_E_STATE);
    ek_synced(k, 1);
    m = ek_ask(k, 1, &req);
    assert_code(m, TS_OK);
    ek_close(k);
}

static void without_l1_none_may_be_named(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg req = ek_rollup_request(k, 1, 2, 0);
    struct ts_msg bad = req;
    bad.u.rollup.l1_number = 1;
    struct ts_msg m = ek_ask(k, 1, &bad);
    assert_code(m, TS_E_L1);
    bad = req;
    bad.u.rollup.l1_hash.b[0] = 1;
    m = ek_ask(k, 1, &bad);
    assert_code(m, TS_E_L1);
    bad = req;
    bad.u.rollup.l1_header = ts_bytes_of("\xc0", 1);
    m = ek_ask(k, 1, &bad);
    assert_code(m, TS_E_L1);
    ek_close(k);
}

/* An L1 header as far as it is looked at. */
static ts_bytes l1_header(struct ek *k, uint64_t number, uint64_t seconds)
{
    static const uint8_t filler[32];
    struct ts_buf b;
    ts_buf_init(&b, 0);
    size_t mark = ts_put_list(&b);
    for (size_t i = 0; i < 8; i++)
        ts_put_bytes(&b, ts_bytes_of(filler, sizeof(filler)));
    ts_put_u64(&b, number);
    ts_put_u64(&b, 30000000);
    ts_put_u64(&b, 21000);
    ts_put_u64(&b, seconds);
    ts_put_list_end(&b, mark);
    ts_bytes kept = ts_bytes_of(copy_of(k, ts_buf_bytes(&b)), b.n);
    ts_buf_free(&b);
    return kept;
}

static void the_l1_block_is_the_heads_or_a_later_one(void **state)
{
    (void)state;
    struct ts_params params;
    ts_params_default(&params);
    params.max_l1_age_ms = 60000;
    struct ek *k = ek_open_with(1, 1, &params, 31337);
    k->now = 1000000;
    ek_start(k, 0);
    ek_promote(k, 0);
    ts_bytes header = l1_header(k, 7, 990);
    struct ts_msg create = ek_create_request(k, 0, 0);
    create.u.create.l1_number = 7;
    ts_keccak256(header, &create.u.create.l1_hash);
    create.u.create.l1_header = header;
    struct ts_msg m = ek_ask(k, 0, &create);
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    struct ts_msg req = ek_rollup_request(k, 1, 1, 0);
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_E_L1); /* the header is missing */
    req.u.rollup.l1_header = header;
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.rolled.rollup.l1_number, 7);
    for (uint64_t number = 6; number <= 8; number++) {
        ts_bytes other = l1_header(k, number, 991);
        req.u.rollup.l1_number = number;
        ts_keccak256(other, &req.u.rollup.l1_hash);
        req.u.rollup.l1_header = other;
        m = ek_ask(k, 0, &req);
        assert_code(m, number == 8 ? TS_OK : TS_E_L1);
    }
    /* An old range names the head's block too: who was granted since is listed there. */
    ts_bytes later = l1_header(k, 9, 991);
    create = ek_create_request(k, 0, 0);
    create.u.create.l1_number = 9;
    ts_keccak256(later, &create.u.create.l1_hash);
    create.u.create.l1_header = later;
    m = ek_ask(k, 0, &create);
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    m = ek_ask(k, 0, &req); /* block 8, for batch 1 */
    assert_code(m, TS_E_L1);
    req.u.rollup.l1_number = 9;
    req.u.rollup.l1_hash = create.u.create.l1_hash;
    req.u.rollup.l1_header = later;
    m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    ek_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_and_passive_sign_what_they_accepted),
        cmocka_unit_test(an_edited_range_is_refused),
        cmocka_unit_test(what_is_no_chain_is_refused),
        cmocka_unit_test(another_line_is_refused),
        cmocka_unit_test(a_wrong_protocol_root_or_seal_is_refused),
        cmocka_unit_test(an_old_range_needs_the_headers_above_it),
        cmocka_unit_test(headers_up_to_the_next_milestone_are_enough),
        cmocka_unit_test(another_line_up_to_a_milestone_is_refused),
        cmocka_unit_test(batches_above_the_head_are_refused),
        cmocka_unit_test(who_is_syncing_or_not_listed_signs_none),
        cmocka_unit_test(without_l1_none_may_be_named),
        cmocka_unit_test(the_l1_block_is_the_heads_or_a_later_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
