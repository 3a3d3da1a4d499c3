/* SPDX-License-Identifier: Apache-2.0 */
#include "rebuild/pipe.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "rebuild/ahead.h"

enum job_state { JOB_AHEAD, JOB_BLOCKS, JOB_RUNS };
enum block_state { BLOCK_NEEDED, BLOCK_ASKED, BLOCK_KNOWN };

struct block {
    ts_hash hash;
    uint8_t state; /* enum block_state */
};

/* A rollup on its way. */
struct job {
    struct ts_pipe *pipe;
    uv_work_t work;
    enum job_state state;
    struct ts_rollup rollup;
    uint8_t *data;
    size_t n_data;
    ts_address whitelist[TS_MAX_WHITELIST];
    size_t n_whitelist;
    struct ts_ahead ahead;
    struct block *blocks; /* of ahead.l1 */
    size_t n_unknown, at; /* blocks[at] and above are asked for */
    ts_err err;
    struct ts_rebuild_fault fault;
};

struct ts_pipe {
    struct ts_pipe_config c;
    struct ts_crypto crypto; /* knows what was recovered ahead */
    struct ts_rebuild *rebuild;
    struct job *jobs[TS_PIPE_ROLLUPS]; /* in order */
    size_t n_jobs, in_threads;
    bool is_over, has_fault;
    struct ts_rebuild_fault fault;
    _Atomic uint64_t number, count;
};

static void free_job(struct job *j)
{
    if (j == NULL)
        return;
    ts_ahead_free(&j->ahead);
    free(j->blocks);
    free(j->data);
    free(j);
}

/* ---- in a worker thread ---- */

static void make_ahead(uv_work_t *work)
{
    struct job *j = work->data;
    const struct ts_pipe_config *c = &j->pipe->c;
    j->err = ts_ahead_make(c->genesis, c->crypto, &j->rollup, ts_bytes_of(j->data, j->n_data),
                           &j->ahead);
}

static void execute(uv_work_t *work)
{
    struct job *j = work->data;
    struct ts_pipe *p = j->pipe;
    j->err = ts_rebuild_rollup(p->rebuild, &j->rollup, ts_bytes_of(j->data, j->n_data), &j->fault);
    if (j->err != TS_OK)
        return;
    atomic_store(&p->count, ts_rebuild_count(p->rebuild));
    j->err = p->c.taken(p->c.ctx, &j->rollup, p->rebuild);
    if (j->err == TS_OK)
        return;
    j->fault = (struct ts_rebuild_fault){.code = j->err, .rollup = ts_rebuild_count(p->rebuild)};
    (void)snprintf(j->fault.what, sizeof(j->fault.what), "rollup %llu cannot be kept: %s",
                   (unsigned long long)j->fault.rollup, ts_err_text((int)j->err));
}

/* The rebuild's callbacks. The job that runs is the first. */

