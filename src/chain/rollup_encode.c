/* SPDX-License-Identifier: Apache-2.0 */
/* Batches into columns. rollup_decode.c reads the same, column by column. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "chain/rollup_columns.h"
#include "chain/rollup_tx.h"
#include "crypto/keccak.h"

struct encoding {
    const struct ts_rollup_batch *b;
    size_t n;
    bool plain; /* nothing is compressed: what comes out is a bound */
    struct ts_column columns[TS_ROLLUP_COLUMNS];
    struct ts_buf scratch;
    struct ts_map recipients; /* address → uint32_t, counted from 0 */
    size_t n_txs;
    size_t tx_bytes;
};

static void put(struct encoding *e, enum ts_rollup_column c, uint64_t v)
{
    ts_column_put(&e->columns[c], v);
}

static void put_bytes(struct encoding *e, enum ts_rollup_column c, ts_bytes v)
{
    ts_column_put_bytes(&e->columns[c], v);
}

/* ---- batches ---- */

/* How much of a deviation the next prediction takes over: 1/2^shift. 0: steps are equal but where
 * the clock is late it stays late. 63: batches keep to a grid. */
static const uint8_t shifts[] = {0, 3, 62};

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The step in the middle of the first batches' steps. */
static uint64_t usual_step(const struct encoding *e)
{
    uint64_t steps[256];
    size_t n = 0;
    for (size_t i = 1; i < e->n && n < sizeof(steps) / sizeof(steps[0]); i++)
        steps[n++] = e->b[i].time - e->b[i - 1].time;
    if (n == 0)
        return 0;
    qsort(steps, n, sizeof(steps[0]), by_value);
    return steps[n / 2];
}

static void put_times(const struct encoding *e, struct ts_column *c, uint64_t step, uint8_t shift)
{
    uint64_t at = e->b[0].time;
    ts_column_put_varint(c, at);
    ts_column_put_varint(c, step);
    ts_column_put_varint(c, shift);
    for (size_t i = 1; i < e->n; i++) {
        uint64_t off = e->b[i].time - (at + step);
        ts_column_put(c, ts_zigzag(off));
        at = ts_rollup_time_next(at, step, off, shift);
    }
    ts_column_end(c);
}

static size_t packed_size(struct encoding *e, const struct ts_column *c)
{
    if (e->plain)
        return c->bytes.n;
    ts_buf_reset(&e->scratch);
    ts_column_pack(&e->scratch, ts_buf_bytes(&c->bytes), TS_SQUEEZE_TRY);
    return e->scratch.err == TS_OK ? e->scratch.n : SIZE_MAX;
}

/* Puts the shorter of two columns in place. */
static void keep_shorter(struct encoding *e, struct ts_column *best, struct ts_column *other)
{
    if (best->bytes.err != TS_OK || other->bytes.err != TS_OK ||
        packed_size(e, other) < packed_size(e, best)) {
        struct ts_column swap = *best;
        *best = *other;
        *other = swap;
    }
    ts_column_free(other);
}

static void put_time(struct encoding *e)
{
    uint64_t step = usual_step(e);
    put_times(e, &e->columns[TS_COL_TIME], step, shifts[0]);
    for (size_t i = 1; i < sizeof(shifts); i++) {
        struct ts_column other;
        ts_column_init(&other);
        put_times(e, &other, step, shifts[i]);
        keep_shorter(e, &e->columns[TS_COL_TIME], &other);
    }
}

/* A producer not seen before has its address in the column; others go by the order of their first
 * batches. */
