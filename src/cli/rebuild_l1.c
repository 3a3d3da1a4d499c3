/* SPDX-License-Identifier: Apache-2.0 */
/* From L1 to headers and transactions: the follower (l1/follower.h) reads rollups and the
 * whitelist, the pipe (rebuild/pipe.h) makes batches of them, the directory keeps them. Ends when
 * the rollups up to b->l1_end are in, or when nothing moves for longer than the patience. */
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/rebuild.h"
#include "l1/client.h"
#include "l1/follower.h"

#define BLOCK_ASKS 8
#define ANSWER_MS  10000u
#define RETRY_MS   250u
#define HELD_US    UINT64_C(86400000000) /* calls are answered by the client, or wait for room */

/* A block that is asked for until it is there. */
struct block_ask {
    struct reader *reader;
    bool is_used, is_waiting; /* to be asked again */
    uint64_t number, again_ms;
};

/* The whitelist from a block on. */
struct listed {
    uint64_t from;
    ts_address who[TS_MAX_WHITELIST];
    size_t n;
};

struct reader {
    struct rebuild *b;
    uv_loop_t loop;
    uv_timer_t timer, look;
    uv_signal_t signals[2];
    struct ts_l1_client *client;
    struct ts_l1_follower *follower;
    struct ts_pipe *pipe;
    struct listed *lists;
    size_t n_lists, cap_lists;
    struct ts_l1_call held; /* waits for room in the pipe */
    bool has_held, is_closing, is_cut;
    struct block_ask asks[BLOCK_ASKS];
    uint64_t given; /* the last batch of the newest rollup in the pipe */
    uint64_t blocks, moves, moved_ms, said_number, said_ms, start_ms;
    char block_why[TS_L1_MAX_TEXT];
    int code;
};

/* ---- the end ---- */

static void close_all(struct reader *r, int code)
{
    if (r->is_closing)
        return;
    r->is_closing = true;
    r->code = code;
    ts_pipe_stop(r->pipe);
    ts_l1_client_close(r->client);
    uv_close((uv_handle_t *)&r->timer, NULL);
    uv_close((uv_handle_t *)&r->look, NULL);
    for (size_t i = 0; i < TS_COUNT(r->signals); i++)
        uv_close((uv_handle_t *)&r->signals[i], NULL);
}

static void on_signal(uv_signal_t *s, int number)
{
    struct reader *r = s->data;
    (void)number;
    r->is_cut = true;
    close_all(r, TS_EXIT_FAILED);
}

/* ---- the whitelist ---- */

static void keep_list(struct reader *r, const struct ts_l1_block *block)
{
    const struct listed *last = r->n_lists > 0 ? &r->lists[r->n_lists - 1] : NULL;
    TS_CHECK(block->n_whitelist <= TS_MAX_WHITELIST);
    if (last != NULL && last->n == block->n_whitelist &&
        (last->n == 0 || memcmp(last->who, block->whitelist, last->n * sizeof(last->who[0])) == 0))
        return;
    if (r->n_lists == r->cap_lists) {
        size_t cap = r->cap_lists > 0 ? 2 * r->cap_lists : 16;
        struct listed *more = realloc(r->lists, cap * sizeof(*more));
        if (more == NULL) {
            close_all(r, cli_fail("%s", ts_err_text(TS_E_NOMEM)));
            return;
        }
        r->lists = more;
        r->cap_lists = cap;
    }
    TS_CHECK(r->lists != NULL);
    struct listed *l = &r->lists[r->n_lists++];
    l->from = block->number;
    l->n = block->n_whitelist;
    if (l->n > 0)
        memcpy(l->who, block->whitelist, l->n * sizeof(l->who[0]));
}

/* After a block. Every block at which it changed was told, so it is that of the last one told up
 * to there. */
static const struct listed *list_at(const struct reader *r, uint64_t number)
{
    static const struct listed none = {.n = 0};
    for (size_t i = r->n_lists; i > 0; i--)
        if (r->lists[i - 1].from <= number)
            return &r->lists[i - 1];
    return &none;
}

/* ---- L1 blocks that batches name ---- */

static void ask_block(struct block_ask *a);

static void on_block(void *ctx, const struct ts_l1_answer *answer)
{
    struct block_ask *a = ctx;
    struct reader *r = a->reader;
    const struct ts_l1_answer_block *block = &answer->u.block;
    if (r->is_closing)
        return;
    if (answer->err == TS_OK && block->found && block->number == a->number) {
        a->is_used = false;
        r->blocks++;
        ts_pipe_block(r->pipe, a->number, &block->hash, &block->parent);
        return;
    }
    (void)snprintf(r->block_why, sizeof(r->block_why), "%s",
                   answer->err != TS_OK ? answer->text : "the L1 node does not have it");
    a->is_waiting = true;
    a->again_ms = cli_mono_ms() + RETRY_MS;
}

