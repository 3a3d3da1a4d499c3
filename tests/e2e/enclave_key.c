/* SPDX-License-Identifier: Apache-2.0 */
/* enclave_key DATA_DIR MACHINE_KEY: prints the identity key of an enclave in simulation, as one
 * gets it who has both files. With it a test plays an enclave that is out of control. */
#include "crypto/sign.h"
#include "enclave/platform/platform.h"

int main(int argc, char **argv)
{
    char why[TS_PLATFORM_WHY], hex[2 * sizeof(ts_secret) + 3];
    struct ts_platform_identity identity;
    struct ts_crypto *crypto = ts_crypto_new();
    if (argc != 3 || crypto == NULL) {
        fputs("usage: enclave_key DATA_DIR MACHINE_KEY\n", stderr);
        return 2;
    }
    const struct ts_platform_args args = {
        .data_dir = argv[1], .machine_key = argv[2], .crypto = crypto};
    if (ts_platform_sim.identity(&args, false, &identity, why) != TS_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    puts(ts_hex(identity.key.b, sizeof(identity.key.b), hex));
    ts_crypto_free(crypto);
    return 0;
}
