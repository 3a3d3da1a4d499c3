/* SPDX-License-Identifier: Apache-2.0 */
/* What libsecp256k1 does on one core of this machine, bare: the yardstick of the other figures. */
#include <secp256k1_recovery.h>

#include "base/check.h"

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const char *name, double value)
{
    printf("{\"bench\":\"crypto\",\"name\":\"%s\",\"value\":%.1f,\"unit\":\"per second\"}\n", name,
           value);
    fprintf(stderr, "crypto  %-20s %12.0f per second\n", name, value);
}

int main(void)
{
    enum { N = 20000 };
    unsigned char key[32] = {1}, digest[32] = {2};
    secp256k1_context *c = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    secp256k1_ecdsa_recoverable_signature sig;
    secp256k1_pubkey pub;
    double from = seconds_now();
    for (unsigned i = 0; i < N; i++) {
        digest[0] = (unsigned char)i;
        TS_CHECK(secp256k1_ecdsa_sign_recoverable(c, &sig, digest, key, NULL, NULL));
    }
    say("sign", N / (seconds_now() - from));
    from = seconds_now();
    for (unsigned i = 0; i < N; i++)
        TS_CHECK(secp256k1_ecdsa_recover(c, &pub, &sig, digest));
    say("recover", N / (seconds_now() - from));
    secp256k1_context_destroy(c);
    return 0;
}
