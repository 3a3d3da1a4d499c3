/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq-host: configuration, signals, exit codes; the rest is the shell's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "cfg/cfg.h"
#include "cfg/exit.h"
#include "chain/rollup.h"
#include "host/shell.h"
#include "shell/follow.h"
#include "shell/program.h"
#include "shell/submit.h"

struct config {
    const char *genesis;
    const char *data_dir;
    struct ts_follow_keys l1;
    const char *l1_key;
    bool auto_replace;
    uint64_t l1_max_fee, l1_stuck, rollup_batches, rollup_bytes, rollup_every;
    struct ts_rpc_keys rpc;
    struct ts_cfg_list enclaves;
    uint64_t interval, commit_quorum, dispute_hold, connect_deadline, answer_min, answer_max;
    uint64_t cool_down, heartbeat, snapshot_every;
    uint64_t pool_max_txs, pool_max_bytes, pool_max_per_sender;
    int log_level, log_format;
};

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct config, genesis, "genesis", TS_CFG_PATH, .letter = 'g', .flags = TS_CFG_REQUIRED,
           .help = "the network's genesis, a JSON file"),
    TS_CFG(struct config, data_dir, "data-dir", TS_CFG_PATH, .letter = 'd', .def = "data",
           .help = "where everything durable is kept"),
    TS_CFG(struct config, enclaves, "enclaves", TS_CFG_LIST, .item = TS_CFG_STRING,
           .flags = TS_CFG_REQUIRED, .value_name = "LINK,…",
           .help = "links of the enclaves, each unix:PATH or tcp:127.0.0.1:PORT"),
    TS_CFG_L1_KEYS(struct config),
    TS_CFG(struct config, l1_key, "l1-key", TS_CFG_PATH,
           .help = "file with the key of the account on L1 that publishes rollups and asks for "
                   "replacements; without it nothing is brought to L1"),
    TS_CFG(struct config, auto_replace, "auto-replace", TS_CFG_BOOL, .def = "false",
           .help =
               "ask on L1 for the replacement of an enclave that is marked corrupted by one that "
               "follows the chain and is not on the whitelist"),
    TS_CFG(struct config, l1_max_fee, "l1-max-fee", TS_CFG_U64, .def = "500", .min = 1,
           .max = 1000000, .value_name = "GWEI",
           .help = "never more than so much for a unit of gas; above it the host waits"),
    TS_CFG(struct config, l1_stuck, "l1-stuck", TS_CFG_MS, .def = "60s", .min = 1000,
           .max = 3600000,
           .help = "a transaction that L1 has not taken for so long gets higher fees"),
    TS_CFG(struct config, rollup_batches, "rollup-batches", TS_CFG_U64, .def = "10000", .min = 1,
           .max = TS_ROLLUP_MAX_BATCHES,
           .help = "a rollup is made when so many batches wait for it"),
    TS_CFG(struct config, rollup_bytes, "rollup-bytes", TS_CFG_SIZE, .def = "110000", .min = 1000,
           .max = 118000, .help = "or so many bytes of transactions; no batch has more"),
    TS_CFG(struct config, rollup_every, "rollup-every", TS_CFG_MS, .def = "10m", .min = 1000,
           .max = 86400000, .help = "or when the last one is so long ago"),
    TS_CFG_RPC_KEYS(struct config, "127.0.0.1:9000"),
    TS_CFG(struct config, interval, "interval", TS_CFG_MS, .min = 10, .max = 3600000,
           .help = "time between batches; default: the genesis' batchInterval"),
    TS_CFG(struct config, commit_quorum, "commit-quorum", TS_CFG_U64, .def = "1", .min = 1,
           .max = TS_MAX_WHITELIST - 1,
           .help = "passive enclaves that must have a batch before it goes out"),
    TS_CFG(struct config, dispute_hold, "dispute-hold", TS_CFG_MS, .def = "30s", .max = 3600000,
           .help = "after a dispute nothing is committed alone at that number for so long"),
    TS_CFG(struct config, connect_deadline, "connect-deadline", TS_CFG_MS, .def = "2s", .min = 10,
           .max = 600000, .help = "for an enclave's link to be up and identified"),
    TS_CFG(struct config, answer_min, "answer-min", TS_CFG_MS, .def = "100ms", .min = 1,
           .max = 600000, .help = "least time an enclave gets for an answer"),
    TS_CFG(struct config, answer_max, "answer-max", TS_CFG_MS, .def = "2s", .min = 1, .max = 600000,
           .help = "most time it gets"),
    TS_CFG(struct config, cool_down, "cool-down", TS_CFG_MS, .def = "10s", .max = 3600000,
           .help = "an enclave that failed is second choice for so long"),
    TS_CFG(struct config, heartbeat, "heartbeat", TS_CFG_MS, .def = "500ms", .min = 10,
           .max = 600000, .help = "silence after which an enclave is asked whether it is there"),
    TS_CFG(struct config, snapshot_every, "snapshot-every", TS_CFG_U64, .def = "10000", .min = 1,
           .help = "batches between sealed checkpoints of one enclave"),
    TS_CFG(struct config, pool_max_txs, "pool-max-txs", TS_CFG_U64, .def = "100000", .min = 1,
           .max = 10000000, .help = "transactions that may wait"),
    TS_CFG(struct config, pool_max_bytes, "pool-max-bytes", TS_CFG_SIZE, .def = "64MiB",
           .min = 1024 * 1024, .help = "bytes of these"),
    TS_CFG(struct config, pool_max_per_sender, "pool-max-per-sender", TS_CFG_U64, .def = "16384",
           .min = 1, .help = "those of one sender"),
    TS_CFG_LOG_KEYS(struct config),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq-host",
    .summary = "Runs the enclaves of one operator and serves the chain they make.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
};

