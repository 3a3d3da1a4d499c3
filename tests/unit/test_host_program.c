/* SPDX-License-Identifier: Apache-2.0 */
/* The program tenseq-host, as it is installed, while no enclave is there: how it starts, what it
 * says, how it ends and with which exit code. With enclaves: tests/e2e. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "cfg/exit.h"
#include "chain/genesis_json.h"
#include "net/http_client.h"
#include "net_test.h"
#include "testnet.h"

#define WAIT_MS 10000

struct fixture {
    char dir[64];
    char genesis[96];
    char data[96];
    char log[96];
    char link[96];
    pid_t pid; /* 0: not running */
    unsigned port;
};

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static void write_text(const char *path, const char *text)
{
    FILE *to = fopen(path, "wbe");
    assert_non_null(to);
    assert_int_equal(fwrite(text, 1, strlen(text), to), strlen(text));
    assert_int_equal(fclose(to), 0);
}

/* The log so far, valid until the next call. */
static const char *log_text(const struct fixture *f)
{
    static char text[65536];
    FILE *from = fopen(f->log, "rbe");
    size_t n = from != NULL ? fread(text, 1, sizeof(text) - 1, from) : 0;
    if (from != NULL)
        (void)fclose(from);
    text[n] = '\0';
    return text;
}

/* Starts the program on an empty log; more replaces or adds flags and ends in NULL. */
static pid_t spawn(struct fixture *f, const char *const *more)
{
    char genesis[128];
    char data[128];
    char link[128];
    const char *argv[16] = {TS_HOST_EXE, genesis, data, link, "--rpc-listen=127.0.0.1:0"};
    size_t n = 5;
    (void)snprintf(genesis, sizeof(genesis), "--genesis=%s", f->genesis);
    (void)snprintf(data, sizeof(data), "--data-dir=%s", f->data);
    (void)snprintf(link, sizeof(link), "--enclaves=%s", f->link);
    for (; more != NULL && *more != NULL; more++)
        argv[n++] = *more;
    write_text(f->log, "");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int log = open(f->log, O_WRONLY | O_APPEND | O_CLOEXEC);
        (void)dup2(log, STDERR_FILENO);
        (void)execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static int exit_code(pid_t pid)
{
    int status;
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        pause_ms(10);
    }
    (void)kill(pid, SIGKILL);
    fail_msg("the program does not end");
    return -1;
}

/* Runs it and waits until it says that it is ready. */
static void start(struct fixture *f)
{
    f->pid = spawn(f, NULL);
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        const char *ready = strstr(log_text(f), " ready ");
        const char *port = ready != NULL ? strstr(ready, "port=") : NULL;
        if (port != NULL) {
            f->port = (unsigned)strtoul(port + 5, NULL, 10);
            return;
        }
        pause_ms(10);
    }
    fail_msg("not ready: %s", log_text(f));
}

/* It must not start: an exit code, and a sentence that holds words. */
static void refused(struct fixture *f, const char *flag, int code, const char *words)
{
    const char *more[] = {flag, NULL};
    int got = exit_code(spawn(f, flag != NULL ? more : NULL));
    if (got != code || strstr(log_text(f), words) == NULL)
        fail_msg("%s: %d and not %d, or no '%s' in: %s", flag, got, code, words, log_text(f));
}

static json_t *rpc(struct fixture *f, const char *method, char *why, size_t why_size)
{
    char url[64];
    json_t *result = NULL;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", f->port);
    if (ts_rpc_call_blocking(url, NULL, method, NULL, 3000, &result, why, why_size) != TS_OK)
        return NULL;
    return result;
}

