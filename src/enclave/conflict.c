/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/conflict.h"

#include "chain/batch.h"
#include "crypto/sign.h"

static bool is_sealed_by_listed(const struct ts_chain *chain, const struct ts_batch *b,
                                const struct ts_batch_seal *seal)
{
    const struct ts_registry_entry *entry = ts_registry_find(&chain->registry, &b->header.producer);
    ts_hash digest;
    if (entry == NULL || !entry->whitelisted)
        return false;
    ts_seal_digest(&chain->genesis->domain, seal, &digest);
    return ts_verify_signer(chain->crypto, &digest, &b->seal, &b->header.producer) == TS_OK;
}

enum ts_line_verdict ts_conflict_judge(const struct ts_line *line, const struct ts_batch *batch)
{
    const struct ts_chain *chain = &line->chain;
    const struct ts_batch_header *h = &batch->header;
    struct ts_batch_seal seal;
    ts_hash tx_root;
    if (h->number == 0 || h->number > chain->head.number)
        return TS_LINE_UNKNOWN;
    const ts_hash *parent = ts_chain_recent(chain, h->number - 1);
    if (parent == NULL || !ts_hash_equal(parent, &h->parent_hash))
        return TS_LINE_UNKNOWN;
    ts_header_hash(&chain->genesis->domain, h, &seal.batch_hash);
    ts_protocol_root(ts_line_root(line, h->number - 1), batch->raw_payload, &seal.protocol_root);
    ts_tx_root(batch, &tx_root);
    if (!ts_hash_equal(&tx_root, &h->tx_root))
        return TS_LINE_UNKNOWN;
    if (ts_hash_equal(&seal.batch_hash, ts_chain_recent(chain, h->number)) &&
        ts_hash_equal(&seal.protocol_root, ts_line_root(line, h->number)))
        return TS_LINE_SAME;
    return is_sealed_by_listed(chain, batch, &seal) ? TS_LINE_CONFLICT : TS_LINE_UNKNOWN;
}
