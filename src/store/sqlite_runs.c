/* SPDX-License-Identifier: Apache-2.0 */
/* The index of transactions: from the first bytes of a hash to batch and place.
 *
 * Hashes are random: in one tree of all of them each entry would write a page of its own, and in a
 * long chain from anywhere on the disk. So the tree is cut into runs. New entries go into the
 * newest run of level 0, which is small enough for the cache. When a level has many full runs, they
 * are merged into one of the next level, in the order of their keys, a slice at a time, whenever
 * there is time. Finding goes through the runs from the newest; there are at most some dozens. So a
 * log- structured merge tree (O'Neil et al., 1996), in one table whose key begins with the run.
 *
 * A merge is noted in the table merge, so that a start can go on with it. While it copies, its runs
 * are searched and its target is not; with the last slice that turns round, in one transaction;
 * then the runs are deleted, again in slices. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/sqlite.h"

static sqlite3_int64 run_id(uint32_t level, uint32_t seq)
{
    return (sqlite3_int64)level << 32 | seq;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static int compare_places(const void *a, const void *b)
{
    const struct ts_sqlite_place *x = a;
    const struct ts_sqlite_place *y = b;
    int order = memcmp(x->hash->b, y->hash->b, TS_SQLITE_KEY);
    /* Should a batch repeat a transaction, its last place counts. */
    return order != 0 ? order : x->at < y->at ? -1 : 1;
}

/* The places in the order of their keys, in which a tree takes them best. */
static ts_err sort_places(struct ts_store *s, const struct ts_store_op *op)
{
    struct ts_sqlite_index *x = &s->index;
    if (op->n_tx_hashes > x->cap_places) {
        struct ts_sqlite_place *more = realloc(x->places, op->n_tx_hashes * sizeof(*more));
        if (more == NULL)
            return ts_sqlite_fail(s, TS_E_NOMEM, "out of memory");
        x->places = more;
        x->cap_places = op->n_tx_hashes;
    }
    for (size_t i = 0; i < op->n_tx_hashes; i++)
        x->places[i] = (struct ts_sqlite_place){.hash = &op->tx_hashes[i], .at = i};
    qsort(x->places, op->n_tx_hashes, sizeof(*x->places), compare_places);
    return TS_OK;
}

static void begin_run(struct ts_sqlite_index *x)
{
    (void)pthread_mutex_lock(&x->lock);
    x->levels[0].last++;
    (void)pthread_mutex_unlock(&x->lock);
    x->size = 0;
}

ts_err ts_sqlite_index_add(struct ts_store *s, const struct ts_store_op *op, sqlite3_int64 id)
{
    struct ts_sqlite_index *x = &s->index;
    if (op->n_tx_hashes == 0)
        return TS_OK;
    if (x->size >= x->run)
        begin_run(x);
    ts_err err = sort_places(s, op);
    sqlite3_stmt *st = s->w[W_TX_INDEX];
    for (size_t i = 0; err == TS_OK && i < op->n_tx_hashes; i++) {
        (void)sqlite3_bind_int64(st, 1, run_id(0, x->levels[0].last));
        (void)sqlite3_bind_blob(st, 2, x->places[i].hash->b, TS_SQLITE_KEY, SQLITE_STATIC);
        (void)sqlite3_bind_int64(st, 3, id);
        (void)sqlite3_bind_int64(st, 4, (sqlite3_int64)x->places[i].at);
        err = ts_sqlite_run(s, W_TX_INDEX);
    }
    x->size += op->n_tx_hashes;
    return err;
}

/* ---- merging --------------------------------------------------------------------------------- */

/* How many slices the keys of a merge are cut into. */
static uint64_t windows(const struct ts_store *s)
{
    uint64_t entries = s->index.run;
    for (uint32_t i = 0; i <= s->index.merge.level; i++)
        entries *= TS_SQLITE_FAN;
    uint64_t n = entries / TS_SQLITE_SLICE;
    return n > 0 ? n : 1;
}

