/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a history is audited: verify, apply and audit on all cores, beside the bare recoveries
 * of the very same signatures on all cores. Worker threads recover run after run, as a node has
 * them do (node/verify.h); one thread checks each batch against V1 to V8 with what they found,
 * applies and audits it, in order. Target: 0.8 of the bare rate.
 *
 *   bench_audit [BATCHES]   JSON lines on stdout, a table on stderr */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/check.h"
#include "chain/batch.h"
#include "node/verify.h"
#include "testnet.h"

#define TARGET   0.8
#define ROUNDS   5
#define RUN      32 /* batches that a worker takes at a time: a node's verify_run */
#define AHEAD    16 /* runs that may be recovered before they are checked */
#define MAX_CORE 64

static double now_s(void)
{
    struct timespec t;
    TS_CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct timespec t;
    TS_CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct cost {
    double wall, cpu;
};

/* ---- a history, and runs of it ----------------------------------------------------------------
 */

struct run {
    ts_hash root; /* the protocol root before it */
    struct ts_buf found;
    bool is_done;
};

struct bench {
    const struct testnet *net;
    struct run *runs;
    size_t n_runs, n_signatures;
    size_t taken, checked; /* runs */
    bool is_bare;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    long cores;
};

static size_t size_of(const struct bench *b, size_t run)
{
    size_t left = b->net->n_history - run * RUN;
    return left < RUN ? left : RUN;
}

static void recover_run(struct bench *b, size_t i)
{
    struct run *r = &b->runs[i];
    ts_buf_reset(&r->found);
    ts_node_verify(&b->net->genesis, b->net->crypto, &r->root, b->net->history + i * RUN,
                   size_of(b, i), &r->found);
}

/* The same digests and signatures, and nothing else. */
static void recover_bare(const struct bench *b, size_t i)
{
    const struct ts_recovered *v = (const void *)b->runs[i].found.p;
    size_t n = b->runs[i].found.n / sizeof(*v);
    ts_address signer;
    for (size_t k = 0; k < n; k++)
        TS_CHECK(b->net->crypto->recover(b->net->crypto->ctx, &v[k].digest, &v[k].sig, &signer) ==
                 TS_OK);
}

static void *work(void *arg)
{
    struct bench *b = arg;
    for (;;) {
        pthread_mutex_lock(&b->lock);
        while (!b->is_bare && b->taken < b->n_runs && b->taken >= b->checked + AHEAD)
            pthread_cond_wait(&b->moved, &b->lock);
        size_t i = b->taken++;
        pthread_mutex_unlock(&b->lock);
        if (i >= b->n_runs)
            return NULL;
        if (b->is_bare)
            recover_bare(b, i);
        else
            recover_run(b, i);
        pthread_mutex_lock(&b->lock);
        b->runs[i].is_done = true;
        pthread_cond_broadcast(&b->moved);
        pthread_mutex_unlock(&b->lock);
    }
}

/* ---- checking, applying, auditing -------------------------------------------------------------
 */

struct audited {
    struct ts_sig_cache cache;
    struct ts_chain chain;
    struct ts_effect *effect;
    struct ts_audit *audit;
    struct ts_arena arena;
};

static void audit_run(struct bench *b, struct audited *a, size_t i)
{
    struct run *r = &b->runs[i];
    pthread_mutex_lock(&b->lock);
    while (!r->is_done)
        pthread_cond_wait(&b->moved, &b->lock);
    pthread_mutex_unlock(&b->lock);
    const struct ts_recovered *v = (const void *)r->found.p;
    ts_sig_cache_fill(&a->cache, v, r->found.n / sizeof(*v));
    for (size_t k = 0; k < size_of(b, i); k++) {
        struct ts_batch batch;
        ts_arena_reset(&a->arena);
        tn_decode(b->net, i * RUN + k + 1, &a->arena, &batch);
        TS_CHECK(ts_batch_check(&a->chain, &batch, NULL, a->effect, NULL) == TS_OK);
        TS_CHECK(ts_chain_apply(&a->chain, a->effect) == TS_OK);
        ts_audit_batch(a->audit, &a->chain, &batch, NULL);
    }
    pthread_mutex_lock(&b->lock);
    b->checked++;
    pthread_cond_broadcast(&b->moved);
    pthread_mutex_unlock(&b->lock);
}

static void audit_all(struct bench *b)
{
    struct audited a;
    const uint64_t seed[2] = {1, 2};
    ts_sig_cache_init(&a.cache, b->net->crypto, seed);
    TS_CHECK(ts_chain_init(&a.chain, &b->net->genesis, &a.cache.crypto, &b->net->genesis_root) ==
             TS_OK);
    a.effect = ts_effect_new();
    a.audit = ts_audit_new(&b->net->genesis);
    ts_arena_init(&a.arena, 0);
    for (size_t i = 0; i < b->n_runs; i++)
        audit_run(b, &a, i);
    TS_CHECK(a.chain.head.number == b->net->n_history && a.cache.misses == 0);
    TS_CHECK(ts_audit_head(a.audit) == b->net->n_history);
    ts_arena_free(&a.arena);
    ts_audit_free(a.audit);
    ts_effect_free(a.effect);
    ts_chain_free(&a.chain);
    ts_sig_cache_free(&a.cache);
}

static struct cost round_of(struct bench *b, bool is_bare)
{
    pthread_t threads[MAX_CORE] = {0};
    struct cost c = {.wall = now_s(), .cpu = cpu_s()};
    b->is_bare = is_bare;
    b->taken = b->checked = 0;
    for (size_t i = 0; i < b->n_runs; i++)
        b->runs[i].is_done = false;
    for (long i = 0; i < b->cores; i++)
        TS_CHECK(pthread_create(&threads[i], NULL, work, b) == 0);
    if (!is_bare)
        audit_all(b);
    for (long i = 0; i < b->cores; i++)
        pthread_join(threads[i], NULL);
    return (struct cost){.wall = now_s() - c.wall, .cpu = cpu_s() - c.cpu};
}

static void prepare(struct bench *b)
{
    ts_hash root = {{0}};
    b->n_runs = (b->net->n_history + RUN - 1) / RUN;
    b->runs = calloc(b->n_runs, sizeof(*b->runs));
    TS_CHECK(b->runs != NULL);
    for (size_t i = 0; i < b->n_runs; i++) {
        b->runs[i].root = root;
        ts_buf_init(&b->runs[i].found, 0);
        TS_CHECK(ts_node_roots(b->net->history + i * RUN, size_of(b, i), &root) == TS_OK);
        recover_run(b, i);
        b->n_signatures += b->runs[i].found.n / sizeof(struct ts_recovered);
    }
}

static void tell(const char *name, double value)
{
    printf("{\"name\":\"%s\",\"value\":%.4g}\n", name, value);
}

static struct testnet *make_chain(size_t batches)
{
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 3});
    tn_start(net);
    tn_run(net, batches - net->n_history);
    return net;
}

