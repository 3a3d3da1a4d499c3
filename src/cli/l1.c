/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/l1.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/genesis.h"
#include "crypto/sign.h"
#include "l1/client.h"
#include "l1/contract.h"

#define ANSWER_MS 5000u
#define LOOK_MS   100u
#define MINED_MS  120000u
#define GWEI      UINT64_C(1000000000)

static void ask(struct cli_l1 *l, const struct ts_l1_call *call, struct ts_l1_answer *out)
{
    ts_l1_client_ask(l->url, call, ANSWER_MS, &l->arena, out);
}

/* The same, for an answer that there has to be. */
static int need(struct cli_l1 *l, const char *what, const struct ts_l1_call *call,
                struct ts_l1_answer *out)
{
    ask(l, call, out);
    return out->err == TS_OK ? TS_EXIT_OK : cli_fail("cannot %s: %s", what, out->text);
}

int cli_l1_open(struct cli_l1 *l, unsigned patience_ms)
{
    static const struct ts_l1_call call = {.method = TS_L1_CHAIN_ID};
    struct ts_l1_answer answer;
    ts_time until = cli_unix_ms() + patience_ms;
    ts_arena_init(&l->arena, 0);
    for (;;) {
        ask(l, &call, &answer);
        if (answer.err == TS_OK) {
            l->chain_id = answer.u.number;
            return TS_EXIT_OK;
        }
        if (answer.err != TS_E_CLOSED || cli_unix_ms() >= until)
            return cli_fail("L1 does not answer: %s", answer.text);
        if (!l->wait(l->wait_ctx, LOOK_MS))
            return TS_EXIT_FAILED;
    }
}

void cli_l1_close(struct cli_l1 *l)
{
    ts_arena_free(&l->arena);
}

int cli_l1_read_key(const char *flag, const char *path, ts_secret *out)
{
    char text[80] = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int failed = errno;
        if (fd >= 0)
            close(fd);
        return cli_fail("%s %s: it cannot be read: %s", flag, path, strerror(failed));
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r' || text[n - 1] == ' '))
        text[--n] = 0;
    bool good = n > 0 && ts_unhex(text, out->b, sizeof(out->b)) == TS_OK;
    ts_wipe(text, sizeof(text));
    if ((st.st_mode & 077) != 0)
        return cli_fail("%s %s can be read by others than its owner: chmod 600 it", flag, path);
    return good ? TS_EXIT_OK
                : cli_fail("%s %s holds no secret key: 0x and 64 hexadecimal digits", flag, path);
}

int cli_l1_account_of(struct cli_l1 *l, const ts_secret *key, struct cli_l1_account *out)
{
    struct ts_l1_call call = {.method = TS_L1_NONCE, .tag = TS_L1_PENDING};
    struct ts_l1_answer answer;
    out->key = *key;
    if (ts_address_of_key(l->crypto, key, &out->address) != TS_OK)
        return cli_fail("a key for L1 is none: it is zero or not below the order of the curve");
    call.address = out->address;
    int code = need(l, "look up the account's nonce on L1", &call, &answer);
    if (code == TS_EXIT_OK)
        out->nonce = answer.u.number;
    return code;
}

int cli_l1_has_code(struct cli_l1 *l, const ts_address *contract, bool *out)
{
    const struct ts_l1_call call = {
        .method = TS_L1_CODE, .tag = TS_L1_LATEST, .address = *contract};
    struct ts_l1_answer answer;
    int code = need(l, "look for the contract on L1", &call, &answer);
    if (code == TS_EXIT_OK)
        *out = answer.u.bytes.n > 0;
    return code;
}

/* Whether the contract stands after block at. An error: the L1 node does not know (any more). */
static ts_err has_code_at(struct cli_l1 *l, const ts_address *contract, uint64_t at, bool *out)
{
    const struct ts_l1_call call = {
        .method = TS_L1_CODE, .tag = TS_L1_AT_NUMBER, .number = at, .address = *contract};
    struct ts_l1_answer answer;
    ask(l, &call, &answer);
    if (answer.err == TS_OK)
        *out = answer.u.bytes.n > 0;
    return answer.err;
}

/* The first block after which the contract stands: not after without, but after with. 0: the L1
 * node does not have states that old. */
static uint64_t deployed_in(struct cli_l1 *l, const ts_address *contract, uint64_t without,
                            uint64_t with)
{
    while (with - without > 1) {
        uint64_t middle = without + (with - without) / 2;
        bool is_there;
        if (has_code_at(l, contract, middle, &is_there) != TS_OK)
            return 0;
        if (is_there)
            with = middle;
        else
            without = middle;
    }
    return with;
}

