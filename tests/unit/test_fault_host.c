/* SPDX-License-Identifier: Apache-2.0 */
/* The host where one thing fails, once: the nth allocation, the nth durable step, the nth frame,
 * for every n of a short life with transactions, a failover, a planned switch and a restart.
 * Afterwards it goes on, and nothing is lost or doubled. FAULTS_ALL=1: every n, not some. */
#include "unit.h"

#include "faults.h"
#include "hostworld.h"

#define MS   1000u
#define RUNS 50

ts_err __real_ts_host_new(const struct ts_host_start *start, struct ts_host **out);
void __real_ts_host_free(struct ts_host *h);
void __real_ts_host_begin(struct ts_host *h, struct ts_now now, struct ts_host_outputs *out);
void __real_ts_host_step(struct ts_host *h, struct ts_now now, const struct ts_host_input *in,
                         struct ts_host_outputs *out);
ts_err __real_ts_host_load_chain(struct ts_host *h, ts_bytes snapshot);
ts_err __real_ts_host_load_committed(struct ts_host *h, const struct ts_store_batch *b);
ts_err __real_ts_host_load_prepared(struct ts_host *h, const struct ts_store_batch *b);
ts_err __real_ts_host_load_discarded(struct ts_host *h, const struct ts_store_batch *b);
ts_err __real_ts_host_load_meta(struct ts_host *h, const char *key, ts_bytes value);
ts_err __real_ts_host_load_tx(struct ts_host *h, const struct ts_store_tx *tx);

ts_err __wrap_ts_host_new(const struct ts_host_start *start, struct ts_host **out);
void __wrap_ts_host_free(struct ts_host *h);
void __wrap_ts_host_begin(struct ts_host *h, struct ts_now now, struct ts_host_outputs *out);
void __wrap_ts_host_step(struct ts_host *h, struct ts_now now, const struct ts_host_input *in,
                         struct ts_host_outputs *out);
ts_err __wrap_ts_host_load_chain(struct ts_host *h, ts_bytes snapshot);
ts_err __wrap_ts_host_load_committed(struct ts_host *h, const struct ts_store_batch *b);
ts_err __wrap_ts_host_load_prepared(struct ts_host *h, const struct ts_store_batch *b);
ts_err __wrap_ts_host_load_discarded(struct ts_host *h, const struct ts_store_batch *b);
ts_err __wrap_ts_host_load_meta(struct ts_host *h, const char *key, ts_bytes value);
ts_err __wrap_ts_host_load_tx(struct ts_host *h, const struct ts_store_tx *tx);

static bool has_ended; /* the host's process, for want of memory */
static unsigned n_ended;

static void ended(void)
{
    has_ended = true;
    n_ended++;
}

ts_err __wrap_ts_host_new(const struct ts_host_start *start, struct ts_host **out)
{
    ts_err err;
    if (FAULT_INSIDE(err = __real_ts_host_new(start, out)))
        return err;
    *out = NULL;
    fault_take_back();
    n_ended++;
    return TS_E_NOMEM;
}

void __wrap_ts_host_free(struct ts_host *h)
{
    if (has_ended)
        fault_take_back();
    else
        __real_ts_host_free(h);
    has_ended = false;
}

/* What is done with a process that is gone is lost. */
static void outside(struct ts_host_outputs *out)
{
    *out = (struct ts_host_outputs){.wake_us = UINT64_MAX};
}

void __wrap_ts_host_begin(struct ts_host *h, struct ts_now now, struct ts_host_outputs *out)
{
    if (FAULT_INSIDE(__real_ts_host_begin(h, now, out)))
        return;
    outside(out);
    ended();
}

void __wrap_ts_host_step(struct ts_host *h, struct ts_now now, const struct ts_host_input *in,
                         struct ts_host_outputs *out)
{
    if (!has_ended && FAULT_INSIDE(__real_ts_host_step(h, now, in, out)))
        return;
    outside(out);
    if (!has_ended)
        ended();
}

/* A program that cannot load what it has stored says so and ends. */
#define LOAD(call)                                                                                 \
    do {                                                                                           \
        ts_err err = TS_E_NOMEM;                                                                   \
        if (!FAULT_INSIDE(err = (call)))                                                           \
            ended();                                                                               \
        return has_ended ? TS_E_NOMEM : err;                                                       \
    } while (0)

ts_err __wrap_ts_host_load_chain(struct ts_host *h, ts_bytes snapshot)
{
    LOAD(__real_ts_host_load_chain(h, snapshot));
}

ts_err __wrap_ts_host_load_committed(struct ts_host *h, const struct ts_store_batch *b)
{
    LOAD(__real_ts_host_load_committed(h, b));
}

ts_err __wrap_ts_host_load_prepared(struct ts_host *h, const struct ts_store_batch *b)
{
    LOAD(__real_ts_host_load_prepared(h, b));
}

ts_err __wrap_ts_host_load_discarded(struct ts_host *h, const struct ts_store_batch *b)
{
    LOAD(__real_ts_host_load_discarded(h, b));
}

ts_err __wrap_ts_host_load_meta(struct ts_host *h, const char *key, ts_bytes value)
{
    LOAD(__real_ts_host_load_meta(h, key, value));
}

