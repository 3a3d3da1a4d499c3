/* SPDX-License-Identifier: Apache-2.0 */
/* Wallets: each account sends transfers in the order of its nonces, to the host or through a node,
 * asks again when no answer comes, and follows the chain to know which of them are in it. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "world.h"

#define RESEND_US (3 * SIM_S)
#define MAX_TX    256 /* bytes */

/* ---- transactions ---- */

static void put_tx(struct ts_buf *b, struct sim_world *w, uint64_t nonce, uint64_t value,
                   uint64_t chain_id, const ts_sig *sig)
{
    ts_address to;
    memset(&to, 0xee, sizeof(to));
    size_t mark = ts_put_list(b);
    ts_put_u64(b, nonce);
    ts_put_u64(b, w->genesis.params.base_fee);
    ts_put_u64(b, 21000);
    ts_put_address(b, &to);
    ts_put_u64(b, value);
    ts_put_bytes(b, ts_bytes_of(NULL, 0));
    if (sig == NULL) {
        ts_put_u64(b, chain_id);
        ts_put_u64(b, 0);
        ts_put_u64(b, 0);
    } else {
        ts_u256 r = ts_u256_from_be(sig->b, 32), s = ts_u256_from_be(sig->b + 32, 32);
        ts_put_u64(b, chain_id * 2 + 35 + (uint64_t)(sig->b[64] - 27));
        ts_put_u256(b, &r);
        ts_put_u256(b, &s);
    }
    ts_put_list_end(b, mark);
}

static size_t make_tx(struct sim_world *w, unsigned account, uint64_t nonce, uint64_t value,
                      uint64_t chain_id, uint8_t *out, size_t cap)
{
    struct ts_buf b;
    ts_hash digest;
    ts_sig sig;
    ts_buf_init(&b, 0);
    put_tx(&b, w, nonce, value, chain_id, NULL);
    ts_keccak256(ts_buf_bytes(&b), &digest);
    TS_CHECK(ts_sign(w->crypto, &w->accounts[account].key, &digest, &sig) == TS_OK);
    ts_buf_reset(&b);
    put_tx(&b, w, nonce, value, chain_id, &sig);
    TS_CHECK(b.err == TS_OK && b.n <= cap);
    memcpy(out, b.p, b.n);
    size_t n = b.n;
    ts_buf_free(&b);
    return n;
}

size_t sim_make_tx(struct sim_world *w, unsigned account, uint64_t nonce, uint64_t value,
                   uint8_t *out, size_t cap)
{
    return make_tx(w, account, nonce, value, w->genesis.chain_id, out, cap);
}

/* ---- sending ---- */

static void send(struct sim_world *w, size_t i)
{
    struct sim_tx *t = &w->txs[i];
    int to = SIM_HOST;
    if (w->o.nodes > 0 && sim_chance(&w->rng, 40))
        to = (int)sim_below(&w->rng, w->o.nodes);
    t->sent_at = w->now;
    struct sim_event ev = {.kind = SIM_TX_SENT, .who = to, .number = i, .hash = t->hash};
    sim_tell(w, &ev);
    ts_bytes raw = ts_bytes_of(t->raw, t->n);
    if (to == SIM_HOST && w->host.p.asleep_until <= w->now) {
        struct ts_host_input in = {.kind = TS_IN_TX, .token = i, .bytes = raw};
        sim_host_input(w, &in);
    } else if (to != SIM_HOST && w->nodes[to].p.asleep_until <= w->now) {
        struct ts_node_input in = {.kind = TS_NODE_IN_TX, .token = i, .bytes = raw};
        sim_node_input(w, (unsigned)to, &in);
    }
}

static size_t add_tx(struct sim_world *w, unsigned account, uint64_t nonce, const uint8_t *raw,
                     size_t n)
{
    if (w->n_txs == w->cap_txs) {
        w->cap_txs = w->cap_txs != 0 ? 2 * w->cap_txs : 64;
        w->txs = sim_must(realloc(w->txs, w->cap_txs * sizeof(*w->txs)));
    }
    struct sim_tx *t = &w->txs[w->n_txs];
    *t = (struct sim_tx){
        .account = account, .nonce = nonce, .raw = sim_copy(ts_bytes_of(raw, n)), .n = n};
    ts_tx_hash(ts_bytes_of(raw, n), &t->hash);
    bool is_new;
    size_t *at = sim_must(ts_map_put(&w->tx_of, t->hash.b, &is_new));
    *at = w->n_txs;
    return w->n_txs++;
}

/* What no host may take: another chain's, cut off, signed by nobody, or bytes of any kind. */
static void send_odd(struct sim_world *w, unsigned account)
{
    uint8_t raw[MAX_TX];
    uint64_t nonce = w->accounts[account].next;
    size_t n = make_tx(w, account, nonce, w->n_txs, 99, raw, sizeof(raw));
    switch (sim_below(&w->rng, 3)) {
    case 0:
        break;
    case 1:
        n = sim_below(&w->rng, n);
        break;
    default:
        raw[sim_below(&w->rng, n)] ^= (uint8_t)(1 + sim_below(&w->rng, 255));
        break;
    }
    size_t i = add_tx(w, account, nonce, raw, n);
    w->txs[i].is_odd = true;
    w->txs[i].state = STX_OVER;
    send(w, i);
}

