/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq devnet: a whole network in the foreground, from nothing or from its data directory. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/u256.h"
#include "chain/genesis_json.h"
#include "cli/cli.h"
#include "cli/devnet.h"
#include "cli/devnet_l1.h"
#include "cli/genesis.h"
#include "codec/json.h"
#include "crypto/sign.h"
#include "net/http_client.h"

#define MAX_ENCLAVES 64 /* spares among them: what one host takes */
#define MAX_NODES    32
#define UP_MS        60000u
#define STOP_MS      5000u
#define RESTART_MS   500u
#define DEFAULT_L1   "anvil"
#define MAX_DIR      70u /* "/run/validator-32.sock" and more must fit into a socket's address */

struct options {
    uint64_t enclaves, spares, nodes, interval_ms, base_port;
    const char *data_dir;
    const char *l1, *anvil, *l1_key;
    ts_address registry;
    bool json;
};

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct options, enclaves, "enclaves", TS_CFG_U64, .def = "3", .min = 1,
           .max = MAX_ENCLAVES, .help = "sequencer enclaves"),
    TS_CFG(struct options, spares, "spares", TS_CFG_U64, .def = "1", .min = 0, .max = 8,
           .help = "enclaves that run and are not on the list; none without an L1"),
    TS_CFG(struct options, nodes, "nodes", TS_CFG_U64, .def = "2", .min = 0, .max = MAX_NODES,
           .help = "nodes, each with a validator enclave of its own"),
    TS_CFG(struct options, interval_ms, "interval", TS_CFG_MS, .def = "1s", .min = 10,
           .max = 86400000, .help = "time between batches"),
    TS_CFG(struct options, data_dir, "data-dir", TS_CFG_PATH, .def = "devnet-data",
           .help = "where everything is kept; a second start goes on from there"),
    TS_CFG(struct options, base_port, "base-port", TS_CFG_U64, .def = "9000", .min = 1,
           .max = 65000,
           .help = "port of the host; anvil has the next, the nodes have this plus 10, 11, …"),
    TS_CFG(struct options, l1, "l1", TS_CFG_STRING, .def = DEFAULT_L1, .check = devnet_l1_check,
           .value_name = "anvil|none|URL",
           .help = "the L1: an anvil of its own, none, or one that is there"),
    TS_CFG(struct options, anvil, "anvil", TS_CFG_PATH,
           .help = "the anvil program; default: that in $PATH, or what make setup installs"),
    TS_CFG(struct options, registry, "registry", TS_CFG_ADDRESS,
           .help = "the management contract on the L1 of a URL; default: a new one is deployed"),
    TS_CFG(struct options, l1_key, "l1-key", TS_CFG_PATH,
           .help = "file with the secret key of the contract's governance and operator, for the L1 "
                   "of a URL; it pays"),
    TS_CFG(struct options, json, "json", TS_CFG_BOOL,
           .help = "print one JSON line when all is up, and nothing else on stdout"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq devnet",
    .summary = "Runs a whole network in the foreground: enclaves, host, nodes. Ctrl-C ends it.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .lenient_env = true,
    .no_file = true,
};

struct devnet {
    struct options o;
    char dir[PATH_MAX];
    char bin[PATH_MAX]; /* where the programs are: beside this one */
    int lock;
    char ids[MAX_ENCLAVES + MAX_NODES][TS_ADDRESS_HEX_SIZE];
    struct ts_genesis genesis;
    struct devnet_l1 l1;
    struct ts_supervisor sup;
    struct devnet_account accounts[DEVNET_ACCOUNTS];
};

/* ---- set-up ---- */

static int make_dir(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return TS_EXIT_OK;
    return cli_fail("cannot make the directory %s: %s", path, strerror(errno));
}

static int sub_dir(const struct devnet *d, const char *name)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "%s/%s", d->dir, name);
    return make_dir(path);
}

static int find_programs(struct devnet *d)
{
    ssize_t n = readlink("/proc/self/exe", d->bin, sizeof(d->bin) - 1);
    if (n <= 0)
        return cli_fail("cannot tell where this program is: %s", strerror(errno));
    d->bin[n] = 0;
    *strrchr(d->bin, '/') = 0;
    static const char *const programs[] = {"tenseq-enclave", "tenseq-host", "tenseq-node"};
    for (size_t i = 0; i < TS_COUNT(programs); i++) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof(path), "%s/%s", d->bin, programs[i]);
        if (access(path, X_OK) != 0)
            return cli_fail("%s is missing or cannot be run; it must stand beside tenseq", path);
    }
    return TS_EXIT_OK;
}

