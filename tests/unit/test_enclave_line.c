/* SPDX-License-Identifier: Apache-2.0 */
/* One line per boot: what a hostile host may try with an enclave's head, and what comes of it. */
#include <stdlib.h>
#include <string.h>

#include "enclave_kit.h"

/* Three enclaves, 0 active, some batches published. */
static struct ek *running(size_t batches)
{
    struct ek *k = ek_open(4, 3);
    for (size_t i = 0; i < 3; i++)
        ek_start(k, i);
    ek_promote(k, 0);
    ek_run(k, 0, batches);
    return k;
}

/* The protocol root of a published batch. */
static ts_hash root_of(struct ek *k, uint64_t number)
{
    ts_hash root = {{0}};
    for (uint64_t n = 1; n <= number; n++) {
        struct ts_batch b = ek_decode(k, ek_batch(k, n));
        ts_protocol_root(&root, b.raw_payload, &root);
    }
    return root;
}

/* Another batch on the parent of a published one, sealed by its producer. */
static ts_bytes sibling(struct ek *k, uint64_t number)
{
    struct ts_batch b = ek_decode(k, ek_batch(k, number));
    ts_hash parent = root_of(k, number - 1);
    b.header.time++;
    return ek_forge(k, &b, &parent);
}

static void assert_halts(struct ek *k, size_t i, ts_bytes batch)
{
    struct ts_msg m = ek_accept(k, i, batch);
    assert_code(m, TS_E_HALTS);
    assert_state(k, i, TS_ENC_HALTED);
}

static void assert_out_of_order(struct ek *k, size_t i, ts_bytes batch)
{
    enum ts_enclave_state before = ek_state(k, i);
    struct ts_msg_head head = ek_plain(k, i, TS_MSG_IDENTIFY).u.identity.head;
    struct ts_msg m = ek_accept(k, i, batch);
    assert_code(m, TS_E_OUT_OF_ORDER);
    assert_state(k, i, before);
    struct ts_msg_head after = ek_plain(k, i, TS_MSG_IDENTIFY).u.identity.head;
    assert_memory_equal(&head.hash, &after.hash, 32);
}

static void the_same_batch_again_changes_nothing(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg first = ek_plain(k, 1, TS_MSG_REPORT);
    struct ts_msg again = ek_accept(k, 1, ek_batch(k, 3));
    assert_code(again, TS_OK);
    assert_memory_equal(&first.u.events.report, &again.u.events.report,
                        sizeof(first.u.events.report));
    /* One below the head is out of order: nothing rewinds. */
    assert_out_of_order(k, 1, ek_batch(k, 2));
    assert_out_of_order(k, 0, ek_batch(k, 1));
    ek_close(k);
}

static void a_batch_too_far_ahead_is_out_of_order(void **state)
{
    (void)state;
    struct ek *k = running(1);
    ek_kill(k, 2);
    struct ts_msg m = ek_create(k, 0, 0);
    ek_publish(k, m.u.created.batch);
    m = ek_create(k, 0, 0);
    ek_publish(k, m.u.created.batch);
    assert_out_of_order(k, 1, ek_batch(k, 3));
    m = ek_accept(k, 1, ek_batch(k, 2));
    assert_code(m, TS_OK);
    m = ek_accept(k, 1, ek_batch(k, 3));
    assert_code(m, TS_OK);
    ek_close(k);
}

static void a_sibling_of_the_head_halts_who_has_signed(void **state)
{
    (void)state;
    struct ek *k = running(3);
    ts_bytes other = sibling(k, 3);
    assert_halts(k, 1, other); /* accepted the other one */
    assert_halts(k, 0, other); /* sealed the other one */
    ek_close(k);
}

static void a_sibling_below_the_head_halts_too(void **state)
{
    (void)state;
    struct ek *k = running(6);
    assert_halts(k, 1, sibling(k, 2));
    assert_halts(k, 2, sibling(k, 1));
    ek_close(k);
}

/* The same header, but an event left out of the payload: two seals for one batch hash. */
static void another_payload_under_the_same_header_halts(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_batch b = ek_decode(k, ek_batch(k, 3));
    ts_hash parent = root_of(k, 2);
    b.payload.n_reports = 2;
    b.payload.absent = &k->enclaves[2].id;
    b.payload.n_absent = 1;
    assert_halts(k, 1, ek_forge(k, &b, &parent));
    ek_close(k);
}

