/* SPDX-License-Identifier: Apache-2.0 */
/* What the host brings to L1: rollups for the core, and requests to replace an enclave for
 * operators, or by itself when that is configured. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "codec/json.h"
#include "host/shell_internal.h"
#include "l1/contract.h"
#include "rpc/api.h"

#define MAX_REASON   256 /* bytes, as the contract takes them */
#define MAX_CALLDATA (1024 * 1024)
#define ORDER_JOB    ((uint64_t)1 << 63) /* the core's own tokens are below */
#define ANSWER_MS    5000u               /* whoever asked hears by then what is known */

/* A request to replace an enclave, from the question for its successor's statement to its end. */
struct l1_order {
    struct l1_order *next;
    struct ts_shell *shell;
    uint64_t job;
    struct ts_rpc_call *call; /* waits for an answer; NULL: nobody does (any more) */
    uint64_t until_ms;        /* loop time: so long */
    bool is_registration;     /* of the replacement, and nothing else */
    bool is_own;              /* the core named it, and is told what comes of it */
    bool is_sent;
    bool is_joined; /* who waits asked for what was under way */
    ts_hash tx;     /* when is_sent */
    ts_address faulty, replacement;
    ts_hash measurement; /* what the replacement has signed */
    ts_sig sig;
    char reason[MAX_REASON + 1];
};

/* ---- orders ---------------------------------------------------------------------------------- */

static struct l1_order **find(struct ts_shell *s, uint64_t job)
{
    struct l1_order **at = &s->orders;
    while (*at != NULL && (*at)->job != job)
        at = &(*at)->next;
    return at;
}

static void drop(struct ts_shell *s, struct l1_order *o)
{
    struct l1_order **at = &s->orders;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    free(o);
}

/* Asked for already, by an earlier life of this host or by somebody else: that is what is wanted.
 */
static bool is_there(const struct l1_order *o, ts_err err, const char *text)
{
    return o->is_own && err == TS_E_L1_REVERT && text != NULL &&
           strstr(text, "AlreadyRequested") != NULL;
}

/* What the contract says, in words for who asked; its own stand behind them. */
static const char *words_of(const char *text, char out[320])
{
    static const struct {
        const char *error, *words;
    } all[] = {
        {"AlreadyRequested", "a replacement of this enclave is under way already: the request on "
                             "L1 waits for governance"},
        {"AlreadyRegistered", "the enclave is registered on L1 already: governance may grant it"},
        {"AlreadySequencer", "the enclave that is to take the place is on the list already"},
        {"NotSequencer", "the enclave that is to be replaced is not on the list"},
        {"TooManyRequests", "too many requests wait for governance already"},
        {"EnforcedPause", "governance has paused the contract"},
        {"AccessControlUnauthorizedAccount",
         "the account of l1-key is not the one that the contract has as the operator's"},
    };
    for (size_t i = 0; i < TS_COUNT(all); i++) {
        if (strstr(text, all[i].error) == NULL)
            continue;
        (void)snprintf(out, 320, "%s (%.200s)", all[i].words, text);
        return out;
    }
    return text;
}

static void tell_core(struct ts_shell *s, const struct l1_order *o, ts_err err)
{
    struct ts_host_input in = {
        .kind = TS_IN_REQUESTED, .has_id = true, .id = o->faulty, .err = err};
    if (o->is_own)
        shell_input(s, &in);
}

static void fail(struct l1_order *o, ts_err err, const char *text)
{
    char id[TS_ADDRESS_HEX_SIZE], words[320];
    const ts_address *of = o->is_registration ? &o->replacement : &o->faulty;
    ts_log(TS_LOG_ERROR, o->is_registration ? "registration-failed" : "replacement-failed",
           "enclave=%s reason=\"%s\"", ts_hex(of->b, sizeof(of->b), id), text);
    if (o->call != NULL)
        ts_api_fail(o->call, err, words_of(text, words));
    o->call = NULL;
    tell_core(o->shell, o, err);
}

static void end(struct l1_order *o, ts_err err, const char *text)
{
    fail(o, err, text);
    drop(o->shell, o);
}

static ts_err submit(struct ts_shell *s, uint64_t job, const struct ts_buf *data)
{
    if (data->err != TS_OK)
        return data->err;
    return ts_submit_job(s->submit, job, &s->config.genesis->contract, ts_buf_bytes(data));
}

