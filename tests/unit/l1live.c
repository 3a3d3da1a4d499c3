/* SPDX-License-Identifier: Apache-2.0 */
#include "l1live.h"

#include "crypto/sign.h"

static void on_answer(void *ctx, const struct ts_l1_answer *answer)
{
    struct live *l = ctx;
    if (!l->is_closing)
        live_step(l, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_ANSWER, .answer = answer});
}

static void on_timer(uv_timer_t *timer)
{
    live_step(timer->data, &(struct ts_l1_submit_input){.kind = TS_L1_SUBMIT_TICK});
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
    struct live_job *job = &l->jobs[o->job % LIVE_JOBS];
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

void live_step(struct live *l, const struct ts_l1_submit_input *in)
{
    struct ts_l1_submit_outputs out;
    const struct ts_now now = {.mono_us = uv_hrtime() / 1000};
    ts_l1_submitter_step(l->s, now, in, &out);
    for (size_t i = 0; i < out.n; i++)
        take_output(l, &out.out[i]);
    uv_stop(&l->loop); /* who waits for it looks before the loop waits for what comes next */
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

void live_begin(struct live *l, const char *url, uint64_t confirmations)
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

void live_end(struct live *l)
{
    l->is_closing = true;
    ts_l1_client_close(l->client);
    uv_close((uv_handle_t *)&l->timer, NULL);
    uv_close((uv_handle_t *)&l->patience, NULL);
    while (uv_run(&l->loop, UV_RUN_DEFAULT) != 0)
        ; /* stopped before it began */
    assert_int_equal(uv_loop_close(&l->loop), 0);
    ts_l1_submitter_free(l->s);
    ts_crypto_free(l->crypto);
}

void live_until(struct live *l, const unsigned *count, unsigned n)
{
    l->out_of_patience = false;
    uv_timer_start(&l->patience, on_patience, 60000, 0);
    while (*count < n && !l->out_of_patience)
        uv_run(&l->loop, UV_RUN_ONCE);
    uv_timer_stop(&l->patience);
    if (*count < n)
        fail_msg("nothing more happens");
}

void live_run(struct live *l, unsigned ms)
{
    l->out_of_patience = false;
    uv_timer_start(&l->patience, on_patience, ms, 0);
    while (!l->out_of_patience)
        uv_run(&l->loop, UV_RUN_ONCE);
}