int main(int argc, char **argv)
{
    size_t batches = argc > 1 ? strtoul(argv[1], NULL, 10) : 8000;
    struct cost bare = {1e18, 1e18}, whole = {1e18, 1e18};
    struct bench b = {.cores = sysconf(_SC_NPROCESSORS_ONLN)};
    TS_CHECK(batches >= 100 && b.cores > 0 && pthread_mutex_init(&b.lock, NULL) == 0 &&
             pthread_cond_init(&b.moved, NULL) == 0);
    b.cores = b.cores < MAX_CORE ? b.cores : MAX_CORE;
    struct testnet *net = make_chain(batches);
    b.net = net;
    prepare(&b);
    /* In turn, so that a busy machine slows both alike; the best of each. */
    for (int i = 0; i < ROUNDS; i++) {
        struct cost x = round_of(&b, true), y = round_of(&b, false);
        bare.wall = x.wall < bare.wall ? x.wall : bare.wall;
        bare.cpu = x.cpu < bare.cpu ? x.cpu : bare.cpu;
        whole.wall = y.wall < whole.wall ? y.wall : whole.wall;
        whole.cpu = y.cpu < whole.cpu ? y.cpu : whole.cpu;
    }
    double of_bare = bare.wall / whole.wall, of_bare_cpu = bare.cpu / whole.cpu;
    tell("audit_batches_per_s", (double)batches / whole.wall);
    tell("signatures_per_batch", (double)b.n_signatures / (double)batches);
    tell("bare_recoveries_per_s", (double)b.n_signatures / bare.wall);
    tell("audit_of_bare", of_bare);
    tell("audit_of_bare_cpu", of_bare_cpu);
    fprintf(
        stderr,
        "audit  %zu batches: %.0f a second, %.3f of bare recoveries on %ld cores (processor time "
        "%.3f)%s\n",
        batches, (double)batches / whole.wall, of_bare, b.cores, of_bare_cpu,
        of_bare_cpu >= TARGET ? "" : "  below the target");
    for (size_t i = 0; i < b.n_runs; i++)
        ts_buf_free(&b.runs[i].found);
    free(b.runs);
    tn_free(net);
    return of_bare_cpu >= TARGET ? 0 : 1;
}
