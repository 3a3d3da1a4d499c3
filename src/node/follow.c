/* SPDX-License-Identifier: Apache-2.0 */
/* Peers: connecting, greeting, what their frames go to, dropping and backing off.
 *
 *     DOWN ──due──▶ CONNECTING ──LINK_UP──▶ HELLO ──its HELLO──▶ UP;  any ──loss or fault──▶ DOWN
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/check.h"
#include "node/internal.h"

#define LONG_UP_US UINT64_C(30000000) /* up for so long: it connects well */

static const char *const state_texts[] = {"down", "connecting", "hello", "up"};

bool ts_node_peer_is_up(const struct ts_node *n, unsigned link)
{
    return n->peers[link].state == TS_NODE_PEER_UP;
}

uint64_t ts_node_follow_target(const struct ts_node *n)
{
    uint64_t target = 0;
    for (unsigned i = 0; i < n->start.n_peers; i++) {
        const struct peer *p = &n->peers[i];
        if (p->state == TS_NODE_PEER_UP && p->probe == PROBE_NONE && p->head > target)
            target = p->head;
    }
    return target;
}

uint64_t ts_node_follow_credible(const struct ts_node *n)
{
    uint64_t target = 0;
    bool is_any = false;
    for (unsigned i = 0; i < n->start.n_peers; i++) {
        const struct peer *p = &n->peers[i];
        if (p->state != TS_NODE_PEER_UP || !p->is_proven)
            continue;
        is_any = true;
        target = p->head > target ? p->head : target;
    }
    return is_any ? target : ts_node_follow_target(n);
}

void ts_node_follow_begin(struct ts_node *n)
{
    for (unsigned i = 0; i < n->start.n_peers; i++)
        n->peers[i].due_us = n->now.mono_us;
}

static void connect_to(struct ts_node *n, unsigned link)
{
    struct peer *p = &n->peers[link];
    p->state = TS_NODE_PEER_CONNECTING;
    p->due_us = n->now.mono_us + n->s.connect_us;
    ts_node_output_new(n, TS_NODE_OUT_CONNECT)->link = link;
}

void ts_node_follow_link_up(struct ts_node *n, unsigned link)
{
    struct peer *p = &n->peers[link];
    if (p->state != TS_NODE_PEER_CONNECTING)
        return;
    struct ts_feed_limits limits = {.hello_us = n->s.hello_us};
    ts_feed_session_init(&p->session, TS_FEED_CLIENT, &n->start.genesis->hash, &limits,
                         n->now.mono_us);
    p->state = TS_NODE_PEER_HELLO;
    p->probe = PROBE_NONE;
    p->poll_id = 0;
    p->is_slow = false;
    p->is_proven = false;
    p->answer_us = 0;
    struct ts_buf *b = ts_node_buf(n);
    ts_feed_put_hello(b, &n->start.genesis->hash, n->stored.number, &n->stored.hash, n->start.name);
    ts_node_send(n, link, b);
}

/* Text of a peer, made fit for one log line. */
static void keep_reason(struct peer *p, const char *text)
{
    size_t i = 0;
    for (; text[i] != '\0' && i + 1 < sizeof(p->reason); i++)
        p->reason[i] = text[i] >= ' ' && text[i] < 0x7f && text[i] != '"' ? text[i] : '?';
    p->reason[i] = '\0';
}

/* Bad data is a reason to stay away for long; silence is none, since a peer that stood still for a
 * while may be the only one with what is new. */
static void back_off(struct ts_node *n, struct peer *p, bool is_fault, bool is_silence)
{
    uint64_t now = n->now.mono_us;
    uint64_t wait;
    if (is_fault) {
        uint64_t max = is_silence ? n->s.backoff_max_us * 2 : n->s.penalty_max_us;
        if (now - p->offence_us > n->s.penalty_max_us)
            p->offences = 0;
        wait = ts_node_backoff(n, n->s.penalty_min_us, max, p->offences);
        p->offences++;
        p->offence_us = now;
        p->drops++;
        n->counters.peers_dropped++;
    } else {
        if (p->state == TS_NODE_PEER_UP && now - p->up_us > LONG_UP_US)
            p->attempts = 0;
        wait = ts_node_backoff(n, n->s.backoff_min_us, n->s.backoff_max_us, p->attempts);
        p->attempts++;
    }
    p->state = TS_NODE_PEER_DOWN;
    p->probe = PROBE_NONE;
    p->due_us = now + wait;
}

