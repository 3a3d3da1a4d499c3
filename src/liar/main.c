/* SPDX-License-Identifier: Apache-2.0 */
/* usage: tenseq-liar --attack=NAME --genesis=FILE --machine-key=FILE --enclaves=DIR,…
 *                    --host=HOST:PORT [--port=PORT] [--number=N]
 *
 * NAME equivocation, whitelist-mismatch, payload-edited: serves a lying feed at the port until it
 * is told to end. rollup-mismatch: prints the calldata of a false rollup of batch N, and ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "cfg/cfg.h"
#include "cfg/exit.h"
#include "codec/json.h"
#include "enclave/platform/platform.h"
#include "liar/liar.h"
#include "net/http_client.h"
#include "shell/program.h"

#define ANSWER_MS 5000u
#define PAGE      128u

struct config {
    int attack;
    const char *genesis, *machine_key, *host;
    struct ts_cfg_list enclaves;
    uint64_t port, number;
    int log_level, log_format;
};

static const char *const attacks[] = {"equivocation", "whitelist-mismatch", "payload-edited",
                                      "rollup-mismatch", NULL};

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct config, attack, "attack", TS_CFG_ENUM, .def = "equivocation", .choices = attacks,
           .help = "what is lied about"),
    TS_CFG(struct config, genesis, "genesis", TS_CFG_PATH, .flags = TS_CFG_REQUIRED,
           .help = "the network's genesis, a JSON file"),
    TS_CFG(struct config, machine_key, "machine-key", TS_CFG_PATH, .flags = TS_CFG_REQUIRED,
           .help = "the simulated machine's key"),
    TS_CFG(struct config, enclaves, "enclaves", TS_CFG_LIST, .item = TS_CFG_STRING,
           .help = "data directories of the enclaves whose keys are known"),
    TS_CFG(struct config, host, "host", TS_CFG_STRING, .flags = TS_CFG_REQUIRED,
           .value_name = "HOST:PORT", .help = "the host's listener"),
    TS_CFG(struct config, port, "port", TS_CFG_U64, .def = "0", .max = 65535,
           .help = "where the lying feed is served"),
    TS_CFG(struct config, number, "number", TS_CFG_U64, .def = "1", .min = 1,
           .help = "the batch of the false rollup"),
    TS_CFG_LOG_KEYS(struct config),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq-liar",
    .summary = "An operator that lies, with the keys of enclaves. For tenseq devnet --attack.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .lenient_env = true,
};

static int open_keys(struct liar *l, const struct config *c)
{
    for (size_t i = 0; i < c->enclaves.n && l->n_keys < LIAR_MAX_KEYS; i++) {
        char why[TS_PLATFORM_WHY];
        struct ts_platform_identity identity;
        const struct ts_platform_args args = {
            .data_dir = c->enclaves.items[i], .machine_key = c->machine_key, .crypto = l->crypto};
        if (ts_platform_sim.identity(&args, false, &identity, why) != TS_OK)
            return ts_program_fail(TS_EXIT_CONFIG, why);
        l->keys[l->n_keys++] = (struct liar_key){identity.id, identity.key};
    }
    return TS_EXIT_OK;
}

/* ---- the false rollup ---- */

struct page {
    struct ts_buf raw; /* of one batch */
    struct ts_arena arena;
};

static bool read_raw(struct page *p, const json_t *one)
{
    const char *hex = json_string_value(json_object_get(one, "raw"));
    size_t n = 0;
    ts_buf_reset(&p->raw);
    uint8_t *at = hex != NULL ? ts_buf_extend(&p->raw, strlen(hex) / 2 + 1) : NULL;
    if (at == NULL || ts_unhex_any(hex, at, p->raw.n, &n) != TS_OK)
        return false;
    p->raw.n = n;
    return true;
}

static json_t *ask(const struct config *c, const char *method, json_t *params)
{
    char url[300], why[256];
    json_t *result = NULL;
    (void)snprintf(url, sizeof(url), "http://%s", c->host);
    if (ts_rpc_call_blocking(url, NULL, method, params, ANSWER_MS, &result, why, sizeof(why)) !=
        TS_OK)
        (void)ts_program_fail(TS_EXIT_FAILED, why);
    return result;
}

