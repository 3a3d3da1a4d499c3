/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds of peers, the enclave's link, and the workers. */
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "node/shell_internal.h"

#define FEED_QUEUE (32u * 1024 * 1024)

static void link_is(struct ts_node_shell *s, unsigned link, enum ts_node_in kind, const char *text)
{
    nsh_input(s, &(struct ts_node_input){.kind = kind, .link = link, .text = text});
}

/* ---- feeds ----------------------------------------------------------------------------------- */

static void feed_open(void *ctx, struct ts_wsc *c)
{
    struct feed_slot *f = ctx;
    TS_CHECK(f->wsc == c);
    link_is(f->shell, f->link, TS_NODE_IN_LINK_UP, NULL);
}

static void feed_message(void *ctx, struct ts_wsc *c, ts_bytes message, bool binary)
{
    struct feed_slot *f = ctx;
    struct ts_node_input in = {.kind = TS_NODE_IN_FRAME, .link = f->link, .bytes = message};
    TS_CHECK(f->wsc == c);
    if (!binary)
        in.bytes = (ts_bytes){0}; /* no frame is empty: the core drops the peer for it */
    nsh_input(f->shell, &in);
}

static void feed_close(void *ctx, struct ts_wsc *c, ts_err why, const char *text)
{
    struct feed_slot *f = ctx;
    (void)why;
    TS_CHECK(f->wsc == c);
    f->wsc = NULL;
    link_is(f->shell, f->link, TS_NODE_IN_LINK_DOWN, text);
}

static void connect_feed(struct ts_node_shell *s, struct feed_slot *f)
{
    static const struct ts_wsc_handlers handlers = {
        .on_open = feed_open, .on_message = feed_message, .on_close = feed_close};
    const struct ts_wsc_limits limits = {.max_message = TS_FEED_MAX_FRAME, .max_queue = FEED_QUEUE};
    char why[256] = "it cannot be connected";
    ts_err err = ts_wsc_connect(s->config.loop, s->config.peers[f->link], &limits, &handlers, f,
                                &f->wsc, why, sizeof(why));
    if (err != TS_OK)
        link_is(s, f->link, TS_NODE_IN_LINK_DOWN, why);
}

/* ---- the enclave ----------------------------------------------------------------------------- */

static void enclave_open(void *ctx, struct ts_link *l)
{
    struct ts_node_shell *s = ctx;
    TS_CHECK(s->enclave == l);
    link_is(s, TS_NODE_LINK_ENCLAVE, TS_NODE_IN_LINK_UP, NULL);
}

static void enclave_frame(void *ctx, struct ts_link *l, ts_bytes frame)
{
    struct ts_node_shell *s = ctx;
    TS_CHECK(s->enclave == l);
    nsh_input(s, &(struct ts_node_input){
                     .kind = TS_NODE_IN_FRAME, .link = TS_NODE_LINK_ENCLAVE, .bytes = frame});
}

static void enclave_close(void *ctx, struct ts_link *l, ts_err why, const char *text)
{
    struct ts_node_shell *s = ctx;
    (void)why;
    TS_CHECK(s->enclave == l);
    s->enclave = NULL;
    link_is(s, TS_NODE_LINK_ENCLAVE, TS_NODE_IN_LINK_DOWN, text);
}

static void connect_enclave(struct ts_node_shell *s)
{
    static const struct ts_link_handlers handlers = {
        .on_open = enclave_open, .on_frame = enclave_frame, .on_close = enclave_close};
    const struct ts_link_limits limits = {.max_frame = TS_LINK_MAX_FRAME};
    ts_err err =
        ts_link_connect(s->config.loop, s->config.enclave, &limits, &handlers, s, &s->enclave);
    if (err != TS_OK)
        link_is(s, TS_NODE_LINK_ENCLAVE, TS_NODE_IN_LINK_DOWN, ts_err_text((int)err));
}

/* ---- both ------------------------------------------------------------------------------------ */

void nsh_connect(struct ts_node_shell *s, unsigned link)
{
    nsh_close_link(s, link);
    if (link == TS_NODE_LINK_ENCLAVE)
        connect_enclave(s);
    else
        connect_feed(s, &s->feeds[link]);
}

void nsh_close_link(struct ts_node_shell *s, unsigned link)
{
    if (link == TS_NODE_LINK_ENCLAVE) {
        ts_link_close(s->enclave);
        s->enclave = NULL;
        return;
    }
    TS_CHECK(link < s->config.n_peers);
    if (s->feeds[link].wsc != NULL)
        ts_wsc_close(s->feeds[link].wsc);
    s->feeds[link].wsc = NULL;
}

void nsh_send(struct ts_node_shell *s, unsigned link, ts_bytes bytes)
{
    bool is_enclave = link == TS_NODE_LINK_ENCLAVE;
    ts_err err = TS_E_CLOSED;
    TS_CHECK(is_enclave || link < s->config.n_peers);
    if (is_enclave && s->enclave != NULL)
        err = ts_link_send(s->enclave, bytes);
    else if (!is_enclave && s->feeds[link].wsc != NULL)
        err = ts_wsc_send(s->feeds[link].wsc, bytes, true);
    if (err == TS_OK || err == TS_E_CLOSED)
        return; /* of a closed one LINK_DOWN is told, or was */
    nsh_close_link(s, link);
    link_is(s, link, TS_NODE_IN_LINK_DOWN, "it does not take what is sent to it");
}

void nsh_close_links(struct ts_node_shell *s)
{
    for (unsigned i = 0; i < s->config.n_peers; i++)
        nsh_close_link(s, i);
    nsh_close_link(s, TS_NODE_LINK_ENCLAVE);
}

/* ---- workers --------------------------------------------------------------------------------- */

static void do_verify(uv_work_t *req)
{
    struct verify_job *j = req->data;
    const struct ts_node_shell_config *c = &j->shell->config;
    ts_node_verify(c->genesis, c->crypto, &j->root, j->raws, j->n, &j->found);
}

static void after_verify(uv_work_t *req, int status)
{
    struct verify_job *j = req->data;
    struct ts_node_input in = {.kind = TS_NODE_IN_VERIFIED, .token = j->token};
    if (status == 0 && j->found.err == TS_OK) {
        in.verified = (const struct ts_recovered *)(const void *)j->found.p;
        in.n_verified = j->found.n / sizeof(struct ts_recovered);
    }
    nsh_input(j->shell, &in);
    ts_buf_free(&j->found);
    free(j);
}

void nsh_verify(struct ts_node_shell *s, const struct ts_node_output *o)
{
    struct verify_job *j = calloc(1, sizeof(*j));
    if (j != NULL) {
        *j = (struct verify_job){
            .shell = s, .token = o->token, .raws = o->raws, .n = o->n_raws, .root = o->hash};
        j->req.data = j;
        ts_buf_init(&j->found, 0);
        if (uv_queue_work(s->config.loop, &j->req, do_verify, after_verify) == 0)
            return;
    }
    free(j);
    /* The core does it itself then. */
    nsh_input(s, &(struct ts_node_input){.kind = TS_NODE_IN_VERIFIED, .token = o->token});
}
