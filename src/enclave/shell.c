/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/shell.h"

#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "base/check.h"
#include "base/log.h"
#include "cfg/exit.h"
#include "net/link.h"

/* An active enclave that is asked to end waits so long to be switched away from; the host knows it
 * has four seconds, the supervisor gives five. */
#define LEAVE_MS 4500
/* After an answer to EXIT, the link has so long to take it. */
#define FLUSH_MS 500
/* A host that is turned away comes again and again: one line for so long. */
#define REFUSED_SAY_MS 10000

struct ts_shell {
    uv_loop_t loop;
    uv_signal_t sigterm;
    uv_signal_t sigint;
    uv_timer_t deadline;
    uv_check_t flushed;
    struct ts_link_listener *listener;
    struct ts_link *link; /* the current one, or NULL */
    struct ts_enclave *core;
    struct ts_buf answer;
    enum ts_enclave_state state; /* as last logged */
    const char *listen;
    uint64_t refused_said_ms; /* when a host that was turned away was last told of; 0: never */
    struct ts_buf farewell;   /* to it */
    bool leaving;             /* SIGTERM came */
    int exit_code;
};

static void stop(struct ts_shell *s, int exit_code)
{
    s->exit_code = exit_code;
    uv_stop(&s->loop);
}

/* One line for each change of state. */
static void log_state(struct ts_shell *s)
{
    enum ts_enclave_state now = ts_enclave_state_of(s->core);
    struct ts_msg_head head = ts_enclave_head(s->core);
    char hex[TS_HASH_HEX_SIZE];
    if (now == s->state)
        return;
    ts_hex(head.hash.b, sizeof(head.hash.b), hex);
    if (now == TS_ENC_HALTED)
        ts_log(TS_LOG_ERROR, "state", "from=%s to=HALTED number=%llu hash=%s reason=\"%s\"",
               ts_enclave_state_name(s->state), (unsigned long long)head.number, hex,
               ts_enclave_halt_reason(s->core));
    else
        ts_log(TS_LOG_INFO, "state", "from=%s to=%s number=%llu hash=%s",
               ts_enclave_state_name(s->state), ts_enclave_state_name(now),
               (unsigned long long)head.number, hex);
    s->state = now;
}

static void end_after_flush(uv_check_t *check)
{
    struct ts_shell *s = check->data;
    if (s->link == NULL || ts_link_queued(s->link) == 0)
        stop(s, s->leaving ? TS_EXIT_OK : TS_EXIT_FAILED);
}

static void on_deadline(uv_timer_t *timer)
{
    struct ts_shell *s = timer->data;
    ts_log(TS_LOG_WARN, "end", "reason=\"%s\" state=%s",
           ts_enclave_wants_exit(s->core) ? "the host does not take the last answer"
                                          : "nobody took over in time",
           ts_enclave_state_name(ts_enclave_state_of(s->core)));
    stop(s, s->leaving ? TS_EXIT_OK : TS_EXIT_FAILED);
}

static void on_open(void *ctx, struct ts_link *l)
{
    struct ts_shell *s = ctx;
    s->link = l;
    ts_enclave_connected(s->core);
    ts_log(TS_LOG_INFO, "connected", "count=%llu",
           (unsigned long long)ts_link_listener_accepted(s->listener));
}

static void on_frame(void *ctx, struct ts_link *l, ts_bytes frame)
{
    struct ts_shell *s = ctx;
    ts_buf_reset(&s->answer);
    ts_enclave_handle(s->core, frame, &s->answer);
    ts_err err = s->answer.err;
    if (err == TS_OK)
        err = ts_link_send(l, ts_buf_bytes(&s->answer));
    if (s->answer.cap > 1024u * 1024)
        ts_buf_free(&s->answer);
    log_state(s);
    if (err != TS_OK && ts_link_is_open(l)) {
        /* A host that does not read its answers is no host: it finds them with OFFERS. */
        ts_log(TS_LOG_WARN, "disconnected", "reason=\"an answer cannot be sent: %s\"",
               ts_err_text(err));
        s->link = NULL;
        ts_link_close(l);
    }
    if (ts_enclave_wants_exit(s->core)) {
        ts_log(TS_LOG_INFO, "end", "reason=\"the host asked for it\"");
        uv_check_start(&s->flushed, end_after_flush);
        uv_timer_start(&s->deadline, on_deadline, FLUSH_MS, 0);
    }
}

static void on_close(void *ctx, struct ts_link *l, ts_err why, const char *text)
{
    struct ts_shell *s = ctx;
    struct ts_enclave_counters c;
    (void)why;
    if (s->link == l)
        s->link = NULL;
    ts_enclave_counters_of(s->core, &c);
    ts_log(TS_LOG_INFO, "disconnected",
           "reason=\"%s\" requests=%llu refused=%llu malformed=%llu accepted=%llu sealed=%llu",
           text, (unsigned long long)c.requests, (unsigned long long)c.refused,
           (unsigned long long)c.malformed, (unsigned long long)c.accepted,
           (unsigned long long)c.sealed);
}

/* The host that is here has just asked something: another would only take the enclave from it, and
 * each would do so again and again. */
