/* SPDX-License-Identifier: Apache-2.0 */
/* V1 links, V2 producer, V3 form: each way to break one is refused by it. */
#include "base/check.h"
#include "chain/batch.h"
#include "crypto/sign.h"
#include "refused.h"

/* ---- V1 ---- */

static void v1_number_and_parent(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_run(net, 2);
    for (int step = -2; step <= 2; step++) {
        struct tn_draft *d = tn_draft(net, 0);
        d->header.number += (uint64_t)step;
        if (step == 0)
            assert_passes(net, d);
        else
            assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    }
    struct tn_draft *d = tn_draft(net, 0);
    d->header.parent_hash.b[31] ^= 1;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    d->header.parent_hash = net->genesis.hash;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    assert_int_equal(tn_check_raw(net, tn_raw(net, net->chain.head.number)), TS_E_V1_LINKS);
    tn_free(net);
}

static void v1_first_batch_follows_genesis(void **state)
{
    (void)state;
    struct testnet *net = tn_new(NULL);
    tn_boot(net, 0);
    tn_activate(net, 0);
    struct tn_draft *d = tn_draft(net, 0);
    assert_passes(net, d);
    d->header.parent_hash = (ts_hash){{0}};
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    tn_free(net);
}

static void v1_time(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    struct tn_draft *d = tn_draft(net, 0);
    d->header.time = net->chain.head.time;
    assert_passes(net, d);
    d->header.time--;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    d->header.time = 0;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    d->header.time = UINT64_MAX; /* a claim, unless L1 says otherwise */
    assert_passes(net, d);
    tn_free(net);
}

/* Nor is it below its transitions'. */
static void v1_time_of_transitions(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_crash(net, 1);
    tn_boot(net, 1);
    struct tn_draft *d = tn_draft(net, 0);
    struct ts_lifecycle_event *e = tn_transition_of(net, d, 1);
    assert_int_equal(ts_payload_time(&d->payload), e->time);
    d->header.time = e->time - 1;
    assert_refused(net, d, TS_E_V1_LINKS, 1);
    d->header.time = e->time;
    assert_passes(net, d);
    tn_free(net);
}

static void v1_l1_reference(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.l1_chain_id = 31337});
    tn_start(net);
    struct tn_draft *d = tn_draft(net, 0);
    d->header.l1_hash.b[0] ^= 1; /* same number, another hash */
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    d->header.l1_number++;
    assert_passes(net, d);
    tn_publish(net, d);
    d = tn_draft(net, 0);
    d->header.l1_number--;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    d->header.l1_hash = net->genesis.l1_hash;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    tn_free(net);
}

static ts_err check_with_l1(struct testnet *net, struct tn_draft *d, uint64_t number,
                            const ts_hash *hash, ts_time time)
{
    struct ts_l1_evidence l1 = {number, *hash, time};
    struct ts_arena arena;
    struct ts_batch b;
    ts_arena_init(&arena, 0);
    tn_seal(net, d);
    assert_int_equal(ts_batch_decode(ts_buf_bytes(&d->raw), TS_MAX_BATCH_BYTES, &arena, &b), TS_OK);
    ts_err err = ts_batch_check(&net->chain, &b, &l1, net->effect, &net->fault);
    ts_arena_free(&arena);
    return err;
}

static void v1_l1_age(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.l1_chain_id = 31337});
    tn_start(net);
    struct tn_draft *d = tn_draft(net, 0);
    const ts_hash *hash = &d->header.l1_hash;
    uint64_t number = d->header.l1_number;
    uint64_t age = net->genesis.params.max_l1_age_ms;
    ts_time time = d->header.time;
    assert_int_equal(age, 3600 * 1000);
    assert_int_equal(check_with_l1(net, d, number, hash, time - age), TS_OK);
    assert_int_equal(check_with_l1(net, d, number, hash, time - age - 1), TS_E_V1_LINKS);
    assert_int_equal(check_with_l1(net, d, number, hash, 0), TS_E_V1_LINKS);
    assert_int_equal(check_with_l1(net, d, number, hash, time + 1),
                     TS_OK); /* L1's clock is ahead */
    assert_int_equal(check_with_l1(net, d, number, hash, UINT64_MAX), TS_OK);
    assert_int_equal(check_with_l1(net, d, number + 1, hash, time), TS_E_V1_LINKS);
    assert_int_equal(check_with_l1(net, d, number, &net->genesis.hash, time), TS_E_V1_LINKS);
    tn_free(net);
}

