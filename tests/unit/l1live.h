/* SPDX-License-Identifier: Apache-2.0 */
/* A submitter with a client on a loop of its own, as a program has them. */
#ifndef TS_TESTS_L1LIVE_H
#define TS_TESTS_L1LIVE_H

#include "anvil_kit.h"
#include "l1/client.h"
#include "l1/submitter.h"

#define LIVE_JOBS 20

struct live_job {
    unsigned sent, done;
    ts_err err;
    ts_hash tx;
    uint64_t block;
    char text[TS_L1_MAX_TEXT];
};

/* What a program around the submitter does: calls to the client, answers back, and its clock. */
struct live {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_timer_t patience;
    struct ts_l1_client *client;
    struct ts_crypto *crypto;
    struct ts_l1_submitter *s;
    struct live_job jobs[LIVE_JOBS];
    unsigned downs, ups, reorgs, wrongs;
    bool is_closing;
    bool out_of_patience;
};

/* For the chain that anvil has by itself, with anvil's first account, and impatient. */
void live_begin(struct live *l, const char *url, uint64_t confirmations);
void live_end(struct live *l);
void live_step(struct live *l, const struct ts_l1_submit_input *in);
/* Runs until *count is at least n; a minute is all the patience there is. */
void live_until(struct live *l, const unsigned *count, unsigned n);
void live_run(struct live *l, unsigned ms);

#endif