int cli_l1_check_code(struct cli_l1 *l, const ts_address *contract, uint64_t at, uint64_t newest)
{
    bool is_there = true;
    char hex[TS_ADDRESS_HEX_SIZE];
    if (has_code_at(l, contract, at, &is_there) != TS_OK || is_there)
        return TS_EXIT_OK; /* what is asked of it will say what is wrong */
    ts_hex(contract->b, sizeof(contract->b), hex);
    if (at >= newest || has_code_at(l, contract, newest, &is_there) != TS_OK || !is_there)
        return cli_fail("there is no contract at %s on L1 at %s (chain id %llu)", hex, l->url,
                        (unsigned long long)l->chain_id);
    uint64_t since = deployed_in(l, contract, at, newest);
    if (since == 0)
        return cli_fail("the contract %s is not there yet at L1 block %llu: it was deployed later",
                        hex, (unsigned long long)at);
    return cli_fail("the contract %s is not there yet at L1 block %llu: it was deployed in block "
                    "%llu; --l1-number takes that or a later one",
                    hex, (unsigned long long)at, (unsigned long long)since);
}

int cli_l1_view(struct cli_l1 *l, const char *what, const ts_address *contract, uint64_t at,
                ts_bytes data, ts_bytes *result)
{
    const struct ts_l1_call call = {.method = TS_L1_VIEW,
                                    .tag = at != 0 ? TS_L1_AT_NUMBER : TS_L1_LATEST,
                                    .number = at,
                                    .to = *contract,
                                    .data = data};
    struct ts_l1_answer answer;
    int code = need(l, what, &call, &answer);
    if (code == TS_EXIT_OK)
        *result = answer.u.bytes;
    return code;
}

int cli_l1_list(struct cli_l1 *l, const ts_address *contract, uint64_t at, ts_address *list,
                size_t *n)
{
    struct ts_buf b;
    ts_bytes result;
    ts_buf_init(&b, 0);
    ts_l1_put_sequencers(&b);
    int code = cli_l1_view(l, "read the contract's list", contract, at, ts_buf_bytes(&b), &result);
    ts_buf_free(&b);
    if (code == TS_EXIT_OK && ts_l1_read_addresses(result, list, TS_MAX_WHITELIST, n) != TS_OK)
        code = cli_fail("the contract does not tell its list: it is no management contract");
    return code;
}

void cli_l1_taken_back(struct cli_l1 *l, const ts_address *contract, uint64_t from, uint64_t number,
                       uint64_t *block, struct ts_l1_published *what)
{
    static const struct ts_l1_call newest = {.method = TS_L1_BLOCK, .tag = TS_L1_LATEST};
    struct ts_l1_answer answer;
    ts_hash topic;
    *block = 0;
    ask(l, &newest, &answer);
    if (answer.err != TS_OK || !answer.u.block.found)
        return;
    ts_l1_event_topic(TS_L1_ROLLED_BACK, &topic);
    const struct ts_l1_call call = {.method = TS_L1_LOGS,
                                    .from = from,
                                    .to_block = answer.u.block.number,
                                    .address = *contract,
                                    .topics = &topic,
                                    .n_topics = 1};
    ask(l, &call, &answer);
    for (size_t i = 0; answer.err == TS_OK && i < answer.u.logs.n; i++) {
        struct ts_l1_event e;
        if (ts_l1_read_event(&answer.u.logs.log[i], &e) != TS_OK || e.kind != TS_L1_ROLLED_BACK ||
            number < e.published.first_number || number > e.published.last_number)
            continue;
        *block = answer.u.logs.log[i].block;
        *what = e.published;
    }
}

static int fill_fees(struct cli_l1 *l, struct ts_l1_tx *out)
{
    static const struct ts_l1_call call = {.method = TS_L1_FEES};
    struct ts_l1_answer answer;
    int code = need(l, "look up the fees of L1", &call, &answer);
    if (code != TS_EXIT_OK)
        return code;
    out->max_priority = answer.u.fees.tip > GWEI ? answer.u.fees.tip : GWEI;
    out->max_fee = 2 * answer.u.fees.base_fee + out->max_priority;
    return TS_EXIT_OK;
}

