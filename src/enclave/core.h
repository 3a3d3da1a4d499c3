/* SPDX-License-Identifier: Apache-2.0 */
/* The enclave: bytes in, bytes out. One request at a time; no clock, file or socket of its own.
 * Source: docs/protocol.md, sections 3 to 5. */
#ifndef TS_ENCLAVE_CORE_H
#define TS_ENCLAVE_CORE_H

#include "base/env.h"
#include "crypto/secret.h"
#include "engine/engine.h"
#include "link/messages.h"

/* Where sealed checkpoints live. The core seals; this keeps bytes. Two or more slots, numbered from
 * 0. */
struct ts_checkpoint_store {
    void *ctx;
    size_t n_slots;
    /* The start of a slot's content, for listing (at most n bytes; fewer at its end). */
    ts_err (*peek)(void *ctx, size_t slot, void *out, size_t n, size_t *got);
    /* Replaces a slot's content: open, write…, close. Durable when close returns TS_OK. */
    ts_err (*write_begin)(void *ctx, size_t slot);
    ts_err (*write)(void *ctx, const void *p, size_t n);
    ts_err (*write_end)(void *ctx, bool keep);
    /* Reads a slot from its start: open, read… (fewer bytes only at the end). */
    ts_err (*read_begin)(void *ctx, size_t slot);
    ts_err (*read)(void *ctx, void *out, size_t n, size_t *got);
    void (*read_end)(void *ctx);
};

struct ts_enclave_config {
    const struct ts_crypto *crypto;
    const struct ts_engine_ops *engine;
    const struct ts_checkpoint_store *checkpoints; /* NULL: none are kept */
    struct ts_env env;  /* random: boot id, boot key, nonces, map seeds */
    ts_secret identity; /* copied; the core wipes its copy at the end */
    ts_secret seal_key; /* for checkpoints; likewise */
    ts_time boot_time;  /* start of the process, as the platform claims it */
};

struct ts_enclave;

/* TS_E_KEY, TS_E_RANDOM, TS_E_NOMEM: *out is NULL. All of config but the secrets is borrowed. */
ts_err ts_enclave_new(const struct ts_enclave_config *config, struct ts_enclave **out);
void ts_enclave_free(struct ts_enclave *e);

/* A new connection: the answers still owed to the old one will not be asked for. */
void ts_enclave_connected(struct ts_enclave *e);

/* Handles one frame body and appends exactly one answer frame body to out; whatever the bytes. */
void ts_enclave_handle(struct ts_enclave *e, ts_bytes frame, struct ts_buf *out);

/* True after EXIT was answered: the shell ends the process with the exit code for a restart. */
bool ts_enclave_wants_exit(const struct ts_enclave *e);

enum ts_enclave_state ts_enclave_state_of(const struct ts_enclave *e);
/* Why it halted, one sentence; empty unless HALTED. */
const char *ts_enclave_halt_reason(const struct ts_enclave *e);
/* Where the core stands: number and hash of its head; zero while EMPTY. */
struct ts_msg_head ts_enclave_head(const struct ts_enclave *e);
/* The memory that holds the secrets of the core, for a shell that keeps it from swap and dumps. */
ts_bytes ts_enclave_secrets(const struct ts_enclave *e);

#define TS_ENCLAVE_ERRORS 192 /* above every error number */

/* Counted since boot; for the shell's log and metrics, and the simulator. */
struct ts_enclave_counters {
    uint64_t connections, requests, accepted, sealed, checkpoints;
    uint64_t refused;                     /* well-formed requests answered by an error */
    uint64_t malformed;                   /* frames that did not decode */
    uint64_t by_error[TS_ENCLAVE_ERRORS]; /* both, by error number */
};
void ts_enclave_counters_of(const struct ts_enclave *e, struct ts_enclave_counters *out);

#endif
