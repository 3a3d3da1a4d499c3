/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq devnet: a whole network in the foreground, from nothing or from its data directory. */
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/devnet_internal.h"
#include "cli/genesis.h"
#include "codec/json.h"
#include "net/http_client.h"

#define UP_MS       60000u
#define STOP_MS     5000u
#define REGISTER_MS 5000u
#define DEFAULT_L1  "anvil"

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct devnet_options, enclaves, "enclaves", TS_CFG_U64, .def = "3", .min = 1,
           .max = MAX_ENCLAVES, .help = "sequencer enclaves"),
    TS_CFG(struct devnet_options, spares, "spares", TS_CFG_U64, .def = "1", .min = 0, .max = 8,
           .help = "enclaves that run and are not on the list; none without an L1"),
    TS_CFG(struct devnet_options, nodes, "nodes", TS_CFG_U64, .def = "2", .min = 0,
           .max = MAX_NODES, .help = "nodes, each with a validator enclave of its own"),
    TS_CFG(struct devnet_options, interval_ms, "interval", TS_CFG_MS, .def = "1s", .min = 10,
           .max = 86400000, .help = "time between batches"),
    TS_CFG(struct devnet_options, data_dir, "data-dir", TS_CFG_PATH, .def = "devnet-data",
           .help = "where everything is kept; a second start goes on from there"),
    TS_CFG(struct devnet_options, base_port, "base-port", TS_CFG_U64, .def = "9000", .min = 1,
           .max = 65000,
           .help = "port of the host; anvil has the next, the nodes have this plus 10, 11, …"),
    TS_CFG(struct devnet_options, l1, "l1", TS_CFG_STRING, .def = DEFAULT_L1,
           .check = devnet_l1_check, .value_name = "anvil|none|URL",
           .help = "the L1: an anvil of its own, none, or one that is there"),
    TS_CFG(struct devnet_options, anvil, "anvil", TS_CFG_PATH,
           .help = "the anvil program; default: that in $PATH, or what make setup installs"),
    TS_CFG(struct devnet_options, registry, "registry", TS_CFG_ADDRESS,
           .help = "the management contract on the L1 of a URL; default: a new one is deployed"),
    TS_CFG(struct devnet_options, l1_key, "l1-key", TS_CFG_PATH,
           .help = "file with the secret key of the contract's governance and operator, for the L1 "
                   "of a URL; it pays"),
    TS_CFG(struct devnet_options, chaos_ms, "chaos", TS_CFG_MS, .def = "0", .min = 0,
           .max = 86400000, .value_name = "PERIOD",
           .help = "kill an enclave at random, about once in a period; 0: leave them alone"),
    TS_CFG(struct devnet_options, corrupt_ms, "corrupt", TS_CFG_MS, .def = "0", .min = 0,
           .max = 86400000, .value_name = "DELAY",
           .help = "so long after all is up the first enclave seals wrongly, and is replaced by a "
                   "spare; 0: never"),
    TS_CFG(struct devnet_options, attack, "attack", TS_CFG_ENUM, .def = "none",
           .choices = devnet_attacks, .value_name = "NAME",
           .help = "the operator lies, so that one can watch the nodes find it"),
    TS_CFG(struct devnet_options, json, "json", TS_CFG_BOOL,
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
    if (code == TS_EXIT_OK && devnet_attack_relays(d))
        code = port_is_free(devnet_attack_port(d));
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
    if (devnet_of_host(d) > MAX_ENCLAVES)
        return cli_misused("--enclaves and --spares are %u in all; a host takes %u",
                           devnet_of_host(d), MAX_ENCLAVES);
    return TS_EXIT_OK;
}

static int make_network(struct devnet *d)
{
    int code = devnet_init_enclaves(d);
    if (code != TS_EXIT_OK)
        return code;
    devnet_make_accounts(d);
    devnet_begin_supervisor(d);
    devnet_l1_supervise(&d->l1, &d->sup, d->o.base_port + 1);
    code = devnet_l1_open(&d->l1);
    if (code == TS_EXIT_OK)
        code = devnet_open_genesis(d);
    return code == TS_EXIT_OK ? devnet_add_programs(d) : code;
}

