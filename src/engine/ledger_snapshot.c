/* SPDX-License-Identifier: Apache-2.0 */
/* The committed state as bytes, all numbers big-endian:
 *
 *     magic 8, genesis hash 32, state root 32, count 8, then count times address 20, nonce 8,
 * balance 32
 *
 * in the order in which the accounts came to be, so that parties of one chain write the same bytes.
 * Who keeps the bytes seals them. Loading still believes nothing: no account may be empty or come
 * twice, and the balances must add up to what the genesis allocates. */
#include "base/check.h"
#include "engine/ledger.h"

#define HEADER_SIZE 80u
#define RECORD_SIZE 60u
#define PER_CALL    64u /* records written or read at once */

static const uint8_t magic[8] = {'t', 's', 'l', 'e', 'd', 'g', 'r', 1};

static void put_be64(uint8_t *out, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (8 * (7 - i)));
}

static uint64_t get_be64(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static void put_record(uint8_t *out, const struct ts_account *a)
{
    memcpy(out, a->address.b, 20);
    put_be64(out + 20, a->nonce);
    ts_u256_to_be(&a->balance, out + 28);
}

static struct ts_account get_record(const uint8_t *p)
{
    struct ts_account a = {.nonce = get_be64(p + 20), .balance = ts_u256_from_be(p + 28, 32)};
    memcpy(a.address.b, p, 20);
    return a;
}

ts_err ts_ledger_save(const struct ts_engine *e, const struct ts_sink *to)
{
    uint8_t header[HEADER_SIZE];
    uint8_t records[PER_CALL * RECORD_SIZE];
    TS_CHECK(e->stage == TS_LEDGER_IDLE);
    memcpy(header, magic, 8);
    memcpy(header + 8, e->genesis->hash.b, 32);
    memcpy(header + 40, e->root.b, 32);
    put_be64(header + 72, e->accounts.n);
    ts_err err = to->write(to->ctx, header, sizeof(header));
    for (size_t i = 0; i < e->accounts.n && err == TS_OK;) {
        size_t n = 0;
        for (; n < PER_CALL && i < e->accounts.n; n++, i++)
            put_record(records + n * RECORD_SIZE, ts_accounts_at(&e->accounts, i));
        err = to->write(to->ctx, records, n * RECORD_SIZE);
    }
    return err;
}

static ts_err take_record(struct ts_engine *e, const uint8_t *p, ts_u256 *sum)
{
    struct ts_account a = get_record(p);
    if (ts_account_is_empty(&a) || ts_accounts_find(&e->accounts, &a.address) != NULL ||
        !ts_u256_add(sum, &a.balance, sum))
        return TS_E_CORRUPT;
    struct ts_account *to = ts_accounts_add(&e->accounts, &a.address);
    if (to == NULL)
        return TS_E_NOMEM;
    *to = a;
    return TS_OK;
}

/* Memory grows with what is read, never with what the count claims. */
static ts_err take_records(struct ts_engine *e, const struct ts_source *from, uint64_t count)
{
    uint8_t records[PER_CALL * RECORD_SIZE];
    ts_u256 sum = ts_u256_of(0);
    while (count > 0) {
        size_t n = count < PER_CALL ? (size_t)count : PER_CALL;
        ts_err err = from->read(from->ctx, records, n * RECORD_SIZE);
        for (size_t i = 0; i < n && err == TS_OK; i++)
            err = take_record(e, records + i * RECORD_SIZE, &sum);
        if (err != TS_OK)
            return err;
        count -= n;
    }
    return ts_u256_compare(&sum, &e->supply) == 0 ? TS_OK : TS_E_CORRUPT;
}

static ts_err read_header(const struct ts_engine *e, const struct ts_source *from, ts_hash *root,
                          uint64_t *count)
{
    uint8_t header[HEADER_SIZE];
    ts_err err = from->read(from->ctx, header, sizeof(header));
    if (err != TS_OK)
        return err;
    if (memcmp(header, magic, 7) != 0)
        return TS_E_CORRUPT;
    if (header[7] != magic[7])
        return TS_E_VERSION;
    if (memcmp(header + 8, e->genesis->hash.b, 32) != 0)
        return TS_E_FOREIGN;
    memcpy(root->b, header + 40, 32);
    *count = get_be64(header + 72);
    return TS_OK;
}

static ts_err replace_state(struct ts_engine *e, const struct ts_source *from)
{
    ts_hash root;
    uint64_t count;
    ts_err err = read_header(e, from, &root, &count);
    if (err != TS_OK)
        return err;
    ts_accounts_free(&e->accounts); /* before the new ones come: two states may not fit */
    err = take_records(e, from, count);
    if (err == TS_OK)
        e->root = root;
    return err;
}

ts_err ts_ledger_load(struct ts_engine *e, const struct ts_source *from)
{
    TS_CHECK(e->stage == TS_LEDGER_IDLE);
    ts_err err = replace_state(e, from);
    if (err == TS_OK)
        return TS_OK;
    ts_err reset = ts_ledger_reset(e);
    return reset == TS_OK ? err : reset;
}
