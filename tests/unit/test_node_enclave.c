/* SPDX-License-Identifier: Apache-2.0 */
/* A node core with an enclave attached: real enclave cores, the real ledger, virtual time. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "enclave_kit.h"
#include "nodeworld.h"

#define VALIDATOR 2 /* of three the one outside the whitelist */
#define BATCHES   40

/* A chain by the kit, served to a node by the world. */
struct fixture {
    struct ek *k;
    struct testnet *net; /* only what the world reads */
    struct nw *w;
    struct ts_node_settings settings;
    size_t who;      /* which enclave is attached */
    ts_bytes forged; /* instead of the last batch */
    bool is_silent, is_rude;
    unsigned asked[16]; /* by type */
    uint64_t first_fed; /* number of the first batch it was given */
};

static void enclave_answers(void *ctx, ts_bytes frame, struct ts_buf *out)
{
    struct fixture *f = ctx;
    struct ts_arena arena;
    struct ts_msg m;
    ts_arena_init(&arena, 0);
    assert_int_equal(ts_msg_decode_request(frame, &arena, &m), TS_OK);
    f->asked[m.type]++;
    if (m.type == TS_MSG_ACCEPT && f->first_fed == 0)
        f->first_fed = ek_decode(f->k, m.u.accept.batch).header.number;
    ts_arena_free(&arena);
    if (f->is_silent)
        return;
    if (f->is_rude)
        ts_buf_put(out, "\xc0", 1);
    else
        ts_enclave_handle(f->k->enclaves[f->who].core, frame, out);
}

static struct fixture *start_with(struct ek *k)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->k = k;
    f->net = calloc(1, sizeof(*f->net));
    f->net->crypto = f->k->crypto;
    f->net->genesis = f->k->genesis;
    f->net->n_history = BATCHES;
    f->net->history = calloc(BATCHES, sizeof(ts_bytes));
    for (uint64_t n = 1; n <= BATCHES; n++)
        f->net->history[n - 1] = ek_batch(f->k, n);
    f->w = nw_new(f->net, 1);
    f->w->any_line = true;
    f->w->engine = ts_ledger_engine;
    f->w->genesis_raw = f->k->genesis_raw;
    f->w->enclave = enclave_answers;
    f->w->enclave_ctx = f;
    f->who = VALIDATOR;
    ts_node_settings_default(&f->settings);
    ek_boot(f->k, VALIDATOR);
    nw_enclave(f->w, true);
    return f;
}

static struct fixture *start(void)
{
    struct ek *k = ek_open(3, 2);
    ek_start(k, 0);
    ek_start(k, 1);
    ek_promote(k, 0);
    ek_run(k, 0, BATCHES);
    return start_with(k);
}

static ts_bytes header_of(uint64_t number, struct ts_arena *arena, ts_hash *hash)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    *hash = tn_l1_block(number, 0, &b).hash;
    uint8_t *p = ts_arena_alloc(arena, b.n);
    assert_non_null(p);
    memcpy(p, b.p, b.n);
    ts_bytes header = ts_bytes_of(p, b.n);
    ts_buf_free(&b);
    return header;
}

/* The same on a network with L1; every fifth batch names another block. */
static struct fixture *start_on_l1(void)
{
    struct ts_params params;
    ts_params_default(&params);
    struct ek *k = ek_open_with(3, 2, &params, 31337);
    k->l1_header = header_of;
    k->l1_number = TN_GENESIS_L1;
    ek_start(k, 0);
    ek_start(k, 1);
    ek_promote(k, 0);
    for (size_t n = 0; n < BATCHES; n += 5, k->l1_number++)
        ek_run(k, 0, 5);
    return start_with(k);
}

static void begin(struct fixture *f, uint64_t head)
{
    static const unsigned host[] = {NW_HOST(0)};
    f->w->hosts[0].head = head;
    nw_host_up(f->w, 0);
    nw_node(f->w, host, 1, &f->settings, true);
}

static void finish(struct fixture *f)
{
    nw_free(f->w);
    free(f->net->history);
    free(f->net);
    ek_close(f->k);
    free(f);
}

static struct ts_node_enclave_status enclave_of(const struct fixture *f)
{
    struct ts_node_status s;
    ts_node_status_of(f->w->nodes[0].core, &s);
    return s.enclave;
}

