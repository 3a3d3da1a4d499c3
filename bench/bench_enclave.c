/* SPDX-License-Identifier: Apache-2.0 */
/* What an empty batch costs in an enclave beside the signatures in it, with three enclaves: CREATE
 * by the active one (two signatures made, the seal and its next report; two recovered, the others'
 * reports) and ACCEPT by another (four recovered, one made), over the time of the same raw
 * libsecp256k1 calls; and a batch in a ROLLUP. JSON lines on stdout. The ratio of CREATE is to stay
 * at or below 1.5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/check.h"
#include "enclave_kit.h"

#define LIMIT  1.5
#define ROUNDS 400

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    return v[n / 2];
}

/* The core's time for one request; its answer is in *out. */
static double time_handle(struct ek *k, size_t i, const struct ts_msg *req, struct ts_buf *out)
{
    struct ts_buf in;
    ts_buf_init(&in, 0);
    ts_msg_put(&in, req);
    ts_buf_reset(out);
    double start = now_us();
    ts_enclave_handle(k->enclaves[i].core, ts_buf_bytes(&in), out);
    double took = now_us() - start;
    ts_buf_free(&in);
    return took;
}

/* One batch through all three; the times of CREATE and of one ACCEPT. */
static void round_trip(struct ek *k, double *create_us, double *accept_us)
{
    struct ts_buf out;
    struct ts_msg answer;
    struct ts_msg accept = {.type = TS_MSG_ACCEPT};
    ts_buf_init(&out, 0);
    struct ts_msg req = ek_create_request(k, 0, EK_ALL);
    *create_us = time_handle(k, 0, &req, &out);
    TS_CHECK(ts_msg_decode_answer(ts_buf_bytes(&out), &k->arena, &answer) == TS_OK);
    TS_CHECK(answer.type == TS_MSG_CREATE && answer.u.created.n_rejected == 0);
    ek_publish(k, answer.u.created.batch);
    accept.u.accept.batch = ek_batch(k, k->n_batches);
    *accept_us = time_handle(k, 1, &accept, &out);
    ek_feed(k, 2);
    ts_buf_free(&out);
    ek_forget(k);
}

struct raw {
    secp256k1_context *ctx;
    uint8_t key[32];
    uint8_t digest[32];
    secp256k1_ecdsa_recoverable_signature sig;
};

static double time_raw(struct raw *r, size_t made, size_t recovered)
{
    double start = now_us();
    for (size_t i = 0; i < made; i++) {
        r->digest[0]++;
        TS_CHECK(secp256k1_ecdsa_sign_recoverable(r->ctx, &r->sig, r->digest, r->key, NULL, NULL));
    }
    for (size_t i = 0; i < recovered; i++) {
        secp256k1_pubkey key;
        TS_CHECK(secp256k1_ecdsa_recover(r->ctx, &key, &r->sig, r->digest));
    }
    return now_us() - start;
}

/* ROLLUP of all batches so far, empty ones: decoding, header hashes, and their encoding. */
static double time_rollup(struct ek *k)
{
    struct ts_buf out;
    struct ts_msg answer;
    ts_buf_init(&out, 0);
    struct ts_msg req = ek_rollup_request(k, 1, k->n_batches, 0);
    double took = time_handle(k, 1, &req, &out);
    TS_CHECK(ts_msg_decode_answer(ts_buf_bytes(&out), &k->arena, &answer) == TS_OK);
    TS_CHECK(answer.type == TS_MSG_ROLLUP);
    ts_buf_free(&out);
    return took;
}

static void print(const char *name, double value)
{
    printf("{\"name\":\"%s\",\"value\":%.3f}\n", name, value);
}

int main(void)
{
    static double create[ROUNDS], accept[ROUNDS], raw_create[ROUNDS], raw_accept[ROUNDS];
    struct raw r = {.ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE), .key = {1}};
    struct ek *k = ek_open(3, 3);
    TS_CHECK(r.ctx != NULL);
    for (size_t i = 0; i < 3; i++)
        ek_start(k, i);
    ek_promote(k, 0);
    ek_run(k, 0, 20);
    for (size_t i = 0; i < ROUNDS; i++) {
        /* In turn, so that a busy machine slows all alike. */
        round_trip(k, &create[i], &accept[i]);
        raw_create[i] = time_raw(&r, 2, 2);
        raw_accept[i] = time_raw(&r, 1, 4);
    }
    double ratio = median(create, ROUNDS) / median(raw_create, ROUNDS);
    print("create_us", median(create, ROUNDS));
    print("create_signatures_us", median(raw_create, ROUNDS));
    print("create_ratio", ratio);
    print("accept_us", median(accept, ROUNDS));
    print("accept_signatures_us", median(raw_accept, ROUNDS));
    print("accept_ratio", median(accept, ROUNDS) / median(raw_accept, ROUNDS));
    ek_run(k, 0, 2000);
    print("rollup_us_a_batch", time_rollup(k) / (double)k->n_batches);
    ek_close(k);
    secp256k1_context_destroy(r.ctx);
    return ratio <= LIMIT ? 0 : 1;
}
