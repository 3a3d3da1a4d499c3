/* SPDX-License-Identifier: Apache-2.0 */
/* What evidence rests on at L1, asked there; and an equivocation, sent there. */
#include <inttypes.h>
#include <time.h>

#include "chain/rollup.h"
#include "cli/genesis.h"
#include "cli/l1.h"
#include "cli/verify.h"
#include "crypto/keccak.h"
#include "l1/contract.h"
#include "tenseq/batch.h"

#define PATIENCE_MS 5000u

static bool wait_ms(void *ctx, unsigned ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)ctx;
    nanosleep(&t, NULL);
    return true;
}

static int open_l1(struct cli_l1 *l, const struct verify_options *o, const struct ts_crypto *crypto,
                   const struct ts_evidence *e)
{
    *l = (struct cli_l1){.url = o->l1, .crypto = crypto, .wait = wait_ms};
    int code = cli_l1_open(l, PATIENCE_MS);
    if (code == TS_EXIT_OK && l->chain_id != e->genesis->l1_chain_id)
        code = cli_fail("L1 at %s is chain %" PRIu64 ", the network's is %" PRIu64, o->l1,
                        l->chain_id, e->genesis->l1_chain_id);
    return code;
}

/* ---- what is said of L1 ---------------------------------------------------------------------- */

static const char *ask_whitelist(struct cli_l1 *l, const struct ts_evidence *e)
{
    uint64_t number = e->batch.header.l1_number, newest = 0;
    ts_address list[TS_MAX_WHITELIST];
    size_t n = 0;
    ts_hash hash, header;
    ts_keccak256(e->l1_header, &header);
    if (cli_l1_newest(l, &newest) != TS_EXIT_OK)
        return "L1 does not tell its newest block";
    if (number > newest)
        return "L1 has no block of that number yet";
    if (cli_l1_block_at(l, number, number, &hash) != TS_EXIT_OK)
        return "L1 does not tell the block";
    if (!ts_hash_equal(&hash, &header))
        return "on L1 another block than the one in the file has that number";
    if (!ts_hash_equal(&header, &e->batch.header.l1_hash))
        return NULL; /* it is not the one that the batch names: that is the proof */
    if (cli_l1_list(l, &e->genesis->contract, number, list, &n) != TS_EXIT_OK)
        return "L1 does not tell the contract's list after that block";
    for (size_t i = 0; i < n && n == e->n_l1_list; i++) {
        bool is_there = false;
        for (size_t k = 0; k < e->n_l1_list; k++)
            is_there = is_there || ts_address_equal(&list[i], &e->l1_list[k]);
        if (!is_there)
            return "the contract's list after that block is not the one in the file";
    }
    return n == e->n_l1_list ? NULL
                             : "the contract's list after that block is not the one in the file";
}

/* It is not there (any more): what became of it, as far as L1's logs tell. */
static const char *say_gone(struct cli_l1 *l, const struct ts_evidence *e, char why[300])
{
    struct ts_l1_published what;
    uint64_t block;
    cli_l1_taken_back(l, &e->genesis->contract, e->genesis->l1_number, e->rollup.first_number,
                      &block, &what);
    if (block == 0)
        return "the contract has no such rollup now: it never took it, or governance took it back";
    snprintf(why, 300,
             "the contract has no such rollup now: governance took those of batches %" PRIu64
             " to %" PRIu64 " back in L1 block %" PRIu64,
             what.first_number, what.last_number, block);
    return why;
}

static const char *ask_rollup(struct cli_l1 *l, const struct ts_evidence *e, char why[300])
{
    struct ts_buf b;
    ts_bytes result;
    ts_hash digest, taken;
    ts_rollup_hash(&e->genesis->domain, &e->rollup, &digest);
    ts_buf_init(&b, 0);
    ts_l1_put_rollup_hash(&b, e->rollup.first_number);
    int code =
        cli_l1_view(l, "ask for the rollup", &e->genesis->contract, 0, ts_buf_bytes(&b), &result);
    ts_buf_free(&b);
    if (code != TS_EXIT_OK || ts_l1_read_hash(result, &taken) != TS_OK)
        return "L1 does not tell what rollup the contract took";
    return ts_hash_equal(&digest, &taken) ? NULL : say_gone(l, e, why);
}

/* The batch lists its own producer: the block that it names is L1's, and the contract's list after
 * that block has him. */
