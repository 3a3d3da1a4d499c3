/* SPDX-License-Identifier: Apache-2.0 */
#include "net/feed_guard.h"

#include <arpa/inet.h>
#include <string.h>

/* An IPv4 address, an IPv6 /64, or the start of whatever else the server calls a peer. */
struct key {
    uint8_t b[16];
};

struct record {
    uint64_t offences;
    uint64_t newest_us;
    uint64_t free_us; /* may connect from then on */
};

static struct key key_of(const char *addr)
{
    struct key k = {{0}};
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, addr, &v4) == 1) {
        k.b[0] = 4;
        memcpy(k.b + 1, &v4, sizeof(v4));
    } else if (inet_pton(AF_INET6, addr, &v6) == 1) {
        k.b[0] = 6;
        memcpy(k.b + 1, &v6, 8);
    } else {
        k.b[0] = 1;
        memcpy(k.b + 1, addr, strnlen(addr, sizeof(k.b) - 1));
    }
    return k;
}

static bool is_local(const char *addr)
{
    return strncmp(addr, "127.", 4) == 0 || strcmp(addr, "::1") == 0;
}

void ts_feed_guard_init(struct ts_feed_guard *g, const uint64_t seed[2])
{
    ts_map_init(&g->addrs, sizeof(struct key), sizeof(struct record), seed);
}

void ts_feed_guard_free(struct ts_feed_guard *g)
{
    ts_map_free(&g->addrs);
}

/* Makes room by forgetting who may come soonest anyway. */
static void forget_one(struct ts_feed_guard *g)
{
    size_t at = 0;
    void *value;
    struct key soonest = {{0}};
    uint64_t free_us = UINT64_MAX;
    for (const void *k; (k = ts_map_next(&g->addrs, &at, &value)) != NULL;) {
        struct record r;
        memcpy(&r, value, sizeof(r));
        if (r.free_us <= free_us) {
            free_us = r.free_us;
            memcpy(&soonest, k, sizeof(soonest));
        }
    }
    ts_map_remove(&g->addrs, &soonest);
}

static uint64_t wait_of(uint64_t offences, bool local)
{
    if (offences <= TS_GUARD_FREE)
        return 0;
    uint64_t doublings = offences - TS_GUARD_FREE - 1;
    uint64_t max = local ? TS_GUARD_LOCAL_US : TS_GUARD_MAX_US;
    uint64_t wait = doublings < 16 ? TS_GUARD_WAIT_US << doublings : max;
    return wait < max ? wait : max;
}

void ts_feed_guard_offence(struct ts_feed_guard *g, const char *addr, uint64_t now_us)
{
    struct key k = key_of(addr);
    if (ts_map_get(&g->addrs, &k) == NULL && g->addrs.n >= TS_GUARD_MAX)
        forget_one(g);
    void *value = ts_map_put(&g->addrs, &k, NULL);
    if (value == NULL)
        return; /* out of memory: this one offence is not remembered */
    struct record r;
    memcpy(&r, value, sizeof(r));
    uint64_t forgiven = now_us > r.newest_us ? (now_us - r.newest_us) / TS_GUARD_FORGET_US : 0;
    r.offences = r.offences > forgiven ? r.offences - forgiven : 0;
    if (r.offences < 64)
        r.offences++;
    r.newest_us = now_us;
    r.free_us = now_us + wait_of(r.offences, is_local(addr));
    memcpy(value, &r, sizeof(r));
}

uint64_t ts_feed_guard_wait(const struct ts_feed_guard *g, const char *addr, uint64_t now_us)
{
    struct key k = key_of(addr);
    const void *value = ts_map_get(&g->addrs, &k);
    if (value == NULL)
        return 0;
    struct record r;
    memcpy(&r, value, sizeof(r));
    return r.free_us > now_us ? r.free_us - now_us : 0;
}
