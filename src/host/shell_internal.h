/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the host's shell share.
 *
 *   shell.c        its life: opening, beginning, ending
 *   shell_step.c   inputs to the core, and what its outputs say
 *   shell_load.c   reading the store, at start and later
 *   shell_links.c  the enclaves' links
 *   shell_calls.c  questions to the core that are answered later; the backend of JSON-RPC and feed
 *   shell_http.c   /healthz, /readyz, /metrics
 *   shell_metrics.c  the table of metrics
 *   shell_l1.c     following L1
 *   shell_submit.c what is brought to L1
 *   sequencer.c    the operator's methods */
#ifndef TS_HOST_SHELL_INTERNAL_H
#define TS_HOST_SHELL_INTERNAL_H

#include "host/shell.h"
#include "shell/follow.h"
#include "shell/front.h"
#include "shell/submit.h"
#include "store/writer.h"

struct link_slot {
    struct ts_shell *shell;
    unsigned index;
    struct ts_link *link;                                           /* NULL: none */
    uint64_t connects, sent_bytes, received_bytes, received_frames; /* since the start */
};

/* Something asked of the core. done gets the output that answers it, or one with err alone. */
struct call_slot {
    void (*done)(struct ts_shell *s, void *ctx, const struct ts_host_output *reply);
    void *ctx;       /* NULL and done NULL: free */
    uint32_t serial; /* of its use, the upper half of the token */
    uint32_t next_free;
};

/* An input that came while the core's outputs were being carried out. Owns what it points to. */
struct queued_input {
    struct queued_input *next;
    struct ts_host_input in;
    uint8_t *bytes;
    char *text;
    struct ts_store_batch *batches;
};

struct ts_shell {
    struct ts_shell_config config;
    struct ts_store *store;
    struct ts_writer *writer;
    struct ts_host *core;
    struct ts_front front;
    struct ts_metrics *metrics;
    struct ts_follow *follow; /* NULL: without L1 */
    struct ts_submit *submit; /* NULL: without a key for L1 */
    struct l1_order *orders;  /* on their way to L1 for operators */
    uint64_t n_orders;        /* jobs given for them */
    uv_timer_t *order_timer;  /* when somebody waits for one of them; NULL: without a key for L1 */
    struct link_slot links[TS_HOST_MAX_ENCLAVES];

    int timer_fd;
    uv_poll_t timer;
    bool has_timer;
    uint64_t armed_us; /* mono time the timer is set to; UINT64_MAX: not set */

    bool stepping; /* outputs are being carried out */
    struct queued_input *queue;
    struct queued_input **queue_end;

    struct call_slot *calls;
    uint32_t n_calls, cap_calls, free_call;

    bool begun;                             /* outputs are carried out; the core may be asked */
    bool stopping;                          /* the core was told to stop */
    bool closing;                           /* handles are being closed */
    uint64_t events[4];                     /* logged, by level */
    uint64_t last_batch_us, takeovers_seen; /* of the newest broadcast; 0: none yet */
};

/* ---- shell.c ---- */

/* Ends everything, whatever is in hand. */
void shell_close(struct ts_shell *s);
void shell_on_stopped(struct ts_shell *s);

/* ---- shell_step.c ---- */

struct ts_now shell_now(void);
/* Tells the core, now or after what is being carried out. in and all it points to are borrowed. */
void shell_input(struct ts_shell *s, const struct ts_host_input *in);
/* Carries out the outputs of begin, then what was queued. */
void shell_carry_out(struct ts_shell *s, const struct ts_host_outputs *out);
void shell_drop_queue(struct ts_shell *s);

/* ---- shell_load.c ---- */

/* The whole start-up load of the core. */
ts_err shell_load(struct ts_shell *s, char *why, size_t why_size);
/* Answers a LOAD output with a queued input. */
void shell_on_load(struct ts_shell *s, const struct ts_host_output *o);

/* ---- shell_links.c ---- */

void shell_connect(struct ts_shell *s, unsigned link);
void shell_close_link(struct ts_shell *s, unsigned link);
void shell_send(struct ts_shell *s, unsigned link, ts_bytes body);
void shell_close_links(struct ts_shell *s);

/* ---- shell_calls.c ---- */

/* Asks the core: fills in the token. done is called exactly once, perhaps before this returns. */
void shell_ask(struct ts_shell *s, struct ts_host_input *in,
               void (*done)(struct ts_shell *s, void *ctx, const struct ts_host_output *reply),
               void *ctx);
void shell_on_reply(struct ts_shell *s, const struct ts_host_output *o);
/* Answers all that is still asked with err and text. */
void shell_fail_calls(struct ts_shell *s, ts_err err, const char *text);
/* The two tables of functions that turn to the core. */
void shell_backend(struct ts_shell *s, struct ts_rpc_backend *out);
void shell_on_feed_tx(void *ctx, uint64_t number, ts_bytes raw);

/* ---- shell_l1.c ---- */

/* TS_E_USAGE: L1 is needed and not given, or the reverse. */
ts_err shell_l1_open(struct ts_shell *s, char *why, size_t why_size);
/* True: the step was the follower's. */
bool shell_l1_stored(struct ts_shell *s, uint64_t token, ts_err err);
void shell_l1_ask(struct ts_shell *s, uint64_t number);
json_t *shell_l1_json(const struct ts_shell *s);
bool shell_l1_is_up(const struct ts_shell *s);

/* ---- shell_submit.c ---- */

ts_err shell_submit_open(struct ts_shell *s, char *why, size_t why_size);
void shell_submit_close(struct ts_shell *s);
void shell_publish(struct ts_shell *s, const struct ts_host_output *o);
void shell_withdraw(struct ts_shell *s, uint64_t token);
void shell_on_corrupted(struct ts_shell *s, const struct ts_host_output *o);
/* sequencer_replace. */
void shell_replace(void *ctx, struct ts_rpc_call *call);
/* sequencer_register. */
void shell_register(void *ctx, struct ts_rpc_call *call);

/* ---- shell_http.c ---- */

void shell_on_get(void *ctx, struct ts_http_request *req, const char *path, const char *query);

/* ---- shell_metrics.c ---- */

/* The table has static storage; docs/metrics.md is made of it. */
const struct ts_metric_def *shell_metrics_table(size_t *n);
struct ts_metrics *shell_metrics_new(void);
void shell_metrics_gather(struct ts_shell *s, const struct ts_host_status *st);
/* Histograms are filled as things happen. */
void shell_note_step(struct ts_shell *s, uint64_t us);
void shell_note_batch(struct ts_shell *s);

/* ---- sequencer.c ---- */

/* The shell of a method's ctx. */
struct ts_shell *shell_of(void *api);
const char *shell_state_name(enum ts_host_state state);
json_t *shell_health(void *ctx); /* ctx: the shell */
extern const struct ts_rpc_method shell_methods[];
extern const size_t shell_n_methods;

#endif
