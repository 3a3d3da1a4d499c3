/* SPDX-License-Identifier: Apache-2.0 */
/* What an assessment rests on as bytes, an item of the audit's:
 *   [[since, accounted, serial, restarts, windows, thinned, boot, clean, unclean, found…, silence,
 * silent], [enclave, …], [restart, …]] */
#include "audit/assess.h"

/* ---- the length of a silence ---- */

static void put_silence(struct ts_buf *b, const struct ts_longest_silence *s)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, s->batches);
    ts_put_u64(b, s->ms);
    ts_put_u64(b, s->first);
    ts_put_u64(b, s->last);
    ts_put_list_end(b, mark);
}

static void read_silence(struct ts_reader *r, const struct ts_head *head,
                         struct ts_longest_silence *s)
{
    ts_read_list(r);
    s->batches = ts_read_at_most(r, head->number);
    s->ms = ts_read_u64(r);
    s->first = ts_read_at_most(r, head->number);
    s->last = ts_read_at_most(r, head->number);
    ts_read_list_end(r);
    ts_reader_want(r, s->first <= s->last);
}

/* ---- an enclave ---- */

static void put_enclave(struct ts_buf *b, const struct assess_enclave *e)
{
    size_t mark = ts_put_list(b);
    ts_put_address(b, &e->id);
    ts_put_u64(b, e->serial);
    ts_put_u64(b, e->is_listed);
    ts_put_u64(b, e->until);
    ts_put_u64(b, e->since);
    ts_put_u64(b, e->listed_from);
    ts_put_u64(b, e->listed_ms);
    ts_put_u64(b, e->up_ms);
    ts_put_u64(b, e->boots);
    ts_put_u64(b, e->first_start);
    ts_put_u64(b, e->dark_from);
    ts_put_u64(b, e->has_reported);
    ts_put_u64(b, e->clean);
    ts_put_u64(b, e->unclean);
    put_silence(b, &e->silence);
    ts_put_u64(b, e->absent);
    ts_put_u64(b, e->absent_from);
    ts_put_u64(b, e->absent_since);
    ts_put_u64(b, e->lag_last);
    ts_put_u64(b, e->lag_most);
    ts_put_u64(b, e->lag_sum);
    ts_put_u64(b, e->reports);
    ts_put_u64(b, e->windows);
    ts_put_u64(b, e->thinned_ms);
    ts_put_list_end(b, mark);
}

static void read_enclave(struct ts_reader *r, const struct ts_head *head,
                         const struct audit_assess *x, struct assess_enclave *e)
{
    ts_read_list(r);
    ts_read_address(r, &e->id);
    e->serial = ts_read_at_most(r, x->serial);
    e->is_listed = ts_read_at_most(r, 1) == 1;
    e->until = ts_read_at_most(r, head->number);
    e->since = ts_read_at_most(r, head->time);
    e->listed_from = ts_read_at_most(r, head->time);
    e->listed_ms = ts_read_u64(r);
    e->up_ms = ts_read_u64(r);
    e->boots = ts_read_u64(r);
    e->first_start = ts_read_at_most(r, head->time);
    e->dark_from = ts_read_at_most(r, head->time);
    e->has_reported = ts_read_at_most(r, 1) == 1;
    e->clean = ts_read_u64(r);
    e->unclean = ts_read_u64(r);
    read_silence(r, head, &e->silence);
    e->absent = ts_read_at_most(r, head->number);
    e->absent_from = ts_read_at_most(r, head->number);
    e->absent_since = ts_read_at_most(r, head->time);
    e->lag_last = ts_read_u64(r);
    e->lag_most = ts_read_u64(r);
    e->lag_sum = ts_read_u64(r);
    e->reports = ts_read_at_most(r, head->number);
    e->windows = ts_read_u64(r);
    e->thinned_ms = ts_read_u64(r);
    ts_read_list_end(r);
}

/* ---- a restart ---- */

static void put_restart(struct ts_buf *b, const struct assess_restart *v)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, v->time);
    ts_put_u64(b, v->number);
    ts_put_u64(b, v->enclave);
    ts_put_u64(b, v->dark_ms);
    ts_put_u64(b, v->all);
    ts_put_u64(b, v->own);
    ts_put_u64(b, v->is_first);
    ts_put_list_end(b, mark);
}

