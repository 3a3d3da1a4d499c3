/* SPDX-License-Identifier: Apache-2.0 */
/* GET /, /healthz, /readyz and /metrics. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "host/shell_internal.h"

/* ---- answering ------------------------------------------------------------------------------- */

static void answer_metrics(struct ts_shell *s, struct ts_http_request *req,
                           const struct ts_host_status *st)
{
    shell_metrics_gather(s, st);
    ts_front_answer_metrics(req, s->metrics);
}

static void answer_front(struct ts_shell *s, struct ts_http_request *req,
                         const struct ts_host_status *st)
{
    char hash[TS_HASH_HEX_SIZE];
    struct ts_buf out;
    ts_buf_init(&out, 0);
    ts_buf_printf(&out,
                  "tenseq-host/" TS_VERSION ", the sequencer's host of a tenseq network\n"
                  "state: %s\n"
                  "head: batch %" PRIu64 " %s, term %" PRIu64 "\n",
                  shell_state_name(st->state), st->head.number,
                  ts_hex(st->head.hash.b, sizeof(st->head.hash.b), hash), st->head.term);
    ts_front_answer_page(&s->front, req, &out,
                         "sequencer_ are the operator's and subscriptions WebSocket's");
    ts_buf_free(&out);
}

void shell_on_get(void *ctx, struct ts_http_request *req, const char *path, const char *query)
{
    struct ts_shell *s = ctx;
    struct ts_host_status st;
    (void)query;
    if (s->closing) {
        ts_http_reply_text(req, 503, "the host is ending");
        return;
    }
    ts_host_status_of(s->core, &st);
    /* Paused is what the operator wanted: restarting or avoiding the host would not help. */
    bool ready = !s->stopping && (st.state == TS_HOST_PRODUCING || st.state == TS_HOST_PAUSED);
    if (strcmp(path, "/healthz") == 0)
        ts_http_reply_text(req, 200, "ok");
    else if (strcmp(path, "/readyz") == 0)
        ts_http_reply_text(req, ready ? 200 : 503, "%s",
                           s->stopping ? "stopping" : shell_state_name(st.state));
    else if (strcmp(path, "/metrics") == 0)
        answer_metrics(s, req, &st);
    else if (strcmp(path, "/") == 0)
        answer_front(s, req, &st);
    else
        ts_front_answer_nothing(req);
}
