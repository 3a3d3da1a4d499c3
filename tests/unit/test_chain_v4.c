/* SPDX-License-Identifier: Apache-2.0 */
/* V4 events: each way to break it is refused by it, and names the enclave. */
#include "base/check.h"
#include "refused.h"

/* The draft of a network where 2's Started, Active (void) and Passive are to be published. */
static struct tn_draft *busy_draft(struct testnet **net)
{
    *net = tn_running(3);
    tn_run(*net, 2);
    tn_crash(*net, 2);
    tn_boot(*net, 2);
    tn_activate(*net, 2);
    struct tn_draft *d = tn_draft(*net, 0);
    tn_leave_out(*net, d, 2);
    tn_publish(*net, d);
    d = tn_draft(*net, 0);
    assert_int_equal(d->payload.n_transitions, 3);
    assert_passes(*net, d);
    return d;
}

static void seq_and_prev(void **state)
{
    (void)state;
    struct testnet *net;
    for (int step = -1; step <= 1; step += 2) {
        struct tn_draft *d = busy_draft(&net);
        d->transitions[2].seq += (uint64_t)step; /* the last: nothing else is wrong */
        tn_sign_transition(net, &d->transitions[2]);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
        tn_free(net);
    }
    struct tn_draft *d = busy_draft(&net);
    d->transitions[0].prev.b[0] ^= 1;
    tn_sign_transition(net, &d->transitions[0]);
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
    /* Inside the payload too. */
    d = busy_draft(&net);
    d->transitions[1].prev = d->transitions[0].prev;
    tn_sign_transition(net, &d->transitions[1]);
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
}

/* The first of all links to the genesis hash with seq 1. */
static void first_links_to_genesis(void **state)
{
    (void)state;
    struct testnet *net = tn_new(NULL);
    tn_boot(net, 0);
    tn_activate(net, 0);
    struct tn_draft *d = tn_draft(net, 0);
    assert_true(ts_hash_equal(&d->transitions[0].prev, &net->genesis.hash));
    d->transitions[0].prev = (ts_hash){{0}};
    tn_sign_transition(net, &d->transitions[0]);
    assert_refused_early(net, d, TS_E_V4_EVENTS, 0);
    tn_free(net);
}

static void one_left_out(void **state)
{
    (void)state;
    struct testnet *net;
    struct tn_draft *d = busy_draft(&net);
    d->transitions[1] = d->transitions[2];
    d->payload.n_transitions = 2;
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
}

static void one_published_twice(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_crash(net, 1);
    tn_boot(net, 1);
    struct ts_lifecycle_event e = net->enclaves[1].unpublished[0];
    tn_run(net, 1);
    struct tn_draft *d = tn_draft(net, 0);
    d->transitions[d->payload.n_transitions++] = e;
    assert_refused_early(net, d, TS_E_V4_EVENTS, 1);
    tn_free(net);
}

static void signature_of_another(void **state)
{
    (void)state;
    struct testnet *net;
    struct tn_draft *d = busy_draft(&net);
    tn_sign_transition_by(net, &d->transitions[1], 1);
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
    d = busy_draft(&net);
    d->transitions[2].sig.b[64] = 29;
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
    d = busy_draft(&net);
    d->transitions[0].time++; /* not signed again */
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
}

static void report_signature_of_another(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *d = tn_draft(net, 0);
    tn_sign_report_by(net, tn_report_of(net, d, 1), 2);
    assert_refused_early(net, d, TS_E_V4_EVENTS, 1);
    d = tn_draft(net, 0);
    tn_report_of(net, d, 2)->sig.b[0] ^= 1;
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
}

/* known_good spares the producer its own signatures, and nobody else's. */
static void known_good(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *d = tn_draft(net, 0);
    uint64_t term;
    memset(&tn_report_of(net, d, 0)->sig, 0, sizeof(ts_sig));
    assert_int_equal(ts_payload_check(&net->chain, &d->payload, tn_id(net, 0), NULL, net->effect,
                                      &term, &net->fault),
                     TS_E_V4_EVENTS);
    assert_int_equal(ts_payload_check(&net->chain, &d->payload, tn_id(net, 0), tn_id(net, 0),
                                      net->effect, &term, &net->fault),
                     TS_OK);
    assert_int_equal(term, 1);
    assert_refused(net, d, TS_E_V4_EVENTS, 0);
    memset(&tn_report_of(net, d, 1)->sig, 0, sizeof(ts_sig));
    assert_int_equal(ts_payload_check(&net->chain, &d->payload, tn_id(net, 0), tn_id(net, 0),
                                      net->effect, &term, &net->fault),
                     TS_E_V4_EVENTS);
    tn_free(net);
}

