/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq genesis --enclave ID… --alloc ADDR=WEI… --out FILE, and with an L1: --l1 URL --registry
 * ADDR, whose list is the whitelist. */
#include <errno.h>
#include <unistd.h>

#include "base/u256.h"
#include "chain/genesis_check.h"
#include "chain/genesis_json.h"
#include "cli/cli.h"
#include "cli/genesis.h"
#include "cli/l1.h"
#include "l1/contract.h"

struct options {
    struct ts_cfg_list enclaves, allocs;
    ts_address coinbase;
    const char *out, *l1;
    ts_address registry;
    uint64_t l1_number, max_l1_age_ms;
    uint64_t chain_id, time, interval_ms, report_every, max_report_lag, base_fee, gas_limit;
};

/* The ranges of chain/genesis_check.c, so that a value outside one is refused by its flag's name.
 */
#define DAY_MS       UINT64_C(86400000)
#define MAX_EXACT    UINT64_C(9007199254740991)
#define MAX_CHAIN_ID (UINT64_MAX / 2 - 18)

static const char *check_gas_limit(const char *value)
{
    ts_u256 v;
    bool ok = ts_u256_parse(value, &v) == TS_OK && (v.w[1] | v.w[2] | v.w[3]) == 0 &&
              (v.w[0] == 0 || (v.w[0] >= 21000 && v.w[0] <= MAX_EXACT));
    return ok ? NULL : "is out of range: 21000 to 9007199254740991, or 0";
}

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct options, enclaves, "enclave", TS_CFG_LIST, .item = TS_CFG_ADDRESS,
           .value_name = "ID",
           .help = "ids of the enclaves that may sequence; with an L1: those on the contract's "
                   "list, which is the default"),
    TS_CFG(struct options, l1, "l1", TS_CFG_STRING, .value_name = "URL", .check = cli_check_url,
           .help = "JSON-RPC of the L1 node; without it the network has no L1"),
    TS_CFG(struct options, registry, "registry", TS_CFG_ADDRESS,
           .help = "the management contract on L1"),
    TS_CFG(struct options, l1_number, "l1-number", TS_CFG_U64, .min = 1, .max = MAX_EXACT,
           .help = "L1 block whose list is the whitelist; default: the newest but one"),
    TS_CFG(struct options, max_l1_age_ms, "max-l1-age", TS_CFG_MS, .def = "1h", .min = 1000,
           .max = 365 * DAY_MS, .help = "how old the L1 block that a batch names may be"),
    TS_CFG(struct options, allocs, "alloc", TS_CFG_LIST, .item = TS_CFG_STRING,
           .value_name = "ADDR=WEI", .help = "balances to begin with"),
    TS_CFG(struct options, coinbase, "coinbase", TS_CFG_ADDRESS,
           .help = "account that all fees go to"),
    TS_CFG(struct options, out, "out", TS_CFG_PATH, .flags = TS_CFG_REQUIRED,
           .help = "the file to write, which must not exist yet"),
    TS_CFG(struct options, chain_id, "chain-id", TS_CFG_U64, .def = "443", .min = 1,
           .max = MAX_CHAIN_ID, .help = "chain id of the rollup"),
    TS_CFG(struct options, time, "time", TS_CFG_U64, .max = MAX_EXACT,
           .help = "time of the genesis in Unix milliseconds; 0: now"),
    TS_CFG(struct options, interval_ms, "interval", TS_CFG_MS, .def = "1s", .min = 1, .max = DAY_MS,
           .help = "time between batches"),
    TS_CFG(struct options, report_every, "report-every", TS_CFG_U64, .def = "1", .min = 1,
           .max = UINT32_MAX, .help = "every how many batches all enclaves report"),
    TS_CFG(struct options, max_report_lag, "max-report-lag", TS_CFG_U64, .def = "2", .min = 1,
           .max = 64, .help = "how many batches a report may be old"),
    TS_CFG(struct options, base_fee, "base-fee", TS_CFG_U64, .def = "1000000000",
           .help = "wei for a unit of gas"),
    TS_CFG(struct options, gas_limit, "gas-limit", TS_CFG_U64, .check = check_gas_limit,
           .help = "gas in one batch; 0: default"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq genesis",
    .summary = "Makes the genesis file of a new network.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .lenient_env = true,
    .no_file = true,
};