static void ask_block(struct block_ask *a)
{
    const struct ts_l1_call call = {
        .id = 1, .method = TS_L1_BLOCK, .tag = TS_L1_AT_NUMBER, .number = a->number};
    a->is_waiting = ts_l1_client_call(a->reader->client, &call, ANSWER_MS, on_block, a) != TS_OK;
    a->again_ms = cli_mono_ms() + RETRY_MS;
}

static void ask_blocks(struct reader *r)
{
    for (size_t i = 0; i < BLOCK_ASKS && !r->is_closing; i++) {
        struct block_ask *a = &r->asks[i];
        if (a->is_used && a->is_waiting && cli_mono_ms() >= a->again_ms)
            ask_block(a);
        if (a->is_used || !ts_pipe_next_block(r->pipe, &a->number))
            continue;
        a->reader = r;
        a->is_used = true;
        ask_block(a);
    }
}

/* ---- the follower ---- */

static void step(struct reader *r, const struct ts_l1_follow_input *in);

static void on_answer(void *ctx, const struct ts_l1_answer *answer)
{
    struct reader *r = ctx;
    if (!r->is_closing)
        step(r, &(struct ts_l1_follow_input){.kind = TS_L1_FOLLOW_ANSWER, .answer = answer});
}

static void call(struct reader *r, const struct ts_l1_call *c)
{
    if (ts_l1_client_call(r->client, c, ANSWER_MS, on_answer, r) != TS_OK)
        close_all(r, cli_fail("%s", ts_err_text(TS_E_NOMEM)));
}

static void take_rollup(struct reader *r, const struct ts_l1_rollup *u)
{
    const struct listed *l = list_at(r, u->rollup.l1_number);
    if (ts_pipe_fault(r->pipe) != NULL)
        return;
    r->given = u->rollup.last_number;
    ts_err err = ts_pipe_give(r->pipe, &u->rollup, u->data, l->who, l->n);
    if (err != TS_OK)
        close_all(r, cli_fail("%s", ts_err_text((int)err)));
}

/* Up to l1_end they are left out from the beginning. */
static void roll_back(struct reader *r, const struct ts_l1_rollback *back)
{
    if (back->l1_block > r->b->l1_end && back->first_number <= r->given)
        close_all(r, cli_fail("governance has taken the rollups from batch %llu on back on L1 "
                              "meanwhile: begin again with an empty directory",
                              (unsigned long long)back->first_number));
}

static void say_event(const struct ts_l1_follow_output *o)
{
    if (o->level <= TS_LOG_WARN)
        fprintf(stderr, "%s %s\n", o->event, o->text);
}

static void carry_out(struct reader *r, const struct ts_l1_follow_output *o)
{
    switch (o->kind) {
    case TS_L1_FOLLOW_CALL:
        /* A rollup's transaction: only when there is room for what it gives. */
        r->has_held = o->call->method == TS_L1_TX && !ts_pipe_has_room(r->pipe);
        if (r->has_held)
            r->held = *o->call;
        else
            call(r, o->call);
        return;
    case TS_L1_FOLLOW_CONFIRMED:
        keep_list(r, &o->block);
        return;
    case TS_L1_FOLLOW_ROLLUP:
        take_rollup(r, o->rollup);
        return;
    case TS_L1_FOLLOW_ROLLBACK:
        roll_back(r, &o->rollback);
        return;
    case TS_L1_FOLLOW_EVENT:
        say_event(o);
        return;
    case TS_L1_FOLLOW_REORG:
        close_all(r, cli_fail("L1 went back behind its confirmations at block %llu; the next run "
                              "reads it anew",
                              (unsigned long long)o->block.number));
        return;
    case TS_L1_FOLLOW_BLOCK:
        return;
    }
}

static void on_timer(uv_timer_t *t)
{
    step(t->data, &(struct ts_l1_follow_input){.kind = TS_L1_FOLLOW_TICK});
}

static void look(struct reader *r);

