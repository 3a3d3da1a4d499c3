/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the node's shell share.
 *
 *   shell.c        its life: opening, beginning, ending
 *   shell_step.c   inputs to the core, and what its outputs say
 *   shell_links.c  feeds of peers, the enclave's link, worker threads
 *   shell_load.c   reading the store, at start and later
 *   shell_calls.c  questions to the core that are answered later; the backend of JSON-RPC and feed
 *   shell_health.c what ten_health tells
 *   shell_l1.c     following L1
 *   shell_http.c   /, /healthz, /readyz, /metrics
 *   shell_metrics.c  the table of metrics */
#ifndef TS_NODE_SHELL_INTERNAL_H
#define TS_NODE_SHELL_INTERNAL_H

#include <jansson.h>

#include "engine/engine.h"
#include "net/ws_client.h"
#include "node/hook.h"
#include "node/shell.h"
#include "shell/follow.h"
#include "shell/front.h"
#include "store/writer.h"

#define NODE_CLIENT "tenseq-node/" TS_VERSION

struct feed_slot {
    struct ts_node_shell *shell;
    unsigned link;
    struct ts_wsc *wsc; /* NULL: none */
};

/* Something asked of the core. */
struct asked {
    void (*done)(struct ts_node_shell *s, const struct asked *a,
                 const struct ts_node_output *reply);
    ts_rpc_done rpc_done; /* for JSON-RPC */
    void *ctx;
    uint64_t ticket; /* for the feed */
};

/* An input that came while the core's outputs were being carried out. Owns what it points to. */
struct queued {
    struct queued *next;
    struct ts_node_input in;
    uint8_t *bytes;
    char *text;
    struct ts_store_batch *batches; /* each raw is owned too */
};

/* Signatures that a worker checks. */
struct verify_job {
    uv_work_t req;
    struct ts_node_shell *shell;
    uint64_t token;
    const ts_bytes *raws; /* the core's */
    size_t n;
    ts_hash root;
    struct ts_buf found;
};

struct ts_node_shell {
    struct ts_node_shell_config config;
    struct ts_store *store;
    struct ts_writer *writer;
    struct ts_node *core;
    struct ts_front front;
    struct ts_metrics *metrics;
    struct ts_engine
        *engine; /* at genesis, for what is a function of a transaction's bytes alone */
    ts_hash genesis_root;
    struct ts_chain view; /* the chain as JSON-RPC sees it: up to the durable head */
    struct feed_slot feeds[TS_NODE_MAX_PEERS];
    struct ts_link *enclave;
    struct ts_follow *follow; /* NULL: L1 is not followed */
    struct ts_hook *hook;     /* NULL: nobody is told of findings */

    uv_timer_t timer;
    bool has_timer;

    bool stepping; /* outputs are being carried out */
    struct queued *queue;
    struct queued **queue_end;

    struct ts_map asked; /* token → struct asked */
    uint64_t next_token;

    bool stopping; /* the core was told to stop */
    bool closing;  /* handles are being closed */
    ts_err result;
    uint64_t started_us;
    uint64_t events[4]; /* logged, by level */
};

/* ---- shell.c ---- */

void nsh_close(struct ts_node_shell *s);

/* ---- shell_step.c ---- */

struct ts_now nsh_now(void);
/* Tells the core, now or after what is being carried out. in and all it points to are borrowed. */
void nsh_input(struct ts_node_shell *s, const struct ts_node_input *in);
/* Likewise, later in any case, with batches that are the queue's from now on. */
void nsh_queue_loaded(struct ts_node_shell *s, const struct ts_node_input *in,
                      struct ts_store_batch *batches);
void nsh_carry_out(struct ts_node_shell *s, const struct ts_node_outputs *out);
void nsh_drop_queue(struct ts_node_shell *s);
void nsh_free_batch(const struct ts_store_batch *b);
void nsh_free_batches(struct ts_store_batch *batches, size_t n);

/* ---- shell_links.c ---- */

void nsh_connect(struct ts_node_shell *s, unsigned link);
void nsh_close_link(struct ts_node_shell *s, unsigned link);
void nsh_send(struct ts_node_shell *s, unsigned link, ts_bytes bytes);
void nsh_close_links(struct ts_node_shell *s);
void nsh_verify(struct ts_node_shell *s, const struct ts_node_output *o);

/* ---- shell_load.c ---- */

ts_err nsh_load(struct ts_node_shell *s, char *why, size_t why_size);
void nsh_on_load(struct ts_node_shell *s, const struct ts_node_output *o);

/* ---- shell_calls.c ---- */

void nsh_on_reply(struct ts_node_shell *s, const struct ts_node_output *o);
/* Answers all that is still asked. */
void nsh_fail_calls(struct ts_node_shell *s);
void nsh_backend(struct ts_node_shell *s, struct ts_rpc_backend *out);
void nsh_on_feed_tx(void *ctx, uint64_t ticket, ts_bytes raw);
void nsh_on_feed_batch(void *ctx, uint64_t peer, ts_bytes raw);

/* ---- shell_health.c ---- */

/* "following", "catching-up", "connecting", "storage", "l1-behind" or "l1-reorg". */
const char *nsh_state_name(const struct ts_node_shell *s, const struct ts_node_status *st);
json_t *nsh_health(void *ctx); /* ctx: the shell */

/* ---- shell_l1.c ---- */

/* When an L1 node is configured. */
ts_err nsh_l1_open(struct ts_node_shell *s, char *why, size_t why_size);
/* False: the step was the core's. */
bool nsh_l1_stored(struct ts_node_shell *s, uint64_t token, ts_err err);
void nsh_l1_ask(struct ts_node_shell *s, uint64_t number);
void nsh_l1_forget(struct ts_node_shell *s, uint64_t number);
void nsh_l1_rollups_again(struct ts_node_shell *s, uint64_t above, uint64_t from);
json_t *nsh_l1_json(const struct ts_node_shell *s, const struct ts_node_l1_status *l);
bool nsh_l1_is_up(const struct ts_node_shell *s); /* false without one, too */

/* ---- shell_http.c ---- */

void nsh_on_get(void *ctx, struct ts_http_request *req, const char *path, const char *query);

/* ---- shell_metrics.c ---- */

/* The table has static storage; docs/metrics.md is made of it. */
const struct ts_metric_def *nsh_metrics_table(size_t *n);
struct ts_metrics *nsh_metrics_new(void);
void nsh_metrics_gather(struct ts_node_shell *s, const struct ts_node_status *st);
void nsh_note_step(struct ts_node_shell *s, uint64_t us);

#endif
