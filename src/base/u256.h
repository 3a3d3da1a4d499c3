/* SPDX-License-Identifier: Apache-2.0 */
/* 256-bit unsigned amounts (wei) with checked arithmetic. */
#ifndef TS_BASE_U256_H
#define TS_BASE_U256_H

#include "tenseq/bytes.h"

typedef struct ts_u256 {
    uint64_t w[4]; /* w[0] is the least significant */
} ts_u256;

ts_u256 ts_u256_of(uint64_t v);
bool ts_u256_is_zero(const ts_u256 *a);
int ts_u256_compare(const ts_u256 *a, const ts_u256 *b);
/* false on overflow or underflow: *out is then unchanged. out may be a or b. */
bool ts_u256_add(const ts_u256 *a, const ts_u256 *b, ts_u256 *out);
bool ts_u256_sub(const ts_u256 *a, const ts_u256 *b, ts_u256 *out);
bool ts_u256_mul64(const ts_u256 *a, uint64_t b, ts_u256 *out);
/* Big-endian, at most 32 bytes in; exactly 32 out. */
ts_u256 ts_u256_from_be(const uint8_t *p, size_t n);
void ts_u256_to_be(const ts_u256 *a, uint8_t out[32]);
/* 0x-quantity of JSON-RPC ("0x0", no leading zeros); out has room for 67 characters. */
char *ts_u256_quantity(const ts_u256 *a, char *out);
/* Decimal; out has room for 79 characters. */
char *ts_u256_decimal(const ts_u256 *a, char *out);
/* Decimal digits, or 0x hex digits. TS_E_RANGE: *out is unchanged. */
ts_err ts_u256_parse(const char *text, ts_u256 *out);

#endif