/* The contract need not know the successor yet when it is asked: governance grants it later. */
static void request(struct l1_order *o)
{
    struct ts_shell *s = o->shell;
    struct ts_buf b;
    ts_buf_init(&b, MAX_CALLDATA);
    ts_l1_put_request_replacement(&b, &o->faulty, &o->replacement, o->reason);
    o->job = ORDER_JOB | ++s->n_orders;
    ts_err err = submit(s, o->job, &b);
    ts_buf_free(&b);
    if (err == TS_OK)
        return;
    end(o, err, "nothing more can be brought to L1 now");
}

static void read_statement(struct l1_order *o, ts_bytes statement)
{
    TS_CHECK(statement.n == sizeof(o->measurement) + sizeof(o->sig));
    memcpy(&o->measurement, statement.p, sizeof(o->measurement));
    memcpy(&o->sig, statement.p + sizeof(o->measurement), sizeof(o->sig));
}

static ts_err submit_registration(struct l1_order *o, uint64_t job)
{
    struct ts_buf b;
    ts_buf_init(&b, MAX_CALLDATA);
    ts_l1_put_register(&b, &o->replacement, &o->measurement, &o->sig);
    ts_err err = submit(o->shell, job, &b);
    ts_buf_free(&b);
    return err;
}

/* One that is on record already is refused by the contract, which is no harm. */
static void register_enclave(struct l1_order *o)
{
    if (submit_registration(o, ORDER_JOB | ++o->shell->n_orders) != TS_OK)
        ts_log(TS_LOG_WARN, "registration-failed",
               "reason=\"nothing more can be brought to L1 now\"");
}

static json_t *statement_json(const struct l1_order *o, const ts_hash *tx)
{
    char sig[2 * sizeof(o->sig.b) + 3];
    return json_pack("{s:o, s:o, s:s, s:o}", "enclave", ts_json_address(&o->replacement),
                     "measurement", ts_json_hash(&o->measurement), "signature",
                     ts_hex(o->sig.b, sizeof(o->sig.b), sig), "tx",
                     tx != NULL ? ts_json_hash(tx) : json_null());
}

static const char *said(const struct ts_host_output *reply)
{
    return reply->text != NULL ? reply->text : ts_err_text(reply->err);
}

/* Without a key for L1 the statement itself is the answer: anyone may bring it there. */
static void only_register(struct l1_order *o, const struct ts_host_output *reply)
{
    struct ts_shell *s = o->shell;
    if (reply->err != TS_OK) {
        end(o, reply->err, said(reply));
        return;
    }
    read_statement(o, reply->bytes);
    if (s->submit == NULL) {
        ts_rpc_result(o->call, statement_json(o, NULL));
        drop(s, o);
        return;
    }
    o->job = ORDER_JOB | ++s->n_orders;
    ts_err err = submit_registration(o, o->job);
    if (err == TS_OK)
        return;
    end(o, err, "nothing more can be brought to L1 now");
}

static void on_statement(struct ts_shell *s, void *ctx, const struct ts_host_output *reply)
{
    struct l1_order *o = ctx;
    if (o->is_registration) {
        only_register(o, reply);
        return;
    }
    if (s->submit == NULL) { /* the host is ending */
        end(o, TS_E_CLOSED, "the host is ending");
        return;
    }
    if (reply->err != TS_OK && o->is_own) { /* a spare that only says who it is */
        end(o, reply->err, said(reply));
        return;
    }
    if (reply->err == TS_OK) {
        read_statement(o, reply->bytes);
        register_enclave(o);
    }
    request(o); /* its enclave may run elsewhere, and be registered from there */
}

/* ---- who waits for it ---- */

static void answer_sent(struct l1_order *o)
{
    ts_rpc_result(o->call, o->is_registration ? statement_json(o, &o->tx)
                                              : json_pack("{s:o,s:b}", "tx", ts_json_hash(&o->tx),
                                                          "underWay", (int)o->is_joined));
    o->call = NULL;
}

static void answer_late(struct l1_order *o)
{
    char text[240];
    (void)snprintf(
        text, sizeof(text),
        "L1 has not taken the %s within %u s. It goes on and is brought there when L1 answers, "
        "as long as this host runs: its log then says %s; ask again to wait for it",
        o->is_registration ? "registration" : "request", ANSWER_MS / 1000,
        o->is_registration ? "enclave-registered or registration-failed"
                           : "replacement-requested or replacement-failed");
    ts_api_fail(o->call, TS_E_TIMEOUT, text);
    o->call = NULL;
}

static void on_timer(uv_timer_t *timer)
{
    struct ts_shell *s = timer->data;
    uint64_t now = uv_now(s->config.loop), next = UINT64_MAX;
    for (struct l1_order *o = s->orders; o != NULL; o = o->next) {
        if (o->call != NULL && now >= o->until_ms)
            answer_late(o);
        else if (o->call != NULL && o->until_ms < next)
            next = o->until_ms;
    }
    if (next != UINT64_MAX)
        (void)uv_timer_start(timer, on_timer, next - now, 0);
}