static void step(struct reader *r, const struct ts_l1_follow_input *in)
{
    struct ts_l1_follow_outputs out;
    struct ts_now now = {.mono_us = uv_hrtime() / 1000};
    ts_l1_follower_step(r->follower, now, in, &out);
    for (size_t i = 0; i < out.n && !r->is_closing; i++)
        carry_out(r, &out.out[i]);
    if (r->is_closing)
        return;
    uint64_t us = out.wake_us > now.mono_us ? out.wake_us - now.mono_us : 0;
    uv_update_time(&r->loop);
    if (out.wake_us != UINT64_MAX)
        TS_CHECK(uv_timer_start(&r->timer, on_timer, (us + 999) / 1000, 0) == 0);
    look(r);
}

/* ---- how it stands ---- */

static void fault(struct reader *r, const struct ts_rebuild_fault *f)
{
    close_all(r, f->code == TS_E_IO && r->b->dir.why[0] != 0 ? cli_fail("%s", r->b->dir.why)
                                                             : cli_fail("%s", f->what));
}

static bool is_done(const struct reader *r, const struct ts_l1_status *s)
{
    return s->confirmed >= r->b->l1_end && s->waiting == 0 && !r->has_held && s->is_up &&
           ts_pipe_is_idle(r->pipe);
}

static void look(struct reader *r)
{
    struct ts_l1_status s;
    if (r->is_closing)
        return;
    ts_l1_follower_status(r->follower, &s);
    if (ts_pipe_fault(r->pipe) != NULL)
        fault(r, ts_pipe_fault(r->pipe));
    else if (s.unreadable > 0)
        close_all(r, cli_fail("a rollup's data are not in the transaction that published it: what "
                              "is behind it cannot be rebuilt"));
    else if (s.is_stopped)
        close_all(r, cli_fail("%s", s.reason));
    else if (is_done(r, &s))
        close_all(r, TS_EXIT_OK);
}

static void on_moved(void *ctx)
{
    struct reader *r = ctx;
    if (r->is_closing)
        return;
    if (r->has_held && ts_pipe_has_room(r->pipe)) {
        r->has_held = false;
        call(r, &r->held);
    }
    ask_blocks(r);
    look(r);
}

static void give_up(struct reader *r, const struct ts_l1_status *s)
{
    unsigned long long seconds = (unsigned long long)(r->b->o.patience_ms / 1000);
    const char *why = !s->is_up && s->reason[0] != 0 ? s->reason
                      : r->block_why[0] != 0         ? r->block_why
                      : s->waiting > 0 ? "the L1 node does not have a rollup's transaction: it "
                                         "keeps no index that far back?"
                                       : "the L1 node gives no further block";
    close_all(r,
              cli_fail("nothing came from L1 for %llu s (L1 block %llu of %llu, batch %llu): %s",
                       seconds, (unsigned long long)s->confirmed, (unsigned long long)r->b->l1_end,
                       (unsigned long long)ts_pipe_number(r->pipe), why));
}

static void say_progress(struct reader *r, const struct ts_l1_status *s)
{
    uint64_t number = ts_pipe_number(r->pipe), now = cli_mono_ms();
    if (number < r->said_number)
        number = r->said_number;
    double rate = (double)(number - r->said_number) * 1000 / (double)(now - r->said_ms + 1);
    fprintf(stderr, "batch %llu of %llu, %.0f a second; L1 block %llu of %llu\n",
            (unsigned long long)number, (unsigned long long)r->b->l1_last, rate,
            (unsigned long long)s->confirmed, (unsigned long long)r->b->l1_end);
    r->said_number = number;
    r->said_ms = now;
}

/* Every 250 ms. */
static void on_look(uv_timer_t *t)
{
    struct reader *r = t->data;
    struct ts_l1_status s;
    ask_blocks(r);
    ts_l1_follower_status(r->follower, &s);
    /* L1 goes on by itself, which is no progress here. */
    uint64_t read = s.confirmed < r->b->l1_end ? s.confirmed : r->b->l1_end;
    uint64_t moves = read + s.rollups + r->blocks + ts_pipe_number(r->pipe);
    if (moves != r->moves) {
        r->moves = moves;
        r->moved_ms = cli_mono_ms();
        r->block_why[0] = 0;
    }
    if (cli_mono_ms() >= r->said_ms + 1000)
        say_progress(r, &s);
    if (cli_mono_ms() > r->moved_ms + r->b->o.patience_ms)
        give_up(r, &s);
    else
        look(r);
}

/* ---- opening and running ---- */

static ts_err on_batch(void *ctx, const struct ts_rebuilt *b)
{
    struct reader *r = ctx;
    return ts_dir_batch(&r->b->dir, b);
}

