/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a node catches up: the whole node with sockets, database and worker threads, following a
 * feed served by another thread of this process, on a chain with three enclaves reporting in every
 * batch. Beside it the rate of raw signature recoveries, which bounds it: what is told as "of_raw"
 * is the share of it that arrives as verified, durable batches.
 *
 *   bench_catchup [BATCHES]   JSON lines on stdout */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "chain/batch.h"
#include "engine/engine.h"
#include "net/feed_server.h"
#include "node/shell.h"
#include "store/store.h"
#include "testnet.h"

#define ENCLAVES 3

struct server {
    struct testnet *net;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    struct ts_server *server;
    struct ts_feed_server *feed;
};

static double now_s(void)
{
    return (double)uv_hrtime() / 1e9;
}

/* Of all threads: what others do on the machine does not count. */
static double cpu_s(void)
{
    struct timespec t;
    TS_CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the peer -------------------------------------------------------------------------------- */

static ts_err read_history(void *ctx, uint64_t from, uint64_t count, ts_store_batch_fn fn,
                           void *fn_ctx)
{
    const struct server *s = ctx;
    for (uint64_t n = from; n < from + count && n <= s->net->n_history; n++) {
        struct ts_store_batch b = {.number = n, .raw = tn_raw(s->net, n)};
        if (!fn(fn_ctx, &b))
            break;
    }
    return TS_OK;
}

static void on_stop(uv_async_t *async)
{
    struct server *s = async->data;
    ts_server_close(s->server, 0, NULL, NULL);
    ts_feed_server_close(s->feed);
    uv_close((uv_handle_t *)async, NULL);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void server_start(struct server *s)
{
    char why[256];
    struct ts_feed_server_config c = {.genesis = s->net->genesis.hash,
                                      .name = "bench",
                                      .head_number = s->net->chain.head.number,
                                      .head_hash = s->net->chain.head.hash,
                                      .ctx = s,
                                      .read = read_history};
    TS_CHECK(uv_loop_init(&s->loop) == 0);
    s->feed = ts_feed_server_new(&s->loop, &c);
    TS_CHECK(s->feed != NULL);
    const struct ts_ws_path path = {.path = "/feed",
                                    .binary = true,
                                    .max_message = TS_FEED_MAX_FRAME,
                                    .max_queue = TS_FEED_WS_QUEUE,
                                    .handlers = ts_feed_server_ws_handlers,
                                    .ctx = s->feed};
    const struct ts_server_config server = {.ws_paths = &path, .n_ws_paths = 1};
    TS_CHECK(ts_server_new(&s->loop, &server, &s->server, why, sizeof(why)) == TS_OK);
    TS_CHECK(uv_async_init(&s->loop, &s->stop, on_stop) == 0);
    s->stop.data = s;
}

/* ---- the bound ------------------------------------------------------------------------------- */

/* Recoveries a second on one core, and how many a batch needs. */
static double raw_rate(const struct testnet *net, double *per_batch)
{
    enum { SAMPLE = 200 };
    struct ts_buf found;
    ts_hash root = {{0}};
    uint64_t first = 3;
    TS_CHECK(net->n_history > first + SAMPLE);
    ts_buf_init(&found, 0);
    TS_CHECK(ts_node_roots(net->history, first - 1, &root) == TS_OK);
    ts_node_verify(&net->genesis, net->crypto, &root, net->history + first - 1, SAMPLE, &found);
    const struct ts_recovered *v = (const struct ts_recovered *)(const void *)found.p;
    size_t n = found.n / sizeof(*v);
    ts_address signer;
    double start = cpu_s();
    for (size_t i = 0; i < n; i++)
        TS_CHECK(net->crypto->recover(net->crypto->ctx, &v[i].digest, &v[i].sig, &signer) == TS_OK);
    double rate = (double)n / (cpu_s() - start);
    *per_batch = (double)n / SAMPLE;
    ts_buf_free(&found);
    return rate;
}

/* ---- the node -------------------------------------------------------------------------------- */

struct follow {
    struct ts_node_shell *shell;
    uv_timer_t timer;
    uint64_t target;
    double start, end, cpu;
};

static void look(uv_timer_t *timer)
{
    struct follow *f = timer->data;
    if (ts_node_shell_head(f->shell) < f->target && now_s() - f->start < 120)
        return;
    f->end = now_s();
    f->cpu = cpu_s() - f->cpu;
    uv_close((uv_handle_t *)timer, NULL);
    ts_node_shell_stop(f->shell);
}

static void follow(struct testnet *net, uint16_t port, const char *dir, struct follow *f)
{
    char url[64], path[256], why[256] = "";
    const char *peers[] = {url};
    uv_loop_t loop;
    uint8_t *raw;
    size_t n;
    snprintf(url, sizeof(url), "ws://127.0.0.1:%u/feed", port);
    snprintf(path, sizeof(path), "%s/node.db", dir);
    TS_CHECK(uv_loop_init(&loop) == 0);
    TS_CHECK(ts_genesis_encode(&net->genesis, &raw, &n) == TS_OK);
    struct ts_node_shell_config c = {.loop = &loop,
                                     .genesis = &net->genesis,
                                     .genesis_raw = ts_bytes_of(raw, n),
                                     .crypto = net->crypto,
                                     .store_path = path,
                                     .peers = peers,
                                     .n_peers = 1,
                                     .listener = {.max_body = 1u << 20}};
    ts_node_settings_default(&c.settings);
    f->target = net->n_history;
    f->start = now_s();
    f->cpu = cpu_s();
    if (ts_node_shell_new(&c, &f->shell, why, sizeof(why)) != TS_OK) {
        fprintf(stderr, "bench_catchup: %s\n", why);
        exit(1);
    }
    TS_CHECK(uv_timer_init(&loop, &f->timer) == 0);
    f->timer.data = f;
    TS_CHECK(uv_timer_start(&f->timer, look, 5, 5) == 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    uint64_t head = ts_node_shell_head(f->shell);
    ts_node_shell_free(f->shell);
    TS_CHECK(uv_loop_close(&loop) == 0);
    free(raw);
    if (head < f->target) {
        fprintf(stderr, "bench_catchup: stopped at batch %" PRIu64 " of %" PRIu64 "\n", head,
                f->target);
        exit(1);
    }
}

static void tell(const char *name, double value)
{
    printf("{\"name\":\"%s\",\"value\":%.4g}\n", name, value);
}

/* The state root of a chain without transactions is that of the genesis the node's engine makes. */
static struct testnet *make_chain(size_t batches)
{
    struct ts_genesis empty = {0};
    const uint64_t seed[2] = {0, 0};
    struct ts_engine *engine;
    ts_hash root;
    TS_CHECK(ts_ledger_engine.open(&empty, NULL, seed, &engine) == TS_OK);
    ts_ledger_engine.root(engine, &root);
    ts_ledger_engine.close(engine);
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = ENCLAVES, .state_root = &root});
    tn_start(net);
    tn_run(net, batches - net->n_history);
    return net;
}

int main(int argc, char **argv)
{
    size_t batches = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    char dir[] = "/tmp/bench_catchup.XXXXXX", path[300];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double per_batch;
    ts_log_setup("bench", TS_LOG_WARN, TS_LOG_TEXT);
    TS_CHECK(batches > 500 && mkdtemp(dir) != NULL);
    struct server s = {.net = make_chain(batches)};
    double raw = raw_rate(s.net, &per_batch);
    server_start(&s);
    uint16_t port = ts_server_port(s.server);
    TS_CHECK(pthread_create(&s.thread, NULL, serve, &s) == 0);
    struct follow f = {0};
    follow(s.net, port, dir, &f);
    uv_async_send(&s.stop);
    pthread_join(s.thread, NULL);
    TS_CHECK(uv_loop_close(&s.loop) == 0);
    double rate = (double)batches / (f.end - f.start);
    tell("catchup_batches_per_s", rate);
    tell("signatures_per_batch", per_batch);
    tell("raw_recoveries_per_s_per_core", raw);
    tell("cores", (double)cores);
    tell("catchup_of_raw", rate * per_batch / (raw * (double)cores));
    tell("catchup_cpu_us_per_batch", f.cpu * 1e6 / (double)batches);
    tell("raw_cpu_us_per_batch", per_batch * 1e6 / raw);
    static const char *const files[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < TS_COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/node.db%s", dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
    tn_free(s.net);
    return 0;
}
