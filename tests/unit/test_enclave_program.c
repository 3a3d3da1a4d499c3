/* SPDX-License-Identifier: Apache-2.0 */
/* The program tenseq-enclave, as it is installed, over its Unix socket; beside it an enclave core
 * in this process, and this test as the host. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "cfg/exit.h"
#include "enclave_kit.h"

#define WAIT_MS 10000

struct program {
    struct ek *k;
    char dir[PATH_MAX];
    char data[PATH_MAX];
    char sock[100];
    char log[PATH_MAX];
    ts_address id;
    pid_t pid; /* 0: not running */
    int fd;    /* the host's side of the link, -1: none */
};

/* ---- the process ---- */

/* Runs the program; its stdout goes to out (-1: nowhere), its stderr is appended to the log. */
static pid_t spawn(struct program *p, int out, const char *const *more)
{
    const char *argv[16] = {TS_ENCLAVE_EXE, "--data-dir", p->data};
    size_t n = 3;
    for (; *more != NULL; more++)
        argv[n++] = *more;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int log = open(p->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(log, STDERR_FILENO);
        if (out >= 0)
            dup2(out, STDOUT_FILENO);
        /* Leaks are for other tests to find: what looks for them is itself no guest of a sandbox.
         */
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static int exit_code(pid_t pid)
{
    int status;
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        struct timespec pause = {.tv_nsec = 10000000};
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        nanosleep(&pause, NULL);
    }
    kill(pid, SIGKILL);
    fail_msg("the program does not end");
    return -1;
}

/* The id that --init prints. */
static ts_address init(struct program *p)
{
    static const char *const args[] = {"--init", NULL};
    char text[100] = {0};
    int fds[2];
    ts_address id;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = spawn(p, fds[1], args);
    close(fds[1]);
    assert_int_equal(exit_code(pid), TS_EXIT_OK);
    ssize_t n = read(fds[0], text, sizeof(text) - 1);
    close(fds[0]);
    assert_int_equal(n, TS_ADDRESS_HEX_SIZE); /* the id and a newline */
    text[n - 1] = 0;
    assert_int_equal(ts_unhex(text, id.b, sizeof(id.b)), TS_OK);
    return id;
}

static int connect_to(struct program *p)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, p->sock, strlen(p->sock) + 1);
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        struct timespec pause = {.tv_nsec = 10000000};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
            return fd;
        close(fd);
        nanosleep(&pause, NULL);
    }
    fail_msg("the program does not listen");
    return -1;
}

static void start(struct program *p)
{
    char listen[128];
    snprintf(listen, sizeof(listen), "unix:%s", p->sock);
    const char *const args[] = {"--listen", listen, NULL};
    p->pid = spawn(p, -1, args);
    p->fd = connect_to(p);
}

static int end(struct program *p, int signal_number)
{
    if (signal_number != 0)
        assert_int_equal(kill(p->pid, signal_number), 0);
    int code = exit_code(p->pid);
    close(p->fd);
    p->fd = -1;
    p->pid = 0;
    return code;
}

/* ---- frames ---- */

static bool read_all(int fd, void *out, size_t n)
{
    uint8_t *at = out;
    while (n > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, WAIT_MS) <= 0)
            return false;
        ssize_t got = read(fd, at, n);
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static void write_frame(int fd, ts_bytes body)
{
    uint8_t head[4] = {(uint8_t)(body.n >> 24), (uint8_t)(body.n >> 16), (uint8_t)(body.n >> 8),
                       (uint8_t)body.n};
    assert_int_equal(write(fd, head, 4), 4);
    for (size_t at = 0; at < body.n;) {
        ssize_t done = write(fd, body.p + at, body.n - at);
        assert_true(done > 0);
        at += (size_t)done;
    }
}

/* False when the connection ends instead. */
static bool read_answer(struct program *p, int fd, struct ts_msg *out)
{
    uint8_t head[4];
    if (!read_all(fd, head, 4))
        return false;
    size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    uint8_t *frame = ts_arena_alloc(&p->k->arena, n);
    assert_non_null(frame);
    assert_true(read_all(fd, frame, n));
    assert_int_equal(ts_msg_decode_answer(ts_bytes_of(frame, n), &p->k->arena, out), TS_OK);
    return true;
}