static void wait_for(struct l1_order *o)
{
    struct ts_shell *s = o->shell;
    if (o->call == NULL || s->order_timer == NULL)
        return;
    uv_update_time(s->config.loop);
    o->until_ms = uv_now(s->config.loop) + ANSWER_MS;
    if (!uv_is_active((uv_handle_t *)s->order_timer))
        (void)uv_timer_start(s->order_timer, on_timer, ANSWER_MS, 0);
}

/* One under way that wants the same of the same enclave. */
static struct l1_order *like(struct ts_shell *s, const struct l1_order *what)
{
    for (struct l1_order *o = s->orders; o != NULL; o = o->next)
        if (o->is_registration == what->is_registration &&
            ts_address_equal(&o->faulty, &what->faulty) &&
            (!o->is_registration || ts_address_equal(&o->replacement, &what->replacement)))
            return o;
    return NULL;
}

/* Joins it: what is asked for twice is brought to L1 once. */
static void join(struct l1_order *o, const struct l1_order *what)
{
    bool same = ts_address_equal(&o->replacement, &what->replacement) &&
                strcmp(o->reason, what->reason) == 0;
    o->is_own = o->is_own || what->is_own;
    if (what->call == NULL)
        return;
    if (!same || o->call != NULL) {
        ts_api_fail(what->call, TS_E_BUSY,
                    same ? "the same is on its way to L1 already, and somebody waits for it"
                         : "another request to replace this enclave, with another successor or "
                           "reason, is on its way to L1 already");
        return;
    }
    o->call = what->call;
    o->is_joined = true;
    if (o->is_sent)
        answer_sent(o);
    else
        wait_for(o);
}

static void order(struct ts_shell *s, const struct l1_order *what)
{
    struct l1_order *other = like(s, what);
    if (other != NULL) {
        join(other, what);
        return;
    }
    struct l1_order *o = malloc(sizeof(*o));
    if (o == NULL) {
        if (what->call != NULL)
            ts_api_fail(what->call, TS_E_NOMEM, NULL);
        tell_core(s, what, TS_E_NOMEM);
        return;
    }
    *o = *what;
    o->shell = s;
    o->next = s->orders;
    s->orders = o;
    wait_for(o);
    struct ts_host_input in = {
        .kind = TS_IN_ADMIN, .admin = TS_ADMIN_REGISTER, .has_id = true, .id = o->replacement};
    shell_ask(s, &in, on_statement, o);
}

void shell_replace(void *ctx, struct ts_rpc_call *call)
{
    struct ts_shell *s = shell_of(ctx);
    struct l1_order o = {.call = call};
    const char *reason;
    if (!ts_rpc_param_address(call, 0, "enclave", &o.faulty) ||
        !ts_rpc_param_address(call, 1, "replacement", &o.replacement) ||
        !ts_rpc_param_string(call, 2, "reason", MAX_REASON, &reason))
        return;
    if (s->submit == NULL) {
        ts_api_fail(call, TS_E_STATE,
                    "this host brings nothing to L1: it was started without l1-key; print the "
                    "transaction with tenseq replace --calldata");
        return;
    }
    (void)snprintf(o.reason, sizeof(o.reason), "%s", reason);
    order(s, &o);
}

void shell_register(void *ctx, struct ts_rpc_call *call)
{
    struct l1_order o = {.call = call, .is_registration = true};
    if (ts_rpc_param_address(call, 0, "enclave", &o.replacement))
        order(shell_of(ctx), &o);
}

void shell_on_corrupted(struct ts_shell *s, const struct ts_host_output *out)
{
    if (!s->config.auto_replace || s->submit == NULL)
        return;
    struct l1_order o = {
        .faulty = out->switched.from, .replacement = out->switched.to, .is_own = true};
    (void)snprintf(o.reason, sizeof(o.reason), "%s", out->text);
    order(s, &o);
}

/* ---- what becomes of it ---------------------------------------------------------------------- */

static void on_sent(struct ts_shell *s, const struct ts_l1_submit_output *out)
{
    struct l1_order *o = *find(s, out->job);
    if (o == NULL)
        return;
    o->is_sent = true;
    o->tx = out->tx;
    if (o->call != NULL)
        answer_sent(o);
}

