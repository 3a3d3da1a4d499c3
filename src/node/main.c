/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq-node: configuration, signals, exit codes; the rest is the shell's. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/log.h"
#include "cfg/cfg.h"
#include "cfg/exit.h"
#include "cfg/notify.h"
#include "chain/genesis_json.h"
#include "crypto/sign.h"
#include "node/shell.h"

#define GENESIS_MAX (64u * 1024 * 1024)
#define END_SECONDS 4 /* then the process ends, whatever hangs: five are promised */
#define END_MICROS  700000

struct config {
    const char *genesis;
    const char *data_dir;
    struct ts_cfg_list peers;
    const char *enclave;
    const char *rpc_listen;
    const char *rpc_token;
    struct ts_cfg_list rpc_hosts;
    struct ts_cfg_list rpc_origins;
    uint64_t rpc_max_body;
    uint64_t rpc_max_connections;
    uint64_t feed_max_peers;
    uint64_t snapshot_every;
    int log_level, log_format;
};

static const char *check_peer(const char *value)
{
    if (strncmp(value, "ws://", 5) != 0 || value[5] == '\0')
        return "is not a feed's address such as ws://127.0.0.1:9000/feed";
    return NULL;
}

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct config, genesis, "genesis", TS_CFG_PATH, .letter = 'g', .flags = TS_CFG_REQUIRED,
           .help = "the network's genesis, a JSON file"),
    TS_CFG(struct config, data_dir, "data-dir", TS_CFG_PATH, .letter = 'd', .def = "data",
           .help = "where everything durable is kept"),
    TS_CFG(struct config, peers, "peers", TS_CFG_LIST, .item = TS_CFG_STRING, .check = check_peer,
           .value_name = "URL,…",
           .help = "feeds of a host and of other nodes, asked in this order; none is trusted"),
    TS_CFG(struct config, enclave, "enclave", TS_CFG_STRING, .value_name = "LINK",
           .help = "an enclave that executes the batches and answers for accounts, unix:PATH or "
                   "tcp:127.0.0.1:PORT"),
    TS_CFG(struct config, rpc_listen, "rpc-listen", TS_CFG_ENDPOINT, .def = "127.0.0.1:9010",
           .help = "where JSON-RPC, the feed and the metrics are served"),
    TS_CFG(struct config, rpc_token, "rpc-token", TS_CFG_STRING, .flags = TS_CFG_SECRET,
           .help = "bearer token for the operator's methods when the listener is not loopback"),
    TS_CFG(struct config, rpc_hosts, "rpc-hosts", TS_CFG_LIST, .item = TS_CFG_STRING,
           .help = "further Host names a loopback listener answers to, * for any"),
    TS_CFG(struct config, rpc_origins, "rpc-origins", TS_CFG_LIST, .item = TS_CFG_STRING,
           .help = "origins whose web pages may call, * for any"),
    TS_CFG(struct config, rpc_max_body, "rpc-max-body", TS_CFG_SIZE, .def = "5MiB", .min = 1024,
           .max = 256u * 1024 * 1024, .help = "largest request"),
    TS_CFG(struct config, rpc_max_connections, "rpc-max-connections", TS_CFG_U64, .def = "1024",
           .min = 1, .max = 100000, .help = "connections at one time"),
    TS_CFG(struct config, feed_max_peers, "feed-max-peers", TS_CFG_U64, .def = "256", .min = 1,
           .max = 100000, .help = "subscribers of the feed at one time"),
    TS_CFG(struct config, snapshot_every, "snapshot-every", TS_CFG_U64, .def = "10000", .min = 1,
           .help = "batches between sealed checkpoints of the enclave"),
    TS_CFG_LOG_KEYS(struct config),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq-node",
    .summary = "Follows a chain over feeds it does not trust, verifies it, keeps it and relays it.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
};

/* ---- what main needs to run ------------------------------------------------------------------ */

struct program {
    struct config cfg;
    uv_loop_t loop;
    uv_signal_t signals[2];
    struct ts_genesis genesis;
    uint8_t *genesis_raw;
    size_t genesis_n;
    struct ts_crypto *crypto;
    struct ts_link_addr enclave;
    struct ts_endpoint listen;
    char store_path[4096];
    struct ts_node_shell *shell;
};

/* One sentence, and the exit code. */
static int fail(int code, const char *why)
{
    ts_log(TS_LOG_ERROR, "cannot-start", "why=\"%s\"", why);
    (void)ts_notify("STATUS=cannot start");
    return code;
}