static struct ts_msg ask(struct program *p, const struct ts_msg *req)
{
    struct ts_buf b;
    struct ts_msg answer;
    ts_buf_init(&b, 0);
    ts_msg_put(&b, req);
    write_frame(p->fd, ts_buf_bytes(&b));
    ts_buf_free(&b);
    assert_true(read_answer(p, p->fd, &answer));
    assert_int_equal(answer.id, req->id);
    return answer;
}

static struct ts_msg plain(struct program *p, uint64_t type)
{
    struct ts_msg m = {.type = type, .id = 70 + type};
    return ask(p, &m);
}

static struct ts_msg load(struct program *p, struct ts_msg_head from)
{
    struct ts_msg m = {.type = TS_MSG_LOAD, .id = 2};
    m.u.load.genesis = p->k->genesis_raw;
    m.u.load.from = from;
    return ask(p, &m);
}

static struct ts_msg feed(struct program *p)
{
    struct ts_msg m = plain(p, TS_MSG_IDENTIFY);
    for (uint64_t n = m.u.identity.head.number + 1; n <= p->k->n_batches; n++) {
        m = (struct ts_msg){.type = TS_MSG_ACCEPT, .id = n};
        m.u.accept.batch = ek_batch(p->k, n);
        m = ask(p, &m);
        assert_code(m, TS_OK);
    }
    return m;
}

static struct ts_msg synced(struct program *p)
{
    struct ts_msg m = {.type = TS_MSG_SYNCED, .id = 4};
    m.u.synced.time = p->k->now;
    m = ask(p, &m);
    assert_code(m, TS_OK);
    return m;
}

static struct ts_msg activate(struct program *p)
{
    struct ts_msg req = {.type = TS_MSG_ACTIVATE, .id = 9};
    req.u.activate = (struct ts_msg_activate){.term = ++p->k->term, .time = p->k->now};
    struct ts_msg m = ask(p, &req);
    assert_code(m, TS_OK);
    return m;
}

/* Enclave 0 of this process makes batches with what the program hands out. */
static void run(struct program *p, size_t batches)
{
    for (size_t n = 0; n < batches; n++) {
        struct ts_msg events = plain(p, TS_MSG_REPORT);
        struct ts_msg req = ek_create_request(p->k, 0, 0);
        if (events.type != TS_MSG_ERROR && events.u.events.has_report) {
            req.u.create.reports = &events.u.events.report;
            req.u.create.n_reports = 1;
            req.u.create.transitions = events.u.events.transitions;
            req.u.create.n_transitions = events.u.events.n_transitions;
        }
        struct ts_msg m = ek_ask(p->k, 0, &req);
        assert_code(m, TS_OK);
        ek_publish(p->k, m.u.created.batch);
        feed(p);
    }
}

static bool log_has(struct program *p, const char *text)
{
    static char log[1 << 18];
    int fd = open(p->log, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, log, sizeof(log) - 1);
    close(fd);
    log[n > 0 ? n : 0] = 0;
    return strstr(log, text) != NULL;
}

/* ---- a place for each test ---- */

