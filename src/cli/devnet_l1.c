/* SPDX-License-Identifier: Apache-2.0 */
/* Which L1 the devnet has, and how it comes up. What is done on it: devnet_contract.c. */
#include "cli/devnet_l1.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "crypto/sign.h"
#include "net/rpc_text.h"

#define UP_MS    10000u
#define CHAIN_ID "31337"
#define ARTIFACT "TenseqManagement.json"

#if defined(__aarch64__)
#define NPM_ANVIL "../node_modules/@foundry-rs/anvil-linux-arm64/bin/anvil"
#else
#define NPM_ANVIL "../node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
#endif

/* Accounts 0 and 1 of "test test test test test test test test test test test junk", which anvil
 * funds at its start. Everybody has these keys. */
static const char governance_key[] =
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
static const char operator_key[] =
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

const char *devnet_l1_check(const char *text)
{
    char why[256];
    if (strcmp(text, "anvil") == 0 || strcmp(text, "none") == 0 ||
        ts_rpc_url_ok(text, why, sizeof(why)))
        return NULL;
    return "is neither anvil nor none nor a URL such as http://127.0.0.1:8545";
}

/* ---- what it needs ---- */

static bool runs(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool find_in_path(char out[PATH_MAX])
{
    const char *path = getenv("PATH");
    while (path != NULL && *path != 0) {
        size_t n = strcspn(path, ":");
        if (n > 0 && snprintf(out, PATH_MAX, "%.*s/anvil", (int)n, path) < PATH_MAX && runs(out))
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

static int find_anvil(struct devnet_l1 *l, const char *bin)
{
    if (l->o.anvil != NULL) {
        snprintf(l->anvil, sizeof(l->anvil), "%s", l->o.anvil);
        return runs(l->anvil) ? TS_EXIT_OK
                              : cli_fail("--anvil %s is missing or cannot be run", l->o.anvil);
    }
    if (find_in_path(l->anvil))
        return TS_EXIT_OK;
    if (snprintf(l->anvil, sizeof(l->anvil), "%s/%s", bin, NPM_ANVIL) < PATH_MAX && runs(l->anvil))
        return TS_EXIT_OK;
    return cli_fail("no anvil is found for the L1: \"make setup\" installs it, --anvil PATH names "
                    "it, --l1 none does without");
}

/* Beside the programs where they are built, under share/ where they are installed. */
static int find_artifact(struct devnet_l1 *l, const char *bin)
{
    static const char *const places[] = {ARTIFACT, "../share/tenseq/" ARTIFACT};
    for (size_t i = 0; i < TS_COUNT(places); i++)
        if (snprintf(l->artifact, sizeof(l->artifact), "%s/%s", bin, places[i]) < PATH_MAX &&
            access(l->artifact, R_OK) == 0)
            return TS_EXIT_OK;
    return cli_fail("the management contract, %s/%s, is missing", bin, places[0]);
}

static bool is_new(const struct devnet_l1 *l)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/genesis.json", l->dir);
    return access(path, F_OK) != 0;
}

static int refuse_flags(const struct devnet_l1 *l)
{
    if (l->kind != DEVNET_L1_URL && l->o.has_registry)
        return cli_misused("--registry names a contract on an L1 that is there: give its URL as "
                           "--l1, too");
    if (l->kind != DEVNET_L1_URL && l->o.key != NULL)
        return cli_misused("--l1-key goes with a URL as --l1; anvil's accounts have known keys");
    if (l->kind != DEVNET_L1_ANVIL && l->o.anvil != NULL)
        return cli_misused("--anvil goes with --l1 anvil");
    if (l->kind == DEVNET_L1_URL && !l->o.has_registry && l->o.key == NULL && is_new(l))
        return cli_fail("a URL as --l1 needs --registry ADDR, or --l1-key FILE with the key of an "
                        "account that deploys a contract");
    return TS_EXIT_OK;
}

int devnet_l1_find(struct devnet_l1 *l, const struct devnet_l1_options *o, const char *bin,
                   const char *dir, uint64_t port)
{
    l->o = *o;
    l->dir = dir;
    l->kind = strcmp(o->l1, "none") == 0    ? DEVNET_L1_NONE
              : strcmp(o->l1, "anvil") == 0 ? DEVNET_L1_ANVIL
                                            : DEVNET_L1_URL;
    snprintf(l->url_of_anvil, sizeof(l->url_of_anvil), "http://127.0.0.1:%llu",
             (unsigned long long)port);
    l->rpc.url = l->kind == DEVNET_L1_ANVIL ? l->url_of_anvil : o->l1;
    int code = refuse_flags(l);
    if (code == TS_EXIT_OK && l->kind == DEVNET_L1_ANVIL)
        code = find_anvil(l, bin);
    if (code == TS_EXIT_OK && l->kind != DEVNET_L1_NONE)
        code = find_artifact(l, bin);
    if (code == TS_EXIT_OK && o->key != NULL) {
        code = cli_l1_read_key("--l1-key", o->key, &l->operator.key);
        l->governance.key = l->operator.key;
        l->has_keys = true;
        /* The host is started from here, but a path that is relative stays right for a reader. */
        if (code == TS_EXIT_OK && realpath(o->key, l->key_file) == NULL)
            code = cli_fail("cannot use %s: %s", o->key, strerror(errno));
    }
    return code;
}

/* ---- it comes up ---- */

void devnet_l1_supervise(struct devnet_l1 *l, struct ts_supervisor *sup, uint64_t port)
{
    char state[PATH_MAX + 32], number[24];
    l->sup = sup;
    if (l->kind != DEVNET_L1_ANVIL)
        return;
    snprintf(state, sizeof(state), "%s/anvil.json", l->dir);
    snprintf(number, sizeof(number), "%llu", (unsigned long long)port);
    /* The states of old blocks are of no use to anybody here, and would fill memory and disk. */
    const char *argv[] = {l->anvil,     "--host", "127.0.0.1",       "--port",       number,
                          "--chain-id", CHAIN_ID, "--quiet",         "--block-time", "1",
                          "--state",    state,    "--prune-history", "256",          NULL};
    /* Its state is written when it is asked to end, and then it goes on from there: a kill would
     * take blocks away that the network has counted on. */
    ts_supervisor_add(sup, "anvil", 4, argv)->death_signal = SIGTERM;
}

static bool wait_running(void *ctx, unsigned ms)
{
    struct devnet_l1 *l = ctx;
    int sig = ts_supervisor_wait(l->sup, ms);
    if (sig != 0) {
        l->sig = sig;
        return false;
    }
    const struct ts_child *failed = ts_supervisor_failed(l->sup);
    if (failed != NULL)
        cli_fail("%s does not start; see %s/logs/%s.log", failed->name, l->dir, failed->name);
    return failed == NULL;
}

static int write_key(struct devnet_l1 *l)
{
    snprintf(l->key_file, sizeof(l->key_file), "%s/operator.key", l->dir);
    int fd = open(l->key_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && dprintf(fd, "%s\n", operator_key) == (int)sizeof(operator_key);
    int failed = errno;
    if (fd >= 0 && close(fd) != 0 && good) {
        good = false;
        failed = errno;
    }
    return good ? TS_EXIT_OK : cli_fail("cannot write %s: %s", l->key_file, strerror(failed));
}

static int open_accounts(struct devnet_l1 *l)
{
    int code = TS_EXIT_OK;
    if (l->kind == DEVNET_L1_ANVIL) {
        TS_CHECK(ts_unhex(governance_key, l->governance.key.b, 32) == TS_OK &&
                 ts_unhex(operator_key, l->operator.key.b, 32) == TS_OK);
        l->has_keys = true;
        code = write_key(l);
    }
    if (code == TS_EXIT_OK && l->has_keys)
        code = cli_l1_account_of(&l->rpc, &l->governance.key, &l->governance);
    if (code == TS_EXIT_OK && l->has_keys)
        code = cli_l1_account_of(&l->rpc, &l->operator.key, &l->operator);
    return code;
}

int devnet_l1_open(struct devnet_l1 *l)
{
    if (l->kind == DEVNET_L1_NONE)
        return TS_EXIT_OK;
    l->rpc.crypto = ts_crypto_new();
    TS_CHECK(l->rpc.crypto != NULL);
    l->rpc.wait = wait_running;
    l->rpc.wait_ctx = l;
    l->is_open = true;
    /* The children that are due are started by waiting. */
    if (!wait_running(l, 0))
        return TS_EXIT_FAILED;
    int code = cli_l1_open(&l->rpc, UP_MS);
    return code == TS_EXIT_OK ? open_accounts(l) : code;
}

void devnet_l1_close(struct devnet_l1 *l)
{
    ts_secret_wipe(&l->governance.key);
    ts_secret_wipe(&l->operator.key);
    if (!l->is_open)
        return;
    cli_l1_close(&l->rpc);
    ts_crypto_free((struct ts_crypto *)(uintptr_t)l->rpc.crypto);
}
