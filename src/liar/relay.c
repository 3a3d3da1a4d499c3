/* SPDX-License-Identifier: Apache-2.0 */
/* Between the host and a node: what the host broadcasts goes on at once, and now and then a lie in
 * its place, or behind it. The node has another way to the chain too, as every node should: it
 * learns both versions. */
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "cfg/exit.h"
#include "liar/liar.h"
#include "net/feed_server.h"
#include "net/ws_client.h"

#define EVERY        5    /* batches from one lie to the next */
#define TRUTH_MS     400u /* an equivocation: after the batch that everybody has */
#define AGAIN_MS     500u
#define PAGE         512u
#define DECODE_ARENA (32u * 1024 * 1024)

struct relay {
    struct liar *l;
    uv_loop_t *loop;
    const char *host_feed;
    struct ts_wsc *host;
    struct ts_feed_server *feed;
    struct ts_server *server;
    struct ts_arena arena;
    uv_timer_t again, later;
    uv_signal_t signals[2];
    struct ts_buf lie;  /* what is told later */
    uint64_t number;    /* the newest batch that is folded */
    uint64_t l1_number; /* that it names */
    uint64_t lies;
    ts_hash root;
    bool is_ending;
};

/* ---- what is told ---- */

static void say(struct relay *r, uint64_t number)
{
    static const char *const names[] = {"equivocation", "whitelist-mismatch", "payload-edited",
                                        "rollup-mismatch"};
    r->lies++;
    ts_log(TS_LOG_INFO, "lie", "attack=%s number=%llu", names[r->l->attack],
           (unsigned long long)number);
}

static void tell_later(uv_timer_t *timer)
{
    struct relay *r = timer->data;
    ts_feed_server_evidence(r->feed, ts_buf_bytes(&r->lie), 0);
}

/* Now and then; but another L1 block can only be named where a new one is: what names its parent's
 * again is compared with the parent. */
static bool is_time(const struct relay *r, const struct ts_batch *b)
{
    if (ts_feed_server_peers(r->feed) == 0)
        return false;
    if (r->l->attack == LIAR_WHITELIST_MISMATCH)
        return b->header.l1_number != r->l1_number;
    return b->header.number % EVERY == 0;
}

/* The true batch to whoever listens, or a lie in its place. */
static void pass_on(struct relay *r, const struct ts_batch *b, const ts_hash *parent_root)
{
    ts_hash hash;
    bool is_second = r->l->attack == LIAR_EQUIVOCATION;
    bool lies = is_time(r, b) && !(is_second && uv_is_active((uv_handle_t *)&r->later));
    if (lies) {
        ts_buf_reset(&r->lie);
        lies = liar_forge(r->l, b, parent_root, &r->lie);
    }
    ts_header_hash(&r->l->genesis->domain, &b->header, &hash);
    ts_feed_server_publish(r->feed, b->header.number, &hash,
                           lies && !is_second ? ts_buf_bytes(&r->lie) : b->raw, true);
    if (lies)
        say(r, b->header.number);
    if (lies && is_second)
        TS_CHECK(uv_timer_start(&r->later, tell_later, TRUTH_MS, 0) == 0);
}

/* What was before: the head moves, and nobody is told. */
static void keep_up(struct relay *r, const struct ts_batch *b)
{
    ts_hash hash;
    ts_header_hash(&r->l->genesis->domain, &b->header, &hash);
    ts_feed_server_publish(r->feed, b->header.number, &hash, b->raw, false);
}

/* ---- following the host ---- */

static void send_frame(struct relay *r, const struct ts_feed_frame *f)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_put(&b, f);
    TS_CHECK(b.err == TS_OK);
    (void)ts_wsc_send(r->host, ts_buf_bytes(&b), true); /* a link that is gone is told */
    ts_buf_free(&b);
}

static void on_open(void *ctx, struct ts_wsc *c)
{
    struct relay *r = ctx;
    (void)c;
    send_frame(r, &(struct ts_feed_frame){.type = TS_FEED_HELLO,
                                          .version = TS_FEED_VERSION,
                                          .genesis = r->l->genesis->hash,
                                          .hash = r->l->genesis->hash,
                                          .bytes = ts_bytes_of("tenseq-liar", 11)});
}

static void ask(struct relay *r)
{
    send_frame(r, &(struct ts_feed_frame){
                      .type = TS_FEED_GET, .id = 1, .number = r->number + 1, .count = PAGE});
}

/* The next batch in turn; others are asked for. */
static void take(struct relay *r, ts_bytes raw, bool is_live)
{
    struct ts_batch b;
    ts_hash parent_root = r->root;
    if (ts_batch_decode(raw, r->l->genesis->params.max_batch_bytes, &r->arena, &b) != TS_OK ||
        b.header.number != r->number + 1)
        return;
    ts_protocol_root(&parent_root, b.raw_payload, &r->root);
    r->number = b.header.number;
    if (is_live)
        pass_on(r, &b, &parent_root);
    else
        keep_up(r, &b);
    r->l1_number = b.header.l1_number;
}

