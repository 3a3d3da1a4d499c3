/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>

#include "base/check.h"
#include "net/server_internal.h"

#define BACKLOG 511

static void fill(size_t *value, size_t standard)
{
    if (*value == 0)
        *value = standard;
}

static void fill_ms(unsigned *value, unsigned standard)
{
    if (*value == 0)
        *value = standard;
}

static void fill_defaults(struct ts_server_config *c)
{
    fill(&c->max_header, 16u * 1024);
    fill(&c->max_body, 5u * 1024 * 1024);
    fill(&c->max_connections, 1024);
    fill_ms(&c->header_ms, 5000);
    fill_ms(&c->body_ms, 20000);
    fill_ms(&c->idle_ms, 60000);
    fill_ms(&c->request_ms, 30000);
    fill_ms(&c->write_ms, 20000);
    fill_ms(&c->ws_ping_ms, 15000);
    fill_ms(&c->ws_pong_ms, 10000);
}

static char **copy_strings(const char *const *from, size_t n)
{
    char **to = calloc(n + 1, sizeof(*to));
    for (size_t i = 0; to && i < n; i++) {
        to[i] = strdup(from[i]);
        if (!to[i]) {
            while (i > 0)
                free(to[--i]);
            free(to);
            return NULL;
        }
    }
    return to;
}

static void free_strings(char **strings, size_t n)
{
    for (size_t i = 0; strings && i < n; i++)
        free(strings[i]);
    free(strings);
}

static void free_server(struct ts_server *s)
{
    free_strings(s->hosts, s->config.n_hosts);
    free_strings(s->origins, s->config.n_origins);
    for (size_t i = 0; s->ws_paths && i < s->config.n_ws_paths; i++)
        free((char *)(uintptr_t)s->ws_paths[i].path);
    free(s->ws_paths);
    free(s->address);
    free(s->token);
    free(s);
}

static bool copy_paths(struct ts_server *s, const struct ts_server_config *config)
{
    s->ws_paths = calloc(config->n_ws_paths + 1, sizeof(*s->ws_paths));
    for (size_t i = 0; s->ws_paths && i < config->n_ws_paths; i++) {
        s->ws_paths[i] = config->ws_paths[i];
        s->ws_paths[i].path = strdup(config->ws_paths[i].path);
        if (!s->ws_paths[i].path)
            return false;
        TS_CHECK(config->ws_paths[i].max_message > 0 && config->ws_paths[i].max_queue > 0);
        TS_CHECK(config->ws_paths[i].handlers.on_open && config->ws_paths[i].handlers.on_message &&
                 config->ws_paths[i].handlers.on_close);
    }
    return s->ws_paths != NULL;
}

static struct ts_server *make_server(const struct ts_server_config *config)
{
    struct ts_server *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->config = *config;
    fill_defaults(&s->config);
    s->hosts = copy_strings(config->hosts, config->n_hosts);
    s->origins = copy_strings(config->origins, config->n_origins);
    s->address = strdup(config->address ? config->address : "127.0.0.1");
    if (config->bearer_token && config->bearer_token[0] != '\0')
        s->token = strdup(config->bearer_token);
    bool token_ok = s->token || !config->bearer_token || config->bearer_token[0] == '\0';
    if (!copy_paths(s, config) || !s->hosts || !s->origins || !s->address || !token_ok) {
        free_server(s);
        return NULL;
    }
    s->config.address = s->address;
    s->config.bearer_token = s->token;
    s->refs = 1;
    s->next_ws_id = 1;
    return s;
}

/* Numeric address and port; *loopback says whether only this machine has it. */
static bool read_address(const char *address, uint16_t port, struct sockaddr_storage *out,
                         bool *loopback)
{
    memset(out, 0, sizeof(*out));
    if (strcmp(address, "localhost") == 0)
        address = "127.0.0.1";
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    if (uv_ip4_addr(address, port, v4) == 0) {
        *loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
        return true;
    }
    if (uv_ip6_addr(address, port, v6) == 0) {
        *loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
        return true;
    }
    return false;
}

static uint16_t bound_port(const uv_tcp_t *tcp)
{
    struct sockaddr_storage sa;
    int n = sizeof(sa);
    if (uv_tcp_getsockname(tcp, (struct sockaddr *)&sa, &n) < 0)
        return 0;
    return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
                                          : ((struct sockaddr_in *)&sa)->sin_port);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct ts_server *s = stream->data;
    if (status == 0)
        ts_conn_accept(s);
}

/* Runs the connections on the wake list; each may put itself there again for the next turn. */
static void on_wake(uv_idle_t *idle)
{
    struct ts_server *s = idle->data;
    struct ts_conn *c = s->wake_list;
    s->wake_list = NULL;
    uv_idle_stop(idle);
    while (c) {
        struct ts_conn *next = c->wake_next;
        c->waking = false;
        c->wake_next = NULL;
        struct ts_buf pending = c->pending;
        ts_buf_init(&c->pending, pending.max);
        if (c->state != CONN_DEAD)
            ts_conn_feed(c, ts_buf_bytes(&pending));
        ts_buf_free(&pending);
        c = next;
    }
}