/* Who has no other peer has nothing to lose by one that it was to stay away from. */
static void hasten(struct ts_node *n)
{
    uint64_t latest = n->now.mono_us + n->s.backoff_max_us;
    for (unsigned i = 0; i < n->start.n_peers; i++)
        if (n->peers[i].state == TS_NODE_PEER_UP)
            return;
    for (unsigned i = 0; i < n->start.n_peers; i++)
        if (n->peers[i].state == TS_NODE_PEER_DOWN && n->peers[i].due_us > latest)
            n->peers[i].due_us = latest;
}

/* Down with it, whoever ended it. A loss is told once, not at every attempt that fails after it. */
static void gone(struct ts_node *n, unsigned link, bool is_fault, ts_err err, const char *why)
{
    struct peer *p = &n->peers[link];
    bool is_news = is_fault || p->state == TS_NODE_PEER_UP || p->reason[0] == '\0';
    keep_reason(p, why);
    back_off(n, p, is_fault, err == TS_E_TIMEOUT);
    hasten(n);
    if (is_news)
        ts_node_event(n, is_fault ? TS_LOG_WARN : TS_LOG_INFO,
                      is_fault ? "peer-dropped" : "peer-lost",
                      "peer=%u retry_ms=%" PRIu64 " reason=\"%s\"", link,
                      (p->due_us - n->now.mono_us) / 1000, p->reason);
    ts_node_catchup_peer_gone(n, link, is_fault);
    ts_node_forward_peer_gone(n, link);
    if (is_fault)
        ts_node_gossip_forget(n, link);
}

void ts_node_follow_link_down(struct ts_node *n, unsigned link, const char *text)
{
    if (n->peers[link].state == TS_NODE_PEER_DOWN)
        return;
    gone(n, link, false, TS_E_CLOSED, text != NULL ? text : "the connection was lost");
}

void ts_node_follow_drop(struct ts_node *n, unsigned link, bool is_fault, ts_err err,
                         const char *format, ...)
{
    char why[NODE_TEXT];
    va_list args;
    if (n->peers[link].state == TS_NODE_PEER_DOWN)
        return;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    if (is_fault && n->peers[link].state != TS_NODE_PEER_CONNECTING) {
        struct ts_buf *b = ts_node_buf(n);
        ts_feed_put_error(b, err, why);
        ts_node_send(n, link, b);
    }
    ts_node_output_new(n, TS_NODE_OUT_CLOSE)->link = link;
    gone(n, link, is_fault, err, why);
}

void ts_node_follow_blame(struct ts_node *n, const struct source *s, ts_err err, const char *text)
{
    if (!s->is_subscriber) {
        ts_node_follow_drop(n, s->link, true, err, "%s", text);
        return;
    }
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_REFUSE);
    o->peer = s->peer;
    o->err = err;
    o->text = ts_node_text(n, "%s", text);
}

static void take_hello(struct ts_node *n, unsigned link)
{
    struct peer *p = &n->peers[link];
    p->state = TS_NODE_PEER_UP;
    p->up_us = n->now.mono_us;
    p->head = p->session.head_number;
    p->reason[0] = '\0';
    n->has_heard = true;
    ts_node_event(n, TS_LOG_INFO, "peer-up", "peer=%u name=\"%s\" head=%" PRIu64, link,
                  p->session.name, p->head);
    const ts_hash *own = ts_chain_recent(&n->chain, p->head);
    if (own != NULL && !ts_hash_equal(own, &p->session.head_hash))
        ts_node_gossip_other_line(n, link);
}

static void take_error(struct ts_node *node, unsigned link, const struct ts_feed_frame *f)
{
    const char *text = f->bytes.n > 0 ? (const char *)f->bytes.p : ts_err_text((int)f->code);
    size_t n = f->bytes.n > 0 ? f->bytes.n : strlen(text);
    ts_node_follow_drop(node, link, false, TS_E_CLOSED, "the peer says: %.*s (%s)", (int)n, text,
                        ts_err_name((int)f->code));
}

