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
#include "net/server.h"
#include "tenseq/genesis.h"

/* What both are configured with of their listener: struct ts_rpc_keys rpc of the struct, and
 * TS_CFG_RPC_KEYS(struct config, "default of rpc-listen") in the key table. */
struct ts_rpc_keys {
    const char *listen;
    const char *token;
    struct ts_cfg_list hosts;
    struct ts_cfg_list origins;
    uint64_t max_body;
    uint64_t max_connections;
};
#define TS_CFG_RPC_KEYS(struct_type, default_listen)                                               \
    TS_CFG(struct_type, rpc.listen, "rpc-listen", TS_CFG_ENDPOINT, .def = (default_listen),        \
           .help = "where JSON-RPC, the feed and the metrics are served"),                         \
        TS_CFG(struct_type, rpc.token, "rpc-token", TS_CFG_STRING, .flags = TS_CFG_SECRET,         \
               .help =                                                                             \
                   "bearer token for the operator's methods when the listener is not loopback"),   \
        TS_CFG(struct_type, rpc.hosts, "rpc-hosts", TS_CFG_LIST, .item = TS_CFG_STRING,            \
               .help = "further Host names a loopback listener answers to, * for any"),            \
        TS_CFG(struct_type, rpc.origins, "rpc-origins", TS_CFG_LIST, .item = TS_CFG_STRING,        \
               .help = "origins whose web pages may call, * for any"),                             \
        TS_CFG(struct_type, rpc.max_body, "rpc-max-body", TS_CFG_SIZE, .def = "5MiB", .min = 1024, \
               .max = 256u * 1024 * 1024, .help = "largest request"),                              \
        TS_CFG(struct_type, rpc.max_connections, "rpc-max-connections", TS_CFG_U64, .def = "1024", \
               .min = 1, .max = 100000, .help = "connections at one time")

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

/* The listener, behind ts_program_read_listen; borrows of p and keys. */
void ts_program_listener(const struct ts_program *p, const struct ts_rpc_keys *keys,
                         struct ts_server_config *out);
/* Tells the service manager. */
void ts_program_ready(void);
/* The exit code of what a shell, at its opening or its end, returned. */
int ts_program_exit_code(ts_err err);
/* Everything else on the loop is closed or closing. */
void ts_program_close(struct ts_program *p);
/* The genesis and the like; p may be zeroed and no more. */
void ts_program_free(struct ts_program *p);

#endif