/* GET, the whole answer, valid until the next call. */
static const char *get(struct fixture *f, const char *path)
{
    static char answer[65536];
    char request[128];
    size_t n = 0;
    ssize_t got;
    int fd = raw_tcp((uint16_t)f->port);
    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 3000) > 0 && (got = read(fd, answer + n, sizeof(answer) - 1 - n)) > 0)
        n += (size_t)got;
    (void)close(fd);
    answer[n] = '\0';
    return answer;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct tn_options o = {0};
    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/tenseq-host-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->genesis, sizeof(f->genesis), "%s/genesis.json", f->dir);
    (void)snprintf(f->data, sizeof(f->data), "%s/data", f->dir);
    (void)snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    (void)snprintf(f->link, sizeof(f->link), "unix:%s/sock", f->dir);
    struct testnet *net = tn_new(&o);
    char *text = ts_genesis_to_json(&net->genesis);
    write_text(f->genesis, text);
    free(text);
    tn_free(net);
    *state = f;
    return 0;
}

static void remove_in(const char *dir, const char *name)
{
    char path[192];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (unlink(path) != 0)
        (void)rmdir(path);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->pid != 0) {
        (void)kill(f->pid, SIGKILL);
        (void)waitpid(f->pid, NULL, 0);
    }
    static const char *const names[] = {"host.db", "host.db-wal", "host.db-shm", "host.db.lock"};
    for (size_t i = 0; i < TS_COUNT(names); i++)
        remove_in(f->data, names[i]);
    remove_in(f->dir, "data");
    remove_in(f->dir, "genesis.json");
    remove_in(f->dir, "log");
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static void it_says_how_it_is(void **state)
{
    struct fixture *f = *state;
    char why[256];
    start(f);
    assert_non_null(strstr(get(f, "/healthz"), " 200 "));
    /* Enclaves count as up until their connect deadline has passed. */
    for (int waited = 0; waited < WAIT_MS && strstr(get(f, "/readyz"), " 503 ") == NULL;
         waited += 50)
        pause_ms(50);
    assert_non_null(strstr(get(f, "/readyz"), "no-candidate"));
    const char *nothing = get(f, "/nothing");
    assert_non_null(strstr(nothing, " 404 "));
    assert_non_null(strstr(nothing, "/healthz, /readyz and /metrics"));
    assert_non_null(strstr(nothing, "/feed"));
    const char *front = get(f, "/");
    assert_non_null(strstr(front, " 200 "));
    assert_non_null(strstr(front, "head: batch "));
    assert_non_null(strstr(front, "WebSocket /feed"));
    assert_non_null(strstr(front, " sequencer_status"));
    assert_non_null(strstr(front, " eth_sendRawTransaction"));
    assert_non_null(strstr(front, " ten_lifecycle"));
    const char *metrics = get(f, "/metrics");
    assert_non_null(strstr(metrics, "tenseq_host_head_number 0\n"));
    assert_non_null(strstr(metrics, "tenseq_host_state{state=\"no-candidate\"} 1\n"));
    json_t *status = rpc(f, "sequencer_status", why, sizeof(why));
    assert_non_null(status);
    assert_string_equal(json_string_value(json_object_get(status, "state")), "no-candidate");
    const json_t *e = json_array_get(json_object_get(status, "enclaves"), 0);
    assert_true(json_is_null(json_object_get(e, "id")));
    assert_string_equal(json_string_value(json_object_get(e, "role")), "absent");
    json_decref(status);
    json_t *head = rpc(f, "eth_blockNumber", why, sizeof(why));
    assert_string_equal(json_string_value(head), "0x0");
    json_decref(head);
    assert_null(rpc(f, "sequencer_switchover", why, sizeof(why)));
    assert_true(strlen(why) > 0);
}

/* Signals end it well within five seconds, whatever it waits for. */
static void it_ends_when_told(void **state)
{
    struct fixture *f = *state;
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < TS_COUNT(signals); i++) {
        start(f);
        int idle = raw_tcp((uint16_t)f->port); /* a connection that never says anything */
        assert_int_equal(kill(f->pid, signals[i]), 0);
        struct timespec from;
        struct timespec to;
        (void)clock_gettime(CLOCK_MONOTONIC, &from);
        assert_int_equal(exit_code(f->pid), TS_EXIT_OK);
        (void)clock_gettime(CLOCK_MONOTONIC, &to);
        assert_true(to.tv_sec - from.tv_sec < 5);
        assert_non_null(strstr(log_text(f), "stopped"));
        f->pid = 0;
        (void)close(idle);
    }
}