static void dispatch(struct ts_node *n, unsigned link, const struct ts_feed_frame *f,
                     const struct ts_feed_get *get)
{
    struct source s = {.link = link};
    switch (f->type) {
    case TS_FEED_HELLO:
        take_hello(n, link);
        break;
    case TS_FEED_BATCH:
        ts_node_gossip_batch(n, &s, f->bytes);
        break;
    case TS_FEED_EVIDENCE:
        ts_node_told(n, link, &f->hash, f->bytes);
        break;
    case TS_FEED_BATCHES:
        ts_node_catchup_answer(n, link, get, f);
        break;
    case TS_FEED_ACCEPTED:
        ts_node_forward_accepted(n, link, f);
        break;
    case TS_FEED_ERROR:
        take_error(n, link, f);
        break;
    default:
        TS_CHECK(f->type == TS_FEED_HELLO); /* the session lets nothing else through */
    }
}

void ts_node_follow_frame(struct ts_node *n, unsigned link, ts_bytes message)
{
    struct peer *p = &n->peers[link];
    struct ts_feed_frame f;
    struct ts_feed_get get = {0};
    char why[TS_FEED_TEXT_MAX];
    if (p->state != TS_NODE_PEER_HELLO && p->state != TS_NODE_PEER_UP)
        return; /* sent before it knew that it was dropped */
    ts_arena_reset(&n->scratch);
    ts_err err =
        ts_feed_session_receive(&p->session, n->now.mono_us, message, &n->scratch, &f, &get, why);
    if (err != TS_OK) {
        n->counters.bad_frames++;
        ts_node_follow_drop(n, link, true, err, "%s", why);
        return;
    }
    dispatch(n, link, &f, &get);
}

static void tick_peer(struct ts_node *n, unsigned link)
{
    struct peer *p = &n->peers[link];
    switch (p->state) {
    case TS_NODE_PEER_DOWN:
        if (n->now.mono_us >= p->due_us)
            connect_to(n, link);
        break;
    case TS_NODE_PEER_CONNECTING:
        if (n->now.mono_us >= p->due_us)
            ts_node_follow_drop(n, link, false, TS_E_TIMEOUT, "no connection in time");
        break;
    case TS_NODE_PEER_HELLO:
        if (ts_feed_session_tick(&p->session, n->now.mono_us) != TS_OK)
            ts_node_follow_drop(n, link, true, TS_E_TIMEOUT, "no HELLO in time");
        break;
    case TS_NODE_PEER_UP:
        if (p->probe == PROBE_WANTED)
            ts_node_gossip_probe(n, link);
        break;
    }
}

void ts_node_follow_tick(struct ts_node *n, uint64_t *wake)
{
    if (n->is_stopping)
        return;
    for (unsigned i = 0; i < n->start.n_peers; i++) {
        struct peer *p = &n->peers[i];
        uint64_t due = UINT64_MAX;
        tick_peer(n, i);
        if (p->state == TS_NODE_PEER_DOWN || p->state == TS_NODE_PEER_CONNECTING)
            due = p->due_us;
        else if (p->state == TS_NODE_PEER_HELLO)
            due = p->session.start_us + p->session.limits.hello_us;
        if (due < *wake)
            *wake = due;
    }
}

void ts_node_follow_stop(struct ts_node *n)
{
    for (unsigned i = 0; i < n->start.n_peers; i++) {
        if (n->peers[i].state != TS_NODE_PEER_DOWN)
            ts_node_output_new(n, TS_NODE_OUT_CLOSE)->link = i;
        n->peers[i].state = TS_NODE_PEER_DOWN;
    }
}

void ts_node_peer_of(const struct ts_node *n, unsigned link, struct ts_node_peer_status *out)
{
    TS_CHECK(link < n->start.n_peers);
    const struct peer *p = &n->peers[link];
    *out = (struct ts_node_peer_status){.state = p->state,
                                        .state_text = state_texts[p->state],
                                        .head = p->head,
                                        .name = p->session.name,
                                        .reason = p->reason,
                                        .batches = p->batches,
                                        .drops = p->drops};
}
