/* SPDX-License-Identifier: Apache-2.0 */
/* L1 headers as evidence. Source: docs/protocol.md, section 4, V1. */
#include <string.h>

#include "chain/l1.h"
#include "crypto/keccak.h"
#include "enclave/state.h"

ts_err ts_enclave_l1(struct ts_enclave *e, ts_bytes header, uint64_t number, const ts_hash *hash,
                     struct ts_l1_evidence *out, bool *has)
{
    ts_hash found;
    *has = false;
    if (e->line->genesis.l1_chain_id == 0) {
        if (header.n > 0)
            return ts_enclave_refuse(e, TS_E_L1, "an L1 header is given on a network without L1");
        return TS_OK;
    }
    if (header.n == 0)
        return ts_enclave_refuse(e, TS_E_L1, "the header of L1 block %llu is missing",
                                 (unsigned long long)number);
    ts_keccak256(header, &found);
    if (!ts_hash_equal(&found, hash))
        return ts_enclave_refuse(e, TS_E_L1, "the L1 header is not the one that l1Hash names");
    struct ts_l1_evidence got;
    ts_err err = ts_l1_header_read(header, &got, NULL);
    if (err != TS_OK)
        return ts_enclave_refuse(e, TS_E_L1, "the L1 header does not decode: %s", ts_err_text(err));
    if (got.number != number)
        return ts_enclave_refuse(e, TS_E_L1, "the L1 header is of block %llu, not %llu",
                                 (unsigned long long)got.number, (unsigned long long)number);
    *out = got;
    *has = true;
    return TS_OK;
}
