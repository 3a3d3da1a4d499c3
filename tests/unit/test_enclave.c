/* SPDX-License-Identifier: Apache-2.0 */
/* The enclave core: its states, what each takes, and the ordinary way of a network. */
#include <string.h>

#include "base/check.h"
#include "enclave/lifecycle.h"
#include "enclave_kit.h"

static void three_enclaves_produce_and_report(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 3);
    for (size_t i = 0; i < 3; i++)
        ek_start(k, i);
    ek_promote(k, 0);
    ek_run(k, 0, 5);
    struct ts_batch first = ek_decode(k, ek_batch(k, 1));
    assert_int_equal(first.payload.n_transitions, 4);
    struct ts_batch last = ek_decode(k, ek_batch(k, 5));
    assert_int_equal(last.payload.n_reports, 3);
    assert_int_equal(last.payload.n_absent, 0);
    assert_int_equal(last.payload.n_transitions, 0);
    ek_close(k);
}

/* ---- states ---- */

/* A batch 1 other than the published one, sealed by the same enclave: proof of a second line. */
static ts_bytes sibling_of_first(struct ek *k)
{
    static const ts_hash zero;
    struct ts_batch b = ek_decode(k, ek_batch(k, 1));
    b.header.time++;
    return ek_forge(k, &b, &zero);
}

/* Three enclaves, of which 2 is not whitelisted; 1 is brought into the state, 2 for VALIDATING. */
static size_t bring_into(struct ek *k, enum ts_enclave_state want)
{
    struct ts_msg m;
    ek_start(k, 0);
    ek_promote(k, 0);
    ek_run(k, 0, 1);
    size_t i = want == TS_ENC_VALIDATING ? 2 : 1;
    ek_boot(k, i);
    if (want == TS_ENC_EMPTY)
        return i;
    m = ek_load(k, i, NULL);
    assert_code(m, TS_OK);
    if (want == TS_ENC_SYNCING)
        return i;
    ek_feed(k, i);
    m = ek_synced(k, i);
    assert_code(m, TS_OK);
    if (want == TS_ENC_ACTIVE)
        ek_promote(k, i);
    if (want == TS_ENC_HALTED) {
        m = ek_accept(k, i, sibling_of_first(k));
        assert_code(m, TS_E_HALTS);
    }
    assert_state(k, i, want);
    return i;
}

/* A request of each type that is well-formed but for what the state lacks. */
static struct ts_msg any_request(struct ek *k, size_t i, uint64_t type)
{
    struct ts_msg m = {.type = type, .id = 99};
    switch (type) {
    case TS_MSG_LOAD:
        m.u.load.genesis = k->genesis_raw;
        break;
    case TS_MSG_ACCEPT:
        m.u.accept.batch = ek_batch(k, 1);
        break;
    case TS_MSG_ACTIVATE:
        m.u.activate.term = k->term + 1;
        break;
    case TS_MSG_CREATE:
        m = ek_create_request(k, i, 0);
        break;
    case TS_MSG_QUERY:
        m.u.query.kind = TS_QUERY_NONCE;
        m.u.query.arg = ts_bytes_of(k->person[0].b, 20);
        break;
    case TS_MSG_ROLLUP:
        m = ek_rollup_request(k, 1, 1, 0);
        break;
    default:
        break;
    }
    return m;
}

static bool is_refusal_of_state(ts_err err)
{
    return err == TS_E_STATE || err == TS_E_HALTED;
}