static size_t find_block(const struct job *j, uint64_t number)
{
    size_t lo = 0, hi = j->ahead.n_l1;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (j->ahead.l1[mid] < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < j->ahead.n_l1 && j->ahead.l1[lo] == number ? lo : SIZE_MAX;
}

static ts_err on_l1_hash(void *ctx, uint64_t number, ts_hash *out)
{
    const struct ts_pipe *p = ctx;
    size_t at = find_block(p->jobs[0], number);
    if (at == SIZE_MAX)
        return TS_E_NOT_FOUND;
    *out = p->jobs[0]->blocks[at].hash;
    return TS_OK;
}

static ts_err on_is_listed(void *ctx, const struct ts_rollup *rollup, const ts_address *id,
                           bool *out)
{
    const struct ts_pipe *p = ctx;
    (void)rollup;
    *out = false;
    for (size_t i = 0; i < p->jobs[0]->n_whitelist; i++)
        *out = *out || ts_address_equal(&p->jobs[0]->whitelist[i], id);
    return TS_OK;
}

static ts_err on_batch(void *ctx, const struct ts_rebuilt *b)
{
    struct ts_pipe *p = ctx;
    ts_err err = p->c.batch(p->c.ctx, b);
    if (err == TS_OK)
        atomic_store(&p->number, b->header->number);
    return err;
}

static ts_err on_recover(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    const struct ts_pipe *p = ctx;
    if (ts_ahead_sender(&p->jobs[0]->ahead, digest, sig, out))
        return TS_OK;
    return p->c.crypto->recover(p->c.crypto->ctx, digest, sig, out);
}

/* ---- on the loop ---- */

static void pump(struct ts_pipe *p);

static void end(struct ts_pipe *p, const struct ts_rebuild_fault *fault)
{
    p->is_over = true;
    if (p->has_fault)
        return;
    p->has_fault = true;
    p->fault = *fault;
}

static void end_nomem(struct ts_pipe *p)
{
    struct ts_rebuild_fault f = {.code = TS_E_NOMEM};
    (void)snprintf(f.what, sizeof(f.what), "%s", ts_err_text(TS_E_NOMEM));
    end(p, &f);
}

/* One that another job has, too, is not asked for again. */
static void share_block(struct ts_pipe *p, struct job *j, size_t i)
{
    for (size_t k = 0; k < p->n_jobs; k++) {
        const struct job *o = p->jobs[k];
        size_t at = o != j && o->state != JOB_AHEAD ? find_block(o, j->ahead.l1[i]) : SIZE_MAX;
        if (at == SIZE_MAX)
            continue;
        j->blocks[i] = o->blocks[at];
        if (o->blocks[at].state == BLOCK_NEEDED) /* the other asks */
            j->blocks[i].state = BLOCK_ASKED;
        return;
    }
}

static bool make_blocks(struct ts_pipe *p, struct job *j)
{
    size_t n = j->ahead.n_l1;
    j->blocks = calloc(n, sizeof(*j->blocks));
    if (j->blocks == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (j->ahead.l1[i] == p->c.genesis->l1_number)
            j->blocks[i] = (struct block){p->c.genesis->l1_hash, BLOCK_KNOWN};
        else
            share_block(p, j, i);
        j->n_unknown += j->blocks[i].state != BLOCK_KNOWN;
    }
    j->at = n;
    j->state = JOB_BLOCKS;
    return true;
}

static void after_ahead(uv_work_t *work, int status)
{
    struct job *j = work->data;
    struct ts_pipe *p = j->pipe;
    (void)status;
    p->in_threads--;
    if (!p->is_over && (j->err != TS_OK || !make_blocks(p, j)))
        end_nomem(p);
    pump(p);
}

static void after_execute(uv_work_t *work, int status)
{
    struct job *j = work->data;
    struct ts_pipe *p = j->pipe;
    (void)status;
    p->in_threads--;
    if (j->err != TS_OK)
        end(p, &j->fault);
    TS_CHECK(p->jobs[0] == j);
    p->n_jobs--;
    memmove(&p->jobs[0], &p->jobs[1], p->n_jobs * sizeof(p->jobs[0]));
    free_job(j);
    pump(p);
}

static void queue(struct job *j, uv_work_cb in_thread, uv_after_work_cb after)
{
    j->work.data = j;
    TS_CHECK(uv_queue_work(j->pipe->c.loop, &j->work, in_thread, after) == 0);
    j->pipe->in_threads++;
}

static void pump(struct ts_pipe *p)
{
    if (!p->is_over && p->n_jobs > 0 && p->jobs[0]->state == JOB_BLOCKS &&
        p->jobs[0]->n_unknown == 0) {
        p->jobs[0]->state = JOB_RUNS;
        queue(p->jobs[0], execute, after_execute);
    }
    p->c.moved(p->c.ctx);
}

bool ts_pipe_has_room(const struct ts_pipe *p)
{
    return !p->is_over && p->n_jobs < TS_PIPE_ROLLUPS;
}

ts_err ts_pipe_give(struct ts_pipe *p, const struct ts_rollup *rollup, ts_bytes data,
                    const ts_address *whitelist, size_t n_whitelist)
{
    TS_CHECK(ts_pipe_has_room(p) && n_whitelist <= TS_MAX_WHITELIST);
    struct job *j = calloc(1, sizeof(*j));
    if (j == NULL || (j->data = malloc(data.n + 1)) == NULL) {
        free_job(j);
        return TS_E_NOMEM;
    }
    j->pipe = p;
    j->rollup = *rollup;
    j->n_data = data.n;
    if (data.n > 0)
        memcpy(j->data, data.p, data.n);
    if (n_whitelist > 0)
        memcpy(j->whitelist, whitelist, n_whitelist * sizeof(*whitelist));
    j->n_whitelist = n_whitelist;
    p->jobs[p->n_jobs++] = j;
    queue(j, make_ahead, after_ahead);
    return TS_OK;
}

/* From the highest down, for a block also tells the hash of the one before it. */
bool ts_pipe_next_block(struct ts_pipe *p, uint64_t *number)
{
    for (size_t k = 0; k < p->n_jobs && !p->is_over; k++) {
        struct job *j = p->jobs[k];
        while (j->state == JOB_BLOCKS && j->at > 0) {
            size_t i = --j->at;
            if (j->blocks[i].state != BLOCK_NEEDED)
                continue;
            j->blocks[i].state = BLOCK_ASKED;
            *number = j->ahead.l1[i];
            if (i > 0 && j->ahead.l1[i - 1] + 1 == *number &&
                j->blocks[i - 1].state == BLOCK_NEEDED)
                j->blocks[i - 1].state = BLOCK_ASKED;
            return true;
        }
    }
    return false;
}

static void know(struct job *j, uint64_t number, const ts_hash *hash)
{
    size_t at = j->state == JOB_BLOCKS ? find_block(j, number) : SIZE_MAX;
    if (at == SIZE_MAX || j->blocks[at].state == BLOCK_KNOWN)
        return;
    j->blocks[at] = (struct block){*hash, BLOCK_KNOWN};
    j->n_unknown--;
}

void ts_pipe_block(struct ts_pipe *p, uint64_t number, const ts_hash *hash, const ts_hash *parent)
{
    for (size_t k = 0; k < p->n_jobs; k++) {
        know(p->jobs[k], number, hash);
        if (number > 0)
            know(p->jobs[k], number - 1, parent);
    }
    pump(p);
}

void ts_pipe_stop(struct ts_pipe *p)
{
    p->is_over = true;
}

bool ts_pipe_is_idle(const struct ts_pipe *p)
{
    return p->in_threads == 0 && (p->n_jobs == 0 || p->is_over);
}

const struct ts_rebuild_fault *ts_pipe_fault(const struct ts_pipe *p)
{
    return p->has_fault ? &p->fault : NULL;
}

uint64_t ts_pipe_number(const struct ts_pipe *p)
{
    return atomic_load(&p->number);
}

uint64_t ts_pipe_count(const struct ts_pipe *p)
{
    return atomic_load(&p->count);
}

struct ts_rebuild *ts_pipe_rebuild(struct ts_pipe *p)
{
    return p->rebuild;
}

ts_err ts_pipe_new(const struct ts_pipe_config *config, struct ts_pipe **out)
{
    struct ts_pipe *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return TS_E_NOMEM;
    p->c = *config;
    p->crypto = (struct ts_crypto){.ctx = p, .recover = on_recover};
    const struct ts_rebuild_config c = {
        .genesis = config->genesis,
        .crypto = &p->crypto,
        .engine = config->engine,
        .seed = {config->seed[0], config->seed[1]},
        .ctx = p,
        .l1_hash = on_l1_hash,
        .is_listed = on_is_listed,
        .batch = on_batch,
    };
    ts_err err = ts_rebuild_new(&c, &p->rebuild);
    if (err != TS_OK) {
        free(p);
        return err;
    }
    *out = p;
    return TS_OK;
}

void ts_pipe_free(struct ts_pipe *p)
{
    if (p == NULL)
        return;
    TS_CHECK(p->in_threads == 0);
    for (size_t i = 0; i < p->n_jobs; i++)
        free_job(p->jobs[i]);
    ts_rebuild_free(p->rebuild);
    free(p);
}