static const struct nw_reply *balance(struct fixture *f, uint64_t token)
{
    struct ts_node_input in = {.kind = TS_NODE_IN_QUERY,
                               .token = token,
                               .query_kind = TS_QUERY_BALANCE,
                               .bytes = ts_bytes_of(f->k->person[0].b, 20)};
    nw_input(f->w, 0, &in);
    nw_run(f->w, 50 * NW_MS);
    return nw_reply(f->w, 0, token);
}

static void it_is_loaded_fed_and_asked(void **state)
{
    struct fixture *f = start();
    (void)state;
    begin(f, 30);
    nw_run(f->w, 2 * NW_S);
    assert_int_equal(nw_head(f->w, 0), 30);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_VALIDATING);
    assert_int_equal(enclave_of(f).head.number, 30);
    assert_int_equal(ek_state(f->k, VALIDATOR), TS_ENC_VALIDATING);
    struct ts_node_enclave_status e = enclave_of(f);
    assert_true(ts_address_equal(&e.id, &f->k->enclaves[VALIDATOR].id));
    const struct nw_reply *r = balance(f, 1);
    assert_int_equal(r->err, TS_OK);
    assert_int_equal(r->n, 32);
    for (uint64_t n = 31; n <= BATCHES; n++) { /* and it follows */
        nw_publish(f->w, 0, n);
        nw_run(f->w, 50 * NW_MS);
        assert_int_equal(enclave_of(f).head.number, n);
    }
    assert_int_equal(nw_counters(f->w, 0).enclave_accepted, BATCHES);
    assert_int_equal(nw_counters(f->w, 0).enclave_failures, 0);
    assert_int_equal(f->asked[TS_MSG_IDENTIFY], 1);
    assert_int_equal(f->asked[TS_MSG_SYNCED], 1);
    finish(f);
}

static void a_node_without_one_says_so(void **state)
{
    struct fixture *f = start();
    static const unsigned host[] = {NW_HOST(0)};
    (void)state;
    nw_host_up(f->w, 0);
    nw_node(f->w, host, 1, NULL, false);
    const struct nw_reply *r = balance(f, 1);
    assert_int_equal(r->err, TS_E_STATE);
    assert_non_null(strstr(r->text, "no enclave attached"));
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_NONE);
    finish(f);
}

static void while_it_catches_up_queries_are_told_how_far(void **state)
{
    struct fixture *f = start();
    (void)state;
    f->settings.enclave_window = 1;
    f->w->link_us = 30 * NW_MS;
    begin(f, BATCHES);
    assert_true(nw_reach(f->w, 0, BATCHES, 2 * NW_S));
    const struct nw_reply *r = balance(f, 1);
    assert_int_equal(r->err, TS_E_STATE);
    assert_non_null(strstr(r->text, "is catching up: batch"));
    nw_run(f->w, 5 * NW_S);
    (void)balance(f, 2);
    nw_run(f->w, NW_S);
    assert_int_equal(nw_reply(f->w, 0, 2)->err, TS_OK);
    finish(f);
}

static void after_a_restart_it_goes_on_from_its_checkpoint(void **state)
{
    struct fixture *f = start();
    (void)state;
    f->settings.snapshot_every = 10;
    begin(f, 35);
    nw_run(f->w, 2 * NW_S);
    assert_true(f->asked[TS_MSG_SNAPSHOT] >= 2);
    nw_enclave(f->w, false);
    nw_run(f->w, NW_S);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_DOWN);
    assert_int_equal(balance(f, 1)->err, TS_E_STATE);
    nw_publish(f->w, 0, 38);
    ek_boot(f->k, VALIDATOR);
    f->first_fed = 0;
    nw_enclave(f->w, true);
    nw_run(f->w, 5 * NW_S);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_VALIDATING);
    assert_true(f->first_fed > 20 && f->first_fed <= 36); /* not from genesis */
    assert_int_equal(enclave_of(f).head.number, 38);
    finish(f);
}

static void a_node_that_restarts_finds_it_where_it_stands(void **state)
{
    struct fixture *f = start();
    (void)state;
    begin(f, 30);
    nw_run(f->w, 2 * NW_S);
    nw_kill(f->w, 0);
    f->first_fed = 0;
    nw_restart(f->w, 0);
    nw_publish(f->w, 0, 33);
    nw_run(f->w, 5 * NW_S);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_VALIDATING);
    assert_int_equal(enclave_of(f).head.number, 33);
    assert_int_equal(f->first_fed, 31);
    finish(f);
}

/* The last batch as a broken enclave could have made it: sealed, valid by every rule that looks at
 * the chain alone, and with a state root that executing it does not give. */
