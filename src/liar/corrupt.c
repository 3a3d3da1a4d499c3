/* SPDX-License-Identifier: Apache-2.0 */
/* usage: tenseq-corrupt --listen=LINK --enclave=LINK
 *
 * An enclave that is not itself any more: a relay between a host and an enclave that passes every
 * frame on as it is, and from SIGUSR1 on changes the seal of each batch which the enclave answers.
 * To the host that is an enclave whose seals are not its own. For tenseq devnet --corrupt. */
#include <signal.h>

#include "base/check.h"
#include "base/log.h"
#include "cfg/cfg.h"
#include "cfg/exit.h"
#include "codec/rlp.h"
#include "link/messages.h"
#include "net/link.h"
#include "shell/program.h"

#define SEAL_BACK 20 /* bytes from the end of a batch, whose last 65 are the seal: in its s */

struct config {
    const char *listen, *enclave;
    int log_level, log_format;
};

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct config, listen, "listen", TS_CFG_STRING, .flags = TS_CFG_REQUIRED,
           .value_name = "LINK", .help = "where the host connects"),
    TS_CFG(struct config, enclave, "enclave", TS_CFG_STRING, .flags = TS_CFG_REQUIRED,
           .value_name = "LINK", .help = "the enclave's own link"),
    TS_CFG_LOG_KEYS(struct config),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq-corrupt",
    .summary = "Stands before an enclave, and from SIGUSR1 on spoils its seals. For tenseq devnet "
               "--corrupt.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .lenient_env = true,
};

struct corrupt {
    uv_loop_t loop;
    struct ts_link_addr enclave_at;
    struct ts_link_listener *listener;
    struct ts_link *host, *enclave; /* NULL: none */
    struct ts_buf early; /* [length, 4 bytes big-endian, body]… before enclave is open */
    struct ts_buf bent;
    uv_signal_t signals[3];
    bool is_corrupt;
    uint64_t lies;
};

static void drop(struct corrupt *c)
{
    ts_link_close(c->host);
    ts_link_close(c->enclave);
    c->host = c->enclave = NULL;
    ts_buf_reset(&c->early);
}

/* What cannot be passed on ends both links: the host connects again. */
static void pass(struct corrupt *c, struct ts_link *to, ts_bytes frame)
{
    if (ts_link_send(to, frame) != TS_OK)
        drop(c);
}

/* ---- the enclave's side ---- */

/* The place of the byte to change in an answer that holds a sealed batch; 0: it holds none. */
static size_t seal_place(ts_bytes frame)
{
    struct ts_reader r = ts_reader_of(frame);
    ts_read_list(&r);
    uint64_t type = ts_read_u64(&r);
    (void)ts_read_u64(&r);
    ts_read_list(&r);
    ts_bytes batch = ts_read_bytes(&r, TS_MAX_BATCH_BYTES);
    if (r.err != TS_OK || type != TS_MSG_CREATE || batch.n <= sizeof(ts_sig))
        return 0;
    return (size_t)(batch.p - frame.p) + batch.n - SEAL_BACK;
}

static void on_answer(void *ctx, struct ts_link *l, ts_bytes frame)
{
    struct corrupt *c = ctx;
    size_t at = c->is_corrupt ? seal_place(frame) : 0;
    (void)l;
    if (at == 0) {
        pass(c, c->host, frame);
        return;
    }
    ts_buf_reset(&c->bent);
    ts_buf_put(&c->bent, frame.p, frame.n);
    TS_CHECK(c->bent.err == TS_OK);
    c->bent.p[at] ^= 1;
    ts_log(TS_LOG_INFO, "seal-spoilt", "count=%llu", (unsigned long long)++c->lies);
    pass(c, c->host, ts_buf_bytes(&c->bent));
}

static void on_enclave_open(void *ctx, struct ts_link *l)
{
    struct corrupt *c = ctx;
    for (size_t at = 0; c->enclave == l && at + 4 <= c->early.n;) {
        const uint8_t *p = c->early.p + at;
        size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        at += 4 + n;
        pass(c, l, ts_bytes_of(p + 4, n));
    }
    ts_buf_reset(&c->early);
}

static void on_enclave_close(void *ctx, struct ts_link *l, ts_err why, const char *text)
{
    struct corrupt *c = ctx;
    (void)l;
    (void)why;
    ts_log(TS_LOG_INFO, "enclave-gone", "reason=\"%s\"", text);
    c->enclave = NULL;
    drop(c);
}

