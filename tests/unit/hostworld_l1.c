/* SPDX-License-Identifier: Apache-2.0 */
/* An L1 for the host's world: blocks with real headers, a whitelist after each. */
#include "hostworld_internal.h"

#include "codec/rlp.h"
#include "crypto/keccak.h"

#define FIRST_NUMBER 1000u

/* As Ethereum's: what nobody here looks at is zero. */
static void put_header(struct ts_buf *b, const ts_hash *parent, uint64_t number, uint64_t seconds,
                       uint64_t salt)
{
    static const ts_hash zero;
    static const uint8_t bloom[256];
    static const uint64_t gas = 30000000;
    ts_buf_init(b, 0);
    size_t mark = ts_put_list(b);
    ts_put_hash(b, parent);
    ts_put_hash(b, &zero); /* ommers */
    ts_put_address(b, &(ts_address){{0}});
    for (unsigned i = 0; i < 3; i++)
        ts_put_hash(b, &zero); /* state, transactions, receipts */
    ts_put_bytes(b, ts_bytes_of(bloom, sizeof(bloom)));
    ts_put_u64(b, 0); /* difficulty */
    ts_put_u64(b, number);
    ts_put_u64(b, gas);
    ts_put_u64(b, 0);
    ts_put_u64(b, seconds);
    ts_put_u64(b, salt); /* extra data */
    ts_put_hash(b, &zero);
    ts_put_bytes(b, ts_bytes_of(bloom, 8));
    ts_put_u64(b, 7); /* base fee */
    ts_put_list_end(b, mark);
    TS_CHECK(b->err == TS_OK);
}

static void list_after(struct world *w, struct l1sim_block *block)
{
    block->b.n_whitelist = 0;
    for (unsigned i = 0; i < w->o.enclaves; i++)
        if (w->l1sim.listed[i])
            block->whitelist[block->b.n_whitelist++] = w->peers[i].id;
    for (size_t i = 1; i < block->b.n_whitelist; i++) /* ascending */
        for (size_t k = i;
             k > 0 && ts_address_compare(&block->whitelist[k], &block->whitelist[k - 1]) < 0; k--) {
            ts_address swap = block->whitelist[k];
            block->whitelist[k] = block->whitelist[k - 1];
            block->whitelist[k - 1] = swap;
        }
}

static void add_block(struct world *w, const ts_hash *parent, uint64_t number)
{
    struct l1sim *l1 = &w->l1sim;
    struct ts_buf b;
    l1->blocks = must(realloc(l1->blocks, (l1->n_blocks + 1) * sizeof(*l1->blocks)));
    struct l1sim_block *block = &l1->blocks[l1->n_blocks++];
    uint64_t seconds = world_clock(w).unix_ms / 1000;
    put_header(&b, parent, number, seconds, l1->salt);
    *block = (struct l1sim_block){.b = {.number = number, .time = seconds * 1000}};
    block->raw = world_copy(ts_buf_bytes(&b));
    block->b.header = ts_bytes_of(block->raw, b.n);
    ts_keccak256(block->b.header, &block->b.hash);
    list_after(w, block);
    ts_buf_free(&b);
}

static const struct ts_l1_block *block_at(struct world *w, size_t i)
{
    struct l1sim_block *block = &w->l1sim.blocks[i];
    block->b.whitelist = block->whitelist;
    return &block->b;
}

static void tell(struct world *w, size_t i, bool is_newest)
{
    struct ts_host_input in = {
        .kind = TS_IN_L1_BLOCK, .l1 = block_at(w, i), .is_newest = is_newest};
    world_input(w, &in);
}

static void schedule_block(struct world *w)
{
    world_schedule(w, w->now + w->o.l1_block_us, W_L1_BLOCK);
}

void world_l1_init(struct world *w)
{
    static const ts_hash zero;
    for (unsigned i = 0; i < w->o.enclaves - w->o.validators; i++)
        w->l1sim.listed[i] = true;
    add_block(w, &zero, FIRST_NUMBER);
    w->genesis.l1_chain_id = 31337;
    memset(&w->genesis.contract, 0xc0, sizeof(w->genesis.contract));
    w->genesis.l1_number = FIRST_NUMBER;
    w->genesis.l1_hash = w->l1sim.blocks[0].b.hash;
    schedule_block(w);
}

void world_l1_block(struct world *w)
{
    const struct ts_l1_block *last = block_at(w, w->l1sim.n_blocks - 1);
    if (w->o.l1_block_us == 0)
        return;
    schedule_block(w);
    ts_hash parent = last->hash;
    if (w->l1sim.stands_still)
        return;
    add_block(w, &parent, last->number + 1);
    world_l1_greet(w);
}

void world_l1_greet(struct world *w)
{
    if (w->o.l1_block_us == 0 || w->l1sim.down || w->host == NULL)
        return;
    world_l1_rollups(w);
    tell(w, w->l1sim.n_blocks - 1, true);
}