static void not_whitelisted(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 4, .whitelisted = 3});
    tn_start(net);
    tn_boot(net, 3);
    struct tn_draft *d = tn_draft(net, 0);
    d->transitions[d->payload.n_transitions++] = net->enclaves[3].unpublished[0];
    assert_refused_early(net, d, TS_E_V4_EVENTS, 3);
    d = tn_draft(net, 0);
    d->reports[d->payload.n_reports++] = tn_report(net, 3);
    assert_refused_early(net, d, TS_E_V4_EVENTS, 3);
    /* Removed by an earlier batch: known, and yet no more. */
    tn_whitelist_remove(net, 2);
    tn_run(net, 1);
    tn_activate(net, 2);
    d = tn_draft(net, 0);
    d->transitions[d->payload.n_transitions++] = net->enclaves[2].unpublished[0];
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
}

static void order_of_transitions(void **state)
{
    (void)state;
    struct testnet *net = tn_running(4);
    for (size_t i = 0; i < 4; i++) {
        tn_crash(net, i);
        tn_boot(net, i);
    }
    tn_activate(net, 2);
    struct tn_draft *d = tn_draft(net, 2);
    assert_passes(net, d); /* 2 2 0 1 3 */
    struct ts_lifecycle_event e[5];
    memcpy(e, d->transitions, sizeof(e));
    static const size_t bad[][5] = {
        {2, 3, 0, 1, 4},                  /* by id, the producer's not first */
        {0, 2, 1, 3, 4},                  /* the producer's apart */
        {0, 1, 3, 2, 4},                  /* others not by id */
        {0, 1, 2, 4, 3}, {2, 3, 4, 0, 1}, /* the producer's last */
    };
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        for (size_t k = 0; k < 5; k++)
            d->transitions[k] = e[bad[i][k]];
        /* Where the producer's Active comes last, roles would be right as well. */
        assert_int_equal(tn_check(net, d), TS_E_V4_EVENTS);
    }
    d->transitions[0] = e[1]; /* seq out of order */
    d->transitions[1] = e[0];
    memcpy(&d->transitions[2], &e[2], 3 * sizeof(e[0]));
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
}

static void order_of_reports(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct tn_draft *d = tn_draft(net, 0);
    struct ts_restart_event first = d->reports[0];
    d->reports[0] = d->reports[1];
    d->reports[1] = first;
    assert_refused_early(net, d, TS_E_V4_EVENTS, 0);
    d = tn_draft(net, 0);
    d->reports[1] = d->reports[0]; /* two of one */
    assert_refused_early(net, d, TS_E_V4_EVENTS, 0);
    tn_free(net);
}

static void more_than_eight(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    struct tn_enclave *e = &net->enclaves[1];
    struct ts_lifecycle_event ninth;
    for (int i = 0; i < 3; i++) {
        tn_activate(net, 1);
        tn_step_down(net, 1);
    }
    tn_activate(net, 1);
    e->active = false; /* its Passives come by hand, to have nine */
    ninth = e->unpublished[6];
    for (size_t k = 0; k < 2; k++) {
        ts_transition_hash(&net->genesis.domain, &ninth, &ninth.prev);
        ninth.seq++;
        ninth.kind = k == 0 ? TS_PASSIVE : TS_ACTIVE;
        ninth.term += k;
        tn_sign_transition(net, &ninth);
        if (k == 0)
            e->unpublished[e->n_unpublished++] = ninth;
    }
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 1);
    tn_publish(net, d); /* so that all Actives are void */
    d = tn_draft(net, 0);
    assert_int_equal(d->payload.n_transitions, 8);
    assert_passes(net, d);
    tn_leave_out(net, d, 1);
    memcpy(d->transitions, e->unpublished, 8 * sizeof(ninth));
    d->transitions[8] = ninth;
    d->payload.n_transitions = 9;
    assert_refused_early(net, d, TS_E_V4_EVENTS, 1);
    tn_free(net);
}

static void boot_id_within_a_boot(void **state)
{
    (void)state;
    struct testnet *net;
    for (size_t k = 1; k < 3; k++) {
        struct tn_draft *d = busy_draft(&net);
        d->transitions[k].boot_id.b[0] ^= 1;
        tn_sign_transition(net, &d->transitions[k]);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
        tn_free(net);
        d = busy_draft(&net);
        d->transitions[k].boot_key.b[0] ^= 1;
        tn_sign_transition(net, &d->transitions[k]);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
        tn_free(net);
    }
}

/* Also for a boot whose Started was published before. */
static void boot_key_of_a_published_boot(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_step_down(net, 0);
    tn_activate(net, 1);
    struct tn_draft *d = tn_draft(net, 1);
    tn_transition_of(net, d, 0)->boot_key.b[9] ^= 1;
    tn_sign_transition(net, tn_transition_of(net, d, 0));
    assert_refused_early(net, d, TS_E_V4_EVENTS, 0);
    d = tn_draft(net, 1);
    tn_transition_of(net, d, 0)->boot_id.b[9] ^= 1;
    tn_sign_transition(net, tn_transition_of(net, d, 0));
    assert_refused_early(net, d, TS_E_V4_EVENTS, 0);
    tn_free(net);
}

