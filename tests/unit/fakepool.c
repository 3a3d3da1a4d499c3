/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepool.h"

#include "codec/rlp.h"
#include "crypto/keccak.h"

void fake_begin(struct fake_l1 *f)
{
    memset(f, 0, sizeof(*f));
    f->chain_id = 31337;
    f->height = 10;
    f->base_fee = 1000000000;
    f->tip = 1000000000;
    f->has_funds = true;
}

void fake_data(uint64_t job, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(job >> (56 - 8 * i));
}

static bool is_mined(const struct fake_l1 *f, const struct fake_tx *tx)
{
    return tx->block <= f->height;
}

uint64_t fake_nonce(const struct fake_l1 *f, uint64_t block)
{
    uint64_t n = 0;
    for (size_t i = 0; i < f->n_txs; i++)
        n += is_mined(f, &f->txs[i]) && f->txs[i].block <= block;
    return n;
}

unsigned fake_mined(const struct fake_l1 *f, uint64_t job)
{
    unsigned n = 0;
    for (size_t i = 0; i < f->n_txs; i++)
        n += is_mined(f, &f->txs[i]) && f->txs[i].job == job;
    return n;
}

size_t fake_queued(const struct fake_l1 *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_txs; i++)
        n += f->txs[i].block == FAKE_QUEUED;
    return n;
}

static struct fake_tx *queued_at(struct fake_l1 *f, uint64_t nonce)
{
    for (size_t i = 0; i < f->n_txs; i++)
        if (f->txs[i].block == FAKE_QUEUED && f->txs[i].nonce == nonce)
            return &f->txs[i];
    return NULL;
}

static struct fake_tx *find_tx(struct fake_l1 *f, const ts_hash *hash)
{
    for (size_t i = 0; i < f->n_txs; i++)
        if (ts_hash_equal(&f->txs[i].hash, hash))
            return &f->txs[i];
    return NULL;
}

void fake_mine(struct fake_l1 *f)
{
    struct fake_tx *tx;
    uint64_t nonce = fake_nonce(f, f->height);
    f->height++;
    while ((tx = queued_at(f, nonce)) != NULL && tx->fee >= f->base_fee && !f->is_mining_stopped) {
        tx->block = f->height;
        tx->fails = tx->job == f->fails_job && tx->job != 0;
        nonce++;
    }
    for (size_t i = 0; i < f->n_txs; i++) /* of a nonce that is used now */
        if (f->txs[i].block == FAKE_QUEUED && f->txs[i].nonce < nonce)
            f->txs[i].block = FAKE_GONE;
}

void fake_reorg(struct fake_l1 *f, uint64_t depth, bool forgets)
{
    for (size_t i = 0; i < f->n_txs; i++)
        if (is_mined(f, &f->txs[i]) && f->txs[i].block > f->height - depth)
            f->txs[i].block = forgets ? FAKE_GONE : FAKE_QUEUED;
    f->forks++;
}

void fake_forget(struct fake_l1 *f)
{
    for (size_t i = 0; i < f->n_txs; i++)
        if (f->txs[i].block == FAKE_QUEUED)
            f->txs[i].block = FAKE_GONE;
}

static struct fake_tx *add(struct fake_l1 *f)
{
    assert_true(f->n_txs < FAKE_MAX_TXS);
    struct fake_tx *tx = &f->txs[f->n_txs++];
    tx->block = FAKE_QUEUED;
    return tx;
}

void fake_foreign(struct fake_l1 *f, uint64_t nonce, uint64_t fee, uint64_t tip)
{
    struct fake_tx *old = queued_at(f, nonce);
    if (old)
        old->block = FAKE_GONE;
    struct fake_tx *tx = add(f);
    const size_t at = f->n_txs;
    ts_keccak256(ts_bytes_of(&at, sizeof(at)), &tx->hash);
    tx->nonce = nonce;
    tx->fee = fee;
    tx->tip = tip;
    tx->job = FAKE_FOREIGN;
}

/* ---- answers ---- */

static void refuse(struct ts_l1_answer *a, const char *text)
{
    a->err = TS_E_L1_REFUSED;
    a->code = -32000;
    a->text = text;
}

