/* SPDX-License-Identifier: Apache-2.0 */
/* Columns into batches, from hostile bytes: what is read is bounded before memory is taken for it.
 * rollup_encode.c writes the same, column by column. */
#include <string.h>

#include "base/check.h"
#include "chain/rollup_columns.h"
#include "chain/rollup_tx.h"

struct decoding {
    ts_bytes data;
    struct ts_column_reader columns[TS_ROLLUP_COLUMNS];
    struct ts_arena *arena;
    struct ts_rollup_batch *b;
    size_t n;
    size_t n_txs;
    size_t tx_room; /* bytes that transactions may still have */
    struct ts_buf scratch;
    ts_err err;
};

static struct ts_column_reader *on(struct decoding *d, enum ts_rollup_column c)
{
    return &d->columns[c];
}

static uint64_t get(struct decoding *d, enum ts_rollup_column c)
{
    return ts_column_get(&d->columns[c]);
}

static void fail(struct decoding *d, ts_err err)
{
    if (d->err == TS_OK)
        d->err = err;
}

static void *room(struct decoding *d, size_t count, size_t size)
{
    void *p = ts_arena_array(d->arena, count, size);
    if (p == NULL)
        fail(d, TS_E_NOMEM);
    return p;
}

/* ---- batches ---- */

static void read_times(struct decoding *d)
{
    struct ts_column_reader *c = on(d, TS_COL_TIME);
    uint64_t at = ts_column_get_varint(c);
    uint64_t step = ts_column_get_varint(c);
    uint64_t shift = ts_column_get_varint(c);
    if (shift > TS_ROLLUP_MAX_SHIFT) {
        ts_column_fail(c, TS_E_RANGE);
        return;
    }
    d->b[0].time = at;
    for (size_t i = 1; i < d->n; i++) {
        uint64_t off = ts_unzigzag(ts_column_get(c));
        d->b[i].time = at + step + off;
        at = ts_rollup_time_next(at, step, off, (unsigned)shift);
    }
}

static void read_producers(struct decoding *d)
{
    struct ts_column_reader *c = on(d, TS_COL_PRODUCER);
    uint64_t n = ts_column_get_varint(c);
    if (n == 0 || n > d->n)
        ts_column_fail(c, TS_E_RANGE);
    const uint8_t *list = ts_column_get_bytes(c, n * sizeof(ts_address));
    uint64_t last = 0, n_seen = 1;
    for (size_t i = 0; i < d->n && c->err == TS_OK; i++) {
        uint64_t token = ts_column_get(c);
        uint64_t at = token == 0 ? last : token - 1;
        /* The order is that of the first batches; who is the same as before is told by 0. */
        if (at >= n || at > n_seen || (token != 0 && at == last))
            ts_column_fail(c, TS_E_NOT_CANONICAL);
        if (c->err != TS_OK)
            return;
        n_seen += at == n_seen;
        memcpy(d->b[i].producer.b, list + at * sizeof(ts_address), sizeof(ts_address));
        last = at;
    }
    if (n_seen != n)
        ts_column_fail(c, TS_E_NOT_CANONICAL);
}

static void read_counts(struct decoding *d)
{
    for (size_t i = 0; i < d->n; i++) {
        uint64_t count = get(d, TS_COL_COUNT);
        if (count > TS_ROLLUP_MAX_TXS - d->n_txs) {
            fail(d, TS_E_LIMIT);
            return;
        }
        d->b[i].n_txs = (size_t)count;
        d->n_txs += (size_t)count;
    }
}

static void read_batches(struct decoding *d)
{
    uint64_t term = 0, l1_number = 0;
    read_times(d);
    read_producers(d);
    for (size_t i = 0; i < d->n; i++) {
        term += ts_unzigzag(get(d, TS_COL_TERM));
        l1_number += ts_unzigzag(get(d, TS_COL_L1));
        d->b[i].term = term;
        d->b[i].l1_number = l1_number;
    }
    read_counts(d);
}

/* ---- transactions ---- */

/* What the next transaction is measured against; the other side of rollup_encode.c's. */
struct before {
    uint64_t kind;
    struct ts_rollup_tx tx;
    bool nonce_steps;
    uint8_t parities;
    size_t n;
};