static ts_bytes on_refuse(void *ctx)
{
    struct ts_shell *s = ctx;
    static const char why[] = "another host is connected and in use";
    struct ts_msg m = {.type = TS_MSG_ERROR, .is_answer = true};
    uint64_t now = uv_now(&s->loop);
    m.u.error.code = TS_E_BUSY;
    m.u.error.text = ts_bytes_of(why, sizeof(why) - 1);
    ts_buf_reset(&s->farewell);
    ts_msg_put(&s->farewell, &m);
    if (s->refused_said_ms == 0 || now >= s->refused_said_ms + REFUSED_SAY_MS) {
        s->refused_said_ms = now;
        ts_log(TS_LOG_WARN, "host-refused",
               "count=%llu reason=\"another host is connected and in use\"",
               (unsigned long long)ts_link_listener_refused(s->listener));
    }
    return s->farewell.err == TS_OK ? ts_buf_bytes(&s->farewell) : (ts_bytes){NULL, 0};
}

/* Tells the host, and lets an active enclave be switched away from. */
static void on_signal(uv_signal_t *signal, int number)
{
    struct ts_shell *s = signal->data;
    struct ts_msg m = {.type = TS_MSG_LEAVING, .is_answer = true};
    bool is_active = ts_enclave_state_of(s->core) == TS_ENC_ACTIVE;
    ts_log(TS_LOG_INFO, "leaving", "signal=%d state=%s", number,
           ts_enclave_state_name(ts_enclave_state_of(s->core)));
    if (s->leaving || s->link == NULL || !is_active) {
        stop(s, TS_EXIT_OK);
        return;
    }
    s->leaving = true;
    ts_buf_reset(&s->answer);
    ts_msg_put(&s->answer, &m);
    if (s->answer.err != TS_OK || ts_link_send(s->link, ts_buf_bytes(&s->answer)) != TS_OK) {
        stop(s, TS_EXIT_OK);
        return;
    }
    uv_timer_start(&s->deadline, on_deadline, LEAVE_MS, 0);
}

static int open_handles(struct ts_shell *s)
{
    int r = uv_loop_init(&s->loop);
    if (r == 0)
        r = uv_timer_init(&s->loop, &s->deadline);
    if (r == 0)
        r = uv_check_init(&s->loop, &s->flushed);
    if (r == 0)
        r = uv_signal_init(&s->loop, &s->sigterm);
    if (r == 0)
        r = uv_signal_init(&s->loop, &s->sigint);
    s->deadline.data = s->flushed.data = s->sigterm.data = s->sigint.data = s;
    if (r == 0)
        r = uv_signal_start(&s->sigterm, on_signal, SIGTERM);
    if (r == 0)
        r = uv_signal_start(&s->sigint, on_signal, SIGINT);
    return r;
}

ts_err ts_shell_open(struct ts_enclave *core, const char *listen, struct ts_shell **out, char *why,
                     size_t why_size)
{
    static const struct ts_link_handlers handlers = {on_open, on_frame, on_close, on_refuse};
    struct ts_link_limits limits = {.max_frame = TS_LINK_MAX_FRAME};
    struct ts_link_addr addr;
    ts_err err = ts_link_addr_parse(listen, &addr, why, why_size);
    if (err != TS_OK)
        return err;
    struct ts_shell *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        snprintf(why, why_size, "%s: out of memory", listen);
        return TS_E_NOMEM;
    }
    s->core = core;
    s->listen = listen;
    s->state = ts_enclave_state_of(core);
    ts_buf_init(&s->answer, TS_LINK_MAX_FRAME);
    ts_buf_init(&s->farewell, TS_LINK_MAX_FRAME);
    /* A host that goes away while an answer is written is an error of the write, no signal. */
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() tells it */
    int r = open_handles(s);
    if (r < 0) {
        snprintf(why, why_size, "%s: the loop cannot be opened: %s", listen, uv_strerror(r));
        free(s);
        return TS_E_IO;
    }
    err = ts_link_listen(&s->loop, &addr, &limits, &handlers, s, &s->listener, why, why_size);
    if (err != TS_OK) {
        free(s);
        return err;
    }
    *out = s;
    return TS_OK;
}

void ts_shell_log_start(const struct ts_shell *s, const char *platform)
{
    struct ts_msg req = {.type = TS_MSG_IDENTIFY};
    struct ts_msg ans;
    struct ts_arena arena;
    struct ts_buf in;
    struct ts_buf out;
    char id[TS_ADDRESS_HEX_SIZE];
    char boot[TS_HASH_HEX_SIZE];
    ts_arena_init(&arena, 0);
    ts_buf_init(&in, 0);
    ts_buf_init(&out, 0);
    ts_msg_put(&in, &req);
    ts_enclave_handle(s->core, ts_buf_bytes(&in), &out);
    if (ts_msg_decode_answer(ts_buf_bytes(&out), &arena, &ans) == TS_OK) {
        const struct ts_msg_identity *i = &ans.u.identity;
        ts_log(TS_LOG_INFO, "started",
               "id=%s boot=%s platform=%s listen=%s port=%u checkpoints=%zu pid=%ld",
               ts_hex(i->id.b, sizeof(i->id.b), id), ts_hex(i->boot_id.b, 32, boot), platform,
               s->listen, (unsigned)ts_link_listener_port(s->listener), i->n_sealed,
               (long)uv_os_getpid());
    }
    ts_buf_free(&in);
    ts_buf_free(&out);
    ts_arena_free(&arena);
}

int ts_shell_run(struct ts_shell *s)
{
    uv_run(&s->loop, UV_RUN_DEFAULT);
    return s->exit_code;
}
