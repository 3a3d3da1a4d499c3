/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/draft.h"

#include <string.h>

#include "base/check.h"
#include "chain/batch.h"

/* The most that outer lists and the transaction list's header add, and the seal. */
#define FRAMING (2 * TS_RLP_HEADER_MAX + 2 + sizeof(ts_sig))

/* The own events are the enclave's to add: what the host gives in its name is refused. */
static ts_err refuse_own(struct ts_enclave *e, const struct ts_msg_create *req)
{
    bool found = false;
    for (size_t i = 0; i < req->n_transitions; i++)
        found = found || ts_address_equal(&req->transitions[i].enclave_id, &e->own.id);
    for (size_t i = 0; i < req->n_reports; i++)
        found = found || ts_address_equal(&req->reports[i].enclave_id, &e->own.id);
    if (!found)
        return TS_OK;
    e->refusal.has_enclave = true;
    e->refusal.enclave = e->own.id;
    return ts_enclave_refuse(e, TS_E_BAD_EVENT, "the producer's own events are its own to add");
}

/* Own transitions first, then the others' as given. */
static ts_err put_transitions(struct ts_enclave *e, const struct ts_msg_create *req,
                              struct ts_payload *p)
{
    size_t own = e->own.n_unpublished;
    if (own + req->n_transitions > TS_MAX_TRANSITIONS)
        return ts_enclave_refuse(e, TS_E_LIMIT, "more than %u transitions", TS_MAX_TRANSITIONS);
    p->transitions =
        ts_arena_array(&e->frame_arena, own + req->n_transitions, sizeof(p->transitions[0]));
    if (p->transitions == NULL)
        return TS_E_NOMEM;
    if (own > 0)
        memcpy(p->transitions, e->own.unpublished, own * sizeof(p->transitions[0]));
    if (req->n_transitions > 0)
        memcpy(p->transitions + own, req->transitions,
               req->n_transitions * sizeof(p->transitions[0]));
    p->n_transitions = own + req->n_transitions;
    return TS_OK;
}

/* The others' reports as given, with the own one in its place by id. */
static ts_err put_reports(struct ts_enclave *e, const struct ts_msg_create *req,
                          struct ts_payload *p)
{
    struct ts_restart_event own;
    ts_err err = ts_own_report(&e->own, &e->line->genesis.domain, &e->line->chain.head, &own);
    if (err != TS_OK)
        return err;
    p->reports = ts_arena_array(&e->frame_arena, req->n_reports + 1, sizeof(p->reports[0]));
    if (p->reports == NULL)
        return TS_E_NOMEM;
    size_t i = 0;
    while (i < req->n_reports &&
           ts_address_compare(&req->reports[i].enclave_id, &own.enclave_id) < 0) {
        p->reports[i] = req->reports[i];
        i++;
    }
    p->reports[i] = own;
    for (; i < req->n_reports; i++)
        p->reports[i + 1] = req->reports[i];
    p->n_reports = req->n_reports + 1;
    return TS_OK;
}

static bool has_report_of(const struct ts_payload *p, const ts_address *id)
{
    for (size_t i = 0; i < p->n_reports; i++) {
        if (ts_address_equal(&p->reports[i].enclave_id, id))
            return true;
    }
    return false;
}

/* Where an address of an ascending list is passed by; true when it is in it. */
static bool pass(const ts_address *list, size_t n, size_t *at, const ts_address *id)
{
    while (*at < n && ts_address_compare(&list[*at], id) < 0)
        (*at)++;
    return *at < n && ts_address_equal(&list[*at], id);
}

static void put_absent_one(struct ts_payload *p, const ts_address *id)
{
    if (!has_report_of(p, id))
        p->absent[p->n_absent++] = *id;
}

/* Whoever is whitelisted after the notice and has no report. Whether the notice fits is for
 * ts_payload_check to say; here it is only followed. */
static ts_err put_absent(struct ts_enclave *e, const struct ts_whitelist_change *c,
                         struct ts_payload *p)
{
    const struct ts_registry *r = &e->line->chain.registry;
    size_t added = 0;
    size_t removed = 0;
    p->absent = ts_arena_array(&e->frame_arena, r->n_whitelisted + c->n_added, sizeof(ts_address));
    if (p->absent == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < r->n_whitelisted; i++) {
        const ts_address *id = &r->whitelist[i];
        while (added < c->n_added && ts_address_compare(&c->added[added], id) < 0)
            put_absent_one(p, &c->added[added++]);
        if (!pass(c->removed, c->n_removed, &removed, id))
            put_absent_one(p, id);
    }
    while (added < c->n_added)
        put_absent_one(p, &c->added[added++]);
    return TS_OK;
}

