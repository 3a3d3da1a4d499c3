/* SPDX-License-Identifier: Apache-2.0 */
/* One peer that has batches, asked and waited for: over JSON-RPC (ten_getBatches), or over the feed
 * (a WebSocket on a loop of its own). Nothing that it says is believed here. */
#include "cli/rebuild.h"

#include <uv.h>

#include "net/feed.h"
#include "net/http_client.h"
#include "net/ws_client.h"

#define PAGE      256u
#define ANSWER_MS 20000u

struct rebuild_peer {
    const char *url;
    char name[256]; /* the URL without a password: for sentences */
    const struct ts_genesis *genesis;
    bool is_feed;
    struct ts_buf raw; /* the batches in hand, one behind the other */
    ts_bytes list[TS_FEED_MAX_GET];
    size_t n;
    /* the feed */
    uv_loop_t loop;
    uv_timer_t timer;
    struct ts_wsc *wsc;
    struct ts_arena arena;
    uint64_t id;
    bool is_greeted, has_answer;
    ts_err err;
    char why[512];
};

const char *rebuild_peer_name(const struct rebuild_peer *p)
{
    return p->name;
}

/* "scheme://host:port/path" of a URL that may have "user:password@" in it. */
static void make_name(struct rebuild_peer *p)
{
    const char *host = strstr(p->url, "://");
    host = host != NULL ? host + 3 : p->url;
    const char *at = host + strcspn(host, "/");
    while (at > host && at[-1] != '@')
        at--;
    (void)snprintf(p->name, sizeof(p->name), "%.*s%s", (int)(host - p->url), p->url, at);
}

static ts_err fail(struct rebuild_peer *p, ts_err err, const char *what)
{
    (void)snprintf(p->why, sizeof(p->why), "%s: %s", p->name, what);
    return err;
}

/* ---- JSON-RPC ---- */

/* Room for all first, so that no byte moves later. */
static ts_err take_raw(struct rebuild_peer *p, const json_t *page)
{
    size_t total = 0, i;
    json_t *one;
    json_array_foreach(page, i, one)
    {
        const char *hex = json_string_value(json_object_get(one, "raw"));
        if (hex == NULL)
            return fail(p, TS_E_JSON, "ten_getBatches gives a batch without raw");
        total += strlen(hex) / 2;
    }
    ts_buf_reset(&p->raw);
    uint8_t *at = ts_buf_extend(&p->raw, total + 1);
    if (at == NULL)
        return fail(p, TS_E_NOMEM, ts_err_text(TS_E_NOMEM));
    json_array_foreach(page, i, one)
    {
        const char *hex = json_string_value(json_object_get(one, "raw"));
        size_t n = 0;
        if (p->n == TS_COUNT(p->list) || ts_unhex_any(hex, at, total, &n) != TS_OK)
            return fail(p, TS_E_HEX, "the raw bytes of a batch are no hexadecimal digits");
        p->list[p->n++] = ts_bytes_of(at, n);
        at += n;
        total -= n;
    }
    return TS_OK;
}

static ts_err ask_rpc(struct rebuild_peer *p, uint64_t from)
{
    json_t *page = NULL;
    ts_err err =
        ts_rpc_call_blocking(p->url, NULL, "ten_getBatches",
                             json_pack("{s:I,s:i}", "from", (json_int_t)from, "count", (int)PAGE),
                             ANSWER_MS, &page, p->why, sizeof(p->why));
    if (err != TS_OK)
        return err;
    err = json_is_array(page) ? take_raw(p, page)
                              : fail(p, TS_E_JSON, "ten_getBatches gives no array");
    json_decref(page);
    return err;
}

ts_err rebuild_peer_genesis(const char *url, struct ts_buf *out, char *why, size_t why_size)
{
    json_t *result = NULL;
    size_t n = 0;
    if (strncmp(url, "ws://", 5) == 0) {
        (void)snprintf(why, why_size, "%s is a feed, which tells no genesis", url);
        return TS_E_NOT_FOUND;
    }
    ts_err err =
        ts_rpc_call_blocking(url, NULL, "ten_genesis", NULL, ANSWER_MS, &result, why, why_size);
    if (err != TS_OK)
        return err;
    const char *hex = json_string_value(json_object_get(result, "raw"));
    ts_buf_reset(out);
    uint8_t *p = hex != NULL ? ts_buf_extend(out, strlen(hex) / 2) : NULL;
    err = p != NULL ? ts_unhex_any(hex, p, out->n, &n) : TS_E_JSON;
    out->n = n;
    json_decref(result);
    if (err != TS_OK)
        (void)snprintf(why, why_size, "%s gives no genesis", url);
    return err;
}

/* ---- the feed ---- */

static void end(struct rebuild_peer *p, ts_err err, const char *what)
{
    if (p->err == TS_OK)
        p->err = fail(p, err, what);
    uv_stop(&p->loop);
}

static void send_frame(struct rebuild_peer *p, const struct ts_feed_frame *f)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_put(&b, f);
    if (b.err != TS_OK || ts_wsc_send(p->wsc, ts_buf_bytes(&b), true) != TS_OK)
        end(p, TS_E_IO, "the feed takes no request");
    ts_buf_free(&b);
}

static void on_open(void *ctx, struct ts_wsc *c)
{
    struct rebuild_peer *p = ctx;
    (void)c;
    send_frame(p, &(struct ts_feed_frame){.type = TS_FEED_HELLO,
                                          .version = TS_FEED_VERSION,
                                          .genesis = p->genesis->hash,
                                          .hash = p->genesis->hash,
                                          .bytes = ts_bytes_of("tenseq rebuild", 14)});
}

