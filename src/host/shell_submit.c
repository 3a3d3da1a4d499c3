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

/* A request to replace an enclave, from the question for its successor's statement to its end. */
struct l1_order {
    struct l1_order *next;
    struct ts_shell *shell;
    uint64_t job;
    struct ts_rpc_call *call; /* waits for an answer; NULL: nobody does (any more) */
    bool is_registration;     /* of the replacement, and nothing else */
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

static void fail(struct l1_order *o, ts_err err, const char *text)
{
    char id[TS_ADDRESS_HEX_SIZE];
    const ts_address *of = o->is_registration ? &o->replacement : &o->faulty;
    ts_log(TS_LOG_ERROR, o->is_registration ? "registration-failed" : "replacement-failed",
           "enclave=%s reason=\"%s\"", ts_hex(of->b, sizeof(of->b), id), text);
    if (o->call != NULL)
        ts_api_fail(o->call, err, text);
    o->call = NULL;
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
    fail(o, err, "nothing more can be brought to L1 now");
    drop(s, o);
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

/* Without a key for L1 the statement itself is the answer: anyone may bring it there. */
static void only_register(struct l1_order *o, const struct ts_host_output *reply)
{
    struct ts_shell *s = o->shell;
    if (reply->err != TS_OK) {
        fail(o, reply->err, reply->text != NULL ? reply->text : ts_err_text(reply->err));
        drop(s, o);
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
    fail(o, err, "nothing more can be brought to L1 now");
    drop(s, o);
}

static void on_statement(struct ts_shell *s, void *ctx, const struct ts_host_output *reply)
{
    struct l1_order *o = ctx;
    if (o->is_registration) {
        only_register(o, reply);
        return;
    }
    if (s->submit == NULL) { /* the host is ending */
        fail(o, TS_E_CLOSED, "the host is ending");
        drop(s, o);
        return;
    }
    if (reply->err == TS_OK) {
        read_statement(o, reply->bytes);
        register_enclave(o);
    }
    request(o); /* its enclave may run elsewhere, and be registered from there */
}

static void order(struct ts_shell *s, const struct l1_order *what)
{
    struct l1_order *o = malloc(sizeof(*o));
    if (o == NULL) {
        if (what->call != NULL)
            ts_api_fail(what->call, TS_E_NOMEM, NULL);
        return;
    }
    *o = *what;
    o->shell = s;
    o->next = s->orders;
    s->orders = o;
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
    if (!s->config.auto_replace || s->submit == NULL || !out->switched.set)
        return;
    struct l1_order o = {.faulty = out->switched.from, .replacement = out->switched.to};
    (void)snprintf(o.reason, sizeof(o.reason), "%s", out->text);
    order(s, &o);
}

/* ---- what becomes of it ---------------------------------------------------------------------- */

static void on_sent(struct ts_shell *s, const struct ts_l1_submit_output *out)
{
    struct l1_order *o = *find(s, out->job);
    if (o == NULL || o->call == NULL)
        return;
    ts_rpc_result(o->call, o->is_registration ? statement_json(o, &out->tx)
                                              : json_pack("{s:o}", "tx", ts_json_hash(&out->tx)));
    o->call = NULL;
}

static void on_order_done(struct ts_shell *s, const struct ts_l1_submit_output *out)
{
    char faulty[TS_ADDRESS_HEX_SIZE], other[TS_ADDRESS_HEX_SIZE];
    struct l1_order *o = *find(s, out->job);
    if (o == NULL)
        return; /* a registration */
    if (out->err != TS_OK)
        fail(o, out->err, out->text);
    else if (o->is_registration)
        ts_log(TS_LOG_INFO, "enclave-registered", "enclave=%s block=%" PRIu64,
               ts_hex(o->replacement.b, sizeof(o->replacement.b), other), out->block);
    else
        ts_log(TS_LOG_INFO, "replacement-requested", "enclave=%s replacement=%s block=%" PRIu64,
               ts_hex(o->faulty.b, sizeof(o->faulty.b), faulty),
               ts_hex(o->replacement.b, sizeof(o->replacement.b), other), out->block);
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

/* ---- its life -------------------------------------------------------------------------------- */

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
    ts_address a = ts_submit_account(s->submit);
    ts_log(TS_LOG_INFO, "l1-account", "account=%s", ts_hex(a.b, sizeof(a.b), account));
    return TS_OK;
}

void shell_submit_close(struct ts_shell *s)
{
    ts_submit_close(s->submit);
    s->submit = NULL;
    while (s->orders != NULL) {
        if (s->orders->call != NULL)
            ts_api_fail(s->orders->call, TS_E_CLOSED, "the host is ending");
        drop(s, s->orders);
    }
}
