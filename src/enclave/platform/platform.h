/* SPDX-License-Identifier: Apache-2.0 */
/* Where an enclave runs, behind a small table: who keeps its identity key, and under which key its
 * state is sealed. Simulation is one; SEV-SNP and TDX guests and SGX take their place beside it. */
#ifndef TS_ENCLAVE_PLATFORM_H
#define TS_ENCLAVE_PLATFORM_H

#include "crypto/secret.h"
#include "tenseq/verify.h"

struct ts_platform_args {
    const char *data_dir;    /* where sealed files are kept */
    const char *machine_key; /* simulation: what stands for the machine's sealing key; a file */
    const struct ts_crypto *crypto;
};

/* Secrets of one enclave; wipe them when they are handed on. */
struct ts_platform_identity {
    ts_secret key;      /* secp256k1 */
    ts_secret seal_key; /* for state that only this enclave on this machine may open */
    ts_address id;
    bool is_new; /* made by this call */
};

#define TS_PLATFORM_WHY 512

struct ts_platform_ops {
    const char *name; /* as in the configuration */
    /* The identity sealed earlier, or, with create, a new one, made inside and sealed durably.
     *
     * Returns: TS_OK; TS_E_NOT_FOUND (none, and not create); TS_E_USAGE (a file that cannot be used
     *          as it is: mode, owner, size); TS_E_CORRUPT (does not open: damaged, or sealed on
     *          another machine); TS_E_IO, TS_E_RANDOM, TS_E_NOMEM.
     * Out:     on failure out is wiped and why holds one sentence that names the file. */
    ts_err (*identity)(const struct ts_platform_args *args, bool create,
                       struct ts_platform_identity *out, char why[TS_PLATFORM_WHY]);
};

extern const struct ts_platform_ops ts_platform_sim;

#endif
