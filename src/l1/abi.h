/* SPDX-License-Identifier: Apache-2.0 */
/* Solidity's contract ABI: writing calls, and a bounded reader that fails sticky for results, logs
 * and calldata. Source: https://docs.soliditylang.org/en/latest/abi-spec.html */
#ifndef TS_L1_ABI_H
#define TS_L1_ABI_H

#include "base/buf.h"
#include "base/u256.h"

#define TS_ABI_WORD 32

/* The first four bytes of the hash of a signature such as "transfer(address,uint256)", and the
 * whole hash, which is the first topic of an event. */
void ts_abi_selector(const char *signature, uint8_t out[4]);
void ts_abi_topic(const char *signature, ts_hash *out);

/* Writing. A tuple (the arguments of a call are one) is its heads, then its tails: static values
 * stand in the heads; a dynamic one has an offset there, and its content follows behind all heads.
 *
 *     size_t base = ts_abi_put_call(b, "f(address,bytes)");
 *     ts_abi_put_address(b, &a);
 *     size_t at = ts_abi_put_offset(b);
 *     ts_abi_point(b, base, at);
 *     ts_abi_put_bytes(b, data);
 *
 * The buffer fails sticky. */

/* The selector. Returns where the arguments begin: the base of their offsets. */
size_t ts_abi_put_call(struct ts_buf *b, const char *signature);
void ts_abi_put_u64(struct ts_buf *b, uint64_t v);
void ts_abi_put_u256(struct ts_buf *b, const ts_u256 *v);
void ts_abi_put_bool(struct ts_buf *b, bool v);
void ts_abi_put_address(struct ts_buf *b, const ts_address *v);
void ts_abi_put_hash(struct ts_buf *b, const ts_hash *v); /* bytes32 */
/* Room for an offset; returns its mark. */
size_t ts_abi_put_offset(struct ts_buf *b);
/* What is written next is what the offset at mark means, counted from base. */
void ts_abi_point(struct ts_buf *b, size_t base, size_t mark);
/* The content of a bytes or string: length, bytes, zeros up to a whole word. */
void ts_abi_put_bytes(struct ts_buf *b, ts_bytes v);
void ts_abi_put_addresses(struct ts_buf *b, const ts_address *v, size_t n); /* address[] */

/* Reading: a tuple from its first head on. It takes what Solidity's own decoder takes, so that
 * nothing that a contract accepted is unreadable here: offsets may point anywhere inside, padding
 * is not looked at, more bytes may follow; but a number or address with bits too many is refused.
 *
 * After the first error every read gives zeros and nothing moves; tuples and arrays inside share
 * the error. */
struct ts_abi {
    const uint8_t *p; /* the tuple's beginning, from which its offsets count */
    size_t n;         /* bytes from there to the end of all */
    size_t at;        /* the next head */
    ts_err *err;      /* the caller's; the first failure stays */
};

/* *err is set to TS_OK. */
struct ts_abi ts_abi_of(ts_bytes in, ts_err *err);
/* Makes the reader fail with e unless it already failed: for a caller's own limits. */
void ts_abi_fail(struct ts_abi *a, ts_err e);

uint64_t ts_abi_u64(struct ts_abi *a); /* of any uintN that fits; TS_E_RANGE */
ts_u256 ts_abi_u256(struct ts_abi *a);
bool ts_abi_bool(struct ts_abi *a); /* TS_E_RANGE when neither 0 nor 1 */
void ts_abi_address(struct ts_abi *a, ts_address *out);
void ts_abi_hash(struct ts_abi *a, ts_hash *out);
/* A bytes or string of at most max bytes, borrowed. TS_E_LIMIT, TS_E_TRUNCATED. */
ts_bytes ts_abi_bytes(struct ts_abi *a, size_t max);
/* A dynamic tuple: its reader. */
struct ts_abi ts_abi_tuple(struct ts_abi *a);
/* A dynamic array of at most max elements: its reader stands on the first; read *count of them
 * (0 after an error). words: the least an element takes in the heads. */
struct ts_abi ts_abi_array(struct ts_abi *a, size_t words, size_t max, size_t *count);

#endif
