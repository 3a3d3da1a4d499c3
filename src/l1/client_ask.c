/* SPDX-License-Identifier: Apache-2.0 */
/* A call that waits: a client on a loop of its own, and the answer copied into the caller's arena.
 */
#include "base/check.h"
#include "l1/client.h"
#include "l1/json.h"

struct asking {
    uv_loop_t *loop;
    struct ts_arena *arena;
    struct ts_l1_answer *out;
    bool is_done;
};

static const void *keep(struct asking *a, const void *p, size_t n)
{
    void *copy = ts_arena_alloc(a->arena, n);
    if (copy && n > 0)
        memcpy(copy, p, n);
    return copy;
}

static bool keep_bytes(struct asking *a, ts_bytes *b)
{
    b->p = keep(a, b->p, b->n);
    return b->p != NULL;
}

static bool keep_logs(struct asking *a, struct ts_l1_answer *out)
{
    struct ts_l1_log *log = ts_arena_array(a->arena, out->u.logs.n, sizeof(*log));
    bool good = log != NULL;
    for (size_t i = 0; good && i < out->u.logs.n; i++) {
        log[i] = out->u.logs.log[i];
        good = keep_bytes(a, &log[i].data);
    }
    out->u.logs.log = log;
    return good;
}

/* Moves what the answer points to into the caller's arena. */
static bool keep_result(struct asking *a, struct ts_l1_answer *out)
{
    if (out->err != TS_OK)
        return true;
    switch (out->method) {
    case TS_L1_BLOCK:
        return keep_bytes(a, &out->u.block.header);
    case TS_L1_LOGS:
        return keep_logs(a, out);
    case TS_L1_TX:
        return keep_bytes(a, &out->u.tx.input);
    case TS_L1_VIEW:
    case TS_L1_CODE:
        return keep_bytes(a, &out->u.bytes);
    default:
        return true;
    }
}

static void on_answer(void *ctx, const struct ts_l1_answer *answer)
{
    struct asking *a = ctx;
    struct ts_l1_answer kept = *answer;
    kept.text = keep(a, answer->text, strlen(answer->text) + 1);
    if (!kept.text || !keep_result(a, &kept)) {
        const struct ts_l1_call call = {.id = answer->id, .method = answer->method};
        ts_l1_fail_answer(&call, TS_E_NOMEM, "out of memory", a->arena, &kept);
    }
    *a->out = kept;
    a->is_done = true;
    uv_stop(a->loop); /* it came by a timer, perhaps: the loop would wait for what comes next */
}

static void ask_on(uv_loop_t *loop, const char *url, const struct ts_l1_call *call,
                   unsigned timeout_ms, struct asking *a)
{
    char why[TS_L1_MAX_TEXT] = "out of memory";
    struct ts_l1_client *c = NULL;
    const struct ts_l1_client_config config = {.url = url, .max_connections = 1};
    ts_err err = ts_l1_client_new(loop, &config, &c, why, sizeof(why));
    if (err == TS_OK) {
        err = ts_l1_client_call(c, call, timeout_ms, on_answer, a);
        snprintf(why, sizeof(why), "%s", ts_err_text(err));
    }
    if (err != TS_OK)
        ts_l1_fail_answer(call, err, why, a->arena, a->out);
    while (err == TS_OK && !a->is_done)
        uv_run(loop, UV_RUN_ONCE);
    ts_l1_client_close(c);
    while (uv_run(loop, UV_RUN_DEFAULT) != 0)
        ; /* stopped before it began */
}

void ts_l1_client_ask(const char *url, const struct ts_l1_call *call, unsigned timeout_ms,
                      struct ts_arena *arena, struct ts_l1_answer *out)
{
    uv_loop_t loop;
    struct asking a = {.loop = &loop, .arena = arena, .out = out};
    if (uv_loop_init(&loop) < 0) {
        ts_l1_fail_answer(call, TS_E_NOMEM, "out of memory", arena, out);
        return;
    }
    ask_on(&loop, url, call, timeout_ms, &a);
    TS_CHECK(uv_loop_close(&loop) == 0);
}