static void get_number(struct decoding *d, enum ts_rollup_column c, ts_bytes *v)
{
    uint64_t token = get(d, c);
    if (token == 0)
        return;
    if (token > 33) {
        ts_column_fail(on(d, c), TS_E_RANGE);
        return;
    }
    const uint8_t *p = ts_column_get_bytes(on(d, c + 1), token - 1);
    if (p != NULL)
        *v = ts_bytes_of(p, (size_t)token - 1);
}

static ts_bytes get_string(struct decoding *d, enum ts_rollup_column c)
{
    uint64_t n = get(d, c);
    const uint8_t *p = ts_column_get_bytes(on(d, c + 1), n);
    return p != NULL ? ts_bytes_of(p, (size_t)n) : (ts_bytes){0};
}

static void get_recipient(struct decoding *d, struct ts_rollup_tx *tx, const uint8_t *addresses)
{
    struct ts_column_reader *c = on(d, TS_COL_TO_BYTES);
    uint64_t token = get(d, TS_COL_TO);
    const uint8_t *p = NULL;
    tx->creates = token == TS_ROLLUP_TO_NONE;
    if (tx->creates)
        return;
    if (token == TS_ROLLUP_TO_NEW) {
        p = ts_column_get_bytes(c, sizeof(tx->to.b));
    } else if (token - TS_ROLLUP_TO_SEEN < (uint64_t)(c->p - addresses) / sizeof(tx->to.b)) {
        p = addresses + (token - TS_ROLLUP_TO_SEEN) * sizeof(tx->to.b);
    } else {
        ts_column_fail(c, TS_E_RANGE);
    }
    if (p != NULL)
        memcpy(tx->to.b, p, sizeof(tx->to.b));
}

static void get_parity(struct decoding *d, struct before *w)
{
    if (w->n % 8 == 0) {
        const uint8_t *p = ts_column_get_bytes(on(d, TS_COL_PARITY), 1);
        w->parities = p != NULL ? *p : 0;
    }
    w->tx.parity = w->parities & 1;
    w->parities >>= 1;
    w->n++;
}

static void get_fields(struct decoding *d, struct before *w, const uint8_t *addresses)
{
    struct ts_rollup_tx *tx = &w->tx;
    tx->chain_id += ts_unzigzag(get(d, TS_COL_CHAIN));
    uint64_t nonce = get(d, TS_COL_NONCE);
    tx->nonce = w->nonce_steps ? tx->nonce + ts_unzigzag(nonce) : nonce;
    if (tx->kind == TS_KIND_DYNAMIC_FEE)
        get_number(d, TS_COL_TIP, &tx->tip);
    get_number(d, TS_COL_FEE, &tx->fee);
    tx->gas += ts_unzigzag(get(d, TS_COL_GAS));
    get_recipient(d, tx, addresses);
    get_number(d, TS_COL_VALUE, &tx->value);
    tx->data = get_string(d, TS_COL_DATA);
    if (tx->kind != TS_KIND_LEGACY)
        tx->access = get_string(d, TS_COL_ACCESS);
    get_parity(d, w);
    const uint8_t *sig = ts_column_get_bytes(on(d, TS_COL_SIGNATURE), sizeof(tx->signature));
    if (sig != NULL)
        memcpy(tx->signature, sig, sizeof(tx->signature));
    if (tx->chain_id > TS_ROLLUP_CHAIN_MAX)
        ts_column_fail(on(d, TS_COL_CHAIN), TS_E_RANGE);
}

/* Something is wrong in a column: reading on would give zeros for ever. */
static bool has_failed(struct decoding *d)
{
    for (size_t c = 0; c < TS_ROLLUP_COLUMNS; c++)
        fail(d, d->columns[c].err);
    return d->err != TS_OK;
}

static ts_bytes get_transaction(struct decoding *d, struct before *w, const uint8_t *addresses)
{
    ts_bytes raw;
    w->kind = (w->kind + get(d, TS_COL_KIND)) & 3;
    if (w->kind == TS_KIND_RAW) {
        raw = get_string(d, TS_COL_RAW);
    } else {
        w->tx.kind = (enum ts_rollup_kind)w->kind;
        get_fields(d, w, addresses);
        if (has_failed(d))
            return (ts_bytes){0};
        ts_buf_reset(&d->scratch);
        ts_rollup_tx_join(&w->tx, &d->scratch);
        fail(d, d->scratch.err);
        raw = ts_buf_bytes(&d->scratch);
    }
    if (raw.n > d->tx_room)
        fail(d, TS_E_LIMIT);
    if (has_failed(d))
        return (ts_bytes){0};
    d->tx_room -= raw.n;
    if (w->kind == TS_KIND_RAW)
        return raw;
    uint8_t *copy = room(d, raw.n, 1);
    if (copy == NULL)
        return (ts_bytes){0};
    memcpy(copy, raw.p, raw.n);
    return ts_bytes_of(copy, raw.n);
}

