/* SPDX-License-Identifier: Apache-2.0 */
/* The devnet's management contract: deployed or found, listing the enclaves, bound to the genesis.
 * The steps and their order: docs/contracts.md. */
#include <jansson.h>

#include "cli/cli.h"
#include "cli/devnet_l1.h"
#include "l1/contract.h"

#define MAX_CODE  (64u * 1024)
#define GRANT_GAS 300000u /* where nothing can be estimated: the contract is not mined yet */
#define DAY_S     86400u

/* Anvil's blocks do not go away; of another L1 the newest may. */
static uint64_t confirmations(const struct devnet_l1 *l)
{
    return l->kind == DEVNET_L1_ANVIL ? 1 : 2;
}

/* ---- deploying ---- */

static int read_code(const struct devnet_l1 *l, struct ts_buf *out)
{
    json_error_t error;
    json_t *artifact = json_load_file(l->artifact, 0, &error);
    const char *hex = json_string_value(json_object_get(artifact, "bytecode"));
    size_t n = hex != NULL ? strlen(hex) / 2 : 0;
    bool good = n > 1 && n <= MAX_CODE;
    uint8_t *p = good ? ts_buf_extend(out, n - 1) : NULL;
    good = p != NULL && ts_unhex(hex, p, n - 1) == TS_OK;
    json_decref(artifact);
    return good ? TS_EXIT_OK
                : cli_fail("%s holds no contract: its \"bytecode\" is missing or is no hexadecimal "
                           "number",
                           l->artifact);
}

/* constructor(address governance, address operator, BondParams): 1 ETH at the least, all of it
 * lost with one proof, a tenth of that to the reporter. On an L1 that is not the devnet's own the
 * bond is 0, for it would be somebody's money. */
static void put_arguments(const struct devnet_l1 *l, struct ts_buf *b)
{
    bool is_own = l->kind == DEVNET_L1_ANVIL;
    uint64_t wei = is_own ? UINT64_C(1000000000000000000) : 0;
    ts_abi_put_address(b, &l->governance.address);
    ts_abi_put_address(b, &l->operator.address);
    ts_abi_put_u64(b, wei);
    ts_abi_put_u64(b, wei);
    ts_abi_put_u64(b, 1000);
    ts_abi_put_u64(b, DAY_S);
    ts_abi_put_address(b, &l->governance.address);
}

static int deploy(struct devnet_l1 *l, ts_hash *tx)
{
    struct ts_buf code;
    ts_buf_init(&code, 0);
    int exit_code = read_code(l, &code);
    put_arguments(l, &code);
    TS_CHECK(exit_code != TS_EXIT_OK || code.err == TS_OK);
    ts_l1_created_address(&l->governance.address, l->governance.nonce, &l->o.registry);
    const struct cli_l1_tx create = {
        .what = "deploy the management contract", .creates = true, .data = ts_buf_bytes(&code)};
    if (exit_code == TS_EXIT_OK)
        exit_code = cli_l1_send(&l->rpc, &l->governance, &create, tx);
    ts_buf_free(&code);
    return exit_code;
}

/* ---- the list ---- */

static int grant(struct devnet_l1 *l, const ts_address *id, ts_hash *tx)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_l1_put_grant(&b, id);
    const struct cli_l1_tx call = {.what = "put an enclave on the contract's list",
                                   .to = l->o.registry,
                                   .data = ts_buf_bytes(&b),
                                   .gas = l->o.has_registry ? 0 : GRANT_GAS};
    int code = cli_l1_send(&l->rpc, &l->governance, &call, tx);
    ts_buf_free(&b);
    return code;
}

static int mined(struct devnet_l1 *l, const char *what, const ts_hash *tx, uint64_t *newest)
{
    struct ts_l1_answer_receipt receipt = {0};
    int code = cli_l1_mined(&l->rpc, what, tx, &receipt);
    if (code == TS_EXIT_OK && receipt.block > *newest)
        *newest = receipt.block;
    return code;
}

/* All are sent before the first is waited for: they take one block. */
static int grant_all(struct devnet_l1 *l, const ts_address *ids, size_t n, const ts_address *have,
                     size_t n_have, uint64_t *newest)
{
    ts_hash txs[TS_MAX_WHITELIST];
    size_t sent = 0;
    int code = TS_EXIT_OK;
    for (size_t i = 0; i < n && code == TS_EXIT_OK; i++)
        if (!ts_address_among(have, n_have, &ids[i]))
            code = grant(l, &ids[i], &txs[sent++]);
    for (size_t i = 0; i < sent && code == TS_EXIT_OK; i++)
        code = mined(l, "put an enclave on the contract's list", &txs[i], newest);
    return code;
}