/* Any boot id that was ever published of the enclave, not the last alone. */
static void boot_id_used_before(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    for (int i = 0; i < 5; i++) {
        tn_crash(net, 1);
        tn_boot(net, 1);
        tn_run(net, 1);
    }
    assert_int_equal(tn_entry(net, 1)->n_boot_ids, 6);
    tn_crash(net, 1);
    tn_boot(net, 1);
    for (size_t k = 0; k < 6; k++) {
        struct tn_draft *d = tn_draft(net, 0);
        d->transitions[0].boot_id = tn_entry(net, 1)->boot_ids[k];
        tn_sign_transition(net, &d->transitions[0]);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 1);
    }
    /* The same id of another enclave is no matter. */
    struct tn_draft *d = tn_draft(net, 0);
    tn_leave_out(net, d, 1);
    d->transitions[0] = net->enclaves[1].unpublished[0];
    d->transitions[0].boot_id = tn_entry(net, 0)->boot_ids[0];
    d->payload.n_transitions = 1;
    tn_sign_transition(net, &d->transitions[0]);
    assert_passes(net, d);
    /* Twice in one payload. */
    d->transitions[1] = d->transitions[0];
    d->transitions[1].seq++;
    ts_transition_hash(&net->genesis.domain, &d->transitions[0], &d->transitions[1].prev);
    tn_sign_transition(net, &d->transitions[1]);
    d->payload.n_transitions = 2;
    assert_refused_early(net, d, TS_E_V4_EVENTS, 1);
    d->transitions[1].boot_id.b[0] ^= 1;
    tn_sign_transition(net, &d->transitions[1]);
    assert_passes(net, d);
    tn_free(net);
}

static void kinds(void **state)
{
    (void)state;
    struct testnet *net;
    static const uint8_t bad[] = {0, 4, 255};
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        struct tn_draft *d = busy_draft(&net);
        d->transitions[2].kind = bad[i];
        tn_sign_transition(net, &d->transitions[2]);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
        tn_free(net);
    }
}

/* The first transition of all is Started. */
static void first_is_started(void **state)
{
    (void)state;
    for (uint8_t kind = TS_ACTIVE; kind <= TS_PASSIVE; kind++) {
        struct testnet *net = tn_new(NULL);
        tn_boot(net, 0);
        tn_boot(net, 1);
        tn_activate(net, 0);
        struct tn_draft *d = tn_draft(net, 0);
        struct ts_lifecycle_event *e = tn_transition_of(net, d, 1);
        e->kind = kind;
        e->term = kind == TS_ACTIVE ? 1 : 0;
        tn_sign_transition(net, e);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 1);
        e->boot_id = (ts_hash){{0}}; /* what the entry holds before the first boot */
        e->boot_key = (ts_hash){{0}};
        tn_sign_transition(net, e);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 1);
        tn_free(net);
    }
}

static void terms(void **state)
{
    (void)state;
    struct testnet *net;
    struct {
        size_t k;
        uint64_t term;
    } bad[] = {
        {0, 1},                        /* Started has none */
        {1, 0},                        /* Active has one */
        {1, 1 + TS_TERM_STEP_MAX + 1}, /* not too high */
        {1, UINT64_MAX},
        {2, 1}, /* Passive has that of its Active */
        {2, 3},
        {2, 0},
    };
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        struct tn_draft *d = busy_draft(&net);
        d->transitions[bad[i].k].term = bad[i].term;
        tn_sign_transition(net, &d->transitions[bad[i].k]);
        d->payload.n_transitions = bad[i].k + 1; /* the later ones would not link */
        assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
        tn_free(net);
    }
}

/* An Active's term is above that of its boot's newest, published or not. */
static void term_not_above_the_boots_newest(void **state)
{
    (void)state;
    struct testnet *net = tn_running(2);
    tn_activate_with(net, 1, 5);
    tn_run(net, 1); /* takes effect */
    tn_run(net, 1);
    tn_step_down(net, 1);
    tn_activate(net, 0);
    tn_run(net, 1);
    for (uint64_t term = 4; term <= 7; term++) {
        struct tn_enclave *e = &net->enclaves[1];
        size_t n = e->n_unpublished;
        tn_activate_with(net, 1, term);
        struct tn_draft *d = tn_draft(net, 0);
        tn_leave_out(net, d, 1);
        d->transitions[0] = e->unpublished[0];
        d->payload.n_transitions = 1;
        /* 6 is the chain's term: void, but a good transition. 7 takes effect over the producer's.
         */
        ts_err expected = term <= 5 ? TS_E_V4_EVENTS : term == 6 ? TS_OK : TS_E_V1_LINKS;
        assert_int_equal(tn_check(net, d), expected);
        e->n_unpublished = n;
        e->active = false;
    }
    tn_free(net);
}