/* Nothing was signed: the host is told to start over. */
static void a_sibling_is_a_conflict_for_who_has_signed_nothing(void **state)
{
    (void)state;
    struct ek *k = running(3);
    ts_bytes other = sibling(k, 3);
    ek_boot(k, 1); /* SYNCING */
    struct ts_msg m = ek_load(k, 1, NULL);
    ek_feed(k, 1);
    m = ek_accept(k, 1, other);
    assert_code(m, TS_E_CONFLICT);
    assert_state(k, 1, TS_ENC_SYNCING);
    m = ek_load(k, 1, NULL);
    assert_code(m, TS_OK);
    m = ek_accept(k, 1, ek_batch(k, 1));
    m = ek_accept(k, 1, ek_batch(k, 2));
    m = ek_accept(k, 1, other);
    assert_code(m, TS_OK);
    ek_boot(k, 3); /* VALIDATING */
    m = ek_load(k, 3, NULL);
    ek_feed(k, 3);
    m = ek_synced(k, 3);
    assert_state(k, 3, TS_ENC_VALIDATING);
    m = ek_accept(k, 3, other);
    assert_code(m, TS_E_CONFLICT);
    assert_state(k, 3, TS_ENC_VALIDATING);
    ek_close(k);
}

/* What a hostile host can make up alone halts nobody. */
static void junk_that_looks_like_a_conflict_halts_nobody(void **state)
{
    (void)state;
    struct ek *k = running(4);
    struct ts_batch b;
    ts_hash parent = root_of(k, 2);
    ts_bytes good = sibling(k, 3);

    /* The seal is of another batch. */
    b = ek_decode(k, ek_batch(k, 3));
    struct ts_buf out;
    ts_buf_init(&out, 0);
    b.header.time++;
    ts_batch_put(&out, &b);
    assert_out_of_order(k, 1, ts_buf_bytes(&out));
    ts_buf_free(&out);

    /* Sealed by an enclave that is not whitelisted. */
    b = ek_decode(k, ek_batch(k, 3));
    b.header.producer = k->enclaves[3].id;
    assert_out_of_order(k, 1, ek_forge(k, &b, &parent));

    /* On a parent that is not on the line: it proves nothing about this line. */
    b = ek_decode(k, ek_batch(k, 3));
    b.header.parent_hash.b[0] ^= 1;
    assert_out_of_order(k, 1, ek_forge(k, &b, &parent));

    /* Sealed over another history of payloads. */
    b = ek_decode(k, ek_batch(k, 3));
    b.header.time++;
    assert_out_of_order(k, 1, ek_forge(k, &b, &b.header.parent_hash));

    /* The transactions are not those of the header. */
    b = ek_decode(k, good);
    ts_bytes tx = ts_bytes_of("tx", 2);
    b.txs = &tx;
    b.n_txs = 1;
    ts_buf_init(&out, 0);
    ts_batch_put(&out, &b);
    assert_out_of_order(k, 1, ts_buf_bytes(&out));
    ts_buf_free(&out);

    /* Number 0, and far ahead. */
    b = ek_decode(k, ek_batch(k, 3));
    b.header.number = 0;
    assert_out_of_order(k, 1, ek_forge(k, &b, &parent));
    b.header.number = UINT64_MAX;
    assert_out_of_order(k, 1, ek_forge(k, &b, &parent));

    assert_halts(k, 1, good);
    ek_close(k);
}

/* Who was removed meanwhile has perhaps lost its key: its seals halt nobody. */
static void a_seal_of_a_removed_enclave_halts_nobody(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_whitelist_change c = {.removed = &k->enclaves[0].id, .n_removed = 1};
    struct ts_buf b;
    ts_bytes other = sibling(k, 3);
    ts_buf_init(&b, 0);
    ts_whitelist_change_put(&b, &c);
    struct ts_notice notice = {TS_NOTICE_WHITELIST, ts_buf_bytes(&b)};
    ek_promote(k, 1);
    struct ts_msg req = ek_create_request(k, 1, 1u << 2);
    req.u.create.notices = &notice;
    req.u.create.n_notices = 1;
    struct ts_msg m = ek_ask(k, 1, &req);
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    ek_feed(k, 2);
    assert_out_of_order(k, 2, other);
    ts_buf_free(&b);
    ek_close(k);
}

