/* SPDX-License-Identifier: Apache-2.0 */
/* The node's shell: what the core says is done with libuv, the store, WebSockets, the enclave's
 * link, worker threads, JSON-RPC and the feed; and what comes of it is told to the core. One
 * thread, but for the disk's and the workers'.
 *
 *     ts_node_shell_new(…)   opens the store, loads the core, listens, begins
 *     uv_run(loop)           until everything that it opened is closed
 *     ts_node_shell_free(…) */
#ifndef TS_NODE_SHELL_H
#define TS_NODE_SHELL_H

#include <uv.h>

#include "net/link.h"
#include "net/server.h"
#include "node/core.h"
#include "tenseq/assessment.h"

/* Borrowed pointers outlive the shell; strings of the listener are copied. */
struct ts_node_shell_config {
    uv_loop_t *loop;
    const struct ts_genesis *genesis;
    ts_bytes genesis_raw;
    const struct ts_crypto *crypto;
    const char *store_path;
    const char *const *peers;           /* "ws://host:port/feed" */
    unsigned n_peers;                   /* at most TS_NODE_MAX_PEERS */
    const struct ts_link_addr *enclave; /* NULL: none */
    struct ts_node_settings settings;
    const char *l1_url; /* JSON-RPC of an L1 node; NULL: L1 is not followed. Only for a genesis with
                           L1 */
    uint64_t l1_confirmations; /* as in l1/follower.h */

    const char *on_finding; /* told of each finding, see node/hook.h; NULL: nobody is */
    enum ts_severity on_finding_least;

    struct ts_assess_params assess; /* good ones: what ten_assessment weighs with */

    struct ts_server_config listener; /* without handlers and WebSocket paths */
    size_t max_feed_peers;
};

struct ts_node_shell;

/* TS_E_FOREIGN, TS_E_VERSION, TS_E_CORRUPT: the store; a restart changes nothing. TS_E_USAGE: the
 * listener's address. Others: environment. why holds a sentence, *out is unchanged; handles that
 * were opened are closed when the loop runs. */
ts_err ts_node_shell_new(const struct ts_node_shell_config *config, struct ts_node_shell **out,
                         char *why, size_t why_size);
/* The bound port. */
uint16_t ts_node_shell_port(const struct ts_node_shell *s);
/* Number of the newest durable batch. */
uint64_t ts_node_shell_head(const struct ts_node_shell *s);
/* Ends it: what is checked becomes durable, then everything is closed and the loop has nothing more
 * to do. The second call closes at once. */
void ts_node_shell_stop(struct ts_node_shell *s);
/* TS_E_CORRUPT when it ended because the store turned out to be damaged; else TS_OK. */
ts_err ts_node_shell_result(const struct ts_node_shell *s);
/* After the loop has ended. */
void ts_node_shell_free(struct ts_node_shell *s);

#endif