static void put_producers(struct encoding *e)
{
    struct ts_column *c = &e->columns[TS_COL_PRODUCER];
    ts_address *seen = calloc(e->n, sizeof(*seen));
    size_t n_seen = 0, last = 0;
    if (seen == NULL) {
        c->bytes.err = TS_E_NOMEM;
        return;
    }
    struct ts_column tokens;
    ts_column_init(&tokens);
    for (size_t i = 0; i < e->n; i++) {
        size_t at = last;
        if (n_seen == 0 || !ts_address_equal(&seen[last], &e->b[i].producer)) {
            for (at = 0; at < n_seen && !ts_address_equal(&seen[at], &e->b[i].producer); at++)
                ;
            if (at == n_seen)
                seen[n_seen++] = e->b[i].producer;
            ts_column_put(&tokens, i == 0 ? 0 : 1 + at);
        } else {
            ts_column_put(&tokens, 0);
        }
        last = at;
    }
    ts_column_end(&tokens);
    ts_column_put_varint(c, n_seen);
    for (size_t i = 0; i < n_seen; i++)
        ts_column_put_bytes(c, ts_bytes_of(seen[i].b, sizeof(seen[i].b)));
    ts_column_put_bytes(c, ts_buf_bytes(&tokens.bytes));
    if (tokens.bytes.err != TS_OK)
        c->bytes.err = tokens.bytes.err;
    ts_column_free(&tokens);
    free(seen);
}

static void put_batches(struct encoding *e)
{
    uint64_t term = 0, l1_number = 0;
    put_time(e);
    put_producers(e);
    for (size_t i = 0; i < e->n; i++) {
        put(e, TS_COL_TERM, ts_zigzag(e->b[i].term - term));
        put(e, TS_COL_L1, ts_zigzag(e->b[i].l1_number - l1_number));
        put(e, TS_COL_COUNT, e->b[i].n_txs);
        term = e->b[i].term;
        l1_number = e->b[i].l1_number;
    }
    ts_column_end(&e->columns[TS_COL_TERM]);
    ts_column_end(&e->columns[TS_COL_L1]);
    ts_column_end(&e->columns[TS_COL_COUNT]);
}

/* ---- transactions ---- */

/* What the next transaction is measured against. */
struct before {
    uint64_t kind;
    uint64_t chain_id;
    uint64_t gas;
    ts_bytes tip, fee, value;
    uint64_t nonce;
    uint8_t parities; /* of the eight that stand in one byte */
    size_t n;         /* transactions that are not raw */
};

/* 0: as the one before; else one more than the length, and the bytes. */
static void put_number(struct encoding *e, enum ts_rollup_column c, ts_bytes v, ts_bytes *before)
{
    bool same = ts_bytes_equal(v, *before);
    put(e, c, same ? 0 : 1 + v.n);
    if (!same)
        put_bytes(e, c + 1, v);
    *before = v;
}

static void put_recipient(struct encoding *e, const struct ts_rollup_tx *tx)
{
    bool is_new;
    if (tx->creates) {
        put(e, TS_COL_TO, TS_ROLLUP_TO_NONE);
        return;
    }
    uint32_t known = (uint32_t)e->recipients.n;
    uint32_t *at = ts_map_put(&e->recipients, tx->to.b, &is_new);
    if (at == NULL) {
        e->columns[TS_COL_TO].bytes.err = TS_E_NOMEM;
    } else if (is_new) {
        *at = known;
        put(e, TS_COL_TO, TS_ROLLUP_TO_NEW);
        put_bytes(e, TS_COL_TO_BYTES, ts_bytes_of(tx->to.b, sizeof(tx->to.b)));
    } else {
        put(e, TS_COL_TO, TS_ROLLUP_TO_SEEN + *at);
    }
}

static void put_parity(struct encoding *e, const struct ts_rollup_tx *tx, struct before *w)
{
    w->parities |= (uint8_t)(tx->parity << w->n % 8);
    w->n++;
    if (w->n % 8 == 0) {
        put_bytes(e, TS_COL_PARITY, ts_bytes_of(&w->parities, 1));
        w->parities = 0;
    }
}

static void put_fields(struct encoding *e, const struct ts_rollup_tx *tx, struct before *w,
                       struct ts_column *nonces)
{
    put(e, TS_COL_CHAIN, ts_zigzag(tx->chain_id - w->chain_id));
    put(e, TS_COL_NONCE, tx->nonce);
    ts_column_put(nonces, ts_zigzag(tx->nonce - w->nonce));
    if (tx->kind == TS_KIND_DYNAMIC_FEE)
        put_number(e, TS_COL_TIP, tx->tip, &w->tip);
    put_number(e, TS_COL_FEE, tx->fee, &w->fee);
    put(e, TS_COL_GAS, ts_zigzag(tx->gas - w->gas));
    put_recipient(e, tx);
    put_number(e, TS_COL_VALUE, tx->value, &w->value);
    put(e, TS_COL_DATA, tx->data.n);
    put_bytes(e, TS_COL_DATA_BYTES, tx->data);
    if (tx->kind != TS_KIND_LEGACY) {
        put(e, TS_COL_ACCESS, tx->access.n);
        put_bytes(e, TS_COL_ACCESS_BYTES, tx->access);
    }
    put_parity(e, tx, w);
    put_bytes(e, TS_COL_SIGNATURE, ts_bytes_of(tx->signature, sizeof(tx->signature)));
    w->chain_id = tx->chain_id;
    w->nonce = tx->nonce;
    w->gas = tx->gas;
}

