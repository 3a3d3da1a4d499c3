/* SPDX-License-Identifier: Apache-2.0 */
/* Client and submitter together, against anvil: a real Ethereum node. */
#include <sys/stat.h>
#include <unistd.h>

#include "l1live.h"

static uint64_t pending_nonce(const struct anvil *a)
{
    return anvil_number(
        a, "eth_getTransactionCount",
        json_pack("[s,s]", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "pending"));
}

static void give(struct live *l, uint64_t job)
{
    const ts_address to = address_of("0x7777777777777777777777777777777777777777");
    live_step(l, &(struct ts_l1_submit_input){
                     .kind = TS_L1_SUBMIT_JOB, .job = job, .to = to, .value = ts_u256_of(job)});
}

static void create(struct live *l, uint64_t job, const char *code)
{
    uint8_t data[300];
    size_t n;
    assert_int_equal(ts_unhex_any(code, data, sizeof(data), &n), TS_OK);
    live_step(l, &(struct ts_l1_submit_input){
                     .kind = TS_L1_SUBMIT_JOB, .job = job, .creates = true, .data = {data, n}});
}

static void expect_balance(const struct anvil *a, uint64_t wanted)
{
    assert_int_equal(
        anvil_number(a, "eth_getBalance",
                     json_pack("[s,s]", "0x7777777777777777777777777777777777777777", "latest")),
        wanted);
}

/* ---- */

static void test_several(void **state)
{
    (void)state;
    struct anvil a;
    struct live l;
    anvil_start(&a, 0, (const char *const[]){"--block-time", "1", NULL});
    live_begin(&l, a.url, 2);
    for (uint64_t job = 1; job <= 5; job++)
        give(&l, job);
    for (uint64_t job = 1; job <= 5; job++) {
        live_until(&l, &l.jobs[job].done, 1);
        assert_int_equal(l.jobs[job].err, TS_OK);
        assert_true(l.jobs[job].block + 1 <= anvil_number(&a, "eth_blockNumber", NULL));
    }
    expect_balance(&a, 15);
    assert_int_equal(l.downs, 0);
    live_end(&l);
    anvil_end(&a, true);
}

static void test_contracts(void **state)
{
    (void)state;
    static const char refuses[] =
        "0x6064600c60003960646000fd"
        "08c379a00000000000000000000000000000000000000000000000000000000000000020"
        "000000000000000000000000000000000000000000000000000000000000000d"
        "6e6f2073756368207468696e6700000000000000000000000000000000000000";
    struct anvil a;
    struct live l;
    anvil_start(&a, 0, (const char *const[]){NULL});
    live_begin(&l, a.url, 1);
    create(&l, 1, "0x602a600052600160006000a100");
    create(&l, 2, refuses);
    live_until(&l, &l.jobs[1].done, 1);
    live_until(&l, &l.jobs[2].done, 1);
    assert_int_equal(l.jobs[1].err, TS_OK);
    assert_int_equal(l.jobs[2].err, TS_E_L1_REVERT);
    assert_string_equal(l.jobs[2].text, "the contract refuses: no such thing");
    live_end(&l);
    anvil_end(&a, true);
}

static void test_stuck(void **state)
{
    (void)state;
    struct anvil a;
    struct live l;
    anvil_start(&a, 0, (const char *const[]){"--no-mining", NULL});
    live_begin(&l, a.url, 1);
    give(&l, 1);
    give(&l, 2);
    live_until(&l, &l.jobs[1].sent, 3); /* raised twice */
    anvil_mine(&a, 1);
    live_until(&l, &l.jobs[1].done, 1);
    live_until(&l, &l.jobs[2].done, 1);
    assert_int_equal(l.jobs[1].err, TS_OK);
    assert_int_equal(l.jobs[2].err, TS_OK);
    expect_balance(&a, 3);
    live_end(&l);
    anvil_end(&a, true);
}

static void test_reorg(void **state)
{
    (void)state;
    struct anvil a;
    struct live l;
    anvil_start(&a, 0, (const char *const[]){"--no-mining", NULL});
    live_begin(&l, a.url, 3);
    give(&l, 1);
    live_until(&l, &l.jobs[1].sent, 1);
    anvil_mine(&a, 1);
    live_run(&l, 500); /* it has seen the receipt */
    json_decref(anvil_ask(&a, "anvil_reorg", json_pack("[i,[]]", 1)));
    live_until(&l, &l.reorgs, 1);
    expect_balance(&a, 0);
    assert_int_equal(l.jobs[1].done, 0);
    for (int i = 0; i < 100 && pending_nonce(&a) == 0; i++)
        live_run(&l, 50);
    anvil_mine(&a, 3);
    live_until(&l, &l.jobs[1].done, 1);
    assert_int_equal(l.jobs[1].err, TS_OK);
    expect_balance(&a, 1);
    live_end(&l);
    anvil_end(&a, true);
}