/* ADDR=WEI; false: not that. */
static bool parse_alloc(const char *text, struct ts_alloc *out)
{
    char address[TS_ADDRESS_HEX_SIZE];
    const char *eq = strchr(text, '=');
    if (eq == NULL || (size_t)(eq - text) != sizeof(address) - 1)
        return false;
    memcpy(address, text, sizeof(address) - 1);
    address[sizeof(address) - 1] = 0;
    ts_u256 wei;
    if (ts_unhex(address, out->address.b, sizeof(out->address.b)) != TS_OK ||
        ts_u256_parse(eq + 1, &wei) != TS_OK)
        return false;
    ts_u256_to_be(&wei, out->balance);
    return true;
}

static bool no_doubles(const struct ts_genesis *g)
{
    char hex[TS_ADDRESS_HEX_SIZE];
    for (size_t i = 0; i < g->n_whitelist; i++)
        for (size_t k = 0; k < i; k++)
            if (ts_address_compare(&g->whitelist[i], &g->whitelist[k]) == 0) {
                cli_fail("--enclave %s is given twice", ts_hex(g->whitelist[i].b, 20, hex));
                return false;
            }
    for (size_t i = 0; i < g->n_alloc; i++)
        for (size_t k = 0; k < i; k++)
            if (ts_address_compare(&g->alloc[i].address, &g->alloc[k].address) == 0) {
                cli_fail("--alloc %s is given twice", ts_hex(g->alloc[i].address.b, 20, hex));
                return false;
            }
    return true;
}

static bool parse_lists(const struct options *o, struct ts_genesis *g)
{
    g->whitelist = calloc(o->enclaves.n + 1, sizeof(*g->whitelist));
    g->alloc = calloc(o->allocs.n + 1, sizeof(*g->alloc));
    TS_CHECK(g->whitelist != NULL && g->alloc != NULL);
    for (size_t i = 0; i < o->enclaves.n; i++)
        if (ts_unhex(o->enclaves.items[i], g->whitelist[g->n_whitelist++].b, 20) != TS_OK) {
            fprintf(stderr, "error: --enclave %s is not an id: 0x and 40 hex digits\n",
                    o->enclaves.items[i]);
            return false;
        }
    for (size_t i = 0; i < o->allocs.n; i++)
        if (!parse_alloc(o->allocs.items[i], &g->alloc[g->n_alloc++])) {
            fprintf(stderr,
                    "error: --alloc %s is not ADDR=WEI: 0x and 40 hex digits, =, an amount\n",
                    o->allocs.items[i]);
            return false;
        }
    return no_doubles(g);
}

int cli_write_genesis(struct ts_genesis *g, const char *path)
{
    const char *fault;
    ts_err err = ts_genesis_finish(g);
    if (err != TS_OK && ts_genesis_check(g, &fault) != TS_OK)
        return cli_misused("the genesis is not valid: %s", fault);
    if (err != TS_OK)
        return cli_fail("the genesis cannot be made: %s", ts_err_text(err));
    char *text = ts_genesis_to_json(g);
    TS_CHECK(text != NULL);
    FILE *f = fopen(path, "wxe");
    bool ok = f != NULL && fputs(text, f) >= 0 && fputc('\n', f) != EOF && fflush(f) == 0 &&
              fsync(fileno(f)) == 0;
    int failed = errno;
    if (f != NULL && fclose(f) != 0 && ok) {
        ok = false;
        failed = errno;
    }
    if (f != NULL && !ok)
        unlink(path); /* it is new, and only a part of it */
    free(text);
    return ok ? TS_EXIT_OK : cli_fail("cannot write %s: %s", path, strerror(failed));
}

/* ---- what L1 says ---- */

static bool wait_asleep(void *ctx, unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)ctx;
    nanosleep(&t, NULL);
    return true;
}

