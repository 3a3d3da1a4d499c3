/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs tenseq-host and tenseq-node share around their shells: what both read at the
 * start, signals, readiness, the end.
 *
 *     ts_program_read_…     every one says in the log why it fails, and gives the exit code
 *     ts_program_open       the loop, with signals caught
 *     ts_program_ready      when the shell is open
 *     ts_program_close      after the loop has ended
 *     ts_program_free */
#ifndef TS_SHELL_PROGRAM_H
#define TS_SHELL_PROGRAM_H

#include <uv.h>

#include "cfg/cfg.h"
#include "crypto/sign.h"
#include "tenseq/genesis.h"

struct ts_program {
    uv_loop_t loop;
    uv_signal_t signals[2];
    struct ts_genesis genesis;
    uint8_t *genesis_raw; /* owned */
    size_t genesis_n;
    struct ts_crypto *crypto;
    struct ts_endpoint listen;
    char store_path[4096];
    /* SIGTERM or SIGINT came: a clean end within five seconds is promised, so that the process ends
     * shortly before, whatever hangs. */
    void (*stop)(void *ctx);
    void *stop_ctx;
};

/* All that follow return TS_EXIT_OK, or another code of cfg/exit.h and have logged one sentence. */

int ts_program_fail(int code, const char *why); /* returns code */
int ts_program_read_genesis(struct ts_program *p, const char *path);
/* HOST:PORT of the key rpc-listen. */
int ts_program_read_listen(struct ts_program *p, const char *text);
/* Makes the directory unless it is there; store_path is name in it. */
int ts_program_make_data_dir(struct ts_program *p, const char *dir, const char *name);
/* stop is called from the loop, for every signal. */
int ts_program_open(struct ts_program *p, void (*stop)(void *ctx), void *ctx);

/* Tells the service manager. */
void ts_program_ready(void);
/* The exit code of what a shell, at its opening or its end, returned. */
int ts_program_exit_code(ts_err err);
/* Everything else on the loop is closed or closing. */
void ts_program_close(struct ts_program *p);
/* The genesis and the like; p may be zeroed and no more. */
void ts_program_free(struct ts_program *p);

#endif
