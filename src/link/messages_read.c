/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the message table from hostile bytes: every list and string has its bound. */
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/lists.h"
#include "link/messages.h"

/* What every read function works on. */
struct in {
    struct ts_reader r;
    struct ts_arena *arena;
};

static bool read_bool(struct in *in)
{
    uint64_t v = ts_read_u64(&in->r);
    if (v > 1)
        ts_reader_fail(&in->r, TS_E_RANGE);
    return v == 1;
}

static ts_err read_code(struct in *in)
{
    uint64_t v = ts_read_uint(&in->r, 2);
    if (v == TS_OK)
        ts_reader_fail(&in->r, TS_E_RANGE);
    return (ts_err)v;
}

static uint64_t read_state(struct in *in)
{
    uint64_t v = ts_read_u64(&in->r);
    if (v > TS_ENC_HALTED)
        ts_reader_fail(&in->r, TS_E_RANGE);
    return v;
}

/* A list of strings, each of at most max_bytes. */
static ts_bytes *read_strings(struct in *in, size_t max, size_t max_bytes, size_t *n)
{
    ts_bytes *v = ts_list_open(&in->r, in->arena, max, sizeof(*v), n);
    for (size_t i = 0; i < *n; i++)
        v[i] = ts_read_bytes(&in->r, max_bytes);
    ts_read_list_end(&in->r);
    return v;
}

static void read_head_item(struct in *in, struct ts_msg_head *h)
{
    ts_read_list(&in->r);
    h->number = ts_read_u64(&in->r);
    ts_read_hash(&in->r, &h->hash);
    ts_read_list_end(&in->r);
}

static void read_report_item(struct in *in, bool *has, struct ts_restart_event *e)
{
    ts_read_list(&in->r);
    *has = ts_read_more(&in->r);
    if (*has)
        ts_schema_read(&in->r, &ts_restart_event_type, e);
    ts_read_list_end(&in->r);
}

static void read_nothing(struct in *in, struct ts_msg *m)
{
    (void)in;
    (void)m;
}

static void read_error(struct in *in, struct ts_msg *m)
{
    struct ts_msg_error *e = &m->u.error;
    e->code = read_code(in);
    ts_read_list(&in->r);
    e->has_enclave = ts_read_more(&in->r);
    if (e->has_enclave)
        ts_read_address(&in->r, &e->enclave);
    ts_read_list_end(&in->r);
    e->text = ts_read_bytes(&in->r, TS_MAX_MSG_TEXT);
}

static void read_identity(struct in *in, struct ts_msg *m)
{
    struct ts_msg_identity *i = &m->u.identity;
    i->version = ts_read_u64(&in->r);
    ts_read_address(&in->r, &i->id);
    ts_read_hash(&in->r, &i->boot_id);
    ts_read_hash(&in->r, &i->boot_key);
    i->boot_time = ts_read_u64(&in->r);
    i->state = read_state(in);
    ts_read_hash(&in->r, &i->genesis);
    read_head_item(in, &i->head);
    i->tip_seq = ts_read_u64(&in->r);
    i->term = ts_read_u64(&in->r);
    i->sealed = ts_list_open(&in->r, in->arena, TS_MAX_SEALED, sizeof(*i->sealed), &i->n_sealed);
    for (size_t k = 0; k < i->n_sealed; k++)
        read_head_item(in, &i->sealed[k]);
    ts_read_list_end(&in->r);
}

static void read_load(struct in *in, struct ts_msg *m)
{
    m->u.load.genesis = ts_read_bytes(&in->r, TS_LINK_MAX_FRAME);
    read_head_item(in, &m->u.load.from);
}

static void read_head(struct in *in, struct ts_msg *m)
{
    m->u.head.number = ts_read_u64(&in->r);
    ts_read_hash(&in->r, &m->u.head.hash);
}

static void read_accept(struct in *in, struct ts_msg *m)
{
    m->u.accept.batch = ts_read_bytes(&in->r, TS_MAX_BATCH_BYTES);
    m->u.accept.l1_header = ts_read_bytes(&in->r, TS_MAX_L1_HEADER);
}

static void read_events(struct in *in, struct ts_msg *m)
{
    struct ts_msg_events *e = &m->u.events;
    e->state = read_state(in);
    read_head_item(in, &e->head);
    read_report_item(in, &e->has_report, &e->report);
    ts_transitions_read(&in->r, in->arena, TS_MAX_UNPUBLISHED, &e->transitions, &e->n_transitions);
}

