/* SPDX-License-Identifier: Apache-2.0 */
/* The attached enclave: its link, the requests that wait for it, deadlines and queries.
 *
 *   DOWN ─▶ CONNECTING ─▶ IDENTIFY ─▶ LOADING ─▶ SYNCING ─▶ VALIDATING;  refuses a batch ─▶ DISPUTE
 *   any ──lost, late, or wrong──▶ DOWN */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/check.h"
#include "node/internal.h"

#define BACKOFF_MIN_US UINT64_C(200000)
#define BACKOFF_MAX_US UINT64_C(10000000)

static const char *const state_texts[] = {
    [TS_NODE_ENC_NONE] = "none",
    [TS_NODE_ENC_DOWN] = "down",
    [TS_NODE_ENC_CONNECTING] = "connecting",
    [TS_NODE_ENC_IDENTIFY] = "identify",
    [TS_NODE_ENC_LOADING] = "loading",
    [TS_NODE_ENC_SYNCING] = "syncing",
    [TS_NODE_ENC_VALIDATING] = "validating",
    [TS_NODE_ENC_DISPUTE] = "dispute",
};

const char *ts_node_validator_state_text(enum ts_node_enclave_state state)
{
    return state_texts[state];
}

static bool is_linked(const struct validator *v)
{
    return v->state >= TS_NODE_ENC_IDENTIFY;
}

void ts_node_validator_begin(struct ts_node *n)
{
    if (!n->start.has_enclave)
        return;
    n->validator.state = TS_NODE_ENC_DOWN;
    n->validator.due_us = n->now.mono_us;
}

/* ---- requests: a ring, since answers come in their order ---- */

static struct enc_request *oldest(struct validator *v)
{
    return &v->pending[v->first];
}

static struct enc_request take_oldest(struct validator *v)
{
    struct enc_request r = *oldest(v);
    v->first = (v->first + 1) % NODE_ENC_PENDING;
    v->n_pending--;
    v->n_accepts -= r.type == TS_MSG_ACCEPT;
    v->n_queries -= r.type == TS_MSG_QUERY;
    return r;
}

void ts_node_validator_ask(struct ts_node *n, struct ts_msg *m, const struct enc_request *extra)
{
    struct validator *v = &n->validator;
    TS_CHECK(v->n_pending < NODE_ENC_PENDING);
    m->id = ++v->next_id;
    struct enc_request *r = &v->pending[(v->first + v->n_pending) % NODE_ENC_PENDING];
    *r = extra != NULL ? *extra : (struct enc_request){0};
    r->id = m->id;
    r->type = m->type;
    r->sent_us = n->now.mono_us;
    v->n_pending++;
    v->n_accepts += m->type == TS_MSG_ACCEPT;
    v->n_queries += m->type == TS_MSG_QUERY;
    struct ts_buf *b = ts_node_buf(n);
    ts_msg_put(b, m);
    ts_node_send(n, TS_NODE_LINK_ENCLAVE, b);
}

void ts_node_validator_exit(struct ts_node *n)
{
    if (n->validator.is_leaving)
        return;
    n->validator.is_leaving = true;
    ts_node_validator_ask(n, &(struct ts_msg){.type = TS_MSG_EXIT}, NULL);
}

static void drop_requests(struct ts_node *n)
{
    struct validator *v = &n->validator;
    while (v->n_pending > 0) {
        struct enc_request r = take_oldest(v);
        if (r.type == TS_MSG_QUERY) {
            n->counters.queries_refused++;
            ts_node_reply(n, r.token, TS_E_CLOSED, (ts_bytes){0},
                          "the attached enclave went away before it answered");
        }
    }
    v->load_token = 0;
    v->is_snapshotting = false;
    v->is_sync_asked = false;
    v->is_leaving = false;
}

/* ---- the link ---- */

static void down(struct ts_node *n, const char *why)
{
    struct validator *v = &n->validator;
    bool is_news = is_linked(v) || v->reason[0] == '\0';
    snprintf(v->reason, sizeof(v->reason), "%s", why);
    for (char *c = v->reason; *c != '\0'; c++) {
        if (*c < ' ' || *c >= 0x7f || *c == '"')
            *c = '?';
    }
    drop_requests(n);
    n->counters.enclave_failures += is_linked(v);
    v->state = TS_NODE_ENC_DOWN;
    v->due_us = n->now.mono_us + ts_node_backoff(n, BACKOFF_MIN_US, BACKOFF_MAX_US, v->attempts++);
    if (is_news)
        ts_node_event(n, TS_LOG_WARN, "enclave-down", "reason=\"%s\"", v->reason);
}

