/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/rollup_record.h"

#include <string.h>

#include "chain/rollup.h"
#include "codec/rlp.h"

void ts_rollup_record_put(struct ts_buf *b, const struct ts_rollup_record *r)
{
    size_t mark = ts_put_list(b);
    ts_rollup_put(b, &r->rollup);
    ts_put_u64(b, r->l1_block);
    ts_put_hash(b, &r->l1_tx);
    ts_put_u64(b, r->bytes);
    ts_put_u64(b, (uint64_t)r->verdict);
    ts_put_bytes(b, ts_bytes_of(r->text, strnlen(r->text, sizeof(r->text) - 1)));
    ts_put_hash(b, &r->own_hash);
    ts_put_hash(b, &r->own_root);
    ts_put_list_end(b, mark);
}

ts_err ts_rollup_record_read(ts_bytes raw, struct ts_rollup_record *out)
{
    struct ts_reader r = ts_reader_of(raw);
    *out = (struct ts_rollup_record){.text = ""};
    ts_read_list(&r);
    ts_bytes rollup = ts_read_raw(&r);
    out->l1_block = ts_read_u64(&r);
    ts_read_hash(&r, &out->l1_tx);
    out->bytes = ts_read_u64(&r);
    uint64_t verdict = ts_read_u64(&r);
    ts_bytes text = ts_read_bytes(&r, sizeof(out->text) - 1);
    ts_read_hash(&r, &out->own_hash);
    ts_read_hash(&r, &out->own_root);
    ts_read_list_end(&r);
    if (ts_reader_done(&r) != TS_OK)
        return ts_reader_done(&r);
    if (verdict >= TS_ROLLUP_VERDICTS)
        return TS_E_RANGE;
    out->verdict = (enum ts_rollup_verdict)verdict;
    if (text.n > 0)
        memcpy(out->text, text.p, text.n);
    return ts_rollup_read(rollup, &out->rollup);
}
