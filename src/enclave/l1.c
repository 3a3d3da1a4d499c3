/* SPDX-License-Identifier: Apache-2.0 */
/* L1 headers as evidence. Source: docs/protocol.md, section 4, V1; Ethereum's header is an RLP list
 * whose ninth item is the number and whose twelfth is the timestamp in seconds. */
#include <string.h>

#include "crypto/keccak.h"
#include "enclave/state.h"

#define BEFORE_NUMBER 8 /* items in front of the number */
#define BETWEEN       2 /* gas limit and gas used, up to the timestamp */
#define MAX_SECONDS   (UINT64_MAX / 1000)

static void skip(struct ts_reader *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void)ts_read_raw(r);
}

/* Later forks add items behind the ones looked at. */
static ts_err decode(ts_bytes header, uint64_t *number, ts_time *time)
{
    struct ts_reader r = ts_reader_of(header);
    ts_read_list(&r);
    skip(&r, BEFORE_NUMBER);
    *number = ts_read_u64(&r);
    skip(&r, BETWEEN);
    uint64_t seconds = ts_read_u64(&r);
    if (seconds > MAX_SECONDS)
        ts_reader_fail(&r, TS_E_RANGE);
    while (ts_read_more(&r))
        (void)ts_read_raw(&r);
    ts_read_list_end(&r);
    *time = seconds <= MAX_SECONDS ? seconds * 1000 : 0;
    return ts_reader_done(&r);
}

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
    struct ts_l1_evidence got = {.hash = found};
    ts_err err = decode(header, &got.number, &got.time);
    if (err != TS_OK)
        return ts_enclave_refuse(e, TS_E_L1, "the L1 header does not decode: %s", ts_err_text(err));
    if (got.number != number)
        return ts_enclave_refuse(e, TS_E_L1, "the L1 header is of block %llu, not %llu",
                                 (unsigned long long)got.number, (unsigned long long)number);
    *out = got;
    *has = true;
    return TS_OK;
}