void world_l1_asked(struct world *w, uint64_t number)
{
    w->l1sim.n_asked++;
    for (size_t i = 0; i < w->l1sim.n_blocks && !w->l1sim.down; i++)
        if (w->l1sim.blocks[i].b.number == number) {
            struct happening *h = world_schedule(w, world_later(w, 1000, NULL), W_L1_TOLD);
            h->from = i;
            h->conn = w->host_gen;
        }
}

size_t world_l1_asks(const struct world *w)
{
    return w->l1sim.n_asked;
}

void world_l1_told(struct world *w, size_t i)
{
    tell(w, i, false);
}

void world_l1_list(struct world *w, unsigned i, bool listed)
{
    w->l1sim.listed[i] = listed;
}

void world_l1_down(struct world *w, bool down)
{
    w->l1sim.down = down;
}

void world_l1_tell_tip(struct world *w, uint64_t number)
{
    struct l1sim *l1 = &w->l1sim;
    ts_hash parent = l1->blocks[0].b.hash;
    l1->salt++;
    add_block(w, &parent, number);
    l1->salt--;
    tell(w, l1->n_blocks - 1, false);
    free(l1->blocks[--l1->n_blocks].raw);
}

void world_l1_stand_still(struct world *w, bool still)
{
    w->l1sim.stands_still = still;
}

void world_l1_reorg(struct world *w, unsigned depth)
{
    world_l1_reorg_told(w, depth, depth);
}

void world_l1_reorg_told(struct world *w, unsigned depth, unsigned told)
{
    struct l1sim *l1 = &w->l1sim;
    TS_CHECK(depth >= 1 && depth < l1->n_blocks);
    uint64_t first = l1->blocks[l1->n_blocks - depth].b.number;
    l1->salt++;
    for (unsigned i = 0; i < depth; i++)
        free(l1->blocks[--l1->n_blocks].raw);
    for (unsigned i = 0; i < depth; i++) {
        ts_hash parent = l1->blocks[l1->n_blocks - 1].b.hash;
        add_block(w, &parent, first + i);
    }
    struct ts_host_input in = {.kind = TS_IN_L1_REORG, .l1 = block_at(w, l1->n_blocks - told)};
    world_input(w, &in);
}

void world_l1_tell_again(struct world *w, unsigned i, bool listed)
{
    w->l1sim.listed[i] = listed;
    list_after(w, &w->l1sim.blocks[w->l1sim.n_blocks - 1]);
    tell(w, w->l1sim.n_blocks - 1, true);
}

uint64_t world_l1_number(const struct world *w)
{
    return w->l1sim.blocks[w->l1sim.n_blocks - 1].b.number;
}

/* ---- rollups: the contract takes what follows the last, the host is told a block later ---- */

void world_publish(struct world *w, const struct ts_host_output *o)
{
    struct l1sim *l1 = &w->l1sim;
    l1->rollups = must(realloc(l1->rollups, (l1->n_rollups + 1) * sizeof(*l1->rollups)));
    l1->rollups[l1->n_rollups] = (struct l1sim_rollup){.r = *o->rollup,
                                                       .data = world_copy(o->bytes),
                                                       .n = o->bytes.n,
                                                       .is_refused = l1->refuses_next,
                                                       .token = o->token,
                                                       .life = w->host_gen};
    l1->refuses_next = false;
    struct happening *h = world_schedule(w, w->now + w->o.l1_block_us, W_L1_MINED);
    h->token = o->token;
    h->from = l1->n_rollups++;
    h->conn = w->host_gen;
}

void world_withdraw(struct world *w, uint64_t token)
{
    struct l1sim *l1 = &w->l1sim;
    for (size_t i = 0; i < l1->n_rollups; i++)
        if (l1->rollups[i].token == token && l1->rollups[i].life == w->host_gen)
            l1->rollups[i].is_withdrawn = true;
}

/* Of the contract. */
static const ts_hash *last_hash(const struct world *w)
{
    return w->l1sim.n_taken > 0 ? &w->l1sim.last_hash : &w->genesis.hash;
}

static bool has_block(const struct world *w, uint64_t number, const ts_hash *hash)
{
    const struct l1sim *l1 = &w->l1sim;
    for (size_t i = 0; i < l1->n_blocks; i++)
        if (l1->blocks[i].b.number == number && ts_hash_equal(&l1->blocks[i].b.hash, hash))
            return true;
    return false;
}

void world_l1_mined(struct world *w, const struct happening *h)
{
    struct l1sim *l1 = &w->l1sim;
    const struct ts_rollup *r = &l1->rollups[h->from].r;
    const ts_hash *last = last_hash(w);
    if (l1->loses_rollups || l1->rollups[h->from].is_withdrawn)
        return;
    bool fits = !l1->rollups[h->from].is_refused && r->first_number == l1->last_number + 1 &&
                ts_hash_equal(&r->first_parent_hash, last) &&
                has_block(w, r->l1_number, &r->l1_hash);
    if (fits) {
        l1->last_number = r->last_number;
        l1->last_hash = r->last_hash;
        l1->taken = must(realloc(l1->taken, (l1->n_taken + 1) * sizeof(*l1->taken)));
        l1->taken[l1->n_taken++] = h->from;
    }
    l1->n_refused += !fits;
    if (h->conn != w->host_gen || w->host == NULL)
        return;
    struct ts_host_input in = {.kind = TS_IN_SUBMITTED,
                               .token = h->token,
                               .err = fits ? TS_OK : TS_E_L1_REVERT,
                               .text = fits ? "" : "NotNext"};
    world_input(w, &in);
}