/* What each state takes; written down once more, apart from the core's own table. */
static void every_state_takes_what_it_should(void **state)
{
    (void)state;
    static const struct {
        uint64_t type;
        const char *taken_in; /* E S V P A H */
    } table[] = {
        {TS_MSG_IDENTIFY, "ESVPAH"}, {TS_MSG_LOAD, "ES"},      {TS_MSG_ACCEPT, "SVPA"},
        {TS_MSG_SYNCED, "SVPA"},     {TS_MSG_REPORT, "SVPA"},  {TS_MSG_ACTIVATE, "P"},
        {TS_MSG_STEP_DOWN, "PA"},    {TS_MSG_CREATE, "A"},     {TS_MSG_QUERY, "VPA"},
        {TS_MSG_SNAPSHOT, "SVPA"},   {TS_MSG_OFFERS, "ESVPA"}, {TS_MSG_EXIT, "ESVPAH"},
        {TS_MSG_ROLLUP, "PA"},
    };
    static const char letters[] = "ESVPAH";
    for (int s = TS_ENC_EMPTY; s <= TS_ENC_HALTED; s++) {
        for (size_t t = 0; t < TS_COUNT(table); t++) {
            struct ek *k = ek_open(3, 2);
            size_t i = bring_into(k, (enum ts_enclave_state)s);
            struct ts_msg req = any_request(k, i, table[t].type);
            struct ts_msg ans = ek_ask(k, i, &req);
            bool taken = strchr(table[t].taken_in, letters[s]) != NULL;
            if (is_refusal_of_state(ek_code(&ans)) == taken)
                fail_msg("%s in %s: %s", ts_msg_name(table[t].type),
                         ts_enclave_state_name((uint64_t)s), ts_err_name((int)ek_code(&ans)));
            if (!taken)
                assert_state(k, i, (enum ts_enclave_state)s);
            ek_close(k);
        }
    }
}

static void a_halted_enclave_says_why_and_signs_nothing(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 2);
    size_t i = bring_into(k, TS_ENC_HALTED);
    struct ts_msg m = ek_plain(k, i, TS_MSG_REPORT);
    assert_code(m, TS_E_HALTED);
    assert_non_null(memmem(m.u.error.text.p, m.u.error.text.n, "second time", 11));
    m = ek_plain(k, i, TS_MSG_IDENTIFY);
    assert_int_equal(m.u.identity.state, TS_ENC_HALTED);
    assert_int_equal(m.u.identity.head.number, 1);
    m = ek_load(k, i, NULL);
    assert_code(m, TS_E_HALTED);
    /* A new boot leaves it. */
    ek_start(k, i);
    ek_close(k);
}

static void exit_is_answered_and_then_wanted(void **state)
{
    (void)state;
    struct ek *k = ek_open(1, 1);
    ek_boot(k, 0);
    assert_false(ts_enclave_wants_exit(k->enclaves[0].core));
    struct ts_msg m = ek_plain(k, 0, TS_MSG_EXIT);
    assert_code(m, TS_OK);
    assert_true(ts_enclave_wants_exit(k->enclaves[0].core));
    ek_close(k);
}

static void the_diagram_has_every_move_once(void **state)
{
    (void)state;
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_enclave_diagram(&b);
    size_t lines = 0;
    for (size_t i = 0; i < b.n; i++)
        lines += b.p[i] == '\n';
    assert_int_equal(lines, ts_enclave_fsm.n_moves + 2);
    assert_non_null(memmem(b.p, b.n, "PASSIVE --> ACTIVE: activated\n", 30));
    ts_buf_free(&b);
}

/* ---- boots and identities ---- */

static void every_boot_has_its_own_id_and_key(void **state)
{
    (void)state;
    struct ek *k = ek_open(1, 1);
    ek_boot(k, 0);
    struct ts_msg first = ek_plain(k, 0, TS_MSG_IDENTIFY);
    ek_boot(k, 0);
    struct ts_msg second = ek_plain(k, 0, TS_MSG_IDENTIFY);
    assert_memory_equal(&first.u.identity.id, &second.u.identity.id, 20);
    assert_memory_not_equal(&first.u.identity.boot_id, &second.u.identity.boot_id, 32);
    assert_memory_not_equal(&first.u.identity.boot_key, &second.u.identity.boot_key, 32);
    assert_int_equal(first.u.identity.version, TS_LINK_VERSION);
    assert_true(ts_hash_is_zero(&first.u.identity.genesis));
    ek_close(k);
}

