/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the message table. messages_read.c reads the same, member by member. */
#include "base/check.h"
#include "chain/batch.h"
#include "link/messages.h"

static void put_bool(struct ts_buf *b, bool v)
{
    ts_put_u64(b, v ? 1 : 0);
}

static void put_text(struct ts_buf *b, ts_bytes text)
{
    if (text.n > TS_MAX_MSG_TEXT)
        text.n = TS_MAX_MSG_TEXT;
    ts_put_bytes(b, text);
}

static void put_strings(struct ts_buf *b, const ts_bytes *v, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n; i++)
        ts_put_bytes(b, v[i]);
    ts_put_list_end(b, mark);
}

static void put_head_item(struct ts_buf *b, const struct ts_msg_head *h)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, h->number);
    ts_put_hash(b, &h->hash);
    ts_put_list_end(b, mark);
}

static void put_report_item(struct ts_buf *b, bool has, const struct ts_restart_event *e)
{
    ts_reports_put(b, e, has ? 1 : 0);
}

static void put_nothing(struct ts_buf *b, const struct ts_msg *m)
{
    (void)b;
    (void)m;
}

static void put_error(struct ts_buf *b, const struct ts_msg *m)
{
    const struct ts_msg_error *e = &m->u.error;
    ts_put_u64(b, (uint64_t)e->code);
    size_t mark = ts_put_list(b);
    if (e->has_enclave)
        ts_put_address(b, &e->enclave);
    ts_put_list_end(b, mark);
    put_text(b, e->text);
}

static void put_identity(struct ts_buf *b, const struct ts_msg *m)
{
    const struct ts_msg_identity *i = &m->u.identity;
    ts_put_u64(b, i->version);
    ts_put_address(b, &i->id);
    ts_put_hash(b, &i->boot_id);
    ts_put_hash(b, &i->boot_key);
    ts_put_u64(b, i->boot_time);
    ts_put_u64(b, i->state);
    ts_put_hash(b, &i->genesis);
    put_head_item(b, &i->head);
    ts_put_u64(b, i->tip_seq);
    ts_put_u64(b, i->term);
    size_t mark = ts_put_list(b);
    for (size_t k = 0; k < i->n_sealed; k++)
        put_head_item(b, &i->sealed[k]);
    ts_put_list_end(b, mark);
}

static void put_load(struct ts_buf *b, const struct ts_msg *m)
{
    ts_put_bytes(b, m->u.load.genesis);
    put_head_item(b, &m->u.load.from);
}

static void put_head(struct ts_buf *b, const struct ts_msg *m)
{
    ts_put_u64(b, m->u.head.number);
    ts_put_hash(b, &m->u.head.hash);
}

static void put_accept(struct ts_buf *b, const struct ts_msg *m)
{
    ts_put_bytes(b, m->u.accept.batch);
    ts_put_bytes(b, m->u.accept.l1_header);
}

static void put_events(struct ts_buf *b, const struct ts_msg *m)
{
    const struct ts_msg_events *e = &m->u.events;
    ts_put_u64(b, e->state);
    put_head_item(b, &e->head);
    put_report_item(b, e->has_report, &e->report);
    ts_transitions_put(b, e->transitions, e->n_transitions);
}

static void put_synced(struct ts_buf *b, const struct ts_msg *m)
{
    ts_put_u64(b, m->u.synced.time);
    ts_put_bytes(b, m->u.synced.notice);
    ts_put_bytes(b, m->u.synced.l1_header);
}

static void put_activate(struct ts_buf *b, const struct ts_msg *m)
{
    ts_put_u64(b, m->u.activate.term);
    ts_put_u64(b, m->u.activate.time);
}

static void put_step_down(struct ts_buf *b, const struct ts_msg *m)
{
    ts_put_u64(b, m->u.step_down.time);
}

static void put_notices(struct ts_buf *b, const struct ts_notice *v, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n; i++) {
        size_t item = ts_put_list(b);
        ts_put_u64(b, v[i].type);
        ts_put_bytes(b, v[i].body);
        ts_put_list_end(b, item);
    }
    ts_put_list_end(b, mark);
}

static void put_create(struct ts_buf *b, const struct ts_msg *m)
{
    const struct ts_msg_create *c = &m->u.create;
    put_head_item(b, &c->parent);
    ts_put_u64(b, c->time);
    ts_put_u64(b, c->l1_number);
    ts_put_hash(b, &c->l1_hash);
    ts_put_bytes(b, c->l1_header);
    ts_transitions_put(b, c->transitions, c->n_transitions);
    ts_reports_put(b, c->reports, c->n_reports);
    put_notices(b, c->notices, c->n_notices);
    put_strings(b, c->txs, c->n_txs);
}

