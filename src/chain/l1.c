/* SPDX-License-Identifier: Apache-2.0 */
/* An L1 header is an RLP list whose first item is the parent's hash, the ninth the number and the
 * twelfth the timestamp in seconds. */
#include "chain/l1.h"

#include "codec/rlp.h"
#include "crypto/keccak.h"

#define BEFORE_NUMBER 7 /* items between the parent's hash and the number */
#define BETWEEN       2 /* gas limit and gas used, up to the timestamp */
#define MAX_SECONDS   (UINT64_MAX / 1000)

static void skip(struct ts_reader *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void)ts_read_raw(r);
}

ts_err ts_l1_header_read(ts_bytes header, struct ts_l1_evidence *out, ts_hash *parent)
{
    struct ts_reader r = ts_reader_of(header);
    struct ts_l1_evidence got;
    ts_hash before;
    if (header.n > TS_MAX_L1_HEADER)
        return TS_E_LIMIT;
    ts_read_list(&r);
    ts_read_hash(&r, &before);
    skip(&r, BEFORE_NUMBER);
    got.number = ts_read_u64(&r);
    skip(&r, BETWEEN);
    uint64_t seconds = ts_read_u64(&r);
    if (seconds > MAX_SECONDS)
        ts_reader_fail(&r, TS_E_RANGE);
    while (ts_read_more(&r))
        (void)ts_read_raw(&r);
    ts_read_list_end(&r);
    if (ts_reader_done(&r) != TS_OK)
        return ts_reader_done(&r);
    got.time = seconds * 1000;
    ts_keccak256(header, &got.hash);
    *out = got;
    if (parent != NULL)
        *parent = before;
    return TS_OK;
}