/* The absolute path of a directory that need not be there yet; its parent must. */
static int resolve_dir(struct devnet *d)
{
    char parent[PATH_MAX];
    if (realpath(d->o.data_dir, d->dir) != NULL)
        return TS_EXIT_OK;
    size_t n = strlen(d->o.data_dir);
    while (n > 1 && d->o.data_dir[n - 1] == '/')
        n--;
    size_t at = n;
    while (at > 0 && d->o.data_dir[at - 1] != '/')
        at--;
    if (errno != ENOENT || n >= sizeof(parent))
        return cli_fail("cannot use %s: %s", d->o.data_dir,
                        strerror(n >= sizeof(parent) ? ENAMETOOLONG : errno));
    snprintf(parent, sizeof(parent), "%.*s", (int)(at > 0 ? at : 1), at > 0 ? d->o.data_dir : ".");
    if (realpath(parent, d->dir) == NULL)
        return cli_fail("cannot make the directory %s: %s: %s", d->o.data_dir, parent,
                        strerror(errno));
    size_t len = strlen(d->dir);
    int more = snprintf(d->dir + len, sizeof(d->dir) - len, "%s%.*s", len > 1 ? "/" : "",
                        (int)(n - at), d->o.data_dir + at);
    return len + (size_t)more < sizeof(d->dir)
               ? TS_EXIT_OK
               : cli_fail("cannot use %s: %s", d->o.data_dir, strerror(ENAMETOOLONG));
}

/* Where the directory would be, before anything is made. */
static int find_dir(struct devnet *d)
{
    int code = resolve_dir(d);
    if (code == TS_EXIT_OK && strlen(d->dir) > MAX_DIR)
        code = cli_fail("the path %s is too long for the sockets inside it: %zu characters, at "
                        "most %u; give another --data-dir",
                        d->dir, strlen(d->dir), MAX_DIR);
    return code;
}

static int open_dir(struct devnet *d)
{
    int code = make_dir(d->dir);
    if (code != TS_EXIT_OK)
        return code;
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/lock", d->dir);
    d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock < 0)
        return cli_fail("cannot use %s: %s", d->dir, strerror(errno));
    if (flock(d->lock, LOCK_EX | LOCK_NB) != 0)
        return cli_fail("%s is in use by another devnet", d->dir);
    code = sub_dir(d, "logs");
    return code == TS_EXIT_OK ? sub_dir(d, "run") : code;
}

static const char *enclave_name(const struct devnet *d, unsigned i, char out[32])
{
    unsigned listed = (unsigned)d->o.enclaves, hosts = listed + (unsigned)d->o.spares;
    if (i < listed)
        snprintf(out, 32, "enclave-%u", i + 1);
    else if (i < hosts)
        snprintf(out, 32, "spare-%u", i - listed + 1);
    else
        snprintf(out, 32, "validator-%u", i - hosts + 1);
    return out;
}

/* In this order: those on the list, spares, then the nodes' validators. */
static unsigned of_host(const struct devnet *d)
{
    return (unsigned)(d->o.enclaves + d->o.spares);
}

static unsigned all_enclaves(const struct devnet *d)
{
    return of_host(d) + (unsigned)d->o.nodes;
}

/* Makes (or finds) the identity of each enclave. */
static int init_enclaves(struct devnet *d)
{
    char program[PATH_MAX + 32], key[PATH_MAX + 32];
    snprintf(program, sizeof(program), "%s/tenseq-enclave", d->bin);
    snprintf(key, sizeof(key), "%s/machine.key", d->dir);
    for (unsigned i = 0; i < all_enclaves(d); i++) {
        char name[32], data[PATH_MAX + 64], out[512];
        snprintf(data, sizeof(data), "%s/%s", d->dir, enclave_name(d, i, name));
        const char *argv[] = {program, "--init", "--data-dir", data, "--machine-key", key, NULL};
        int code = make_dir(data);
        if (code != TS_EXIT_OK)
            return code;
        ts_address id;
        if (ts_run(argv, out, sizeof(out)) != 0 || ts_unhex(out, id.b, sizeof(id.b)) != TS_OK)
            return cli_fail("tenseq-enclave --init failed for %s", name);
        ts_hex(id.b, sizeof(id.b), d->ids[i]);
    }
    return TS_EXIT_OK;
}