static void send_new(struct sim_world *w, unsigned account)
{
    uint8_t raw[MAX_TX];
    struct sim_account *a = &w->accounts[account];
    /* The first account is poor: it spends until it cannot pay. */
    uint64_t value = account == 0 ? sim_below(&w->rng, 3000000000000000) : 1 + w->n_txs;
    uint64_t nonce = a->next++;
    size_t n = sim_make_tx(w, account, nonce, value, raw, sizeof(raw));
    size_t i = add_tx(w, account, nonce, raw, n);
    TS_CHECK(w->n_open < SIM_MAX_OPEN);
    w->open[w->n_open++] = i;
    send(w, i);
}

static bool is_open(const struct sim_tx *t)
{
    return t->state == STX_SENT || t->state == STX_ACKED;
}

/* Sends again what nobody has answered. Returns how many of the account are open. */
static unsigned send_again(struct sim_world *w, unsigned account)
{
    unsigned n = 0;
    size_t kept = 0;
    for (size_t k = 0; k < w->n_open; k++)
        if (is_open(&w->txs[w->open[k]]))
            w->open[kept++] = w->open[k];
    w->n_open = kept;
    for (size_t k = 0; k < kept; k++) {
        const struct sim_tx *t = &w->txs[w->open[k]];
        if (t->account != account || !is_open(t))
            continue;
        n++;
        if (t->state == STX_SENT && t->sent_at + RESEND_US <= w->now)
            send(w, w->open[k]);
    }
    return n;
}

void sim_wallet_event(struct sim_world *w)
{
    unsigned account = (unsigned)sim_below(&w->rng, SIM_ACCOUNTS);
    unsigned n_open = send_again(w, account);
    unsigned burst = 1 + (unsigned)sim_below(&w->rng, w->o.burst);
    for (unsigned i = 0; !w->is_quiet && i < burst && n_open + i < SIM_MAX_OPEN / SIM_ACCOUNTS; i++)
        send_new(w, account);
    if (!w->is_quiet && sim_chance(&w->rng, w->o.odd_percent))
        send_odd(w, account);
    sim_schedule(w, w->now + 1 + sim_about(&w->rng, w->o.tx_us), EV_WALLET, SIM_HOST);
}

/* ---- what a wallet learns ---- */

/* It starts over from what the chain holds. */
static void start_over(struct sim_world *w, unsigned account)
{
    for (size_t k = 0; k < w->n_open; k++)
        if (w->txs[w->open[k]].account == account && is_open(&w->txs[w->open[k]]))
            w->txs[w->open[k]].state = STX_OVER, w->txs[w->open[k]].is_answered = true;
    w->accounts[account].next = w->accounts[account].included;
}

void sim_wallet_told(struct sim_world *w, uint64_t tx, ts_err err, const char *text)
{
    TS_CHECK(tx < w->n_txs);
    struct sim_tx *t = &w->txs[tx];
    struct sim_event ev = {.kind = err == TS_OK ? SIM_TX_ACKED : SIM_TX_REFUSED,
                           .who = SIM_HOST,
                           .number = tx,
                           .hash = t->hash,
                           .err = err,
                           .text = text};
    sim_tell(w, &ev);
    bool is_later = err == TS_E_TIMEOUT || err == TS_E_BUSY || err == TS_E_CLOSED ||
                    err == TS_E_IO || err == TS_E_DISK_FULL;
    t->is_answered = t->is_answered || !is_later;
    if (t->state != STX_SENT)
        return;
    if (err == TS_OK)
        t->state = STX_ACKED;
    else if (err == TS_E_TX_FUNDS || err == TS_E_TX_REPLACE)
        start_over(w, t->account);
    else if (err == TS_E_TX_NONCE_LOW)
        t->state = STX_OVER;
}

void sim_wallet_stored(struct sim_world *w, const ts_hash *hash)
{
    const size_t *i = ts_map_get(&w->tx_of, hash->b);
    struct sim_event ev = {.kind = SIM_TX_STORED,
                           .who = SIM_HOST,
                           .number = i != NULL ? *i : UINT64_MAX,
                           .hash = *hash};
    sim_tell(w, &ev);
}

void sim_wallet_rejected(struct sim_world *w, const ts_hash *hash, ts_err err, const char *text)
{
    const size_t *i = ts_map_get(&w->tx_of, hash->b);
    struct sim_event ev = {.kind = SIM_TX_REJECTED,
                           .who = SIM_HOST,
                           .number = i != NULL ? *i : UINT64_MAX,
                           .hash = *hash,
                           .err = err,
                           .text = text};
    sim_tell(w, &ev);
    if (i != NULL && is_open(&w->txs[*i]))
        start_over(w, w->txs[*i].account);
}

void sim_wallet_sees(struct sim_world *w, const struct sim_batch *b)
{
    for (size_t k = 0; k < b->b->n_txs; k++) {
        ts_hash hash;
        ts_tx_hash(b->b->txs[k], &hash);
        const size_t *i = ts_map_get(&w->tx_of, hash.b);
        if (i == NULL)
            continue;
        struct sim_account *a = &w->accounts[w->txs[*i].account];
        w->txs[*i].state = STX_INCLUDED;
        w->txs[*i].is_answered = true;
        if (w->txs[*i].nonce >= a->included)
            a->included = w->txs[*i].nonce + 1;
        if (a->next < a->included)
            a->next = a->included;
    }
}

void sim_wallets_init(struct sim_world *w)
{
    if (w->o.tx_us != 0)
        sim_schedule(w, w->now + sim_about(&w->rng, w->o.tx_us), EV_WALLET, SIM_HOST);
}

void sim_wallets_free(struct sim_world *w)
{
    for (size_t i = 0; i < w->n_txs; i++)
        free(w->txs[i].raw);
    free(w->txs);
}
