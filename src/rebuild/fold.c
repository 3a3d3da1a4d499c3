/* SPDX-License-Identifier: Apache-2.0 */
#include "rebuild/fold.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "codec/rlp.h"
#include "crypto/sign.h"

static ts_err fail(ts_err err, char why[TS_FOLD_WHY], const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static ts_err fail(ts_err err, char why[TS_FOLD_WHY], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, TS_FOLD_WHY, format, args);
    va_end(args);
    return err;
}

static ts_err compare(const struct ts_batch *b, ts_bytes rebuilt, unsigned long long number,
                      char why[TS_FOLD_WHY])
{
    struct ts_reader r = ts_reader_of(rebuilt);
    ts_read_list(&r);
    ts_bytes header = ts_read_raw(&r);
    ts_bytes txs = ts_read_raw(&r);
    ts_read_list_end(&r);
    if (ts_reader_done(&r) != TS_OK)
        return fail(TS_E_CORRUPT, why, "batch %llu: what was rebuilt of it does not decode",
                    number);
    if (b->header.number != number)
        return fail(TS_E_OUT_OF_ORDER, why, "batch %llu: it is missing: batch %llu came instead",
                    number, (unsigned long long)b->header.number);
    if (!ts_bytes_equal(header, b->raw_header))
        return fail(TS_E_CONFLICT, why, "batch %llu: its header is not the one that L1 gives",
                    number);
    if (!ts_bytes_equal(txs, b->raw_txs))
        return fail(TS_E_CONFLICT, why, "batch %llu: its transactions are not those that L1 gives",
                    number);
    return TS_OK;
}

static ts_err check_seal(const struct ts_fold *f, const struct ts_batch *b, const ts_hash *hash,
                         const ts_hash *root, char why[TS_FOLD_WHY])
{
    const struct ts_batch_seal seal = {.batch_hash = *hash, .protocol_root = *root};
    ts_hash digest;
    ts_address who;
    ts_seal_digest(&f->genesis->domain, &seal, &digest);
    ts_err err = ts_recover(f->crypto, &digest, &b->seal, &who);
    if (err == TS_OK && !ts_address_equal(&who, &b->header.producer))
        err = TS_E_SIGNER;
    if (err == TS_OK)
        return TS_OK;
    return fail(err, why,
                "batch %llu: its payload was edited, or its seal: the seal is not its producer's "
                "over the running protocol root",
                (unsigned long long)f->number + 1);
}

ts_err ts_fold_batch(struct ts_fold *f, ts_bytes raw, ts_bytes rebuilt, const ts_hash *hash,
                     char why[TS_FOLD_WHY])
{
    struct ts_batch *b;
    ts_hash root;
    unsigned long long number = f->number + 1;
    ts_err err = ts_batch_parse(raw, TS_MAX_BATCH_BYTES, &b);
    if (err != TS_OK)
        return fail(err, why, "batch %llu: it does not decode: %s", number, ts_err_text((int)err));
    err = compare(b, rebuilt, number, why);
    if (err == TS_OK) {
        ts_protocol_root(&f->root, b->raw_payload, &root);
        err = check_seal(f, b, hash, &root, why);
    }
    ts_batch_free(b);
    if (err != TS_OK)
        return err;
    f->number++;
    f->root = root;
    return TS_OK;
}

ts_err ts_fold_rollup(const struct ts_fold *f, const struct ts_rollup *rollup,
                      char why[TS_FOLD_WHY])
{
    TS_CHECK(f->number == rollup->last_number);
    if (ts_hash_equal(&f->root, &rollup->protocol_root))
        return TS_OK;
    return fail(TS_E_CONFLICT, why,
                "batches %llu to %llu: the seals fit their payloads, and yet the rollup on L1 has "
                "another protocol root: there are two histories under these seals",
                (unsigned long long)rollup->first_number, (unsigned long long)rollup->last_number);
}