/* ---- what main needs to run ------------------------------------------------------------------ */

struct program {
    struct config cfg;
    struct ts_program common;
    struct ts_link_addr links[TS_HOST_MAX_ENCLAVES];
    ts_secret l1_key;
    struct ts_shell *shell;
};

static int read_links(struct program *p)
{
    char why[512];
    if (p->cfg.enclaves.n == 0 || p->cfg.enclaves.n > TS_HOST_MAX_ENCLAVES) {
        (void)snprintf(why, sizeof(why), "enclaves: 1 to %d links, not %zu", TS_HOST_MAX_ENCLAVES,
                       p->cfg.enclaves.n);
        return ts_program_fail(TS_EXIT_USAGE, why);
    }
    for (size_t i = 0; i < p->cfg.enclaves.n; i++) {
        if (ts_link_addr_parse(p->cfg.enclaves.items[i], &p->links[i], why, sizeof(why)) != TS_OK)
            return ts_program_fail(TS_EXIT_USAGE, why);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(p->links[i].text, p->links[j].text) != 0)
                continue;
            (void)snprintf(why, sizeof(why), "enclaves: %s is given twice", p->links[i].text);
            return ts_program_fail(TS_EXIT_USAGE, why);
        }
    }
    return TS_EXIT_OK;
}

static void read_settings(const struct program *p, struct ts_host_settings *s)
{
    const struct config *c = &p->cfg;
    ts_host_settings_default(s, &p->common.genesis);
    if (c->interval != 0)
        s->interval_us = c->interval * 1000;
    s->commit_quorum = c->commit_quorum;
    s->dispute_hold_us = c->dispute_hold * 1000;
    s->connect_deadline_us = c->connect_deadline * 1000;
    s->answer_min_us = c->answer_min * 1000;
    s->answer_max_us = c->answer_max * 1000;
    s->cool_down_us = c->cool_down * 1000;
    s->heartbeat_us = c->heartbeat * 1000;
    s->snapshot_every = c->snapshot_every;
    s->pool_max_txs = c->pool_max_txs;
    s->pool_max_bytes = c->pool_max_bytes;
    s->pool_max_per_sender = c->pool_max_per_sender;
    s->publishes = c->l1_key != NULL && p->common.genesis.l1_chain_id != 0;
    s->rollup_batches = c->rollup_batches;
    s->rollup_bytes = c->rollup_bytes;
    s->rollup_us = c->rollup_every * 1000;
}

