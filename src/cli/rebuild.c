/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq rebuild: the chain from L1 alone, and its payloads from any peer. */
#include "cli/rebuild.h"

#include <errno.h>

#include "chain/genesis_json.h"
#include "cli/l1.h"
#include "crypto/sign.h"
#include "l1/client.h"
#include "l1/contract.h"

#define GENESIS_MAX (16u * 1024 * 1024)
#define ANSWER_MS   10000u

static const char *check_peer(const char *value)
{
    if (strncmp(value, "ws://", 5) == 0 && value[5] != 0)
        return NULL;
    return cli_check_url(value) == NULL
               ? NULL
               : "is no URL such as http://127.0.0.1:9010 or ws://127.0.0.1:9010/feed";
}

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct rebuild_options, l1, "l1", TS_CFG_STRING,
           .flags = TS_CFG_REQUIRED | TS_CFG_SECRET, .value_name = "URL", .check = cli_check_url,
           .help = "JSON-RPC of an L1 node"),
    TS_CFG(struct rebuild_options, registry, "registry", TS_CFG_ADDRESS, .flags = TS_CFG_REQUIRED,
           .value_name = "ADDR", .help = "the management contract on L1"),
    TS_CFG(struct rebuild_options, out, "out", TS_CFG_PATH, .flags = TS_CFG_REQUIRED,
           .value_name = "DIR",
           .help = "directory that is filled; one that is partly filled is gone on with"),
    TS_CFG(struct rebuild_options, genesis, "genesis", TS_CFG_PATH,
           .help = "genesis file: L1 has only its hash, which is compared"),
    TS_CFG(struct rebuild_options, payloads, "payloads", TS_CFG_LIST, .item = TS_CFG_STRING,
           .value_name = "URL", .check = check_peer,
           .help = "nodes (JSON-RPC, or ws:// for the feed) that payloads are fetched from"),
    TS_CFG(struct rebuild_options, confirmations, "l1-confirmations", TS_CFG_U64, .def = "2",
           .max = 256,
           .help = "blocks from an L1 block to the newest, both counted, until it counts; 0: when "
                   "L1 says it is final"),
    TS_CFG(struct rebuild_options, patience_ms, "patience", TS_CFG_MS, .def = "1m", .min = 1000,
           .help = "how long L1 or a peer may give nothing until this gives up"),
    TS_CFG(struct rebuild_options, json, "json", TS_CFG_BOOL, .help = "print JSON"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq rebuild",
    .summary = "Rebuilds a chain from L1 alone: every header, hash and transaction, byte for byte; "
               "with --payloads also whole batches, whose payloads are checked against L1.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .lenient_env = true,
    .no_file = true,
    .epilogue = "DIR then holds rebuilt/ (RLP of [header, transactions], 10,000 batches a file, "
                "with an index\nof ends and hashes), batches/ (whole batches, likewise), "
                "rollups.rlp, genesis.rlp and summary.json.\nCut off at any moment, the same "
                "command goes on.\n",
};

/* ---- the genesis ---- */

static int read_genesis_file(struct rebuild *b)
{
    const char *path = b->o.genesis;
    char why[256];
    char *text = malloc(GENESIS_MAX);
    TS_CHECK(text != NULL);
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(text, 1, GENESIS_MAX, f) : 0;
    int code = TS_EXIT_OK;
    if (f == NULL || ferror(f))
        code = cli_fail("--genesis %s: it cannot be read: %s", path, strerror(errno));
    else if (ts_genesis_from_json(text, n, &b->genesis, why, sizeof(why)) != TS_OK)
        code = cli_fail("%s: %s", path, why);
    if (f != NULL)
        fclose(f);
    free(text);
    return code;
}

/* The first peer that tells one. What it tells is as good as its hash. */
static int ask_genesis(struct rebuild *b, const ts_hash *hash)
{
    char why[512], hex[TS_HASH_HEX_SIZE], last[600] = "";
    struct ts_buf raw;
    ts_buf_init(&raw, GENESIS_MAX);
    for (size_t i = 0; i < b->o.payloads.n; i++) {
        const char *url = b->o.payloads.items[i];
        ts_err err = rebuild_peer_genesis(url, &raw, why, sizeof(why));
        if (err == TS_OK) {
            err = ts_genesis_decode(ts_buf_bytes(&raw), &b->genesis);
            if (err == TS_OK && ts_hash_equal(&b->genesis.hash, hash)) {
                ts_buf_free(&raw);
                return TS_EXIT_OK;
            }
            ts_genesis_free(&b->genesis);
            (void)snprintf(why, sizeof(why), "%s gives another network's genesis", url);
        }
        (void)snprintf(last, sizeof(last), " (%s)", why);
    }
    ts_buf_free(&raw);
    return cli_fail("the contract holds only the hash of the genesis, %s: give --genesis FILE, or "
                    "--payloads URL of a node that tells it%s",
                    ts_hex(hash->b, sizeof(hash->b), hex), last);
}

