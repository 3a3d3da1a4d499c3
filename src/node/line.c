/* SPDX-License-Identifier: Apache-2.0 */
/* Two lines, and a rollup on confirmed L1 that holds the other one: that line is followed from now
 * on. What the node has of its own from the first batch that differs is marked discarded, durably
 * and together with the rollup; then the process ends, and its next start folds the chain anew up
 * to there and takes, in the rollup's range, only the batches that the rollup holds. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "chain/rollup.h"
#include "node/internal.h"

/* ---- leaving the own line -------------------------------------------------------------------- */

/* [rollup, data] */
static void put_pin(struct ts_buf *b, const struct ts_rollup *r, ts_bytes data)
{
    size_t mark = ts_put_list(b);
    ts_rollup_put(b, r);
    ts_put_bytes(b, data);
    ts_put_list_end(b, mark);
}

void ts_node_line_leave(struct ts_node *n, uint64_t from, const struct ts_rollup *r, ts_bytes data)
{
    struct line *l = &n->line;
    if (l->is_leaving)
        return;
    ts_buf_reset(&l->pin);
    put_pin(&l->pin, r, data);
    if (l->pin.err != TS_OK)
        return; /* out of memory: the rollup is looked at again */
    l->is_leaving = true;
    l->from = from;
    ts_node_event(n, TS_LOG_ERROR, "reorganise",
                  "from=%" PRIu64 " head=%" PRIu64 " rollup_first=%" PRIu64 " rollup_last=%" PRIu64
                  " reason=\"%s\"",
                  from, n->chain.head.number, r->first_number, r->last_number,
                  "the rollup on L1 holds another line: batches of this one are discarded, and the "
                  "node starts anew to follow that");
}

size_t ts_node_line_ops(struct ts_node *n, struct ts_store_op ops[NODE_LINE_OPS])
{
    static const char *const forgotten[] = {"chain", "roots", "audit"};
    struct line *l = &n->line;
    size_t count = 0;
    ops[count++] = (struct ts_store_op){.kind = TS_OP_DISCARD, .number = l->from};
    ops[count++] =
        (struct ts_store_op){.kind = TS_OP_PUT_META, .key = "line", .data = ts_buf_bytes(&l->pin)};
    for (size_t i = 0; i < TS_COUNT(forgotten); i++)
        ops[count++] = (struct ts_store_op){.kind = TS_OP_PUT_META, .key = forgotten[i]};
    TS_CHECK(count == NODE_LINE_OPS);
    l->is_submitted = true;
    return count;
}

void ts_node_line_left(struct ts_node *n)
{
    n->is_stopped = true;
    ts_node_output_new(n, TS_NODE_OUT_STOPPED)->err = TS_E_CONFLICT;
}

/* ---- following the other --------------------------------------------------------------------- */

static void unpin(struct ts_node *n)
{
    struct line *l = &n->line;
    ts_arena_free(&l->arena);
    ts_arena_init(&l->arena, TS_ROLLUP_ARENA);
    l->batches = NULL;
}

void ts_node_line_init(struct ts_node *n)
{
    ts_buf_init(&n->line.pin, 0);
    ts_arena_init(&n->line.arena, TS_ROLLUP_ARENA);
}

void ts_node_line_free(struct ts_node *n)
{
    ts_buf_free(&n->line.pin);
    ts_arena_free(&n->line.arena);
}

bool ts_node_line_rolled_back(struct ts_node *n, uint64_t first)
{
    struct line *l = &n->line;
    if (l->batches == NULL || l->rollup.last_number < first)
        return false;
    unpin(n);
    return true;
}

ts_err ts_node_load_line(struct ts_node *n, ts_bytes pin)
{
    struct line *l = &n->line;
    struct ts_reader r = ts_reader_of(pin);
    if (pin.n == 0)
        return TS_OK; /* not any more */
    ts_read_list(&r);
    ts_bytes rollup = ts_read_raw(&r);
    ts_bytes data = ts_read_bytes(&r, TS_ROLLUP_MAX_SINGLE);
    ts_read_list_end(&r);
    ts_err err = ts_reader_done(&r);
    if (err == TS_OK)
        err = ts_rollup_read(rollup, &l->rollup);
    if (err != TS_OK || n->stored.number >= l->rollup.last_number)
        return err; /* the chain has all of it */
    uint64_t count = l->rollup.last_number - l->rollup.first_number + 1;
    return ts_rollup_decode(data, (size_t)count, &l->arena, &l->batches);
}

const char *ts_node_line_refuses(struct ts_node *n, const struct ts_batch *b)
{
    struct line *l = &n->line;
    const struct ts_rollup *r = &l->rollup;
    const struct ts_head *after = ts_effect_head(n->effect);
    uint64_t number = b->header.number;
    if (l->batches == NULL || number < r->first_number)
        return NULL;
    const char *part = ts_node_rollup_differs(&l->batches[number - r->first_number], b);
    if (part == NULL && number == r->last_number &&
        (!ts_hash_equal(&after->hash, &r->last_hash) ||
         !ts_hash_equal(&after->protocol_root, &r->protocol_root)))
        part = "another hash or protocol root";
    if (part != NULL)
        return ts_node_text(n, "it has %s than in the rollup on L1, whose line is followed", part);
    if (number == r->last_number) {
        unpin(n);
        ts_node_event(n, TS_LOG_INFO, "reorganised", "first=%" PRIu64 " last=%" PRIu64,
                      r->first_number, r->last_number);
    }
    return NULL;
}