static void take_batches(struct rebuild_peer *p, const struct ts_feed_frame *f)
{
    size_t total = 1;
    for (size_t i = 0; i < f->n_batches; i++)
        total += f->batches[i].n;
    ts_buf_reset(&p->raw);
    uint8_t *at = ts_buf_extend(&p->raw, total);
    if (at == NULL || f->n_batches > TS_COUNT(p->list)) {
        end(p, TS_E_LIMIT, "too many batches in one frame");
        return;
    }
    for (size_t i = 0; i < f->n_batches; i++) {
        memcpy(at, f->batches[i].p, f->batches[i].n);
        p->list[p->n++] = ts_bytes_of(at, f->batches[i].n);
        at += f->batches[i].n;
    }
    p->has_answer = true;
    uv_stop(&p->loop);
}

static void on_message(void *ctx, struct ts_wsc *c, ts_bytes message, bool binary)
{
    struct rebuild_peer *p = ctx;
    struct ts_feed_frame f;
    (void)c;
    ts_arena_reset(&p->arena);
    ts_err err = binary ? ts_feed_decode(message, &p->arena, &f) : TS_E_TYPE;
    if (err != TS_OK) {
        end(p, err, "the feed gives a frame that does not decode");
    } else if (f.type == TS_FEED_HELLO && p->is_greeted) {
        end(p, TS_E_CONFLICT, "the feed greets twice");
    } else if (f.type == TS_FEED_HELLO) {
        p->is_greeted = ts_hash_equal(&f.genesis, &p->genesis->hash);
        if (!p->is_greeted)
            end(p, TS_E_FOREIGN, "the feed is of another network");
        uv_stop(&p->loop);
    } else if (f.type == TS_FEED_ERROR) {
        char text[200];
        (void)snprintf(text, sizeof(text), "the feed says: %.*s",
                       (int)(f.bytes.n < 150 ? f.bytes.n : 150), (const char *)f.bytes.p);
        end(p, TS_E_CLOSED, text);
    } else if (f.type == TS_FEED_BATCHES && f.id == p->id && !p->has_answer) {
        take_batches(p, &f);
    }
}

static void on_close(void *ctx, struct ts_wsc *c, ts_err why, const char *text)
{
    struct rebuild_peer *p = ctx;
    (void)c;
    p->wsc = NULL;
    end(p, why, text);
}

static void on_late(uv_timer_t *t)
{
    end(t->data, TS_E_TIMEOUT, "the feed does not answer");
}

/* Runs until a callback says stop. */
static ts_err turn(struct rebuild_peer *p)
{
    uv_update_time(&p->loop);
    TS_CHECK(uv_timer_start(&p->timer, on_late, ANSWER_MS, 0) == 0);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&p->timer);
    return p->err;
}

static ts_err connect_feed(struct rebuild_peer *p)
{
    static const struct ts_wsc_handlers handlers = {
        .on_open = on_open, .on_message = on_message, .on_close = on_close};
    const struct ts_wsc_limits limits = {.max_message = TS_FEED_MAX_FRAME};
    p->is_greeted = false;
    ts_err err =
        ts_wsc_connect(&p->loop, p->url, &limits, &handlers, p, &p->wsc, p->why, sizeof(p->why));
    while (err == TS_OK && !p->is_greeted)
        err = turn(p);
    return err;
}

static ts_err ask_feed(struct rebuild_peer *p, uint64_t from)
{
    p->err = TS_OK;
    p->has_answer = false;
    ts_err err = p->wsc == NULL ? connect_feed(p) : TS_OK;
    if (err == TS_OK) {
        send_frame(p, &(struct ts_feed_frame){
                          .type = TS_FEED_GET, .id = ++p->id, .number = from, .count = PAGE});
        err = p->err;
    }
    while (err == TS_OK && !p->has_answer)
        err = turn(p);
    if (err != TS_OK && p->wsc != NULL) {
        ts_wsc_close(p->wsc);
        p->wsc = NULL;
    }
    return err;
}

/* ---- both ---- */

ts_err rebuild_peer_get(struct rebuild_peer *p, uint64_t from, const ts_bytes **list, size_t *n,
                        char *why, size_t why_size)
{
    p->n = 0;
    p->why[0] = 0;
    ts_err err = p->is_feed ? ask_feed(p, from) : ask_rpc(p, from);
    if (err != TS_OK) {
        (void)snprintf(why, why_size, "%s", p->why);
        return err;
    }
    *list = p->list;
    *n = p->n;
    return TS_OK;
}

struct rebuild_peer *rebuild_peer_new(const char *url, const struct ts_genesis *genesis)
{
    struct rebuild_peer *p = calloc(1, sizeof(*p));
    TS_CHECK(p != NULL);
    p->url = url;
    p->genesis = genesis;
    make_name(p);
    p->is_feed = strncmp(url, "ws://", 5) == 0;
    ts_buf_init(&p->raw, 0);
    ts_arena_init(&p->arena, 0);
    TS_CHECK(uv_loop_init(&p->loop) == 0 && uv_timer_init(&p->loop, &p->timer) == 0);
    p->timer.data = p;
    return p;
}

void rebuild_peer_free(struct rebuild_peer *p)
{
    if (p == NULL)
        return;
    if (p->wsc != NULL)
        ts_wsc_close(p->wsc);
    uv_close((uv_handle_t *)&p->timer, NULL);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    TS_CHECK(uv_loop_close(&p->loop) == 0);
    ts_arena_free(&p->arena);
    ts_buf_free(&p->raw);
    free(p);
}