static void v1_term(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    struct tn_draft *d = tn_draft(net, 0);
    d->header.term++;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    d->header.term = 0;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    /* A void Active brings no new term. */
    tn_activate(net, 1);
    tn_publish(net, tn_draft(net, 0));
    d = tn_draft(net, 0);
    assert_int_equal(d->payload.n_transitions, 2);
    d->header.term = 2;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    d->header.term = 1;
    tn_publish(net, d);
    /* One that takes effect does, and the last counts. */
    tn_step_down(net, 0);
    tn_activate_with(net, 1, 7);
    d = tn_draft(net, 1);
    assert_int_equal(d->header.term, 7);
    d->header.term = 1;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    d->header.term = 6;
    assert_refused(net, d, TS_E_V1_LINKS, NOBODY);
    tn_free(net);
}

/* ---- V2 ---- */

static void v2_sealed_by_another(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *d = tn_draft(net, 0);
    d->sealer = 1;
    assert_refused(net, d, TS_E_V2_PRODUCER, 0);
    tn_free(net);
}

static void v2_not_whitelisted(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 3, .whitelisted = 2});
    tn_start(net);
    struct tn_draft *d = tn_draft(net, 0);
    d->header.producer = *tn_id(net, 2);
    d->sealer = 2;
    assert_refused_early(net, d, TS_E_V2_PRODUCER, 2);
    d->header.producer = (ts_address){{0}};
    d->sealer = 0;
    assert_int_equal(tn_check(net, d), TS_E_V2_PRODUCER);
    tn_free(net);
}

/* Who the notice removes cannot seal the batch that carries it. */
static void v2_removed_by_its_own_batch(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_whitelist_remove(net, 0);
    assert_refused_early(net, tn_draft(net, 0), TS_E_V2_PRODUCER, 0);
    tn_free(net);
}

/* The seal covers header and payload: neither can be changed under it. */
static void v2_seal_covers_all(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    struct tn_draft *d = tn_draft(net, 0);
    struct ts_batch b;
    struct ts_arena arena;
    tn_seal(net, d);
    ts_arena_init(&arena, 0);
    assert_int_equal(ts_batch_decode(ts_buf_bytes(&d->raw), TS_MAX_BATCH_BYTES, &arena, &b), TS_OK);
    ts_sig seal = b.seal;
    struct ts_buf raw;
    ts_buf_init(&raw, 0);
    b.header.state_root.b[0] ^= 1;
    ts_batch_put(&raw, &b);
    assert_int_equal(tn_check_raw(net, ts_buf_bytes(&raw)), TS_E_V2_PRODUCER);
    b.header.state_root.b[0] ^= 1;
    b.payload.reports[1].sig.b[3] ^= 1;
    ts_buf_reset(&raw);
    ts_batch_put(&raw, &b);
    assert_int_equal(tn_check_raw(net, ts_buf_bytes(&raw)), TS_E_V2_PRODUCER);
    b.payload.reports[1].sig.b[3] ^= 1;
    for (size_t i = 0; i < sizeof(seal.b); i++) {
        b.seal = seal;
        b.seal.b[i] ^= 1;
        ts_buf_reset(&raw);
        ts_batch_put(&raw, &b);
        assert_int_equal(tn_check_raw(net, ts_buf_bytes(&raw)), TS_E_V2_PRODUCER);
    }
    ts_buf_free(&raw);
    ts_arena_free(&arena);
    tn_free(net);
}

/* A seal of another network does not count here. */
static void v2_seal_is_bound_to_the_network(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    struct tn_draft *d = tn_draft(net, 0);
    struct ts_domain own = net->genesis.domain;
    net->genesis.domain.separator.b[0] ^= 1;
    tn_seal(net, d);
    net->genesis.domain = own;
    assert_int_equal(tn_check_raw(net, ts_buf_bytes(&d->raw)), TS_E_V2_PRODUCER);
    tn_free(net);
}

/* ---- V3 ---- */

