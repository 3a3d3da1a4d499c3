/* SPDX-License-Identifier: Apache-2.0 */
/* What the cores of this directory ask of an L1 node, and what it answers: typed, without JSON.
 * json.h turns calls into JSON-RPC requests and JSON-RPC answers into answers; client.h carries
 * them. Source: https://ethereum.github.io/execution-apis/ */
#ifndef TS_L1_CALL_H
#define TS_L1_CALL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/u256.h"
#include "tenseq/types.h"

#define TS_L1_MAX_LOGS     10000         /* in one answer */
#define TS_L1_MAX_LOG_DATA 4096          /* bytes of data of one log */
#define TS_L1_MAX_INPUT    (1024 * 1024) /* bytes of a transaction's input */
#define TS_L1_MAX_TEXT     300

enum ts_l1_method {
    TS_L1_CHAIN_ID, /* eth_chainId → number */
    TS_L1_BLOCK,    /* eth_getBlockByNumber: tag, number → block */
    TS_L1_LOGS,     /* eth_getLogs: from, to, address, topics → logs */
    TS_L1_TX,       /* eth_getTransactionByHash: hash → tx */
    TS_L1_RECEIPT,  /* eth_getTransactionReceipt: hash → receipt */
    TS_L1_NONCE,    /* eth_getTransactionCount: address, tag → number */
    TS_L1_BALANCE,  /* eth_getBalance: address, tag → amount */
    TS_L1_FEES,     /* eth_feeHistory of the newest blocks → fees */
    TS_L1_ESTIMATE, /* eth_estimateGas: address (from), to or creates, value, data, tag → number; a
                       revert is TS_E_L1_REVERT */
    TS_L1_VIEW,     /* eth_call: address (from; zero: nobody), to, data, tag → bytes; a revert is
                       TS_E_L1_REVERT */
    TS_L1_CODE,     /* eth_getCode: address, tag → bytes */
    TS_L1_SEND      /* eth_sendRawTransaction: data → hash */
};

enum ts_l1_tag {
    TS_L1_AT_NUMBER, /* number */
    TS_L1_LATEST,
    TS_L1_PENDING,
    TS_L1_FINALIZED
};

struct ts_l1_call {
    uint64_t id; /* the core's; the answer repeats it */
    enum ts_l1_method method;
    enum ts_l1_tag tag;
    uint64_t number;
    uint64_t from, to_block; /* LOGS: first and last block, both included */
    ts_address address;
    ts_address to;
    bool creates;  /* ESTIMATE: a contract; data is its code and to does not matter */
    ts_u256 value; /* ESTIMATE: wei */
    ts_hash hash;
    ts_bytes data;         /* borrowed until the call is answered or dropped */
    const ts_hash *topics; /* LOGS: any of these as the first topic; n_topics 0: all */
    size_t n_topics;
};

/* header: the RLP of the header, made from the answer's fields; its Keccak hash has been found to
 * be hash. */
struct ts_l1_answer_block {
    bool found; /* else the node has no such block (yet) */
    uint64_t number;
    ts_hash hash, parent;
    ts_time time; /* milliseconds */
    uint64_t base_fee;
    ts_bytes header;
};

struct ts_l1_log {
    uint64_t block;
    ts_hash block_hash;
    ts_hash tx;
    uint64_t index; /* in the block */
    ts_address address;
    ts_hash topics[4];
    size_t n_topics;
    ts_bytes data;
    bool is_cut; /* data are only the first TS_L1_MAX_LOG_DATA bytes of it */
};

struct ts_l1_answer_tx {
    bool found;
    bool is_mined;
    uint64_t block;      /* when mined */
    ts_address from, to; /* to: zero when it creates a contract */
    bool creates;
    uint64_t nonce;
    ts_bytes input;
};

struct ts_l1_answer_receipt {
    bool found;
    bool succeeded;
    uint64_t block;
    ts_hash block_hash;
    uint64_t gas_used;
    ts_address created; /* the contract's address; zero when it creates none */
};

struct ts_l1_answer_fees {
    uint64_t base_fee; /* of the next block, wei */
    uint64_t tip;      /* what the newest blocks' transactions paid: the median of the blocks'
                          medians, wei; 0 when they are empty */
};

/* err: TS_OK, or why there is no result:
 *   TS_E_CLOSED       no connection, or an HTTP error instead of an answer
 *   TS_E_TIMEOUT      the deadline passed
 *   TS_E_L1_NONSENSE  the answer is not what the method gives: not JSON, a wrong type, a size over
 *                     its limit, a header that does not hash to what the answer says
 *   TS_E_L1_REFUSED   a JSON-RPC error; code and text say which. Also LOGS that are more, or longer
 *                     in all, than is read: ask for fewer blocks
 *   TS_E_L1_REVERT    of a VIEW or ESTIMATE: the contract refuses; text says why, as far as known
 *   TS_E_NOMEM
 * A BLOCK or TX or RECEIPT that the node does not have is no error: found is false. */
struct ts_l1_answer {
    uint64_t id;
    enum ts_l1_method method;
    ts_err err;
    int64_t code;     /* JSON-RPC error code */
    const char *text; /* one sentence; "" when err is TS_OK */
    union {
        uint64_t number;
        ts_u256 amount;
        ts_hash hash;
        ts_bytes bytes;
        struct ts_l1_answer_block block;
        struct {
            const struct ts_l1_log *log; /* by block, then index */
            size_t n;
        } logs;
        struct ts_l1_answer_tx tx;
        struct ts_l1_answer_receipt receipt;
        struct ts_l1_answer_fees fees;
    } u;
};

#endif
