/* SPDX-License-Identifier: Apache-2.0 */
/* Every error this code base returns: one list, one sentence each.
 *
 * Errors are values. A function that returns ts_err has written nothing to its outputs unless its
 * contract says otherwise, and never logs. */
#ifndef TENSEQ_ERR_H
#define TENSEQ_ERR_H

/* X(name, number, sentence). Numbers go over the enclave link and into stores: never reuse one. */
#define TS_ERRORS(X)                                                                               \
    X(TS_OK, 0, "no error")                                                                        \
    /* environment: report and retry */                                                            \
    X(TS_E_NOMEM, 1, "out of memory")                                                              \
    X(TS_E_IO, 2, "an operating-system call failed")                                               \
    X(TS_E_DISK_FULL, 3, "the disk is full")                                                       \
    X(TS_E_RANDOM, 4, "the random source failed")                                                  \
    X(TS_E_TIMEOUT, 5, "the deadline passed")                                                      \
    X(TS_E_CLOSED, 6, "the connection is closed")                                                  \
    X(TS_E_BUSY, 7, "a bounded queue is full; try again")                                          \
    X(TS_E_NOT_FOUND, 8, "not found")                                                              \
    X(TS_E_CONFLICT, 9, "conflicts with what is already stored")                                   \
    X(TS_E_CORRUPT, 10, "stored data is damaged")                                                  \
    X(TS_E_FOREIGN, 11, "stored data belongs to another network or program")                       \
    X(TS_E_UNSUPPORTED, 12, "not supported")                                                       \
    X(TS_E_USAGE, 13, "a bad flag, configuration key or value")                                    \
    /* decoding hostile bytes */                                                                   \
    X(TS_E_TRUNCATED, 30, "the bytes end before the value does")                                   \
    X(TS_E_TRAILING, 31, "bytes follow the value")                                                 \
    X(TS_E_NOT_CANONICAL, 32, "the encoding is not the canonical one")                             \
    X(TS_E_TYPE, 33, "a list stands where a string is expected, or the reverse")                   \
    X(TS_E_LENGTH, 34, "a value has the wrong length")                                             \
    X(TS_E_ARITY, 35, "a list has the wrong number of items")                                      \
    X(TS_E_RANGE, 36, "a number is out of range")                                                  \
    X(TS_E_LIMIT, 37, "a size is over its limit")                                                  \
    X(TS_E_HEX, 38, "not a hexadecimal string of the expected length")                             \
    X(TS_E_JSON, 39, "not the JSON that is expected")                                              \
    X(TS_E_UNKNOWN_MESSAGE, 40, "the message type is unknown")                                     \
    X(TS_E_VERSION, 41, "the version is not one this program speaks")                              \
    /* cryptography */                                                                             \
    X(TS_E_SIGNATURE, 60, "the signature is malformed, has a high s, or does not recover")         \
    X(TS_E_SIGNER, 61, "the signature is not by the party named")                                  \
    X(TS_E_KEY, 62, "the secret key is not valid")                                                 \
    X(TS_E_SEAL, 63, "sealed data does not open under this key")                                   \
    X(TS_E_EVIDENCE, 64, "the evidence does not prove what it says")                               \
    /* validity rules, protocol section 4 */                                                       \
    X(TS_E_V1_LINKS, 101, "V1: the batch does not link to its parent")                             \
    X(TS_E_V2_PRODUCER, 102, "V2: the producer is not whitelisted or did not make the seal")       \
    X(TS_E_V3_FORM, 103, "V3: the transaction root or a size is wrong")                            \
    X(TS_E_V4_EVENTS, 104, "V4: an event is wrong, out of order, or does not link")                \
    X(TS_E_V5_COMPLETE, 105, "V5: reports and absent list do not account for every enclave")       \
    X(TS_E_V6_FRESH, 106, "V6: a report is stale or is not of the current boot")                   \
    X(TS_E_V7_ROLES, 107, "V7: the producer is not the one active enclave")                        \
    X(TS_E_V8_TIP, 108, "V8: a report's tip is not the published tip")                             \
    X(TS_E_EXECUTION, 109, "executing the transactions does not give the header's state root")     \
    X(TS_E_OUT_OF_ORDER, 110, "the batch is not the child of the head")                            \
    /* the enclave's refusals, protocol section 3 */                                               \
    X(TS_E_STATE, 130, "the enclave's lifecycle state does not allow this")                        \
    X(TS_E_HALTED, 131, "the enclave has halted; only a new boot leaves that state")               \
    X(TS_E_HALTS, 132, "an integrity failure: the enclave halts")                                  \
    X(TS_E_TERM, 133, "the term is not above the newest one or too far above it")                  \
    X(TS_E_ONE_LINE, 134, "the head moves only to a child of the head within a boot")              \
    X(TS_E_BAD_EVENT, 135, "an event given for the batch is not valid there")                      \
    X(TS_E_NO_ROOM, 136, "no room for another unpublished transition")                             \
    X(TS_E_NOT_WHITELISTED, 137, "the enclave is not on the whitelist")                            \
    X(TS_E_GENESIS, 138, "the genesis is missing, malformed, or not the one loaded")               \
    X(TS_E_L1, 139, "the L1 evidence does not show what is claimed")                               \
    /* L1 */                                                                                       \
    X(TS_E_L1_NONSENSE, 190, "the L1 node's answer is not what the method gives")                  \
    X(TS_E_L1_REFUSED, 191, "the L1 node refused the request")                                     \
    X(TS_E_L1_REVERT, 192, "the contract refuses the call")                                        \
    /* transactions */                                                                             \
    X(TS_E_TX_FORM, 160, "the transaction is malformed")                                           \
    X(TS_E_TX_TYPE, 161, "the transaction type is not supported")                                  \
    X(TS_E_TX_CHAIN_ID, 162, "the transaction is for another chain")                               \
    X(TS_E_TX_SIGNATURE, 163, "the transaction's signature is not valid")                          \
    X(TS_E_TX_CREATE, 164, "contract creation is not supported on this chain")                     \
    X(TS_E_TX_CODE, 165, "the recipient is reserved for code and cannot receive calls")            \
    X(TS_E_TX_NONCE_LOW, 166, "nonce too low")                                                     \
    X(TS_E_TX_NONCE_GAP, 167, "nonce too high: an earlier transaction of this sender is missing")  \
    X(TS_E_TX_UNDERPRICED, 168, "max fee per gas is below the base fee")                           \
    X(TS_E_TX_TIP_OVER_FEE, 169, "max priority fee per gas is above max fee per gas")              \
    X(TS_E_TX_FUNDS, 170, "insufficient funds for gas * price + value")                            \
    X(TS_E_TX_GAS_LOW, 171, "the gas limit is below the intrinsic gas")                            \
    X(TS_E_TX_GAS_LIMIT, 172, "the gas limit is above the batch gas limit")                        \
    X(TS_E_TX_SIZE, 173, "the transaction is larger than the limit")                               \
    X(TS_E_TX_KNOWN, 174, "already known")                                                         \
    X(TS_E_TX_DEFERRED, 175, "the batch has no room left for the transaction")                     \
    X(TS_E_TX_NONCE_MAX, 176, "the sender's nonce cannot grow further")                            \
    X(TS_E_TX_REPLACE, 177, "another transaction with this nonce is already pending")

#define TS_ERR_ENUM(name, number, sentence) name = (number),
typedef enum ts_err { TS_ERRORS(TS_ERR_ENUM) } ts_err;
#undef TS_ERR_ENUM

/* The name of an error, such as "TS_E_V6_FRESH"; "TS_E_?" for a number that is none. Never NULL. */
const char *ts_err_name(int err);

/* The error's sentence without a full stop; "unknown error" for a number that is none. */
const char *ts_err_text(int err);

#endif
