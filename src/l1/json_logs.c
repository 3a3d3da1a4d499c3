/* SPDX-License-Identifier: Apache-2.0 */
#include "l1/json_read.h"

static bool is_asked_topic(const struct ts_l1_call *call, const struct ts_l1_log *log)
{
    for (size_t i = 0; i < call->n_topics && log->n_topics > 0; i++)
        if (ts_hash_equal(&call->topics[i], &log->topics[0]))
            return true;
    return call->n_topics == 0;
}

static void read_topics(struct ts_l1_reading *r, const json_t *json, struct ts_l1_log *log)
{
    const json_t *topics = json_object_get(json, "topics");
    if (!json_is_array(topics) || json_array_size(topics) > 4) {
        ts_l1_nonsense(r, "topics is no array of at most four");
        return;
    }
    log->n_topics = json_array_size(topics);
    for (size_t i = 0; i < log->n_topics; i++)
        ts_l1_take_fixed(r, json_array_get(topics, i), "a topic", log->topics[i].b,
                         sizeof(log->topics[i].b));
}

static void read_data(struct ts_l1_reading *r, const json_t *json, struct ts_l1_log *log)
{
    log->data = ts_l1_get_bytes(r, json, "data", TS_L1_MAX_INPUT);
    log->is_cut = log->data.n > TS_L1_MAX_LOG_DATA;
    if (log->is_cut)
        log->data.n = TS_L1_MAX_LOG_DATA;
}

static void read_log(struct ts_l1_reading *r, const json_t *json, struct ts_l1_log *log)
{
    log->block = ts_l1_get_u64(r, json, "blockNumber");
    ts_l1_get_hash(r, json, "blockHash", &log->block_hash);
    ts_l1_get_hash(r, json, "transactionHash", &log->tx);
    log->index = ts_l1_get_u64(r, json, "logIndex");
    ts_l1_get_address(r, json, "address", &log->address);
    read_topics(r, json, log);
    read_data(r, json, log);
    if (!ts_l1_reads(r))
        return;
    if (json_is_true(json_object_get(json, "removed")))
        ts_l1_nonsense(r, "a log is marked as removed");
    else if (log->block < r->call->from || log->block > r->call->to_block)
        ts_l1_nonsense(r, "a log is of a block outside the range");
    else if (!ts_address_equal(&log->address, &r->call->address))
        ts_l1_nonsense(r, "a log is of another address");
    else if (!is_asked_topic(r->call, log))
        ts_l1_nonsense(r, "a log has another topic");
}

static int compare_logs(const void *left, const void *right)
{
    const struct ts_l1_log *a = left;
    const struct ts_l1_log *b = right;
    if (a->block != b->block)
        return a->block < b->block ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void check_order(struct ts_l1_reading *r, struct ts_l1_log *log, size_t n)
{
    if (n > 1)
        qsort(log, n, sizeof(*log), compare_logs);
    for (size_t i = 1; i < n; i++)
        if (compare_logs(&log[i - 1], &log[i]) == 0)
            ts_l1_nonsense(r, "two logs have one place");
}

void ts_l1_read_logs(struct ts_l1_reading *r, const json_t *json)
{
    const size_t n = json_array_size(json);
    if (!json_is_array(json)) {
        ts_l1_nonsense(r, "the result is no array");
        return;
    }
    if (n > TS_L1_MAX_LOGS) {
        ts_l1_fail_answer(r->call, TS_E_L1_REFUSED, "more logs than are read at a time", r->arena,
                          r->out);
        return;
    }
    struct ts_l1_log *log = ts_arena_array(r->arena, n, sizeof(*log));
    if (!log) {
        ts_l1_fail_answer(r->call, TS_E_NOMEM, "out of memory", r->arena, r->out);
        return;
    }
    for (size_t i = 0; i < n && ts_l1_reads(r); i++)
        read_log(r, json_array_get(json, i), &log[i]);
    if (ts_l1_reads(r))
        check_order(r, log, n);
    if (ts_l1_reads(r)) {
        r->out->u.logs.log = log;
        r->out->u.logs.n = n;
    }
}
