/* SPDX-License-Identifier: Apache-2.0 */
/* devnet --attack: the operator of this network lies, so that one can watch what the nodes find.
 * The keys of its enclaves are out (tenseq-liar), or all enclaves are restarted at once. The last
 * node has the liar for its first peer; the host, the enclaves and the nodes are as always. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/devnet_internal.h"
#include "l1/contract.h"
#include "net/http_client.h"

#define BEGIN_MS  2000u /* after the network is up */
#define AGAIN_MS  3000u
#define CALL_MAX  (1u << 20)
#define TELL_MS   1000u
#define LIAR_PORT 2u /* above the base port */

const char *const devnet_attacks[] = {[DEVNET_NO_ATTACK] = "none",
                                      [DEVNET_EQUIVOCATION] = "equivocation",
                                      [DEVNET_WHITELIST_MISMATCH] = "whitelist-mismatch",
                                      [DEVNET_PAYLOAD_EDITED] = "payload-edited",
                                      [DEVNET_ROLLUP_MISMATCH] = "rollup-mismatch",
                                      [DEVNET_MASS_RESTART] = "mass-restart",
                                      NULL};

int devnet_attack_check(const struct devnet *d)
{
    bool wants_l1 =
        d->o.attack == DEVNET_WHITELIST_MISMATCH || d->o.attack == DEVNET_ROLLUP_MISMATCH;
    const char *name = devnet_attacks[d->o.attack];
    char liar[PATH_MAX + 16];
    if (d->o.attack == DEVNET_NO_ATTACK)
        return TS_EXIT_OK;
    snprintf(liar, sizeof(liar), "%s/tenseq-liar", d->bin);
    if (d->o.attack != DEVNET_MASS_RESTART && access(liar, X_OK) != 0)
        return cli_fail("--attack %s: %s is not there: it is not installed, run the tenseq of the "
                        "build directory",
                        name, liar);
    if (d->o.nodes == 0)
        return cli_misused("--attack %s: without a node nobody finds it", name);
    if (d->o.attack == DEVNET_MASS_RESTART && d->o.enclaves < 2)
        return cli_misused("--attack %s: with one enclave a restart of all is a restart", name);
    if (wants_l1 && d->l1.kind == DEVNET_L1_NONE)
        return cli_misused("--attack %s: it is about L1, and --l1 is none", name);
    if (d->o.attack == DEVNET_ROLLUP_MISMATCH && !d->l1.has_keys && d->l1.kind != DEVNET_L1_ANVIL)
        return cli_misused("--attack %s: it needs --l1-key, since somebody pays", name);
    return TS_EXIT_OK;
}

bool devnet_attack_relays(const struct devnet *d)
{
    return d->o.attack == DEVNET_EQUIVOCATION || d->o.attack == DEVNET_WHITELIST_MISMATCH ||
           d->o.attack == DEVNET_PAYLOAD_EDITED;
}

unsigned devnet_attack_port(const struct devnet *d)
{
    return (unsigned)d->o.base_port + LIAR_PORT;
}

/* ---- the false rollup ---- */

static char *liar_calldata(const struct devnet *d, uint64_t number)
{
    struct devnet_command *c = devnet_command_new();
    char *out = malloc(CALL_MAX);
    TS_CHECK(out != NULL);
    devnet_liar_command(d, c);
    devnet_arg(c, "--number=%llu", (unsigned long long)number);
    int code = ts_run(devnet_argv(c), out, CALL_MAX);
    free(c);
    if (code == 0)
        return out;
    free(out);
    return NULL;
}

static int next_number(struct devnet *d, uint64_t *number)
{
    struct ts_buf b;
    ts_bytes result;
    ts_buf_init(&b, 0);
    ts_l1_put_last_number(&b);
    int code = cli_l1_view(&d->l1.rpc, "ask the contract for its newest rollup",
                           &d->genesis.contract, 0, ts_buf_bytes(&b), &result);
    ts_buf_free(&b);
    if (code == TS_EXIT_OK && ts_l1_read_u64(result, number) != TS_OK)
        code = cli_fail("the contract does not tell its newest rollup");
    *number += 1;
    return code;
}

/* The contract takes what follows its newest, from anybody, with the signature of an enclave on the
 * list. The host may be faster: then it is tried again. */