static ts_err read_file(const char *path, struct ts_buf *to)
{
    FILE *from = fopen(path, "rbe");
    if (from == NULL)
        return TS_E_IO;
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), from)) > 0)
        ts_buf_put(to, chunk, n);
    bool bad = ferror(from) != 0;
    (void)fclose(from);
    return bad ? TS_E_IO : to->err;
}

static int read_genesis(struct program *p)
{
    char why[512], what[256];
    struct ts_buf text;
    ts_buf_init(&text, GENESIS_MAX);
    errno = 0;
    ts_err err = read_file(p->cfg.genesis, &text);
    (void)snprintf(what, sizeof(what), "it cannot be read: %s",
                   errno != 0 ? strerror(errno) : ts_err_text((int)err));
    if (err == TS_OK)
        err = ts_genesis_from_json((const char *)text.p, text.n, &p->genesis, what, sizeof(what));
    ts_buf_free(&text);
    if (err == TS_OK)
        err = ts_genesis_encode(&p->genesis, &p->genesis_raw, &p->genesis_n);
    if (err == TS_OK)
        return TS_EXIT_OK;
    (void)snprintf(why, sizeof(why), "genesis %s: %s", p->cfg.genesis, what);
    return fail(TS_EXIT_CONFIG, why);
}

static int read_peers(struct program *p)
{
    char why[512];
    const struct ts_cfg_list *peers = &p->cfg.peers;
    if (peers->n > TS_NODE_MAX_PEERS) {
        (void)snprintf(why, sizeof(why), "peers: at most %d feeds, not %zu", TS_NODE_MAX_PEERS,
                       peers->n);
        return fail(TS_EXIT_USAGE, why);
    }
    for (size_t i = 0; i < peers->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(peers->items[i], peers->items[j]) != 0)
                continue;
            (void)snprintf(why, sizeof(why), "peers: %s is given twice", peers->items[i]);
            return fail(TS_EXIT_USAGE, why);
        }
    }
    return TS_EXIT_OK;
}

static int read_addresses(struct program *p)
{
    char why[512];
    int code = read_peers(p);
    if (code != TS_EXIT_OK)
        return code;
    if (p->cfg.enclave != NULL &&
        ts_link_addr_parse(p->cfg.enclave, &p->enclave, why, sizeof(why)) != TS_OK)
        return fail(TS_EXIT_USAGE, why);
    if (ts_endpoint_parse(p->cfg.rpc_listen, &p->listen) == TS_OK && !p->listen.is_unix)
        return TS_EXIT_OK;
    return fail(TS_EXIT_USAGE, "rpc-listen must be HOST:PORT");
}

static int make_data_dir(struct program *p)
{
    char why[4200];
    struct stat st;
    if (mkdir(p->cfg.data_dir, 0700) != 0 && errno != EEXIST) {
        (void)snprintf(why, sizeof(why), "data-dir %s cannot be made: %s", p->cfg.data_dir,
                       strerror(errno));
        return fail(TS_EXIT_CONFIG, why);
    }
    if (stat(p->cfg.data_dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        (void)snprintf(why, sizeof(why), "data-dir %s is not a directory", p->cfg.data_dir);
        return fail(TS_EXIT_CONFIG, why);
    }
    int n = snprintf(p->store_path, sizeof(p->store_path), "%s/node.db", p->cfg.data_dir);
    if (n < 0 || (size_t)n >= sizeof(p->store_path))
        return fail(TS_EXIT_CONFIG, "data-dir: the path is too long");
    return TS_EXIT_OK;
}

/* ---- signals --------------------------------------------------------------------------------- */

/* The last resort when the end hangs, on a disk for example: what is not durable is fetched anew.
 */
static void on_alarm(int number)
{
    (void)number;
    static const char text[] = "tenseq-node: the end took too long and was cut short\n";
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(TS_EXIT_FAILED);
    _exit(TS_EXIT_OK);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct program *p = handle->data;
    ts_log(TS_LOG_INFO, "stopping", "signal=%d", number);
    (void)ts_notify("STOPPING=1");
    struct sigaction alarm = {.sa_handler = on_alarm};
    (void)sigaction(SIGALRM, &alarm, NULL);
    const struct itimerval at = {.it_value = {.tv_sec = END_SECONDS, .tv_usec = END_MICROS}};
    (void)setitimer(ITIMER_REAL, &at, NULL);
    ts_node_shell_stop(p->shell);
}

static void catch_signals(struct program *p)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a limit on file size is told by write() */
    for (size_t i = 0; i < TS_COUNT(numbers); i++) {
        TS_CHECK(uv_signal_init(&p->loop, &p->signals[i]) == 0);
        p->signals[i].data = p;
        TS_CHECK(uv_signal_start(&p->signals[i], on_signal, numbers[i]) == 0);
        uv_unref((uv_handle_t *)&p->signals[i]); /* they alone do not keep it running */
    }
}

