/* SPDX-License-Identifier: Apache-2.0 */
#include "rebuild/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "engine/tx.h"

/* Recovers as the real one does, and writes down what came out. */
struct recorder {
    const struct ts_crypto *real;
    struct ts_ahead *ahead;
};

static ts_err record(void *ctx, const ts_hash *digest, const ts_sig *sig, ts_address *out)
{
    struct recorder *r = ctx;
    ts_err err = r->real->recover(r->real->ctx, digest, sig, out);
    if (err == TS_OK)
        r->ahead->senders[r->ahead->n_senders++] =
            (struct ts_ahead_sender){.digest = *digest, .sig = *sig, .sender = *out};
    return err;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_digest(const void *a, const void *b)
{
    const struct ts_ahead_sender *x = a, *y = b;
    return ts_hash_compare(&x->digest, &y->digest);
}

static void sort_l1(struct ts_ahead *a)
{
    size_t kept = 0;
    qsort(a->l1, a->n_l1, sizeof(a->l1[0]), by_number);
    for (size_t i = 0; i < a->n_l1; i++)
        if (kept == 0 || a->l1[kept - 1] != a->l1[i])
            a->l1[kept++] = a->l1[i];
    a->n_l1 = kept;
}

static void recover(const struct ts_genesis *g, const struct ts_crypto *crypto, ts_bytes raw)
{
    struct ts_tx tx;
    ts_address sender;
    char why[TS_WHY_SIZE];
    if (ts_tx_decode(raw, g, &tx, why) == TS_OK)
        (void)ts_tx_recover(&tx, crypto, &sender, why);
}

static ts_err fill(const struct ts_genesis *g, const struct ts_crypto *crypto,
                   const struct ts_rollup_batch *b, size_t n, struct ts_ahead *a)
{
    struct recorder recorder = {.real = crypto, .ahead = a};
    const struct ts_crypto recording = {.ctx = &recorder, .recover = record};
    size_t txs = 0;
    for (size_t i = 0; i < n; i++)
        txs += b[i].n_txs;
    a->l1 = malloc((n + 1) * sizeof(a->l1[0]));
    a->senders = malloc((txs + 1) * sizeof(a->senders[0]));
    if (a->l1 == NULL || a->senders == NULL)
        return TS_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        a->l1[a->n_l1++] = b[i].l1_number;
        for (size_t k = 0; k < b[i].n_txs; k++)
            recover(g, &recording, b[i].txs[k]);
    }
    return TS_OK;
}

ts_err ts_ahead_make(const struct ts_genesis *genesis, const struct ts_crypto *crypto,
                     const struct ts_rollup *rollup, ts_bytes data, struct ts_ahead *out)
{
    struct ts_rollup_batch *b = NULL;
    struct ts_arena arena;
    uint64_t n = rollup->last_number - rollup->first_number + 1;
    *out = (struct ts_ahead){.n_l1 = 0};
    ts_arena_init(&arena, TS_ROLLUP_ARENA);
    bool is_range = rollup->last_number >= rollup->first_number && n <= TS_ROLLUP_MAX_BATCHES;
    ts_err err = is_range ? ts_rollup_decode(data, (size_t)n, &arena, &b) : TS_E_RANGE;
    if (err != TS_E_NOMEM)
        err = fill(genesis, crypto, b, err == TS_OK ? (size_t)n : 0, out);
    ts_arena_free(&arena);
    if (err != TS_OK) {
        ts_ahead_free(out);
        return err;
    }
    out->l1[out->n_l1++] = rollup->l1_number;
    sort_l1(out);
    qsort(out->senders, out->n_senders, sizeof(out->senders[0]), by_digest);
    return TS_OK;
}

void ts_ahead_free(struct ts_ahead *a)
{
    free(a->l1);
    free(a->senders);
    *a = (struct ts_ahead){.n_l1 = 0};
}

bool ts_ahead_sender(const struct ts_ahead *a, const ts_hash *digest, const ts_sig *sig,
                     ts_address *out)
{
    struct ts_ahead_sender key;
    key.digest = *digest;
    const struct ts_ahead_sender *s = a->n_senders == 0 ? NULL
                                                        : bsearch(&key, a->senders, a->n_senders,
                                                                  sizeof(a->senders[0]), by_digest);
    /* One digest under two signatures: recovered again. */
    if (s == NULL || memcmp(s->sig.b, sig->b, sizeof(sig->b)) != 0)
        return false;
    *out = s->sender;
    return true;
}