/* Raw bytes are borrowed from their column: one that was not compressed stands in the data still,
 * and has to move into the arena. */
static void own_raw_bytes(struct decoding *d)
{
    struct ts_column_reader *c = on(d, TS_COL_RAW_BYTES);
    size_t n = (size_t)(c->end - c->p);
    if ((uintptr_t)c->p - (uintptr_t)d->data.p >= d->data.n)
        return;
    uint8_t *copy = room(d, n, 1);
    if (copy == NULL)
        return;
    memcpy(copy, c->p, n);
    c->p = copy;
    c->end = copy + n;
}

static void read_transactions(struct decoding *d)
{
    struct before w = {.kind = TS_KIND_DYNAMIC_FEE, .tx = {.gas = TS_ROLLUP_USUAL_GAS}};
    const uint8_t *addresses = on(d, TS_COL_TO_BYTES)->p;
    const uint8_t *mode = ts_column_get_bytes(on(d, TS_COL_NONCE), 1);
    if (mode != NULL && *mode > 1)
        fail(d, TS_E_RANGE);
    w.nonce_steps = mode != NULL && *mode == 1;
    ts_bytes *txs = room(d, d->n_txs, sizeof(*txs));
    if (txs != NULL)
        own_raw_bytes(d);
    for (size_t i = 0; i < d->n && d->err == TS_OK; i++) {
        d->b[i].txs = txs;
        for (size_t j = 0; j < d->b[i].n_txs && d->err == TS_OK; j++)
            *txs++ = get_transaction(d, &w, addresses);
    }
    if (w.parities != 0)
        fail(d, TS_E_NOT_CANONICAL);
}

/* ---- the whole ---- */

static void open_columns(struct decoding *d, struct ts_column_reader *data, size_t from, size_t to,
                         size_t *column_room)
{
    for (size_t c = from; c < to && d->err == TS_OK; c++) {
        ts_bytes column = {0};
        fail(d, ts_column_unpack(data, d->arena, column_room, &column));
        d->columns[c] = ts_column_reader_of(column);
    }
}

static void decode(struct decoding *d, struct ts_column_reader *data)
{
    size_t column_room = TS_ROLLUP_MAX_RAW;
    const uint8_t *version = ts_column_get_bytes(data, 1);
    for (size_t c = 0; c < TS_ROLLUP_COLUMNS; c++)
        d->columns[c] = ts_column_reader_of((ts_bytes){0});
    if (version == NULL || *version != TS_ROLLUP_VERSION) {
        fail(d, version == NULL ? TS_E_TRUNCATED : TS_E_VERSION);
        return;
    }
    open_columns(d, data, TS_COL_TIME, TS_COL_COUNT + 1, &column_room);
    d->b = d->err == TS_OK ? room(d, d->n, sizeof(*d->b)) : NULL;
    if (d->b == NULL)
        return;
    read_batches(d);
    if (has_failed(d))
        return;
    if (d->n_txs > 0) {
        open_columns(d, data, TS_COL_KIND, TS_ROLLUP_COLUMNS, &column_room);
        if (d->err == TS_OK)
            read_transactions(d);
    }
    fail(d, ts_column_done(data));
    for (size_t c = 0; c < TS_ROLLUP_COLUMNS; c++)
        fail(d, ts_column_done(&d->columns[c]));
}

ts_err ts_rollup_decode(ts_bytes data, size_t n, struct ts_arena *arena,
                        struct ts_rollup_batch **out)
{
    struct ts_column_reader r = ts_column_reader_of(data);
    struct decoding d = {.data = data, .arena = arena, .n = n, .tx_room = TS_ROLLUP_MAX_RAW};
    if (n == 0 || n > TS_ROLLUP_MAX_BATCHES)
        return TS_E_RANGE;
    if (data.n > ts_rollup_data_max(n))
        return TS_E_LIMIT;
    ts_buf_init(&d.scratch, TS_ROLLUP_MAX_RAW);
    decode(&d, &r);
    ts_buf_free(&d.scratch);
    if (d.err == TS_OK)
        *out = d.b;
    return d.err;
}
