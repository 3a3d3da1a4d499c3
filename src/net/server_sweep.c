/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server_internal.h"

/* One timer looks at all connections: cheaper than a timer for each, and late by at most a period,
 * which is an eighth of the shortest time configured. */
unsigned ts_server_sweep_period(const struct ts_server_config *c)
{
    const unsigned times[] = {c->header_ms, c->body_ms,    c->idle_ms,   c->request_ms,
                              c->write_ms,  c->ws_ping_ms, c->ws_pong_ms};
    unsigned period = 250 * 8;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        if (times[i] < period)
            period = times[i];
    return period / 8 < 5 ? 5 : period / 8;
}

static void head_timeout(struct ts_conn *c)
{
    if (!c->begun) {
        ts_conn_kill(c); /* a kept connection that nobody uses: no fault */
        return;
    }
    c->server->counters.timeouts++;
    ts_conn_answer_and_close(c, 408, NULL, "the request's header did not arrive in time");
}

static void handler_timeout(struct ts_conn *c)
{
    c->server->counters.late++;
    ts_conn_detach_request(c);
    ts_conn_answer_and_close(c, 504, NULL, "the request was not answered in time");
}

/* A peer that takes some of the reply, however slowly, gets more time. */
static void flush_timeout(struct ts_conn *c)
{
    size_t queued = ts_out_queued(&c->out);
    if (queued < c->flush_seen) {
        c->flush_seen = queued;
        ts_conn_set_deadline(c, c->server->config.write_ms);
        return;
    }
    c->server->counters.timeouts++;
    ts_conn_kill(c);
}

static void deadline_passed(struct ts_conn *c)
{
    switch (c->state) {
    case CONN_HEAD:
        head_timeout(c);
        break;
    case CONN_BODY:
        c->server->counters.timeouts++;
        ts_conn_answer_and_close(c, 408, NULL, "the request's body did not arrive in time");
        break;
    case CONN_BUSY:
        handler_timeout(c);
        break;
    case CONN_FLUSH:
        flush_timeout(c);
        break;
    case CONN_LINGER:
    case CONN_WS: /* only a closing one has a deadline */
        ts_conn_kill(c);
        break;
    case CONN_DEAD:
        break;
    }
}

void ts_server_on_sweep(uv_timer_t *timer)
{
    struct ts_server *s = timer->data;
    uint64_t now = uv_now(s->loop);
    struct ts_conn *next;
    if (s->accept_owed && !s->closing)
        ts_conn_accept(s);
    /* Nothing called here removes another connection from the list: that comes from the loop. */
    for (struct ts_conn *c = s->conns; c; c = next) {
        next = c->next;
        if (s->closing && now >= s->close_deadline)
            ts_conn_kill(c);
        else if (c->deadline != 0 && now >= c->deadline)
            deadline_passed(c);
        else if (c->state == CONN_WS)
            ts_conn_ws_sweep(c, now);
    }
}
