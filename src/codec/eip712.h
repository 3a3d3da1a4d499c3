/* SPDX-License-Identifier: Apache-2.0 */
/* EIP-712 digests of flat typed structs, in the domain of protocol section 1. */
#ifndef TS_CODEC_EIP712_H
#define TS_CODEC_EIP712_H

#include "codec/schema.h"
#include "tenseq/types.h"

/* keccak256 of the type string. */
void ts_eip712_type_hash(const struct ts_type *type, ts_hash *out);
/* The domain separator of name "tenseq", version "1", and these. */
void ts_eip712_domain(uint64_t l1_chain_id, const ts_address *contract, const ts_hash *genesis,
                      struct ts_domain *out);
/* keccak256(0x1901 ‖ separator ‖ hashStruct(value)). The signature is not part of it. */
void ts_eip712_digest(const struct ts_domain *domain, const struct ts_type *type, const void *value,
                      ts_hash *out);

#endif
