/* SPDX-License-Identifier: Apache-2.0 */
/* What a node stores of its audit, with the assessment, and of its timeline, for a chain of a dozen
 * batches. What is taken has one form when it is written again, answers whoever looks at it, and
 * goes on with the next batch. */
#include <stdlib.h>

#include "audit/audit.h"
#include "audit/timeline.h"
#include "base/check.h"
#include "tenseq/assessment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 12

static ts_address listed[2] = {{{1}}, {{2}}};
static const struct ts_genesis genesis = {
    .hash = {{0xaa}},
    .time = 1000,
    .whitelist = listed,
    .n_whitelist = 2,
    .params = {.batch_interval_ms = 1000, .report_every = 1, .max_report_lag = 2}};
/* The second one was restarted. */
static struct ts_registry_entry entries[2] = {
    {.id = {{1}}, .whitelisted = true, .restarts = 1},
    {.id = {{2}}, .whitelisted = true, .restarts = 2},
};

static ts_hash hash_of(uint64_t number)
{
    return number == 0 ? genesis.hash : (ts_hash){{(uint8_t)number, 1}};
}

static struct ts_chain chain_at(uint64_t number)
{
    return (struct ts_chain){
        .genesis = &genesis,
        .head = {.number = number,
                 .hash = hash_of(number),
                 .time = genesis.time + 1000 * number,
                 .term = 1},
        .registry = {.term = 1,
                     .has_active = true,
                     .active = {{1}},
                     .entries = entries,
                     .n = 2,
                     .whitelist = {{{1}}, {{2}}},
                     .n_whitelisted = 2},
    };
}

/* Both report; nobody signed anything, and nobody looks at that. */
static struct ts_batch batch_at(const struct ts_chain *chain, struct ts_restart_event reports[2])
{
    uint64_t number = chain->head.number;
    struct ts_batch b = {.header = {.number = number,
                                    .parent_hash = hash_of(number - 1),
                                    .time = chain->head.time,
                                    .term = 1,
                                    .producer = {{1}}},
                         .payload = {.reports = reports, .n_reports = 2}};
    for (unsigned i = 0; i < 2; i++)
        reports[i] =
            (struct ts_restart_event){.enclave_id = listed[i], .current_batch_number = number - 1};
    return b;
}

/* ---- the audit ------------------------------------------------------------------------------- */

static void assess(const struct ts_audit *a)
{
    struct ts_assess_params p;
    ts_assess_params_default(&p);
    struct ts_assessment *x = ts_assess(a, &p);
    TS_CHECK(x == NULL || x->number == ts_audit_head(a));
    ts_assessment_free(x);
}

static void audit(ts_bytes in)
{
    struct ts_chain chain = chain_at(HEAD);
    struct ts_restart_event reports[2];
    struct ts_audit *a = ts_audit_new(&genesis), *again = ts_audit_new(&genesis);
    struct ts_reader r = ts_reader_of(in);
    struct ts_buf b, c;
    TS_CHECK(a != NULL && again != NULL);
    ts_buf_init(&b, 0);
    ts_buf_init(&c, 0);
    if (ts_audit_read(&r, &chain, a) == TS_OK) {
        ts_audit_put(&b, a);
        r = ts_reader_of(ts_buf_bytes(&b));
        TS_CHECK(b.err == TS_OK && ts_audit_read(&r, &chain, again) == TS_OK);
        ts_audit_put(&c, again);
        TS_CHECK(ts_bytes_equal(ts_buf_bytes(&b), ts_buf_bytes(&c)));
        assess(a);
        chain = chain_at(HEAD + 1);
        struct ts_batch next = batch_at(&chain, reports);
        ts_audit_batch(a, &chain, &next, NULL);
        assess(a);
    } else {
        TS_CHECK(ts_audit_head(a) == 0 && ts_audit_count(a) == 0);
    }
    ts_buf_free(&b);
    ts_buf_free(&c);
    ts_audit_free(a);
    ts_audit_free(again);
}

/* ---- the timeline ---------------------------------------------------------------------------- */

static void look(const struct ts_timeline *t)
{
    for (size_t points = 1; points <= 16; points += 5) {
        struct ts_timeline_view v;
        if (ts_timeline_look(t, 1 + points / 2, HEAD + 1, points, 512, &v) != TS_OK)
            continue;
        TS_CHECK(v.n <= points && v.n_marks <= 512);
        for (size_t i = 0; i < v.n_lanes; i++)
            for (size_t k = 0; k < v.n; k++)
                TS_CHECK(ts_lane_state_name(v.lanes[i].states[k]) != NULL &&
                         v.lanes[i].absent[k] <= v.buckets[k].n);
        for (size_t i = 0; i < v.n_marks; i++)
            TS_CHECK(ts_mark_name((int)v.marks[i].kind) != NULL && v.marks[i].number <= v.to);
        ts_timeline_view_free(&v);
    }
}

static void timeline(ts_bytes in)
{
    struct ts_chain chain = chain_at(HEAD);
    struct ts_restart_event reports[2];
    struct ts_timeline *t = ts_timeline_new(&genesis), *again = ts_timeline_new(&genesis);
    struct ts_reader r = ts_reader_of(in);
    struct ts_buf b, c;
    TS_CHECK(t != NULL && again != NULL);
    ts_buf_init(&b, 0);
    ts_buf_init(&c, 0);
    if (ts_timeline_read(&r, &chain.head, t) == TS_OK) {
        ts_timeline_put(&b, t);
        r = ts_reader_of(ts_buf_bytes(&b));
        TS_CHECK(b.err == TS_OK && ts_timeline_read(&r, &chain.head, again) == TS_OK);
        ts_timeline_put(&c, again);
        TS_CHECK(ts_bytes_equal(ts_buf_bytes(&b), ts_buf_bytes(&c)));
        look(t);
        chain = chain_at(HEAD + 1);
        struct ts_batch next = batch_at(&chain, reports);
        TS_CHECK(ts_timeline_batch(t, &next, &chain.head.hash) == TS_OK);
        look(t);
    } else {
        TS_CHECK(ts_timeline_head(t) == 0);
    }
    ts_buf_free(&b);
    ts_buf_free(&c);
    ts_timeline_free(t);
    ts_timeline_free(again);
}

/* Behind one byte that says which. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        (data[0] == 't' ? timeline : audit)(ts_bytes_of(data + 1, size - 1));
    return 0;
}
