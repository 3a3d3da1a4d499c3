/* SPDX-License-Identifier: Apache-2.0 */
/* One enclave: its link, its requests and their deadlines, and what its answers mean. */
#include <stdarg.h>

#include "host/internal.h"

#define BACKOFF_MIN_US 20000u
#define BACKOFF_MAX_US 1000000u
#define BENCH_US       3000000u
#define DOUBT_MAX      4u        /* doublings of the time on the bench */
#define SHUT_US        10000000u /* a corrupted one may have been replaced */
#define SLOW_US        30000000u /* LOAD and SNAPSHOT read or write the whole state */

int member_index(const struct ts_host *h, const struct member *m)
{
    return (int)(m - h->members);
}

/* Two links may have led to it: the one that does now comes first. */
struct member *member_by_id(struct ts_host *h, const ts_address *id)
{
    struct member *found = NULL;
    for (unsigned i = 0; i < h->n_members; i++) {
        struct member *m = &h->members[i];
        if (m->known && ts_address_equal(&m->id, id) &&
            (found == NULL || (m->phase == M_READY && found->phase != M_READY)))
            found = m;
    }
    return found;
}

bool member_whitelisted(const struct ts_host *h, const struct member *m)
{
    const struct ts_registry_entry *e =
        m->known ? ts_registry_find(&h->chain.registry, &m->id) : NULL;
    return e != NULL && e->whitelisted;
}

