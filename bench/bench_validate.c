/* SPDX-License-Identifier: Apache-2.0 */
/* What checking a batch costs beside the signatures in it: the time of ts_batch_check over the time
 * of the raw libsecp256k1 recoveries of the very same signatures. One JSON line on stdout for each
 * size of network, a table on stderr. The ratio is to stay below 1.15. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/check.h"
#include "chain/batch.h"
#include "testnet.h"

#define LIMIT  1.15
#define ROUNDS 80

struct signature {
    ts_hash digest;
    secp256k1_ecdsa_recoverable_signature sig;
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void parse(const secp256k1_context *ctx, const ts_hash *digest, const ts_sig *sig,
                  struct signature *out)
{
    out->digest = *digest;
    TS_CHECK(secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &out->sig, sig->b,
                                                                 sig->b[64] - 27));
}

/* Every signature that checking the batch verifies. */
static size_t collect(const struct testnet *net, const secp256k1_context *ctx,
                      const struct ts_batch *b, struct signature *out)
{
    const struct ts_domain *domain = &net->genesis.domain;
    struct ts_batch_seal seal;
    ts_hash digest;
    size_t n = 0;
    for (size_t i = 0; i < b->payload.n_transitions; i++) {
        ts_transition_hash(domain, &b->payload.transitions[i], &digest);
        parse(ctx, &digest, &b->payload.transitions[i].sig, &out[n++]);
    }
    for (size_t i = 0; i < b->payload.n_reports; i++) {
        ts_report_hash(domain, &b->payload.reports[i], &digest);
        parse(ctx, &digest, &b->payload.reports[i].sig, &out[n++]);
    }
    ts_header_hash(domain, &b->header, &seal.batch_hash);
    ts_protocol_root(&net->chain.head.protocol_root, b->raw_payload, &seal.protocol_root);
    ts_seal_digest(domain, &seal, &digest);
    parse(ctx, &digest, &b->seal, &out[n++]);
    return n;
}

static double time_recover(const secp256k1_context *ctx, const struct signature *s, size_t n,
                           size_t times)
{
    double start = now_us();
    for (size_t k = 0; k < times; k++) {
        for (size_t i = 0; i < n; i++) {
            secp256k1_pubkey key;
            TS_CHECK(secp256k1_ecdsa_recover(ctx, &key, &s[i].sig, s[i].digest.b));
        }
    }
    return (now_us() - start) / (double)times;
}

static double time_check(const struct testnet *net, const struct ts_batch *b, size_t times)
{
    double start = now_us();
    for (size_t k = 0; k < times; k++)
        TS_CHECK(ts_batch_check(&net->chain, b, NULL, net->effect, NULL) == TS_OK);
    return (now_us() - start) / (double)times;
}

struct result {
    size_t enclaves;
    size_t signatures;
    double check_us;
    double recover_us;
};

/* Processor time. The best of many short rounds of each, taken in turn so that a busy machine slows
 * both alike. */
static struct result measure(const struct testnet *net, const struct ts_batch *b,
                             const struct signature *s, size_t n)
{
    struct result r = {.signatures = n, .check_us = 1e18, .recover_us = 1e18};
    size_t times = 64 / n + 1;
    for (int k = 0; k < ROUNDS; k++) {
        double recover = time_recover(secp256k1_context_static, s, n, times);
        double check = time_check(net, b, times);
        r.recover_us = recover < r.recover_us ? recover : r.recover_us;
        r.check_us = check < r.check_us ? check : r.check_us;
    }
    return r;
}

static struct result bench(size_t enclaves, bool busy)
{
    static struct signature s[TS_MAX_TRANSITIONS + TS_MAX_WHITELIST + 1];
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = enclaves});
    struct ts_arena arena;
    struct ts_batch b;
    tn_start(net);
    tn_run(net, 4);
    for (size_t i = 1; busy && i < enclaves; i++) {
        tn_crash(net, i);
        tn_boot(net, i);
    }
    struct tn_draft *d = tn_draft(net, 0);
    tn_seal(net, d);
    ts_arena_init(&arena, 0);
    TS_CHECK(ts_batch_decode(ts_buf_bytes(&d->raw), TS_MAX_BATCH_BYTES, &arena, &b) == TS_OK);
    size_t n = collect(net, secp256k1_context_static, &b, s);
    struct result r = measure(net, &b, s, n);
    r.enclaves = enclaves;
    ts_arena_free(&arena);
    tn_free(net);
    return r;
}

static bool print(const struct result *r, bool busy)
{
    double ratio = r->check_us / r->recover_us;
    printf("{\"bench\":\"validate\",\"enclaves\":%zu,\"restarts\":%s,\"signatures\":%zu,"
           "\"check_us\":%.1f,\"recover_us\":%.1f,\"ratio\":%.4f,\"limit\":%.2f}\n",
           r->enclaves, busy ? "true" : "false", r->signatures, r->check_us, r->recover_us, ratio,
           LIMIT);
    fprintf(stderr,
            "%3zu enclaves %s  %3zu signatures  check %8.1f us  recover %8.1f us  ratio %.3f%s\n",
            r->enclaves, busy ? "all restarted" : "steady       ", r->signatures, r->check_us,
            r->recover_us, ratio, ratio <= LIMIT ? "" : "  over the limit");
    return ratio <= LIMIT;
}

int main(void)
{
    static const size_t sizes[] = {1, 3, 16, 64};
    bool good = true;
    for (size_t i = 0; i < TS_COUNT(sizes); i++) {
        struct result steady = bench(sizes[i], false);
        good = print(&steady, false) && good;
    }
    struct result busy = bench(64, true);
    good = print(&busy, true) && good;
    return good ? 0 : 1;
}