static void forge_last(struct fixture *f)
{
    ts_hash root = {{0}};
    struct ts_batch b = ek_decode(f->k, ek_batch(f->k, BATCHES));
    assert_int_equal(ts_node_roots(f->net->history, BATCHES - 1, &root), TS_OK);
    b.header.state_root.b[0] ^= 1;
    f->forged = ek_forge(f->k, &b, &root);
    f->net->history[BATCHES - 1] = f->forged;
}

static void a_wrong_execution_is_an_alarm(void **state)
{
    struct fixture *f = start();
    (void)state;
    forge_last(f);
    begin(f, BATCHES - 1);
    nw_run(f->w, 2 * NW_S);
    assert_int_equal(balance(f, 1)->err, TS_OK);
    nw_publish(f->w, 0, BATCHES);
    nw_run(f->w, NW_S);
    assert_int_equal(nw_head(f->w, 0), BATCHES); /* the chain goes on: the rules hold */
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_DISPUTE);
    assert_int_equal(enclave_of(f).disputes, 1);
    assert_int_equal(enclave_of(f).disputed, BATCHES);
    assert_true(nw_said(f->w, 0, "enclave-dispute number=40"));
    assert_int_equal(nw_counters(f->w, 0).enclave_disputes, 1);
    assert_non_null(strstr(balance(f, 2)->text, "refuses batch 40"));
    nw_run(f->w, 65 * NW_S); /* it is asked again, and says the same */
    assert_int_equal(enclave_of(f).disputes, 2);
    finish(f);
}

static void a_sequencer_is_not_driven_by_a_node(void **state)
{
    struct fixture *f = start();
    (void)state;
    f->who = 1; /* whitelisted, passive */
    begin(f, 30);
    nw_run(f->w, 5 * NW_S);
    assert_int_equal(f->asked[TS_MSG_ACCEPT], 0);
    assert_int_equal(f->asked[TS_MSG_SYNCED], 0);
    assert_non_null(strstr(enclave_of(f).reason, "only a host may drive it"));
    finish(f);
}

static void one_that_does_not_answer_is_given_up_and_tried_again(void **state)
{
    struct fixture *f = start();
    (void)state;
    begin(f, 30);
    nw_run(f->w, 2 * NW_S);
    f->is_silent = true;
    (void)balance(f, 1);
    nw_run(f->w, 11 * NW_S);
    assert_int_equal(nw_reply(f->w, 0, 1)->err, TS_E_CLOSED);
    assert_true(nw_said(f->w, 0, "it did not answer query"));
    f->is_silent = false;
    nw_run(f->w, 30 * NW_S);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_VALIDATING);
    f->is_rude = true;
    nw_publish(f->w, 0, 31);
    nw_run(f->w, 2 * NW_S);
    assert_int_equal(nw_head(f->w, 0), 31); /* the node does not mind */
    assert_non_null(strstr(enclave_of(f).reason, "malformed"));
    finish(f);
}

static void one_that_is_not_there_is_waited_for(void **state)
{
    struct fixture *f = start();
    (void)state;
    nw_enclave(f->w, false);
    begin(f, 30);
    nw_run(f->w, 60 * NW_S);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_DOWN);
    assert_true(nw_said(f->w, 0, "enclave-down"));
    assert_null(strstr(strstr(f->w->nodes[0].events, "enclave-down") + 1, "enclave-down"));
    nw_enclave(f->w, true);
    nw_run(f->w, 15 * NW_S);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_VALIDATING);
    finish(f);
}

static void one_ahead_of_the_node_is_told_to_start_anew(void **state)
{
    struct fixture *f = start();
    (void)state;
    begin(f, 30);
    nw_run(f->w, 2 * NW_S);
    nw_kill(f->w, 0);
    struct nw_store *store = &f->w->nodes[0].store;
    while (store->n > 10) /* an old copy of the node's store */
        free((void *)(uintptr_t)store->raws[--store->n].p);
    ts_buf_reset(&store->chain);
    nw_host_down(f->w, 0);
    nw_restart(f->w, 0);
    nw_run(f->w, NW_S);
    assert_true(f->asked[TS_MSG_EXIT] >= 1);
    assert_true(ts_enclave_wants_exit(f->k->enclaves[VALIDATOR].core));
    ek_boot(f->k, VALIDATOR);
    nw_host_up(f->w, 0);
    nw_run(f->w, 30 * NW_S);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_VALIDATING);
    assert_int_equal(enclave_of(f).head.number, 30);
    finish(f);
}