/* ---- running --------------------------------------------------------------------------------- */

static void stop(void *ctx)
{
    struct program *p = ctx;
    if (p->shell != NULL) /* else it does not start anyway */
        ts_shell_stop(p->shell);
}

static int start(struct program *p)
{
    char why[512];
    struct ts_shell_config c = {
        .loop = &p->common.loop,
        .genesis = &p->common.genesis,
        .genesis_raw = ts_bytes_of(p->common.genesis_raw, p->common.genesis_n),
        .crypto = p->common.crypto,
        .store_path = p->common.store_path,
        .links = p->links,
        .n_links = (unsigned)p->cfg.enclaves.n,
    };
    c.l1_url = p->cfg.l1.url;
    c.l1_confirmations = p->cfg.l1.confirmations;
    c.l1_key = p->cfg.l1_key != NULL ? &p->l1_key : NULL;
    c.l1_max_fee = p->cfg.l1_max_fee * 1000000000;
    c.l1_stuck_ms = p->cfg.l1_stuck;
    c.auto_replace = p->cfg.auto_replace;
    read_settings(p, &c.settings);
    ts_program_listener(&p->common, &p->cfg.rpc, &c.listener);
    ts_err err = ts_shell_new(&c, &p->shell, why, sizeof(why));
    if (err != TS_OK)
        return ts_program_fail(ts_program_exit_code(err), why);
    ts_log(TS_LOG_INFO, "ready", "address=%s port=%u genesis_file=%s enclaves=%zu",
           p->common.listen.host, (unsigned)ts_shell_port(p->shell), p->cfg.genesis,
           p->cfg.enclaves.n);
    ts_program_ready();
    return TS_EXIT_OK;
}

static int read_l1_key(struct program *p)
{
    char why[512], told[560];
    if (p->cfg.l1_key == NULL)
        return TS_EXIT_OK;
    if (p->cfg.l1.url == NULL)
        return ts_program_fail(TS_EXIT_USAGE, "l1-key: without l1 there is nothing to bring to L1");
    ts_err err = ts_submit_read_key(p->cfg.l1_key, &p->l1_key, why, sizeof(why));
    if (err == TS_OK)
        return TS_EXIT_OK;
    (void)snprintf(told, sizeof(told), "l1-key %s", why);
    return ts_program_fail(err == TS_E_IO ? TS_EXIT_CONFIG : ts_program_exit_code(err), told);
}

static int run(struct program *p)
{
    int code = read_links(p);
    if (code == TS_EXIT_OK)
        code = read_l1_key(p);
    if (code == TS_EXIT_OK)
        code = ts_program_read_listen(&p->common, p->cfg.rpc.listen);
    if (code == TS_EXIT_OK)
        code = ts_program_read_genesis(&p->common, p->cfg.genesis);
    if (code == TS_EXIT_OK)
        code = ts_program_make_data_dir(&p->common, p->cfg.data_dir, "host.db");
    if (code == TS_EXIT_OK)
        code = ts_program_open(&p->common, stop, p);
    if (code != TS_EXIT_OK)
        return code;
    code = start(p);
    if (code == TS_EXIT_OK)
        (void)uv_run(&p->common.loop, UV_RUN_DEFAULT);
    ts_shell_free(p->shell);
    ts_program_close(&p->common);
    return code;
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
    ts_log_setup("host", (enum ts_log_level)p->cfg.log_level,
                 (enum ts_log_format)p->cfg.log_format);
    int code = run(p);
    if (code == TS_EXIT_OK)
        ts_log(TS_LOG_INFO, "stopped", "why=\"as asked\"");
    ts_program_free(&p->common);
    ts_cfg_free(cfg);
    ts_wipe(&p->l1_key, sizeof(p->l1_key));
    free(p);
    return code;
}
