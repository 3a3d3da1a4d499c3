/* SPDX-License-Identifier: Apache-2.0 */
/* Is it the right chain and the right contract? Looked at before anything else, again whenever the
 * L1 was down (another node may answer then), and now and then while the answer is no: the chain
 * id, the contract's genesis hash, and genesis' L1 block. A registry without genesisHash() is one
 * like TEN's own; but there must be code at its address. */
#include <stdio.h>

#include "l1/follower_internal.h"

#define LOOK_AGAIN UINT64_C(10000000)

void ts_l1f_identity_lost(struct ts_l1_follower *f)
{
    f->is_known = false;
    f->has_chain = f->has_genesis_hash = f->asks_code = false;
    f->doubts = 0;
    ts_l1f_fresh_drop(f);
    f->is_capped = false;
    f->is_anchored = false;
    ts_l1f_scan_cut(f, f->sealed);
    for (unsigned i = L1F_LATEST; i < L1F_ASKS; i++)
        ts_l1f_forget(f, i);
}

static void wrong(struct ts_l1_follower *f, unsigned which, const char *what)
{
    bool is_news = !f->is_wrong;
    ts_l1f_good(f, which);
    ts_l1f_identity_lost(f);
    f->is_wrong = true;
    f->is_good = false;
    snprintf(f->reason, sizeof(f->reason), "%s", what);
    if (is_news)
        ts_l1f_event(f, TS_LOG_ERROR, "l1-wrong-chain", "reason=\"%s\"", what);
    f->asks[L1F_CHAIN].state = L1F_WAITING;
    f->asks[L1F_CHAIN].until_us =
        f->now.mono_us + (f->s.retry_max_us > LOOK_AGAIN ? f->s.retry_max_us : LOOK_AGAIN);
}

static void known(struct ts_l1_follower *f)
{
    f->is_known = true;
    f->is_wrong = false;
    f->is_down_said = false;
    f->reason[0] = '\0';
    f->poll_us = f->now.mono_us;
    ts_l1f_event(f, TS_LOG_INFO, "l1-up", "chain=%llu confirmed=%llu",
                 (unsigned long long)f->genesis->l1_chain_id, (unsigned long long)f->told);
}

void ts_l1f_identity_plan(struct ts_l1_follower *f)
{
    if (!f->has_chain) {
        if (ts_l1f_may_ask(f, L1F_CHAIN))
            ts_l1f_ask(f, L1F_CHAIN, (struct ts_l1_call){.method = TS_L1_CHAIN_ID});
    } else if (f->asks_code) {
        if (ts_l1f_may_ask(f, L1F_CODE))
            ts_l1f_ask(f, L1F_CODE,
                       (struct ts_l1_call){.method = TS_L1_CODE,
                                           .tag = TS_L1_LATEST,
                                           .address = f->genesis->contract});
    } else if (!f->has_genesis_hash) {
        if (ts_l1f_may_ask(f, L1F_GENESIS_HASH))
            ts_l1f_ask(f, L1F_GENESIS_HASH,
                       (struct ts_l1_call){.method = TS_L1_VIEW,
                                           .tag = TS_L1_LATEST,
                                           .to = f->genesis->contract,
                                           .data = ts_buf_bytes(&f->genesis_hash_call)});
    } else if (ts_l1f_may_ask(f, L1F_GENESIS_BLOCK)) {
        ts_l1f_ask_block(f, L1F_GENESIS_BLOCK, f->genesis->l1_number);
    }
}

static void take_chain(struct ts_l1_follower *f, uint64_t chain)
{
    char what[128];
    if (chain == f->genesis->l1_chain_id) {
        ts_l1f_good(f, L1F_CHAIN);
        f->has_chain = true;
        return;
    }
    snprintf(what, sizeof(what), "the L1 node serves chain %llu, the genesis names %llu",
             (unsigned long long)chain, (unsigned long long)f->genesis->l1_chain_id);
    wrong(f, L1F_CHAIN, what);
}

static void take_genesis_hash(struct ts_l1_follower *f, const struct ts_l1_answer *a)
{
    ts_hash got;
    if (a->err == TS_E_L1_REVERT || a->u.bytes.n == 0) {
        ts_l1f_good(f, L1F_GENESIS_HASH);
        f->asks_code = true;
    } else if (a->u.bytes.n != sizeof(got.b) || ts_l1_read_hash(a->u.bytes, &got) != TS_OK) {
        ts_l1f_failed(f, L1F_GENESIS_HASH, TS_E_L1_NONSENSE,
                      "genesisHash() of the contract gives %zu bytes, not 32", a->u.bytes.n);
    } else if (ts_hash_equal(&got, &f->genesis->hash)) {
        ts_l1f_good(f, L1F_GENESIS_HASH);
        f->has_genesis_hash = true;
    } else {
        wrong(f, L1F_GENESIS_HASH,
              ts_hash_is_zero(&got) ? "the contract has no genesis hash yet"
                                    : "the contract is of a network with another genesis hash");
    }
}

static void take_code(struct ts_l1_follower *f, ts_bytes code)
{
    char what[128], who[TS_ADDRESS_HEX_SIZE];
    (void)ts_hex(f->genesis->contract.b, sizeof(f->genesis->contract.b), who);
    if (code.n == 0) {
        snprintf(what, sizeof(what), "there is no contract at %s", who);
        wrong(f, L1F_CODE, what);
        return;
    }
    ts_l1f_good(f, L1F_CODE);
    f->asks_code = false;
    f->has_genesis_hash = true;
    if (f->is_plain_said)
        return;
    f->is_plain_said = true;
    ts_l1f_event(f, TS_LOG_INFO, "l1-plain-registry",
                 "contract=%s reason=\"it has no genesisHash(): only its whitelist is followed\"",
                 who);
}

static void take_genesis_block(struct ts_l1_follower *f, const struct ts_l1_answer *a)
{
    struct l1f_block got;
    char what[128];
    if (!ts_l1f_block_answer(f, L1F_GENESIS_BLOCK, a, &got))
        return;
    if (!ts_hash_equal(&got.hash, &f->genesis->l1_hash)) {
        snprintf(what, sizeof(what), "block %llu is not the one that the genesis names",
                 (unsigned long long)got.number);
        wrong(f, L1F_GENESIS_BLOCK, what);
    } else {
        ts_l1f_good(f, L1F_GENESIS_BLOCK);
        if (f->n_line == 0)
            ts_l1f_line_reset(f, &got);
        if (f->told == f->genesis->l1_number)
            f->is_linked = true;
        known(f);
    }
    ts_l1f_block_free(&got);
}

void ts_l1f_identity_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a)
{
    bool is_refusal = which == L1F_GENESIS_HASH && a->err == TS_E_L1_REVERT;
    if (a->err != TS_OK && !is_refusal)
        ts_l1f_failed(f, which, a->err, "%s", a->text);
    else if (which == L1F_CHAIN)
        take_chain(f, a->u.number);
    else if (which == L1F_GENESIS_HASH)
        take_genesis_hash(f, a);
    else if (which == L1F_CODE)
        take_code(f, a->u.bytes);
    else
        take_genesis_block(f, a);
}
