/* SPDX-License-Identifier: Apache-2.0 */
/* The server over a real loopback connection. The first byte says how: bit 0 a WebSocket (the rest
 * are frames) or HTTP, bit 1 send byte by byte, bit 2 handlers answer late, bit 3 half-close.
 * Whatever comes, the connection ends, every request is answered once, and every opened WebSocket
 * is closed. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/server.h"

#define INPUT_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    uv_loop_t loop;
    struct ts_server *server;
    struct ts_http_request *held;
    bool late;
    unsigned opened;
};

static void take(struct world *w, struct ts_http_request *req)
{
    if (w->late && !w->held)
        w->held = req;
    else
        ts_http_reply_text(req, 200, "answered");
}

static void on_post(void *ctx, struct ts_http_request *req, ts_bytes body)
{
    TS_CHECK(body.n <= 1000);
    take(ctx, req);
}

static void on_get(void *ctx, struct ts_http_request *req, const char *path, const char *query)
{
    TS_CHECK(path[0] == '/' && !strstr(path, "/../") && query);
    (void)ts_http_header(req, "x");
    take(ctx, req);
}

static void ws_open(void *ctx, struct ts_ws *ws)
{
    struct world *w = ctx;
    (void)ws;
    w->opened++;
}

static void ws_message(void *ctx, struct ts_ws *ws, ts_bytes m, bool binary)
{
    (void)ctx;
    TS_CHECK(m.n <= 500 && !binary);
    if (m.n > 0 && m.p[0] == 'c')
        ts_ws_close(ws, 1000, "as asked");
    (void)ts_ws_send(ws, m, binary);
}

static void ws_close(void *ctx, struct ts_ws *ws)
{
    struct world *w = ctx;
    (void)ws;
    TS_CHECK(w->opened > 0);
    w->opened--;
}

static struct world *the_world(void)
{
    static struct world w; /* a listener for each input would be slow */
    const struct ts_ws_path path = {"/", false, 500, 4000, {ws_open, ws_message, ws_close}, &w};
    const struct ts_server_config config = {.max_body = 1000,
                                            .on_post = on_post,
                                            .post_ctx = &w,
                                            .on_get = on_get,
                                            .get_ctx = &w,
                                            .bearer_token = "t",
                                            .ws_paths = &path,
                                            .n_ws_paths = 1};
    char why[256];
    if (!w.server) {
        TS_CHECK(uv_loop_init(&w.loop) == 0);
        TS_CHECK(ts_server_new(&w.loop, &config, &w.server, why, sizeof(why)) == TS_OK);
    }
    return &w;
}

static int connect_to(const struct world *w)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(ts_server_port(w->server))};
    struct linger hard = {1, 0}; /* no port waits for its peer's last words */
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    TS_CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void turn(struct world *w, int fd)
{
    static char sink[65536];
    uv_run(&w->loop, UV_RUN_NOWAIT);
    while (fd >= 0 && recv(fd, sink, sizeof(sink), 0) > 0)
        continue;
    if (w->held) {
        ts_http_reply_text(w->held, 200, "late");
        w->held = NULL;
    }
}

static void send_all(struct world *w, int fd, const uint8_t *p, size_t n, size_t piece)
{
    while (n > 0) {
        size_t k = piece < n ? piece : n;
        if (send(fd, p, k, MSG_NOSIGNAL) < 0)
            return; /* the server has had enough */
        p += k;
        n -= k;
        turn(w, fd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char upgrade[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct world *w = the_world();
    if (size < 1 || size > INPUT_MAX)
        return 0;
    int fd = connect_to(w);
    w->late = data[0] & 4;
    if (data[0] & 1)
        send_all(w, fd, (const uint8_t *)upgrade, sizeof(upgrade) - 1, SIZE_MAX);
    send_all(w, fd, data + 1, size - 1, data[0] & 2 ? 1 : SIZE_MAX);
    if (data[0] & 8)
        shutdown(fd, SHUT_WR);
    for (int i = 0; i < 4; i++)
        turn(w, fd);
    close(fd);
    for (int i = 0; i < 10000 && ts_server_connections(w->server) > 0; i++)
        turn(w, -1);
    TS_CHECK(ts_server_connections(w->server) == 0 && w->opened == 0 && !w->held);
    return 0;
}