/* ---- a contract that is there ---- */

static int read_genesis_hash(struct devnet_l1 *l, ts_hash *out)
{
    struct ts_buf b;
    ts_bytes result;
    bool is_there;
    char hex[TS_ADDRESS_HEX_SIZE];
    ts_hex(l->o.registry.b, sizeof(l->o.registry.b), hex);
    int code = cli_l1_has_code(&l->rpc, &l->o.registry, &is_there);
    if (code != TS_EXIT_OK)
        return code;
    if (!is_there)
        return cli_fail("there is no contract at %s on this L1 (chain id %llu)", hex,
                        (unsigned long long)l->rpc.chain_id);
    ts_buf_init(&b, 0);
    ts_l1_put_genesis_hash(&b);
    code = cli_l1_view(&l->rpc, "read the contract's genesis", &l->o.registry, 0, ts_buf_bytes(&b),
                       &result);
    ts_buf_free(&b);
    if (code == TS_EXIT_OK && ts_l1_read_hash(result, out) != TS_OK)
        code = cli_fail("the contract at %s is no management contract: it tells no genesis", hex);
    return code;
}

/* The list now; all on it must be this devnet's. */
static int read_list(struct devnet_l1 *l, const ts_address *ids, size_t n, ts_address *have,
                     size_t *n_have)
{
    char hex[TS_ADDRESS_HEX_SIZE];
    int code = cli_l1_list(&l->rpc, &l->o.registry, 0, have, n_have);
    for (size_t i = 0; code == TS_EXIT_OK && i < *n_have; i++)
        if (!ts_address_among(ids, n, &have[i]))
            code = cli_fail("the contract lists the enclave %s, which is none of this devnet",
                            ts_hex(have[i].b, sizeof(have[i].b), hex));
    return code;
}

static int join_contract(struct devnet_l1 *l, const ts_address *ids, size_t n, uint64_t *newest)
{
    ts_address have[TS_MAX_WHITELIST];
    size_t n_have = 0;
    ts_hash genesis;
    char hex[TS_HASH_HEX_SIZE];
    int code = read_genesis_hash(l, &genesis);
    if (code == TS_EXIT_OK && !ts_hash_is_zero(&genesis))
        code = cli_fail("the contract is already that of the network with genesis %s, which is not "
                        "in %s: give the --data-dir of that network, or a contract that has no "
                        "genesis yet",
                        ts_hex(genesis.b, sizeof(genesis.b), hex), l->dir);
    else if (code == TS_EXIT_OK && !l->has_keys)
        code = cli_fail("the contract has no genesis yet: give --l1-key FILE with the key of its "
                        "governance");
    if (code == TS_EXIT_OK)
        code = read_list(l, ids, n, have, &n_have);
    if (code == TS_EXIT_OK)
        code = grant_all(l, ids, n, have, n_have, newest);
    return code;
}

/* ---- a new network ---- */

static int deploy_contract(struct devnet_l1 *l, const ts_address *ids, size_t n, uint64_t *newest)
{
    ts_hash tx;
    TS_CHECK(l->has_keys); /* devnet_l1_find */
    int code = deploy(l, &tx);
    if (code == TS_EXIT_OK)
        code = grant_all(l, ids, n, NULL, 0, newest);
    if (code == TS_EXIT_OK)
        code = mined(l, "deploy the management contract", &tx, newest);
    return code;
}

int devnet_l1_found(struct devnet_l1 *l, const ts_address *ids, size_t n, struct ts_genesis *g)
{
    uint64_t at = 0;
    if (l->kind == DEVNET_L1_NONE)
        return TS_EXIT_OK;
    TS_CHECK(n <= TS_MAX_WHITELIST);
    int code = l->o.has_registry ? join_contract(l, ids, n, &at) : deploy_contract(l, ids, n, &at);
    if (code == TS_EXIT_OK && at == 0)
        code = cli_l1_newest(&l->rpc, &at); /* nothing had to be sent */
    if (code == TS_EXIT_OK)
        code = cli_l1_block_at(&l->rpc, at + confirmations(l) - 1, at, &g->l1_hash);
    if (code != TS_EXIT_OK)
        return code;
    l->o.has_registry = true;
    g->l1_chain_id = l->rpc.chain_id;
    g->contract = l->o.registry;
    g->l1_number = at;
    return TS_EXIT_OK;
}