static const char *ask_grant(struct cli_l1 *l, const struct ts_evidence *e,
                             const struct ts_batch_header *h, char why[300])
{
    static const char *const problems[] = {
        "L1 does not tell its newest block",
        "L1 has no block yet of the number that it names",
        "L1 does not tell the block that it names",
        "on L1 the block that it names is another one",
        "L1 does not tell the contract's list after the block that it names",
        "the contract's list after the block that it names does not have its producer"};
    ts_address list[TS_MAX_WHITELIST];
    size_t n = 0, problem = 5;
    uint64_t newest = 0;
    ts_hash hash;
    if (cli_l1_newest(l, &newest) != TS_EXIT_OK)
        problem = 0;
    else if (h->l1_number > newest)
        problem = 1;
    else if (cli_l1_block_at(l, h->l1_number, h->l1_number, &hash) != TS_EXIT_OK)
        problem = 2;
    else if (!ts_hash_equal(&hash, &h->l1_hash))
        problem = 3;
    else if (cli_l1_list(l, &e->genesis->contract, h->l1_number, list, &n) != TS_EXIT_OK)
        problem = 4;
    for (size_t i = 0; problem == 5 && i < n; i++)
        if (ts_address_equal(&list[i], &h->producer))
            return NULL;
    snprintf(why, 300, "batch %" PRIu64 ", a grant, lists its own producer: %s", h->number,
             problems[problem]);
    return why;
}

static const char *ask(struct cli_l1 *l, const struct ts_evidence *e,
                       const struct ts_evidence_verdict *v, char why[300])
{
    const char *problem = NULL;
    for (size_t i = 0; problem == NULL && i < e->n_grants; i++)
        if ((v->own_grants >> i & 1) != 0)
            problem = ask_grant(l, e, &e->grants[i].header, why);
    if (problem == NULL && e->kind == TS_F_WHITELIST_MISMATCH)
        return ask_whitelist(l, e);
    if (problem == NULL && e->kind == TS_F_ROLLUP_MISMATCH)
        return ask_rollup(l, e, why);
    return problem;
}

const char *verify_on_l1(const struct verify_options *o, const struct ts_crypto *crypto,
                         const struct ts_evidence *e, const struct ts_evidence_verdict *v,
                         bool *asked, char why[300])
{
    struct cli_l1 l;
    const char *problem = NULL;
    if (!v->rests_on_l1)
        return NULL;
    if (open_l1(&l, o, crypto, e) != TS_EXIT_OK)
        problem = "what it says of L1 could not be asked";
    else
        problem = ask(&l, e, v, why);
    cli_l1_close(&l);
    *asked = true;
    return problem;
}

/* ---- an equivocation for the contract -------------------------------------------------------- */

static struct ts_l1_sealed sealed_of(const struct ts_sealed *s)
{
    struct ts_l1_sealed out = {.header = s->header, .seal = s->seal};
    ts_protocol_root(&s->parent_root, s->payload, &out.protocol_root);
    return out;
}

static int report(struct cli_l1 *l, const struct verify_options *o, const ts_address *registry,
                  const struct ts_evidence *e)
{
    const struct ts_l1_sealed one = sealed_of(&e->batch), other = sealed_of(&e->other);
    const char *what = "report the equivocation";
    char hex[TS_HASH_HEX_SIZE], contract[TS_ADDRESS_HEX_SIZE];
    struct cli_l1_account account;
    struct ts_l1_answer_receipt receipt = {0};
    struct ts_buf b;
    ts_hash tx;
    ts_buf_init(&b, 0);
    ts_l1_put_report_equivocation(&b, &one, &other);
    TS_CHECK(b.err == TS_OK);
    const struct cli_l1_tx call = {.what = what, .to = *registry, .data = ts_buf_bytes(&b)};
    int code = cli_l1_read_key("--key", o->key, &account.key);
    if (code == TS_EXIT_OK)
        code = cli_l1_account_of(l, &account.key, &account);
    if (code == TS_EXIT_OK)
        code = cli_l1_send(l, &account, &call, &tx);
    if (code == TS_EXIT_OK)
        code = cli_l1_mined(l, what, &tx, &receipt);
    ts_wipe(account.key.b, sizeof(account.key.b));
    ts_buf_free(&b);
    if (code == TS_EXIT_OK)
        printf("  reported: contract %s recorded it in L1 block %" PRIu64 ", transaction %s\n",
               ts_hex(registry->b, sizeof(registry->b), contract), receipt.block,
               ts_hex(tx.b, sizeof(tx.b), hex));
    return code;
}

int verify_submit(const struct verify_options *o, const struct ts_crypto *crypto,
                  const struct ts_evidence *e)
{
    const struct ts_genesis *g = e->genesis;
    struct cli_l1 l;
    bool has_code = false;
    if (e->kind != TS_F_EQUIVOCATION)
        return cli_fail("the contract takes equivocations alone");
    if (g->l1_chain_id == 0)
        return cli_fail("the network has no L1: there is nobody to report it to");
    ts_address registry = ts_address_is_zero(&o->registry) ? g->contract : o->registry;
    if (!ts_address_equal(&registry, &g->contract))
        return cli_fail("--registry is another contract than the one that the seals are bound to");
    int code = open_l1(&l, o, crypto, e);
    if (code == TS_EXIT_OK)
        code = cli_l1_has_code(&l, &registry, &has_code);
    if (code == TS_EXIT_OK && !has_code)
        code = cli_fail("no contract stands at that address on L1");
    if (code == TS_EXIT_OK)
        code = report(&l, o, &registry, e);
    cli_l1_close(&l);
    return code;
}
