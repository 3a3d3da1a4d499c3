/* SPDX-License-Identifier: Apache-2.0 */
/* Client and submitter together, against anvil: a real Ethereum node. */
#include <sys/stat.h>
#include <unistd.h>

#include "anvil_kit.h"
#include "base/check.h"
#include "crypto/sign.h"
#include "l1/client.h"
#include "l1/submitter.h"

#define MAX_JOBS 20

struct seen {
    unsigned sent, done;
    ts_err err;
    ts_hash tx;
    uint64_t block;
    char text[TS_L1_MAX_TEXT];
};

/* What a program around the submitter does: calls to the client, answers back, and its clock. */
struct live {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_timer_t patience;
    struct ts_l1_client *client;
    struct ts_crypto *crypto;
    struct ts_l1_submitter *s;
    struct seen jobs[MAX_JOBS];
    unsigned downs, ups, reorgs, wrongs;
    bool is_closing;
    bool out_of_patience;
};

static void step(struct live *l, const struct ts_l1_submit_input *in);

static void on_answer(void *ctx, const struct ts_l1_answer *answer)
{
    struct live *l = ctx;
    if (!l->is_closing)
        step(l, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_ANSWER, .answer = answer});
}

static void on_timer(uv_timer_t *timer)
{
    step(timer->data, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_TICK});
}

static void take_event(struct live *l, const struct ts_l1_submit_output *o)
{
    l->downs += strcmp(o->event, "l1-submit-down") == 0;
    l->ups += strcmp(o->event, "l1-submit-up") == 0;
    l->reorgs += strcmp(o->event, "l1-tx-reorged") == 0;
    l->wrongs += strcmp(o->event, "l1-wrong-chain") == 0;
}

static void take_output(struct live *l, const struct ts_l1_submit_output *o)
{
    struct seen *job = &l->jobs[o->job % MAX_JOBS];
    switch (o->kind) {
    case TS_L1_SUBMIT_CALL:
        assert_int_equal(ts_l1_client_call(l->client, o->call, 2000, on_answer, l), TS_OK);
        break;
    case TS_L1_SUBMIT_SENT:
        job->sent++;
        job->tx = o->tx;
        break;
    case TS_L1_SUBMIT_DONE:
        job->done++;
        job->err = o->err;
        job->tx = o->tx;
        job->block = o->block;
        snprintf(job->text, sizeof(job->text), "%s", o->text);
        break;
    case TS_L1_SUBMIT_EVENT:
        take_event(l, o);
        break;
    }
}

static void step(struct live *l, const struct ts_l1_submit_input *in)
{
    struct ts_l1_submit_outputs out;
    const struct ts_now now = {.mono_us = uv_hrtime() / 1000};
    ts_l1_submitter_step(l->s, now, in, &out);
    for (size_t i = 0; i < out.n; i++)
        take_output(l, &out.out[i]);
    uv_timer_stop(&l->timer);
    if (out.wake_us != UINT64_MAX)
        uv_timer_start(&l->timer, on_timer,
                       out.wake_us > now.mono_us ? (out.wake_us - now.mono_us) / 1000 + 1 : 1, 0);
}

static void on_patience(uv_timer_t *timer)
{
    struct live *l = timer->data;
    l->out_of_patience = true;
}

static void begin(struct live *l, const char *url, uint64_t confirmations)
{
    struct ts_l1_submit_settings settings;
    const struct ts_l1_client_config config = {.url = url};
    const ts_secret key = anvil_key();
    char why[TS_L1_MAX_TEXT];
    memset(l, 0, sizeof(*l));
    assert_int_equal(uv_loop_init(&l->loop), 0);
    uv_timer_init(&l->loop, &l->timer);
    uv_timer_init(&l->loop, &l->patience);
    l->timer.data = l->patience.data = l;
    assert_int_equal(ts_l1_client_new(&l->loop, &config, &l->client, why, sizeof(why)), TS_OK);
    l->crypto = ts_crypto_secp256k1(NULL);
    ts_l1_submit_settings_default(&settings);
    settings.chain_id = 31337;
    settings.confirmations = confirmations;
    settings.poll_us = 50000;
    settings.answer_us = 3000000;
    settings.retry_max_us = 200000;
    settings.stuck_us = 500000;
    assert_int_equal(ts_l1_submitter_new(&settings, l->crypto, &key, &l->s), TS_OK);
}

static void end(struct live *l)
{
    l->is_closing = true;
    ts_l1_client_close(l->client);
    uv_close((uv_handle_t *)&l->timer, NULL);
    uv_close((uv_handle_t *)&l->patience, NULL);
    uv_run(&l->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&l->loop), 0);
    ts_l1_submitter_free(l->s);
    ts_crypto_free(l->crypto);
}

/* Runs until *count is at least n; a minute is all the patience there is. */
static void run_until(struct live *l, const unsigned *count, unsigned n)
{
    l->out_of_patience = false;
    uv_timer_start(&l->patience, on_patience, 60000, 0);
    while (*count < n && !l->out_of_patience)
        uv_run(&l->loop, UV_RUN_ONCE);
    uv_timer_stop(&l->patience);
    if (*count < n)
        fail_msg("nothing more happens");
}

static void run_for(struct live *l, unsigned ms)
{
    l->out_of_patience = false;
    uv_timer_start(&l->patience, on_patience, ms, 0);
    while (!l->out_of_patience)
        uv_run(&l->loop, UV_RUN_ONCE);
}