static void on_order_done(struct ts_shell *s, const struct ts_l1_submit_output *out)
{
    char faulty[TS_ADDRESS_HEX_SIZE], other[TS_ADDRESS_HEX_SIZE];
    struct l1_order *o = *find(s, out->job);
    if (o == NULL)
        return; /* a registration */
    bool there = is_there(o, out->err, out->text);
    if (out->err != TS_OK && !there)
        fail(o, out->err, out->text);
    else if (o->is_registration)
        ts_log(TS_LOG_INFO, "enclave-registered", "enclave=%s block=%" PRIu64,
               ts_hex(o->replacement.b, sizeof(o->replacement.b), other), out->block);
    else
        ts_log(TS_LOG_INFO, "replacement-requested", "enclave=%s replacement=%s block=%" PRIu64,
               ts_hex(o->faulty.b, sizeof(o->faulty.b), faulty),
               ts_hex(o->replacement.b, sizeof(o->replacement.b), other), out->block);
    if (out->err == TS_OK || there)
        tell_core(s, o, TS_OK);
    drop(s, o);
}

static void on_output(void *ctx, const struct ts_l1_submit_output *o)
{
    struct ts_shell *s = ctx;
    struct ts_host_input in = {
        .kind = TS_IN_SUBMITTED, .token = o->job, .err = o->err, .text = o->text};
    if (o->kind == TS_L1_SUBMIT_EVENT) {
        TS_CHECK(o->level >= 0 && (size_t)o->level < TS_COUNT(s->events));
        s->events[o->level]++;
    } else if (o->kind == TS_L1_SUBMIT_SENT) {
        on_sent(s, o);
    } else if (o->kind == TS_L1_SUBMIT_DONE && (o->job & ORDER_JOB) != 0) {
        on_order_done(s, o);
    } else if (o->kind == TS_L1_SUBMIT_DONE) {
        shell_input(s, &in);
    }
}

/* ---- the core's ------------------------------------------------------------------------------ */

void shell_publish(struct ts_shell *s, const struct ts_host_output *o)
{
    struct ts_host_input in = {.kind = TS_IN_SUBMITTED, .token = o->token};
    struct ts_buf b;
    TS_CHECK(s->submit != NULL); /* else the core was told not to publish */
    ts_buf_init(&b, MAX_CALLDATA);
    ts_l1_put_publish(&b, o->rollup, o->bytes);
    in.err = submit(s, o->token, &b);
    if (b.err == TS_E_LIMIT)
        in.text = "its data are more than a transaction of L1 takes";
    ts_buf_free(&b);
    if (in.err != TS_OK)
        shell_input(s, &in);
}

void shell_withdraw(struct ts_shell *s, uint64_t token)
{
    TS_CHECK(s->submit != NULL); /* it was published */
    ts_submit_cancel(s->submit, token);
}

/* ---- its life -------------------------------------------------------------------------------- */

static ts_err open_timer(struct ts_shell *s)
{
    uv_timer_t *timer = malloc(sizeof(*timer));
    if (timer == NULL || uv_timer_init(s->config.loop, timer) != 0) {
        free(timer);
        return TS_E_NOMEM;
    }
    timer->data = s;
    s->order_timer = timer;
    return TS_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

ts_err shell_submit_open(struct ts_shell *s, char *why, size_t why_size)
{
    struct ts_submit_config c = {
        .loop = s->config.loop,
        .crypto = s->config.crypto,
        .url = s->config.l1_url,
        .key = s->config.l1_key,
        .on_output = on_output,
        .ctx = s,
    };
    char account[TS_ADDRESS_HEX_SIZE];
    if (c.key == NULL || c.url == NULL)
        return TS_OK;
    ts_l1_submit_settings_default(&c.settings);
    c.settings.chain_id = s->config.genesis->l1_chain_id;
    c.settings.confirmations = s->config.l1_confirmations;
    c.settings.max_fee = s->config.l1_max_fee;
    c.settings.stuck_us = s->config.l1_stuck_ms * 1000;
    ts_err err = ts_submit_new(&c, &s->submit, why, why_size);
    if (err != TS_OK)
        return err;
    err = open_timer(s);
    if (err != TS_OK)
        return err;
    ts_address a = ts_submit_account(s->submit);
    ts_log(TS_LOG_INFO, "l1-account", "account=%s", ts_hex(a.b, sizeof(a.b), account));
    return TS_OK;
}

void shell_submit_close(struct ts_shell *s)
{
    ts_submit_close(s->submit);
    s->submit = NULL;
    if (s->order_timer != NULL)
        uv_close((uv_handle_t *)s->order_timer, on_timer_closed);
    s->order_timer = NULL;
    while (s->orders != NULL) {
        if (s->orders->call != NULL)
            ts_api_fail(s->orders->call, TS_E_CLOSED, "the host is ending");
        drop(s, s->orders);
    }
}
