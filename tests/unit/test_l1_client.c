/* SPDX-License-Identifier: Apache-2.0 */
/* The client against servers that answer anything but what an L1 node answers. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "l1/client.h"
#include "l1/json.h"
#include "unit.h"

/* A child that gives every request the same bytes; none: it is silent. */
struct server {
    pid_t pid;
    unsigned port;
};

struct reply {
    const char *head;
    const char *body;
    size_t zeros;         /* behind the body */
    const char *requires; /* in the request, else it answers 401 */
};

static void serve_one(int fd, const struct reply *r)
{
    char request[8192];
    char zeros[4096];
    size_t n = 0;
    memset(zeros, '0', sizeof(zeros));
    while (n < sizeof(request) - 1) {
        ssize_t got = read(fd, request + n, sizeof(request) - 1 - n);
        if (got <= 0)
            return;
        n += (size_t)got;
        request[n] = '\0';
        const char *body = strstr(request, "\r\n\r\n");
        if (body && strchr(body, '}'))
            break;
    }
    if (!r->head) {
        pause();
        return;
    }
    const bool allowed = !r->requires || strstr(request, r->requires);
    dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
            allowed ? r->head : "401 Unauthorized", allowed ? strlen(r->body) + r->zeros : 0,
            allowed ? r->body : "");
    for (size_t left = allowed ? r->zeros : 0; left > 0;) {
        ssize_t put = write(fd, zeros, left < sizeof(zeros) ? left : sizeof(zeros));
        if (put <= 0)
            return;
        left -= (size_t)put;
    }
}

static void serve(int listener, const struct reply *r)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(1);
        serve_one(fd, r);
        close(fd);
    }
}

static void start(struct server *s, const struct reply *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 10), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0)
        serve(fd, r);
    close(fd);
}

static void stop(struct server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

/* Asks a server that replies so, with user before the host; the sentence holds says. */
static void expect(const struct reply *r, const char *user, enum ts_l1_method method,
                   unsigned timeout_ms, ts_err err, const char *says)
{
    struct server s;
    struct ts_arena arena;
    struct ts_l1_answer a;
    const struct ts_l1_call call = {.id = 1, .method = method};
    char url[200];
    ts_arena_init(&arena, 0);
    start(&s, r);
    snprintf(url, sizeof(url), "http://%s127.0.0.1:%u/v3/path-secret?key=query-secret", user,
             s.port);
    ts_l1_client_ask(url, &call, timeout_ms, &arena, &a);
    if (a.err != err || !strstr(a.text, says))
        fail_msg("%s, \"%s\"", ts_err_name((int)a.err), a.text);
    assert_null(strstr(a.text, "secret"));
    ts_arena_free(&arena);
    stop(&s);
}

#define GOOD "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x7a69\"}"
#define BUSY "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32005,\"message\":\"too fast\"}}"

static void test_answers(void **state)
{
    (void)state;
    const struct reply good = {"200 OK", GOOD, 0, NULL};
    const struct reply failing = {"503 Service Unavailable", "later", 0, NULL};
    const struct reply busy = {"429 Too Many Requests", BUSY, 0, NULL};
    const struct reply moved = {"302 Found\r\nLocation: http://127.0.0.1:1/", GOOD, 0, NULL};
    const struct reply text = {"200 OK", "<html>hello</html>", 0, NULL};
    const struct reply empty = {"200 OK", "", 0, NULL};
    const struct reply endless = {"200 OK", "[", TS_L1_MAX_ANSWER, NULL};
    const struct reply silent = {NULL, NULL, 0, NULL};
    expect(&good, "", TS_L1_CHAIN_ID, 5000, TS_OK, "");
    expect(&failing, "", TS_L1_CHAIN_ID, 5000, TS_E_CLOSED, "503: later");
    expect(&busy, "", TS_L1_CHAIN_ID, 5000, TS_E_L1_REFUSED, "too fast");
    expect(&moved, "", TS_L1_CHAIN_ID, 5000, TS_E_CLOSED, "302");
    expect(&text, "", TS_L1_CHAIN_ID, 5000, TS_E_L1_NONSENSE, "no JSON");
    expect(&empty, "", TS_L1_CHAIN_ID, 5000, TS_E_L1_NONSENSE, "no JSON");
    expect(&endless, "", TS_L1_CHAIN_ID, 5000, TS_E_L1_NONSENSE, "longer");
    expect(&endless, "", TS_L1_LOGS, 5000, TS_E_L1_REFUSED, "longer");
    expect(&silent, "", TS_L1_CHAIN_ID, 300, TS_E_TIMEOUT, "300 ms");
}

static void test_who_asks(void **state)
{
    (void)state;
    const struct reply basic = {"200 OK", GOOD, 0, "\r\nAuthorization: Basic dXNlcjpwYSBzcw==\r\n"};
    const struct reply bearer = {"200 OK", GOOD, 0, "\r\nAuthorization: Bearer abc.def\r\n"};
    const struct reply path = {"200 OK", GOOD, 0, "POST /v3/path-secret?key=query-secret HTTP"};
    expect(&basic, "user:pa%20ss@", TS_L1_CHAIN_ID, 5000, TS_OK, "");
    expect(&basic, "user:secret@", TS_L1_CHAIN_ID, 5000, TS_E_CLOSED, "401");
    expect(&bearer, "bearer:abc.def@", TS_L1_CHAIN_ID, 5000, TS_OK, "");
    expect(&bearer, "bearer:secret@", TS_L1_CHAIN_ID, 5000, TS_E_CLOSED, "401");
    expect(&path, "", TS_L1_CHAIN_ID, 5000, TS_OK, "");
}

static void test_bad_urls(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "",
        "127.0.0.1:8545",
        "ws://127.0.0.1:8545",
        "http://",
        "file:///etc/passwd",
        "https://bearer@127.0.0.1",
        "https://bearer:secret%0d%0aX:y@127.0.0.1",
        "http://127.0.0.1:99999",
    };
    const struct ts_l1_call call = {.id = 1, .method = TS_L1_CHAIN_ID};
    struct ts_arena arena;
    ts_arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct ts_l1_answer a;
        ts_l1_client_ask(urls[i], &call, 1000, &arena, &a);
        if (a.err != TS_E_USAGE)
            fail_msg("%s: %s", urls[i], ts_err_name((int)a.err));
        assert_null(strstr(a.text, "secret"));
    }
    ts_arena_free(&arena);
}

static void test_name(void **state)
{
    (void)state;
    const struct ts_l1_client_config config = {
        .url = "https://user:secret@example.org:8545/v3/secret"};
    struct ts_l1_client *c;
    uv_loop_t loop;
    char why[100];
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(ts_l1_client_new(&loop, &config, &c, why, sizeof(why)), TS_OK);
    assert_string_equal(ts_l1_client_name(c), "https://example.org:8545");
    ts_l1_client_close(c);
    ts_l1_client_close(NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_who_asks),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