static void put_transaction(struct encoding *e, ts_bytes raw, struct before *w,
                            struct ts_column *nonces)
{
    struct ts_rollup_tx tx;
    ts_rollup_tx_split(raw, &e->scratch, &tx);
    put(e, TS_COL_KIND, ((uint64_t)tx.kind - w->kind) & 3);
    w->kind = tx.kind;
    if (tx.kind != TS_KIND_RAW) {
        put_fields(e, &tx, w, nonces);
        return;
    }
    put(e, TS_COL_RAW, raw.n);
    put_bytes(e, TS_COL_RAW_BYTES, raw);
}

/* A seed that depends on all transactions, so that nobody can choose recipients that collide. */
static void seed_map(struct encoding *e)
{
    struct ts_keccak k;
    ts_hash h;
    uint64_t seed[2];
    ts_keccak_init(&k);
    for (size_t i = 0; i < e->n; i++) {
        for (size_t j = 0; j < e->b[i].n_txs; j++)
            ts_keccak_update(&k, e->b[i].txs[j].p, e->b[i].txs[j].n);
    }
    ts_keccak_final(&k, &h);
    memcpy(seed, h.b, sizeof(seed));
    ts_map_init(&e->recipients, sizeof(ts_address), sizeof(uint32_t), seed);
}

static void put_transactions(struct encoding *e)
{
    struct before w = {.kind = TS_KIND_DYNAMIC_FEE, .gas = TS_ROLLUP_USUAL_GAS};
    struct ts_column nonces;
    const uint8_t plain = 0, steps = 1;
    seed_map(e);
    ts_column_init(&nonces);
    put_bytes(e, TS_COL_NONCE, ts_bytes_of(&plain, 1));
    ts_column_put_bytes(&nonces, ts_bytes_of(&steps, 1));
    for (size_t i = 0; i < e->n; i++) {
        for (size_t j = 0; j < e->b[i].n_txs; j++)
            put_transaction(e, e->b[i].txs[j], &w, &nonces);
    }
    if (w.n % 8 != 0)
        put_bytes(e, TS_COL_PARITY, ts_bytes_of(&w.parities, 1));
    for (size_t c = TS_COL_KIND; c < TS_ROLLUP_COLUMNS; c++)
        ts_column_end(&e->columns[c]);
    ts_column_end(&nonces);
    keep_shorter(e, &e->columns[TS_COL_NONCE], &nonces);
    ts_map_free(&e->recipients);
}

/* ---- the whole ---- */

static ts_err check_size(struct encoding *e)
{
    if (e->n == 0)
        return TS_E_RANGE;
    if (e->n > TS_ROLLUP_MAX_BATCHES)
        return TS_E_LIMIT;
    for (size_t i = 0; i < e->n; i++) {
        if (e->b[i].n_txs > TS_ROLLUP_MAX_TXS - e->n_txs)
            return TS_E_LIMIT;
        e->n_txs += e->b[i].n_txs;
        for (size_t j = 0; j < e->b[i].n_txs; j++) {
            if (e->b[i].txs[j].n > TS_ROLLUP_MAX_RAW - e->tx_bytes)
                return TS_E_LIMIT;
            e->tx_bytes += e->b[i].txs[j].n;
        }
    }
    return TS_OK;
}

