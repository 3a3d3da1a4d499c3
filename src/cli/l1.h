/* SPDX-License-Identifier: Apache-2.0 */
/* L1 for verbs that wait: one call after the other, transactions of a known account. Each function
 * returns an exit code and has said on stderr why it is not TS_EXIT_OK. */
#ifndef TS_CLI_L1_H
#define TS_CLI_L1_H

#include "base/arena.h"
#include "l1/call.h"
#include "l1/contract.h"
#include "l1/tx.h"

struct cli_l1 {
    const char *url;
    const struct ts_crypto *crypto;
    uint64_t chain_id;     /* by cli_l1_open */
    struct ts_arena arena; /* answers live here until cli_l1_close */
    /* Between looks at what takes time. false: give up; the function then returns
     * TS_EXIT_FAILED and says nothing, for whoever waits knows. */
    bool (*wait)(void *ctx, unsigned ms);
    void *wait_ctx;
};

/* An account that sends; the nonce is counted here. */
struct cli_l1_account {
    ts_secret key;
    ts_address address;
    uint64_t nonce;
};

/* What is in a transaction besides fees and nonce. A gas of 0 is estimated. */
struct cli_l1_tx {
    const char *what; /* completes "cannot …" */
    bool creates;
    ts_address to;
    ts_u256 value;
    ts_bytes data;
    uint64_t gas;
};

/* Waits up to patience_ms for an L1 node that answers, and asks for its chain id. url, crypto and
 * wait are set before. */
int cli_l1_open(struct cli_l1 *l, unsigned patience_ms);
void cli_l1_close(struct cli_l1 *l);

/* A secret key: 0x and 64 hexadecimal digits in a file that only its owner may read. flag: the one
 * that named it, such as "--key". */
int cli_l1_read_key(const char *flag, const char *path, ts_secret *out);
/* The account of a key, with its next nonce. */
int cli_l1_account_of(struct cli_l1 *l, const ts_secret *key, struct cli_l1_account *out);

int cli_l1_has_code(struct cli_l1 *l, const ts_address *contract, bool *out);
/* Says why nothing can be asked of the contract after block at: there is none, or not yet. Returns
 * TS_EXIT_OK, and has said nothing, when one is there. */
int cli_l1_check_code(struct cli_l1 *l, const ts_address *contract, uint64_t at, uint64_t newest);
/* After block at; 0: after the newest. */
int cli_l1_view(struct cli_l1 *l, const char *what, const ts_address *contract, uint64_t at,
                ts_bytes data, ts_bytes *result);
/* The management contract's list after block at: at most TS_MAX_WHITELIST. */
int cli_l1_list(struct cli_l1 *l, const ts_address *contract, uint64_t at, ts_address *list,
                size_t *n);
/* Where governance took back rollups, that of batch number among them: the newest such log since
 * block from. *block 0: nowhere, or the L1 node does not tell; nothing is said. */
void cli_l1_taken_back(struct cli_l1 *l, const ts_address *contract, uint64_t from, uint64_t number,
                       uint64_t *block, struct ts_l1_published *what);
/* Sent, not mined yet. */
int cli_l1_send(struct cli_l1 *l, struct cli_l1_account *from, const struct cli_l1_tx *tx,
                ts_hash *hash);
/* Waits for up to two minutes; a transaction that failed is an error. */
int cli_l1_mined(struct cli_l1 *l, const char *what, const ts_hash *hash,
                 struct ts_l1_answer_receipt *out);
/* The number of L1's newest block. */
int cli_l1_newest(struct cli_l1 *l, uint64_t *number);
/* Waits until L1's newest block is at least this one, and gives the block's hash. */
int cli_l1_block_at(struct cli_l1 *l, uint64_t newest, uint64_t number, ts_hash *hash);

#endif
