/* SPDX-License-Identifier: Apache-2.0 */
/* What the devnet says when it is up: a table, or one JSON line. */
#include "cli/devnet_internal.h"

#include "cli/cli.h"
#include "cli/names.h"
#include "net/http_client.h"

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
        json_array_append_new(nodes, json_pack("{s:o,s:o,s:i}", "rpc", url_of("http", port, ""),
                                               "feed", url_of("ws", port, "/feed"), "pid",
                                               (int)devnet_pid_of(d, name)));
    }
    return nodes;
}

/* Enclaves from first up to end. */
static json_t *enclaves_json(const struct devnet *d, unsigned first, unsigned end)
{
    json_t *enclaves = json_array();
    for (unsigned i = first; i < end; i++) {
        char name[32];
        pid_t pid = devnet_pid_of(d, devnet_enclave_name(d, i, name));
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
        json_object_set_new(l1, "pid", json_integer((int)devnet_pid_of(d, "anvil")));
    }
    json_object_set_new(all, "l1", l1);
    if (d->o.spares > 0)
        json_object_set_new(all, "spares",
                            enclaves_json(d, (unsigned)d->o.enclaves, devnet_of_host(d)));
}

void devnet_print_json(const struct devnet *d)
{
    json_t *enclaves = enclaves_json(d, 0, (unsigned)d->o.enclaves), *accounts = json_array();
    for (unsigned i = 0; i < DEVNET_ACCOUNTS; i++)
        json_array_append_new(accounts,
                              json_pack("{s:s,s:s}", "address", d->accounts[i].address_hex, "key",
                                        d->accounts[i].key_hex));
    char hash[TS_HASH_HEX_SIZE];
    json_t *all = json_pack(
        "{s:{s:o,s:i},s:o,s:o,s:I,s:o,s:s,s:s}", "host", "rpc", url_of("http", d->o.base_port, ""),
        "pid", (int)devnet_pid_of(d, "host"), "enclaves", enclaves, "nodes", nodes_json(d),
        "chainId", (json_int_t)d->genesis.chain_id, "accounts", accounts, "genesis",
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

/* As a node has them, which knows who was granted in an earlier run; else those of the genesis. */
static void learn_names(const struct devnet *d, struct cli_names *names)
{
    char url[64], why[256], hex[TS_ADDRESS_HEX_SIZE];
    json_t *t = NULL, *list = json_array();
    for (size_t i = 0; i < d->genesis.n_whitelist; i++)
        json_array_append_new(list, json_string(ts_hex(d->genesis.whitelist[i].b, 20, hex)));
    cli_names_learn(names, list);
    json_decref(list);
    snprintf(url, sizeof(url), "http://127.0.0.1:%llu", (unsigned long long)d->o.base_port + 10);
    if (d->o.nodes == 0 || ts_rpc_call_blocking(url, NULL, "ten_timeline",
                                                json_pack("[{s:i,s:i}]", "last", 1, "points", 1),
                                                1000, &t, why, sizeof(why)) != TS_OK)
        return;
    cli_names_learn(names, json_object_get(t, "enclaves"));
    json_decref(t);
}

static void print_enclaves(const struct devnet *d)
{
    struct cli_names names = {.n = 0};
    learn_names(d, &names);
    puts("\n  enclaves: name of process and log, letter on the dashboard, id");
    for (unsigned i = 0; i < devnet_of_host(d); i++) {
        char name[32], letter[CLI_NAME_SIZE];
        pid_t pid = devnet_pid_of(d, devnet_enclave_name(d, i, name));
        cli_names_letter(&names, d->ids[i], letter);
        printf("  %-10s %-2s %s   pid %d%s\n", name, letter, d->ids[i], (int)pid,
               letter[0] != 0 ? "" : "   spare: gets a letter when it is listed");
    }
}

void devnet_print_table(const struct devnet *d)
{
    printf("\n  host     http://127.0.0.1:%llu   pid %d\n", (unsigned long long)d->o.base_port,
           (int)devnet_pid_of(d, "host"));
    for (unsigned i = 0; i < d->o.nodes; i++) {
        char name[32];
        snprintf(name, sizeof(name), "node-%u", i + 1);
        unsigned long long port = (unsigned long long)d->o.base_port + 10 + i;
        printf("  node %u   http://127.0.0.1:%llu   ws://127.0.0.1:%llu/feed   pid %d\n", i + 1,
               port, port, (int)devnet_pid_of(d, name));
    }
    print_enclaves(d);
    print_l1(d);
    printf("\n  accounts, each with 1,000,000 ETH at the start (chain id %llu)\n",
           (unsigned long long)d->genesis.chain_id);
    for (unsigned i = 0; i < DEVNET_ACCOUNTS; i++)
        printf("  %s   key %s\n", d->accounts[i].address_hex, d->accounts[i].key_hex);
    if (d->o.nodes > 0)
        printf("\n  dashboard  http://127.0.0.1:%llu/   for a browser: does the operator behave?\n",
               (unsigned long long)d->o.base_port + 10);
    printf("\n  data and logs in %s\n  try: %s/tenseq watch --rpc http://127.0.0.1:%llu\n"
           "  Ctrl-C ends it\n\n",
           d->dir, d->bin, (unsigned long long)d->o.base_port + (d->o.nodes > 0 ? 10 : 0));
}