/* The whitelist notice among the notices, decoded; empty lists when there is none. */
static ts_err find_change(struct ts_enclave *e, const struct ts_msg_create *req,
                          struct ts_whitelist_change *c, bool *has)
{
    memset(c, 0, sizeof(*c));
    *has = false;
    for (size_t i = 0; i < req->n_notices && !*has; i++) {
        if (req->notices[i].type != TS_NOTICE_WHITELIST)
            continue;
        ts_err err = ts_whitelist_change_decode(req->notices[i].body, &e->frame_arena, c);
        if (err != TS_OK)
            return ts_enclave_refuse(e, TS_E_V3_FORM, "the whitelist notice does not decode: %s",
                                     ts_err_text(err));
        *has = true;
    }
    return TS_OK;
}

static ts_err compose(struct ts_enclave *e, const struct ts_msg_create *req, struct ts_payload *p)
{
    struct ts_whitelist_change change;
    bool has_change;
    memset(p, 0, sizeof(*p));
    p->notices = req->notices;
    p->n_notices = req->n_notices;
    ts_err err = find_change(e, req, &change, &has_change);
    if (err == TS_OK)
        err = put_transitions(e, req, p);
    uint64_t number = e->line->chain.head.number + 1;
    bool reports =
        number % e->line->genesis.params.report_every == 0 || p->n_transitions > 0 || has_change;
    if (err == TS_OK && reports)
        err = put_reports(e, req, p);
    if (err == TS_OK && reports)
        err = put_absent(e, &change, p);
    return err;
}

static ts_err check_payload(struct ts_enclave *e, const struct ts_payload *p, uint64_t *term)
{
    struct ts_fault fault = {0};
    ts_err err =
        ts_payload_check(&e->line->chain, p, &e->own.id, &e->own.id, e->effect, term, &fault);
    if (err == TS_OK || err == TS_E_NOMEM)
        return err;
    if (fault.has_enclave && !ts_address_equal(&fault.enclave, &e->own.id))
        err = TS_E_BAD_EVENT;
    return ts_enclave_refuse_fault(e, err, &fault);
}

static ts_time latest(ts_time a, ts_time b)
{
    return a > b ? a : b;
}

static ts_err check_header(struct ts_enclave *e, const struct ts_msg_create *req,
                           const struct ts_draft *d)
{
    struct ts_l1_evidence l1;
    struct ts_fault fault = {0};
    bool has_l1;
    ts_err err = ts_enclave_l1(e, req->l1_header, req->l1_number, &req->l1_hash, &l1, &has_l1);
    if (err != TS_OK)
        return err;
    err = ts_draft_check(&e->line->chain, &d->header, &d->payload, has_l1 ? &l1 : NULL, e->effect,
                         &fault);
    if (err == TS_OK || err == TS_E_NOMEM)
        return err;
    return ts_enclave_refuse_fault(e, err, &fault);
}

/* What the batch takes without transactions; TS_E_V3_FORM when that is too much already. */
static ts_err measure(struct ts_enclave *e, struct ts_draft *d)
{
    ts_buf_reset(&e->scratch);
    ts_schema_put(&e->scratch, &ts_batch_header_type, &d->header);
    ts_payload_put(&e->scratch, &d->payload);
    if (e->scratch.err != TS_OK)
        return e->scratch.err;
    d->bytes = e->scratch.n + FRAMING;
    if (d->bytes > e->line->genesis.params.max_batch_bytes)
        return ts_enclave_refuse(e, TS_E_V3_FORM,
                                 "the events and notices alone fill more than a batch of %llu "
                                 "bytes",
                                 (unsigned long long)e->line->genesis.params.max_batch_bytes);
    return TS_OK;
}

ts_err ts_draft_make(struct ts_enclave *e, const struct ts_msg_create *req, struct ts_draft *out)
{
    const struct ts_head *head = &e->line->chain.head;
    uint64_t term = 0;
    ts_err err = refuse_own(e, req);
    if (err == TS_OK)
        err = compose(e, req, &out->payload);
    if (err == TS_OK)
        err = check_payload(e, &out->payload, &term);
    if (err != TS_OK)
        return err;
    out->header = (struct ts_batch_header){
        .parent_hash = head->hash,
        .number = head->number + 1,
        .time = latest(latest(req->time, head->time), ts_payload_time(&out->payload)),
        .term = term,
        .producer = e->own.id,
        .l1_number = req->l1_number,
        .l1_hash = req->l1_hash,
    };
    err = check_header(e, req, out);
    return err == TS_OK ? measure(e, out) : err;
}
