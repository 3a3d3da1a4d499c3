/* SPDX-License-Identifier: Apache-2.0 */
/* Enclaves under a host where one thing fails, once, inside an enclave: the nth allocation, or the
 * nth call that writes or reads a checkpoint. It answers by an error, or its process ends; then the
 * network goes on, nothing is lost or doubled. FAULTS_ALL=1: every n, not some. */
#include "unit.h"

#include "base/check.h"
#include "faults.h"
#include "hostworld.h"

#define MS   1000u
#define RUNS 80

ts_err __real_ts_enclave_new(const struct ts_enclave_config *config, struct ts_enclave **out);
void __real_ts_enclave_handle(struct ts_enclave *e, ts_bytes frame, struct ts_buf *out);
ts_err __wrap_ts_enclave_new(const struct ts_enclave_config *config, struct ts_enclave **out);
void __wrap_ts_enclave_handle(struct ts_enclave *e, ts_bytes frame, struct ts_buf *out);

static unsigned n_refused_boots;

/* A supervisor starts a process again that could not start. */
ts_err __wrap_ts_enclave_new(const struct ts_enclave_config *config, struct ts_enclave **out)
{
    volatile ts_err err = TS_OK;
    for (volatile unsigned tries = 0; tries < 2; tries++) {
        assert_true(FAULT_INSIDE(err = __real_ts_enclave_new(config, out)));
        if (err == TS_OK)
            return TS_OK;
        assert_int_equal(err, TS_E_NOMEM);
        assert_null(*out);
        n_refused_boots++;
    }
    return err;
}

/* No TS_CHECK may fail for want of memory: an enclave answers. */
void __wrap_ts_enclave_handle(struct ts_enclave *e, ts_bytes frame, struct ts_buf *out)
{
    assert_true(FAULT_INSIDE(__real_ts_enclave_handle(e, frame, out)));
    if (out->err != TS_OK)
        assert_int_equal(out->err, TS_E_NOMEM);
}

/* ---- a short life: batches, checkpoints, a failover, a boot from a checkpoint, a switch ---- */

static struct world *begin(uint64_t seed)
{
    return world_new(&(struct world_options){.enclaves = 3,
                                             .seed = seed,
                                             .interval_us = 100 * MS,
                                             .delay_us = 1 * MS,
                                             .disk_us = 1 * MS,
                                             .restart_us = 100 * MS,
                                             .dispute_hold_us = 500 * MS,
                                             .snapshot_every = 2,
                                             .fast_crypto = true});
}

static void live(struct world *w)
{
    world_run(w, 150 * MS);
    world_send(w, 0);
    world_send(w, 1);
    world_run(w, 350 * MS);
    if (world_active(w) >= 0)
        world_kill(w, (unsigned)world_active(w));
    world_send(w, 2);
    world_query(w, 0);
    world_run(w, 300 * MS);
    world_admin_later(w, TS_ADMIN_SWITCHOVER, -1);
    world_send(w, 1);
    world_run(w, 300 * MS);
}

static void end(struct world *w, const char *what, size_t n)
{
    uint64_t head = world_head(w);
    world_send(w, 3);
    world_run(w, 2500 * MS);
    if (world_head(w) < head + 5)
        fail_msg("%s %zu: no batch follows after %llu", what, n, (unsigned long long)world_head(w));
    for (unsigned i = 0; i < 3; i++)
        if (world_enclave(w, i) == NULL || ts_enclave_head(world_enclave(w, i)).number + 1 < head)
            fail_msg("%s %zu: enclave %u does not come back", what, n, i);
    world_check(w, true);
    if (world_events(w, "enclave-corrupted") + world_events(w, "enclave-suspect") +
            world_events(w, "batch-discarded") >
        0)
        fail_msg("%s %zu: an enclave without memory is blamed for more", what, n);
    world_free(w);
    fault_take_back();
}

static void some_allocation_fails(void **state)
{
    (void)state;
    fault_arm(0);
    struct world *w = begin(1);
    live(w);
    size_t total = fault_count();
    end(w, "no allocation", 0);
    n_refused_boots = 0;
    for (size_t n = 1, stride = fault_stride(total, 2 * RUNS); n <= total; n += stride) {
        fault_arm(n);
        w = begin(1);
        live(w);
        assert_true(fault_hit());
        end(w, "allocation", n);
    }
    fault_arm(0);
}

/* Each of the allocations of a boot. */
static void a_boot_without_memory_is_refused(void **state)
{
    (void)state;
    size_t n = 0;
    n_refused_boots = 0;
    do {
        fault_arm(++n);
        world_free(begin(1));
        fault_take_back();
        assert_true(n < 1000);
    } while (n_refused_boots == n);
    fault_arm(0);
    assert_true(n_refused_boots > 0);
}

static void some_checkpoint_fails(void **state)
{
    (void)state;
    fault_arm(0);
    for (int reading = 0; reading < 2; reading++) {
        struct world *w = begin(2);
        live(w);
        size_t total = (size_t)world_slot_calls(w, reading);
        assert_true(total > 0);
        end(w, "no checkpoint", 0);
        for (size_t n = 1, stride = fault_stride(total, RUNS / 2); n <= total; n += stride) {
            w = begin(2);
            world_fail_slot(w, n, reading);
            live(w);
            end(w, reading ? "reading a checkpoint" : "writing a checkpoint", n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_allocation_fails),
        cmocka_unit_test(a_boot_without_memory_is_refused),
        cmocka_unit_test(some_checkpoint_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