static int fill_gas(struct cli_l1 *l, const struct cli_l1_account *from, const struct cli_l1_tx *tx,
                    struct ts_l1_tx *out)
{
    const struct ts_l1_call call = {.method = TS_L1_ESTIMATE,
                                    .tag = TS_L1_PENDING,
                                    .address = from->address,
                                    .to = tx->to,
                                    .creates = tx->creates,
                                    .value = tx->value,
                                    .data = tx->data};
    struct ts_l1_answer answer;
    out->gas = tx->gas;
    if (tx->gas != 0)
        return TS_EXIT_OK;
    int code = need(l, tx->what, &call, &answer);
    if (code == TS_EXIT_OK)
        out->gas = answer.u.number + answer.u.number / 5;
    return code;
}

static int send_signed(struct cli_l1 *l, const struct cli_l1_account *from, const char *what,
                       const struct ts_l1_tx *tx, ts_hash *hash)
{
    struct ts_buf raw;
    struct ts_l1_answer answer;
    ts_buf_init(&raw, 0);
    TS_CHECK(ts_l1_tx_sign(l->crypto, &from->key, tx, &raw, hash) == TS_OK);
    const struct ts_l1_call call = {.method = TS_L1_SEND, .data = ts_buf_bytes(&raw)};
    int code = need(l, what, &call, &answer);
    ts_buf_free(&raw);
    return code;
}

int cli_l1_send(struct cli_l1 *l, struct cli_l1_account *from, const struct cli_l1_tx *tx,
                ts_hash *hash)
{
    struct ts_l1_tx full = {.chain_id = l->chain_id,
                            .nonce = from->nonce,
                            .creates = tx->creates,
                            .to = tx->to,
                            .value = tx->value,
                            .data = tx->data};
    int code = fill_fees(l, &full);
    if (code == TS_EXIT_OK)
        code = fill_gas(l, from, tx, &full);
    if (code == TS_EXIT_OK)
        code = send_signed(l, from, tx->what, &full, hash);
    if (code == TS_EXIT_OK)
        from->nonce++;
    return code;
}

int cli_l1_mined(struct cli_l1 *l, const char *what, const ts_hash *hash,
                 struct ts_l1_answer_receipt *out)
{
    const struct ts_l1_call call = {.method = TS_L1_RECEIPT, .hash = *hash};
    struct ts_l1_answer answer;
    ts_time until = cli_unix_ms() + MINED_MS;
    char hex[TS_HASH_HEX_SIZE];
    for (;;) {
        int code = need(l, what, &call, &answer);
        if (code != TS_EXIT_OK)
            return code;
        if (answer.u.receipt.found)
            break;
        if (cli_unix_ms() >= until)
            return cli_fail("cannot %s: transaction %s is not mined after %u s", what,
                            ts_hex(hash->b, sizeof(hash->b), hex), MINED_MS / 1000);
        if (!l->wait(l->wait_ctx, LOOK_MS))
            return TS_EXIT_FAILED;
    }
    *out = answer.u.receipt;
    return out->succeeded ? TS_EXIT_OK
                          : cli_fail("cannot %s: transaction %s failed on L1", what,
                                     ts_hex(hash->b, sizeof(hash->b), hex));
}

int cli_l1_newest(struct cli_l1 *l, uint64_t *number)
{
    static const struct ts_l1_call call = {.method = TS_L1_BLOCK, .tag = TS_L1_LATEST};
    struct ts_l1_answer answer;
    int code = need(l, "read the newest block of L1", &call, &answer);
    if (code == TS_EXIT_OK && !answer.u.block.found)
        return cli_fail("L1 has no block yet");
    if (code == TS_EXIT_OK)
        *number = answer.u.block.number;
    return code;
}

int cli_l1_block_at(struct cli_l1 *l, uint64_t newest, uint64_t number, ts_hash *hash)
{
    struct ts_l1_call call = {.method = TS_L1_BLOCK, .tag = TS_L1_AT_NUMBER, .number = newest};
    struct ts_l1_answer answer;
    ts_time until = cli_unix_ms() + MINED_MS;
    for (;;) {
        int code = need(l, "read a block of L1", &call, &answer);
        if (code != TS_EXIT_OK)
            return code;
        if (answer.u.block.found && call.number == number) {
            *hash = answer.u.block.hash;
            return TS_EXIT_OK;
        }
        if (answer.u.block.found)
            call.number = number;
        else if (cli_unix_ms() >= until)
            return cli_fail("L1's block %llu is not there after %u s",
                            (unsigned long long)call.number, MINED_MS / 1000);
        else if (!l->wait(l->wait_ctx, LOOK_MS))
            return TS_EXIT_FAILED;
    }
}
