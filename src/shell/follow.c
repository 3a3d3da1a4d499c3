/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"
#include "l1/client.h"

#define SAVE_US  UINT64_C(10000000) /* between two saves, at least */
#define FINAL_US UINT64_C(12000000) /* between two looks at L1's finality: a slot of Ethereum's */
#define AGAIN_US UINT64_C(100000)   /* before all is read anew */

struct lookup {
    uint64_t token, number;
};

struct ts_follow {
    struct ts_follow_config config;
    struct ts_l1_follower *core;
    struct ts_l1_client *client;
    uv_timer_t timer;
    struct lookup lookups[TS_L1_MAX_LOOKUPS]; /* first those that the core has */
    size_t n_lookups, n_given;
    bool is_again;
    struct ts_buf saving; /* what the step under way writes */
    struct ts_store_op op;
    bool is_saving, is_dirty;
    uint64_t saved_us;
    uint64_t final, final_us; /* the newest; when it is asked for again */
    bool is_final_asked;
    bool is_closing;
};

static struct ts_now now_of_all(void)
{
    struct timespec real;
    TS_CHECK(clock_gettime(CLOCK_REALTIME, &real) == 0);
    return (struct ts_now){
        .mono_us = uv_hrtime() / 1000,
        .unix_ms = (ts_time)real.tv_sec * 1000 + (ts_time)real.tv_nsec / 1000000,
    };
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static void save(struct ts_follow *f)
{
    if (f->is_saving || !f->is_dirty || f->is_again ||
        (f->config.may_save != NULL && !f->config.may_save(f->config.ctx)))
        return;
    ts_buf_reset(&f->saving);
    ts_l1_follower_save(f->core, &f->saving);
    if (f->saving.err != TS_OK)
        return; /* out of memory: without it a start only takes longer */
    f->op =
        (struct ts_store_op){.kind = TS_OP_PUT_META, .key = "l1", .data = ts_buf_bytes(&f->saving)};
    f->saved_us = uv_hrtime() / 1000;
    if (ts_writer_submit(f->config.writer, f->config.save_token, &f->op, 1) != TS_OK)
        return; /* it is busy; another time */
    f->is_saving = true;
    f->is_dirty = false;
}

void ts_follow_saved(struct ts_follow *f, ts_err err)
{
    f->is_saving = false;
    if (err != TS_OK)
        f->is_dirty = true;
}

static ts_err load(struct ts_follow *f, char *why, size_t why_size)
{
    struct ts_buf saved;
    ts_buf_init(&saved, 0);
    ts_err err = ts_store_meta(f->config.store, "l1", &saved);
    if (err == TS_OK) {
        ts_err bad = ts_l1_follower_load(f->core, ts_buf_bytes(&saved));
        if (bad != TS_OK)
            ts_log(TS_LOG_WARN, "l1-state-unusable", "reason=\"%s\"", ts_err_text((int)bad));
    }
    ts_buf_free(&saved);
    if (err == TS_OK || err == TS_E_NOT_FOUND)
        return TS_OK;
    (void)snprintf(why, why_size, "what is kept of L1 cannot be read: %s", ts_err_text((int)err));
    return err;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void step(struct ts_follow *f, const struct ts_l1_follow_input *in);

static void on_answer(void *ctx, const struct ts_l1_answer *answer)
{
    struct ts_follow *f = ctx;
    if (f->is_closing)
        return;
    step(f, &(struct ts_l1_follow_input){.kind = TS_L1_FOLLOW_ANSWER, .answer = answer});
}

static void on_final(void *ctx, const struct ts_l1_answer *a)
{
    struct ts_follow *f = ctx;
    f->is_final_asked = false;
    if (f->is_closing || a->err != TS_OK || !a->u.block.found || a->u.block.number <= f->final)
        return;
    f->final = a->u.block.number;
    f->config.on_final(f->config.ctx, f->final);
}

/* The follower needs L1's own finality only when that is what counts as confirmed. */
static void ask_final(struct ts_follow *f)
{
    uint64_t now = uv_hrtime() / 1000;
    struct ts_l1_call c = {.id = 1, .method = TS_L1_BLOCK, .tag = TS_L1_FINALIZED};
    struct ts_l1_status st;
    ts_l1_follower_status(f->core, &st);
    if (f->config.on_final == NULL || f->is_final_asked || now < f->final_us || !st.is_up)
        return;
    f->final_us = now + FINAL_US;
    f->is_final_asked =
        ts_l1_client_call(f->client, &c, (unsigned)(f->config.settings.answer_us / 1000), on_final,
                          f) == TS_OK;
}

/* A call that cannot be made is one that is not answered: the core sees that in time. */
static void call(struct ts_follow *f, const struct ts_l1_call *c)
{
    (void)ts_l1_client_call(f->client, c, (unsigned)(f->config.settings.answer_us / 1000),
                            on_answer, f);
}

/* Only what L1 is known to have is given to the core: that is answered in time, so that numbers
 * which no block has, or not for long, do not take the place of others there. NULL: none. */
static struct lookup *next_lookup(struct ts_follow *f)
{
    struct ts_l1_status st;
    ts_l1_follower_status(f->core, &st);
    for (size_t i = f->n_given; i < f->n_lookups; i++)
        if (f->lookups[i].number <= st.latest)
            return &f->lookups[i];
    return NULL;
}

static void give(struct ts_follow *f, struct lookup *l)
{
    const struct lookup given = *l;
    *l = f->lookups[f->n_given];
    f->lookups[f->n_given++] = given;
    step(f, &(struct ts_l1_follow_input){
                .kind = TS_L1_FOLLOW_LOOKUP, .token = given.token, .number = given.number});
}

static void forget_lookup(struct ts_follow *f, const struct ts_l1_follow_output *o)
{
    for (size_t i = 0; i < f->n_given; i++) {
        if (f->lookups[i].token != o->token || f->lookups[i].number != o->block.number)
            continue;
        f->lookups[i] = f->lookups[--f->n_given];
        f->lookups[f->n_given] = f->lookups[--f->n_lookups];
        return;
    }
}

static void carry_out(struct ts_follow *f, const struct ts_l1_follow_output *o)
{
    switch (o->kind) {
    case TS_L1_FOLLOW_CALL:
        call(f, o->call);
        return;
    case TS_L1_FOLLOW_EVENT:
        ts_log_made((enum ts_log_level)o->level, o->event, o->text);
        break;
    case TS_L1_FOLLOW_CONFIRMED:
        f->is_dirty = true;
        break;
    case TS_L1_FOLLOW_BLOCK:
        forget_lookup(f, o);
        break;
    case TS_L1_FOLLOW_ROLLUP:
    case TS_L1_FOLLOW_ROLLBACK:
    case TS_L1_FOLLOW_REORG:
        break;
    }
    f->config.on_output(f->config.ctx, o);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct ts_follow *f, uint64_t wake_us)
{
    uint64_t now = uv_hrtime() / 1000;
    uint64_t ms = wake_us > now ? (wake_us - now + 999) / 1000 : 0;
    if (f->is_closing || wake_us == UINT64_MAX)
        return;
    uv_update_time(f->config.loop);
    TS_CHECK(uv_timer_start(&f->timer, on_timer, ms, 0) == 0);
}

/* What the outputs say is told while they live; whoever is told only queues here. */
static void step(struct ts_follow *f, const struct ts_l1_follow_input *in)
{
    struct ts_l1_follow_outputs out;
    ts_l1_follower_step(f->core, now_of_all(), in, &out);
    for (size_t i = 0; i < out.n && !f->is_closing; i++)
        carry_out(f, &out.out[i]);
    if (f->is_closing)
        return;
    uint64_t soon = uv_hrtime() / 1000 + (f->is_again ? AGAIN_US : 0);
    bool has_work = next_lookup(f) != NULL || f->is_again;
    arm(f, has_work && soon < out.wake_us ? soon : out.wake_us);
    if (uv_hrtime() / 1000 >= f->saved_us + SAVE_US)
        save(f);
}

static void begin_again(struct ts_follow *f)
{
    struct ts_l1_follower *core = NULL;
    if (ts_l1_follower_new(f->config.genesis, &f->config.settings, &core) != TS_OK)
        return; /* out of memory: with the next tick */
    ts_l1_follower_free(f->core);
    f->core = core;
    f->is_again = false;
    f->n_given = 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct ts_follow *f = timer->data;
    if (f->is_again)
        begin_again(f);
    struct lookup *l;
    while (!f->is_closing && (l = next_lookup(f)) != NULL)
        give(f, l);
    if (!f->is_closing)
        step(f, &(struct ts_l1_follow_input){.kind = TS_L1_FOLLOW_TICK});
    if (!f->is_closing)
        ask_final(f);
}

/* ---- the caller's ---------------------------------------------------------------------------- */

void ts_follow_lookup(struct ts_follow *f, uint64_t token, uint64_t number)
{
    struct lookup *highest = NULL;
    for (size_t i = 0; i < f->n_lookups; i++) {
        struct lookup *l = &f->lookups[i];
        if (l->token == token && l->number == number)
            return;
        if (i >= f->n_given && (highest == NULL || l->number > highest->number))
            highest = l;
    }
    if (f->n_lookups < TS_L1_MAX_LOOKUPS)
        f->lookups[f->n_lookups++] = (struct lookup){token, number};
    else if (highest != NULL && number < highest->number)
        *highest = (struct lookup){token, number};
    arm(f, 0);
}

void ts_follow_forget(struct ts_follow *f, uint64_t token, uint64_t number)
{
    for (size_t i = f->n_given; i < f->n_lookups; i++)
        if (f->lookups[i].token == token && f->lookups[i].number == number) {
            f->lookups[i] = f->lookups[--f->n_lookups];
            return;
        }
}

size_t ts_follow_lookups(const struct ts_follow *f)
{
    return f->n_lookups;
}

bool ts_follow_waits_for(const struct ts_follow *f, uint64_t number)
{
    for (size_t i = 0; i < f->n_lookups; i++)
        if (f->lookups[i].number == number)
            return true;
    return false;
}

void ts_follow_rollups_again(struct ts_follow *f, uint64_t above, uint64_t from)
{
    f->config.settings.rollups_above = above;
    f->config.settings.rollups_from = from;
    ts_follow_again(f);
}

void ts_follow_again(struct ts_follow *f)
{
    f->is_again = true;
    f->is_dirty = true;
    arm(f, uv_hrtime() / 1000 + AGAIN_US);
}

void ts_follow_status(const struct ts_follow *f, struct ts_l1_status *out)
{
    ts_l1_follower_status(f->core, out);
}

const char *ts_follow_name(const struct ts_follow *f)
{
    return ts_l1_client_name(f->client);
}

static void free_all(struct ts_follow *f)
{
    ts_l1_follower_free(f->core);
    ts_buf_free(&f->saving);
    free(f);
}

static ts_err open_client(struct ts_follow *f, const char *url, char *why, size_t why_size)
{
    struct ts_l1_client_config c = {.url = url};
    return ts_l1_client_new(f->config.loop, &c, &f->client, why, why_size);
}

ts_err ts_follow_new(const struct ts_follow_config *config, struct ts_follow **out, char *why,
                     size_t why_size)
{
    TS_CHECK(config->genesis->l1_chain_id != 0 && why_size > 0);
    why[0] = '\0';
    struct ts_follow *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return TS_E_NOMEM;
    f->config = *config;
    f->config.url = NULL;
    ts_buf_init(&f->saving, 0);
    ts_err err = ts_l1_follower_new(config->genesis, &config->settings, &f->core);
    if (err == TS_OK)
        err = load(f, why, why_size);
    if (err == TS_OK)
        err = open_client(f, config->url, why, why_size);
    if (err == TS_OK && uv_timer_init(config->loop, &f->timer) != 0) {
        ts_l1_client_close(f->client);
        err = TS_E_IO;
    }
    if (err != TS_OK) {
        if (why[0] == '\0')
            (void)snprintf(why, why_size, "L1 cannot be followed: %s", ts_err_text((int)err));
        free_all(f);
        return err;
    }
    f->timer.data = f;
    f->saved_us = uv_hrtime() / 1000;
    arm(f, 0);
    *out = f;
    return TS_OK;
}

static void on_closed(uv_handle_t *handle)
{
    free_all(handle->data);
}

void ts_follow_close(struct ts_follow *f)
{
    if (f == NULL)
        return;
    save(f);
    f->is_closing = true;
    ts_l1_client_close(f->client);
    uv_close((uv_handle_t *)&f->timer, on_closed);
}
