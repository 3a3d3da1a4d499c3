/* SPDX-License-Identifier: Apache-2.0 */
/* Offers of one enclave judged before they are in a batch, and the cache of signatures. */
#include "chain/events.h"
#include "chain/verified.h"
#include "refused.h"

static struct ts_offer offer_of(const struct testnet *net, size_t i, struct ts_restart_event *r)
{
    const struct tn_enclave *e = &net->enclaves[i];
    *r = tn_report(net, i);
    return (struct ts_offer){e->id, e->unpublished, e->n_unpublished, r};
}

static struct ts_offer_verdict judged(const struct testnet *net, const struct ts_offer *o)
{
    struct ts_offer_verdict v;
    ts_offer_judge(&net->chain, o, NULL, &v);
    return v;
}

static void good_offers(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct ts_restart_event r;
    tn_crash(net, 2);
    tn_boot(net, 2);
    struct ts_offer o = offer_of(net, 2, &r);
    struct ts_offer_verdict v = judged(net, &o);
    assert_int_equal(v.transitions, TS_OK);
    assert_int_equal(v.report, TS_OK);
    assert_false(v.takes_effect);
    assert_int_equal(v.fault.what[0], '\0');
    assert_int_equal(ts_offer_published(&net->chain, &o), 0);
    o = offer_of(net, 1, &r);
    v = judged(net, &o);
    assert_int_equal(v.transitions, TS_OK);
    assert_int_equal(v.report, TS_OK);
    o.report = NULL;
    assert_int_equal(judged(net, &o).report, TS_E_NOT_FOUND);
    tn_free(net);
}

static void takes_effect(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct ts_restart_event r;
    tn_activate_with(net, 1, 9);
    struct ts_offer o = offer_of(net, 1, &r);
    struct ts_offer_verdict v = judged(net, &o);
    assert_true(v.takes_effect);
    assert_int_equal(v.term, 9);
    struct tn_draft *d = tn_draft(net, 0);
    tn_publish(net, d);
    o = offer_of(net, 1, &r);
    v = judged(net, &o);
    assert_int_equal(v.transitions, TS_OK);
    assert_false(v.takes_effect); /* late: void */
    tn_free(net);
}

/* Handed out before a batch published the first of them. */
static void partly_published(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct ts_restart_event r;
    tn_activate(net, 1);
    struct tn_draft *d = tn_draft(net, 0);
    tn_publish(net, d);
    struct tn_enclave before = net->enclaves[1];
    struct ts_offer o = {before.id, before.unpublished, before.n_unpublished, NULL};
    assert_int_equal(o.n_transitions, 2);
    d = tn_draft(net, 0);
    d->payload.n_transitions = 1;
    tn_leave_out(net, d, 1);
    d->transitions[0] = before.unpublished[0];
    d->payload.n_transitions = 1;
    tn_publish(net, d);
    assert_int_equal(judged(net, &o).transitions, TS_E_V4_EVENTS);
    size_t drop = ts_offer_published(&net->chain, &o);
    assert_int_equal(drop, 1);
    o.transitions += drop;
    o.n_transitions -= drop;
    assert_int_equal(judged(net, &o).transitions, TS_OK);
    o = offer_of(net, 1, &r);
    assert_int_equal(judged(net, &o).report, TS_OK);
    tn_free(net);
}

static void bad_offers(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct ts_restart_event r;
    tn_run(net, 3);
    /* a stale report of an enclave that is cut off: its transitions would still pass */
    tn_cut(net, 2);
    tn_activate(net, 2);
    tn_run(net, 3);
    struct ts_offer o = offer_of(net, 2, &r);
    struct ts_offer_verdict v = judged(net, &o);
    assert_int_equal(v.transitions, TS_OK);
    assert_int_equal(v.report, TS_E_V6_FRESH);
    assert_fault(net, &v.fault, TS_E_V6_FRESH, 2);
    /* with the Active left out the tip is wrong: but V6 is asked first */
    o = offer_of(net, 1, &r);
    r.seq++;
    tn_sign_report(net, &r);
    v = judged(net, &o);
    assert_int_equal(v.report, TS_E_V8_TIP);
    assert_fault(net, &v.fault, TS_E_V8_TIP, 1);
    r.seq--;
    assert_int_equal(judged(net, &o).report, TS_E_V4_EVENTS); /* not signed again */
    /* another's events under its name */
    o = offer_of(net, 1, &r);
    r = tn_report(net, 0);
    assert_int_equal(judged(net, &o).report, TS_E_V4_EVENTS);
    o.transitions = net->enclaves[2].unpublished;
    o.n_transitions = 1;
    v = judged(net, &o);
    assert_int_equal(v.transitions, TS_E_V4_EVENTS);
    assert_int_equal(v.report, TS_E_V4_EVENTS);
    /* which it even signed itself */
    tn_activate(net, 1);
    struct ts_lifecycle_event borrowed = net->enclaves[1].unpublished[0];
    borrowed.enclave_id = *tn_id(net, 2);
    tn_sign_transition_by(net, &borrowed, 1);
    o.transitions = &borrowed;
    assert_int_equal(judged(net, &o).transitions, TS_E_V4_EVENTS);
    o = offer_of(net, 1, &r);
    r.enclave_id = *tn_id(net, 0);
    tn_sign_report_by(net, &r, 1);
    assert_int_equal(judged(net, &o).report, TS_E_V4_EVENTS);
    /* a signature that is not its own */
    o = offer_of(net, 2, &r);
    net->enclaves[2].unpublished[0].sig.b[7] ^= 1;
    v = judged(net, &o);
    assert_int_equal(v.transitions, TS_E_V4_EVENTS);
    assert_false(v.takes_effect);
    tn_free(net);
}

