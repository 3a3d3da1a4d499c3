/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of node cores begin and end with (nodeworld.h). */
#ifndef TS_TEST_NODE_KIT_H
#define TS_TEST_NODE_KIT_H

#include "nodeworld.h"

/* A net of three enclaves with the cheap stand-in for signatures, and so many batches at least. */
struct testnet *net_of(size_t batches);
/* The world and its net. */
void end(struct nw *w);

/* Targets of a node: the first so many hosts; and the second alone. */
extern const unsigned host_0[1], host_1[1], hosts_01[2], hosts_012[3];

/* Seals the draft and copies the batch into keep, which it initialises. */
void seal_into(struct testnet *net, struct tn_draft *d, struct ts_buf *keep);
/* A sealed sibling of the net's next batch, copied; then the net publishes another. */
ts_bytes sibling(struct testnet *net, struct ts_buf *keep);
/* A world of so many hosts, two of them up, and a node that follows both. Its net has a batch 21,
 * which host 0 has shown it, and a sealed sibling of that in keep, which nobody has. */
struct nw *with_sibling(size_t hosts, size_t *node, struct ts_buf *keep);

#endif
