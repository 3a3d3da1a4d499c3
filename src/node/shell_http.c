/* SPDX-License-Identifier: Apache-2.0 */
/* GET / and the dashboard's files, /methods, /healthz, /readyz and /metrics. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "node/shell_internal.h"
#include "node/shell_page.h"

/* ---- answering ------------------------------------------------------------------------------- */

static void answer_metrics(struct ts_node_shell *s, struct ts_http_request *req,
                           const struct ts_node_status *st)
{
    nsh_metrics_gather(s, st);
    ts_front_answer_metrics(req, s->metrics);
}

/* For who reads no HTML. */
static void answer_front(struct ts_node_shell *s, struct ts_http_request *req,
                         const struct ts_node_status *st)
{
    char hash[TS_HASH_HEX_SIZE];
    struct ts_buf out;
    ts_buf_init(&out, 0);
    ts_buf_printf(&out,
                  "%s, a verifying node of a tenseq network\n"
                  "state: %s\n"
                  "head: batch %" PRIu64 " %s\n"
                  "peers: %u of %u connected\n"
                  "enclave: %s\n",
                  NODE_CLIENT, nsh_state_name(s, st), st->head.number,
                  ts_hex(st->head.hash.b, sizeof(st->head.hash.b), hash), st->peers_up, st->n_peers,
                  st->enclave.state_text);
    ts_front_answer_page(&s->front, req, &out, "subscriptions are WebSocket's");
    ts_buf_free(&out);
}

/* At the head, as far as any peer knows, and able to store. */
static bool is_ready(const struct ts_node_shell *s, const struct ts_node_status *st)
{
    return !s->stopping && strcmp(nsh_state_name(s, st), "following") == 0;
}

void nsh_on_get(void *ctx, struct ts_http_request *req, const char *path, const char *query)
{
    struct ts_node_shell *s = ctx;
    struct ts_node_status st;
    (void)query;
    if (s->closing) {
        ts_http_reply_text(req, 503, "the node is stopping");
        return;
    }
    ts_node_status_of(s->core, &st);
    if (strcmp(path, "/healthz") == 0)
        ts_http_reply_text(req, 200, "ok");
    else if (strcmp(path, "/readyz") == 0)
        ts_http_reply_text(req, is_ready(s, &st) ? 200 : 503, "%s",
                           s->stopping ? "stopping" : nsh_state_name(s, &st));
    else if (strcmp(path, "/metrics") == 0)
        answer_metrics(s, req, &st);
    else if (strcmp(path, "/methods") == 0)
        answer_front(s, req, &st);
    else if (!ts_page_answer(req, path))
        ts_front_answer_nothing(req);
}