/* ---- what the contract says ---- */

static bool keep_waiting(void *ctx, unsigned ms)
{
    (void)ctx;
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
    return true;
}

static int view(struct cli_l1 *l, const ts_address *contract, void (*put)(struct ts_buf *b),
                const char *what, ts_bytes *result)
{
    struct ts_buf data;
    struct ts_l1_answer a;
    ts_buf_init(&data, 0);
    put(&data);
    TS_CHECK(data.err == TS_OK);
    const struct ts_l1_call call = {
        .method = TS_L1_VIEW, .tag = TS_L1_LATEST, .to = *contract, .data = ts_buf_bytes(&data)};
    ts_l1_client_ask(l->url, &call, ANSWER_MS, &l->arena, &a);
    ts_buf_free(&data);
    if (a.err != TS_OK && a.err != TS_E_L1_REVERT)
        return cli_fail("cannot %s: %s", what, a.text);
    *result = a.err == TS_OK ? a.u.bytes : ts_bytes_of(NULL, 0);
    return TS_EXIT_OK;
}

static int read_contract(struct rebuild *b, struct cli_l1 *l, ts_hash *hash)
{
    char hex[TS_ADDRESS_HEX_SIZE];
    ts_bytes result = {NULL, 0};
    bool has_code = false;
    const ts_address *at = &b->o.registry;
    (void)ts_hex(at->b, sizeof(at->b), hex);
    int code = cli_l1_has_code(l, at, &has_code);
    if (code != TS_EXIT_OK)
        return code;
    if (!has_code)
        return cli_fail("there is no contract at %s on L1", hex);
    code = view(l, at, ts_l1_put_genesis_hash, "read the genesis hash of the contract", &result);
    if (code != TS_EXIT_OK)
        return code;
    if (ts_l1_read_hash(result, hash) != TS_OK)
        return cli_fail("the contract at %s has no genesisHash(): it holds no rollups", hex);
    if (ts_hash_is_zero(hash))
        return cli_fail("the contract at %s has no genesis hash yet: there is nothing to rebuild",
                        hex);
    code = view(l, at, ts_l1_put_last_number, "read the last rollup of the contract", &result);
    if (code == TS_EXIT_OK && ts_l1_read_u64(result, &b->l1_last) != TS_OK)
        code = cli_fail("lastNumber() of the contract at %s gives no number", hex);
    return code;
}

/* The newest block that counts. */
static int read_end(struct rebuild *b, struct cli_l1 *l)
{
    uint64_t c = b->o.confirmations, newest = 0;
    if (c > 0) {
        int code = cli_l1_newest(l, &newest);
        b->l1_end = newest + 1 > c ? newest + 1 - c : 0;
        return code;
    }
    const struct ts_l1_call call = {.method = TS_L1_BLOCK, .tag = TS_L1_FINALIZED};
    struct ts_l1_answer a;
    ts_l1_client_ask(l->url, &call, ANSWER_MS, &l->arena, &a);
    if (a.err != TS_OK || !a.u.block.found)
        return cli_fail("cannot read L1's final block: %s",
                        a.err != TS_OK ? a.text : "the L1 node has none");
    b->l1_end = a.u.block.number;
    return TS_EXIT_OK;
}

static int compare_genesis(const struct rebuild *b, const struct cli_l1 *l, const ts_hash *hash)
{
    char is[TS_HASH_HEX_SIZE], want[TS_HASH_HEX_SIZE], at[TS_ADDRESS_HEX_SIZE];
    const struct ts_genesis *g = &b->genesis;
    if (!ts_hash_equal(&g->hash, hash))
        return cli_fail("%s is the genesis %s, the contract on L1 is of %s", b->o.genesis,
                        ts_hex(g->hash.b, sizeof(g->hash.b), is),
                        ts_hex(hash->b, sizeof(hash->b), want));
    if (!ts_address_equal(&g->contract, &b->o.registry))
        return cli_fail("the contract of the genesis is %s, not that of --registry",
                        ts_hex(g->contract.b, sizeof(g->contract.b), at));
    if (g->l1_chain_id != l->chain_id)
        return cli_fail("the L1 node serves chain %llu, the genesis names %llu",
                        (unsigned long long)l->chain_id, (unsigned long long)g->l1_chain_id);
    return TS_EXIT_OK;
}

/* What L1 says now, and the genesis that fits it. */
static int look_at_l1(struct rebuild *b)
{
    struct cli_l1 l = {.url = b->o.l1, .crypto = b->crypto, .wait = keep_waiting};
    ts_hash hash;
    int code = cli_l1_open(&l, (unsigned)b->o.patience_ms);
    if (code == TS_EXIT_OK)
        code = read_contract(b, &l, &hash);
    if (code == TS_EXIT_OK)
        code = read_end(b, &l);
    if (code == TS_EXIT_OK)
        code = b->o.genesis != NULL ? read_genesis_file(b) : ask_genesis(b, &hash);
    if (code == TS_EXIT_OK)
        code = compare_genesis(b, &l, &hash);
    cli_l1_close(&l);
    return code;
}