/* ---- the genesis ---- */

static int is_of_genesis(struct devnet_l1 *l, const struct ts_genesis *g)
{
    char hex[TS_ADDRESS_HEX_SIZE];
    ts_hex(g->contract.b, sizeof(g->contract.b), hex);
    if (l->kind == DEVNET_L1_NONE && g->l1_chain_id != 0)
        return cli_fail("the network in %s has an L1 (chain id %llu, contract %s): start it with "
                        "that, not with --l1 none",
                        l->dir, (unsigned long long)g->l1_chain_id, hex);
    if (l->kind != DEVNET_L1_NONE && g->l1_chain_id == 0)
        return cli_fail("the network in %s was made without an L1: start it with --l1 none, or "
                        "give another --data-dir",
                        l->dir);
    if (l->kind != DEVNET_L1_NONE && l->rpc.chain_id != g->l1_chain_id)
        return cli_fail("the L1 has the chain id %llu, and the network in %s was made on %llu",
                        (unsigned long long)l->rpc.chain_id, l->dir,
                        (unsigned long long)g->l1_chain_id);
    if (l->o.has_registry && !ts_address_equal(&l->o.registry, &g->contract))
        return cli_fail("the network in %s has the contract %s, which is not that of --registry",
                        l->dir, hex);
    return TS_EXIT_OK;
}

static int send_and_wait(struct devnet_l1 *l, struct cli_l1_account *from,
                         const struct cli_l1_tx *tx)
{
    ts_hash hash;
    uint64_t at = 0;
    int code = cli_l1_send(&l->rpc, from, tx, &hash);
    return code == TS_EXIT_OK ? mined(l, tx->what, &hash, &at) : code;
}

static int set_genesis(struct devnet_l1 *l, const struct ts_genesis *g)
{
    struct ts_buf b;
    if (!l->has_keys)
        return cli_fail("the contract has no genesis yet: give --l1-key FILE with the key of its "
                        "governance");
    ts_buf_init(&b, 0);
    ts_l1_put_set_genesis(&b, &g->hash);
    const struct cli_l1_tx set = {
        .what = "set the contract's genesis", .to = l->o.registry, .data = ts_buf_bytes(&b)};
    int code = send_and_wait(l, &l->governance, &set);
    ts_buf_reset(&b);
    ts_l1_put_post_bond(&b);
    struct cli_l1_tx bond = {
        .what = "post the operator's bond", .to = l->o.registry, .data = ts_buf_bytes(&b)};
    TS_CHECK(ts_u256_parse("10000000000000000000", &bond.value) == TS_OK);
    if (code == TS_EXIT_OK && l->kind == DEVNET_L1_ANVIL)
        code = send_and_wait(l, &l->operator, & bond);
    ts_buf_free(&b);
    return code;
}

int devnet_l1_bind(struct devnet_l1 *l, const struct ts_genesis *g)
{
    ts_hash now;
    char hex[TS_HASH_HEX_SIZE];
    int code = is_of_genesis(l, g);
    if (code != TS_EXIT_OK || l->kind == DEVNET_L1_NONE)
        return code;
    l->o.has_registry = true;
    l->o.registry = g->contract;
    code = read_genesis_hash(l, &now);
    if (code != TS_EXIT_OK || ts_hash_equal(&now, &g->hash))
        return code;
    if (ts_hash_is_zero(&now))
        return set_genesis(l, g);
    return cli_fail("the contract is that of another network: its genesis is %s",
                    ts_hex(now.b, sizeof(now.b), hex));
}

int devnet_l1_is_registered(struct devnet_l1 *l, const ts_address *id, bool *out)
{
    struct ts_buf b;
    ts_bytes result;
    *out = true;
    if (l->kind == DEVNET_L1_NONE)
        return TS_EXIT_OK;
    ts_buf_init(&b, 0);
    ts_l1_put_is_attested(&b, id);
    int code = cli_l1_view(&l->rpc, "ask the contract for an enclave", &l->o.registry, 0,
                           ts_buf_bytes(&b), &result);
    ts_buf_free(&b);
    if (code == TS_EXIT_OK && ts_l1_read_bool(result, out) != TS_OK)
        code = cli_fail("the contract does not say whether an enclave has registered");
    return code;
}