void ts_server_wake(struct ts_conn *c)
{
    struct ts_server *s = c->server;
    if (c->waking || c->state == CONN_DEAD)
        return;
    c->waking = true;
    c->wake_next = s->wake_list;
    s->wake_list = c;
    if (!uv_is_active((uv_handle_t *)&s->wake))
        uv_idle_start(&s->wake, on_wake);
}

static void on_server_handle_closed(uv_handle_t *h)
{
    struct ts_server *s = h->data;
    if (--s->handles > 0)
        return;
    if (s->done)
        s->done(s->done_ctx);
    ts_server_unref(s);
}

void ts_server_unref(struct ts_server *s)
{
    TS_CHECK(s->refs > 0);
    if (--s->refs == 0)
        free_server(s);
}

static void close_own_handles(struct ts_server *s)
{
    if (!uv_is_closing((uv_handle_t *)&s->sweep)) {
        uv_close((uv_handle_t *)&s->sweep, on_server_handle_closed);
        uv_close((uv_handle_t *)&s->wake, on_server_handle_closed);
    }
}

void ts_server_conn_gone(struct ts_server *s)
{
    TS_CHECK(s->n_conns > 0);
    s->n_conns--;
    if (s->closing && s->n_conns == 0)
        close_own_handles(s);
}

static int listen_at(struct ts_server *s, const struct sockaddr_storage *sa)
{
    int r = uv_tcp_bind(&s->listener.tcp, (const struct sockaddr *)sa, 0);
    if (r == 0)
        r = uv_listen(&s->listener.stream, BACKLOG, on_connection);
    if (r == 0)
        s->port = bound_port(&s->listener.tcp);
    return r;
}

ts_err ts_server_new(uv_loop_t *loop, const struct ts_server_config *config, struct ts_server **out,
                     char *why, size_t why_size)
{
    struct sockaddr_storage sa;
    struct ts_server *s = make_server(config);
    if (!s) {
        snprintf(why, why_size, "out of memory");
        return TS_E_NOMEM;
    }
    if (!read_address(s->address, config->port, &sa, &s->is_loopback)) {
        snprintf(why, why_size, "\"%s\" is no numeric IP address to listen at", s->address);
        free_server(s);
        return TS_E_USAGE;
    }
    s->loop = loop;
    int r = uv_tcp_init(loop, &s->listener.tcp);
    if (r < 0) {
        snprintf(why, why_size, "cannot listen: %s", uv_strerror(r));
        free_server(s);
        return TS_E_IO;
    }
    uv_timer_init(loop, &s->sweep);
    uv_idle_init(loop, &s->wake);
    s->handles = 3;
    s->listener.handle.data = s;
    s->sweep.data = s;
    s->wake.data = s;
    r = listen_at(s, &sa);
    if (r < 0) {
        snprintf(why, why_size, "cannot listen at %s port %u: %s", s->address, config->port,
                 uv_strerror(r));
        ts_server_close(s, 0, NULL, NULL);
        return TS_E_IO;
    }
    unsigned period = ts_server_sweep_period(&s->config);
    uv_timer_start(&s->sweep, ts_server_on_sweep, period, period);
    *out = s;
    return TS_OK;
}

uint16_t ts_server_port(const struct ts_server *s)
{
    return s->port;
}

bool ts_server_is_loopback(const struct ts_server *s)
{
    return s->is_loopback;
}

const struct ts_net_counters *ts_server_counters(const struct ts_server *s)
{
    return &s->counters;
}

size_t ts_server_connections(const struct ts_server *s)
{
    return s->n_conns;
}

/* What each connection does when the server closes with some grace. */
static void wind_down(struct ts_conn *c)
{
    c->keep_alive = false;
    switch (c->state) {
    case CONN_WS:
        ts_ws_close(c->ws, WSLAY_CODE_GOING_AWAY, "the server stops");
        break;
    case CONN_HEAD:
        if (!c->begun && c->pending.n == 0)
            ts_conn_kill(c);
        break;
    case CONN_BODY:
    case CONN_BUSY:
    case CONN_FLUSH:
    case CONN_LINGER:
    case CONN_DEAD:
        break; /* finishes, at the latest at the close deadline */
    }
}

void ts_server_close(struct ts_server *s, unsigned grace_ms, void (*done)(void *ctx), void *ctx)
{
    struct ts_conn *next;
    TS_CHECK(!s->closing);
    s->closing = true;
    s->done = done;
    s->done_ctx = ctx;
    s->close_deadline = uv_now(s->loop) + grace_ms;
    uv_close(&s->listener.handle, on_server_handle_closed);
    for (struct ts_conn *c = s->conns; c; c = next) {
        next = c->next;
        if (grace_ms == 0)
            ts_conn_kill(c);
        else
            wind_down(c);
    }
    if (s->n_conns == 0)
        close_own_handles(s);
}
