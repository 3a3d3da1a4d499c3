/* SPDX-License-Identifier: Apache-2.0 */
/* The contract's logs, a range of blocks at a time. eth_getLogs goes by number, so what it gives
 * may be another fork's: the newest block of the range must be the same before and after, then the
 * whole range is. Only then is the range sealed; else what was read is undone.
 *
 * A node that lags behind its own newest block gives no logs instead of an error. A header whose
 * bloom filter speaks of logs that were not given makes the range be asked for again, a few times
 * only: the filter may be wrong in this direction. Source: the yellow paper, 4.3.1 (M3:2048). */
#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "l1/follower_internal.h"

#define BLOOM_BYTES  256
#define BLOOM_BEFORE 6  /* items of a header before the filter */
#define MISSES       5  /* times that logs which a header speaks of are asked for again */
#define GAP_MISSES   10 /* the same for rollups that must be there */
#define GROW_AFTER   8

void ts_l1f_scan_cut(struct ts_l1_follower *f, uint64_t number)
{
    uint64_t to = number < f->sealed ? number : f->sealed;
    ts_l1f_forget(f, L1F_LOGS);
    ts_l1f_forget(f, L1F_SEAL);
    ts_l1f_list_undo(f, to);
    ts_l1f_rollup_cut(f, to);
    f->sealed = f->scanned = to;
    f->misses = 0;
    if (f->seal.header != NULL && f->seal.number > to)
        ts_l1f_block_free(&f->seal);
    if (f->change.header != NULL && f->change.number > to)
        ts_l1f_block_free(&f->change);
}

/* ---- asking ---- */

static bool has_far(const struct ts_l1_follower *f)
{
    return f->target > f->told;
}

/* The last block that may be read now; at most sealed: none. */
static uint64_t scan_end(struct ts_l1_follower *f)
{
    uint64_t end = ts_l1f_line_top(f);
    if (has_far(f))
        end = f->is_anchored && f->sealed == f->told ? f->target : 0;
    if (!ts_l1f_rollup_has_room(f) || end <= f->sealed)
        return 0;
    return end - f->sealed > f->chunk ? f->sealed + f->chunk : end;
}

void ts_l1f_scan_plan(struct ts_l1_follower *f)
{
    if (f->scanned > f->sealed) {
        if (ts_l1f_may_ask(f, L1F_SEAL))
            ts_l1f_ask_block(f, L1F_SEAL, f->scanned);
        return;
    }
    uint64_t end = scan_end(f);
    if (end <= f->sealed || !ts_l1f_may_ask(f, L1F_LOGS) || ts_l1f_is_asked(f, L1F_SEAL))
        return;
    ts_l1f_ask(f, L1F_LOGS,
               (struct ts_l1_call){
                   .method = TS_L1_LOGS,
                   .from = f->sealed + 1,
                   .to_block = end,
                   .address = f->genesis->contract,
                   .topics = f->topics,
                   .n_topics = f->n_topics,
               });
}

/* ---- the bloom filter ---- */

static bool bloom_has(const uint8_t bloom[BLOOM_BYTES], const void *p, size_t n)
{
    ts_hash h;
    ts_keccak256(ts_bytes_of(p, n), &h);
    for (unsigned i = 0; i < 6; i += 2) {
        unsigned bit = (((unsigned)h.b[i] << 8) | h.b[i + 1]) & 0x7ff;
        if ((bloom[BLOOM_BYTES - 1 - bit / 8] >> (bit % 8) & 1) == 0)
            return false;
    }
    return true;
}

/* Whether the header speaks of a log that would be one of ours. */
static bool may_have_logs(const struct ts_l1_follower *f, const struct l1f_block *b)
{
    uint8_t bloom[BLOOM_BYTES];
    struct ts_reader r = ts_reader_of(ts_bytes_of(b->header, b->n_header));
    ts_read_list(&r);
    for (unsigned i = 0; i < BLOOM_BEFORE; i++)
        (void)ts_read_raw(&r);
    ts_read_fixed(&r, bloom, sizeof(bloom));
    if (r.err != TS_OK || !bloom_has(bloom, f->genesis->contract.b, sizeof(ts_address)))
        return false;
    for (size_t i = 0; i < f->n_topics; i++)
        if (bloom_has(bloom, f->topics[i].b, sizeof(ts_hash)))
            return true;
    return false;
}

