/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq-node: configuration, signals, exit codes; the rest is the shell's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "cfg/cfg.h"
#include "cfg/exit.h"
#include "node/shell.h"
#include "shell/follow.h"
#include "shell/program.h"

struct config {
    const char *genesis;
    const char *data_dir;
    struct ts_cfg_list peers;
    const char *enclave;
    struct ts_follow_keys l1;
    struct ts_rpc_keys rpc;
    uint64_t feed_max_peers;
    uint64_t snapshot_every;
    const char *on_finding;
    int on_finding_least;
    struct ts_assess_params assess;
    int log_level, log_format;
};

static const char *check_peer(const char *value)
{
    if (strncmp(value, "ws://", 5) != 0 || value[5] == '\0')
        return "is not a feed's address such as ws://127.0.0.1:9000/feed";
    return NULL;
}

static const char *const severities[] = {"notice", "pattern", "omission", "proof", NULL};

static const char *check_alpha(const char *value)
{
    double v = strtod(value, NULL);
    return v >= 1e-12 && v <= 0.5 ? NULL : "is no chance from 0.000000000001 to 0.5";
}

static const char *check_rate(const char *value)
{
    double v = strtod(value, NULL);
    return v >= 1e-6 && v <= 1e6 ? NULL : "is no rate from 0.000001 to 1000000 a day";
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
    TS_CFG_L1_KEYS(struct config),
    TS_CFG_RPC_KEYS(struct config, "127.0.0.1:9010"),
    TS_CFG(struct config, feed_max_peers, "feed-max-peers", TS_CFG_U64, .def = "256", .min = 1,
           .max = 100000, .help = "subscribers of the feed at one time"),
    TS_CFG(struct config, snapshot_every, "snapshot-every", TS_CFG_U64, .def = "10000", .min = 1,
           .help = "batches between sealed checkpoints of the enclave"),
    TS_CFG(struct config, on_finding, "on-finding", TS_CFG_STRING, .value_name = "COMMAND",
           .help = "run by /bin/sh for each finding, with it as JSON on standard input"),
    TS_CFG(struct config, on_finding_least, "on-finding-severity", TS_CFG_ENUM, .def = "omission",
           .choices = severities, .help = "the least that on-finding is run for"),
    TS_CFG(struct config, assess.alpha, "alpha", TS_CFG_REAL, .def = "0.001", .check = check_alpha,
           .help =
               "assessment: the chance, at most, of ever raising the alarm over an operator who "
               "keeps to the ceiling"),
    TS_CFG(struct config, assess.ceiling_per_day, "restart-ceiling-per-day", TS_CFG_REAL,
           .def = "0.1", .check = check_rate,
           .help = "assessment: restarts a day, of all enclaves together, that the operator "
                   "promises not to exceed"),
    TS_CFG(struct config, assess.abuse_per_day, "restart-abuse-per-day", TS_CFG_REAL, .def = "1",
           .check = check_rate,
           .help = "assessment: the rate of restarts that the ceiling is weighed against"),
    TS_CFG(struct config, assess.merge_ms, "restart-merge-window", TS_CFG_MS, .def = "10m",
           .max = 604800000,
           .help = "assessment: restarts within so long of an incident's first are that incident"),
    TS_CFG(struct config, assess.boot_ms, "boot-time", TS_CFG_MS, .def = "0", .max = 86400000,
           .help = "assessment: the shortest time in which an enclave can boot; 0: the shortest "
                   "seen"),
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
    struct ts_program common;
    struct ts_link_addr enclave;
    struct ts_node_shell *shell;
};

static int read_peers(struct program *p)
{
    char why[512];
    const struct ts_cfg_list *peers = &p->cfg.peers;
    if (peers->n > TS_NODE_MAX_PEERS) {
        (void)snprintf(why, sizeof(why), "peers: at most %d feeds, not %zu", TS_NODE_MAX_PEERS,
                       peers->n);
        return ts_program_fail(TS_EXIT_USAGE, why);
    }
    for (size_t i = 0; i < peers->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(peers->items[i], peers->items[j]) != 0)
                continue;
            (void)snprintf(why, sizeof(why), "peers: %s is given twice", peers->items[i]);
            return ts_program_fail(TS_EXIT_USAGE, why);
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
        return ts_program_fail(TS_EXIT_USAGE, why);
    return ts_program_read_listen(&p->common, p->cfg.rpc.listen);
}

