/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of the engine, their answers, and snapshots: the first byte says which. */
#include "engine/info.h"
#include "ledger_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_infos(ts_bytes answer)
{
    struct ts_reader r = ts_reader_of(answer);
    ts_read_list(&r);
    while (ts_read_more(&r)) {
        struct ts_tx_info info;
        ts_tx_info_read(&r, &info);
    }
    ts_read_list_end(&r);
    TS_CHECK(ts_reader_done(&r) == TS_OK);
}

static void read_verdicts(ts_bytes answer)
{
    struct ts_reader r = ts_reader_of(answer);
    ts_read_list(&r);
    while (ts_read_more(&r)) {
        struct ts_tx_verdict verdict;
        ts_tx_verdict_read(&r, &verdict);
    }
    ts_read_list_end(&r);
    TS_CHECK(ts_reader_done(&r) == TS_OK);
}

static void ask(enum ts_query_kind kind, ts_bytes arg)
{
    struct ts_buf out;
    ts_buf_init(&out, 0);
    ts_err err = ts_ledger_engine.query(world_engine(), kind, arg, &out);
    TS_CHECK(out.err == TS_OK && (err == TS_OK) == (out.n > 0));
    if (err == TS_OK && kind == TS_QUERY_RECEIPTS)
        read_infos(ts_buf_bytes(&out));
    if (err == TS_OK && kind == TS_QUERY_CHECK)
        read_verdicts(ts_buf_bytes(&out));
    ts_buf_free(&out);
}

/* What an enclave answered: read without harm, and what is read is written back the same. */
static void read_answer(ts_bytes answer)
{
    struct ts_tx_info info;
    struct ts_tx_verdict verdict;
    struct ts_buf again;
    struct ts_reader r = ts_reader_of(answer);
    ts_buf_init(&again, 0);
    ts_tx_info_read(&r, &info);
    if (ts_reader_done(&r) == TS_OK) {
        ts_tx_info_put(&again, &info);
        TS_CHECK(ts_bytes_equal(answer, ts_buf_bytes(&again)));
    }
    r = ts_reader_of(answer);
    ts_tx_verdict_read(&r, &verdict);
    if (ts_reader_done(&r) == TS_OK) {
        ts_buf_reset(&again);
        ts_tx_verdict_put(&again, &verdict);
        TS_CHECK(ts_bytes_equal(answer, ts_buf_bytes(&again)));
    }
    ts_buf_free(&again);
}

static ts_err from_bytes(void *ctx, void *p, size_t n)
{
    ts_bytes *left = ctx;
    if (n > left->n)
        return TS_E_TRUNCATED;
    memcpy(p, left->p, n);
    *left = ts_bytes_of(left->p + n, left->n - n);
    return TS_OK;
}

static ts_err to_buf(void *ctx, const void *p, size_t n)
{
    ts_buf_put(ctx, p, n);
    return ((struct ts_buf *)ctx)->err;
}

/* What loads is saved as the same bytes. */
static void load(ts_bytes bytes)
{
    struct ts_engine *e = world_engine();
    struct ts_buf again;
    ts_bytes left = bytes;
    const struct ts_source source = {&left, from_bytes};
    const struct ts_sink sink = {&again, to_buf};
    ts_buf_init(&again, 0);
    if (ts_ledger_engine.load(e, &source) == TS_OK) {
        TS_CHECK(ts_ledger_engine.save(e, &sink) == TS_OK);
        TS_CHECK(ts_bytes_equal(ts_bytes_of(bytes.p, bytes.n - left.n), ts_buf_bytes(&again)));
    }
    left = ts_bytes_of(NULL, 0);
    TS_CHECK(ts_ledger_engine.load(e, &source) == TS_E_TRUNCATED); /* back to genesis */
    ts_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const ts_bytes rest = ts_bytes_of(data + 1, size - 1);
    switch (data[0]) {
    case 'i':
        read_answer(rest);
        break;
    case 'l':
        load(rest);
        break;
    default:
        ask((enum ts_query_kind)data[0], rest);
    }
    return 0;
}
