/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON-RPC methods over a chain of the testnet, a real store and a real engine; what the
 * program would do is scripted. */
#ifndef TS_TESTS_RPC_KIT_H
#define TS_TESTS_RPC_KIT_H

#include "unit.h"

#include <uv.h>

#include "engine/tx_sign.h"
#include "rpc/api.h"
#include "testnet.h"

#define KIT_PEOPLE 3
#define KIT_CHUNKY 300 /* transactions in the last batch: more than are asked for at a time */

/* A query that is not answered at once. */
struct kit_query {
    enum ts_query_kind kind;
    struct ts_buf arg;
    ts_rpc_done done;
    void *ctx;
};

struct kit {
    char dir[64];
    char path[96];
    struct testnet *net;
    struct ts_engine *engine;
    struct ts_store *store;
    struct ts_audit *audit; /* at genesis; tests add findings */
    struct ts_timeline *timeline;
    ts_secret keys[KIT_PEOPLE];
    ts_address people[KIT_PEOPLE];
    struct ts_alloc alloc[KIT_PEOPLE];
    struct ts_api *api;
    struct ts_rpc *rpc;
    uv_loop_t loop;

    /* The script. */
    bool hold;        /* queries wait for kit_release */
    ts_err query_err; /* each query fails with this, text enclave_says */
    const char *enclave_says;
    bool lie; /* answers are about other transactions */
    ts_err send_err;
    bool has_nonce;
    uint64_t nonce;
    ts_bytes pending;
    bool has_rollups;            /* they are followed */
    struct ts_store_op *settles; /* the store gets it when somebody waits for that; NULL: nothing */
    ts_err settle_err;
    unsigned n_settles;
    uint64_t l1_final;

    struct kit_query held[64];
    size_t n_held;
    size_t n_queries;
    struct ts_buf sent; /* the transaction handed in last */

    struct ts_buf txs[2 * KIT_CHUNKY]; /* all that were published, in order */
    size_t n_txs;
    struct ts_buf answer; /* the newest, whole */
    size_t n_answers;
};

/* Batches 1 to 8; 2 holds a transaction of each type, 8 holds KIT_CHUNKY, the others none. */
struct kit *kit_open(bool with_loop);
void kit_close(struct kit *k);
/* Of the whole chain; ts_timeline_free. */
struct ts_timeline *kit_timeline_of(const struct testnet *net);

/* A transaction by person 0, appended to k->txs; its index. */
size_t kit_tx(struct kit *k, enum ts_tx_type type, uint64_t nonce);
ts_bytes kit_raw(const struct kit *k, size_t tx);
/* "0x…" of its hash, valid until the next call. */
const char *kit_hash(const struct kit *k, size_t tx);
void kit_put(struct kit *k, const struct ts_store_op *op);

/* Calls a method; params is the JSON of the array. Returns what came as result, or NULL; free with
 * json_decref. kit_answer is the same for a call whose answer has come by now. */
json_t *kit_call(struct kit *k, const char *method, const char *params);
void kit_start(struct kit *k, const char *method, const char *params);
json_t *kit_answer(struct kit *k);
/* The result as JSON text must be this. */
void kit_expect(struct kit *k, const char *method, const char *params, const char *result);
/* The call must fail with this code and a message that holds text. */
void kit_refused(struct kit *k, const char *method, const char *params, int code, const char *text);
/* Answers a held query as the engine does. */
void kit_release(struct kit *k);

const char *member(const json_t *o, const char *key); /* its string */

#endif