static void test_killed_and_started_again(void **state)
{
    (void)state;
    char dir[] = "/tmp/ts-anvil-XXXXXX";
    char file[64];
    struct anvil a;
    struct live l;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/state.json", dir);
    anvil_start(&a, 0, (const char *const[]){"--no-mining", "--state", file, NULL});
    live_begin(&l, a.url, 1);
    give(&l, 1);
    live_until(&l, &l.jobs[1].sent, 1);
    anvil_mine(&a, 1);
    live_until(&l, &l.jobs[1].done, 1);
    give(&l, 2);
    live_until(&l, &l.jobs[2].sent, 1);
    anvil_end(&a, false); /* its queue is not part of the state */
    give(&l, 3);
    live_until(&l, &l.downs, 1);
    anvil_start(&a, a.port, (const char *const[]){"--state", file, "--block-time", "1", NULL});
    live_until(&l, &l.ups, 1);
    live_until(&l, &l.jobs[2].done, 1);
    live_until(&l, &l.jobs[3].done, 1);
    assert_int_equal(l.jobs[2].err, TS_OK);
    assert_int_equal(l.jobs[3].err, TS_OK);
    expect_balance(&a, 6);
    live_end(&l);
    anvil_end(&a, true);
    unlink(file);
    rmdir(dir);
}

static void test_wrong_chain(void **state)
{
    (void)state;
    struct anvil a;
    struct live l;
    anvil_start(&a, 0, (const char *const[]){"--chain-id", "5", NULL});
    live_begin(&l, a.url, 1);
    give(&l, 1);
    live_until(&l, &l.wrongs, 1);
    anvil_end(&a, true);
    anvil_start(&a, a.port, (const char *const[]){NULL});
    live_until(&l, &l.jobs[1].done, 1);
    assert_int_equal(l.jobs[1].err, TS_OK);
    assert_int_equal(l.wrongs, 1);
    live_end(&l);
    anvil_end(&a, true);
}

/* ---- the client alone ---- */

struct count {
    unsigned good, bad;
};

static void count_answer(void *ctx, const struct ts_l1_answer *a)
{
    struct count *c = ctx;
    if (a->err == TS_OK && a->u.block.found && a->u.block.number == a->id)
        c->good++;
    else
        c->bad++;
}

static void test_many_calls(void **state)
{
    (void)state;
    struct anvil a;
    struct live l;
    struct count c = {0, 0};
    anvil_start(&a, 0, (const char *const[]){NULL});
    anvil_mine(&a, 60);
    live_begin(&l, a.url, 1);
    for (uint64_t n = 0; n <= 60; n++) {
        const struct ts_l1_call call = {.id = n, .method = TS_L1_BLOCK, .number = n};
        assert_int_equal(ts_l1_client_call(l.client, &call, 5000, count_answer, &c), TS_OK);
    }
    assert_int_equal(ts_l1_client_in_flight(l.client), 61);
    live_until(&l, &c.good, 61);
    assert_int_equal(c.bad, 0);
    const struct ts_l1_call call = {.id = 7, .method = TS_L1_BLOCK, .number = 7};
    assert_int_equal(ts_l1_client_call(l.client, &call, 5000, count_answer, &c), TS_OK);
    live_end(&l); /* an answer is owed */
    assert_int_equal(c.bad, 1);
    anvil_end(&a, true);
}

static void test_asking_and_waiting(void **state)
{
    (void)state;
    struct anvil a;
    struct ts_arena arena;
    struct ts_l1_answer answer;
    struct ts_l1_call call = {.id = 1, .method = TS_L1_BLOCK, .tag = TS_L1_LATEST};
    ts_arena_init(&arena, 0);
    anvil_start(&a, 0, (const char *const[]){NULL});
    ts_l1_client_ask(a.url, &call, 5000, &arena, &answer);
    assert_int_equal(answer.err, TS_OK);
    assert_true(answer.u.block.found && answer.u.block.header.n > 500);
    call.method = TS_L1_LOGS;
    ts_l1_client_ask(a.url, &call, 5000, &arena, &answer);
    assert_true(answer.err == TS_OK && answer.u.logs.n == 0);
    anvil_end(&a, true);
    ts_l1_client_ask(a.url, &call, 5000, &arena, &answer);
    assert_int_equal(answer.err, TS_E_CLOSED);
    assert_non_null(strstr(answer.text, "connection refused"));
    ts_l1_client_ask("ftp://127.0.0.1/", &call, 5000, &arena, &answer);
    assert_int_equal(answer.err, TS_E_USAGE);
    ts_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_contracts),
        cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_reorg),
        cmocka_unit_test(test_killed_and_started_again),
        cmocka_unit_test(test_wrong_chain),
        cmocka_unit_test(test_many_calls),
        cmocka_unit_test(test_asking_and_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