static void v3_tx_root(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    struct tn_draft *d = tn_draft(net, 0);
    ts_bytes txs[2] = {ts_bytes_of("one", 3), ts_bytes_of("two", 3)};
    d->txs = txs;
    d->n_txs = 2;
    assert_passes(net, d);
    d->keep_tx_root = true;
    d->n_txs = 1;
    assert_refused(net, d, TS_E_V3_FORM, NOBODY);
    d->n_txs = 2;
    txs[0] = ts_bytes_of("two", 3);
    txs[1] = ts_bytes_of("one", 3);
    assert_refused(net, d, TS_E_V3_FORM, NOBODY);
    tn_free(net);
}

static void v3_sizes(void **state)
{
    (void)state;
    static const uint8_t bytes[4000];
    struct testnet *net =
        tn_new(&(struct tn_options){.max_tx_bytes = 2000, .max_batch_bytes = 8000});
    tn_start(net);
    struct tn_draft *d = tn_draft(net, 0);
    ts_bytes txs[4];
    for (size_t i = 0; i < 4; i++)
        txs[i] = ts_bytes_of(bytes, 2000);
    d->txs = txs;
    d->n_txs = 2;
    assert_passes(net, d);
    txs[1] = ts_bytes_of(bytes, 2001);
    assert_refused(net, d, TS_E_V3_FORM, NOBODY);
    txs[1] = ts_bytes_of(bytes, 2000);
    d->n_txs = 4;
    assert_refused(net, d, TS_E_V3_FORM, NOBODY);
    /* To the byte. */
    d->n_txs = 3;
    tn_seal(net, d);
    assert_true(d->raw.n < 8000);
    d->n_txs = 4;
    txs[3] = ts_bytes_of(bytes, 8000 - d->raw.n - 3);
    assert_passes(net, d);
    assert_int_equal(d->raw.n, 8000);
    txs[3].n++;
    assert_refused(net, d, TS_E_V3_FORM, NOBODY);
    tn_free(net);
}

static void v3_reserved_notice(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    const uint64_t reserved[] = {0, 2, 64, 127};
    for (size_t i = 0; i < TS_COUNT(reserved); i++) {
        struct tn_draft *d = tn_draft(net, 0);
        tn_set_notice(d, reserved[i], ts_bytes_of("x", 1));
        assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    }
    /* Not even in the form of the one that is defined. */
    tn_whitelist_remove(net, 1);
    struct tn_draft *d = tn_draft(net, 0);
    assert_passes(net, d);
    d->notices[0].type = 2;
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    tn_free(net);
}

static void v3_ill_formed_whitelist_notice(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 4, .whitelisted = 3});
    tn_start(net);
    struct tn_draft *d = tn_draft(net, 0);
    tn_set_notice(d, TS_NOTICE_WHITELIST, ts_bytes_of("", 0));
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    tn_set_notice(d, TS_NOTICE_WHITELIST, ts_bytes_of("\xc0", 1));
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    /* A good one, with one byte behind it. */
    tn_whitelist_add(net, 3);
    d = tn_draft(net, 0);
    assert_passes(net, d);
    uint8_t longer[200] = {0};
    size_t n = d->payload.notices[0].body.n;
    memcpy(longer, d->payload.notices[0].body.p, n);
    tn_set_notice(d, TS_NOTICE_WHITELIST, ts_bytes_of(longer, n + 1));
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    tn_set_notice(d, TS_NOTICE_WHITELIST, ts_bytes_of(longer, n - 1));
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    tn_free(net);
}

static void put_change(struct testnet *net, struct tn_draft *d, ts_address *added, size_t n_added,
                       ts_address *removed, size_t n_removed)
{
    (void)net;
    tn_set_change(d, &(struct ts_whitelist_change){.l1_number = d->header.l1_number,
                                                   .l1_hash = d->header.l1_hash,
                                                   .added = added,
                                                   .n_added = n_added,
                                                   .removed = removed,
                                                   .n_removed = n_removed});
}

