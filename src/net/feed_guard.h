/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses may connect: one that broke the rules again and again waits before it may return.
 * No I/O; bounded memory. */
#ifndef TS_NET_FEED_GUARD_H
#define TS_NET_FEED_GUARD_H

#include "base/map.h"

#define TS_GUARD_MAX       1024 /* addresses remembered; then the one that is free soonest goes */
#define TS_GUARD_FREE      3    /* offences without a wait; one is forgiven every ten seconds */
#define TS_GUARD_WAIT_US   UINT64_C(1000000) /* the first wait; doubles with each offence */
#define TS_GUARD_MAX_US    UINT64_C(60000000)
#define TS_GUARD_LOCAL_US  UINT64_C(2000000) /* longest wait of loopback: many peers share it */
#define TS_GUARD_FORGET_US UINT64_C(10000000)

struct ts_feed_guard {
    struct ts_map addrs;
};

void ts_feed_guard_init(struct ts_feed_guard *g, const uint64_t seed[2]);
void ts_feed_guard_free(struct ts_feed_guard *g);
/* addr is numeric, as a server tells it; IPv6 counts by its /64 network. */
void ts_feed_guard_offence(struct ts_feed_guard *g, const char *addr, uint64_t now_us);
/* 0: may connect; else the microseconds it has to wait. */
uint64_t ts_feed_guard_wait(const struct ts_feed_guard *g, const char *addr, uint64_t now_us);

#endif