void world_l1_rollups(struct world *w)
{
    struct l1sim *l1 = &w->l1sim;
    struct ts_host_input back = {.kind = TS_IN_ROLLBACK, .rollback = &l1->back};
    while (w->host != NULL && (l1->has_back || l1->n_told < l1->n_taken)) {
        if (l1->has_back && l1->n_told == l1->back_at) { /* in the contract's order */
            l1->has_back = false;
            world_input(w, &back);
            continue;
        }
        struct ts_host_input in = {.kind = TS_IN_ROLLUP,
                                   .rollup = &l1->rollups[l1->taken[l1->n_told++]].r};
        world_input(w, &in);
    }
}

size_t world_replacements(const struct world *w, ts_address *corrupted, ts_address *successor)
{
    *corrupted = w->l1sim.corrupted;
    *successor = w->l1sim.successor;
    return w->l1sim.n_corrupted;
}

void world_replacement_asked(struct world *w, ts_err err)
{
    struct ts_host_input in = {
        .kind = TS_IN_REQUESTED, .has_id = true, .id = w->l1sim.corrupted, .err = err};
    world_input(w, &in);
}

void world_l1_roll_back(struct world *w, size_t n)
{
    struct l1sim *l1 = &w->l1sim;
    TS_CHECK(n > 0 && n <= l1->n_taken && !l1->has_back);
    uint64_t last = l1->last_number;
    const struct ts_rollup *first = &l1->rollups[l1->taken[l1->n_taken - n]].r;
    l1->n_taken -= n;
    l1->back_at = l1->n_taken;
    if (l1->n_told > l1->n_taken)
        l1->n_told = l1->n_taken;
    const struct ts_rollup *kept =
        l1->n_taken > 0 ? &l1->rollups[l1->taken[l1->n_taken - 1]].r : NULL;
    l1->last_number = first->first_number - 1;
    l1->last_hash = first->first_parent_hash;
    l1->back = (struct ts_l1_rollback){.first_number = first->first_number,
                                       .last_number = last,
                                       .last_hash = l1->last_hash,
                                       .l1_block = world_l1_number(w)};
    if (kept != NULL)
        l1->back.protocol_root = kept->protocol_root;
    l1->has_back = true;
    if (!l1->down)
        world_l1_rollups(w);
}

void world_l1_lose_rollups(struct world *w, bool lose)
{
    w->l1sim.loses_rollups = lose;
}

void world_l1_foreign_rollup(struct world *w, uint64_t batches)
{
    struct l1sim *l1 = &w->l1sim;
    struct ts_rollup r = {.first_number = l1->last_number + 1,
                          .last_number = l1->last_number + batches,
                          .first_parent_hash = *last_hash(w)};
    memset(&r.last_hash, 0xf0, sizeof(r.last_hash));
    l1->rollups = must(realloc(l1->rollups, (l1->n_rollups + 1) * sizeof(*l1->rollups)));
    l1->taken = must(realloc(l1->taken, (l1->n_taken + 1) * sizeof(*l1->taken)));
    l1->taken[l1->n_taken++] = l1->n_rollups;
    l1->rollups[l1->n_rollups++] = (struct l1sim_rollup){.r = r};
    l1->last_number = r.last_number;
    l1->last_hash = r.last_hash;
}

void world_l1_refuse_rollup(struct world *w)
{
    w->l1sim.refuses_next = true;
}

uint64_t world_l1_published(const struct world *w)
{
    return w->l1sim.last_number;
}

size_t world_l1_rollups_taken(const struct world *w)
{
    return w->l1sim.n_taken;
}

size_t world_l1_rollups_refused(const struct world *w)
{
    return w->l1sim.n_refused;
}

const struct ts_rollup *world_l1_rollup(const struct world *w, size_t i, ts_bytes *data)
{
    const struct l1sim_rollup *r = &w->l1sim.rollups[w->l1sim.taken[i]];
    *data = ts_bytes_of(r->data, r->n);
    return &r->r;
}

void world_l1_free(struct world *w)
{
    for (size_t i = 0; i < w->l1sim.n_rollups; i++)
        free(w->l1sim.rollups[i].data);
    free(w->l1sim.rollups);
    free(w->l1sim.taken);
    for (size_t i = 0; i < w->l1sim.n_blocks; i++)
        free(w->l1sim.blocks[i].raw);
    free(w->l1sim.blocks);
}