static void one_that_says_it_leaves_is_let_go_once(void **state)
{
    struct fixture *f = start();
    struct ts_buf b;
    (void)state;
    begin(f, 30);
    nw_run(f->w, 2 * NW_S);
    ts_buf_init(&b, 0);
    ts_msg_put(&b, &(struct ts_msg){.type = TS_MSG_LEAVING, .is_answer = true});
    f->is_silent = true;
    for (int i = 0; i < 1000; i++)
        nw_input(f->w, 0,
                 &(struct ts_node_input){.kind = TS_NODE_IN_FRAME,
                                         .link = TS_NODE_LINK_ENCLAVE,
                                         .bytes = ts_buf_bytes(&b)});
    assert_int_equal(f->asked[TS_MSG_EXIT], 1);
    ts_buf_free(&b);
    finish(f);
}

/* ---- with L1 ---- */

static void assert_validates(struct fixture *f, uint64_t head)
{
    nw_run(f->w, 3 * NW_S);
    assert_int_equal(nw_head(f->w, 0), head);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_VALIDATING);
    assert_int_equal(enclave_of(f).head.number, head);
    assert_int_equal(nw_counters(f->w, 0).enclave_failures, 0);
}

static void it_is_given_the_headers_that_batches_name(void **state)
{
    struct fixture *f = start_on_l1();
    (void)state;
    nw_l1_start(f->w, 120);
    begin(f, 30);
    assert_validates(f, 30);
    for (uint64_t n = 31; n <= BATCHES; n++)
        nw_publish(f->w, 0, n);
    assert_validates(f, BATCHES);
    /* And those of the store, when it starts anew: L1 is not asked, and may be down. */
    nw_l1_down(f->w, true);
    nw_enclave(f->w, false);
    nw_run(f->w, NW_S);
    ek_boot(f->k, VALIDATOR);
    nw_enclave(f->w, true);
    nw_run(f->w, 20 * NW_S);
    assert_int_equal(enclave_of(f).state, TS_NODE_ENC_VALIDATING);
    assert_int_equal(enclave_of(f).head.number, BATCHES);
    finish(f);
}

/* A node that did not follow L1 at first has stored no headers: L1 is asked for them. */
static void headers_that_are_not_stored_are_asked_for(void **state)
{
    struct fixture *f = start_on_l1();
    static const unsigned host[] = {NW_HOST(0)};
    (void)state;
    nw_host_up(f->w, 0);
    nw_node(f->w, host, 1, &f->settings, false);
    nw_run(f->w, 2 * NW_S);
    assert_int_equal(nw_head(f->w, 0), BATCHES);
    assert_int_equal(f->w->nodes[0].store.l1.n, 0);
    nw_kill(f->w, 0);
    f->w->nodes[0].start.follows_l1 = true;
    f->w->nodes[0].start.has_enclave = true;
    nw_l1_start(f->w, 120);
    nw_restart(f->w, 0);
    assert_validates(f, BATCHES);
    assert_in_range(nw_counters(f->w, 0).l1_asked, BATCHES / 5, BATCHES / 5 + 2);
    finish(f);
}

static void without_l1_it_is_not_driven(void **state)
{
    struct fixture *f = start_on_l1();
    (void)state;
    begin(f, 30);
    nw_run(f->w, 3 * NW_S);
    assert_int_equal(nw_head(f->w, 0), 30);
    assert_non_null(strstr(enclave_of(f).reason, "does not follow"));
    assert_int_equal(f->asked[TS_MSG_ACCEPT], 0);
    finish(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_loaded_fed_and_asked),
        cmocka_unit_test(a_node_without_one_says_so),
        cmocka_unit_test(while_it_catches_up_queries_are_told_how_far),
        cmocka_unit_test(after_a_restart_it_goes_on_from_its_checkpoint),
        cmocka_unit_test(a_node_that_restarts_finds_it_where_it_stands),
        cmocka_unit_test(a_wrong_execution_is_an_alarm),
        cmocka_unit_test(a_sequencer_is_not_driven_by_a_node),
        cmocka_unit_test(one_that_does_not_answer_is_given_up_and_tried_again),
        cmocka_unit_test(one_that_is_not_there_is_waited_for),
        cmocka_unit_test(one_ahead_of_the_node_is_told_to_start_anew),
        cmocka_unit_test(one_that_says_it_leaves_is_let_go_once),
        cmocka_unit_test(it_is_given_the_headers_that_batches_name),
        cmocka_unit_test(headers_that_are_not_stored_are_asked_for),
        cmocka_unit_test(without_l1_it_is_not_driven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
