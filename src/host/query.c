/* SPDX-License-Identifier: Apache-2.0 */
/* Engine queries: any enclave that is at the committed head, or past it, answers. What one says
 * that has the prepared batch already is told when that is committed: until then nobody may see it.
 */
#include "host/internal.h"

#define QUERY_WAIT_US 5000000u
#define QUERY_MAX     4096u
#define QUERY_LOST    2u /* enclaves lost with one query: then it may be the reason */

/* One at the head can be told at once, and a passive one has the time. */
static unsigned rank(const struct ts_host *h, const struct member *m)
{
    return (ts_hash_equal(&m->head.hash, &h->chain.head.hash) ? 2u : 0u) +
           (m->state != TS_ENC_ACTIVE ? 1u : 0u);
}

static int choose_answerer(const struct ts_host *h)
{
    int best = TS_NOBODY;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        if (m->phase != M_READY || m->snapshotting || m->head.number < h->chain.head.number ||
            m->fifo_n > TS_MAX_REQUESTS / 2)
            continue;
        if (best == TS_NOBODY || rank(h, m) > rank(h, &h->members[best]))
            best = (int)i;
    }
    return best;
}

void query_add(struct ts_host *h, const struct ts_host_input *in)
{
    if (h->n_queries >= QUERY_MAX) {
        out_reply_error(h, in->token, TS_E_BUSY, "too many queries are waiting; try again later");
        return;
    }
    if (in->bytes.n > TS_MAX_BATCH_BYTES) {
        out_reply_error(h, in->token, TS_E_LIMIT, "the query has %zu bytes; at most %u are taken",
                        in->bytes.n, TS_MAX_BATCH_BYTES);
        return;
    }
    struct query *q = host_alloc(sizeof(*q));
    q->id = ++h->next_query;
    q->token = in->token;
    q->kind = in->query_kind;
    q->arg = host_alloc(in->bytes.n);
    if (in->bytes.n > 0)
        memcpy(q->arg, in->bytes.p, in->bytes.n);
    q->n_arg = in->bytes.n;
    q->until_us = h->now.mono_us + QUERY_WAIT_US;
    q->member = TS_NOBODY;
    struct query **end = &h->queries;
    while (*end != NULL)
        end = &(*end)->next;
    *end = q;
    h->n_queries++;
}

static struct query *query_unlink(struct ts_host *h, uint64_t id)
{
    for (struct query **at = &h->queries; *at != NULL; at = &(*at)->next) {
        struct query *q = *at;
        if (q->id != id)
            continue;
        *at = q->next;
        h->n_queries--;
        return q;
    }
    return NULL;
}

static void query_free(struct query *q)
{
    free(q->arg);
    free(q->answer);
    free(q);
}

static struct query *query_find(struct ts_host *h, uint64_t id)
{
    struct query *q = h->queries;
    while (q != NULL && q->id != id)
        q = q->next;
    return q;
}

static void reply(struct ts_host *h, struct query *q, ts_bytes answer)
{
    query_unlink(h, q->id);
    out_reply_bytes(h, q->token, answer);
    query_free(q);
}

void query_answered(struct ts_host *h, uint64_t id, const struct ts_msg_query_answer *a)
{
    struct query *q = query_find(h, id);
    if (q == NULL)
        return;
    if (a->head.number <= h->chain.head.number) {
        reply(h, q, a->answer);
        return;
    }
    q->head = a->head;
    q->answer = host_alloc(a->answer.n);
    if (a->answer.n > 0)
        memcpy(q->answer, a->answer.p, a->answer.n);
    q->n_answer = a->answer.n;
    q->member = TS_NOBODY;
}

/* The batch that the answer rests on is committed, or will never be. */
static void settle(struct ts_host *h, struct query *q)
{
    if (q->head.number > h->chain.head.number)
        return;
    if (join_is_on_chain(h, &q->head)) {
        reply(h, q, ts_bytes_of(q->answer, q->n_answer));
        return;
    }
    free(q->answer); /* asked once more */
    q->answer = NULL;
}

void query_refused(struct ts_host *h, uint64_t id, const struct ts_msg_error *e)
{
    struct query *q = query_unlink(h, id);
    if (q == NULL)
        return;
    out_reply_error(h, q->token, e->code, "%s", said(h, e->text));
    query_free(q);
}

void query_member_lost(struct ts_host *h, struct member *m)
{
    for (struct query *q = h->queries; q != NULL; q = q->next)
        if (q->member == member_index(h, m)) {
            q->member = TS_NOBODY;
            if (++q->lost >= QUERY_LOST)
                q->until_us = 0;
        }
}

static void expire(struct ts_host *h)
{
    struct query *next;
    for (struct query *q = h->queries; q != NULL; q = next) {
        next = q->next;
        if (h->now.mono_us < q->until_us || q->member != TS_NOBODY)
            continue;
        query_unlink(h, q->id);
        out_reply_error(h, q->token, TS_E_TIMEOUT, "%s",
                        q->answer == NULL ? "no enclave is up to answer the query"
                                          : "the newest batch is not committed yet");
        query_free(q);
    }
}

void query_advance(struct ts_host *h)
{
    if (h->queries == NULL)
        return;
    expire(h);
    struct query *next;
    for (struct query *q = h->queries; q != NULL; q = next) {
        next = q->next;
        if (q->answer != NULL)
            settle(h, q);
    }
    for (struct query *q = h->queries; q != NULL; q = q->next) {
        if (q->member != TS_NOBODY || q->answer != NULL)
            continue;
        int who = choose_answerer(h);
        if (who == TS_NOBODY)
            return;
        struct ts_msg msg = {.type = TS_MSG_QUERY};
        msg.u.query.kind = q->kind;
        msg.u.query.arg = ts_bytes_of(q->arg, q->n_arg);
        if (!member_ask(h, &h->members[who], &msg, q->n_arg / 100, q->id))
            return;
        q->member = who;
    }
}

uint64_t query_wake(const struct ts_host *h)
{
    uint64_t wake = UINT64_MAX;
    for (const struct query *q = h->queries; q != NULL; q = q->next)
        if (q->member == TS_NOBODY && q->until_us < wake)
            wake = q->until_us;
    return wake;
}