static void read_synced(struct in *in, struct ts_msg *m)
{
    m->u.synced.time = ts_read_u64(&in->r);
    m->u.synced.notice = ts_read_bytes(&in->r, TS_MAX_NOTICE_BYTES);
    m->u.synced.l1_header = ts_read_bytes(&in->r, TS_MAX_L1_HEADER);
}

static void read_activate(struct in *in, struct ts_msg *m)
{
    m->u.activate.term = ts_read_u64(&in->r);
    m->u.activate.time = ts_read_u64(&in->r);
}

static void read_step_down(struct in *in, struct ts_msg *m)
{
    m->u.step_down.time = ts_read_u64(&in->r);
}

static struct ts_notice *read_notices(struct in *in, size_t *n)
{
    struct ts_notice *v = ts_list_open(&in->r, in->arena, TS_MAX_NOTICES, sizeof(*v), n);
    for (size_t i = 0; i < *n; i++) {
        ts_read_list(&in->r);
        v[i].type = ts_read_u64(&in->r);
        v[i].body = ts_read_bytes(&in->r, TS_MAX_NOTICE_BYTES);
        ts_read_list_end(&in->r);
    }
    ts_read_list_end(&in->r);
    return v;
}

static void read_create(struct in *in, struct ts_msg *m)
{
    struct ts_msg_create *c = &m->u.create;
    read_head_item(in, &c->parent);
    c->time = ts_read_u64(&in->r);
    c->l1_number = ts_read_u64(&in->r);
    ts_read_hash(&in->r, &c->l1_hash);
    c->l1_header = ts_read_bytes(&in->r, TS_MAX_L1_HEADER);
    ts_transitions_read(&in->r, in->arena, TS_MAX_TRANSITIONS, &c->transitions, &c->n_transitions);
    ts_reports_read(&in->r, in->arena, TS_MAX_WHITELIST, &c->reports, &c->n_reports);
    c->notices = read_notices(in, &c->n_notices);
    c->txs = read_strings(in, TS_MAX_CREATE_TXS, TS_MAX_BATCH_BYTES, &c->n_txs);
}

static struct ts_msg_rejected *read_rejected(struct in *in, size_t *n)
{
    struct ts_msg_rejected *v = ts_list_open(&in->r, in->arena, TS_MAX_CREATE_TXS, sizeof(*v), n);
    for (size_t i = 0; i < *n; i++) {
        ts_read_list(&in->r);
        v[i].index = ts_read_u64(&in->r);
        v[i].code = read_code(in);
        v[i].text = ts_read_bytes(&in->r, TS_MAX_MSG_TEXT);
        ts_read_list_end(&in->r);
        if (i > 0 && v[i].index <= v[i - 1].index)
            ts_reader_fail(&in->r, TS_E_NOT_CANONICAL);
    }
    ts_read_list_end(&in->r);
    return v;
}

static void read_created(struct in *in, struct ts_msg *m)
{
    struct ts_msg_created *c = &m->u.created;
    c->batch = ts_read_bytes(&in->r, TS_MAX_BATCH_BYTES);
    c->fresh = read_bool(in);
    c->rejected = read_rejected(in, &c->n_rejected);
    read_report_item(in, &c->has_report, &c->report);
    ts_transitions_read(&in->r, in->arena, TS_MAX_UNPUBLISHED, &c->transitions, &c->n_transitions);
}

static void read_query(struct in *in, struct ts_msg *m)
{
    m->u.query.kind = ts_read_u64(&in->r);
    m->u.query.arg = ts_read_bytes(&in->r, TS_LINK_MAX_FRAME);
}

static void read_query_answer(struct in *in, struct ts_msg *m)
{
    read_head_item(in, &m->u.query_answer.head);
    m->u.query_answer.answer = ts_read_bytes(&in->r, TS_LINK_MAX_FRAME);
}

static void read_offers(struct in *in, struct ts_msg *m)
{
    m->u.offers.above = ts_read_u64(&in->r);
}

static void read_offered(struct in *in, struct ts_msg *m)
{
    m->u.offered.batches = read_strings(in, TS_MAX_OFFERS, TS_MAX_BATCH_BYTES, &m->u.offered.n);
}