/* A child of the head that breaks a rule, or whose execution is wrong: refused, no halt. */
static void an_invalid_child_is_refused(void **state)
{
    (void)state;
    struct ek *k = running(3);
    struct ts_msg m = ek_create(k, 0, EK_ALL);
    assert_code(m, TS_OK);
    ts_bytes good = m.u.created.batch;
    ts_hash parent = k->chain.head.protocol_root;
    struct ts_batch b = ek_decode(k, good);
    b.header.state_root.b[0] ^= 1;
    m = ek_accept(k, 1, ek_forge(k, &b, &parent));
    assert_code(m, TS_E_EXECUTION);
    b = ek_decode(k, good);
    ts_bytes tx = ts_bytes_of("no transaction", 14);
    b.txs = &tx;
    b.n_txs = 1;
    m = ek_accept(k, 1, ek_forge(k, &b, &parent));
    assert_code(m, TS_E_EXECUTION);
    b = ek_decode(k, good);
    b.payload.n_reports = 2; /* 2 is neither there nor absent */
    m = ek_accept(k, 1, ek_forge(k, &b, &parent));
    assert_code(m, TS_E_V5_COMPLETE);
    b = ek_decode(k, good);
    b.header.producer = k->enclaves[2].id;
    m = ek_accept(k, 1, ek_forge(k, &b, &parent));
    assert_code(m, TS_E_V7_ROLES);
    assert_state(k, 1, TS_ENC_PASSIVE);
    m = ek_accept(k, 1, good);
    assert_code(m, TS_OK);
    ek_close(k);
}

/* The active sealed a batch that the host drops for another's: it halts when shown that one. */
static void who_sealed_a_discarded_batch_must_restart(void **state)
{
    (void)state;
    struct ek *k = running(2);
    struct ts_msg m = ek_create(k, 0, EK_ALL); /* dropped */
    assert_code(m, TS_OK);
    ek_promote(k, 1);
    m = ek_create(k, 1, 1u << 2);
    assert_code(m, TS_OK);
    ek_publish(k, m.u.created.batch);
    assert_halts(k, 0, ek_batch(k, 3));
    ek_feed(k, 2);
    ek_start(k, 0);
    ek_run(k, 1, 1);
    struct ts_batch b = ek_decode(k, ek_batch(k, 4));
    assert_int_equal(b.payload.n_absent, 0);
    ek_close(k);
}

/* A conflict more than 256 below is out of reach: out of order, no more. */
static void what_is_too_old_cannot_be_judged(void **state)
{
    (void)state;
    struct ek *k = ek_open(2, 2);
    ek_start(k, 0);
    ek_start(k, 1);
    ek_promote(k, 0);
    ek_run(k, 0, 1);
    ts_bytes kept = sibling(k, 1);
    uint8_t *old = malloc(kept.n);
    assert_non_null(old);
    memcpy(old, kept.p, kept.n);
    size_t n = kept.n;
    for (size_t i = 0; i < TS_RECENT; i++) {
        ek_run(k, 0, 1);
        ek_forget(k);
    }
    assert_out_of_order(k, 1, ts_bytes_of(old, n));
    free(old);
    ek_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_batch_again_changes_nothing),
        cmocka_unit_test(a_batch_too_far_ahead_is_out_of_order),
        cmocka_unit_test(a_sibling_of_the_head_halts_who_has_signed),
        cmocka_unit_test(a_sibling_below_the_head_halts_too),
        cmocka_unit_test(another_payload_under_the_same_header_halts),
        cmocka_unit_test(a_sibling_is_a_conflict_for_who_has_signed_nothing),
        cmocka_unit_test(junk_that_looks_like_a_conflict_halts_nobody),
        cmocka_unit_test(a_seal_of_a_removed_enclave_halts_nobody),
        cmocka_unit_test(an_invalid_child_is_refused),
        cmocka_unit_test(who_sealed_a_discarded_batch_must_restart),
        cmocka_unit_test(what_is_too_old_cannot_be_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
