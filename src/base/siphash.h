/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-1-3: a short keyed hash for tables whose keys an attacker may choose.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF". */
#ifndef TS_BASE_SIPHASH_H
#define TS_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t ts_siphash13(const uint64_t seed[2], const void *p, size_t n);

#endif
