/* SPDX-License-Identifier: Apache-2.0 */
#include "node_kit.h"

const unsigned host_0[1] = {NW_HOST(0)};
const unsigned host_1[1] = {NW_HOST(1)};
const unsigned hosts_01[2] = {NW_HOST(0), NW_HOST(1)};
const unsigned hosts_012[3] = {NW_HOST(0), NW_HOST(1), NW_HOST(2)};

struct testnet *net_of(size_t batches)
{
    struct testnet *net = tn_new(&(struct tn_options){.crypto = nw_crypto()});
    tn_start(net);
    if (batches > net->n_history)
        tn_run(net, batches - net->n_history);
    return net;
}

void end(struct nw *w)
{
    struct testnet *net = w->net;
    nw_free(w);
    tn_free(net);
}

void seal_into(struct testnet *net, struct tn_draft *d, struct ts_buf *keep)
{
    tn_seal(net, d);
    ts_buf_init(keep, 0);
    ts_buf_put(keep, d->raw.p, d->raw.n);
}

ts_bytes sibling(struct testnet *net, struct ts_buf *keep)
{
    struct tn_draft *d = tn_draft(net, 0);
    d->header.time += 7;
    seal_into(net, d, keep);
    tn_run(net, 1);
    return ts_buf_bytes(keep);
}

struct nw *with_sibling(size_t hosts, size_t *node, struct ts_buf *keep)
{
    struct testnet *net = net_of(20);
    struct nw *w = nw_new(net, hosts);
    nw_host_up(w, 0);
    nw_host_up(w, 1);
    *node = nw_node(w, hosts_01, 2, NULL, false);
    nw_run(w, NW_S);
    (void)sibling(net, keep);
    nw_publish(w, 0, 21);
    nw_run(w, 100 * NW_MS);
    return w;
}