/* The first key of a window, as the first bytes of it; behind the last one all that there are. */
static void window_key(const struct ts_store *s, uint64_t window, uint8_t out[TS_SQLITE_KEY + 1])
{
    uint64_t n = windows(s);
    memset(out, 0xff, TS_SQLITE_KEY + 1);
    if (window >= n)
        return;
    /* window * 2^64 / n without overflow: whole parts and the rest of 2^64 - 1 by n. */
    uint64_t at = window * (UINT64_MAX / n) + window * (UINT64_MAX % n) / n;
    memset(out, 0, TS_SQLITE_KEY + 1);
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(at >> (56 - 8 * i));
}

/* Full runs of a level, the newest of level 0 being none. */
static uint32_t full_runs(const struct ts_sqlite_index *x, uint32_t level)
{
    uint32_t n = x->levels[level].last + 1 - x->levels[level].first;
    return level == 0 ? n - 1 : n;
}

/* The lowest level that has enough for a merge, or TS_SQLITE_LEVELS. */
static uint32_t crowded_level(const struct ts_sqlite_index *x)
{
    uint32_t level = 0;
    while (level + 1 < TS_SQLITE_LEVELS && full_runs(x, level) < TS_SQLITE_FAN)
        level++;
    return level + 1 < TS_SQLITE_LEVELS ? level : TS_SQLITE_LEVELS;
}

bool ts_store_is_untidy(const struct ts_store *s)
{
    return s->index.merge.on || crowded_level(&s->index) < TS_SQLITE_LEVELS;
}

static ts_err begin_merge(struct ts_store *s)
{
    struct ts_sqlite_index *x = &s->index;
    uint32_t level = crowded_level(x);
    struct ts_sqlite_merge m = {
        .on = true,
        .level = level,
        .first = x->levels[level].first,
        .last = x->levels[level].first + TS_SQLITE_FAN - 1,
        .target = x->levels[level + 1].last + 1,
    };
    sqlite3_stmt *st = s->w[W_MERGE_BEGIN];
    (void)sqlite3_bind_int64(st, 1, m.level);
    (void)sqlite3_bind_int64(st, 2, m.first);
    (void)sqlite3_bind_int64(st, 3, m.last);
    (void)sqlite3_bind_int64(st, 4, m.target);
    ts_err err = ts_sqlite_run(s, W_MERGE_BEGIN);
    if (err == TS_OK)
        x->merge = m;
    return err;
}

/* Copies or deletes one window of all runs of the merge, the oldest first: of two entries with one
 * key the newer stays. */
static ts_err move_window(struct ts_store *s, const struct ts_sqlite_merge *m)
{
    uint8_t from[TS_SQLITE_KEY + 1];
    uint8_t to[TS_SQLITE_KEY + 1];
    enum ts_sqlite_write which = m->dropping ? W_MERGE_DROP : W_MERGE_COPY;
    ts_err err = TS_OK;
    window_key(s, m->window, from);
    window_key(s, m->window + 1, to);
    for (uint32_t seq = m->first; err == TS_OK && seq <= m->last; seq++) {
        sqlite3_stmt *st = s->w[which];
        if (!m->dropping)
            (void)sqlite3_bind_int64(st, 1, run_id(m->level + 1, m->target));
        (void)sqlite3_bind_int64(st, 2, run_id(m->level, seq));
        (void)sqlite3_bind_blob(st, 3, from, TS_SQLITE_KEY, SQLITE_STATIC);
        (void)sqlite3_bind_blob(st, 4, to, sizeof(to), SQLITE_STATIC);
        err = ts_sqlite_run(s, which);
    }
    return err;
}

/* Notes how far the merge is. */
static ts_err note_merge(struct ts_store *s, const struct ts_sqlite_merge *m)
{
    if (!m->on)
        return ts_sqlite_run(s, W_MERGE_END);
    (void)sqlite3_bind_int(s->w[W_MERGE_STEP], 1, m->dropping);
    (void)sqlite3_bind_int64(s->w[W_MERGE_STEP], 2, (sqlite3_int64)m->window);
    return ts_sqlite_run(s, W_MERGE_STEP);
}

