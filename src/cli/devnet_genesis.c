/* SPDX-License-Identifier: Apache-2.0 */
/* The devnet's enclaves, accounts and genesis. */
#include "cli/devnet_internal.h"

#include <errno.h>
#include <unistd.h>

#include "base/u256.h"
#include "chain/genesis_json.h"
#include "cli/cli.h"
#include "cli/genesis.h"
#include "cli/names.h"

const char *devnet_enclave_name(const struct devnet *d, unsigned i, char out[32])
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
const char *devnet_known_as(const struct devnet *d, unsigned i, char out[32])
{
    char letter[CLI_NAME_SIZE] = "";
    ts_address id;
    TS_CHECK(ts_unhex(d->ids[i], id.b, sizeof(id.b)) == TS_OK);
    for (size_t k = 0; k < d->genesis.n_whitelist; k++)
        if (ts_address_equal(&d->genesis.whitelist[k], &id))
            cli_letter(k, letter);
    snprintf(out, 32, "%.4s%s%.*s", letter, letter[0] != 0 ? " " : "", CLI_SHORT, d->ids[i]);
    return out;
}

unsigned devnet_of_host(const struct devnet *d)
{
    return (unsigned)(d->o.enclaves + d->o.spares);
}

unsigned devnet_all_enclaves(const struct devnet *d)
{
    return devnet_of_host(d) + (unsigned)d->o.nodes;
}

/* Makes (or finds) the identity of each enclave. */
int devnet_init_enclaves(struct devnet *d)
{
    char program[PATH_MAX + 32], key[PATH_MAX + 32];
    snprintf(program, sizeof(program), "%s/tenseq-enclave", d->bin);
    snprintf(key, sizeof(key), "%s/machine.key", d->dir);
    for (unsigned i = 0; i < devnet_all_enclaves(d); i++) {
        char name[32], data[PATH_MAX + 64], out[512];
        snprintf(data, sizeof(data), "%s/%s", d->dir, devnet_enclave_name(d, i, name));
        const char *argv[] = {program, "--init", "--data-dir", data, "--machine-key", key, NULL};
        int code = devnet_make_dir(data);
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
void devnet_make_accounts(struct devnet *d)
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

int devnet_open_genesis(struct devnet *d)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/genesis.json", d->dir);
    int code = access(path, F_OK) == 0 ? read_genesis(d, path) : new_genesis(d, path);
    return code == TS_EXIT_OK ? devnet_l1_bind(&d->l1, &d->genesis) : code;
}