static int enter(void **state)
{
    struct program *p = calloc(1, sizeof(*p));
    const char *base = getenv("TMPDIR");
    assert_non_null(p);
    p->fd = -1;
    snprintf(p->dir, sizeof(p->dir), "%.60s/tenseq-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->data, sizeof(p->data), "%.80s/data", p->dir);
    snprintf(p->sock, sizeof(p->sock), "%.80s/s", p->dir);
    snprintf(p->log, sizeof(p->log), "%.80s/log", p->dir);
    p->id = init(p);
    p->k = ek_open_beside(1, &p->id);
    ek_start(p->k, 0);
    ek_promote(p->k, 0);
    *state = p;
    return 0;
}

static int leave(void **state)
{
    struct program *p = *state;
    static const char *const files[] = {"data/identity.sealed",
                                        "data/machine.key",
                                        "data/checkpoint-0",
                                        "data/checkpoint-1",
                                        "log",
                                        "s"};
    char path[PATH_MAX];
    if (p->pid != 0) {
        kill(p->pid, SIGKILL);
        exit_code(p->pid);
    }
    if (p->fd >= 0)
        close(p->fd);
    for (size_t i = 0; i < TS_COUNT(files); i++) {
        snprintf(path, sizeof(path), "%.80s/%s", p->dir, files[i]);
        unlink(path);
    }
    rmdir(p->data);
    rmdir(p->dir);
    ek_close(p->k);
    free(p);
    return 0;
}

/* ---- tests ---- */

static void it_follows_reports_and_takes_over(void **state)
{
    struct program *p = *state;
    ek_run(p->k, 0, 3);
    start(p);
    struct ts_msg m = plain(p, TS_MSG_IDENTIFY);
    assert_memory_equal(&m.u.identity.id, &p->id, 20);
    assert_int_equal(m.u.identity.state, TS_ENC_EMPTY);
    m = load(p, (struct ts_msg_head){0});
    assert_code(m, TS_OK);
    feed(p);
    m = synced(p);
    assert_int_equal(m.u.events.state, TS_ENC_PASSIVE);
    run(p, 3);
    struct ts_batch b = ek_decode(p->k, ek_batch(p->k, 6));
    assert_int_equal(b.payload.n_reports, 2);
    /* A planned switch to it. */
    struct ts_msg old = ek_step_down(p->k, 0);
    activate(p);
    struct ts_msg req = {.type = TS_MSG_CREATE, .id = 10};
    req.u.create.parent = ek_head(p->k);
    req.u.create.time = p->k->now;
    req.u.create.transitions = old.u.events.transitions;
    req.u.create.n_transitions = old.u.events.n_transitions;
    req.u.create.reports = &old.u.events.report;
    req.u.create.n_reports = 1;
    ts_bytes tx = ek_transfer(p->k, 0, 0, 7);
    req.u.create.txs = &tx;
    req.u.create.n_txs = 1;
    m = ask(p, &req);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.created.n_rejected, 0);
    ek_publish(p->k, m.u.created.batch);
    ek_feed(p->k, 0);
    assert_true(ts_address_equal(&p->k->chain.registry.active, &p->id));
    assert_true(log_has(p, "from=SYNCING to=PASSIVE"));
    assert_true(log_has(p, "from=PASSIVE to=ACTIVE"));
}

static void killed_it_goes_on_from_its_checkpoint(void **state)
{
    struct program *p = *state;
    start(p);
    load(p, (struct ts_msg_head){0});
    synced(p);
    run(p, 3);
    struct ts_msg m = plain(p, TS_MSG_SNAPSHOT);
    assert_code(m, TS_OK);
    struct ts_msg_head sealed = m.u.head;
    assert_int_equal(sealed.number, 3);
    run(p, 2);
    assert_int_equal(end(p, SIGKILL), 1000 + SIGKILL);
    ek_run(p->k, 0, 1); /* without it */
    start(p);
    m = plain(p, TS_MSG_IDENTIFY);
    assert_int_equal(m.u.identity.n_sealed, 1);
    assert_memory_equal(&m.u.identity.sealed[0], &sealed, sizeof(sealed));
    m = load(p, sealed);
    assert_code(m, TS_OK);
    feed(p);
    m = synced(p);
    assert_int_equal(m.u.events.n_transitions, 1);
    assert_int_equal(m.u.events.transitions[0].seq, 2);
    run(p, 2);
    struct ts_batch b = ek_decode(p->k, ek_batch(p->k, p->k->n_batches));
    assert_int_equal(b.payload.n_absent, 0);
}

