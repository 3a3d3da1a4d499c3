/* SPDX-License-Identifier: Apache-2.0 */
/* A submitter and a fake L1 with latency, blocks and faults, on the test's own time. */
#ifndef TS_TESTS_SUBMITWORLD_H
#define TS_TESTS_SUBMITWORLD_H

#include "fakepool.h"

#define SECOND   UINT64_C(1000000)
#define MAX_SEEN 64

struct seen {
    unsigned done;
    ts_err err;
    uint64_t block;
    ts_hash tx;
    unsigned sent;
    char text[TS_L1_MAX_TEXT];
};

/* One submitter, one L1, and what was told. */
struct world {
    struct fake_l1 l1;
    struct ts_crypto *crypto;
    struct ts_l1_submit_settings settings;
    struct ts_l1_submitter *s;
    uint64_t now;
    uint64_t wake;
    uint64_t block_us; /* between blocks */
    uint64_t next_block;
    uint64_t latency;
    bool has_answer;
    struct ts_l1_answer answer;
    uint64_t answer_us;
    struct seen jobs[MAX_SEEN];
    char events[200][32];
    size_t n_events;
    unsigned calls[TS_L1_SEND + 1];
    /* the next calls of this method fail so; after: the L1 has done them before */
    int bad_method; /* -1: none, 99: any */
    ts_err bad_err;
    unsigned bad_left;
    bool bad_after;
    uint64_t random; /* 0: no faults of its own */
    unsigned fault_percent;
};

void begin(struct world *w, uint64_t confirmations);
void end(struct world *w);
void step(struct world *w, const struct ts_l1_submit_input *in);
/* The job with this number, to an account, with fake_data. */
void give(struct world *w, uint64_t job);
void cancel(struct world *w, uint64_t job);
void run(struct world *w, uint64_t seconds);
/* How often an event was said. */
unsigned count_events(const struct world *w, const char *name);
/* Each of the jobs was told once, as good, and is in one block. */
void expect_ok(const struct world *w, uint64_t first, uint64_t last);
/* A number below bound. */
uint64_t draw(struct world *w, uint64_t bound);

#endif