static bool is_missing(struct ts_l1_follower *f, const struct ts_l1_answer *a)
{
    const struct ts_l1_call *call = &f->asks[L1F_LOGS].call;
    size_t at = 0;
    for (uint64_t n = call->from; n <= call->to_block; n++) {
        const struct l1f_block *b = ts_l1f_line_at(f, n);
        if (b == NULL)
            return false;
        while (at < a->u.logs.n && a->u.logs.log[at].block < n)
            at++;
        bool has = at < a->u.logs.n && a->u.logs.log[at].block == n;
        if (!has && may_have_logs(f, b))
            return true;
    }
    return false;
}

/* ---- answers ---- */

/* The chunk gets smaller. True when it could. */
static bool halve(struct ts_l1_follower *f)
{
    const struct ts_l1_call *call = &f->asks[L1F_LOGS].call;
    uint64_t n = call->to_block - call->from + 1;
    f->chunk_good = 0;
    f->chunk = (n < f->chunk ? n : f->chunk) / 2;
    if (f->chunk > 0)
        return true;
    f->chunk = 1;
    return false;
}

static void grow(struct ts_l1_follower *f)
{
    if (f->chunk >= f->s.log_blocks || ++f->chunk_good < GROW_AFTER)
        return;
    f->chunk_good = 0;
    f->chunk = 2 * f->chunk < f->s.log_blocks ? 2 * f->chunk : f->s.log_blocks;
}

/* Too many logs, too wide a range, too slow: nodes say it in many ways. */
static void logs_failed(struct ts_l1_follower *f, const struct ts_l1_answer *a)
{
    if (a->err != TS_E_CLOSED && halve(f) && a->err == TS_E_L1_REFUSED)
        ts_l1f_good(f, L1F_LOGS);
    else
        ts_l1f_failed(f, L1F_LOGS, a->err, "%s", a->text);
}

/* TS_OK; TS_E_BUSY: of another fork; TS_E_L1_NONSENSE. */
static ts_err check_place(struct ts_l1_follower *f, const struct ts_l1_log *log,
                          const struct ts_l1_log *before)
{
    const struct ts_l1_call *call = &f->asks[L1F_LOGS].call;
    const struct l1f_block *b = ts_l1f_line_at(f, log->block);
    if (log->block < call->from || log->block > call->to_block || log->n_topics == 0 ||
        !ts_address_equal(&log->address, &call->address))
        return TS_E_L1_NONSENSE;
    if (before != NULL && (log->block < before->block ||
                           (log->block == before->block && log->index <= before->index)))
        return TS_E_L1_NONSENSE;
    if (before != NULL && log->block == before->block &&
        !ts_hash_equal(&log->block_hash, &before->block_hash))
        return TS_E_L1_NONSENSE;
    return b == NULL || ts_hash_equal(&b->hash, &log->block_hash) ? TS_OK : TS_E_BUSY;
}

static bool is_asked_for(const struct ts_l1_follower *f, const struct ts_l1_log *log)
{
    for (size_t i = 0; i < f->n_topics; i++)
        if (ts_hash_equal(&f->topics[i], &log->topics[0]))
            return true;
    return false;
}

static ts_err check_logs(struct ts_l1_follower *f, const struct ts_l1_answer *a)
{
    for (size_t i = 0; i < a->u.logs.n; i++) {
        const struct ts_l1_log *log = &a->u.logs.log[i];
        ts_err err = check_place(f, log, i > 0 ? log - 1 : NULL);
        if (err == TS_OK && !is_asked_for(f, log))
            err = TS_E_L1_NONSENSE;
        if (err != TS_OK)
            return err;
    }
    return TS_OK;
}

/* A log of the right contract and topic whose content is not what it should be: no repeat helps. */
static void odd_log(struct ts_l1_follower *f, const struct ts_l1_log *log)
{
    if (f->is_odd_said)
        return;
    f->is_odd_said = true;
    ts_l1f_event(f, TS_LOG_WARN, "l1-odd-log", "block=%llu index=%llu reason=\"%s\"",
                 (unsigned long long)log->block, (unsigned long long)log->index,
                 "a log of the contract has another form than its event: no effect");
}

static bool is_of_rollups(const struct ts_l1_event *e)
{
    return e->kind == TS_L1_PUBLISHED || e->kind == TS_L1_ROLLED_BACK;
}

