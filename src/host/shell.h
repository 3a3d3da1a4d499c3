/* SPDX-License-Identifier: Apache-2.0 */
/* The host's shell: what the core says is done with libuv, the store, links, JSON-RPC and feed, and
 * what comes of it is told to the core. One thread, but for the disk's.
 *
 *     ts_shell_new(…)      opens the store, loads the core, listens, begins
 *     uv_run(loop)         until everything that it opened is closed
 *     ts_shell_free(…) */
#ifndef TS_HOST_SHELL_H
#define TS_HOST_SHELL_H

#include <uv.h>

#include "crypto/secret.h"
#include "host/core.h"
#include "net/link.h"
#include "net/server.h"

/* Borrowed pointers outlive the shell; strings of the listener are copied. */
struct ts_shell_config {
    uv_loop_t *loop;
    const struct ts_genesis *genesis;
    ts_bytes genesis_raw;
    const struct ts_crypto *crypto;
    const char *store_path;
    const struct ts_link_addr *links; /* of the enclaves */
    unsigned n_links;
    struct ts_host_settings settings;
    const char *l1_url; /* JSON-RPC of an L1 node: with a genesis that has an L1, and only then */
    uint64_t l1_confirmations; /* as in l1/follower.h */
    const ts_secret *l1_key;   /* of the account that publishes; NULL: nothing is brought to L1 */
    bool auto_replace;         /* a corrupted enclave is asked to be replaced without an order */
    uint64_t l1_max_fee;       /* wei per gas */
    uint64_t l1_stuck_ms;      /* after so long without being mined fees are raised */

    struct ts_server_config listener; /* without handlers and WebSocket paths */
};

struct ts_shell;

/* TS_E_FOREIGN, TS_E_VERSION, TS_E_CORRUPT: the store; a restart changes nothing. TS_E_USAGE: the
 * listener's address. Others: environment. why holds a sentence, *out is unchanged; handles that
 * were opened are closed when the loop runs. */
ts_err ts_shell_new(const struct ts_shell_config *config, struct ts_shell **out, char *why,
                    size_t why_size);
/* The bound port. */
uint16_t ts_shell_port(const struct ts_shell *s);
/* Ends it: the batch in hand is finished and stored, then everything is closed and the loop has
 * nothing more to do. The second call closes at once. */
void ts_shell_stop(struct ts_shell *s);
/* After the loop has ended. */
void ts_shell_free(struct ts_shell *s);

#endif