/* ---- deadlines ---- */

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* The time an answer may take: what was measured (RFC 6298's estimate, with more slack), and what
 * the transactions in it were seen to cost. */
static uint64_t allowance(const struct ts_host *h, const struct member *m, uint64_t type,
                          uint64_t work)
{
    bool slow_rollup = type == TS_MSG_ROLLUP && m->state != TS_ENC_ACTIVE;
    if (type == TS_MSG_LOAD || type == TS_MSG_SNAPSHOT || slow_rollup)
        return SLOW_US;
    if (type == TS_MSG_IDENTIFY && m->phase == M_IDENTIFYING)
        return h->set.connect_deadline_us;
    uint64_t base = m->has_srtt ? m->srtt_us + 8 * m->rttvar_us : h->set.answer_max_us;
    base = clamp(base, h->set.answer_min_us, h->set.answer_max_us);
    if (type == TS_MSG_ROLLUP) /* the next batch waits for it */
        return base + clamp(4 * roll_time_us(m, work), 0, SLOW_US);
    return base + work * 4 * clamp(m->per_tx_us, 50, 2000);
}

static void learn(struct member *m, const struct request *r, uint64_t took)
{
    if (r->type == TS_MSG_ROLLUP)
        roll_learn(m, r->work, took);
    if (r->type == TS_MSG_LOAD || r->type == TS_MSG_SNAPSHOT || r->type == TS_MSG_ROLLUP)
        return;
    if (r->work > 8) {
        uint64_t each = took / r->work;
        m->per_tx_us = m->per_tx_us ? (7 * m->per_tx_us + each) / 8 : each;
        return;
    }
    if (r->queued && m->has_srtt && took < m->srtt_us)
        return; /* it was on its way while those before it were answered */
    if (!m->has_srtt) {
        m->has_srtt = true;
        m->srtt_us = took;
        m->rttvar_us = took / 2;
        return;
    }
    uint64_t off = took > m->srtt_us ? took - m->srtt_us : m->srtt_us - took;
    m->rttvar_us = (3 * m->rttvar_us + off) / 4;
    m->srtt_us = (7 * m->srtt_us + took) / 8;
}

static struct request *first_request(struct member *m)
{
    return m->fifo_n > 0 ? &m->fifo[m->fifo_at] : NULL;
}

bool member_ask(struct ts_host *h, struct member *m, struct ts_msg *msg, uint64_t work,
                uint64_t ref)
{
    if (m->fifo_n == TS_MAX_REQUESTS)
        return false;
    msg->id = ++m->next_request_id;
    msg->is_answer = false;
    struct ts_buf b;
    ts_buf_init(&b, TS_LINK_MAX_FRAME);
    ts_msg_put(&b, msg);
    TS_CHECK(b.err == TS_OK);
    uint8_t *copy = ts_arena_alloc(&h->arena, b.n);
    TS_CHECK(copy != NULL);
    memcpy(copy, b.p, b.n);
    struct ts_host_output *o = out_push(h, TS_OUT_SEND);
    o->link = m->link;
    o->bytes = ts_bytes_of(copy, b.n);
    ts_buf_free(&b);
    struct request *r = &m->fifo[(m->fifo_at + m->fifo_n) % TS_MAX_REQUESTS];
    *r = (struct request){.id = msg->id,
                          .type = msg->type,
                          .sent_us = h->now.mono_us,
                          .allow_us = allowance(h, m, msg->type, work),
                          .work = work,
                          .queued = m->fifo_n > 0,
                          .ref = ref};
    if (m->fifo_n++ == 0)
        m->line_since_us = h->now.mono_us;
    m->last_traffic_us = h->now.mono_us;
    return true;
}

bool member_ask_accept(struct ts_host *h, struct member *m, ts_bytes batch, ts_bytes l1_header,
                       uint64_t work, uint64_t number, const ts_hash *hash)
{
    struct ts_msg msg = {.type = TS_MSG_ACCEPT};
    msg.u.accept.batch = batch;
    msg.u.accept.l1_header = l1_header;
    if (!member_ask(h, m, &msg, work, number))
        return false;
    m->fifo[(m->fifo_at + m->fifo_n - 1) % TS_MAX_REQUESTS].hash = *hash;
    return true;
}

/* ---- the link ---- */

static void forget_connection(struct member *m)
{
    m->fifo_n = 0;
    m->fifo_at = 0;
    m->loading_store = false;
    m->load_for = LOAD_NONE;
    if (m->snapshotting)
        m->snapshot_at = m->head.number; /* not again before the next turn */
    m->snapshotting = false;
    m->named = false;
    m->waits_for_l1 = false;
    m->has_report = false;
    m->n_transitions = 0;
    m->fed = 0;
    m->n_sealed = 0;
    m->leaving = false;
    m->exit_asked = false;
    m->said_ready = false;
    if (m->vote == VOTE_FED)
        m->vote = VOTE_NONE;
}

/* Everything that counted on this connection learns that it is gone. */
static void connection_lost(struct ts_host *h, struct member *m)
{
    for (size_t i = 0; i < m->fifo_n; i++) {
        const struct request *r = &m->fifo[(m->fifo_at + i) % TS_MAX_REQUESTS];
        if (r->type == TS_MSG_REGISTER)
            out_reply_error(h, r->ref, TS_E_CLOSED, "the enclave was lost before it answered");
    }
    forget_connection(m);
    produce_member_lost(h, m);
    query_member_lost(h, m);
    rollup_member_lost(h, m);
    if (h->checker == member_index(h, m))
        pool_check_lost(h);
}

void member_connect(struct ts_host *h, struct member *m)
{
    m->phase = M_CONNECTING;
    m->line_since_us = h->now.mono_us;
    out_push(h, TS_OUT_CONNECT)->link = m->link;
}

void member_link_up(struct ts_host *h, struct member *m)
{
    if (m->phase != M_CONNECTING)
        return;
    m->phase = M_IDENTIFYING;
    join_identify(h, m);
}

static void go_down(struct ts_host *h, struct member *m)
{
    enum member_phase was = m->phase;
    m->elsewhere = m->elsewhere && was != M_CONNECTING; /* nobody listens there any more */
    bool good = was == M_READY && m->useful;
    m->phase = M_DOWN;
    m->tried = true;
    m->useful = false;
    m->backoff_us =
        good ? BACKOFF_MIN_US : clamp(m->backoff_us * 2, BACKOFF_MIN_US, BACKOFF_MAX_US);
    m->retry_us = h->now.mono_us + m->backoff_us;
    connection_lost(h, m);
}

static void set_reason(struct member *m, const char *format, va_list args)
{
    vsnprintf(m->reason, sizeof(m->reason), format, args);
}

/* It comes again with each try: one line until it has named itself. What it last said of another
 * host stays the reason, since that answer is lost when the link ends too soon. */
static void ended_early(struct ts_host *h, struct member *m, const char *why)
{
    if (m->elsewhere)
        return;
    snprintf(m->reason, sizeof(m->reason), "link ended before it said who it is: %.120s", why);
    if (!m->said_early)
        out_event(h, TS_LOG_WARN, "enclave-link-down", "link=%u enclave=%s reason=\"%s\"", m->link,
                  m->known ? short_id(h, &m->id) : "?", m->reason);
    m->said_early = true;
}

static void serves_another_host(struct ts_host *h, struct member *m, const char *text)
{
    snprintf(m->reason, sizeof(m->reason), "it serves another host: %.120s", text);
    if (!m->elsewhere)
        out_event(h, TS_LOG_WARN, "enclave-elsewhere", "link=%u enclave=%s reason=\"%s\"", m->link,
                  m->known ? short_id(h, &m->id) : "?", m->reason);
    m->elsewhere = true;
    out_push(h, TS_OUT_CLOSE)->link = m->link;
    go_down(h, m);
}

void member_set_aside(struct ts_host *h, struct member *m, uint64_t wait_us, const char *format,
                      ...)
{
    va_list args;
    va_start(args, format);
    set_reason(m, format, args);
    va_end(args);
    out_push(h, TS_OUT_CLOSE)->link = m->link;
    go_down(h, m);
    m->retry_us = h->now.mono_us + wait_us;
}

void member_link_down(struct ts_host *h, struct member *m, const char *why)
{
    if (m->phase == M_DOWN || m->phase == M_SHUT)
        return;
    bool was_ready = m->phase == M_READY;
    if (m->phase == M_IDENTIFYING && !m->named) {
        ended_early(h, m, why ? why : "closed");
    } else if (m->phase != M_CONNECTING)
        out_event(h, was_ready ? TS_LOG_WARN : TS_LOG_INFO, "enclave-link-down",
                  "link=%u enclave=%s reason=\"%s\"", m->link, m->known ? short_id(h, &m->id) : "?",
                  why ? why : "closed");
    if (was_ready || m->reason[0] == 0)
        snprintf(m->reason, sizeof(m->reason), "link down: %s", why ? why : "closed");
    if (was_ready)
        producer_lost(h, m);
    go_down(h, m);
}

void member_reset(struct ts_host *h, struct member *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_reason(m, format, args);
    va_end(args);
    out_event(h, TS_LOG_WARN, "enclave-reset", "link=%u enclave=%s reason=\"%s\"", m->link,
              m->known ? short_id(h, &m->id) : "?", m->reason);
    if (m->phase == M_READY)
        producer_lost(h, m);
    out_push(h, TS_OUT_CLOSE)->link = m->link;
    go_down(h, m);
}

void member_bench(struct ts_host *h, struct member *m, bool tell_exit, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_reason(m, format, args);
    va_end(args);
    out_event(h, TS_LOG_WARN, "enclave-benched", "enclave=%s exit=%s reason=\"%s\"",
              m->known ? short_id(h, &m->id) : "?", tell_exit ? "yes" : "no", m->reason);
    if (m->phase == M_READY)
        producer_lost(h, m);
    m->phase = M_BENCHED;
    m->vote = VOTE_NONE;
    m->bench_us = h->now.mono_us + BENCH_US;
    m->tried = true;
    connection_lost(h, m);
    if (tell_exit) {
        struct ts_msg msg = {.type = TS_MSG_EXIT};
        member_ask(h, m, &msg, 0, 0);
    }
}

void member_shut(struct ts_host *h, struct member *m)
{
    out_push(h, TS_OUT_CLOSE)->link = m->link;
    m->phase = M_SHUT;
    m->bench_us = h->now.mono_us + SHUT_US;
    m->tried = true;
    m->vote = VOTE_NONE;
    connection_lost(h, m);
}

/* Somebody talks nonsense in the name of an enclave, or on a link where none has been seen. */
static void doubt(struct ts_host *h, struct member *m)
{
    char why[sizeof(m->reason)];
    memcpy(why, m->reason, sizeof(why));
    member_bench(h, m, false, "not proven to be who it says: %.150s", why);
    m->doubts += m->doubts < DOUBT_MAX;
    m->bench_us = h->now.mono_us + ((uint64_t)BENCH_US << (m->doubts - 1));
}

void member_corrupt(struct ts_host *h, struct member *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_reason(m, format, args);
    va_end(args);
    h->counters.bad_answers++;
    if (!m->proven || !m->named) {
        doubt(h, m);
        return;
    }
    m->corrupted = true;
    out_event(h, TS_LOG_ERROR, "enclave-corrupted", "enclave=%s reason=\"%s\"", short_id(h, &m->id),
              m->reason);
    if (m->phase == M_READY)
        producer_lost(h, m);
    if (id_set_add(h, &h->corrupted, &m->id))
        settings_put(h, SETTING_CORRUPTED);
    member_shut(h, m);
}

/* ---- answers ---- */

static ts_err check_signer(const struct ts_host *h, const struct member *m, const ts_hash *digest,
                           const ts_sig *sig)
{
    return ts_verified_check(h->verified, h->crypto, digest, sig, &m->id);
}

/* Signature, owner and head. Whether they fit the chain is asked when a batch is made. */
static const char *events_fault(struct ts_host *h, const struct member *m, bool has_report,
                                const struct ts_restart_event *report,
                                const struct ts_lifecycle_event *transitions, size_t n)
{
    ts_hash digest;
    for (size_t i = 0; i < n; i++) {
        if (!ts_address_equal(&transitions[i].enclave_id, &m->id))
            return "a transition names another enclave";
        ts_transition_hash(&h->genesis->domain, &transitions[i], &digest);
        if (check_signer(h, m, &digest, &transitions[i].sig) != TS_OK)
            return "a transition's signature is not the enclave's";
    }
    if (!has_report)
        return NULL;
    if (!ts_address_equal(&report->enclave_id, &m->id))
        return "the report names another enclave";
    ts_report_hash(&h->genesis->domain, report, &digest);
    if (check_signer(h, m, &digest, &report->sig) != TS_OK)
        return "the report's signature is not the enclave's";
    if (!ts_hash_equal(&report->current_batch_head, &m->head.hash) ||
        report->current_batch_number != m->head.number)
        return "the report is not at the head that the enclave names";
    return NULL;
}

bool member_take_events(struct ts_host *h, struct member *m, bool has_report,
                        const struct ts_restart_event *report,
                        const struct ts_lifecycle_event *transitions, size_t n)
{
    const char *fault = n > TS_MAX_UNPUBLISHED
                            ? "more unpublished transitions than the protocol allows"
                            : events_fault(h, m, has_report, report, transitions, n);
    if (fault != NULL) {
        member_corrupt(h, m, "%s", fault);
        return false;
    }
    m->has_report = has_report;
    if (has_report)
        m->report = *report;
    /* Older reports are in the chain, where anybody can take them from. */
    if (has_report && m->head.number >= h->chain.head.number) {
        m->proven = true;
        m->doubts = 0;
    }
    m->n_transitions = n;
    for (size_t i = 0; i < n; i++) {
        m->transitions[i] = transitions[i];
        if (transitions[i].kind == TS_ACTIVE && transitions[i].term > m->active_term)
            m->active_term = transitions[i].term;
    }
    return true;
}

bool member_events(struct ts_host *h, struct member *m, const struct ts_msg_events *e)
{
    m->state = e->state;
    m->head = e->head;
    return member_take_events(h, m, e->has_report, &e->report, e->transitions, e->n_transitions);
}

static void answer_accept(struct ts_host *h, struct member *m, const struct request *r,
                          const struct ts_msg_events *e)
{
    if (e->head.number != r->ref || !ts_hash_equal(&e->head.hash, &r->hash)) {
        member_corrupt(h, m, "accepted batch %llu but names another head, %llu",
                       (unsigned long long)r->ref, (unsigned long long)e->head.number);
        return;
    }
    if (!member_events(h, m, e))
        return;
    if (prepared_gone(h, r)) {
        member_bench(h, m, true, "its head %llu was discarded", (unsigned long long)r->ref);
        return;
    }
    m->useful = true;
    prepared_vote(h, m, r, NULL);
}

static void dispatch_answer(struct ts_host *h, struct member *m, const struct request *r,
                            const struct ts_msg *a)
{
    switch (r->type) {
    case TS_MSG_IDENTIFY:
        if (m->phase == M_IDENTIFYING)
            join_identity(h, m, &a->u.identity);
        return;
    case TS_MSG_OFFERS:
        join_offered(h, m, &a->u.offered);
        return;
    case TS_MSG_LOAD:
        join_loaded_head(h, m, &a->u.head);
        return;
    case TS_MSG_ACCEPT:
        answer_accept(h, m, r, &a->u.events);
        return;
    case TS_MSG_SYNCED:
    case TS_MSG_REPORT:
        if (member_events(h, m, &a->u.events) && m->phase == M_JOINING)
            join_told(h, m);
        return;
    case TS_MSG_ACTIVATE:
        produce_activated(h, m, &a->u.events);
        return;
    case TS_MSG_STEP_DOWN:
        if (member_events(h, m, &a->u.events))
            produce_stepped_down(h, m);
        return;
    case TS_MSG_CREATE:
        produce_created(h, m, &a->u.created);
        return;
    case TS_MSG_QUERY:
        if (r->ref == 0)
            pool_verdicts(h, a->u.query_answer.answer);
        else
            query_answered(h, r->ref, &a->u.query_answer);
        return;
    case TS_MSG_REGISTER:
        admin_registered(h, m, r, &a->u.registered);
        return;
    case TS_MSG_ROLLUP:
        rollup_answered(h, m, &a->u.rolled);
        return;
    case TS_MSG_SNAPSHOT:
        m->snapshotting = false;
        m->snapshot_at = m->head.number;
        return;
    default:
        return; /* EXIT: the process ends; the link will say so */
    }
}

static void dispatch_refusal(struct ts_host *h, struct member *m, const struct request *r,
                             const struct ts_msg_error *e)
{
    if (e->code == TS_E_HALTS || e->code == TS_E_HALTED) {
        member_bench(h, m, true, "halted: %s", said(h, e->text));
        return;
    }
    switch (r->type) {
    case TS_MSG_LOAD:
        join_refused_load(h, m);
        return;
    case TS_MSG_ACCEPT:
        if ((e->code >= TS_E_V1_LINKS && e->code <= TS_E_EXECUTION) ||
            (e->code >= TS_E_TRUNCATED && e->code <= TS_E_LIMIT)) {
            prepared_vote(h, m, r, said(h, e->text));
            return;
        }
        break;
    case TS_MSG_ACTIVATE:
    case TS_MSG_STEP_DOWN:
    case TS_MSG_CREATE:
        produce_refused(h, m, r->type, e);
        return;
    case TS_MSG_QUERY:
        if (r->ref == 0)
            pool_check_lost(h);
        else
            query_refused(h, r->ref, e);
        return;
    case TS_MSG_SNAPSHOT:
        m->snapshotting = false;
        m->snapshot_at = m->head.number; /* not again before the next turn */
        out_event(h, TS_LOG_WARN, "snapshot-failed", "enclave=%s reason=\"%s\"",
                  short_id(h, &m->id), said(h, e->text));
        return;
    case TS_MSG_REGISTER:
        out_reply_error(h, r->ref, e->code, "%s", said(h, e->text));
        return;
    case TS_MSG_ROLLUP:
        rollup_refused(h, m, e);
        return;
    case TS_MSG_EXIT:
        return;
    default:
        break;
    }
    member_reset(h, m, "refused %s: %s", ts_msg_name(r->type), said(h, e->text));
}

void member_frame(struct ts_host *h, struct member *m, ts_bytes frame)
{
    if (m->phase < M_IDENTIFYING || m->phase >= M_BENCHED)
        return; /* what was queued on a connection that was given up, or asked before an exit */
    struct ts_msg msg;
    ts_err err = ts_msg_decode_answer(frame, &h->arena, &msg);
    if (err == TS_OK && msg.type == TS_MSG_LEAVING) {
        switch_leaving(h, m);
        return;
    }
    bool unasked_error = err == TS_OK && msg.type == TS_MSG_ERROR && msg.id == 0;
    if (unasked_error && msg.u.error.code == TS_E_BUSY && m->phase == M_IDENTIFYING && !m->named) {
        serves_another_host(h, m, said(h, msg.u.error.text));
        return;
    }
    if (err == TS_E_NOMEM) { /* not its fault */
        member_reset(h, m, "%s", "no memory for what it said");
        return;
    }
    struct request *first = first_request(m);
    if (err != TS_OK || first == NULL || msg.id != first->id ||
        (msg.type != first->type && msg.type != TS_MSG_ERROR)) {
        member_corrupt(h, m, "%s",
                       err != TS_OK ? "sent bytes that are no message"
                                    : "sent an answer that nobody asked for");
        return;
    }
    struct request r = *first;
    m->fifo_at = (m->fifo_at + 1) % TS_MAX_REQUESTS;
    m->fifo_n--;
    learn(m, &r, h->now.mono_us - m->line_since_us);
    m->line_since_us = h->now.mono_us;
    m->last_traffic_us = h->now.mono_us;
    if (msg.type == TS_MSG_ERROR)
        dispatch_refusal(h, m, &r, &msg.u.error);
    else
        dispatch_answer(h, m, &r, &msg);
}

/* ---- time ---- */

static uint64_t deadline_of(const struct ts_host *h, const struct member *m)
{
    if (m->phase == M_CONNECTING)
        return m->line_since_us + h->set.connect_deadline_us;
    if (m->fifo_n == 0 || m->phase < M_IDENTIFYING)
        return UINT64_MAX;
    return m->line_since_us + m->fifo[m->fifo_at].allow_us;
}

static void missed(struct ts_host *h, struct member *m)
{
    if (m->phase == M_BENCHED) {
        member_reset(h, m, "%s", "asked to exit and still there");
        return;
    }
    if (m->phase == M_CONNECTING) {
        member_reset(h, m, "no connection within %llu ms",
                     (unsigned long long)(h->set.connect_deadline_us / 1000));
        return;
    }
    const struct request *r = first_request(m);
    h->counters.deadlines_missed++;
    member_reset(h, m, "no answer to %s within %llu ms", ts_msg_name(r->type),
                 (unsigned long long)(r->allow_us / 1000));
}

void member_tick(struct ts_host *h, struct member *m)
{
    uint64_t now = h->now.mono_us;
    if (m->phase == M_DOWN || m->phase == M_SHUT) {
        if (now >= (m->phase == M_DOWN ? m->retry_us : m->bench_us))
            member_connect(h, m);
        return;
    }
    if (now >= deadline_of(h, m)) {
        missed(h, m);
        return;
    }
    if (m->loading_store && now >= m->load_until_us) {
        member_reset(h, m, "%s", "the store does not answer");
        return;
    }
    if (m->phase == M_BENCHED && now >= m->bench_us) {
        member_reset(h, m, "%s", "looking again after an exit was asked for");
        return;
    }
    if (m->phase == M_READY && m->fifo_n == 0 && now >= m->last_traffic_us + h->set.heartbeat_us) {
        struct ts_msg msg = {.type = TS_MSG_IDENTIFY};
        member_ask(h, m, &msg, 0, 0);
    }
}

uint64_t member_wake(const struct ts_host *h, const struct member *m)
{
    if (m->phase == M_DOWN || m->phase == M_SHUT)
        return m->phase == M_DOWN ? m->retry_us : m->bench_us;
    uint64_t wake = deadline_of(h, m);
    if (m->phase == M_BENCHED && m->bench_us < wake)
        wake = m->bench_us;
    if (m->phase == M_READY && m->fifo_n == 0)
        wake = m->last_traffic_us + h->set.heartbeat_us;
    if (m->loading_store && m->load_until_us < wake)
        wake = m->load_until_us;
    return wake;
}
