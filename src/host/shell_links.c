/* SPDX-License-Identifier: Apache-2.0 */
/* The enclaves' links. */
#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "host/shell_internal.h"

static void on_open(void *ctx, struct ts_link *l)
{
    struct link_slot *slot = ctx;
    TS_CHECK(slot->link == l);
    slot->connects++;
    struct ts_host_input in = {.kind = TS_IN_LINK_UP, .link = slot->index};
    shell_input(slot->shell, &in);
}

static void on_frame(void *ctx, struct ts_link *l, ts_bytes frame)
{
    struct link_slot *slot = ctx;
    TS_CHECK(slot->link == l);
    slot->received_frames++;
    slot->received_bytes += frame.n;
    struct ts_host_input in = {.kind = TS_IN_FRAME, .link = slot->index, .bytes = frame};
    shell_input(slot->shell, &in);
}

static void down(struct link_slot *slot, const char *text)
{
    struct ts_host_input in = {.kind = TS_IN_LINK_DOWN, .link = slot->index, .text = text};
    slot->link = NULL;
    shell_input(slot->shell, &in);
}

static void on_close(void *ctx, struct ts_link *l, ts_err why, const char *text)
{
    struct link_slot *slot = ctx;
    (void)why;
    TS_CHECK(slot->link == l);
    down(slot, text);
}

static const struct ts_link_handlers handlers = {
    .on_open = on_open, .on_frame = on_frame, .on_close = on_close};

void shell_connect(struct ts_shell *s, unsigned link)
{
    TS_CHECK(link < s->config.n_links);
    struct link_slot *slot = &s->links[link];
    shell_close_link(s, link);
    struct ts_link_limits limits = {
        .max_frame = TS_LINK_MAX_FRAME,
        .connect_ms = (unsigned)(s->config.settings.connect_deadline_us / 1000 + 1)};
    ts_err err = ts_link_connect(s->config.loop, &s->config.links[link], &limits, &handlers, slot,
                                 &slot->link);
    if (err != TS_OK)
        down(slot, ts_err_text(err));
}

void shell_close_link(struct ts_shell *s, unsigned link)
{
    TS_CHECK(link < s->config.n_links);
    ts_link_close(s->links[link].link);
    s->links[link].link = NULL;
}

void shell_send(struct ts_shell *s, unsigned link, ts_bytes body)
{
    TS_CHECK(link < s->config.n_links);
    struct link_slot *slot = &s->links[link];
    ts_err err = slot->link != NULL ? ts_link_send(slot->link, body) : TS_E_CLOSED;
    if (err == TS_OK)
        slot->sent_bytes += body.n;
    if (err == TS_OK || (err == TS_E_CLOSED && slot->link == NULL))
        return; /* a link that is gone was or will be told of */
    char text[256];
    (void)snprintf(text, sizeof(text), "%s: a frame of %zu bytes cannot be sent: %s",
                   s->config.links[link].text, body.n, ts_err_text(err));
    shell_close_link(s, link);
    down(slot, text);
}

void shell_close_links(struct ts_shell *s)
{
    for (unsigned i = 0; i < s->config.n_links; i++)
        shell_close_link(s, i);
}