static void garbage_is_answered_or_cut_off(void **state)
{
    struct program *p = *state;
    struct ts_msg m;
    start(p);
    write_frame(p->fd, ts_bytes_of("garbage", 7));
    assert_true(read_answer(p, p->fd, &m));
    assert_int_equal(m.type, TS_MSG_ERROR);
    write_frame(p->fd, ts_bytes_of(NULL, 0));
    assert_true(read_answer(p, p->fd, &m));
    assert_int_equal(m.type, TS_MSG_ERROR);
    m = plain(p, TS_MSG_REPORT);
    assert_code(m, TS_E_STATE);
    /* A length over the limit ends the connection, not the program. */
    assert_int_equal(write(p->fd, "\xff\xff\xff\xff", 4), 4);
    assert_false(read_answer(p, p->fd, &m));
    close(p->fd);
    p->fd = connect_to(p);
    m = plain(p, TS_MSG_IDENTIFY);
    assert_code(m, TS_OK);
    assert_true(log_has(p, "malformed=2"));
}

static void a_host_in_use_is_not_replaced(void **state)
{
    struct program *p = *state;
    struct ts_msg m;
    start(p);
    for (unsigned i = 0; i < 3; i++) {
        m = plain(p, TS_MSG_IDENTIFY);
        assert_code(m, TS_OK);
        int second = connect_to(p);
        assert_true(read_answer(p, second, &m));
        assert_int_equal(m.type, TS_MSG_ERROR);
        assert_int_equal(m.id, 0);
        assert_code(m, TS_E_BUSY);
        assert_false(read_answer(p, second, &m));
        close(second);
    }
    m = plain(p, TS_MSG_IDENTIFY);
    assert_code(m, TS_OK);
    assert_true(log_has(p, "host-refused count=1"));
    assert_false(log_has(p, "host-refused count=2")); /* once in a while */
    /* One that ends makes way at once. */
    close(p->fd);
    p->fd = connect_to(p);
    m = plain(p, TS_MSG_IDENTIFY);
    assert_code(m, TS_OK);
}

static void a_silent_host_is_replaced(void **state)
{
    struct program *p = *state;
    struct ts_msg m;
    start(p);
    m = plain(p, TS_MSG_IDENTIFY);
    int old = p->fd;
    poll(NULL, 0, 2200);
    p->fd = connect_to(p);
    m = plain(p, TS_MSG_IDENTIFY);
    assert_code(m, TS_OK);
    assert_false(read_answer(p, old, &m));
    close(old);
}

static void a_data_directory_has_one_program(void **state)
{
    struct program *p = *state;
    static const char *const args[] = {"--listen", "tcp:127.0.0.1:0", NULL};
    start(p);
    struct ts_msg m = plain(p, TS_MSG_IDENTIFY);
    assert_code(m, TS_OK);
    assert_int_equal(exit_code(spawn(p, -1, args)), TS_EXIT_FAILED);
    assert_true(log_has(p, "another tenseq-enclave is running in this directory"));
    /* The id can still be asked for. */
    ts_address id = init(p);
    assert_memory_equal(&id, &p->id, 20);
}

static void exit_is_answered_and_asks_for_a_restart(void **state)
{
    struct program *p = *state;
    start(p);
    struct ts_msg m = plain(p, TS_MSG_EXIT);
    assert_code(m, TS_OK);
    int code = end(p, 0);
    assert_true(TS_EXIT_RESTARTS(code));
    assert_int_equal(code, TS_EXIT_FAILED);
}

static void asked_to_end_it_ends(void **state)
{
    struct program *p = *state;
    start(p);
    assert_int_equal(end(p, SIGTERM), TS_EXIT_OK);
    start(p); /* over the socket file that the last one left */
    load(p, (struct ts_msg_head){0});
    synced(p);
    assert_int_equal(end(p, SIGINT), TS_EXIT_OK);
}

