/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/platform/sim.h"

#include <limits.h>
#include <sys/random.h>

#include "crypto/seal.h"
#include "crypto/sign.h"
#include "enclave/platform/files.h"

#define MAGIC      "tsid0001"
#define MAGIC_SIZE 8u
#define NONCE_SIZE 12u
#define FILE_SIZE  (MAGIC_SIZE + sizeof(ts_secret) + TS_SEAL_OVERHEAD)
#define KEY_TRIES  8

static ts_err draw(void *out, size_t n, char why[TS_PLATFORM_WHY])
{
    if (getrandom(out, n, 0) == (ssize_t)n)
        return TS_OK;
    snprintf(why, TS_PLATFORM_WHY, "the system's random source failed");
    return TS_E_RANDOM;
}

/* The machine's key, made when it is absent and may be. Several enclaves of one machine may start
 * at once: the first to make it wins, the others read it. */
static ts_err machine_key(const struct ts_platform_args *args, bool create, ts_secret *out,
                          char why[TS_PLATFORM_WHY])
{
    ts_err err = ts_private_read(args->machine_key, "machine key", out->b, sizeof(out->b), why);
    if (err != TS_E_NOT_FOUND || !create)
        return err;
    err = draw(out->b, sizeof(out->b), why);
    if (err == TS_OK)
        err = ts_private_create(args->machine_key, out->b, sizeof(out->b), why);
    if (err == TS_E_CONFLICT)
        err = ts_private_read(args->machine_key, "machine key", out->b, sizeof(out->b), why);
    return err;
}

static ts_err identity_path(const struct ts_platform_args *args, char out[PATH_MAX],
                            char why[TS_PLATFORM_WHY])
{
    int n = snprintf(out, PATH_MAX, "%s/%s", args->data_dir, TS_SIM_IDENTITY_FILE);
    if (n < PATH_MAX)
        return TS_OK;
    snprintf(why, TS_PLATFORM_WHY, "%.64s…: the path is too long", args->data_dir);
    return TS_E_USAGE;
}

/* The key under which the identity is sealed, and the one for what the enclave seals itself. */
static ts_err derive(const ts_secret *machine, const char *purpose, const ts_address *id,
                     ts_secret *out)
{
    char label[96];
    char hex[TS_ADDRESS_HEX_SIZE];
    snprintf(label, sizeof(label), "tenseq sim %s %s", purpose,
             id != NULL ? ts_hex(id->b, sizeof(id->b), hex) : "");
    return ts_derive_key(machine, label, out);
}

static ts_err open_identity(const struct ts_platform_args *args, const ts_secret *sealing,
                            ts_secret *key, char why[TS_PLATFORM_WHY])
{
    char path[PATH_MAX];
    uint8_t file[FILE_SIZE];
    struct ts_buf plain;
    ts_err err = identity_path(args, path, why);
    if (err == TS_OK)
        err = ts_private_read(path, "sealed identity", file, sizeof(file), why);
    if (err != TS_OK)
        return err;
    ts_buf_init(&plain, sizeof(*key));
    err = ts_unseal(sealing, ts_bytes_of(MAGIC, MAGIC_SIZE),
                    ts_bytes_of(file + MAGIC_SIZE, sizeof(file) - MAGIC_SIZE), &plain);
    if (memcmp(file, MAGIC, MAGIC_SIZE) != 0 || err == TS_E_SEAL || plain.n != sizeof(key->b)) {
        snprintf(why, TS_PLATFORM_WHY,
                 "%.200s: the sealed identity does not open: it is damaged, or was sealed under "
                 "another machine key than %.200s",
                 path, args->machine_key);
        err = TS_E_CORRUPT;
    } else {
        memcpy(key->b, plain.p, sizeof(key->b));
    }
    if (plain.p != NULL)
        ts_wipe(plain.p, plain.cap);
    ts_buf_free(&plain);
    return err;
}

/* A key that is one: out of 2^128 draws, one is not. */
static ts_err draw_key(const struct ts_crypto *crypto, ts_secret *key, char why[TS_PLATFORM_WHY])
{
    ts_address id;
    for (int i = 0; i < KEY_TRIES; i++) {
        ts_err err = draw(key->b, sizeof(key->b), why);
        if (err != TS_OK || ts_address_of_key(crypto, key, &id) == TS_OK)
            return err;
    }
    snprintf(why, TS_PLATFORM_WHY, "the system's random source gives no key");
    return TS_E_RANDOM;
}

static ts_err seal_identity(const struct ts_platform_args *args, const ts_secret *sealing,
                            const ts_secret *key, char why[TS_PLATFORM_WHY])
{
    char path[PATH_MAX];
    uint8_t nonce[NONCE_SIZE];
    struct ts_buf file;
    ts_err err = identity_path(args, path, why);
    if (err == TS_OK)
        err = draw(nonce, sizeof(nonce), why);
    if (err != TS_OK)
        return err;
    ts_buf_init(&file, FILE_SIZE);
    ts_buf_put(&file, MAGIC, MAGIC_SIZE);
    err = ts_seal(sealing, nonce, ts_bytes_of(MAGIC, MAGIC_SIZE),
                  ts_bytes_of(key->b, sizeof(key->b)), &file);
    if (err == TS_OK)
        err = ts_private_create(path, file.p, file.n, why);
    else
        snprintf(why, TS_PLATFORM_WHY, "%.256s: sealing failed: %s", path, ts_err_text(err));
    ts_buf_free(&file);
    return err;
}

/* With the machine key at hand. */
static ts_err obtain(const struct ts_platform_args *args, bool create, const ts_secret *machine,
                     struct ts_platform_identity *out, char why[TS_PLATFORM_WHY])
{
    ts_secret sealing;
    ts_err err = derive(machine, "identity", NULL, &sealing);
    if (err != TS_OK) {
        snprintf(why, TS_PLATFORM_WHY, "deriving a key failed: %s", ts_err_text(err));
        return err;
    }
    err = open_identity(args, &sealing, &out->key, why);
    if (err == TS_E_NOT_FOUND && create) {
        out->is_new = true;
        err = draw_key(args->crypto, &out->key, why);
        if (err == TS_OK)
            err = seal_identity(args, &sealing, &out->key, why);
    }
    ts_secret_wipe(&sealing);
    if (err != TS_OK)
        return err;
    err = ts_address_of_key(args->crypto, &out->key, &out->id);
    if (err == TS_OK)
        err = derive(machine, "state", &out->id, &out->seal_key);
    if (err != TS_OK)
        snprintf(why, TS_PLATFORM_WHY, "%.256s/%s: the identity is of no use: %s", args->data_dir,
                 TS_SIM_IDENTITY_FILE, ts_err_text(err));
    return err;
}

static ts_err sim_identity(const struct ts_platform_args *args, bool create,
                           struct ts_platform_identity *out, char why[TS_PLATFORM_WHY])
{
    ts_secret machine;
    memset(out, 0, sizeof(*out));
    ts_err err = machine_key(args, create, &machine, why);
    if (err == TS_OK)
        err = obtain(args, create, &machine, out, why);
    ts_secret_wipe(&machine);
    if (err != TS_OK)
        ts_wipe(out, sizeof(*out));
    return err;
}

const struct ts_platform_ops ts_platform_sim = {
    .name = "sim",
    .identity = sim_identity,
};