void ts_node_validator_fail(struct ts_node *n, const char *format, ...)
{
    char why[NODE_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    ts_node_output_new(n, TS_NODE_OUT_CLOSE)->link = TS_NODE_LINK_ENCLAVE;
    down(n, why);
}

void ts_node_validator_link_up(struct ts_node *n)
{
    struct validator *v = &n->validator;
    if (v->state != TS_NODE_ENC_CONNECTING)
        return;
    v->state = TS_NODE_ENC_IDENTIFY;
    v->answer_us = 0;
    ts_node_validator_ask(n, &(struct ts_msg){.type = TS_MSG_IDENTIFY}, NULL);
}

void ts_node_validator_link_down(struct ts_node *n, const char *text)
{
    struct validator *v = &n->validator;
    if (v->state == TS_NODE_ENC_NONE || v->state == TS_NODE_ENC_DOWN)
        return;
    down(n, text != NULL ? text : "the connection was lost");
}

/* ---- frames ---- */

static void answer_query(struct ts_node *n, const struct enc_request *r, const struct ts_msg *m)
{
    const struct ts_msg_query_answer *a = &m->u.query_answer;
    ts_node_reply(n, r->token, TS_OK, a->answer, NULL);
    struct ts_node_output *o = &n->out[n->n_out - 1];
    o->number = a->head.number;
    o->hash = a->head.hash;
}

static void refused(struct ts_node *n, const struct enc_request *r, const struct ts_msg_error *e)
{
    switch (r->type) {
    case TS_MSG_QUERY:
        n->counters.queries_refused++;
        ts_node_reply(
            n, r->token, e->code, (ts_bytes){0},
            ts_node_text(n, "%.*s", (int)e->text.n, e->text.n > 0 ? (const char *)e->text.p : ""));
        break;
    case TS_MSG_ACCEPT:
        ts_node_validator_refused(n, r, e);
        break;
    case TS_MSG_LOAD:
        ts_node_validator_no_place(n, ts_err_text((int)e->code));
        break;
    case TS_MSG_SNAPSHOT:
        n->validator.is_snapshotting = false;
        n->validator.snapshot_at = n->validator.head.number; /* not at every batch again */
        ts_node_event(n, TS_LOG_WARN, "enclave-snapshot-failed", "reason=\"%s\"",
                      ts_err_text((int)e->code));
        break;
    default:
        ts_node_validator_fail(n, "it refuses %s: %.*s", ts_msg_name(r->type), (int)e->text.n,
                               e->text.n > 0 ? (const char *)e->text.p : "");
    }
}

static void answered(struct ts_node *n, const struct enc_request *r, const struct ts_msg *m)
{
    switch (r->type) {
    case TS_MSG_IDENTIFY:
        ts_node_validator_identified(n, &m->u.identity);
        break;
    case TS_MSG_LOAD:
        ts_node_validator_placed(n, &m->u.head);
        break;
    case TS_MSG_ACCEPT:
    case TS_MSG_SYNCED:
        ts_node_validator_stands(n, r, &m->u.events);
        break;
    case TS_MSG_SNAPSHOT:
        n->validator.is_snapshotting = false;
        n->validator.snapshot_at = m->u.head.number;
        ts_node_event(n, TS_LOG_INFO, "enclave-snapshot", "number=%" PRIu64, m->u.head.number);
        break;
    case TS_MSG_QUERY:
        answer_query(n, r, m);
        break;
    default:
        break; /* EXIT: it goes by itself */
    }
}

void ts_node_validator_frame(struct ts_node *n, ts_bytes frame)
{
    struct validator *v = &n->validator;
    struct ts_msg m;
    if (!is_linked(v))
        return;
    ts_arena_reset(&n->scratch);
    ts_err err = ts_msg_decode_answer(frame, &n->scratch, &m);
    if (err != TS_OK) {
        ts_node_validator_fail(n, "its answer is malformed: %s", ts_err_text((int)err));
        return;
    }
    if (m.type == TS_MSG_LEAVING) { /* its process was asked to end: nothing here holds it up */
        ts_node_validator_exit(n);
        return;
    }
    if (v->n_pending == 0 || oldest(v)->id != m.id ||
        (m.type != oldest(v)->type && m.type != TS_MSG_ERROR)) {
        ts_node_validator_fail(n, "it answered %s with id %" PRIu64 ", which was not asked next",
                               ts_msg_name(m.type), m.id);
        return;
    }
    struct enc_request r = take_oldest(v);
    v->answer_us = n->now.mono_us;
    if (m.type == TS_MSG_ERROR)
        refused(n, &r, &m.u.error);
    else
        answered(n, &r, &m);
}

/* ---- queries ---- */

static const char *why_no_query(struct ts_node *n)
{
    const struct validator *v = &n->validator;
    switch (v->state) {
    case TS_NODE_ENC_VALIDATING:
        return v->n_queries < NODE_ENC_QUERIES ? NULL : "too many queries wait; try again";
    case TS_NODE_ENC_NONE:
        return "this node has no enclave attached, so it does not know the state of accounts";
    case TS_NODE_ENC_SYNCING:
        return ts_node_text(n, "the attached enclave is catching up: batch %" PRIu64 " of %" PRIu64,
                            v->head.number, n->stored.number);
    case TS_NODE_ENC_DISPUTE:
        return ts_node_text(n, "the attached enclave refuses batch %" PRIu64 " of this chain",
                            v->disputed);
    default:
        return ts_node_text(n, "the attached enclave is not ready: %s",
                            v->reason[0] != '\0' ? v->reason
                                                 : ts_node_validator_state_text(v->state));
    }
}

void ts_node_validator_query(struct ts_node *n, uint64_t token, enum ts_query_kind kind,
                             ts_bytes arg)
{
    const char *why = why_no_query(n);
    if (why != NULL) {
        bool busy = n->validator.state == TS_NODE_ENC_VALIDATING;
        n->counters.queries_refused++;
        ts_node_reply(n, token, busy ? TS_E_BUSY : TS_E_STATE, (ts_bytes){0}, why);
        return;
    }
    n->counters.queries++;
    struct ts_msg m = {.type = TS_MSG_QUERY};
    m.u.query = (struct ts_msg_query){.kind = kind, .arg = arg};
    ts_node_validator_ask(n, &m, &(struct enc_request){.token = token});
}

/* ---- time ---- */

static void tick_pending(struct ts_node *n, uint64_t *wake)
{
    struct validator *v = &n->validator;
    if (!is_linked(v) || v->n_pending == 0)
        return;
    const struct enc_request *r = oldest(v);
    bool is_long = r->type == TS_MSG_LOAD || r->type == TS_MSG_SNAPSHOT;
    uint64_t since = r->sent_us > v->answer_us ? r->sent_us : v->answer_us;
    uint64_t limit = is_long ? n->s.enclave_load_us : n->s.enclave_us;
    if (n->now.mono_us >= since + limit)
        ts_node_validator_fail(n, "it did not answer %s in %" PRIu64 " ms", ts_msg_name(r->type),
                               limit / 1000);
    else if (since + limit < *wake)
        *wake = since + limit;
}

static void tick_due(struct ts_node *n)
{
    struct validator *v = &n->validator;
    if (n->now.mono_us < v->due_us)
        return;
    if (v->state == TS_NODE_ENC_DOWN) {
        v->state = TS_NODE_ENC_CONNECTING;
        v->due_us = n->now.mono_us + n->s.enclave_us;
        ts_node_output_new(n, TS_NODE_OUT_CONNECT)->link = TS_NODE_LINK_ENCLAVE;
    } else if (v->state == TS_NODE_ENC_CONNECTING) {
        ts_node_validator_fail(n, "no connection in time");
    } else if (v->state == TS_NODE_ENC_DISPUTE) {
        ts_node_validator_fail(n, "it refuses batch %" PRIu64 "; it is asked again", v->disputed);
    }
}

void ts_node_validator_tick(struct ts_node *n, uint64_t *wake)
{
    struct validator *v = &n->validator;
    if (v->state == TS_NODE_ENC_NONE || n->is_stopping)
        return;
    tick_due(n);
    tick_pending(n, wake);
    ts_node_validator_feed(n);
    bool is_timed = v->state == TS_NODE_ENC_DOWN || v->state == TS_NODE_ENC_CONNECTING ||
                    v->state == TS_NODE_ENC_DISPUTE;
    if (is_timed && v->due_us < *wake)
        *wake = v->due_us;
}

void ts_node_validator_stop(struct ts_node *n)
{
    struct validator *v = &n->validator;
    if (v->state == TS_NODE_ENC_NONE)
        return;
    drop_requests(n);
    if (v->state != TS_NODE_ENC_DOWN)
        ts_node_output_new(n, TS_NODE_OUT_CLOSE)->link = TS_NODE_LINK_ENCLAVE;
    v->state = TS_NODE_ENC_DOWN;
    snprintf(v->reason, sizeof(v->reason), "the node is stopping");
}