/* An active one says so and waits to be switched away from. */
static void an_active_one_takes_its_leave(void **state)
{
    struct program *p = *state;
    start(p);
    load(p, (struct ts_msg_head){0});
    synced(p);
    struct ts_msg m = activate(p);
    assert_int_equal(kill(p->pid, SIGTERM), 0);
    assert_true(read_answer(p, p->fd, &m));
    assert_int_equal(m.type, TS_MSG_LEAVING);
    assert_int_equal(m.id, 0);
    struct ts_msg req = {.type = TS_MSG_STEP_DOWN, .id = 11};
    m = ask(p, &req);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.events.state, TS_ENC_PASSIVE);
    m = plain(p, TS_MSG_EXIT);
    assert_code(m, TS_OK);
    assert_int_equal(end(p, 0), TS_EXIT_OK);
}

static void nobody_takes_over_it_ends_in_time(void **state)
{
    struct program *p = *state;
    struct timespec before, after;
    start(p);
    load(p, (struct ts_msg_head){0});
    synced(p);
    activate(p);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(end(p, SIGTERM), TS_EXIT_OK);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec <= 5);
    assert_true(log_has(p, "nobody took over in time"));
}

/* Thousands of transactions and accounts: nothing that takes asks the kernel for what the sandbox
 * forbids. */