static ts_err pack(struct encoding *e, struct ts_buf *out, struct ts_rollup_sizes *sizes)
{
    size_t n = e->n_txs > 0 ? TS_ROLLUP_COLUMNS : TS_COL_COUNT + 1;
    size_t raw = 0;
    ts_buf_put_byte(out, TS_ROLLUP_VERSION);
    for (size_t c = 0; c < n; c++) {
        ts_bytes column = ts_buf_bytes(&e->columns[c].bytes);
        size_t before = out->n;
        if (e->columns[c].bytes.err != TS_OK)
            return e->columns[c].bytes.err;
        if (column.n > TS_ROLLUP_MAX_RAW - raw)
            return TS_E_LIMIT;
        raw += column.n;
        bool never = e->plain || c == TS_COL_SIGNATURE;
        ts_column_pack(out, column, never ? TS_SQUEEZE_NEVER : TS_SQUEEZE_TRY);
        sizes->raw[c] = column.n;
        sizes->stored[c] = out->n - before;
    }
    return out->err;
}

static ts_err encode(struct encoding *e, struct ts_buf *packed, struct ts_rollup_sizes *sizes)
{
    put_batches(e);
    if (e->n_txs > 0)
        put_transactions(e);
    return pack(e, packed, sizes);
}

static ts_err encode_all(struct encoding *e, struct ts_buf *packed, struct ts_rollup_sizes *sizes)
{
    ts_err err = check_size(e);
    if (err != TS_OK)
        return err;
    for (size_t c = 0; c < TS_ROLLUP_COLUMNS; c++)
        ts_column_init(&e->columns[c]);
    ts_buf_init(&e->scratch, 0);
    err = encode(e, packed, sizes);
    for (size_t c = 0; c < TS_ROLLUP_COLUMNS; c++)
        ts_column_free(&e->columns[c]);
    ts_buf_free(&e->scratch);
    return err;
}

ts_err ts_rollup_encode(const struct ts_rollup_batch *b, size_t n, size_t max, struct ts_buf *out,
                        struct ts_rollup_sizes *sizes)
{
    struct encoding e = {.b = b, .n = n};
    struct ts_rollup_sizes found = {{0}, {0}};
    struct ts_buf packed;
    ts_buf_init(&packed, 0);
    ts_err err = encode_all(&e, &packed, &found);
    if (sizes != NULL)
        *sizes = found;
    if (err == TS_OK && packed.n > max)
        err = TS_E_LIMIT;
    if (err == TS_OK) {
        ts_buf_put(out, packed.p, packed.n);
        err = out->err;
    }
    ts_buf_free(&packed);
    return err;
}

/* ---- how many fit ---- */

#define FIT_ROUNDS 16

/* Bytes that the data of the first n take at most. TS_E_LIMIT: more than any rollup may hold. */
static ts_err bound_of(const struct ts_rollup_batch *b, size_t n, size_t *bound)
{
    struct encoding e = {.b = b, .n = n, .plain = true};
    struct ts_rollup_sizes sizes;
    struct ts_buf packed;
    ts_buf_init(&packed, 0);
    ts_err err = encode_all(&e, &packed, &sizes);
    *bound = packed.n;
    ts_buf_free(&packed);
    return err;
}

/* A place between two, where the bound would be max if every batch took the same. */
static size_t guess(size_t low, size_t high, size_t n, size_t bound, size_t max)
{
    size_t at = (size_t)((double)n * (double)max / ((double)bound + 1));
    if (at <= low)
        return low + 1;
    return at < high ? at : high - 1;
}

ts_err ts_rollup_fit(const struct ts_rollup_batch *b, size_t n, size_t max, size_t *fit)
{
    size_t low = 0, high = n < TS_ROLLUP_MAX_BATCHES ? n + 1 : TS_ROLLUP_MAX_BATCHES + 1;
    if (n == 0)
        return TS_E_RANGE;
    size_t at = high - 1;
    for (int round = 0; round < FIT_ROUNDS && high - low > 1; round++) {
        size_t bound;
        ts_err err = bound_of(b, at, &bound);
        if (err != TS_OK && err != TS_E_LIMIT)
            return err;
        bool fits = err == TS_OK && bound <= max;
        low = fits ? at : low;
        high = fits ? high : at;
        if (err == TS_E_LIMIT)
            at = low + (high - low) / 2;
        else if (high - low > 1)
            at = guess(low, high, at, bound, max);
    }
    *fit = low > 0 ? low : 1;
    return TS_OK;
}