/* ---- the host's side ---- */

static void on_host_open(void *ctx, struct ts_link *l)
{
    static const struct ts_link_handlers handlers = {
        .on_open = on_enclave_open, .on_frame = on_answer, .on_close = on_enclave_close};
    struct corrupt *c = ctx;
    c->host = l;
    if (ts_link_connect(&c->loop, &c->enclave_at, NULL, &handlers, c, &c->enclave) != TS_OK) {
        c->enclave = NULL;
        drop(c);
    }
}

static void on_request(void *ctx, struct ts_link *l, ts_bytes frame)
{
    struct corrupt *c = ctx;
    (void)l;
    if (ts_link_is_open(c->enclave)) {
        pass(c, c->enclave, frame);
        return;
    }
    const uint8_t head[4] = {(uint8_t)(frame.n >> 24), (uint8_t)(frame.n >> 16),
                             (uint8_t)(frame.n >> 8), (uint8_t)frame.n};
    ts_buf_put(&c->early, head, sizeof(head));
    ts_buf_put(&c->early, frame.p, frame.n);
    if (c->early.err != TS_OK)
        drop(c);
}

static void on_host_close(void *ctx, struct ts_link *l, ts_err why, const char *text)
{
    struct corrupt *c = ctx;
    (void)l;
    (void)why;
    ts_log(TS_LOG_INFO, "host-gone", "reason=\"%s\"", text);
    c->host = NULL;
    drop(c);
}

/* ---- the whole ---- */

static void on_signal(uv_signal_t *signal, int number)
{
    struct corrupt *c = signal->data;
    if (number == SIGUSR1) {
        c->is_corrupt = true;
        ts_log(TS_LOG_WARN, "corrupt", "enclave=%s", c->enclave_at.text);
        return;
    }
    drop(c);
    ts_link_listener_close(c->listener);
    for (size_t i = 0; i < TS_COUNT(c->signals); i++)
        uv_close((uv_handle_t *)&c->signals[i], NULL);
}

static int run(struct corrupt *c, const char *listen)
{
    static const struct ts_link_handlers handlers = {
        .on_open = on_host_open, .on_frame = on_request, .on_close = on_host_close};
    static const int numbers[] = {SIGUSR1, SIGTERM, SIGINT};
    struct ts_link_addr at;
    char why[300];
    if (ts_link_addr_parse(listen, &at, why, sizeof(why)) != TS_OK ||
        ts_link_listen(&c->loop, &at, NULL, &handlers, c, &c->listener, why, sizeof(why)) != TS_OK)
        return ts_program_fail(TS_EXIT_CONFIG, why);
    for (size_t i = 0; i < TS_COUNT(numbers); i++) {
        TS_CHECK(uv_signal_init(&c->loop, &c->signals[i]) == 0);
        c->signals[i].data = c;
        TS_CHECK(uv_signal_start(&c->signals[i], on_signal, numbers[i]) == 0);
    }
    ts_log(TS_LOG_INFO, "ready", "listen=%s enclave=%s", at.text, c->enclave_at.text);
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    return TS_EXIT_OK;
}

int main(int argc, char **argv)
{
    static struct corrupt c;
    struct config config = {0};
    struct ts_cfg *cfg = NULL;
    char why[300];
    int code = ts_cfg_start(&spec, argc, argv, &config, &cfg);
    if (code >= 0)
        return code;
    (void)signal(SIGPIPE, SIG_IGN);
    ts_log_setup("corrupt", (enum ts_log_level)config.log_level,
                 (enum ts_log_format)config.log_format);
    ts_buf_init(&c.early, TS_LINK_MAX_FRAME);
    ts_buf_init(&c.bent, TS_LINK_MAX_FRAME);
    TS_CHECK(uv_loop_init(&c.loop) == 0);
    code = ts_link_addr_parse(config.enclave, &c.enclave_at, why, sizeof(why)) == TS_OK
               ? run(&c, config.listen)
               : ts_program_fail(TS_EXIT_CONFIG, why);
    TS_CHECK(uv_loop_close(&c.loop) == 0);
    ts_buf_free(&c.early);
    ts_buf_free(&c.bent);
    ts_cfg_free(cfg);
    return code;
}