/* Accounts everybody knows: keccak256("tenseq devnet account N"). Not for anything of value. */
static void make_accounts(struct devnet *d)
{
    struct ts_crypto *crypto = ts_crypto_new();
    TS_CHECK(crypto != NULL);
    for (unsigned i = 0; i < DEVNET_ACCOUNTS; i++)
        devnet_account(crypto, i, &d->accounts[i]);
    ts_crypto_free(crypto);
}

static int new_genesis(struct devnet *d, const char *path)
{
    struct ts_genesis *g = &d->genesis;
    memset(g, 0, sizeof(*g));
    ts_params_default(&g->params);
    g->params.batch_interval_ms = d->o.interval_ms;
    g->chain_id = DEVNET_CHAIN_ID;
    g->time = cli_unix_ms();
    memset(&g->coinbase, 0xfe, sizeof(g->coinbase));
    g->whitelist = calloc(d->o.enclaves, sizeof(*g->whitelist));
    g->alloc = calloc(DEVNET_ACCOUNTS, sizeof(*g->alloc));
    TS_CHECK(g->whitelist != NULL && g->alloc != NULL);
    for (unsigned i = 0; i < d->o.enclaves; i++)
        TS_CHECK(ts_unhex(d->ids[i], g->whitelist[g->n_whitelist++].b, 20) == TS_OK);
    int code = devnet_l1_found(&d->l1, g->whitelist, g->n_whitelist, g);
    if (code != TS_EXIT_OK)
        return code;
    for (unsigned i = 0; i < DEVNET_ACCOUNTS; i++) {
        ts_u256 wei;
        TS_CHECK(ts_u256_parse(DEVNET_BALANCE, &wei) == TS_OK);
        g->alloc[g->n_alloc].address = d->accounts[i].address;
        ts_u256_to_be(&wei, g->alloc[g->n_alloc++].balance);
    }
    return cli_write_genesis(g, path);
}

static int read_genesis(struct devnet *d, const char *path)
{
    static char text[1 << 20];
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return cli_fail("cannot read %s: %s", path, strerror(errno));
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    char why[256];
    if (ts_genesis_from_json(text, n, &d->genesis, why, sizeof(why)) != TS_OK)
        return cli_fail("%s: %s", path, why);
    bool same = d->genesis.n_whitelist == d->o.enclaves;
    for (unsigned i = 0; i < d->o.enclaves && same; i++) {
        ts_address id;
        TS_CHECK(ts_unhex(d->ids[i], id.b, sizeof(id.b)) == TS_OK);
        bool found = false;
        for (size_t k = 0; k < d->genesis.n_whitelist; k++)
            found = found || ts_address_equal(&id, &d->genesis.whitelist[k]);
        same = found;
    }
    if (!same)
        return cli_fail(
            "the network in %s was made with %zu enclaves; start it with --enclaves %zu, "
            "or give another --data-dir",
            d->dir, d->genesis.n_whitelist, d->genesis.n_whitelist);
    return TS_EXIT_OK;
}

static int open_genesis(struct devnet *d)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/genesis.json", d->dir);
    int code = access(path, F_OK) == 0 ? read_genesis(d, path) : new_genesis(d, path);
    return code == TS_EXIT_OK ? devnet_l1_bind(&d->l1, &d->genesis) : code;
}

/* ---- programs ---- */

struct command {
    char text[TS_SUP_MAX_ARGS][PATH_MAX + 64];
    const char *argv[TS_SUP_MAX_ARGS];
    size_t n;
};