static void large_batches_and_states_fit_in_the_sandbox(void **state)
{
    struct program *p = *state;
    enum { TXS = 1400 };
    ts_bytes *txs = ts_arena_array(&p->k->arena, TXS, sizeof(*txs));
    assert_non_null(txs);
    start(p);
    load(p, (struct ts_msg_head){0});
    synced(p);
    run(p, 1);
    ek_step_down(p->k, 0);
    activate(p);
    for (uint64_t batch = 0; batch < 3; batch++) {
        for (uint64_t i = 0; i < TXS; i++) {
            uint64_t n = batch * TXS + i;
            ts_address to = {{0x77, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
            txs[i] = ek_transfer_to(p->k, 0, n, &to);
        }
        struct ts_msg old = ek_plain(p->k, 0, TS_MSG_REPORT);
        struct ts_msg req = {.type = TS_MSG_CREATE, .id = 10};
        req.u.create = (struct ts_msg_create){.parent = ek_head(p->k),
                                              .time = p->k->now,
                                              .transitions = old.u.events.transitions,
                                              .n_transitions = old.u.events.n_transitions,
                                              .reports = &old.u.events.report,
                                              .n_reports = 1,
                                              .txs = txs,
                                              .n_txs = TXS};
        struct ts_msg m = ask(p, &req);
        assert_code(m, TS_OK);
        assert_true(m.u.created.batch.n > 100000);
        ek_publish(p->k, m.u.created.batch);
        ek_feed(p->k, 0);
    }
    struct ts_msg m = plain(p, TS_MSG_SNAPSHOT);
    assert_code(m, TS_OK);
    struct ts_msg_head sealed = m.u.head;
    m = (struct ts_msg){.type = TS_MSG_OFFERS, .id = 5};
    m = ask(p, &m);
    assert_int_equal(m.u.offered.n, 3);
    end(p, SIGKILL);
    start(p);
    m = load(p, sealed);
    assert_code(m, TS_OK);
    m = synced(p);
    assert_int_equal(m.u.events.state, TS_ENC_PASSIVE);
}

/* The compressor works in the sandbox, on small columns and on large ones. */
static void rollups_are_made_in_the_sandbox(void **state)
{
    struct program *p = *state;
    struct ek *k = p->k;
    ts_bytes txs[900];
    start(p);
    load(p, (struct ts_msg_head){0});
    synced(p);
    run(p, 40);
    for (size_t i = 0; i < TS_COUNT(txs); i++) {
        ts_address to = {{0x77}};
        for (size_t at = 1; at < sizeof(to.b); at++)
            to.b[at] = (uint8_t)ek_random(k);
        txs[i] = ek_transfer_to(k, i % EK_PEOPLE, i / EK_PEOPLE, &to);
    }
    struct ts_msg req = ek_create_request(k, 0, 0);
    req.u.create.txs = txs;
    req.u.create.n_txs = TS_COUNT(txs);
    struct ts_msg m = ek_ask(k, 0, &req);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.created.n_rejected, 0);
    ek_publish(k, m.u.created.batch);
    feed(p);
    for (uint64_t last = 40; last <= 41; last++) {
        struct ts_rollup_batch *got;
        struct ts_arena arena;
        ts_arena_init(&arena, TS_ROLLUP_ARENA);
        req = ek_rollup_request(k, 1, last, 0);
        m = ask(p, &req);
        assert_code(m, TS_OK);
        assert_int_equal(ts_rollup_decode(m.u.rolled.data, (size_t)last, &arena, &got), TS_OK);
        assert_int_equal(got[last - 1].n_txs, last == 40 ? 0 : TS_COUNT(txs));
        ts_arena_free(&arena);
    }
    m = plain(p, TS_MSG_REPORT);
    assert_code(m, TS_OK);
}

/* Kilobytes of memory in use, by the kernel's count. */
static long resident_kib(const struct program *p)
{
    char path[64];
    char line[256];
    long kib = -1;
    snprintf(path, sizeof(path), "/proc/%ld/status", (long)p->pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    }
    fclose(f);
    assert_true(kib > 0);
    return kib;
}

/* A chain that grows takes no memory: what is behind the newest batches is forgotten. */
static void memory_does_not_grow_with_the_chain(void **state)
{
    struct program *p = *state;
    start(p);
    load(p, (struct ts_msg_head){0});
    synced(p);
    for (size_t i = 0; i < 50; i++) {
        run(p, 10);
        ek_forget(p->k);
    }
    long before = resident_kib(p);
    for (size_t i = 0; i < 200; i++) {
        run(p, 10);
        ek_forget(p->k);
    }
    long after = resident_kib(p);
    print_message("%ld KiB after 500 batches, %ld after 2500\n", before, after);
#if !defined(__SANITIZE_ADDRESS__) /* whose own memory is many times that */
    assert_true(after - before < 512);
    assert_true(after < 32 * 1024);
#endif
}

static void what_cannot_work_is_said_with_its_exit_code(void **state)
{
    struct program *p = *state;
    static const char *const far[] = {"--listen", "tcp:192.0.2.1:7000", NULL};
    static const char *const typo[] = {"--liste", "x", NULL};
    static const char *const here[] = {"--listen", "tcp:127.0.0.1:0", NULL};
    char path[PATH_MAX];
    assert_int_equal(exit_code(spawn(p, -1, far)), TS_EXIT_USAGE);
    assert_true(log_has(p, "192.0.2.1"));
    assert_int_equal(exit_code(spawn(p, -1, typo)), TS_EXIT_USAGE);
    snprintf(path, sizeof(path), "%.80s/data/machine.key", p->dir);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(exit_code(spawn(p, -1, here)), TS_EXIT_CONFIG);
    assert_true(log_has(p, "mode 0644"));
    assert_int_equal(chmod(path, 0600), 0);
    snprintf(path, sizeof(path), "%.80s/data/identity.sealed", p->dir);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 40), 1);
    close(fd);
    assert_int_equal(exit_code(spawn(p, -1, here)), TS_EXIT_DATA);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(exit_code(spawn(p, -1, here)), TS_EXIT_CONFIG);
    assert_true(log_has(p, "make an identity with tenseq-enclave --init --data-dir "));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_follows_reports_and_takes_over),
        TEST(killed_it_goes_on_from_its_checkpoint),
        TEST(garbage_is_answered_or_cut_off),
        TEST(a_host_in_use_is_not_replaced),
        TEST(a_silent_host_is_replaced),
        TEST(a_data_directory_has_one_program),
        TEST(exit_is_answered_and_asks_for_a_restart),
        TEST(asked_to_end_it_ends),
        TEST(an_active_one_takes_its_leave),
        TEST(nobody_takes_over_it_ends_in_time),
        TEST(large_batches_and_states_fit_in_the_sandbox),
        TEST(rollups_are_made_in_the_sandbox),
        TEST(memory_does_not_grow_with_the_chain),
        TEST(what_cannot_work_is_said_with_its_exit_code),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
