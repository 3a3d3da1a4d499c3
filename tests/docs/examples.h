/* SPDX-License-Identifier: Apache-2.0 */
/* What docs/protocol.md shows of the code: tables and worked examples, as one JSON object. */
#ifndef TS_TESTS_DOCS_EXAMPLES_H
#define TS_TESTS_DOCS_EXAMPLES_H

#include <jansson.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "testnet.h"

/* The network of the examples: two enclaves, one account with money. Batch 1 starts both and makes
 * the first active, batch 2 is a plain one, batch 3 the failover to the second with a transfer. */
struct doc_net {
    struct testnet *net;
    struct ts_engine *engine; /* the ledger, after batch 3 */
    struct ts_buf tx;
    ts_secret account_key;
    ts_address account;
    ts_address recipient;
};

void doc_net_open(struct doc_net *d);
void doc_net_close(struct doc_net *d);

/* Adds a member; ends the process when out of memory. */
void doc_add(json_t *to, const char *name, json_t *value);
void doc_add_hex(json_t *to, const char *name, const void *p, size_t n);
void doc_add_hash(json_t *to, const char *name, const ts_hash *h);
/* The buffer's bytes; empties it. */
void doc_add_buf(json_t *to, const char *name, struct ts_buf *b);

void doc_types(json_t *to);
void doc_chain(json_t *to, const struct doc_net *d);
void doc_link(json_t *to, const struct doc_net *d);
void doc_feed(json_t *to, const struct doc_net *d);
void doc_engine(json_t *to, struct doc_net *d);
void doc_enclave(json_t *to, const struct doc_net *d);
void doc_tables(json_t *to);

#endif
