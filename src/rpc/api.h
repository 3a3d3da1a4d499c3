/* SPDX-License-Identifier: Apache-2.0 */
/* The Ethereum and ten_ methods of host and node, over a backend. How batches look to wallets:
 *
 *   number, parentHash   the batch's; hash is the batch hash, the EIP-712 digest of the header, so
 * it cannot be recomputed by hashing the block as Ethereum does timestamp            the batch's
 * time, in whole seconds miner                the producing enclave. The fees go to the genesis'
 * coinbase transactionsRoot     the header's txRoot, keccak256 of the RLP list: no trie stateRoot
 * the header's receiptsRoot         the root of the empty trie: receipts are no part of the chain
 *   baseFeePerGas, gasLimit  the genesis' parameters, constant
 *   size                 bytes of the whole batch, protocol payload included
 *   difficulty, nonce, mixHash, uncles, logsBloom  as in a block without any
 *
 * Block 0 is the genesis. A transaction's hash is keccak256 of its bytes. Every included
 * transaction succeeded: what cannot execute is rejected and never in a batch. State (balance,
 * nonce, code, call) is told of the head alone; there is no code. Prices: base fee only, a tip buys
 * nothing. What is inside a transaction, an enclave tells.
 *
 * Errors of execution and admission are -32000 with the enclave's sentence, which has geth's words
 * where geth has some. The data of a refused eth_sendRawTransaction names it: {"code":
 * "TS_E_TX_FUNDS"}, one of include/tenseq/err.h. */
#ifndef TS_RPC_API_H
#define TS_RPC_API_H

#include "rpc/backend.h"

struct ts_api;

/* extra: methods of the program, whose ctx is the struct ts_api too; copied. NULL: out of memory.
 */
struct ts_api *ts_api_new(const struct ts_rpc_backend *backend, const struct ts_rpc_method *extra,
                          size_t n_extra);
/* First answer all that was given to the backend's query, send_tx and settle, then free this, then
 * close the dispatcher. Calls still waiting here are answered. */
void ts_api_free(struct ts_api *api);

/* For ts_rpc_new, with the api as ctx; valid as long as the api. */
const struct ts_rpc_method *ts_api_methods(const struct ts_api *api, size_t *n);
/* Appends their names for a page, with a comma between, on lines of at most 78 characters that are
 * indented by two. */
void ts_api_put_methods(const struct ts_api *api, struct ts_buf *out);
/* The dispatcher that was made with them, for notifications. */
void ts_api_attach(struct ts_api *api, struct ts_rpc *rpc);

const struct ts_rpc_backend *ts_api_backend(const struct ts_api *api);

/* A batch became the committed head: tells the subscribers of eth_subscribe("newHeads") and
 * ten_subscribe("batches" | "heads" | "lifecycle"). raw is borrowed for the call. Heads are told in
 * their order, each once the enclave has told the gas it used. */
void ts_api_new_head(struct ts_api *api, uint64_t number, const ts_hash *hash, ts_bytes raw);

/* A finding was raised or closed: tells the subscribers of ten_subscribe("findings"). */
void ts_api_new_finding(struct ts_api *api, const struct ts_finding *f);

/* Answers a call with -32000 and text, or err's sentence when text is NULL or "". */
void ts_api_fail(struct ts_rpc_call *call, ts_err err, const char *text);

#endif