static void whitelist(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 4, .whitelisted = 3});
    struct ts_restart_event r;
    struct ts_offer_verdict v;
    tn_start(net);
    tn_boot(net, 3);
    struct ts_offer o = offer_of(net, 3, &r);
    assert_int_equal(judged(net, &o).transitions, TS_E_NOT_WHITELISTED);
    ts_address added = *tn_id(net, 3);
    ts_address removed = *tn_id(net, 1);
    struct ts_whitelist_change c = {
        .added = &added, .n_added = 1, .removed = &removed, .n_removed = 1};
    ts_offer_judge(&net->chain, &o, &c, &v);
    assert_int_equal(v.transitions, TS_OK);
    assert_int_equal(v.report, TS_OK);
    /* Removed by it: transitions yes, report no, and an Active is void. */
    tn_activate(net, 1);
    o = offer_of(net, 1, &r);
    assert_true(judged(net, &o).takes_effect);
    ts_offer_judge(&net->chain, &o, &c, &v);
    assert_int_equal(v.transitions, TS_OK);
    assert_int_equal(v.report, TS_E_NOT_WHITELISTED);
    assert_false(v.takes_effect);
    tn_free(net);
}

/* A verdict foretells the batch: whatever is judged good passes in it. */
static void batch_agrees(void **state)
{
    (void)state;
    struct testnet *net = tn_running(4);
    struct ts_restart_event r;
    tn_run(net, 2);
    tn_crash(net, 3);
    tn_boot(net, 3);
    tn_activate(net, 2);
    tn_publish(net, tn_draft(net, 0));
    struct tn_draft *d = tn_draft(net, 0);
    for (size_t i = 0; i < 4; i++) {
        struct ts_offer o = offer_of(net, i, &r);
        struct ts_offer_verdict v = judged(net, &o);
        assert_int_equal(v.transitions, TS_OK);
        assert_int_equal(v.report, TS_OK);
        assert_memory_equal(tn_report_of(net, d, i), &r, sizeof(r));
    }
    assert_passes(net, d);
    tn_free(net);
}

/* Nothing is recovered twice, and what is remembered is exact. */
static void cache(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct ts_verified *v = ts_verified_new(64);
    struct ts_restart_event r[3];
    assert_non_null(v);
    net->chain.verified = v;
    for (size_t i = 0; i < 3; i++) {
        struct ts_offer o = offer_of(net, i, &r[i]);
        assert_int_equal(judged(net, &o).report, TS_OK);
    }
    assert_int_equal(ts_verified_hits(v), 0);
    struct tn_draft *d = tn_draft(net, 0);
    assert_passes(net, d);
    assert_int_equal(ts_verified_hits(v), 3); /* all but the seal */
    assert_passes(net, d);
    assert_int_equal(ts_verified_hits(v), 7);
    /* One bit of the signature, or the claim that another made it, is another matter. */
    ts_hash digest;
    ts_report_hash(&net->genesis.domain, &r[1], &digest);
    assert_int_equal(ts_verified_check(v, net->crypto, &digest, &r[1].sig, tn_id(net, 1)), TS_OK);
    assert_int_equal(ts_verified_check(v, net->crypto, &digest, &r[1].sig, tn_id(net, 2)),
                     TS_E_SIGNER);
    r[1].sig.b[20] ^= 1;
    assert_int_not_equal(ts_verified_check(v, net->crypto, &digest, &r[1].sig, tn_id(net, 1)),
                         TS_OK);
    r[1].sig.b[20] ^= 1;
    digest.b[31] ^= 1; /* the same place, another digest */
    assert_int_not_equal(ts_verified_check(v, net->crypto, &digest, &r[1].sig, tn_id(net, 1)),
                         TS_OK);
    net->chain.verified = NULL;
    ts_verified_free(v);
    tn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_offers),
        cmocka_unit_test(takes_effect),
        cmocka_unit_test(partly_published),
        cmocka_unit_test(bad_offers),
        cmocka_unit_test(whitelist),
        cmocka_unit_test(batch_agrees),
        cmocka_unit_test(cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