static ts_err no_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 0, n);
    return TS_E_RANDOM;
}

static void no_core_without_a_key_or_randomness(void **state)
{
    (void)state;
    struct ek *k = ek_open(1, 1);
    struct ts_enclave *e;
    struct ts_enclave_config config = {.crypto = k->crypto,
                                       .engine = &ts_ledger_engine,
                                       .env = {.ctx = k, .random = no_random},
                                       .identity = k->enclaves[0].identity};
    assert_int_equal(ts_enclave_new(&config, &e), TS_E_RANDOM);
    assert_null(e);
    ek_boot(k, 0);
    ek_close(k);
}

/* ---- loading ---- */

static void load_starts_over_only_while_syncing(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 2);
    size_t i = bring_into(k, TS_ENC_SYNCING);
    struct ts_msg m = ek_accept(k, i, ek_batch(k, 1));
    assert_code(m, TS_OK);
    assert_int_equal(m.u.events.head.number, 1);
    assert_false(m.u.events.has_report);
    m = ek_load(k, i, NULL);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.head.number, 0);
    assert_memory_equal(&m.u.head.hash, &k->genesis.hash, 32);
    ek_feed(k, i);
    m = ek_synced(k, i);
    assert_code(m, TS_OK);
    m = ek_load(k, i, NULL);
    assert_code(m, TS_E_STATE);
    ek_close(k);
}

static void load_refuses_what_is_no_genesis_or_another(void **state)
{
    (void)state;
    struct ek *k = ek_open(2, 1);
    struct ek *other = ek_open(2, 2);
    struct ts_msg_head nowhere = {0, {{1}}};
    ek_boot(k, 0);
    struct ts_msg m = {.type = TS_MSG_LOAD};
    m.u.load.genesis = ts_bytes_of("junk", 4);
    m = ek_ask(k, 0, &m);
    assert_code(m, TS_E_GENESIS);
    assert_state(k, 0, TS_ENC_EMPTY);
    m = ek_load(k, 0, &nowhere);
    assert_code(m, TS_E_GENESIS);
    m = ek_load(k, 0, NULL);
    assert_code(m, TS_OK);
    m = (struct ts_msg){.type = TS_MSG_LOAD};
    m.u.load.genesis = other->genesis_raw;
    m = ek_ask(k, 0, &m);
    assert_code(m, TS_E_GENESIS);
    assert_state(k, 0, TS_ENC_SYNCING);
    ek_close(k);
    ek_close(other);
}

static void an_enclave_outside_the_whitelist_validates(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 2);
    size_t i = bring_into(k, TS_ENC_VALIDATING);
    struct ts_msg m = ek_plain(k, i, TS_MSG_REPORT);
    assert_code(m, TS_OK);
    assert_false(m.u.events.has_report);
    assert_int_equal(m.u.events.n_transitions, 0);
    m = ek_synced(k, i);
    assert_code(m, TS_OK);
    assert_state(k, i, TS_ENC_VALIDATING);
    ek_run(k, 0, 1);
    m = ek_plain(k, i, TS_MSG_IDENTIFY);
    assert_int_equal(m.u.identity.head.number, 2);
    assert_int_equal(m.u.identity.tip_seq, 0);
    ek_close(k);
}

/* ---- queries ---- */

static void a_query_is_answered_from_a_named_head(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 2);
    size_t i = bring_into(k, TS_ENC_PASSIVE);
    struct ts_msg m = any_request(k, i, TS_MSG_QUERY);
    m = ek_ask(k, i, &m);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.query_answer.head.number, 1);
    m = any_request(k, i, TS_MSG_QUERY);
    m.u.query.kind = 0;
    m = ek_ask(k, i, &m);
    assert_code(m, TS_E_UNSUPPORTED);
    m = any_request(k, i, TS_MSG_QUERY);
    m.u.query.arg.n = 19;
    m = ek_ask(k, i, &m);
    assert_int_not_equal(ek_code(&m), TS_OK);
    ek_close(k);
}

