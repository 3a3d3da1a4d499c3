/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/rollup.h"

#include "base/check.h"
#include "codec/eip712.h"
#include "codec/schema.h"
#include "crypto/sign.h"

const char *ts_rollup_column_name(enum ts_rollup_column column)
{
    static const char *const names[TS_ROLLUP_COLUMNS] = {
        "time",       "term",        "producer",
        "l1Number",   "count",       "kind",
        "chainId",    "nonce",       "tip",
        "tip bytes",  "fee",         "fee bytes",
        "gas",        "to",          "to bytes",
        "value",      "value bytes", "data",
        "data bytes", "access list", "access list bytes",
        "y parity",   "signature",   "raw",
        "raw bytes"};
    return (size_t)column < TS_COUNT(names) ? names[column] : "unknown";
}

size_t ts_rollup_data_max(uint64_t n)
{
    return n == 1 ? TS_ROLLUP_MAX_SINGLE : TS_ROLLUP_MAX_DATA;
}

void ts_rollup_hash(const struct ts_domain *d, const struct ts_rollup *r, ts_hash *out)
{
    ts_eip712_digest(d, &ts_rollup_type, r, out);
}

ts_err ts_rollup_signer(const struct ts_crypto *c, const struct ts_domain *d,
                        const struct ts_rollup *r, ts_address *out)
{
    ts_hash digest;
    ts_rollup_hash(d, r, &digest);
    return ts_recover(c, &digest, &r->sig, out);
}

void ts_rollup_put(struct ts_buf *b, const struct ts_rollup *r)
{
    ts_schema_put(b, &ts_rollup_type, r);
}

ts_err ts_rollup_read(ts_bytes raw, struct ts_rollup *out)
{
    struct ts_reader r = ts_reader_of(raw);
    ts_schema_read(&r, &ts_rollup_type, out);
    return ts_reader_done(&r);
}
