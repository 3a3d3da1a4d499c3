/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing transactions onto L1: the submitter core (l1/submitter.h) on the caller's loop, with its
 * timer and a client that carries its calls. Its log events are logged here. */
#ifndef TS_SHELL_SUBMIT_H
#define TS_SHELL_SUBMIT_H

#include <uv.h>

#include "l1/submitter.h"

struct ts_submit;

/* Borrowed pointers outlive it; the URL and the key are copied. */
struct ts_submit_config {
    uv_loop_t *loop;
    const struct ts_crypto *crypto;
    const char *url;
    const ts_secret *key; /* of the account that pays */
    struct ts_l1_submit_settings settings;
    /* TS_L1_SUBMIT_SENT and TS_L1_SUBMIT_DONE; and EVENT, which is logged already. From the loop,
     * never from inside a function below; o is borrowed for the call. */
    void (*on_output)(void *ctx, const struct ts_l1_submit_output *o);
    void *ctx;
};

/* TS_E_USAGE (the URL), TS_E_KEY, TS_E_NOMEM, TS_E_IO: why holds a sentence, *out is unchanged. */
ts_err ts_submit_new(const struct ts_submit_config *config, struct ts_submit **out, char *why,
                     size_t why_size);
/* A transaction to an account, with nothing paid along; data is copied. job: the caller's number,
 * of none that is under way. TS_E_BUSY, TS_E_NOMEM: nothing follows; else DONE does, once, if it is
 * not closed before. */
ts_err ts_submit_job(struct ts_submit *s, uint64_t job, const ts_address *to, ts_bytes data);
/* It is not sent any more if it was not sent yet: DONE says TS_E_CLOSED. Else, or when too many are
 * cancelled at once, it goes on. No harm when it is not under way. */
void ts_submit_cancel(struct ts_submit *s, uint64_t job);
ts_address ts_submit_account(const struct ts_submit *s);
size_t ts_submit_jobs(const struct ts_submit *s);
/* What is under way is not heard of any more. NULL is allowed. */
void ts_submit_close(struct ts_submit *s);

/* A key file: 0x and 64 hexadecimal digits, with white space around. Others than the
 * owner must not be able to read it. TS_E_IO, TS_E_USAGE: why holds a sentence. */
ts_err ts_submit_read_key(const char *path, ts_secret *out, char *why, size_t why_size);

#endif