/* From now on the target is searched instead of what was merged. */
static void turn_round(struct ts_sqlite_index *x, const struct ts_sqlite_merge *m)
{
    (void)pthread_mutex_lock(&x->lock);
    x->levels[m->level].first = m->last + 1;
    x->levels[m->level + 1].last = m->target;
    x->changes++;
    (void)pthread_mutex_unlock(&x->lock);
}

static ts_err merge_slice(struct ts_store *s)
{
    struct ts_sqlite_index *x = &s->index;
    struct ts_sqlite_merge before = x->merge;
    bool turns = false;
    ts_err err = before.on ? TS_OK : begin_merge(s);
    struct ts_sqlite_merge m = x->merge;
    if (err == TS_OK)
        err = move_window(s, &m);
    if (++m.window == windows(s)) {
        turns = !m.dropping;
        m.on = turns;
        m.dropping = true;
        m.window = 0;
    }
    if (err == TS_OK)
        err = note_merge(s, &m);
    err = ts_sqlite_end(s, err);
    x->merge = err == TS_OK ? m : before;
    if (err == TS_OK && turns)
        turn_round(x, &m);
    return err;
}

ts_err ts_store_tidy(struct ts_store *s)
{
    if (!ts_store_is_untidy(s))
        return TS_OK;
    /* A slice that a crash takes back is done again; the next step flushes it with itself. */
    ts_err err = ts_sqlite_begin(s, false);
    return err == TS_OK ? merge_slice(s) : err;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* The one number of a statement with one parameter; *found false: no row. */
static ts_err one_number(struct ts_store *s, enum ts_sqlite_read which, sqlite3_int64 arg,
                         bool *found, sqlite3_int64 *out)
{
    sqlite3_stmt *st = s->r[which];
    (void)sqlite3_bind_int64(st, 1, arg);
    int rc = sqlite3_step(st);
    *found = rc == SQLITE_ROW;
    if (*found)
        *out = sqlite3_column_int64(st, 0);
    (void)sqlite3_reset(st);
    return ts_sqlite_err(s->read, rc);
}

static ts_err find_level(struct ts_store *s, uint32_t level)
{
    struct ts_sqlite_level *l = &s->index.levels[level];
    sqlite3_int64 first = 0;
    sqlite3_int64 last = 0;
    bool has_first = false;
    bool has_last = false;
    ts_err err = one_number(s, R_FIRST_RUN, run_id(level, 0), &has_first, &first);
    if (err == TS_OK)
        err = one_number(s, R_LAST_RUN, run_id(level, UINT32_MAX), &has_last, &last);
    if (err != TS_OK)
        return err;
    *l = (struct ts_sqlite_level){.first = 1, .last = level == 0 ? 1 : 0};
    if (has_first && has_last && first >> 32 == level && last >> 32 == level)
        *l = (struct ts_sqlite_level){.first = (uint32_t)first, .last = (uint32_t)last};
    return TS_OK;
}

static ts_err find_merge(struct ts_store *s)
{
    struct ts_sqlite_merge *m = &s->index.merge;
    sqlite3_stmt *st = s->r[R_MERGE];
    int rc = sqlite3_step(st);
    m->on = rc == SQLITE_ROW;
    if (m->on) {
        m->level = (uint32_t)sqlite3_column_int64(st, 0);
        m->first = (uint32_t)sqlite3_column_int64(st, 1);
        m->last = (uint32_t)sqlite3_column_int64(st, 2);
        m->target = (uint32_t)sqlite3_column_int64(st, 3);
        m->dropping = sqlite3_column_int(st, 4) != 0;
        m->window = (uint64_t)sqlite3_column_int64(st, 5);
    }
    (void)sqlite3_reset(st);
    ts_err err = ts_sqlite_err(s->read, rc);
    return err == TS_OK && m->on && m->level + 1 >= TS_SQLITE_LEVELS ? TS_E_CORRUPT : err;
}

/* What a merge that was cut off leaves is not to be searched: its target, or what it deletes. */
static void hide_merge(struct ts_sqlite_index *x)
{
    const struct ts_sqlite_merge *m = &x->merge;
    struct ts_sqlite_level *from = &x->levels[m->level];
    struct ts_sqlite_level *to = &x->levels[m->level + 1];
    if (!m->on)
        return;
    if (!m->dropping) {
        if (to->last >= m->target)
            to->last = m->target - 1;
        if (to->first > m->target)
            to->first = m->target;
        return;
    }
    from->first = m->last + 1;
    if (from->last < m->last + (m->level == 0 ? 1 : 0))
        from->last = m->last + (m->level == 0 ? 1 : 0);
}

ts_err ts_sqlite_index_open(struct ts_store *s)
{
    struct ts_sqlite_index *x = &s->index;
    ts_err err = TS_OK;
    for (uint32_t level = 0; err == TS_OK && level < TS_SQLITE_LEVELS; level++)
        err = find_level(s, level);
    if (err == TS_OK)
        err = find_merge(s);
    if (err != TS_OK)
        return err;
    hide_merge(x);
    bool found = false;
    sqlite3_int64 size = 0;
    err = one_number(s, R_RUN_SIZE, run_id(0, x->levels[0].last), &found, &size);
    x->size = found ? (size_t)size : 0;
    return err;
}

/* ---- finding --------------------------------------------------------------------------------- */

static ts_err find_in_run(struct ts_store *s, sqlite3_int64 run, const ts_hash *hash,
                          uint64_t *number, uint64_t *index)
{
    sqlite3_stmt *st = s->r[R_FIND_TX];
    (void)sqlite3_bind_int64(st, 1, run);
    (void)sqlite3_bind_blob(st, 2, hash->b, TS_SQLITE_KEY, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    bool found = rc == SQLITE_ROW;
    if (found) {
        *number = (uint64_t)sqlite3_column_int64(st, 0);
        *index = (uint64_t)sqlite3_column_int64(st, 1);
    }
    (void)sqlite3_reset(st);
    ts_err err = ts_sqlite_err(s->read, rc);
    return err == TS_OK && !found ? TS_E_NOT_FOUND : err;
}

static uint64_t look_at(struct ts_sqlite_index *x, struct ts_sqlite_level out[TS_SQLITE_LEVELS])
{
    (void)pthread_mutex_lock(&x->lock);
    memcpy(out, x->levels, sizeof(x->levels));
    uint64_t changes = x->changes;
    (void)pthread_mutex_unlock(&x->lock);
    return changes;
}

static ts_err find_once(struct ts_store *s, const struct ts_sqlite_level levels[TS_SQLITE_LEVELS],
                        const ts_hash *hash, uint64_t *number, uint64_t *index)
{
    ts_err err = TS_E_NOT_FOUND;
    for (uint32_t level = 0; level < TS_SQLITE_LEVELS; level++) {
        for (uint32_t seq = levels[level].last; err == TS_E_NOT_FOUND && seq >= levels[level].first;
             seq--)
            err = find_in_run(s, run_id(level, seq), hash, number, index);
    }
    return err;
}

ts_err ts_store_find_tx(struct ts_store *s, const ts_hash *hash, uint64_t *number, uint64_t *index)
{
    struct ts_sqlite_level levels[TS_SQLITE_LEVELS];
    for (;;) {
        uint64_t changes = look_at(&s->index, levels);
        ts_err err = find_once(s, levels, hash, number, index);
        /* Not found in runs that a merge has meanwhile begun to delete says nothing. */
        if (err != TS_E_NOT_FOUND || look_at(&s->index, levels) == changes)
            return err;
    }
}
