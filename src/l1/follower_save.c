/* SPDX-License-Identifier: Apache-2.0 */
/* What a restart need not read again, as RLP:
 * [version, genesis hash, with rollups, told number, told header, last batch of the rollups that
 * are done, changes, pending rollups], up to the told block. */
#include "base/check.h"
#include "codec/rlp.h"
#include "l1/follower_internal.h"

#define VERSION 2 /* 1: without rollbacks */

static void put_changes(const struct ts_l1_follower *f, struct ts_buf *b)
{
    size_t all = ts_put_list(b);
    for (size_t i = 0; i < f->n_changes && f->changes[i].number <= f->told; i++) {
        const struct l1f_change *c = &f->changes[i];
        size_t one = ts_put_list(b);
        ts_put_u64(b, c->number);
        ts_put_hash(b, &c->hash);
        ts_put_address(b, &c->who);
        ts_put_u64(b, c->is_grant);
        ts_put_list_end(b, one);
    }
    ts_put_list_end(b, all);
}

static void put_pending(const struct ts_l1_follower *f, struct ts_buf *b)
{
    size_t all = ts_put_list(b);
    for (size_t i = 0; i < f->n_pending && f->pending[i].block <= f->told; i++) {
        const struct l1f_pending *p = &f->pending[i];
        size_t one = ts_put_list(b);
        ts_put_u64(b, p->block);
        ts_put_hash(b, &p->tx);
        ts_put_u64(b, p->is_rollback);
        ts_put_u64(b, p->log.first_number);
        ts_put_u64(b, p->log.last_number);
        ts_put_hash(b, &p->log.last_hash);
        ts_put_hash(b, &p->log.protocol_root);
        ts_put_hash(b, &p->log.data_hash);
        ts_put_u64(b, p->log.l1_number);
        ts_put_address(b, &p->log.signer);
        ts_put_sig(b, &p->log.sig);
        ts_put_list_end(b, one);
    }
    ts_put_list_end(b, all);
}

void ts_l1_follower_save(const struct ts_l1_follower *f, struct ts_buf *out)
{
    const struct l1f_block *b = NULL;
    for (size_t i = 0; i < f->n_line; i++)
        if (f->line[i].number == f->told)
            b = &f->line[i];
    size_t all = ts_put_list(out);
    ts_put_u64(out, VERSION);
    ts_put_hash(out, &f->genesis->hash);
    ts_put_u64(out, f->s.wants_rollups);
    ts_put_u64(out, f->told);
    ts_put_bytes(out, b != NULL ? ts_bytes_of(b->header, b->n_header) : (ts_bytes){0});
    ts_put_u64(out, f->rollup_done);
    put_changes(f, out);
    put_pending(f, out);
    ts_put_list_end(out, all);
}

/* ---- loading ---- */

static void read_changes(struct ts_l1_follower *f, struct ts_reader *r, uint64_t told)
{
    uint64_t before = f->genesis->l1_number;
    ts_read_list(r);
    if (!ts_l1f_list_reserve(f, ts_read_count(r)))
        ts_reader_fail(r, TS_E_NOMEM);
    while (ts_read_more(r)) {
        struct l1f_change c;
        size_t n = f->n_changes;
        ts_read_list(r);
        c.number = ts_read_u64(r);
        ts_read_hash(r, &c.hash);
        ts_read_address(r, &c.who);
        c.is_grant = ts_read_uint(r, 1) == 1;
        ts_read_list_end(r);
        if (r->err != TS_OK)
            return;
        if (c.number >= before && c.number > f->genesis->l1_number && c.number <= told)
            ts_l1f_list_apply(f, &c);
        if (f->n_changes == n)
            ts_reader_fail(r, TS_E_CORRUPT);
        before = c.number;
    }
    ts_read_list_end(r);
}

