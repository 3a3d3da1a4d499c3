/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/infos.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "engine/info.h"

#define GAS_SLOTS      1024u
#define CHUNK_BYTES    (256u * 1024)
#define MAX_INFO_EXTRA 512u /* an info is at most so much longer than its transaction */

struct waiter {
    struct waiter *next;
    ts_infos_done done;
    void *ctx;
};

/* A batch being asked for, or kept. */
struct entry {
    struct entry *next;
    struct ts_infos_batch b;
    struct ts_buf raw;
    struct ts_buf answers;
    struct ts_arena arena;
    ts_hash *hashes;
    uint64_t *cumulative;
    size_t *at;
    size_t known; /* transactions told so far */
    size_t asked; /* in the question on its way */
    struct waiter *waiters;
};

struct gas {
    uint64_t number;
    ts_hash hash;
    uint64_t gas;
};

struct ts_infos {
    const struct ts_rpc_backend *backend;
    struct entry *jobs; /* the first is being asked for */
    size_t n_jobs;
    size_t n_waiting;
    struct entry *kept; /* newest use first */
    size_t kept_bytes;
    bool asking; /* a question is on its way */
    bool pumping;
    struct ts_buf arg;
    struct gas gas[GAS_SLOTS];
};

struct ts_tx_info ts_infos_read(const struct ts_infos_batch *b, size_t i)
{
    TS_CHECK(i < b->batch.n_txs);
    struct ts_tx_info info;
    struct ts_reader r =
        ts_reader_of(ts_bytes_of(b->answers.p + b->at[i], b->at[i + 1] - b->at[i]));
    ts_tx_info_read(&r, &info);
    TS_CHECK(ts_reader_done(&r) == TS_OK); /* it was read before it was kept */
    return info;
}

struct ts_infos *ts_infos_new(const struct ts_rpc_backend *backend)
{
    struct ts_infos *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return NULL;
    f->backend = backend;
    ts_buf_init(&f->arg, 0);
    return f;
}

static void entry_free(struct entry *e)
{
    ts_buf_free(&e->raw);
    ts_buf_free(&e->answers);
    ts_arena_free(&e->arena);
    free(e);
}

/* Calls back all who wait for e, with what is in it or with an error. */
static void tell(struct ts_infos *f, struct entry *e, ts_err err, const char *why)
{
    while (e->waiters != NULL) {
        struct waiter *w = e->waiters;
        e->waiters = w->next;
        f->n_waiting--;
        if (err == TS_OK)
            w->done(w->ctx, TS_OK, &e->b, NULL);
        else
            w->done(w->ctx, err, NULL, why != NULL && why[0] != '\0' ? why : ts_err_text(err));
        free(w);
    }
}