/* ---- running --------------------------------------------------------------------------------- */

static int exit_code(ts_err err)
{
    switch (err) {
    case TS_OK:
        return TS_EXIT_OK;
    case TS_E_FOREIGN:
    case TS_E_VERSION:
    case TS_E_CORRUPT:
        return TS_EXIT_DATA;
    case TS_E_USAGE:
        return TS_EXIT_USAGE;
    default:
        return TS_EXIT_FAILED;
    }
}

static int start(struct program *p)
{
    char why[512];
    struct ts_node_shell_config c = {
        .loop = &p->loop,
        .genesis = &p->genesis,
        .genesis_raw = ts_bytes_of(p->genesis_raw, p->genesis_n),
        .crypto = p->crypto,
        .store_path = p->store_path,
        .peers = p->cfg.peers.items,
        .n_peers = (unsigned)p->cfg.peers.n,
        .enclave = p->cfg.enclave != NULL ? &p->enclave : NULL,
        .address = p->listen.host,
        .port = p->listen.port,
        .token = p->cfg.rpc_token,
        .hosts = p->cfg.rpc_hosts.items,
        .n_hosts = p->cfg.rpc_hosts.n,
        .origins = p->cfg.rpc_origins.items,
        .n_origins = p->cfg.rpc_origins.n,
        .max_body = p->cfg.rpc_max_body,
        .max_connections = p->cfg.rpc_max_connections,
        .max_feed_peers = p->cfg.feed_max_peers,
    };
    ts_node_settings_default(&c.settings);
    c.settings.snapshot_every = p->cfg.snapshot_every;
    ts_err err = ts_node_shell_new(&c, &p->shell, why, sizeof(why));
    if (err != TS_OK)
        return fail(exit_code(err), why);
    ts_log(TS_LOG_INFO, "ready", "address=%s port=%u genesis_file=%s peers=%zu", p->listen.host,
           (unsigned)ts_node_shell_port(p->shell), p->cfg.genesis, p->cfg.peers.n);
    if (ts_notify("READY=1") != TS_OK)
        ts_log(TS_LOG_WARN, "notify-failed", "why=\"the service manager cannot be told\"");
    return TS_EXIT_OK;
}

static int run_loop(struct program *p)
{
    catch_signals(p);
    int code = start(p);
    if (code == TS_EXIT_OK) {
        (void)uv_run(&p->loop, UV_RUN_DEFAULT);
        code = exit_code(ts_node_shell_result(p->shell));
    }
    ts_node_shell_free(p->shell);
    for (size_t i = 0; i < TS_COUNT(p->signals); i++)
        uv_close((uv_handle_t *)&p->signals[i], NULL);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&p->loop) != 0)
        ts_log(TS_LOG_WARN, "handles-left", "why=\"the loop was not empty at the end\"");
    return code;
}

static int run(struct program *p)
{
    int code = read_addresses(p);
    if (code == TS_EXIT_OK)
        code = read_genesis(p);
    if (code == TS_EXIT_OK)
        code = make_data_dir(p);
    if (code != TS_EXIT_OK)
        return code;
    p->crypto = ts_crypto_new();
    if (p->crypto == NULL || uv_loop_init(&p->loop) != 0)
        return fail(TS_EXIT_FAILED, "out of memory");
    return run_loop(p);
}

int main(int argc, char **argv)
{
    struct program *p = calloc(1, sizeof(*p));
    struct ts_cfg *cfg = NULL;
    if (p == NULL)
        return TS_EXIT_FAILED;
    int done = ts_cfg_start(&spec, argc, argv, &p->cfg, &cfg);
    if (done >= 0) {
        free(p);
        return done;
    }
    ts_log_setup("node", (enum ts_log_level)p->cfg.log_level,
                 (enum ts_log_format)p->cfg.log_format);
    int code = run(p);
    if (code == TS_EXIT_OK)
        ts_log(TS_LOG_INFO, "stopped", "why=\"as asked\"");
    ts_crypto_free(p->crypto);
    ts_genesis_free(&p->genesis);
    free(p->genesis_raw);
    ts_cfg_free(cfg);
    free(p);
    return code;
}