/* ---- the summary ---- */

static json_t *hash_json(const ts_hash *h)
{
    char hex[TS_HASH_HEX_SIZE];
    return json_string(ts_hex(h->b, sizeof(h->b), hex));
}

static json_t *payloads_json(const struct rebuild *b)
{
    if (b->o.payloads.n == 0)
        return json_null();
    return json_pack("{s:I,s:o,s:O}", "last", (json_int_t)b->fold.number, "protocolRoot",
                     hash_json(&b->fold.root), "faults", b->faults);
}

static json_t *summary(const struct rebuild *b)
{
    char at[TS_ADDRESS_HEX_SIZE];
    const struct ts_head *h = &b->head;
    uint64_t rate = b->seconds > 0 ? (uint64_t)((double)(h->number - b->before) / b->seconds) : 0;
    return json_pack(
        "{s:i,s:o,s:{s:I,s:s,s:I},s:{s:I,s:o,s:I,s:I,s:o,s:o},s:I,s:I,s:I,s:f,s:I,s:o}", "format",
        1, "genesis", hash_json(&b->genesis.hash), "l1", "chainId",
        (json_int_t)b->genesis.l1_chain_id, "registry",
        ts_hex(b->o.registry.b, sizeof(b->o.registry.b), at), "block", (json_int_t)b->l1_end,
        "last", "number", (json_int_t)h->number, "hash", hash_json(&h->hash), "time",
        (json_int_t)h->time, "term", (json_int_t)h->term, "stateRoot", hash_json(&h->state_root),
        "protocolRoot", hash_json(&h->protocol_root), "rollups", (json_int_t)b->rollups,
        "transactions", (json_int_t)b->dir.n_txs, "rebuilt", (json_int_t)(h->number - b->before),
        "seconds", b->seconds, "batchesPerSecond", (json_int_t)rate, "payloads", payloads_json(b));
}

static void print(const struct rebuild *b)
{
    char hex[TS_HASH_HEX_SIZE];
    const struct ts_head *h = &b->head;
    if (h->number == 0) {
        printf("there is no rollup on L1 up to its block %llu\n", (unsigned long long)b->l1_end);
        return;
    }
    printf("rebuilt from L1 up to its block %llu: batches 1 to %llu\n",
           (unsigned long long)b->l1_end, (unsigned long long)h->number);
    printf("  rollups         %llu\n", (unsigned long long)b->rollups);
    printf("  transactions    %llu\n", (unsigned long long)b->dir.n_txs);
    printf("  last batch      %s\n", ts_hex(h->hash.b, sizeof(h->hash.b), hex));
    printf("  protocol root   %s\n", ts_hex(h->protocol_root.b, sizeof(h->hash.b), hex));
    if (h->number > b->before)
        printf("  this run        %llu batches in %.1f s, %.0f a second\n",
               (unsigned long long)(h->number - b->before), b->seconds,
               b->seconds > 0 ? (double)(h->number - b->before) / b->seconds : 0);
    if (b->o.payloads.n > 0)
        printf("  payloads        all %llu are those of the protocol root on L1\n",
               (unsigned long long)b->fold.number);
    printf("  in              %s\n", b->o.out);
}

static int finish(struct rebuild *b)
{
    json_t *s = summary(b);
    char *text =
        s == NULL ? NULL
                  : json_dumps(s, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    if (text == NULL) {
        json_decref(s);
        return cli_fail("%s", ts_err_text(TS_E_NOMEM));
    }
    ts_err err = ts_dir_put(&b->dir, "summary.json", ts_bytes_of(text, strlen(text)));
    free(text);
    if (err == TS_OK && b->o.json)
        cli_print_json(json_incref(s));
    else if (err == TS_OK)
        print(b);
    json_decref(s);
    return err == TS_OK ? TS_EXIT_OK : cli_fail("%s", b->dir.why);
}

static int run(struct rebuild *b)
{
    int code = look_at_l1(b);
    if (code == TS_EXIT_OK)
        code = rebuild_from_l1(b);
    if (code == TS_EXIT_OK && b->o.payloads.n > 0)
        code = rebuild_payloads(b);
    if (code == TS_EXIT_OK)
        code = finish(b);
    ts_dir_close(&b->dir);
    return code;
}

int verb_rebuild(int argc, char **argv)
{
    struct rebuild b = {.dir = {.lock = -1}};
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &b.o, &cfg);
    if (code >= 0)
        return code;
    b.crypto = ts_crypto_secp256k1(NULL);
    b.faults = json_array();
    TS_CHECK(b.crypto != NULL && b.faults != NULL);
    code = run(&b);
    json_decref(b.faults);
    ts_genesis_free(&b.genesis);
    ts_crypto_free(b.crypto);
    ts_cfg_free(cfg);
    return code;
}
