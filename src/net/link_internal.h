/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by link.c and link_listen.c only. */
#ifndef TS_NET_LINK_INTERNAL_H
#define TS_NET_LINK_INTERNAL_H

#include "net/link.h"
#include "net/out.h"

#define LINK_READ_SIZE (64u * 1024)

enum link_state {
    LINK_CONNECTING,
    LINK_OPEN,
    LINK_ENDED, /* handles are closing; on_close has been or will be called, or is not wanted */
};

struct ts_link {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    uv_timer_t timer; /* connect deadline; of one turned away, its end */
    uv_connect_t connect;
    struct ts_out out;
    struct ts_frame_reader reader;
    struct ts_link_handlers handlers;
    void *ctx;
    struct ts_link_limits limits;
    struct ts_link_listener *listener; /* of an accepted link that is current or turned away,
                                          else NULL */
    enum link_state state;
    uint64_t frame_ns; /* uv_hrtime when the newest whole frame was dealt with; 0: none came */
    unsigned handles;  /* not closed yet */
    bool silent;       /* no on_close any more */
    ts_err why;
    char text[256];
    char name[160]; /* the address, for sentences */
    char read_buf[LINK_READ_SIZE];
};

void ts_link_fill_limits(struct ts_link_limits *to, const struct ts_link_limits *from);
/* A link with its handles made. TS_E_NOMEM, TS_E_IO. */
ts_err ts_link_make(uv_loop_t *loop, bool is_unix, const char *name,
                    const struct ts_link_limits *limits, const struct ts_link_handlers *handlers,
                    void *ctx, struct ts_link **out);
/* Starts reading a connected link; on_open is called. */
void ts_link_start(struct ts_link *l);
/* Ends it. now: on_close is called before this returns (never inside a call of the owner's); else
 * from the loop. */
void ts_link_end(struct ts_link *l, ts_err why, bool now, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A link of the listener's is no more. */
void ts_link_listener_forget(struct ts_link_listener *s, const struct ts_link *l);

#endif