static void put_rejected(struct ts_buf *b, const struct ts_msg_rejected *v, size_t n)
{
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < n; i++) {
        size_t item = ts_put_list(b);
        ts_put_u64(b, v[i].index);
        ts_put_u64(b, (uint64_t)v[i].code);
        put_text(b, v[i].text);
        ts_put_list_end(b, item);
    }
    ts_put_list_end(b, mark);
}

static void put_created(struct ts_buf *b, const struct ts_msg *m)
{
    const struct ts_msg_created *c = &m->u.created;
    ts_put_bytes(b, c->batch);
    put_bool(b, c->fresh);
    put_rejected(b, c->rejected, c->n_rejected);
    put_report_item(b, c->has_report, &c->report);
    ts_transitions_put(b, c->transitions, c->n_transitions);
}

static void put_query(struct ts_buf *b, const struct ts_msg *m)
{
    ts_put_u64(b, m->u.query.kind);
    ts_put_bytes(b, m->u.query.arg);
}

static void put_query_answer(struct ts_buf *b, const struct ts_msg *m)
{
    put_head_item(b, &m->u.query_answer.head);
    ts_put_bytes(b, m->u.query_answer.answer);
}

static void put_offers(struct ts_buf *b, const struct ts_msg *m)
{
    ts_put_u64(b, m->u.offers.above);
}

static void put_offered(struct ts_buf *b, const struct ts_msg *m)
{
    put_strings(b, m->u.offered.batches, m->u.offered.n);
}

static void put_rollup(struct ts_buf *b, const struct ts_msg *m)
{
    const struct ts_msg_rollup *r = &m->u.rollup;
    ts_put_u64(b, r->l1_number);
    ts_put_hash(b, &r->l1_hash);
    ts_put_bytes(b, r->l1_header);
    ts_put_hash(b, &r->protocol_root);
    ts_put_sig(b, &r->seal);
    size_t mark = ts_put_list(b);
    for (size_t i = 0; i < r->n_range; i++) {
        size_t item = ts_put_list(b);
        ts_put_raw(b, r->range[i].header);
        ts_put_raw(b, r->range[i].transactions);
        ts_put_list_end(b, item);
    }
    ts_put_list_end(b, mark);
    mark = ts_put_list(b);
    for (size_t i = 0; i < r->n_above; i++)
        ts_put_raw(b, r->above[i]);
    ts_put_list_end(b, mark);
}

static void put_rolled(struct ts_buf *b, const struct ts_msg *m)
{
    ts_schema_put(b, &ts_rollup_type, &m->u.rolled.rollup);
    ts_put_bytes(b, m->u.rolled.data);
}

static void put_registered(struct ts_buf *b, const struct ts_msg *m)
{
    ts_schema_put(b, &ts_enclave_registration_type, &m->u.registered.registration);
    ts_put_sig(b, &m->u.registered.sig);
}

typedef void (*put_fn)(struct ts_buf *b, const struct ts_msg *m);

/* What cannot be asked, or answered, is NULL. */
static const struct {
    put_fn request;
    put_fn answer;
} forms[] = {
    [TS_MSG_ERROR] = {NULL, put_error},
    [TS_MSG_IDENTIFY] = {put_nothing, put_identity},
    [TS_MSG_LOAD] = {put_load, put_head},
    [TS_MSG_ACCEPT] = {put_accept, put_events},
    [TS_MSG_SYNCED] = {put_synced, put_events},
    [TS_MSG_REPORT] = {put_nothing, put_events},
    [TS_MSG_ACTIVATE] = {put_activate, put_events},
    [TS_MSG_STEP_DOWN] = {put_step_down, put_events},
    [TS_MSG_CREATE] = {put_create, put_created},
    [TS_MSG_QUERY] = {put_query, put_query_answer},
    [TS_MSG_SNAPSHOT] = {put_nothing, put_head},
    [TS_MSG_OFFERS] = {put_offers, put_offered},
    [TS_MSG_EXIT] = {put_nothing, put_nothing},
    [TS_MSG_LEAVING] = {NULL, put_nothing},
    [TS_MSG_ROLLUP] = {put_rollup, put_rolled},
    [TS_MSG_REGISTER] = {put_nothing, put_registered},
};

void ts_msg_put(struct ts_buf *b, const struct ts_msg *m)
{
    TS_CHECK(m->type < TS_COUNT(forms));
    put_fn body = m->is_answer ? forms[m->type].answer : forms[m->type].request;
    TS_CHECK(body != NULL);
    size_t mark = ts_put_list(b);
    ts_put_u64(b, m->type);
    ts_put_u64(b, m->id);
    size_t inner = ts_put_list(b);
    body(b, m);
    ts_put_list_end(b, inner);
    ts_put_list_end(b, mark);
}