static void read_pending(struct ts_l1_follower *f, struct ts_reader *r, uint64_t told)
{
    ts_read_list(r);
    size_t count = ts_read_count(r);
    if (count > 0 && !f->s.wants_rollups) { /* not wanted any more */
        while (ts_read_more(r))
            (void)ts_read_raw(r);
    } else if (!ts_l1f_rollup_reserve(f, count)) {
        ts_reader_fail(r, TS_E_NOMEM);
    }
    while (ts_read_more(r)) {
        struct l1f_pending p = {0};
        ts_read_list(r);
        p.block = ts_read_u64(r);
        ts_read_hash(r, &p.tx);
        p.is_rollback = ts_read_uint(r, 1) == 1;
        p.log.first_number = ts_read_u64(r);
        p.log.last_number = ts_read_u64(r);
        ts_read_hash(r, &p.log.last_hash);
        ts_read_hash(r, &p.log.protocol_root);
        ts_read_hash(r, &p.log.data_hash);
        p.log.l1_number = ts_read_u64(r);
        ts_read_address(r, &p.log.signer);
        ts_read_sig(r, &p.log.sig);
        ts_read_list_end(r);
        if (p.block > told || (f->n_pending > 0 && p.block < f->pending[f->n_pending - 1].block))
            ts_reader_fail(r, TS_E_CORRUPT);
        if (r->err == TS_OK)
            f->pending[f->n_pending++] = p;
    }
    ts_read_list_end(r);
}

/* The told block; TS_E_NOT_FOUND: nothing had been told when it was saved. */
static ts_err read_told(const struct ts_l1_follower *f, uint64_t told, ts_bytes header,
                        struct l1f_block *out)
{
    struct ts_l1_evidence e;
    ts_hash parent;
    if (header.n == 0)
        return TS_E_NOT_FOUND;
    ts_err err = ts_l1_header_read(header, &e, &parent);
    if (err != TS_OK)
        return err;
    if (e.number != told || told < f->genesis->l1_number ||
        (told == f->genesis->l1_number && !ts_hash_equal(&e.hash, &f->genesis->l1_hash)))
        return TS_E_CORRUPT;
    const struct ts_l1_answer_block b = {
        .number = told, .hash = e.hash, .parent = parent, .time = e.time, .header = header};
    return ts_l1f_block_take(&b, out);
}

static ts_err load(struct ts_l1_follower *f, ts_bytes saved)
{
    struct ts_reader r = ts_reader_of(saved);
    struct l1f_block b;
    ts_hash genesis;
    ts_read_list(&r);
    uint64_t version = ts_read_u64(&r);
    ts_read_hash(&r, &genesis);
    if (r.err == TS_OK && version != VERSION)
        return TS_E_VERSION;
    if (r.err == TS_OK && !ts_hash_equal(&genesis, &f->genesis->hash))
        return TS_E_FOREIGN;
    bool has_rollups = ts_read_uint(&r, 1) != 0;
    uint64_t told = ts_read_u64(&r);
    ts_bytes header = ts_read_bytes(&r, TS_MAX_L1_HEADER);
    uint64_t done = ts_read_u64(&r);
    read_changes(f, &r, told);
    read_pending(f, &r, told);
    ts_read_list_end(&r);
    if (ts_reader_done(&r) != TS_OK)
        return ts_reader_done(&r);
    if (f->s.wants_rollups && !has_rollups)
        return TS_E_UNSUPPORTED;
    ts_err err = read_told(f, told, header, &b);
    if (err != TS_OK)
        return err;
    ts_l1f_line_reset(f, &b);
    f->told = f->sealed = f->scanned = told;
    f->rollup_done = done;
    ts_l1f_rollup_cut(f, told);
    return TS_OK;
}

ts_err ts_l1_follower_load(struct ts_l1_follower *f, ts_bytes saved)
{
    TS_CHECK(f->n_line == 0 && f->n_changes == 0 && f->next_id == 1);
    ts_err err = load(f, saved);
    if (err == TS_OK)
        return TS_OK;
    ts_l1f_list_undo(f, 0);
    f->n_pending = 0;
    return err == TS_E_NOT_FOUND ? TS_OK : err;
}