static void arg(struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void arg(struct command *c, const char *format, ...)
{
    va_list args;
    TS_CHECK(c->n + 1 < TS_SUP_MAX_ARGS);
    va_start(args, format);
    vsnprintf(c->text[c->n], sizeof(c->text[0]), format, args);
    va_end(args);
    c->argv[c->n] = c->text[c->n];
    c->argv[++c->n] = NULL;
}

static void link_of(const struct devnet *d, unsigned i, char out[PATH_MAX + 64])
{
    char name[32];
    snprintf(out, PATH_MAX + 64, "unix:%s/run/%s.sock", d->dir, enclave_name(d, i, name));
}

static void add_enclave(struct devnet *d, struct command *c, unsigned i)
{
    char name[32], link[PATH_MAX + 64];
    enclave_name(d, i, name);
    link_of(d, i, link);
    c->n = 0;
    arg(c, "%s/tenseq-enclave", d->bin);
    arg(c, "--data-dir=%s/%s", d->dir, name);
    arg(c, "--machine-key=%s/machine.key", d->dir);
    arg(c, "--listen=%s", link);
    ts_supervisor_add(&d->sup, name, 3, c->argv);
}

static void add_l1(const struct devnet *d, struct command *c)
{
    if (d->l1.kind == DEVNET_L1_NONE)
        return;
    arg(c, "--l1=%s", d->l1.rpc.url);
    /* Anvil's newest block stays; of another L1 it may not, and the programs' default holds. */
    if (d->l1.kind == DEVNET_L1_ANVIL)
        arg(c, "--l1-confirmations=1");
}

static void add_host(struct devnet *d, struct command *c)
{
    c->n = 0;
    arg(c, "%s/tenseq-host", d->bin);
    arg(c, "--data-dir=%s/host", d->dir);
    arg(c, "--genesis=%s/genesis.json", d->dir);
    arg(c, "--rpc-listen=127.0.0.1:%llu", (unsigned long long)d->o.base_port);
    arg(c, "--interval=%llums", (unsigned long long)d->o.interval_ms);
    for (unsigned i = 0; i < of_host(d); i++) {
        char link[PATH_MAX + 64];
        link_of(d, i, link);
        arg(c, "--enclaves=%s", link);
    }
    add_l1(d, c);
    if (d->l1.key_file[0] != 0)
        arg(c, "--l1-key=%s", d->l1.key_file);
    if (d->l1.kind == DEVNET_L1_ANVIL)
        arg(c, "--rollup-every=1m"); /* somebody is watching */
    ts_supervisor_add(&d->sup, "host", 1, c->argv);
}

/* The first node follows the host; the others follow the host and the first node. */
static void add_node(struct devnet *d, struct command *c, unsigned i)
{
    char name[32], link[PATH_MAX + 64];
    link_of(d, of_host(d) + i, link);
    snprintf(name, sizeof(name), "node-%u", i + 1);
    c->n = 0;
    arg(c, "%s/tenseq-node", d->bin);
    arg(c, "--data-dir=%s/%s", d->dir, name);
    arg(c, "--genesis=%s/genesis.json", d->dir);
    arg(c, "--rpc-listen=127.0.0.1:%llu", (unsigned long long)d->o.base_port + 10 + i);
    arg(c, "--peers=ws://127.0.0.1:%llu/feed", (unsigned long long)d->o.base_port);
    if (i > 0)
        arg(c, "--peers=ws://127.0.0.1:%llu/feed", (unsigned long long)d->o.base_port + 10);
    arg(c, "--enclave=%s", link);
    add_l1(d, c);
    ts_supervisor_add(&d->sup, name, 2, c->argv);
}

static void begin_supervisor(struct devnet *d)
{
    char log_dir[PATH_MAX + 16], run_dir[PATH_MAX + 16];
    snprintf(log_dir, sizeof(log_dir), "%s/logs", d->dir);
    snprintf(run_dir, sizeof(run_dir), "%s/run", d->dir);
    ts_supervisor_init(&d->sup, log_dir, run_dir, RESTART_MS);
}

static int add_programs(struct devnet *d)
{
    char name[32];
    struct command *c = calloc(1, sizeof(*c));
    TS_CHECK(c != NULL);
    int code = sub_dir(d, "host");
    for (unsigned i = 0; i < all_enclaves(d); i++)
        add_enclave(d, c, i);
    add_host(d, c);
    for (unsigned i = 0; i < d->o.nodes && code == TS_EXIT_OK; i++) {
        snprintf(name, sizeof(name), "node-%u", i + 1);
        code = sub_dir(d, name);
        add_node(d, c, i);
    }
    free(c);
    return code;
}

/* ---- when is it up ---- */

static bool answers(uint64_t port, const char *method, uint64_t *head)
{
    char url[64], why[256];
    snprintf(url, sizeof(url), "http://127.0.0.1:%llu", (unsigned long long)port);
    json_t *result;
    if (ts_rpc_call_blocking(url, NULL, method, NULL, 1000, &result, why, sizeof(why)) != TS_OK)
        return false;
    bool ok = json_is_string(result) && ts_json_read_u64(result, head) == TS_OK;
    json_decref(result);
    return ok;
}

/* Every program serves, and there is a batch of this run everywhere. */
static bool all_up(const struct devnet *d, uint64_t *first)
{
    uint64_t head;
    if (!answers(d->o.base_port, "eth_blockNumber", &head))
        return false;
    if (*first == UINT64_MAX)
        *first = head;
    if (head == 0 || (head == *first && *first != 0 && d->o.interval_ms < 5000))
        return false;
    for (unsigned i = 0; i < d->o.nodes; i++) {
        uint64_t at;
        if (!answers(d->o.base_port + 10 + i, "eth_blockNumber", &at) || at == 0)
            return false;
    }
    return true;
}

/* Returns 0 when up, a signal to end with, or -1. */
static int wait_up(struct devnet *d)
{
    uint64_t first = UINT64_MAX;
    ts_time until = cli_unix_ms() + UP_MS;
    while (cli_unix_ms() < until) {
        int sig = ts_supervisor_wait(&d->sup, 50);
        if (sig != 0)
            return sig;
        const struct ts_child *failed = ts_supervisor_failed(&d->sup);
        if (failed != NULL) {
            cli_fail("%s does not start; see %s/logs/%s.log", failed->name, d->dir, failed->name);
            return -1;
        }
        if (all_up(d, &first))
            return 0;
    }
    cli_fail("the network is not up after %u s; see the logs in %s/logs", UP_MS / 1000, d->dir);
    return -1;
}

/* ---- what is said ---- */

static pid_t pid_of(const struct devnet *d, const char *name)
{
    for (int i = 0; i < d->sup.n; i++)
        if (strcmp(d->sup.children[i].name, name) == 0)
            return d->sup.children[i].pid;
    return 0;
}

static json_t *url_of(const char *scheme, uint64_t port, const char *path)
{
    return json_sprintf("%s://127.0.0.1:%llu%s", scheme, (unsigned long long)port, path);
}

static json_t *nodes_json(const struct devnet *d)
{
    json_t *nodes = json_array();
    for (unsigned i = 0; i < d->o.nodes; i++) {
        char name[32];
        snprintf(name, sizeof(name), "node-%u", i + 1);
        uint64_t port = d->o.base_port + 10 + i;
        json_array_append_new(nodes,
                              json_pack("{s:o,s:o,s:i}", "rpc", url_of("http", port, ""), "feed",
                                        url_of("ws", port, "/feed"), "pid", (int)pid_of(d, name)));
    }
    return nodes;
}

/* Enclaves from first up to end. */
static json_t *enclaves_json(const struct devnet *d, unsigned first, unsigned end)
{
    json_t *enclaves = json_array();
    for (unsigned i = first; i < end; i++) {
        char name[32];
        pid_t pid = pid_of(d, enclave_name(d, i, name));
        json_array_append_new(enclaves, json_pack("{s:s,s:i}", "id", d->ids[i], "pid", (int)pid));
    }
    return enclaves;
}

static json_t *account_json(const struct cli_l1_account *a)
{
    char address[TS_ADDRESS_HEX_SIZE], key[TS_HASH_HEX_SIZE];
    return json_pack("{s:s,s:s}", "address", ts_hex(a->address.b, sizeof(a->address.b), address),
                     "key", ts_hex(a->key.b, sizeof(a->key.b), key));
}

static void add_l1_json(const struct devnet *d, json_t *all)
{
    char registry[TS_ADDRESS_HEX_SIZE];
    if (d->l1.kind == DEVNET_L1_NONE)
        return;
    json_t *l1 = json_pack("{s:s,s:s,s:I}", "rpc", d->l1.rpc.url, "registry",
                           ts_hex(d->genesis.contract.b, 20, registry), "chainId",
                           (json_int_t)d->genesis.l1_chain_id);
    if (d->l1.kind == DEVNET_L1_ANVIL) {
        /* Known keys; a key that was given is not told. */
        json_object_set_new(l1, "governance", account_json(&d->l1.governance));
        json_object_set_new(l1, "operator", account_json(&d->l1.operator));
        json_object_set_new(l1, "pid", json_integer((int)pid_of(d, "anvil")));
    }
    json_object_set_new(all, "l1", l1);
    if (d->o.spares > 0)
        json_object_set_new(all, "spares", enclaves_json(d, (unsigned)d->o.enclaves, of_host(d)));
}

static void print_json(const struct devnet *d)
{
    json_t *enclaves = enclaves_json(d, 0, (unsigned)d->o.enclaves), *accounts = json_array();
    for (unsigned i = 0; i < DEVNET_ACCOUNTS; i++)
        json_array_append_new(accounts,
                              json_pack("{s:s,s:s}", "address", d->accounts[i].address_hex, "key",
                                        d->accounts[i].key_hex));
    char hash[TS_HASH_HEX_SIZE];
    json_t *all = json_pack("{s:{s:o,s:i},s:o,s:o,s:I,s:o,s:s,s:s}", "host", "rpc",
                            url_of("http", d->o.base_port, ""), "pid", (int)pid_of(d, "host"),
                            "enclaves", enclaves, "nodes", nodes_json(d), "chainId",
                            (json_int_t)d->genesis.chain_id, "accounts", accounts, "genesis",
                            ts_hex(d->genesis.hash.b, 32, hash), "dataDir", d->dir);
    add_l1_json(d, all);
    if (d->o.nodes > 0)
        json_object_set_new(all, "dashboard", url_of("http", d->o.base_port + 10, "/"));
    json_dumpf(all, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(all);
}

static void print_l1_account(const char *name, const struct cli_l1_account *a)
{
    char address[TS_ADDRESS_HEX_SIZE], key[TS_HASH_HEX_SIZE];
    printf("  %-10s  %s   key %s\n", name, ts_hex(a->address.b, sizeof(a->address.b), address),
           ts_hex(a->key.b, sizeof(a->key.b), key));
}

static void print_l1(const struct devnet *d)
{
    char registry[TS_ADDRESS_HEX_SIZE];
    if (d->l1.kind == DEVNET_L1_NONE)
        return;
    printf("\n  L1 %s   chain id %llu   management contract %s\n", d->l1.rpc.url,
           (unsigned long long)d->genesis.l1_chain_id, ts_hex(d->genesis.contract.b, 20, registry));
    if (d->l1.kind != DEVNET_L1_ANVIL)
        return;
    puts("  anvil's test accounts, whose keys everybody knows:");
    print_l1_account("governance", &d->l1.governance);
    print_l1_account("operator", &d->l1.operator);
}

static void print_table(const struct devnet *d)
{
    printf("\n  host     http://127.0.0.1:%llu   pid %d\n", (unsigned long long)d->o.base_port,
           (int)pid_of(d, "host"));
    for (unsigned i = 0; i < d->o.nodes; i++) {
        char name[32];
        snprintf(name, sizeof(name), "node-%u", i + 1);
        unsigned long long port = (unsigned long long)d->o.base_port + 10 + i;
        printf("  node %u   http://127.0.0.1:%llu   ws://127.0.0.1:%llu/feed   pid %d\n", i + 1,
               port, port, (int)pid_of(d, name));
    }
    puts("\n  enclaves");
    for (unsigned i = 0; i < of_host(d); i++) {
        char name[32];
        pid_t pid = pid_of(d, enclave_name(d, i, name));
        printf("  %u  %s   pid %d%s\n", i + 1, d->ids[i], (int)pid,
               i < d->o.enclaves ? "" : "   spare: not on the list");
    }
    print_l1(d);
    printf("\n  accounts, each with 1,000,000 ETH at the start (chain id %llu)\n",
           (unsigned long long)d->genesis.chain_id);
    for (unsigned i = 0; i < DEVNET_ACCOUNTS; i++)
        printf("  %s   key %s\n", d->accounts[i].address_hex, d->accounts[i].key_hex);
    printf("\n  data and logs in %s\n  try: %s/tenseq watch --rpc http://127.0.0.1:%llu\n"
           "  Ctrl-C ends it\n\n",
           d->dir, d->bin, (unsigned long long)d->o.base_port);
}

/* ---- the whole ---- */

/* Something else on a port would look like a network that is up, and the programs would end again
 * and again. */
static int port_is_free(uint64_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
              bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 1) == 0;
    int failed = errno;
    if (fd >= 0)
        close(fd);
    return ok ? TS_EXIT_OK
              : cli_fail("cannot use port %llu of 127.0.0.1: %s; give another --base-port",
                         (unsigned long long)port, strerror(failed));
}

static int ports_are_free(const struct devnet *d)
{
    int code = port_is_free(d->o.base_port);
    if (code == TS_EXIT_OK && d->l1.kind == DEVNET_L1_ANVIL)
        code = port_is_free(d->o.base_port + 1);
    for (unsigned i = 0; i < d->o.nodes && code == TS_EXIT_OK; i++)
        code = port_is_free(d->o.base_port + 10 + i);
    return code;
}

/* What the flags say of the L1; nothing is made yet. */
static int find_l1(struct devnet *d, const struct ts_cfg *cfg)
{
    const struct devnet_l1_options o = {.l1 = d->o.l1,
                                        .anvil = d->o.anvil,
                                        .key = d->o.l1_key,
                                        .has_registry = ts_cfg_is_set(cfg, "registry"),
                                        .registry = d->o.registry};
    int code = devnet_l1_find(&d->l1, &o, d->bin, d->dir, d->o.base_port + 1);
    if (code != TS_EXIT_OK)
        return code;
    if (d->l1.kind == DEVNET_L1_NONE) {
        if (ts_cfg_is_set(cfg, "spares") && d->o.spares > 0)
            return cli_misused("--spares wait for a place on the list, and without an L1 that is "
                               "the genesis'");
        d->o.spares = 0;
    }
    if (of_host(d) > MAX_ENCLAVES)
        return cli_misused("--enclaves and --spares are %u in all; a host takes %u", of_host(d),
                           MAX_ENCLAVES);
    return TS_EXIT_OK;
}

static int make_network(struct devnet *d)
{
    int code = init_enclaves(d);
    if (code != TS_EXIT_OK)
        return code;
    make_accounts(d);
    begin_supervisor(d);
    devnet_l1_supervise(&d->l1, &d->sup, d->o.base_port + 1);
    code = devnet_l1_open(&d->l1);
    if (code == TS_EXIT_OK)
        code = open_genesis(d);
    return code == TS_EXIT_OK ? add_programs(d) : code;
}

static int prepare(struct devnet *d, const struct ts_cfg *cfg)
{
    int code = find_programs(d);
    if (code == TS_EXIT_OK)
        code = find_dir(d);
    if (code == TS_EXIT_OK)
        code = find_l1(d, cfg);
    /* A directory that is there may be in use, which says more than that its ports are. One that
     * is not is made last: whoever is refused finds nothing changed. */
    bool is_there = code == TS_EXIT_OK && access(d->dir, F_OK) == 0;
    if (is_there)
        code = open_dir(d);
    if (code == TS_EXIT_OK)
        code = ports_are_free(d);
    if (code == TS_EXIT_OK && !is_there)
        code = open_dir(d);
    return code == TS_EXIT_OK ? make_network(d) : code;
}

static int run(struct devnet *d)
{
    int sig = wait_up(d), code = TS_EXIT_OK;
    if (sig == 0) {
        if (d->o.json)
            print_json(d);
        else
            print_table(d);
        code = cli_flush(TS_EXIT_OK);
    }
    /* A network that nobody could be told of is of no use. */
    bool is_told = code == TS_EXIT_OK && !cli_stdout_ended();
    while (sig == 0 && is_told)
        sig = ts_supervisor_wait(&d->sup, 1000);
    return sig < 0 ? TS_EXIT_FAILED : code;
}

int verb_devnet(int argc, char **argv)
{
    static struct devnet d;
    struct ts_cfg *cfg;
    d.lock = -1;
    int code = ts_cfg_start(&spec, argc, argv, &d.o, &cfg);
    if (code >= 0)
        return code;
    code = prepare(&d, cfg);
    if (code == TS_EXIT_OK)
        code = run(&d);
    else if (d.l1.sig != 0)
        code = TS_EXIT_OK; /* ended as asked, before it was up */
    ts_supervisor_stop(&d.sup, STOP_MS);
    devnet_l1_close(&d.l1);
    ts_supervisor_free(&d.sup);
    ts_genesis_free(&d.genesis);
    if (d.lock >= 0)
        close(d.lock);
    ts_cfg_free(cfg);
    return code;
}
