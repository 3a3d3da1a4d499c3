/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: what decodes has one encoding, what is refused changes nothing and says why, and
 * admission says what execution says. */
#include "engine/info.h"
#include "ledger_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rebuild(const struct ts_tx *tx)
{
    const ts_secret key = {{0}};
    struct ts_buf again;
    ts_buf_init(&again, 0);
    ts_u256_to_be(&tx->r, world_sig.b);
    ts_u256_to_be(&tx->s, world_sig.b + 32);
    world_sig.b[64] = (uint8_t)(27 + tx->y_parity);
    TS_CHECK(ts_tx_sign(&world_crypto, &key, tx, &again) == TS_OK);
    TS_CHECK(ts_bytes_equal(tx->raw, ts_buf_bytes(&again)));
    ts_buf_free(&again);
}

static ts_err execute(ts_bytes raw)
{
    struct ts_engine *e = world_engine();
    struct ts_tx_result result;
    ts_hash before;
    ts_hash after;
    ts_ledger_engine.root(e, &before);
    TS_CHECK(ts_ledger_engine.begin(e, 1, 0) == TS_OK);
    TS_CHECK(ts_ledger_engine.execute(e, raw, &result) == TS_OK);
    TS_CHECK(ts_ledger_engine.finish(e, &after) == TS_OK);
    TS_CHECK((result.err == TS_OK) == (result.why[0] == '\0'));
    TS_CHECK((result.err == TS_OK) != ts_hash_equal(&before, &after));
    TS_CHECK((result.err == TS_OK) == (result.gas_used != 0));
    ts_ledger_engine.rollback(e);
    return result.err;
}

static ts_err check(ts_bytes raw)
{
    struct ts_tx_verdict v;
    struct ts_buf arg;
    struct ts_buf out;
    ts_buf_init(&arg, 0);
    ts_buf_init(&out, 0);
    size_t mark = ts_put_list(&arg);
    ts_put_bytes(&arg, raw);
    ts_put_list_end(&arg, mark);
    TS_CHECK(ts_ledger_engine.query(world_engine(), TS_QUERY_CHECK, ts_buf_bytes(&arg), &out) ==
             TS_OK);
    struct ts_reader r = ts_reader_of(ts_buf_bytes(&out));
    ts_read_list(&r);
    ts_tx_verdict_read(&r, &v);
    ts_read_list_end(&r);
    TS_CHECK(ts_reader_done(&r) == TS_OK);
    ts_buf_free(&arg);
    ts_buf_free(&out);
    return v.err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ts_bytes raw = ts_bytes_of(data, size);
    struct ts_tx tx;
    char why[TS_WHY_SIZE] = "";
    ts_err decoded = ts_tx_decode(raw, &world_genesis, &tx, why);
    TS_CHECK((decoded == TS_OK) == (why[0] == '\0'));
    if (decoded == TS_OK)
        rebuild(&tx);
    ts_err executed = execute(raw);
    ts_err checked = check(raw);
    TS_CHECK(decoded == TS_OK || executed == decoded);
    /* A gap is no fault for a pool, so what comes behind it in the order of the rules may show. */
    TS_CHECK(executed == checked || executed == TS_E_TX_NONCE_GAP);
    return 0;
}
