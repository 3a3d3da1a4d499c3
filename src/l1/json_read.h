/* SPDX-License-Identifier: Apache-2.0 */
/* Members of an answer by their types. Not for use outside src/l1. */
#ifndef TS_L1_JSON_READ_H
#define TS_L1_JSON_READ_H

#include <jansson.h>

#include "l1/json.h"

/* An answer that is being read. The first failure stays, and gives every later read zeros. */
struct ts_l1_reading {
    const struct ts_l1_call *call;
    struct ts_arena *arena;
    struct ts_l1_answer *out;
};

/* Whether nothing has failed yet. */
bool ts_l1_reads(const struct ts_l1_reading *r);
/* "the L1 node's answer to eth_…: " and the sentence's rest. */
void ts_l1_nonsense(struct ts_l1_reading *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

const char *ts_l1_method_name(enum ts_l1_method method);

/* name says what json is, in sentences. Numbers are 0x quantities. */
ts_u256 ts_l1_take_u256(struct ts_l1_reading *r, const json_t *json, const char *name);
uint64_t ts_l1_take_u64(struct ts_l1_reading *r, const json_t *json, const char *name);
void ts_l1_take_fixed(struct ts_l1_reading *r, const json_t *json, const char *name, void *out,
                      size_t n);
/* At most max bytes, into the arena. */
ts_bytes ts_l1_take_bytes(struct ts_l1_reading *r, const json_t *json, const char *name,
                          size_t max);

/* The same of a member of an object. */
uint64_t ts_l1_get_u64(struct ts_l1_reading *r, const json_t *object, const char *name);
void ts_l1_get_hash(struct ts_l1_reading *r, const json_t *object, const char *name, ts_hash *out);
void ts_l1_get_address(struct ts_l1_reading *r, const json_t *object, const char *name,
                       ts_address *out);
ts_bytes ts_l1_get_bytes(struct ts_l1_reading *r, const json_t *object, const char *name,
                         size_t max);
/* Whether the member is there and not null. */
bool ts_l1_has(const json_t *object, const char *name);

/* A block object. */
void ts_l1_read_block(struct ts_l1_reading *r, const json_t *json);
/* An array of logs. */
void ts_l1_read_logs(struct ts_l1_reading *r, const json_t *json);

#endif