/* Each is good by itself. */
static int check_assessment(const struct program *p)
{
    const struct ts_assess_params *a = &p->cfg.assess;
    const char *why = ts_assess_params_check(a);
    char text[512];
    if (why == NULL)
        return TS_EXIT_OK;
    (void)snprintf(text, sizeof(text), "restart-abuse-per-day %g, restart-ceiling-per-day %g: %s",
                   a->abuse_per_day, a->ceiling_per_day, why);
    return ts_program_fail(TS_EXIT_USAGE, text);
}

/* ---- running --------------------------------------------------------------------------------- */

static void stop(void *ctx)
{
    struct program *p = ctx;
    if (p->shell != NULL) /* else it does not start anyway */
        ts_node_shell_stop(p->shell);
}

static int start(struct program *p)
{
    char why[512];
    struct ts_node_shell_config c = {
        .loop = &p->common.loop,
        .genesis = &p->common.genesis,
        .genesis_raw = ts_bytes_of(p->common.genesis_raw, p->common.genesis_n),
        .crypto = p->common.crypto,
        .store_path = p->common.store_path,
        .peers = p->cfg.peers.items,
        .n_peers = (unsigned)p->cfg.peers.n,
        .enclave = p->cfg.enclave != NULL ? &p->enclave : NULL,
        .max_feed_peers = p->cfg.feed_max_peers,
    };
    c.l1_url = p->cfg.l1.url;
    c.l1_confirmations = p->cfg.l1.confirmations;
    c.assess = p->cfg.assess;
    c.on_finding = p->cfg.on_finding;
    c.on_finding_least = (enum ts_severity)p->cfg.on_finding_least;
    ts_node_settings_default(&c.settings);
    c.settings.snapshot_every = p->cfg.snapshot_every;
    ts_program_listener(&p->common, &p->cfg.rpc, &c.listener);
    ts_err err = ts_node_shell_new(&c, &p->shell, why, sizeof(why));
    if (err != TS_OK)
        return ts_program_fail(ts_program_exit_code(err), why);
    if (p->cfg.peers.n == 0)
        ts_log(TS_LOG_WARN, "no-peers",
               "reason=\"without peers nothing is followed: no batch comes\"");
    ts_log(TS_LOG_INFO, "ready", "address=%s port=%u genesis_file=%s peers=%zu",
           p->common.listen.host, (unsigned)ts_node_shell_port(p->shell), p->cfg.genesis,
           p->cfg.peers.n);
    ts_program_ready();
    return TS_EXIT_OK;
}

static int run_loop(struct program *p)
{
    int code = start(p);
    if (code == TS_EXIT_OK) {
        (void)uv_run(&p->common.loop, UV_RUN_DEFAULT);
        code = ts_program_exit_code(ts_node_shell_result(p->shell));
    }
    ts_node_shell_free(p->shell);
    ts_program_close(&p->common);
    return code;
}

static int run(struct program *p)
{
    int code = read_addresses(p);
    if (code == TS_EXIT_OK)
        code = check_assessment(p);
    if (code == TS_EXIT_OK)
        code = ts_program_read_genesis(&p->common, p->cfg.genesis);
    if (code == TS_EXIT_OK && p->cfg.l1.url != NULL && p->common.genesis.l1_chain_id == 0)
        code = ts_program_fail(TS_EXIT_USAGE, "l1: the genesis names no L1, so none is followed");
    if (code == TS_EXIT_OK)
        code = ts_program_make_data_dir(&p->common, p->cfg.data_dir, "node.db");
    if (code == TS_EXIT_OK)
        code = ts_program_open(&p->common, stop, p);
    return code == TS_EXIT_OK ? run_loop(p) : code;
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
    ts_program_free(&p->common);
    ts_cfg_free(cfg);
    free(p);
    return code;
}
