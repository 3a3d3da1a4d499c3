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
#include "cli/genesis.h"
#include "codec/json.h"
#include "crypto/sign.h"
#include "net/http_client.h"

#define MAX_ENCLAVES 64
#define MAX_NODES    32
#define UP_MS        60000u
#define STOP_MS      5000u
#define RESTART_MS   500u
#define MAX_DIR      70u /* "/run/validator-32.sock" and more must fit into a socket's address */

struct options {
    uint64_t enclaves, nodes, interval_ms, base_port;
    const char *data_dir;
    int l1;
    bool json;
};

static const char *const l1_choices[] = {"none", NULL};

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct options, enclaves, "enclaves", TS_CFG_U64, .def = "3", .min = 1,
           .max = MAX_ENCLAVES, .help = "sequencer enclaves"),
    TS_CFG(struct options, nodes, "nodes", TS_CFG_U64, .def = "2", .min = 0, .max = MAX_NODES,
           .help = "nodes, each with a validator enclave of its own"),
    TS_CFG(struct options, interval_ms, "interval", TS_CFG_MS, .def = "1s", .min = 10,
           .max = 86400000, .help = "time between batches"),
    TS_CFG(struct options, data_dir, "data-dir", TS_CFG_PATH, .def = "devnet-data",
           .help = "where everything is kept; a second start goes on from there"),
    TS_CFG(struct options, base_port, "base-port", TS_CFG_U64, .def = "9000", .min = 1,
           .max = 65000, .help = "port of the host; the nodes have this plus 10, 11, …"),
    TS_CFG(struct options, l1, "l1", TS_CFG_ENUM, .choices = l1_choices, .def = "none",
           .help = "the L1 of the network; in this version there is none yet, and the whitelist "
                   "is that of the genesis"),
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
    if (i < d->o.enclaves)
        snprintf(out, 32, "enclave-%u", i + 1);
    else
        snprintf(out, 32, "validator-%u", i - (unsigned)d->o.enclaves + 1);
    return out;
}

static unsigned all_enclaves(const struct devnet *d)
{
    return (unsigned)(d->o.enclaves + d->o.nodes);
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
    return access(path, F_OK) == 0 ? read_genesis(d, path) : new_genesis(d, path);
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

static void add_host(struct devnet *d, struct command *c)
{
    c->n = 0;
    arg(c, "%s/tenseq-host", d->bin);
    arg(c, "--data-dir=%s/host", d->dir);
    arg(c, "--genesis=%s/genesis.json", d->dir);
    arg(c, "--rpc-listen=127.0.0.1:%llu", (unsigned long long)d->o.base_port);
    arg(c, "--interval=%llums", (unsigned long long)d->o.interval_ms);
    for (unsigned i = 0; i < d->o.enclaves; i++) {
        char link[PATH_MAX + 64];
        link_of(d, i, link);
        arg(c, "--enclaves=%s", link);
    }
    ts_supervisor_add(&d->sup, "host", 1, c->argv);
}

/* The first node follows the host; the others follow the host and the first node. */
static void add_node(struct devnet *d, struct command *c, unsigned i)
{
    char name[32], link[PATH_MAX + 64];
    link_of(d, (unsigned)d->o.enclaves + i, link);
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
    ts_supervisor_add(&d->sup, name, 2, c->argv);
}

static int add_programs(struct devnet *d)
{
    char log_dir[PATH_MAX + 16], run_dir[PATH_MAX + 16], name[32];
    snprintf(log_dir, sizeof(log_dir), "%s/logs", d->dir);
    snprintf(run_dir, sizeof(run_dir), "%s/run", d->dir);
    ts_supervisor_init(&d->sup, log_dir, run_dir, RESTART_MS);
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

static void print_json(const struct devnet *d)
{
    json_t *enclaves = json_array(), *accounts = json_array();
    for (unsigned i = 0; i < d->o.enclaves; i++) {
        char name[32];
        pid_t pid = pid_of(d, enclave_name(d, i, name));
        json_array_append_new(enclaves, json_pack("{s:s,s:i}", "id", d->ids[i], "pid", (int)pid));
    }
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
    if (d->o.nodes > 0)
        json_object_set_new(all, "dashboard", url_of("http", d->o.base_port + 10, "/"));
    json_dumpf(all, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(all);
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
    for (unsigned i = 0; i < d->o.enclaves; i++) {
        char name[32];
        pid_t pid = pid_of(d, enclave_name(d, i, name));
        printf("  %u  %s   pid %d\n", i + 1, d->ids[i], (int)pid);
    }
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
    for (unsigned i = 0; i < d->o.nodes && code == TS_EXIT_OK; i++)
        code = port_is_free(d->o.base_port + 10 + i);
    return code;
}

static int prepare(struct devnet *d)
{
    int code = find_programs(d);
    if (code == TS_EXIT_OK)
        code = find_dir(d);
    /* A directory that is there may be in use, which says more than that its ports are. One that
     * is not is made last: whoever is refused finds nothing changed. */
    bool is_there = code == TS_EXIT_OK && access(d->dir, F_OK) == 0;
    if (is_there)
        code = open_dir(d);
    if (code == TS_EXIT_OK)
        code = ports_are_free(d);
    if (code == TS_EXIT_OK && !is_there)
        code = open_dir(d);
    if (code == TS_EXIT_OK)
        code = init_enclaves(d);
    if (code == TS_EXIT_OK) {
        make_accounts(d);
        code = open_genesis(d);
    }
    return code == TS_EXIT_OK ? add_programs(d) : code;
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
    ts_supervisor_stop(&d->sup, STOP_MS);
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
    code = prepare(&d);
    if (code == TS_EXIT_OK)
        code = run(&d);
    ts_supervisor_free(&d.sup);
    ts_genesis_free(&d.genesis);
    if (d.lock >= 0)
        close(d.lock);
    ts_cfg_free(cfg);
    return code;
}