/* Passive only right after Active. */
static void passive_of_a_passive(void **state)
{
    (void)state;
    struct testnet *net;
    struct tn_draft *d = busy_draft(&net);
    struct ts_lifecycle_event again = d->transitions[2];
    again.seq++;
    ts_transition_hash(&net->genesis.domain, &d->transitions[2], &again.prev);
    tn_sign_transition(net, &again);
    d->transitions[d->payload.n_transitions++] = again;
    assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    tn_free(net);
}

static void passive_after_started(void **state)
{
    (void)state;
    struct testnet *net;
    struct tn_draft *d = busy_draft(&net);
    d->transitions[1].kind = TS_PASSIVE;
    for (uint64_t term = 0; term < 3; term++) {
        d->transitions[1].term = term;
        tn_sign_transition(net, &d->transitions[1]);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
    }
    tn_free(net);
}

static void head_off_the_chain(void **state)
{
    (void)state;
    struct testnet *net;
    for (size_t k = 0; k < 3; k++) {
        struct tn_draft *d = busy_draft(&net);
        d->transitions[k].batch_head.b[0] ^= 1;
        tn_sign_transition(net, &d->transitions[k]);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
        tn_free(net);
        d = busy_draft(&net);
        d->transitions[k].batch_number--; /* the hash is of another number */
        tn_sign_transition(net, &d->transitions[k]);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
        tn_free(net);
        d = busy_draft(&net);
        d->transitions[k].batch_number = d->header.number; /* on no chain yet */
        tn_sign_transition(net, &d->transitions[k]);
        assert_refused_early(net, d, TS_E_V4_EVENTS, 2);
        tn_free(net);
    }
}

/* 256 back is told, 257 is not looked at. */
static void head_256_back(void **state)
{
    (void)state;
    struct testnet *net = tn_running(1);
    tn_run(net, 299);
    assert_int_equal(net->chain.head.number, 300);
    tn_crash(net, 0);
    tn_boot(net, 0);
    tn_activate(net, 0);
    struct ts_lifecycle_event *e = net->enclaves[0].unpublished;
    for (uint64_t back = 255; back <= 258; back++) {
        e[0].batch_number = 301 - back;
        e[0].batch_head = (ts_hash){{1}};
        tn_sign_transition(net, &e[0]);
        ts_transition_hash(&net->genesis.domain, &e[0], &e[1].prev);
        tn_sign_transition(net, &e[1]);
        net->enclaves[0].start_head.hash = e[0].batch_head;
        struct tn_draft *d = tn_draft(net, 0);
        if (back <= 256)
            assert_refused_early(net, d, TS_E_V4_EVENTS, 0);
        else
            assert_passes(net, d);
    }
    tn_free(net);
}

/* An Active that names the parent's hash but an older number, which nobody can tell: void. */
static void active_with_an_old_number_is_void(void **state)
{
    (void)state;
    struct testnet *net = tn_running(1);
    tn_run(net, 299);
    tn_crash(net, 0);
    tn_boot(net, 0);
    tn_activate(net, 0);
    net->enclaves[0].unpublished[1].batch_number = 1;
    tn_sign_transition(net, &net->enclaves[0].unpublished[1]);
    struct tn_draft *d = tn_draft(net, 0);
    assert_int_equal(d->header.term, 1);
    assert_refused_early(net, d, TS_E_V7_ROLES, 0);
    tn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seq_and_prev),
        cmocka_unit_test(first_links_to_genesis),
        cmocka_unit_test(one_left_out),
        cmocka_unit_test(one_published_twice),
        cmocka_unit_test(signature_of_another),
        cmocka_unit_test(report_signature_of_another),
        cmocka_unit_test(known_good),
        cmocka_unit_test(not_whitelisted),
        cmocka_unit_test(order_of_transitions),
        cmocka_unit_test(order_of_reports),
        cmocka_unit_test(more_than_eight),
        cmocka_unit_test(boot_id_within_a_boot),
        cmocka_unit_test(boot_key_of_a_published_boot),
        cmocka_unit_test(boot_id_used_before),
        cmocka_unit_test(kinds),
        cmocka_unit_test(first_is_started),
        cmocka_unit_test(terms),
        cmocka_unit_test(term_not_above_the_boots_newest),
        cmocka_unit_test(passive_of_a_passive),
        cmocka_unit_test(passive_after_started),
        cmocka_unit_test(head_off_the_chain),
        cmocka_unit_test(head_256_back),
        cmocka_unit_test(active_with_an_old_number_is_void),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