static void a_killed_one_starts_again(void **state)
{
    struct fixture *f = *state;
    char why[256];
    start(f);
    json_decref(rpc(f, "sequencer_pause", why, sizeof(why)));
    assert_int_equal(kill(f->pid, SIGKILL), 0);
    assert_int_equal(exit_code(f->pid), 1000 + SIGKILL);
    start(f);
    json_t *status = rpc(f, "sequencer_status", why, sizeof(why));
    assert_string_equal(json_string_value(json_object_get(status, "state")), "paused");
    json_decref(status);
}

static void two_do_not_share_a_directory_or_a_port(void **state)
{
    struct fixture *f = *state;
    char words[160];
    char flag[128];
    start(f);
    pid_t first = f->pid;
    (void)snprintf(words, sizeof(words), "in use by another process, pid %d", (int)first);
    refused(f, NULL, TS_EXIT_FAILED, words);
    (void)snprintf(flag, sizeof(flag), "--rpc-listen=127.0.0.1:%u", f->port);
    char data[96];
    memcpy(data, f->data, sizeof(data));
    (void)snprintf(f->data, sizeof(f->data), "%s/other", f->dir);
    (void)snprintf(words, sizeof(words), "127.0.0.1 port %u: address already in use", f->port);
    refused(f, flag, TS_EXIT_FAILED, words);
    remove_in(f->data, "host.db");
    remove_in(f->dir, "other");
    memcpy(f->data, data, sizeof(data));
    assert_non_null(strstr(get(f, "/healthz"), " 200 ")); /* the first goes on */
}

static void what_cannot_work_is_said(void **state)
{
    struct fixture *f = *state;
    refused(f, "--genesis=/nowhere.json", TS_EXIT_CONFIG, "/nowhere.json");
    refused(f, "--enclaves=tcp:10.0.0.1:7000", TS_EXIT_USAGE, "only loopback");
    refused(f, "--enclaves=nonsense", TS_EXIT_USAGE, "nonsense");
    refused(f, "--rpc-listen=unix:/tmp/x", TS_EXIT_USAGE, "HOST:PORT");
    refused(f, "--data-dir=/dev/null", TS_EXIT_CONFIG, "/dev/null is not a directory");
    refused(f, "--intervall=1s", TS_EXIT_USAGE, "interval");
    const char *twice[] = {f->link, NULL};
    char flag[160];
    (void)snprintf(flag, sizeof(flag), "--enclaves=%s", twice[0]);
    refused(f, flag, TS_EXIT_USAGE, "given twice");
    char broken[128];
    (void)snprintf(broken, sizeof(broken), "%s/broken.json", f->dir);
    write_text(broken, "{\"version\": 1,\n");
    (void)snprintf(flag, sizeof(flag), "--genesis=%s", broken);
    refused(f, flag, TS_EXIT_CONFIG, "broken.json");
    assert_int_equal(unlink(broken), 0);
}

static void a_store_of_someone_else_is_left_alone(void **state)
{
    struct fixture *f = *state;
    start(f);
    assert_int_equal(kill(f->pid, SIGTERM), 0);
    assert_int_equal(exit_code(f->pid), TS_EXIT_OK);
    f->pid = 0;
    char other[128];
    char flag[160];
    struct tn_options o = {.max_report_lag = 7};
    struct testnet *net = tn_new(&o);
    char *text = ts_genesis_to_json(&net->genesis);
    tn_free(net);
    (void)snprintf(other, sizeof(other), "%s/other.json", f->dir);
    write_text(other, text);
    free(text);
    (void)snprintf(flag, sizeof(flag), "--genesis=%s", other);
    refused(f, flag, TS_EXIT_DATA, "belongs to another network");
    assert_int_equal(unlink(other), 0);
    start(f); /* with its own it goes on */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(it_says_how_it_is),         T(it_ends_when_told),
        T(a_killed_one_starts_again), T(two_do_not_share_a_directory_or_a_port),
        T(what_cannot_work_is_said),  T(a_store_of_someone_else_is_left_alone),
    };
#undef T
    return cmocka_run_group_tests_name("host_program", tests, NULL, NULL);
}