static ts_err on_taken(void *ctx, const struct ts_rollup *rollup, const struct ts_rebuild *rebuild)
{
    struct reader *r = ctx;
    return ts_dir_rollup(&r->b->dir, rollup, rebuild);
}

static int open_pipe(struct reader *r)
{
    struct rebuild *b = r->b;
    struct ts_pipe_config c = {
        .loop = &r->loop,
        .genesis = &b->genesis,
        .crypto = b->crypto,
        .engine = &ts_ledger_engine,
        .ctx = r,
        .batch = on_batch,
        .taken = on_taken,
        .moved = on_moved,
    };
    if (getentropy(c.seed, sizeof(c.seed)) != 0)
        return cli_fail("the system gives no random bytes");
    ts_err err = ts_pipe_new(&c, &r->pipe);
    if (err != TS_OK)
        return cli_fail("%s", ts_err_text((int)err));
    if (ts_dir_open(&b->dir, b->o.out, &b->genesis, ts_pipe_rebuild(r->pipe)) != TS_OK)
        return cli_fail("%s", b->dir.why);
    b->before = r->said_number = ts_rebuild_head(ts_pipe_rebuild(r->pipe))->number;
    if (b->before > 0)
        fprintf(stderr, "%s holds %llu batches: on from there\n", b->o.out,
                (unsigned long long)b->before);
    r->given = b->before;
    return rebuild_check_kept(b);
}

static int open_l1(struct reader *r)
{
    struct ts_l1_follow_settings s;
    const struct ts_l1_client_config c = {.url = r->b->o.l1, .max_connections = BLOCK_ASKS + 4};
    char why[256];
    ts_l1_follow_settings_default(&s);
    s.confirmations = r->b->o.confirmations;
    s.answer_us = HELD_US;
    s.retry_max_us = 2000000;
    s.wants_rollups = true;
    s.rollups_above = r->b->before;
    s.rollups_at = r->b->l1_end; /* by then it is known which of them stand */
    ts_err err = ts_l1_follower_new(&r->b->genesis, &s, &r->follower);
    if (err != TS_OK)
        return cli_fail("L1 cannot be followed: %s", ts_err_text((int)err));
    if (ts_l1_client_new(&r->loop, &c, &r->client, why, sizeof(why)) != TS_OK)
        return cli_fail("%s", why);
    return TS_EXIT_OK;
}

static void run(struct reader *r)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    r->moved_ms = r->said_ms = r->start_ms = cli_mono_ms();
    TS_CHECK(uv_timer_init(&r->loop, &r->timer) == 0 && uv_timer_init(&r->loop, &r->look) == 0);
    r->timer.data = r->look.data = r;
    for (size_t i = 0; i < TS_COUNT(numbers); i++) {
        TS_CHECK(uv_signal_init(&r->loop, &r->signals[i]) == 0);
        r->signals[i].data = r;
        TS_CHECK(uv_signal_start(&r->signals[i], on_signal, numbers[i]) == 0);
    }
    TS_CHECK(uv_timer_start(&r->timer, on_timer, 0, 0) == 0);
    TS_CHECK(uv_timer_start(&r->look, on_look, 250, 250) == 0);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    r->b->seconds = (double)(cli_mono_ms() - r->start_ms) / 1000;
}

/* What came out is kept, also when it is not all: but not behind a fault. */
static void keep(struct reader *r)
{
    struct rebuild *b = r->b;
    const struct ts_rebuild *u = ts_pipe_rebuild(r->pipe);
    if (ts_pipe_fault(r->pipe) == NULL && ts_dir_save(&b->dir, u) != TS_OK && r->code == TS_EXIT_OK)
        r->code = cli_fail("%s", b->dir.why);
    b->head = *ts_rebuild_head(u);
    b->rollups = ts_rebuild_count(u);
    if (r->is_cut)
        (void)cli_fail("cut off at batch %llu: the same command goes on from there",
                       (unsigned long long)b->head.number);
}

int rebuild_from_l1(struct rebuild *b)
{
    struct reader r = {.b = b};
    TS_CHECK(uv_loop_init(&r.loop) == 0);
    r.code = open_pipe(&r);
    if (r.code == TS_EXIT_OK)
        r.code = open_l1(&r);
    if (r.code == TS_EXIT_OK) {
        run(&r);
        keep(&r);
    }
    ts_pipe_free(r.pipe);
    ts_l1_follower_free(r.follower);
    free(r.lists);
    TS_CHECK(uv_loop_close(&r.loop) == 0);
    return r.code;
}
