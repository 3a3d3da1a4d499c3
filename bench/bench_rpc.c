/* SPDX-License-Identifier: Apache-2.0 */
/* How many JSON-RPC calls one core serves: a server on its own thread with trivial methods, a
 * client that keeps several connections busy over loopback, with single calls and with batches
 * of 50. Two JSON lines for each: calls a second, and calls a second of the server thread's
 * processor time. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "net/jsonrpc.h"

#define CONNECTIONS 16
#define SECONDS     2.0

struct bench {
    uv_loop_t loop;
    uv_async_t stop;
    struct ts_server *server;
    struct ts_rpc *rpc;
    pthread_t thread;
};

static double now_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void chain_id(void *ctx, struct ts_rpc_call *call)
{
    (void)ctx;
    ts_rpc_result_u64(call, 443);
}

static void balance(void *ctx, struct ts_rpc_call *call)
{
    ts_address a;
    struct ts_block_ref at;
    (void)ctx;
    if (ts_rpc_param_address(call, 0, NULL, &a) && ts_rpc_param_block(call, 1, NULL, &at))
        ts_rpc_result_string(call, "0xde0b6b3a7640000");
}

static const struct ts_rpc_method methods[] = {
    {"eth_chainId", 0, chain_id, NULL},
    {"eth_getBalance", 0, balance, NULL},
};

static void on_stop(uv_async_t *async)
{
    struct bench *b = async->data;
    ts_server_close(b->server, 0, NULL, NULL);
    ts_rpc_close(b->rpc);
    uv_close((uv_handle_t *)async, NULL);
}

static void *serve(void *arg)
{
    struct bench *b = arg;
    uv_run(&b->loop, UV_RUN_DEFAULT);
    return NULL;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    TS_CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
    return fd;
}

static void send_all(int fd, ts_bytes b)
{
    while (b.n > 0) {
        ssize_t n = send(fd, b.p, b.n, MSG_NOSIGNAL);
        TS_CHECK(n > 0);
        b.p += n;
        b.n -= (size_t)n;
    }
}

/* The length of the whole answer, learnt once: every answer to the same request is the same. */
static size_t answer_size(int fd, ts_bytes request)
{
    static char p[1 << 16];
    size_t n = 0;
    char *end = NULL;
    send_all(fd, request);
    while (!end ||
           n < (size_t)(end + 4 - p) + strtoul(strstr(p, "Content-Length: ") + 16, NULL, 10)) {
        ssize_t k = recv(fd, p + n, sizeof(p) - 1 - n, 0);
        TS_CHECK(k > 0);
        n += (size_t)k;
        p[n] = '\0';
        end = strstr(p, "\r\n\r\n");
    }
    TS_CHECK(strstr(p, "HTTP/1.1 200") && strstr(p, "result") && !strstr(p, "error"));
    return n;
}

static void run(struct bench *b, const char *name, const char *call, unsigned batch)
{
    struct pollfd fds[CONNECTIONS];
    size_t got[CONNECTIONS] = {0};
    static char in[1 << 16];
    struct ts_buf body;
    struct ts_buf request;
    clockid_t cpu;
    uint64_t calls = 0;
    ts_buf_init(&body, 0);
    ts_buf_init(&request, 0);
    for (unsigned i = 0; i < batch; i++)
        ts_buf_printf(&body, "%s%s", batch == 1 ? "" : i == 0 ? "[" : ",", call);
    ts_buf_printf(&body, "%s", batch == 1 ? "" : "]");
    ts_buf_printf(&request,
                  "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  body.n);
    ts_buf_put(&request, body.p, body.n);
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = (struct pollfd){connect_to(ts_server_port(b->server)), POLLIN, 0};
    size_t size = answer_size(fds[0].fd, ts_buf_bytes(&request));
    TS_CHECK(pthread_getcpuclockid(b->thread, &cpu) == 0);
    double cpu_start = now_of(cpu);
    double start = now_of(CLOCK_MONOTONIC);
    for (int i = 0; i < CONNECTIONS; i++)
        send_all(fds[i].fd, ts_buf_bytes(&request));
    while (now_of(CLOCK_MONOTONIC) - start < SECONDS) {
        TS_CHECK(poll(fds, CONNECTIONS, 1000) > 0);
        for (int i = 0; i < CONNECTIONS; i++) {
            if (!(fds[i].revents & POLLIN))
                continue;
            ssize_t n = recv(fds[i].fd, in, sizeof(in), 0);
            TS_CHECK(n > 0);
            got[i] += (size_t)n;
            if (got[i] < size)
                continue;
            got[i] -= size;
            calls += batch;
            send_all(fds[i].fd, ts_buf_bytes(&request));
        }
    }
    double wall = now_of(CLOCK_MONOTONIC) - start;
    double used = now_of(cpu) - cpu_start;
    printf("{\"name\":\"rpc_%s_%s_per_s\",\"value\":%.0f}\n", name, batch == 1 ? "single" : "batch",
           (double)calls / wall);
    printf("{\"name\":\"rpc_%s_%s_per_cpu_s\",\"value\":%.0f}\n", name,
           batch == 1 ? "single" : "batch", (double)calls / used);
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i].fd);
    ts_buf_free(&body);
    ts_buf_free(&request);
}

int main(void)
{
    struct bench b = {0};
    char why[256];
    struct ts_server_config config = {.on_post = ts_rpc_on_post};
    TS_CHECK(uv_loop_init(&b.loop) == 0);
    TS_CHECK(uv_async_init(&b.loop, &b.stop, on_stop) == 0);
    b.stop.data = &b;
    b.rpc = ts_rpc_new(&b.loop, NULL, methods, TS_COUNT(methods), NULL);
    TS_CHECK(b.rpc);
    config.post_ctx = b.rpc;
    if (ts_server_new(&b.loop, &config, &b.server, why, sizeof(why)) != TS_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    TS_CHECK(pthread_create(&b.thread, NULL, serve, &b) == 0);
    const char *id = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":[]}";
    const char *of = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBalance\",\"params\":"
                     "[\"0x00000000000000000000000000000000000000aa\",\"latest\"]}";
    run(&b, "eth_chainId", id, 1);
    run(&b, "eth_chainId", id, 50);
    run(&b, "eth_getBalance", of, 1);
    run(&b, "eth_getBalance", of, 50);
    uv_async_send(&b.stop);
    pthread_join(b.thread, NULL);
    return uv_loop_close(&b.loop) == 0 ? 0 : 1;
}