static bool publish(struct devnet *d)
{
    struct ts_l1_answer_receipt receipt;
    uint64_t number = 0;
    ts_hash hash;
    size_t n = 0;
    if (next_number(d, &number) != TS_EXIT_OK)
        return false;
    char *hex = liar_calldata(d, number);
    uint8_t *data = hex != NULL ? malloc(strlen(hex) / 2 + 1) : NULL;
    bool good = data != NULL && ts_unhex_any(hex, data, strlen(hex) / 2, &n) == TS_OK;
    const struct cli_l1_tx tx = {.what = "publish the false rollup",
                                 .to = d->genesis.contract,
                                 .data = ts_bytes_of(data, n)};
    good = good &&
           cli_l1_account_of(&d->l1.rpc, &d->l1.governance.key, &d->l1.governance) == TS_EXIT_OK &&
           cli_l1_send(&d->l1.rpc, &d->l1.governance, &tx, &hash) == TS_EXIT_OK &&
           cli_l1_mined(&d->l1.rpc, tx.what, &hash, &receipt) == TS_EXIT_OK;
    if (good)
        fprintf(stderr, "attack: a false rollup of batch %llu is on L1\n",
                (unsigned long long)number);
    free(hex);
    free(data);
    return good;
}

/* ---- all enclaves at once ---- */

static void kill_all(const struct devnet *d)
{
    for (unsigned i = 0; i < devnet_of_host(d); i++) {
        char name[32];
        (void)devnet_kill(d, devnet_enclave_name(d, i, name), SIGKILL);
    }
    fprintf(stderr, "attack: all enclaves of the host are restarted at once\n");
}

/* ---- what the nodes find ---- */

/* Once for each node: a finding that closes, or is told again, is the same. */
static void tell(struct devnet *d, unsigned node)
{
    char url[64], why[256];
    json_t *result = NULL, *f;
    size_t i;
    snprintf(url, sizeof(url), "http://127.0.0.1:%llu",
             (unsigned long long)d->o.base_port + 10 + node);
    if ((d->found & 1u << node) != 0 || ts_rpc_call_blocking(url, NULL, "ten_findings", NULL, 1000,
                                                             &result, why, sizeof(why)) != TS_OK)
        return;
    json_array_foreach(json_object_get(result, "findings"), i, f)
    {
        const char *name = json_string_value(json_object_get(f, "name"));
        const char *text = json_string_value(json_object_get(f, "text"));
        if (name == NULL || text == NULL || strcmp(name, devnet_attacks[d->o.attack]) != 0)
            continue;
        fprintf(stderr, "attack: node-%u found it: %s: %s\n", node + 1, name, text);
        d->found |= 1u << node;
        break;
    }
    json_decref(result);
}

/* ---- in between ---- */

void devnet_attack_begin(struct devnet *d)
{
    d->attack_at_ms = d->o.attack == DEVNET_ROLLUP_MISMATCH || d->o.attack == DEVNET_MASS_RESTART
                          ? cli_mono_ms() + BEGIN_MS
                          : UINT64_MAX;
    if (d->o.attack == DEVNET_NO_ATTACK)
        return;
    unsigned long long port = d->o.base_port + 10 + d->o.nodes - 1;
    if (d->o.attack == DEVNET_PAYLOAD_EDITED)
        fprintf(stderr,
                "attack: a peer of this network edits payloads: %s. It is known to whom the peer "
                "serves, node-%u, and cannot be pinned on the operator",
                devnet_attacks[d->o.attack], (unsigned)d->o.nodes);
    else
        fprintf(stderr, "attack: the operator of this network lies: %s",
                devnet_attacks[d->o.attack]);
    fprintf(stderr, ". Look at %s dashboard, or: tenseq audit --rpc http://127.0.0.1:%llu\n",
            d->o.attack == DEVNET_PAYLOAD_EDITED ? "its" : "a node's", port);
}

unsigned devnet_attack(struct devnet *d)
{
    if (d->o.attack == DEVNET_NO_ATTACK)
        return TELL_MS;
    for (unsigned i = 0; i < d->o.nodes; i++)
        tell(d, i);
    if (cli_mono_ms() < d->attack_at_ms)
        return TELL_MS / 4;
    bool done = true;
    if (d->o.attack == DEVNET_ROLLUP_MISMATCH)
        done = publish(d);
    else
        kill_all(d);
    d->attack_at_ms = done ? UINT64_MAX : cli_mono_ms() + AGAIN_MS;
    return TELL_MS / 4;
}