static bool read_log(const struct ts_l1_log *log, struct ts_l1_event *e)
{
    if (ts_l1_read_event(log, e) != TS_OK)
        return false;
    return is_of_rollups(e) || (log->n_topics == 1 && log->data.n == TS_ABI_WORD);
}

static void take_log(struct ts_l1_follower *f, const struct ts_l1_log *log)
{
    struct ts_l1_event e;
    if (!read_log(log, &e)) {
        odd_log(f, log);
    } else if (is_of_rollups(&e)) {
        ts_l1f_rollup_seen(f, log, &e);
    } else {
        struct l1f_change c = {
            .number = log->block,
            .hash = log->block_hash,
            .who = e.enclave,
            .is_grant = e.kind == TS_L1_GRANTED,
        };
        ts_l1f_list_apply(f, &c);
    }
}

/* Whether the rollups are one after the other: else some are missing. */
static bool is_gapless(struct ts_l1_follower *f, const struct ts_l1_answer *a)
{
    struct ts_l1_event e;
    uint64_t last = f->rollup_last;
    for (size_t i = 0; i < a->u.logs.n; i++) {
        if (read_log(&a->u.logs.log[i], &e) && is_of_rollups(&e) &&
            !ts_l1f_rollup_follows(&e, &last))
            return false;
    }
    return true;
}

static void take_logs(struct ts_l1_follower *f, const struct ts_l1_answer *a)
{
    uint64_t to = f->asks[L1F_LOGS].call.to_block;
    ts_err err = check_logs(f, a);
    if (err != TS_OK) {
        if (err == TS_E_BUSY)
            f->poll_us = f->now.mono_us;
        ts_l1f_failed(f, L1F_LOGS, err, "eth_getLogs gives logs that were not asked for");
        return;
    }
    if ((f->misses < MISSES && is_missing(f, a)) || (f->misses < GAP_MISSES && !is_gapless(f, a))) {
        f->misses++;
        ts_l1f_failed(f, L1F_LOGS, TS_E_BUSY, "logs are missing");
        return;
    }
    if (!ts_l1f_list_reserve(f, a->u.logs.n) || !ts_l1f_rollup_reserve(f, a->u.logs.n)) {
        (void)halve(f);
        ts_l1f_failed(f, L1F_LOGS, TS_E_NOMEM, "out of memory");
        return;
    }
    ts_l1f_good(f, L1F_LOGS);
    f->misses = 0;
    grow(f);
    f->scanned = to;
    for (size_t i = 0; i < a->u.logs.n; i++)
        take_log(f, &a->u.logs.log[i]);
}

/* The range again, after a moment. */
static void unsure(struct ts_l1_follower *f, ts_err err, const char *what)
{
    ts_l1f_scan_cut(f, f->sealed);
    f->poll_us = f->now.mono_us;
    f->asks[L1F_LOGS].failures = f->unsures++;
    ts_l1f_failed(f, L1F_LOGS, err, "%s", what);
}

static void take_seal(struct ts_l1_follower *f, struct l1f_block *b)
{
    const struct l1f_block *on_line = ts_l1f_line_at(f, b->number);
    const struct l1f_change *c = ts_l1f_list_next(f, b->number - 1);
    if ((on_line != NULL && !ts_hash_equal(&on_line->hash, &b->hash)) ||
        (c != NULL && !ts_hash_equal(&c->hash, &b->hash))) {
        unsure(f, TS_E_BUSY, "L1 moved");
        return;
    }
    ts_l1f_good(f, L1F_SEAL);
    f->sealed = f->scanned;
    if (on_line != NULL)
        return;
    ts_l1f_block_free(&f->seal);
    f->seal = *b;
    b->header = NULL;
}

void ts_l1f_scan_answer(struct ts_l1_follower *f, unsigned which, const struct ts_l1_answer *a)
{
    struct l1f_block b;
    if (which == L1F_LOGS) {
        if (a->err != TS_OK)
            logs_failed(f, a);
        else
            take_logs(f, a);
        return;
    }
    if (a->err == TS_OK && !a->u.block.found) {
        unsure(f, TS_E_NOT_FOUND, "the L1 node does not have a block below its newest");
    } else if (ts_l1f_block_answer(f, L1F_SEAL, a, &b)) {
        take_seal(f, &b);
        ts_l1f_block_free(&b);
    }
}