/* Folds the chain's protocol root up to number, whose batch is left in b. */
static bool fold(const struct config *c, struct page *p, size_t max, ts_hash *root,
                 struct ts_batch *b)
{
    uint64_t next = 1;
    *root = (ts_hash){0};
    while (next <= c->number) {
        json_t *list = ask(c, "ten_getBatches",
                           json_pack("{s:I,s:i}", "from", (json_int_t)next, "count", (int)PAGE));
        size_t i, n = json_array_size(list);
        json_t *one;
        json_array_foreach(list, i, one)
        {
            ts_arena_reset(&p->arena);
            if (next > c->number || !read_raw(p, one) ||
                ts_batch_decode(ts_buf_bytes(&p->raw), max, &p->arena, b) != TS_OK)
                break;
            ts_protocol_root(root, b->raw_payload, root);
            next++;
        }
        json_decref(list);
        if (n == 0)
            return false;
    }
    return true;
}

static bool read_head(const struct config *c, size_t max, struct ts_batch_header *out)
{
    struct page p = {0};
    struct ts_batch b;
    ts_buf_init(&p.raw, 0);
    ts_arena_init(&p.arena, 64u * 1024 * 1024);
    json_t *one = ask(c, "ten_getBatch", json_pack("[s]", "latest"));
    bool good =
        read_raw(&p, one) && ts_batch_decode(ts_buf_bytes(&p.raw), max, &p.arena, &b) == TS_OK;
    if (good)
        *out = b.header;
    json_decref(one);
    ts_arena_free(&p.arena);
    ts_buf_free(&p.raw);
    return good;
}

static int print_rollup(const struct liar *l, const struct config *c)
{
    struct page p = {0};
    struct ts_buf calldata;
    struct ts_batch b;
    struct ts_batch_header head;
    ts_hash root;
    size_t max = l->genesis->params.max_batch_bytes;
    ts_buf_init(&p.raw, 0);
    ts_buf_init(&calldata, 0);
    ts_arena_init(&p.arena, 64u * 1024 * 1024);
    bool good = fold(c, &p, max, &root, &b) && read_head(c, max, &head) &&
                liar_rollup(l, &b, &root, &head, &calldata);
    if (good) {
        char *hex = malloc(2 * calldata.n + 3);
        TS_CHECK(hex != NULL);
        puts(ts_hex(calldata.p, calldata.n, hex));
        free(hex);
    }
    ts_arena_free(&p.arena);
    ts_buf_free(&p.raw);
    ts_buf_free(&calldata);
    return good ? TS_EXIT_OK : ts_program_fail(TS_EXIT_FAILED, "the rollup cannot be made");
}

static int run(struct liar *l, const struct config *c)
{
    char feed[320];
    uv_loop_t loop;
    if (l->attack == LIAR_ROLLUP_MISMATCH)
        return print_rollup(l, c);
    (void)snprintf(feed, sizeof(feed), "ws://%s/feed", c->host);
    TS_CHECK(uv_loop_init(&loop) == 0);
    int code = liar_relay(l, &loop, feed, (uint16_t)c->port);
    TS_CHECK(uv_loop_close(&loop) == 0);
    return code;
}

int main(int argc, char **argv)
{
    static struct liar l;
    struct ts_program program = {0};
    struct config c = {0};
    struct ts_cfg *cfg = NULL;
    int code = ts_cfg_start(&spec, argc, argv, &c, &cfg);
    if (code >= 0)
        return code;
    (void)signal(SIGPIPE, SIG_IGN);
    ts_log_setup("liar", (enum ts_log_level)c.log_level, (enum ts_log_format)c.log_format);
    l.attack = (enum liar_attack)c.attack;
    l.crypto = ts_crypto_new();
    TS_CHECK(l.crypto != NULL);
    code = ts_program_read_genesis(&program, c.genesis);
    l.genesis = &program.genesis;
    if (code == TS_EXIT_OK)
        code = open_keys(&l, &c);
    if (code == TS_EXIT_OK)
        code = run(&l, &c);
    for (size_t i = 0; i < l.n_keys; i++)
        ts_secret_wipe(&l.keys[i].key);
    ts_crypto_free(l.crypto);
    l.genesis = NULL;
    ts_program_free(&program);
    ts_cfg_free(cfg);
    return code;
}
