/* SPDX-License-Identifier: Apache-2.0 */
/* The L1 that the nodes follow: blocks of the testnet's making, which tests mine, fork and hide. */
#include <string.h>

#include "base/check.h"
#include "nodeworld_internal.h"

static uint64_t fork_of(const struct nw_l1 *l1, uint64_t number)
{
    return l1->fork != 0 && number >= l1->fork_at ? l1->fork : 0;
}

static const struct nw_l1_list *list_at(const struct nw_l1 *l1, uint64_t number)
{
    const struct nw_l1_list *found = NULL;
    for (size_t i = 0; i < l1->n_lists; i++)
        if (l1->lists[i].from <= number)
            found = &l1->lists[i];
    return found;
}

/* The block as a node is told it; its bytes are in header. */
static struct ts_l1_block block_at(const struct nw *w, uint64_t number, struct ts_buf *header)
{
    const struct nw_l1_list *list = list_at(&w->l1, number);
    const struct ts_genesis *g = &w->net->genesis;
    ts_buf_reset(header);
    struct ts_l1_evidence at = tn_l1_block(number, fork_of(&w->l1, number), header);
    return (struct ts_l1_block){.number = number,
                                .hash = at.hash,
                                .time = at.time,
                                .header = ts_buf_bytes(header),
                                .whitelist = list != NULL ? list->ids : g->whitelist,
                                .n_whitelist = list != NULL ? list->n : g->n_whitelist};
}

static void tell(struct nw *w, size_t node, enum ts_node_in kind, uint64_t number)
{
    struct ts_buf header;
    ts_buf_init(&header, 0);
    struct ts_l1_block b = block_at(w, number, &header);
    nw_input(w, node, &(struct ts_node_input){.kind = kind, .l1 = &b});
    ts_buf_free(&header);
}

static bool follows(const struct nw *w, size_t node)
{
    return w->nodes[node].core != NULL && w->nodes[node].start.follows_l1;
}

void nw_l1_answer(struct nw *w, size_t node)
{
    struct nw_node *n = &w->nodes[node];
    for (size_t i = 0; i < n->n_l1_asked && follows(w, node) && !w->l1.is_down;) {
        uint64_t number = n->l1_asked[i];
        if (number > w->l1.latest) {
            i++;
            continue;
        }
        n->l1_asked[i] = n->l1_asked[--n->n_l1_asked];
        n->l1_answers++;
        tell(w, node, TS_NODE_IN_L1_BLOCK, number);
    }
}

void nw_l1_ask(struct nw *w, size_t node, uint64_t number)
{
    struct nw_node *n = &w->nodes[node];
    for (size_t i = 0; i < n->n_l1_asked; i++)
        if (n->l1_asked[i] == number)
            return;
    TS_CHECK(n->n_l1_asked < TS_NODE_L1_ASKS);
    n->l1_asked[n->n_l1_asked++] = number;
    if (n->n_l1_asked > n->most_l1_asked)
        n->most_l1_asked = n->n_l1_asked;
}

void nw_l1_forget(struct nw *w, size_t node, uint64_t number)
{
    struct nw_node *n = &w->nodes[node];
    for (size_t i = 0; i < n->n_l1_asked; i++)
        if (n->l1_asked[i] == number) {
            n->l1_asked[i] = n->l1_asked[--n->n_l1_asked];
            return;
        }
    TS_CHECK(!"what was not asked is forgotten");
}

void nw_l1_tell(struct nw *w, size_t node)
{
    struct nw_node *n = &w->nodes[node];
    uint64_t depth = n->l1_depth - 1;
    if (!follows(w, node) || w->l1.is_down)
        return;
    uint64_t number = w->l1.latest > TN_GENESIS_L1 + depth ? w->l1.latest - depth : TN_GENESIS_L1;
    if (number > n->l1_told) {
        n->l1_told = number;
        tell(w, node, TS_NODE_IN_L1_CONFIRMED, number);
    }
    nw_l1_answer(w, node);
}

/* ---- what tests do ---- */

static void tell_all(struct nw *w)
{
    for (size_t i = 0; i < w->n_nodes; i++)
        nw_l1_tell(w, i);
}

void nw_l1_start(struct nw *w, uint64_t latest)
{
    w->l1.is_on = true;
    w->l1.latest = latest;
}

void nw_l1_mine(struct nw *w, uint64_t latest)
{
    TS_CHECK(latest >= w->l1.latest);
    w->l1.latest = latest;
    tell_all(w);
}

void nw_l1_down(struct nw *w, bool down)
{
    w->l1.is_down = down;
    tell_all(w);
}

void nw_l1_whitelist(struct nw *w, uint64_t from, const ts_address *ids, size_t n)
{
    TS_CHECK(w->l1.n_lists < TS_COUNT(w->l1.lists));
    struct nw_l1_list *list = &w->l1.lists[w->l1.n_lists++];
    *list = (struct nw_l1_list){.from = from, .n = n};
    memcpy(list->ids, ids, n * sizeof(*ids));
}

void nw_l1_fork(struct nw *w, uint64_t from)
{
    w->l1.fork++;
    w->l1.fork_at = from;
    for (size_t i = 0; i < w->n_nodes; i++) {
        struct nw_node *n = &w->nodes[i];
        if (!follows(w, i) || from > n->l1_told)
            continue;
        tell(w, i, TS_NODE_IN_L1_REORG, n->l1_told);
        n->l1_told = 0;
    }
}