void ts_infos_free(struct ts_infos *f)
{
    if (f == NULL)
        return;
    TS_CHECK(!f->asking);
    f->pumping = true; /* nobody starts anything any more */
    while (f->jobs != NULL) {
        struct entry *e = f->jobs;
        f->jobs = e->next;
        tell(f, e, TS_E_CLOSED, "the program is ending");
        entry_free(e);
    }
    while (f->kept != NULL) {
        struct entry *e = f->kept;
        f->kept = e->next;
        entry_free(e);
    }
    ts_buf_free(&f->arg);
    free(f);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static size_t entry_bytes(const struct entry *e)
{
    return sizeof(*e) + e->raw.cap + e->answers.cap + e->arena.used;
}

/* The entry used longest ago goes. */
static void drop_oldest(struct ts_infos *f)
{
    struct entry **at = &f->kept;
    while (*at != NULL && (*at)->next != NULL)
        at = &(*at)->next;
    struct entry *old = *at;
    TS_CHECK(old != NULL);
    *at = NULL;
    f->kept_bytes -= entry_bytes(old);
    entry_free(old);
}

static void keep(struct ts_infos *f, struct entry *e)
{
    e->next = f->kept;
    f->kept = e;
    f->kept_bytes += entry_bytes(e);
    while (f->kept_bytes > TS_INFOS_MAX_BYTES)
        drop_oldest(f);
}

static struct entry *find(struct entry *list, const ts_hash *hash)
{
    while (list != NULL && !ts_hash_equal(&list->b.hash, hash))
        list = list->next;
    return list;
}

static void to_front(struct ts_infos *f, struct entry *e)
{
    for (struct entry **at = &f->kept; *at != NULL; at = &(*at)->next) {
        if (*at != e)
            continue;
        *at = e->next;
        e->next = f->kept;
        f->kept = e;
        return;
    }
}

bool ts_infos_gas(const struct ts_infos *f, uint64_t number, const ts_hash *hash, uint64_t *gas)
{
    const struct gas *g = &f->gas[number % GAS_SLOTS];
    if (g->number != number || !ts_hash_equal(&g->hash, hash))
        return false;
    *gas = g->gas;
    return true;
}

static void note_gas(struct ts_infos *f, const struct ts_infos_batch *b)
{
    f->gas[b->number % GAS_SLOTS] =
        (struct gas){.number = b->number, .hash = b->hash, .gas = b->gas_used};
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* One more info, checked against the transaction it is about. */
static ts_err take_one(struct entry *e, ts_bytes item)
{
    struct ts_tx_info info;
    struct ts_reader r = ts_reader_of(item);
    ts_tx_info_read(&r, &info);
    ts_err err = ts_reader_done(&r);
    if (err != TS_OK)
        return err;
    if (!ts_hash_equal(&info.hash, &e->hashes[e->known]) || info.gas_used > info.gas)
        return TS_E_CORRUPT;
    uint64_t before = e->known > 0 ? e->cumulative[e->known - 1] : 0;
    if (info.gas_used > UINT64_MAX - before)
        return TS_E_CORRUPT;
    ts_buf_put(&e->answers, item.p, item.n);
    e->cumulative[e->known] = before + info.gas_used;
    e->known++;
    e->at[e->known] = e->answers.n;
    return e->answers.err;
}

static ts_err take_answer(struct entry *e, ts_bytes answer)
{
    size_t end = e->known + e->asked;
    struct ts_reader r = ts_reader_of(answer);
    ts_err err = TS_OK;
    ts_read_list(&r);
    while (err == TS_OK && e->known < end && ts_read_more(&r)) {
        ts_bytes item = ts_read_raw(&r);
        if (r.err == TS_OK)
            err = take_one(e, item);
    }
    ts_read_list_end(&r);
    if (err == TS_OK)
        err = ts_reader_done(&r);
    return err == TS_OK && e->known != end ? TS_E_CORRUPT : err;
}

/* Takes the first job off the list; it is kept, or freed with an error. */
static void finish(struct ts_infos *f, ts_err err, const char *why)
{
    struct entry *e = f->jobs;
    f->jobs = e->next;
    f->n_jobs--;
    if (err == TS_OK) {
        e->b.answers = ts_buf_bytes(&e->answers);
        e->b.gas_used = e->known > 0 ? e->cumulative[e->known - 1] : 0;
        note_gas(f, &e->b);
    }
    tell(f, e, err, why);
    if (err == TS_OK)
        keep(f, e);
    else
        entry_free(e);
}

static void pump(struct ts_infos *f);

static void on_answer(void *ctx, ts_err err, ts_bytes answer, const char *text)
{
    struct ts_infos *f = ctx;
    TS_CHECK(f->asking && f->jobs != NULL);
    f->asking = false;
    if (err == TS_OK) {
        err = take_answer(f->jobs, answer);
        text = err != TS_OK ? "the enclave's answer is not about these transactions" : NULL;
    }
    if (err != TS_OK)
        finish(f, err, text);
    pump(f);
}

static void ask(struct ts_infos *f, struct entry *e)
{
    ts_buf_reset(&f->arg);
    size_t mark = ts_put_list(&f->arg);
    e->asked = 0;
    while (e->known + e->asked < e->b.batch.n_txs && e->asked < TS_INFOS_CHUNK &&
           f->arg.n < CHUNK_BYTES) {
        ts_put_bytes(&f->arg, e->b.batch.txs[e->known + e->asked]);
        e->asked++;
    }
    ts_put_list_end(&f->arg, mark);
    f->asking = true;
    if (f->arg.err != TS_OK)
        on_answer(f, f->arg.err, ts_bytes_of(NULL, 0), NULL);
    else
        f->backend->query(f->backend->ctx, TS_QUERY_RECEIPTS, ts_buf_bytes(&f->arg), on_answer, f);
}

/* A backend may answer at once: the loop keeps that from becoming a recursion. */
static void pump(struct ts_infos *f)
{
    if (f->pumping)
        return;
    f->pumping = true;
    while (f->jobs != NULL && !f->asking) {
        if (f->jobs->known == f->jobs->b.batch.n_txs)
            finish(f, TS_OK, NULL);
        else
            ask(f, f->jobs);
    }
    f->pumping = false;
}

static ts_err prepare(struct entry *e)
{
    size_t n = e->b.batch.n_txs;
    e->hashes = ts_arena_array(&e->arena, n, sizeof(*e->hashes));
    e->cumulative = ts_arena_array(&e->arena, n, sizeof(*e->cumulative));
    e->at = ts_arena_array(&e->arena, n + 1, sizeof(*e->at));
    if (e->hashes == NULL || e->cumulative == NULL || e->at == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        ts_tx_hash(e->b.batch.txs[i], &e->hashes[i]);
    e->b.tx_hashes = e->hashes;
    e->b.cumulative_gas = e->cumulative;
    e->b.at = e->at;
    return TS_OK;
}

static ts_err entry_new(uint64_t number, const ts_hash *hash, ts_bytes raw, struct entry **out)
{
    struct entry *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return TS_E_NOMEM;
    e->b.number = number;
    e->b.hash = *hash;
    ts_arena_init(&e->arena, 0);
    ts_buf_init(&e->raw, 0);
    ts_buf_init(&e->answers, raw.n * (1 + MAX_INFO_EXTRA));
    ts_buf_put(&e->raw, raw.p, raw.n);
    ts_err err = e->raw.err;
    if (err == TS_OK)
        err = ts_batch_decode(ts_buf_bytes(&e->raw), TS_MAX_BATCH_BYTES, &e->arena, &e->b.batch);
    if (err == TS_OK)
        err = prepare(e);
    if (err != TS_OK) {
        entry_free(e);
        return err;
    }
    *out = e;
    return TS_OK;
}

static ts_err wait_for(struct ts_infos *f, struct entry *e, ts_infos_done done, void *ctx)
{
    struct waiter *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return TS_E_NOMEM;
    *w = (struct waiter){.done = done, .ctx = ctx};
    struct waiter **end = &e->waiters;
    while (*end != NULL)
        end = &(*end)->next;
    *end = w;
    f->n_waiting++;
    return TS_OK;
}

static ts_err start(struct ts_infos *f, uint64_t number, const ts_hash *hash, ts_bytes raw,
                    ts_infos_done done, void *ctx)
{
    struct entry *e = find(f->jobs, hash);
    if (f->n_waiting >= TS_INFOS_MAX_WAITING || (e == NULL && f->n_jobs >= TS_INFOS_MAX_JOBS))
        return TS_E_BUSY;
    if (e != NULL)
        return wait_for(f, e, done, ctx);
    ts_err err = entry_new(number, hash, raw, &e);
    if (err != TS_OK)
        return err;
    err = wait_for(f, e, done, ctx);
    if (err != TS_OK) {
        entry_free(e);
        return err;
    }
    struct entry **end = &f->jobs;
    while (*end != NULL)
        end = &(*end)->next;
    *end = e;
    f->n_jobs++;
    return TS_OK;
}

void ts_infos_get(struct ts_infos *f, uint64_t number, const ts_hash *hash, ts_bytes raw,
                  ts_infos_done done, void *ctx)
{
    struct entry *e = find(f->kept, hash);
    if (e != NULL) {
        to_front(f, e);
        done(ctx, TS_OK, &e->b, NULL);
        return;
    }
    ts_err err = start(f, number, hash, raw, done, ctx);
    if (err != TS_OK)
        done(ctx, err, NULL,
             err == TS_E_BUSY ? "too many batches are being asked for; try again"
                              : ts_err_text(err));
    else
        pump(f);
}