ts_err __wrap_ts_host_load_tx(struct ts_host *h, const struct ts_store_tx *tx)
{
    LOAD(__real_ts_host_load_tx(h, tx));
}

/* ---- a short life ---- */

static void start_host(struct world *w)
{
    unsigned tries = 0;
    while (!world_try_start_host(w))
        assert_true(++tries < 3); /* memory was lacking once */
}

/* Its supervisor starts a host that ended. */
static void revive(struct world *w)
{
    if (!has_ended)
        return;
    world_kill_host(w);
    start_host(w);
}

static size_t kill_after; /* so many durable steps the host is killed, once; 0: it is not */

static void pass(struct world *w, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        world_run(w, 1 * MS);
        revive(w);
        if (kill_after == 0 || world_steps(w) < kill_after)
            continue;
        kill_after = 0;
        world_kill_host(w);
        start_host(w);
    }
}

static void send(struct world *w, unsigned account)
{
    world_send(w, account);
    revive(w);
}

static struct world *begin(uint64_t seed)
{
    return world_new(&(struct world_options){.enclaves = 3,
                                             .seed = seed,
                                             .interval_us = 100 * MS,
                                             .delay_us = 1 * MS,
                                             .disk_us = 2 * MS,
                                             .restart_us = 100 * MS,
                                             .dispute_hold_us = 500 * MS,
                                             .snapshot_every = 3,
                                             .fast_crypto = true});
}

static void live(struct world *w)
{
    pass(w, 150);
    send(w, 0);
    send(w, 1);
    send(w, 0);
    pass(w, 250);
    if (world_active(w) >= 0)
        world_kill(w, (unsigned)world_active(w));
    send(w, 2);
    pass(w, 200);
    world_admin_later(w, TS_ADMIN_SWITCHOVER, -1);
    revive(w);
    pass(w, 250);
    send(w, 1);
    world_kill_host(w);
    start_host(w);
    world_query(w, 0);
    revive(w);
    pass(w, 200);
}

/* It goes on, all is answered, every transaction had its end, and nobody was blamed. */
static void end(struct world *w, const char *what, size_t n)
{
    uint64_t head = world_head(w);
    unsigned tx = world_send(w, 3);
    revive(w);
    pass(w, 2500);
    if (world_head(w) < head + 5)
        fail_msg("%s %zu: no batch follows after %llu", what, n, (unsigned long long)world_head(w));
    world_check(w, true);
    ts_err err;
    if (world_tx_state(w, tx, &err) != WTX_ACKED && !fault_hit())
        fail_msg("%s %zu: a transaction is not taken afterwards: %s", what, n, ts_err_name(err));
    if (world_events(w, "enclave-corrupted") + world_events(w, "enclave-suspect") +
            world_events(w, "batch-discarded") >
        0)
        fail_msg("%s %zu: an honest enclave is blamed", what, n);
    world_free(w);
    fault_take_back();
}

static void some_allocation_fails(void **state)
{
    (void)state;
    struct world *w = begin(1);
    fault_arm(0);
    live(w);
    size_t total = fault_count();
    end(w, "no allocation", 0);
    size_t stride = fault_stride(total, 2 * RUNS);
    n_ended = 0;
    for (size_t n = 1; n <= total; n += stride) {
        w = begin(1);
        fault_arm(n);
        live(w);
        assert_true(fault_hit());
        end(w, "allocation", n);
    }
    fault_arm(0);
    assert_true(n_ended > 0);
}

static void fail_steps(uint64_t seed, ts_err err, bool applied, bool kill)
{
    struct world *w = begin(seed);
    live(w);
    size_t total = (size_t)world_steps(w);
    end(w, "no step", 0);
    for (size_t n = 1, stride = fault_stride(total, RUNS / 2); n <= total; n += stride) {
        w = begin(seed);
        world_fail_step(w, n, err, applied);
        kill_after = kill ? n : 0;
        live(w);
        end(w, applied ? "applied step" : "step", n);
    }
}

static void some_step_fails(void **state)
{
    (void)state;
    fault_arm(0);
    fail_steps(2, TS_E_IO, false, false);
    fail_steps(3, TS_E_DISK_FULL, false, false);
}

static void some_step_fails_and_is_done(void **state)
{
    (void)state;
    fault_arm(0);
    fail_steps(4, TS_E_IO, true, false);
    fail_steps(5, TS_E_IO, true, true);
}

static void some_frame_is_lost(void **state)
{
    (void)state;
    fault_arm(0);
    for (int to_host = 0; to_host < 2; to_host++) {
        struct world *w = begin(6);
        live(w);
        size_t total = (size_t)world_frames(w, to_host);
        end(w, "no frame", 0);
        for (size_t n = 1, stride = fault_stride(total, RUNS); n <= total; n += stride) {
            w = begin(6);
            world_lose_frame(w, n, to_host);
            live(w);
            end(w, to_host ? "frame to the host" : "frame to an enclave", n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_allocation_fails),
        cmocka_unit_test(some_step_fails),
        cmocka_unit_test(some_step_fails_and_is_done),
        cmocka_unit_test(some_frame_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
