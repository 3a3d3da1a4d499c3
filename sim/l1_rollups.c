/* SPDX-License-Identifier: Apache-2.0 */
/* The management contract's rollups: taking one, and governance that takes some back
 * (contracts/src/DataAvailability.sol). */
#include <stdlib.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "crypto/keccak.h"
#include "l1.h"

const char *sim_l1_rollup_refused(const struct sim_world *w, const struct sim_l1_mined *at,
                                  const struct sim_l1_mined *parent, const struct ts_rollup *r,
                                  ts_bytes data)
{
    const struct sim_l1_mined *named = sim_l1_at(parent, r->l1_number);
    ts_address signer;
    ts_hash hash;
    ts_keccak256(data, &hash);
    if (!ts_hash_equal(&hash, &r->data_hash))
        return "WrongData";
    if (r->first_number != at->rollup_last + 1)
        return "NotNext";
    if (r->last_number < r->first_number)
        return "EmptyRange";
    if (!ts_hash_equal(&r->first_parent_hash, &at->rollup_hash))
        return "WrongParent";
    if (named == NULL || !ts_hash_equal(&named->told.hash, &r->l1_hash))
        return "NotRecent";
    if (ts_rollup_signer(w->crypto, &w->genesis.domain, r, &signer) != TS_OK)
        return "ECDSAInvalidSignature";
    for (unsigned i = 0; i < w->n_enclaves && i < SIM_MAX_ENCLAVES; i++)
        if ((at->list >> i & 1) != 0 && ts_address_equal(&w->enclaves[i].id, &signer))
            return NULL;
    return "NotSequencer";
}

static void stand_at(const struct sim_world *w, struct sim_l1_mined *b,
                     const struct sim_l1_taken *newest)
{
    b->taken = newest;
    b->rollup_last = newest != NULL ? newest->rollup.last_number : 0;
    b->rollup_hash = newest != NULL ? newest->rollup.last_hash : w->genesis.hash;
}

void sim_l1_add_rollup(struct sim_world *w, struct sim_l1_mined *b, const struct ts_rollup *r,
                       ts_bytes data)
{
    struct sim_l1_block *t = &b->told;
    struct sim_l1_taken *new = sim_must(calloc(1, sizeof(*new)));
    *new = (struct sim_l1_taken){.before = b->taken, .all = w->l1->taken, .rollup = *r};
    ts_rollup_hash(&w->genesis.domain, r, &new->digest);
    w->l1->taken = new;
    stand_at(w, b, new);
    t->rollups = sim_must(realloc(t->rollups, (t->n_rollups + 1) * sizeof(*t->rollups)));
    t->rollups[t->n_rollups++] = (struct sim_l1_rollup){*r, data};
}

/* ---- taken back ---- */

static uint64_t first_of(const struct sim_l1_act *a)
{
    return a->kept != NULL ? a->kept->rollup.last_number + 1 : 1;
}

static bool is_same(const struct sim_l1_taken *a, const struct sim_l1_taken *b)
{
    return a != NULL && b != NULL && ts_hash_equal(&a->digest, &b->digest);
}

/* A block that was replaced may have brought them, and another one brought them again: what counts
 * is what was signed. */
bool sim_l1_take_back(const struct sim_world *w, struct sim_l1_mined *b, const struct sim_l1_act *a)
{
    struct sim_l1_block *t = &b->told;
    const struct sim_l1_taken *now = b->taken, *was = a->newest;
    TS_CHECK(a->newest != NULL); /* there is one to take back */
    for (; was != a->kept; was = was->before, now = now->before)
        if (!is_same(now, was))
            return false;
    if (a->kept != NULL ? !is_same(now, a->kept) : now != NULL)
        return false;
    stand_at(w, b, now);
    t->taken_back =
        sim_must(realloc(t->taken_back, (t->n_taken_back + 1) * sizeof(*t->taken_back)));
    t->taken_back[t->n_taken_back++] =
        (struct sim_l1_range){first_of(a), a->newest->rollup.last_number};
    return true;
}

/* ---- events ---- */

static void write_first(uint64_t number, ts_hash *out)
{
    *out = (ts_hash){{0}};
    for (size_t i = sizeof(out->b); number > 0; number >>= 8)
        out->b[--i] = (uint8_t)number;
}

void sim_l1_write_published(const struct sim_world *w, const struct ts_rollup *r, ts_hash *first,
                            struct ts_buf *data)
{
    ts_address signer = {{0}};
    (void)ts_rollup_signer(w->crypto, &w->genesis.domain, r, &signer); /* the contract looked */
    write_first(r->first_number, first);
    ts_buf_init(data, 0);
    ts_abi_put_u64(data, r->last_number);
    ts_abi_put_hash(data, &r->last_hash);
    ts_abi_put_hash(data, &r->protocol_root);
    ts_abi_put_hash(data, &r->data_hash);
    ts_abi_put_u64(data, r->l1_number);
    ts_abi_put_address(data, &signer);
    size_t at = ts_abi_put_offset(data);
    ts_abi_point(data, 0, at);
    ts_abi_put_bytes(data, ts_bytes_of(r->sig.b, sizeof(r->sig.b)));
}

void sim_l1_write_back(const struct sim_world *w, const struct sim_l1_act *a, ts_hash *first,
                       struct ts_buf *data)
{
    static const ts_hash zero;
    write_first(first_of(a), first);
    ts_buf_init(data, 0);
    ts_abi_put_u64(data, a->newest->rollup.last_number);
    ts_abi_put_hash(data, a->kept != NULL ? &a->kept->rollup.last_hash : &w->genesis.hash);
    ts_abi_put_hash(data, a->kept != NULL ? &a->kept->rollup.protocol_root : &zero);
}