static int prepare(struct devnet *d, const struct ts_cfg *cfg)
{
    int code = devnet_find_programs(d);
    if (code == TS_EXIT_OK)
        code = devnet_find_dir(d);
    if (code == TS_EXIT_OK)
        code = find_l1(d, cfg);
    if (code == TS_EXIT_OK)
        code = devnet_attack_check(d);
    if (code == TS_EXIT_OK)
        code = devnet_corrupt_check(d);
    /* A directory that is there may be in use, which says more than that its ports are. One that
     * is not is made last: whoever is refused finds nothing changed. */
    bool is_there = code == TS_EXIT_OK && access(d->dir, F_OK) == 0;
    if (is_there)
        code = devnet_open_dir(d);
    if (code == TS_EXIT_OK)
        code = ports_are_free(d);
    if (code == TS_EXIT_OK && !is_there)
        code = devnet_open_dir(d);
    return code == TS_EXIT_OK ? make_network(d) : code;
}

/* So that governance may grant it at once. Returns 0, or a signal to end with. */
static int register_spare(struct devnet *d, const char *hex)
{
    char url[64], why[256] = "";
    ts_address id;
    bool is_registered = false;
    ts_time until = cli_unix_ms() + REGISTER_MS;
    TS_CHECK(ts_unhex(hex, id.b, sizeof(id.b)) == TS_OK);
    snprintf(url, sizeof(url), "http://127.0.0.1:%llu", (unsigned long long)d->o.base_port);
    while (devnet_l1_is_registered(&d->l1, &id, &is_registered) == TS_EXIT_OK && !is_registered) {
        json_t *result = NULL;
        if (ts_rpc_call_blocking(url, NULL, "sequencer_register", json_pack("[s]", hex), 5000,
                                 &result, why, sizeof(why)) == TS_OK) {
            json_decref(result);
            return 0; /* it is on its way */
        }
        if (cli_unix_ms() >= until) {
            fprintf(stderr, "the spare %s is not registered on L1: %s\n", hex, why);
            return 0;
        }
        int sig = ts_supervisor_wait(&d->sup, 100);
        if (sig != 0)
            return sig;
    }
    return 0;
}

static int register_spares(struct devnet *d)
{
    int sig = 0;
    for (unsigned i = (unsigned)d->o.enclaves; i < devnet_of_host(d) && sig == 0; i++)
        sig = d->l1.has_keys ? register_spare(d, d->ids[i]) : 0;
    return sig;
}

static int wait_a_moment(struct devnet *d)
{
    unsigned chaos = devnet_chaos(d), attack = devnet_attack(d), corrupt = devnet_corrupt(d);
    unsigned ms = chaos < attack ? chaos : attack;
    return ts_supervisor_wait(&d->sup, ms < corrupt ? ms : corrupt);
}

static int run(struct devnet *d)
{
    int sig = wait_up(d), code = TS_EXIT_OK;
    if (sig == 0)
        sig = register_spares(d);
    if (sig == 0) {
        if (d->o.json)
            devnet_print_json(d);
        else
            devnet_print_table(d);
        code = cli_flush(TS_EXIT_OK);
    }
    /* A network that nobody could be told of is of no use. */
    bool is_told = code == TS_EXIT_OK && !cli_stdout_ended();
    if (sig == 0 && is_told) {
        devnet_chaos_begin(d);
        devnet_attack_begin(d);
        devnet_corrupt_begin(d);
    }
    while (sig == 0 && is_told)
        sig = wait_a_moment(d);
    d->is_asked_to_end = sig > 0;
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
    if (d.is_asked_to_end || d.l1.sig != 0)
        fprintf(stderr, "ended\n");
    devnet_l1_close(&d.l1);
    ts_supervisor_free(&d.sup);
    ts_genesis_free(&d.genesis);
    if (d.lock >= 0)
        close(d.lock);
    ts_cfg_free(cfg);
    return code;
}
