/* SPDX-License-Identifier: Apache-2.0 */
/* Calldata, results and logs of the management contract. What can be read as a publication can be
 * written again, and reads the same. */
#include "base/check.h"
#include "l1/contract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void publish(ts_bytes in)
{
    struct ts_rollup rollup, again;
    ts_bytes data, data_again;
    struct ts_buf b;
    if (ts_l1_read_publish(in, &rollup, &data) != TS_OK)
        return;
    ts_buf_init(&b, 0);
    ts_l1_put_publish(&b, &rollup, data);
    TS_CHECK(b.err == TS_OK);
    TS_CHECK(ts_l1_read_publish(ts_buf_bytes(&b), &again, &data_again) == TS_OK);
    TS_CHECK(rollup.first_number == again.first_number && rollup.l1_number == again.l1_number);
    TS_CHECK(ts_hash_equal(&rollup.data_hash, &again.data_hash));
    TS_CHECK(memcmp(&rollup.sig, &again.sig, sizeof(ts_sig)) == 0);
    TS_CHECK(ts_bytes_equal(data, data_again));
    ts_buf_free(&b);
}

static void event(ts_bytes in)
{
    struct ts_l1_event e;
    struct ts_l1_log log = {.n_topics = 2};
    if (in.n < 33)
        return;
    ts_l1_event_topic((enum ts_l1_event_kind)(in.p[0] % TS_L1_EVENT_KINDS), &log.topics[0]);
    memcpy(log.topics[1].b, in.p + 1, 32);
    log.data = ts_bytes_of(in.p + 33, in.n - 33);
    (void)ts_l1_read_event(&log, &e);
    log.n_topics = 1;
    (void)ts_l1_read_event(&log, &e);
}

static void results(ts_bytes in)
{
    struct ts_l1_replacement list[TS_L1_MAX_REPLACEMENTS];
    ts_address enclaves[TS_MAX_WHITELIST];
    char text[100];
    uint64_t number;
    ts_hash hash;
    bool flag;
    size_t n;
    (void)ts_l1_read_bool(in, &flag);
    (void)ts_l1_read_hash(in, &hash);
    (void)ts_l1_read_u64(in, &number);
    if (ts_l1_read_addresses(in, enclaves, TS_MAX_WHITELIST, &n) == TS_OK)
        TS_CHECK(n <= TS_MAX_WHITELIST);
    if (ts_l1_read_replacements(in, list, TS_L1_MAX_REPLACEMENTS, &n) == TS_OK)
        TS_CHECK(n <= TS_L1_MAX_REPLACEMENTS);
    TS_CHECK(strlen(ts_l1_revert_text(in, text, sizeof(text))) < sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ts_bytes in = ts_bytes_of(data, size);
    publish(in);
    event(in);
    results(in);
    return 0;
}