static void read_restart(struct ts_reader *r, const struct ts_head *head,
                         const struct audit_assess *x, struct assess_restart *v)
{
    ts_read_list(r);
    v->time = ts_read_at_most(r, head->time);
    v->number = ts_read_at_most(r, head->number);
    v->enclave = ts_read_at_most(r, x->serial);
    v->dark_ms = ts_read_u64(r);
    v->all = ts_read_at_most(r, x->restarts);
    v->own = ts_read_at_most(r, x->restarts);
    v->is_first = ts_read_at_most(r, 1) == 1;
    ts_read_list_end(r);
}

/* ---- all ---- */

static void put_totals(struct ts_buf *b, const struct audit_assess *x)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, x->since);
    ts_put_u64(b, x->accounted);
    ts_put_u64(b, x->serial);
    ts_put_u64(b, x->restarts);
    ts_put_u64(b, x->windows);
    ts_put_u64(b, x->thinned_ms);
    ts_put_u64(b, x->boot_ms);
    ts_put_u64(b, x->clean);
    ts_put_u64(b, x->unclean);
    for (size_t i = 0; i <= TS_SEVERITY_PROOF; i++)
        ts_put_u64(b, x->found[i]);
    put_silence(b, &x->silence);
    ts_put_address(b, &x->silent);
    ts_put_list_end(b, mark);
}

void assess_put(struct ts_buf *b, const struct audit_assess *x)
{
    size_t mark = ts_put_list(b);
    put_totals(b, x);
    size_t part = ts_put_list(b);
    for (size_t i = 0; i < x->n_enclaves; i++)
        put_enclave(b, &x->enclaves[i]);
    ts_put_list_end(b, part);
    part = ts_put_list(b);
    for (size_t i = 0; i < x->n_list; i++)
        put_restart(b, &x->list[i]);
    ts_put_list_end(b, part);
    ts_put_list_end(b, mark);
}

static void read_totals(struct ts_reader *r, const struct ts_head *head, struct audit_assess *x)
{
    ts_read_list(r);
    x->since = ts_read_at_most(r, head->time);
    x->accounted = ts_read_at_most(r, head->time);
    x->serial = ts_read_u64(r);
    x->restarts = ts_read_u64(r);
    x->windows = ts_read_u64(r);
    x->thinned_ms = ts_read_u64(r);
    x->boot_ms = ts_read_u64(r);
    x->clean = ts_read_u64(r);
    x->unclean = ts_read_u64(r);
    for (size_t i = 0; i <= TS_SEVERITY_PROOF; i++)
        x->found[i] = ts_read_u64(r);
    read_silence(r, head, &x->silence);
    ts_read_address(r, &x->silent);
    ts_read_list_end(r);
}

static void read_enclaves(struct ts_reader *r, const struct ts_head *head, struct audit_assess *x)
{
    ts_read_list(r);
    while (ts_read_more(r)) {
        size_t n = x->n_enclaves;
        ts_reader_want(r, n < TS_ASSESS_ENCLAVES);
        if (r->err != TS_OK)
            return;
        struct assess_enclave *e = &x->enclaves[n];
        read_enclave(r, head, x, e);
        ts_reader_want(r, n == 0 || ts_address_compare(&e[-1].id, &e->id) < 0);
        x->n_enclaves++;
    }
    ts_read_list_end(r);
}

static void read_restarts(struct ts_reader *r, const struct ts_head *head, struct audit_assess *x)
{
    ts_read_list(r);
    while (ts_read_more(r)) {
        size_t n = x->n_list;
        ts_reader_want(r, n < TS_ASSESS_RESTARTS);
        if (r->err != TS_OK)
            return;
        struct assess_restart *v = &x->list[n];
        read_restart(r, head, x, v);
        ts_reader_want(r, n == 0 || (v[-1].time <= v->time && v[-1].all <= v->all));
        x->n_list++;
    }
    ts_read_list_end(r);
}

void assess_read(struct ts_reader *r, const struct ts_head *head, struct audit_assess *x)
{
    ts_read_list(r);
    read_totals(r, head, x);
    read_enclaves(r, head, x);
    read_restarts(r, head, x);
    ts_read_list_end(r);
}
