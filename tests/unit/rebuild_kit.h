/* SPDX-License-Identifier: Apache-2.0 */
/* A short chain of two enclaves with the rollups of it, and what L1 holds: for tests of the way
 * back. */
#ifndef TS_TESTS_REBUILD_KIT_H
#define TS_TESTS_REBUILD_KIT_H

#include "enclave_kit.h"
#include "rebuild/rebuild.h"

#define L1_CHAIN   31337u
#define MAX_L1     64
#define MAX_ROLLED 8

/* What L1 holds. */
struct world {
    struct ek *k;
    ts_bytes l1_headers[MAX_L1]; /* by number */
    ts_hash l1_hashes[MAX_L1];
    ts_address listed;
    struct ts_msg_rolled rolled[MAX_ROLLED];
    size_t n_rolled;
    struct ts_rebuild *rebuild;
    struct ts_rebuild_fault fault;
    size_t told;   /* batches that came out */
    ts_err l1_err; /* what the callbacks answer */
    ts_err list_err;
    ts_err batch_err;
};

/* Eleven batches by two producers, with transfers, terms that change and L1 numbers that jump, in
 * three rollups of the two; and a rebuild at genesis. */
void world_open(struct world *w);
void world_close(struct world *w);
/* The rebuild, at genesis again. */
void world_start(struct world *w);
/* One more batch, and one more rollup. */
void world_batch(struct world *w, size_t producer, uint64_t l1_number, ts_bytes *txs, size_t n_txs);
void world_roll(struct world *w, size_t signer, uint64_t first, uint64_t last, uint64_t l1_number);
/* Signs what no honest enclave would. */
struct ts_msg_rolled world_forge(struct world *w, const struct ts_msg_rolled *from, size_t signer);
/* Takes the first rollup, and saves the state behind it: ts_buf_free. */
void world_save(struct world *w, struct ts_buf *out);
/* Gives what is left, which moves on. */
struct ts_source world_source(ts_bytes *left);
/* A batch as a rebuild gives it, without its payload, and its hash; it lives as long as the world.
 */
ts_bytes world_rebuilt(struct world *w, uint64_t number, ts_hash *hash);
/* A copy that lives as long as the world. */
ts_bytes world_keep(struct ek *k, ts_bytes b);

#endif