static void v3_change_that_is_none(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 4, .whitelisted = 3});
    tn_start(net);
    struct tn_draft *d = tn_draft(net, 0);
    ts_address listed[2] = {*tn_id(net, 1), *tn_id(net, 2)};
    ts_address unlisted[1] = {*tn_id(net, 3)};
    put_change(net, d, NULL, 0, NULL, 0);
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    put_change(net, d, listed, 1, NULL, 0);
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    put_change(net, d, NULL, 0, unlisted, 1);
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    put_change(net, d, unlisted, 1, unlisted, 1);
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    ts_address twice[2] = {listed[0], listed[0]};
    put_change(net, d, NULL, 0, twice, 2);
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    ts_address descending[2] = {listed[1], listed[0]};
    put_change(net, d, NULL, 0, descending, 2);
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    ts_address gone[4] = {*tn_id(net, 0), listed[0], listed[1], unlisted[0]};
    put_change(net, d, NULL, 0, gone, 4);
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    tn_free(net);
}

static void v3_two_whitelist_notices(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_whitelist_remove(net, 2);
    struct tn_draft *d = tn_draft(net, 0);
    assert_passes(net, d);
    d->notices[1] = d->notices[0];
    d->payload.n_notices = 2;
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    tn_free(net);
}

/* The header says up to which L1 block the whitelist is taken: the notice is of that block. */
static void v3_notice_of_another_l1_block(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_whitelist_remove(net, 2);
    struct tn_draft *d = tn_draft(net, 0);
    d->header.l1_number++;
    assert_refused(net, d, TS_E_V3_FORM, NOBODY);
    d->header.l1_number--;
    d->header.l1_hash.b[0] ^= 1;
    assert_refused(net, d, TS_E_V3_FORM, NOBODY);
    tn_free(net);
}

static void v3_whitelist_over_64(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 66, .whitelisted = 63});
    tn_start(net);
    struct tn_draft *d = tn_draft(net, 0);
    ts_address added[3] = {*tn_id(net, 63), *tn_id(net, 64), *tn_id(net, 65)};
    put_change(net, d, added, 2, NULL, 0);
    assert_refused_early(net, d, TS_E_V3_FORM, NOBODY);
    put_change(net, d, added, 1, NULL, 0);
    d->absent[d->payload.n_absent++] = added[0];
    assert_passes(net, d);
    tn_free(net);
}

/* A producer may be handed more than a decoder would let through. */
static void v3_too_many(void **state)
{
    (void)state;
    static uint8_t bytes[TS_MAX_NOTICE_BYTES + 1];
    struct testnet *net = tn_running(2);
    struct tn_draft *d = tn_draft(net, 0);
    struct ts_payload *p = &d->payload;
    struct ts_fault fault;
    uint64_t term;
    for (size_t i = 0; i < 17; i++)
        d->notices[i] = (struct ts_notice){200, ts_bytes_of(bytes, 10)};
    p->n_notices = 16;
    assert_int_equal(
        ts_payload_check(&net->chain, p, tn_id(net, 0), NULL, net->effect, &term, &fault), TS_OK);
    p->n_notices = 17;
    assert_int_equal(
        ts_payload_check(&net->chain, p, tn_id(net, 0), NULL, net->effect, &term, &fault),
        TS_E_V3_FORM);
    p->n_notices = 5;
    for (size_t i = 0; i < 5; i++)
        d->notices[i].body.n = i < 4 ? TS_MAX_NOTICE_BYTES : 0;
    assert_int_equal(
        ts_payload_check(&net->chain, p, tn_id(net, 0), NULL, net->effect, &term, &fault), TS_OK);
    d->notices[4].body.n = 1;
    assert_int_equal(
        ts_payload_check(&net->chain, p, tn_id(net, 0), NULL, net->effect, &term, &fault),
        TS_E_V3_FORM);
    p->n_notices = 1;
    d->notices[0].body.n = TS_MAX_NOTICE_BYTES + 1;
    assert_int_equal(
        ts_payload_check(&net->chain, p, tn_id(net, 0), NULL, net->effect, &term, &fault),
        TS_E_V3_FORM);
    p->n_notices = 0;
    p->n_absent = TS_MAX_WHITELIST + 1;
    assert_int_equal(
        ts_payload_check(&net->chain, p, tn_id(net, 0), NULL, net->effect, &term, &fault),
        TS_E_V3_FORM);
    p->n_absent = 0;
    p->n_reports = TS_MAX_WHITELIST + 1;
    assert_int_equal(
        ts_payload_check(&net->chain, p, tn_id(net, 0), NULL, net->effect, &term, &fault),
        TS_E_V3_FORM);
    p->n_reports = 0;
    p->n_transitions = TS_MAX_TRANSITIONS + 1;
    assert_int_equal(
        ts_payload_check(&net->chain, p, tn_id(net, 0), NULL, net->effect, &term, &fault),
        TS_E_V3_FORM);
    tn_free(net);
}