static void read_rollup(struct in *in, struct ts_msg *m)
{
    struct ts_msg_rollup *r = &m->u.rollup;
    r->l1_number = ts_read_u64(&in->r);
    ts_read_hash(&in->r, &r->l1_hash);
    r->l1_header = ts_read_bytes(&in->r, TS_MAX_L1_HEADER);
    ts_read_hash(&in->r, &r->protocol_root);
    ts_read_sig(&in->r, &r->seal);
    r->range =
        ts_list_open(&in->r, in->arena, TS_ROLLUP_MAX_BATCHES, sizeof(*r->range), &r->n_range);
    for (size_t i = 0; i < r->n_range; i++) {
        ts_read_list(&in->r);
        r->range[i].header = ts_read_raw(&in->r);
        r->range[i].transactions = ts_read_raw(&in->r);
        ts_read_list_end(&in->r);
    }
    ts_read_list_end(&in->r);
    r->above = ts_list_open(&in->r, in->arena, TS_MAX_ABOVE, sizeof(*r->above), &r->n_above);
    for (size_t i = 0; i < r->n_above; i++)
        r->above[i] = ts_read_raw(&in->r);
    ts_read_list_end(&in->r);
}

static void read_rolled(struct in *in, struct ts_msg *m)
{
    ts_schema_read(&in->r, &ts_rollup_type, &m->u.rolled.rollup);
    m->u.rolled.data = ts_read_bytes(&in->r, TS_ROLLUP_MAX_SINGLE);
}

static void read_registered(struct in *in, struct ts_msg *m)
{
    ts_schema_read(&in->r, &ts_enclave_registration_type, &m->u.registered.registration);
    ts_read_sig(&in->r, &m->u.registered.sig);
}

typedef void (*read_fn)(struct in *in, struct ts_msg *m);

/* What cannot be asked, or answered, is NULL. */
static const struct {
    read_fn request;
    read_fn answer;
} forms[] = {
    [TS_MSG_ERROR] = {NULL, read_error},
    [TS_MSG_IDENTIFY] = {read_nothing, read_identity},
    [TS_MSG_LOAD] = {read_load, read_head},
    [TS_MSG_ACCEPT] = {read_accept, read_events},
    [TS_MSG_SYNCED] = {read_synced, read_events},
    [TS_MSG_REPORT] = {read_nothing, read_events},
    [TS_MSG_ACTIVATE] = {read_activate, read_events},
    [TS_MSG_STEP_DOWN] = {read_step_down, read_events},
    [TS_MSG_CREATE] = {read_create, read_created},
    [TS_MSG_QUERY] = {read_query, read_query_answer},
    [TS_MSG_SNAPSHOT] = {read_nothing, read_head},
    [TS_MSG_OFFERS] = {read_offers, read_offered},
    [TS_MSG_EXIT] = {read_nothing, read_nothing},
    [TS_MSG_LEAVING] = {NULL, read_nothing},
    [TS_MSG_ROLLUP] = {read_rollup, read_rolled},
    [TS_MSG_REGISTER] = {read_nothing, read_registered},
};

static ts_err decode(ts_bytes frame, struct ts_arena *arena, bool is_answer, struct ts_msg *out)
{
    memset(out, 0, sizeof(*out));
    out->is_answer = is_answer;
    if (frame.n > TS_LINK_MAX_FRAME)
        return TS_E_LIMIT;
    struct in in = {.r = ts_reader_of(frame), .arena = arena};
    ts_read_list(&in.r);
    uint64_t type = ts_read_u64(&in.r);
    uint64_t id = ts_read_u64(&in.r);
    if (in.r.err != TS_OK)
        return in.r.err;
    out->type = type;
    out->id = id;
    read_fn body = NULL;
    if (type < TS_COUNT(forms))
        body = is_answer ? forms[type].answer : forms[type].request;
    if (body == NULL)
        return TS_E_UNKNOWN_MESSAGE;
    ts_read_list(&in.r);
    body(&in, out);
    ts_read_list_end(&in.r);
    ts_read_list_end(&in.r);
    ts_err err = ts_reader_done(&in.r);
    if (err != TS_OK)
        memset(&out->u, 0, sizeof(out->u));
    return err;
}

ts_err ts_msg_decode_request(ts_bytes frame, struct ts_arena *arena, struct ts_msg *out)
{
    return decode(frame, arena, false, out);
}

ts_err ts_msg_decode_answer(ts_bytes frame, struct ts_arena *arena, struct ts_msg *out)
{
    return decode(frame, arena, true, out);
}