static void on_message(void *ctx, struct ts_wsc *c, ts_bytes message, bool binary)
{
    struct relay *r = ctx;
    struct ts_feed_frame f;
    uint64_t before = r->number;
    (void)c;
    ts_arena_reset(&r->arena);
    if (!binary || ts_feed_decode(message, &r->arena, &f) != TS_OK)
        return;
    if (f.type == TS_FEED_BATCH)
        take(r, f.bytes, true);
    for (size_t i = 0; f.type == TS_FEED_BATCHES && i < f.n_batches; i++)
        take(r, f.batches[i], false);
    if (f.type == TS_FEED_HELLO || (f.type == TS_FEED_BATCHES && r->number > before) ||
        (f.type == TS_FEED_BATCH && r->number == before))
        ask(r);
}

static void link_host(struct relay *r);

static void on_again(uv_timer_t *timer)
{
    link_host(timer->data);
}

static void on_close(void *ctx, struct ts_wsc *c, ts_err why, const char *text)
{
    struct relay *r = ctx;
    (void)c;
    (void)why;
    (void)text; /* the host is not up, or ends: it comes again */
    r->host = NULL;
    if (!r->is_ending)
        TS_CHECK(uv_timer_start(&r->again, on_again, AGAIN_MS, 0) == 0);
}

static void link_host(struct relay *r)
{
    static const struct ts_wsc_handlers handlers = {
        .on_open = on_open, .on_message = on_message, .on_close = on_close};
    char why[256];
    if (ts_wsc_connect(r->loop, r->host_feed, NULL, &handlers, r, &r->host, why, sizeof(why)) !=
        TS_OK)
        on_close(r, NULL, TS_E_IO, why);
}

/* ---- the feed that is served ---- */

/* Who listens has another way to what it missed. */
static ts_err read_nothing(void *ctx, uint64_t from, uint64_t count, ts_store_batch_fn fn,
                           void *fn_ctx)
{
    (void)ctx;
    (void)from;
    (void)count;
    (void)fn;
    (void)fn_ctx;
    return TS_OK;
}

static int serve(struct relay *r, uint16_t port)
{
    const struct ts_feed_server_config feed = {.genesis = r->l->genesis->hash,
                                               .name = "tenseq-liar",
                                               .head_hash = r->l->genesis->hash,
                                               .ctx = r,
                                               .read = read_nothing};
    char why[256] = "";
    r->feed = ts_feed_server_new(r->loop, &feed);
    TS_CHECK(r->feed != NULL);
    const struct ts_ws_path path = {.path = "/feed",
                                    .binary = true,
                                    .max_message = TS_FEED_MAX_FRAME,
                                    .max_queue = TS_FEED_WS_QUEUE,
                                    .handlers = ts_feed_server_ws_handlers,
                                    .ctx = r->feed};
    const struct ts_server_config server = {.port = port, .ws_paths = &path, .n_ws_paths = 1};
    if (ts_server_new(r->loop, &server, &r->server, why, sizeof(why)) == TS_OK)
        return TS_EXIT_OK;
    ts_log(TS_LOG_ERROR, "cannot-start", "why=\"%s\"", why);
    return TS_EXIT_FAILED;
}

/* ---- its life ---- */

static void end(struct relay *r)
{
    if (r->is_ending)
        return;
    r->is_ending = true;
    if (r->host != NULL)
        ts_wsc_close(r->host);
    if (r->server != NULL)
        ts_server_close(r->server, 0, NULL, NULL);
    ts_feed_server_close(r->feed);
    uv_close((uv_handle_t *)&r->again, NULL);
    uv_close((uv_handle_t *)&r->later, NULL);
    uv_close((uv_handle_t *)&r->signals[0], NULL);
    uv_close((uv_handle_t *)&r->signals[1], NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    end(handle->data);
}

static void open_handles(struct relay *r)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    TS_CHECK(uv_timer_init(r->loop, &r->again) == 0 && uv_timer_init(r->loop, &r->later) == 0);
    r->again.data = r->later.data = r;
    for (size_t i = 0; i < TS_COUNT(numbers); i++) {
        r->signals[i].data = r;
        TS_CHECK(uv_signal_init(r->loop, &r->signals[i]) == 0 &&
                 uv_signal_start(&r->signals[i], on_signal, numbers[i]) == 0);
    }
}

int liar_relay(struct liar *l, uv_loop_t *loop, const char *host_feed, uint16_t port)
{
    struct relay *r = calloc(1, sizeof(*r));
    TS_CHECK(r != NULL);
    *r = (struct relay){.l = l, .loop = loop, .host_feed = host_feed};
    ts_arena_init(&r->arena, DECODE_ARENA);
    ts_buf_init(&r->lie, 0);
    open_handles(r);
    int code = serve(r, port);
    if (code == TS_EXIT_OK)
        link_host(r);
    else
        end(r);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    ts_arena_free(&r->arena);
    ts_buf_free(&r->lie);
    free(r);
    return code;
}
