/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq-liar: an operator that lies, for tenseq devnet --attack. It has the identity keys of
 * enclaves, as one has who broke into them, and makes with them what no enclave would sign. In
 * simulation the keys lie in files; it is not installed, and nothing else in the tree can do this.
 *
 *   main.c    flags, keys
 *   forge.c   batches and rollups that were never made
 *   relay.c   a feed that stands between the host and a node
 *
 * corrupt.c is a program of its own, tenseq-corrupt, and knows no key. */
#ifndef TS_LIAR_LIAR_H
#define TS_LIAR_LIAR_H

#include <uv.h>

#include "chain/batch.h"
#include "crypto/sign.h"
#include "tenseq/genesis.h"

#define LIAR_MAX_KEYS 64

enum liar_attack {
    LIAR_EQUIVOCATION,       /* two sealed batches with one number */
    LIAR_WHITELIST_MISMATCH, /* a batch that names an L1 block which L1 does not have */
    LIAR_PAYLOAD_EDITED,     /* a payload that is not the sealed one */
    LIAR_ROLLUP_MISMATCH     /* a rollup that is not the batches */
};

struct liar_key {
    ts_address id;
    ts_secret key;
};

struct liar {
    enum liar_attack attack;
    const struct ts_genesis *genesis;
    struct ts_crypto *crypto;
    struct liar_key keys[LIAR_MAX_KEYS];
    size_t n_keys;
};

/* NULL: the key is not known. */
const struct liar_key *liar_key_of(const struct liar *l, const ts_address *id);

/* ---- forge.c ---- */

/* Appends a batch that lies in place of b, whose parent has the protocol root parent_root: of
 * another second, on another L1 block, or with another payload. False: it cannot be made of this
 * one, since its producer's key is not known or its payload is empty. */
bool liar_forge(const struct liar *l, const struct ts_batch *b, const ts_hash *parent_root,
                struct ts_buf *out);
/* The rollup of one batch, with a time that is not the batch's, as calldata for the contract.
 * root is the protocol root after b; head_l1 an L1 block that is recent. */
bool liar_rollup(const struct liar *l, const struct ts_batch *b, const ts_hash *root,
                 const struct ts_batch_header *head, struct ts_buf *calldata);

/* ---- relay.c ---- */

/* Follows the host's feed and serves one that lies, until a signal comes. An exit code. */
int liar_relay(struct liar *l, uv_loop_t *loop, const char *host_feed, uint16_t port);

#endif