static struct fake_tx read_tx(ts_bytes raw)
{
    struct fake_tx tx = {.block = FAKE_QUEUED};
    ts_address to;
    assert_true(raw.n > 1 && raw.p[0] == 2);
    struct ts_reader r = ts_reader_of(ts_bytes_of(raw.p + 1, raw.n - 1));
    ts_read_list(&r);
    assert_int_equal(ts_read_u64(&r), 31337);
    tx.nonce = ts_read_u64(&r);
    tx.tip = ts_read_u64(&r);
    tx.fee = ts_read_u64(&r);
    tx.gas = ts_read_u64(&r);
    ts_read_address(&r, &to);
    (void)ts_read_u256(&r);
    const ts_bytes data = ts_read_bytes(&r, 1000);
    for (size_t i = 0; i < data.n && i < 8; i++)
        tx.job = tx.job << 8 | data.p[i];
    ts_read_list(&r);
    ts_read_list_end(&r);
    (void)ts_read_u64(&r);
    (void)ts_read_u256(&r);
    (void)ts_read_u256(&r);
    ts_read_list_end(&r);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    assert_true(tx.tip <= tx.fee);
    ts_keccak256(raw, &tx.hash);
    return tx;
}

static void take_tx(struct fake_l1 *f, ts_bytes raw, struct ts_l1_answer *a)
{
    const struct fake_tx tx = read_tx(raw);
    struct fake_tx *known = find_tx(f, &tx.hash);
    struct fake_tx *rival = queued_at(f, tx.nonce);
    a->u.hash = tx.hash;
    if (f->refuses_send)
        refuse(a, f->refuses_send);
    else if (known && known->block == FAKE_QUEUED)
        refuse(a, "already known");
    else if (tx.nonce < fake_nonce(f, f->height))
        refuse(a, "nonce too low: next nonce 9, tx nonce 8");
    else if (!f->has_funds)
        refuse(a, "insufficient funds for gas * price + value");
    else if (rival &&
             (tx.fee < rival->fee + rival->fee / 10 || tx.tip < rival->tip + rival->tip / 10))
        refuse(a, "replacement transaction underpriced");
    if (a->err != TS_OK)
        return;
    if (rival)
        rival->block = FAKE_GONE;
    if (known)
        known->block = FAKE_QUEUED;
    else
        *add(f) = tx;
}

static void give_receipt(struct fake_l1 *f, const ts_hash *hash, struct ts_l1_answer *a)
{
    const struct fake_tx *tx = find_tx(f, hash);
    if (!tx || !is_mined(f, tx))
        return;
    a->u.receipt = (struct ts_l1_answer_receipt){
        .found = true, .succeeded = !tx->fails, .block = tx->block, .gas_used = 21000};
    a->u.receipt.block_hash.b[0] = (uint8_t)tx->block;
    a->u.receipt.block_hash.b[1] = (uint8_t)f->forks;
}

static void estimate(const struct fake_l1 *f, ts_bytes data, struct ts_l1_answer *a)
{
    uint64_t job = 0;
    for (size_t i = 0; i < data.n && i < 8; i++)
        job = job << 8 | data.p[i];
    a->u.number = 50000;
    if ((job >= f->reverts_from && job <= f->reverts_to && f->reverts_from > 0) ||
        (f->is_chained && job > 1 && fake_mined(f, job - 1) == 0)) {
        a->err = TS_E_L1_REVERT;
        a->text = "the contract refuses: NotNext(2, 1)";
    }
}

void fake_answer(struct fake_l1 *f, const struct ts_l1_call *call, struct ts_l1_answer *a)
{
    memset(a, 0, sizeof(*a));
    a->id = call->id;
    a->method = call->method;
    a->text = "";
    switch (call->method) {
    case TS_L1_CHAIN_ID:
        a->u.number = f->chain_id;
        break;
    case TS_L1_BLOCK:
        a->u.block.found = call->tag != TS_L1_FINALIZED || f->finalized > 0;
        a->u.block.number = call->tag == TS_L1_FINALIZED ? f->finalized : f->height;
        break;
    case TS_L1_NONCE:
        a->u.number = fake_nonce(f, call->tag == TS_L1_AT_NUMBER   ? call->number
                                    : call->tag == TS_L1_FINALIZED ? f->finalized
                                                                   : f->height);
        break;
    case TS_L1_RECEIPT:
        give_receipt(f, &call->hash, a);
        break;
    case TS_L1_FEES:
        a->u.fees = (struct ts_l1_answer_fees){f->base_fee, f->tip};
        break;
    case TS_L1_ESTIMATE:
        estimate(f, call->data, a);
        break;
    case TS_L1_SEND:
        take_tx(f, call->data, a);
        break;
    default:
        fail_msg("the submitter asks for something new");
    }
}