static uint64_t pending_nonce(const struct anvil *a)
{
    return anvil_number(
        a, "eth_getTransactionCount",
        json_pack("[s,s]", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "pending"));
}

static void give(struct live *l, uint64_t job)
{
    const ts_address to = address_of("0x7777777777777777777777777777777777777777");
    step(l, &(struct ts_l1_submit_input){
                .kind = TS_L1_SUBMIT_JOB, .job = job, .to = to, .value = ts_u256_of(job)});
}

static void create(struct live *l, uint64_t job, const char *code)
{
    uint8_t data[300];
    size_t n;
    assert_int_equal(ts_unhex_any(code, data, sizeof(data), &n), TS_OK);
    step(l, &(struct ts_l1_submit_input){
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
    begin(&l, a.url, 2);
    for (uint64_t job = 1; job <= 5; job++)
        give(&l, job);
    for (uint64_t job = 1; job <= 5; job++) {
        run_until(&l, &l.jobs[job].done, 1);
        assert_int_equal(l.jobs[job].err, TS_OK);
        assert_true(l.jobs[job].block + 1 <= anvil_number(&a, "eth_blockNumber", NULL));
    }
    expect_balance(&a, 15);
    assert_int_equal(l.downs, 0);
    end(&l);
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
    begin(&l, a.url, 1);
    create(&l, 1, "0x602a600052600160006000a100");
    create(&l, 2, refuses);
    run_until(&l, &l.jobs[1].done, 1);
    run_until(&l, &l.jobs[2].done, 1);
    assert_int_equal(l.jobs[1].err, TS_OK);
    assert_int_equal(l.jobs[2].err, TS_E_L1_REVERT);
    assert_string_equal(l.jobs[2].text, "the contract refuses: no such thing");
    end(&l);
    anvil_end(&a, true);
}

static void test_stuck(void **state)
{
    (void)state;
    struct anvil a;
    struct live l;
    anvil_start(&a, 0, (const char *const[]){"--no-mining", NULL});
    begin(&l, a.url, 1);
    give(&l, 1);
    give(&l, 2);
    run_until(&l, &l.jobs[1].sent, 3); /* raised twice */
    anvil_mine(&a, 1);
    run_until(&l, &l.jobs[1].done, 1);
    run_until(&l, &l.jobs[2].done, 1);
    assert_int_equal(l.jobs[1].err, TS_OK);
    assert_int_equal(l.jobs[2].err, TS_OK);
    expect_balance(&a, 3);
    end(&l);
    anvil_end(&a, true);
}

static void test_reorg(void **state)
{
    (void)state;
    struct anvil a;
    struct live l;
    anvil_start(&a, 0, (const char *const[]){"--no-mining", NULL});
    begin(&l, a.url, 3);
    give(&l, 1);
    run_until(&l, &l.jobs[1].sent, 1);
    anvil_mine(&a, 1);
    run_for(&l, 500); /* it has seen the receipt */
    json_decref(anvil_ask(&a, "anvil_reorg", json_pack("[i,[]]", 1)));
    run_until(&l, &l.reorgs, 1);
    expect_balance(&a, 0);
    assert_int_equal(l.jobs[1].done, 0);
    for (int i = 0; i < 100 && pending_nonce(&a) == 0; i++)
        run_for(&l, 50);
    anvil_mine(&a, 3);
    run_until(&l, &l.jobs[1].done, 1);
    assert_int_equal(l.jobs[1].err, TS_OK);
    expect_balance(&a, 1);
    end(&l);
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
    begin(&l, a.url, 1);
    give(&l, 1);
    run_until(&l, &l.jobs[1].sent, 1);
    anvil_mine(&a, 1);
    run_until(&l, &l.jobs[1].done, 1);
    give(&l, 2);
    run_until(&l, &l.jobs[2].sent, 1);
    anvil_end(&a, false); /* its queue is not part of the state */
    give(&l, 3);
    run_until(&l, &l.downs, 1);
    anvil_start(&a, a.port, (const char *const[]){"--state", file, "--block-time", "1", NULL});
    run_until(&l, &l.ups, 1);
    run_until(&l, &l.jobs[2].done, 1);
    run_until(&l, &l.jobs[3].done, 1);
    assert_int_equal(l.jobs[2].err, TS_OK);
    assert_int_equal(l.jobs[3].err, TS_OK);
    expect_balance(&a, 6);
    end(&l);
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
    begin(&l, a.url, 1);
    give(&l, 1);
    run_until(&l, &l.wrongs, 1);
    anvil_end(&a, true);
    anvil_start(&a, a.port, (const char *const[]){NULL});
    run_until(&l, &l.jobs[1].done, 1);
    assert_int_equal(l.jobs[1].err, TS_OK);
    assert_int_equal(l.wrongs, 1);
    end(&l);
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
    begin(&l, a.url, 1);
    for (uint64_t n = 0; n <= 60; n++) {
        const struct ts_l1_call call = {.id = n, .method = TS_L1_BLOCK, .number = n};
        assert_int_equal(ts_l1_client_call(l.client, &call, 5000, count_answer, &c), TS_OK);
    }
    assert_int_equal(ts_l1_client_in_flight(l.client), 61);
    run_until(&l, &c.good, 61);
    assert_int_equal(c.bad, 0);
    const struct ts_l1_call call = {.id = 7, .method = TS_L1_BLOCK, .number = 7};
    assert_int_equal(ts_l1_client_call(l.client, &call, 5000, count_answer, &c), TS_OK);
    end(&l); /* an answer is owed */
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