/* The list is the whitelist; enclaves that were given must be those on it. */
static int take_list(struct ts_genesis *g, const ts_address *list, size_t n)
{
    char hex[TS_ADDRESS_HEX_SIZE];
    for (size_t i = 0; i < g->n_whitelist; i++)
        if (!ts_address_among(list, n, &g->whitelist[i]))
            return cli_fail("--enclave %s is not on the contract's list at L1 block %llu",
                            ts_hex(g->whitelist[i].b, 20, hex), (unsigned long long)g->l1_number);
    for (size_t i = 0; i < n && g->n_whitelist > 0; i++)
        if (!ts_address_among(g->whitelist, g->n_whitelist, &list[i]))
            return cli_fail("the contract lists %s at L1 block %llu, which no --enclave names",
                            ts_hex(list[i].b, 20, hex), (unsigned long long)g->l1_number);
    if (n == 0)
        return cli_fail("the contract's list is empty at L1 block %llu: grant enclaves first",
                        (unsigned long long)g->l1_number);
    free(g->whitelist);
    g->whitelist = calloc(n, sizeof(*list));
    TS_CHECK(g->whitelist != NULL);
    memcpy(g->whitelist, list, n * sizeof(*list));
    g->n_whitelist = n;
    return TS_EXIT_OK;
}

static int ask_l1(struct cli_l1 *l, const struct options *o, struct ts_genesis *g)
{
    ts_address list[TS_MAX_WHITELIST];
    size_t n;
    uint64_t newest = 0;
    int code = cli_l1_open(l, 0);
    if (code == TS_EXIT_OK)
        code = cli_l1_newest(l, &newest);
    if (code != TS_EXIT_OK)
        return code;
    g->l1_chain_id = l->chain_id;
    g->contract = o->registry;
    g->l1_number = o->l1_number != 0 ? o->l1_number : newest > 1 ? newest - 1 : 1;
    if (g->l1_number > newest)
        return cli_fail("L1 has no block %llu yet: its newest is %llu",
                        (unsigned long long)g->l1_number, (unsigned long long)newest);
    code = cli_l1_block_at(l, g->l1_number, g->l1_number, &g->l1_hash);
    if (code == TS_EXIT_OK)
        code = cli_l1_check_code(l, &o->registry, g->l1_number, newest);
    if (code == TS_EXIT_OK)
        code = cli_l1_list(l, &o->registry, g->l1_number, list, &n);
    return code == TS_EXIT_OK ? take_list(g, list, n) : code;
}

static int read_l1(const struct options *o, struct ts_genesis *g)
{
    struct cli_l1 l = {.url = o->l1, .wait = wait_asleep};
    int code = ask_l1(&l, o, g);
    cli_l1_close(&l);
    return code;
}

static int check_flags(const struct options *o, const struct ts_cfg *cfg)
{
    bool has_registry = ts_cfg_is_set(cfg, "registry");
    if ((o->l1 != NULL) != has_registry)
        return cli_misused("--l1 URL and --registry ADDR go together");
    if (o->l1 == NULL && ts_cfg_is_set(cfg, "l1-number"))
        return cli_misused("--l1-number goes with --l1");
    if (o->enclaves.n == 0 && o->l1 == NULL)
        return cli_misused("flag --enclave ID is missing: a network needs at least one enclave");
    return TS_EXIT_OK;
}

int verb_genesis(int argc, char **argv)
{
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    struct ts_genesis g = {.chain_id = o.chain_id, .coinbase = o.coinbase};
    ts_params_default(&g.params);
    g.time = o.time ? o.time : cli_unix_ms();
    g.params.batch_interval_ms = o.interval_ms;
    g.params.report_every = o.report_every;
    g.params.max_report_lag = o.max_report_lag;
    g.params.base_fee = o.base_fee;
    if (o.gas_limit > 0)
        g.params.batch_gas_limit = o.gas_limit;
    g.params.max_l1_age_ms = o.max_l1_age_ms;
    code = check_flags(&o, cfg);
    if (code == TS_EXIT_OK && !parse_lists(&o, &g))
        code = TS_EXIT_USAGE;
    if (code == TS_EXIT_OK && o.l1 != NULL)
        code = read_l1(&o, &g);
    if (code == TS_EXIT_OK)
        code = cli_write_genesis(&g, o.out);
    if (code == TS_EXIT_OK) {
        char hex[TS_HASH_HEX_SIZE];
        puts(ts_hex(g.hash.b, sizeof(g.hash.b), hex));
    }
    ts_genesis_free(&g);
    ts_cfg_free(cfg);
    return code;
}