/* ---- hostile frames ---- */

static ts_err handle_raw(struct ek *k, size_t i, ts_bytes frame, struct ts_msg *answer)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    ts_enclave_handle(k->enclaves[i].core, frame, &out);
    uint8_t *kept = ts_arena_alloc(&k->arena, out.n);
    assert_non_null(kept);
    memcpy(kept, out.p, out.n);
    assert_int_equal(ts_msg_decode_answer(ts_bytes_of(kept, out.n), &k->arena, answer), TS_OK);
    ts_buf_free(&out);
    return ek_code(answer);
}

/* Each type's request, cut at every length and with every byte changed: an answer, never more. */
static void malformed_frames_are_answered_and_counted(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 2);
    size_t i = bring_into(k, TS_ENC_ACTIVE);
    struct ts_enclave_counters before, after;
    struct ts_msg answer;
    uint64_t sent = 0;
    ts_enclave_counters_of(k->enclaves[i].core, &before);
    for (uint64_t type = TS_MSG_IDENTIFY; type < TS_MSG_EXIT; type++) {
        struct ts_msg req = any_request(k, i, type);
        struct ts_buf b;
        ts_buf_init(&b, 0);
        ts_msg_put(&b, &req);
        for (size_t cut = 0; cut < b.n; cut += 1 + cut / 64, sent++)
            assert_int_not_equal(handle_raw(k, i, ts_bytes_of(b.p, cut), &answer), TS_OK);
        ts_buf_put_byte(&b, 0);
        assert_int_equal(handle_raw(k, i, ts_buf_bytes(&b), &answer), TS_E_TRAILING);
        assert_int_equal(answer.id, req.id);
        sent++;
        ts_buf_free(&b);
    }
    ts_enclave_counters_of(k->enclaves[i].core, &after);
    assert_int_equal(after.malformed - before.malformed, sent);
    assert_int_equal(after.refused, before.refused);
    assert_int_equal(after.by_error[TS_E_TRAILING], TS_MSG_EXIT - 1);
    assert_state(k, i, TS_ENC_ACTIVE);
    ek_close(k);
}

static void junk_batches_change_nothing(void **state)
{
    (void)state;
    struct ek *k = ek_open(3, 2);
    size_t i = bring_into(k, TS_ENC_PASSIVE);
    struct ts_msg m = ek_create(k, 0, EK_ALL);
    assert_code(m, TS_OK);
    ts_bytes good = m.u.created.batch;
    uint8_t *bad = ts_arena_alloc(&k->arena, good.n);
    assert_non_null(bad);
    for (size_t at = 0; at < good.n; at += 3) {
        memcpy(bad, good.p, good.n);
        bad[at] ^= (uint8_t)(1u << (at % 8));
        m = ek_accept(k, i, ts_bytes_of(bad, good.n));
        assert_int_not_equal(ek_code(&m), TS_OK);
        assert_state(k, i, TS_ENC_PASSIVE);
    }
    m = ek_accept(k, i, good);
    assert_code(m, TS_OK);
    ek_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_enclaves_produce_and_report),
        cmocka_unit_test(every_state_takes_what_it_should),
        cmocka_unit_test(a_halted_enclave_says_why_and_signs_nothing),
        cmocka_unit_test(exit_is_answered_and_then_wanted),
        cmocka_unit_test(the_diagram_has_every_move_once),
        cmocka_unit_test(every_boot_has_its_own_id_and_key),
        cmocka_unit_test(no_core_without_a_key_or_randomness),
        cmocka_unit_test(load_starts_over_only_while_syncing),
        cmocka_unit_test(load_refuses_what_is_no_genesis_or_another),
        cmocka_unit_test(an_enclave_outside_the_whitelist_validates),
        cmocka_unit_test(a_query_is_answered_from_a_named_head),
        cmocka_unit_test(malformed_frames_are_answered_and_counted),
        cmocka_unit_test(junk_batches_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