/* ---- ts_draft_check: what the producer asks before it opens the first transaction ---- */

static ts_err check_draft(struct testnet *net, const struct tn_draft *d)
{
    uint64_t term;
    struct ts_l1_evidence l1 = {d->header.l1_number, d->header.l1_hash, d->header.time};
    assert_int_equal(ts_payload_check(&net->chain, &d->payload, tn_id(net, 0), tn_id(net, 0),
                                      net->effect, &term, &net->fault),
                     TS_OK);
    assert_int_equal(term, 1);
    return ts_draft_check(&net->chain, &d->header, &d->payload, &l1, net->effect, &net->fault);
}

static void draft_check(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_whitelist_remove(net, 2);
    struct tn_draft *d = tn_draft(net, 0);
    const struct ts_batch_header good = d->header;
    assert_int_equal(check_draft(net, d), TS_OK);
    d->header.time = 0;
    assert_int_equal(check_draft(net, d), TS_E_V1_LINKS);
    d->header = good;
    d->header.term = 2;
    assert_int_equal(check_draft(net, d), TS_E_V1_LINKS);
    d->header = good;
    d->header.l1_number++;
    assert_int_equal(check_draft(net, d), TS_E_V3_FORM);
    d->header = good;
    d->header.producer = *tn_id(net, 2);
    assert_int_equal(check_draft(net, d), TS_E_V2_PRODUCER);
    d->header = good;
    d->header.number++;
    assert_int_equal(check_draft(net, d), TS_E_V1_LINKS);
    tn_free(net);
}

/* A producer's way: check, seal, apply; the chain is as if the whole batch had been checked. */
static void effect_of_the_producer(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct ts_chain other;
    struct ts_effect *effect = ts_effect_new();
    uint64_t term;
    ts_hash hash;
    tn_fold(net, 1, &other);
    tn_step_down(net, 0);
    tn_activate(net, 1);
    struct tn_draft *d = tn_draft(net, 1);
    assert_int_equal(
        ts_payload_check(&other, &d->payload, tn_id(net, 1), tn_id(net, 1), effect, &term, NULL),
        TS_OK);
    tn_seal(net, d);
    ts_header_hash(&net->genesis.domain, &d->header, &hash);
    struct ts_batch_header header = d->header;
    tn_publish(net, d);
    ts_effect_seal(effect, &header, &hash, &net->chain.head.protocol_root);
    assert_int_equal(ts_chain_apply(&other, effect), TS_OK);
    assert_true(tn_chain_equal(&other, &net->chain));
    ts_effect_free(effect);
    ts_chain_free(&other);
    tn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v1_number_and_parent),
        cmocka_unit_test(v1_first_batch_follows_genesis),
        cmocka_unit_test(v1_time),
        cmocka_unit_test(v1_time_of_transitions),
        cmocka_unit_test(v1_l1_reference),
        cmocka_unit_test(v1_l1_age),
        cmocka_unit_test(v1_term),
        cmocka_unit_test(v2_sealed_by_another),
        cmocka_unit_test(v2_not_whitelisted),
        cmocka_unit_test(v2_removed_by_its_own_batch),
        cmocka_unit_test(v2_seal_covers_all),
        cmocka_unit_test(v2_seal_is_bound_to_the_network),
        cmocka_unit_test(v3_tx_root),
        cmocka_unit_test(v3_sizes),
        cmocka_unit_test(v3_reserved_notice),
        cmocka_unit_test(v3_ill_formed_whitelist_notice),
        cmocka_unit_test(v3_change_that_is_none),
        cmocka_unit_test(v3_two_whitelist_notices),
        cmocka_unit_test(v3_notice_of_another_l1_block),
        cmocka_unit_test(v3_whitelist_over_64),
        cmocka_unit_test(v3_too_many),
        cmocka_unit_test(draft_check),
        cmocka_unit_test(effect_of_the_producer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
