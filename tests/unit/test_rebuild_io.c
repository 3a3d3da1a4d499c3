/* SPDX-License-Identifier: Apache-2.0 */
/* The rebuild with its files and threads: what comes out is on disk, a run that was cut off is gone
 * on with, and payloads are those of the seals. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "crypto/sign.h"
#include "rebuild/ahead.h"
#include "rebuild/dir.h"
#include "rebuild/pipe.h"
#include "rebuild_kit.h"

/* ---- a place for files ---- */

struct place {
    char top[64];
    char dir[96];
};

static void place_open(struct place *p)
{
    (void)snprintf(p->top, sizeof(p->top), "/tmp/tsrebuildXXXXXX");
    assert_non_null(mkdtemp(p->top));
    (void)snprintf(p->dir, sizeof(p->dir), "%s/out", p->top);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void place_close(struct place *p)
{
    assert_int_equal(nftw(p->top, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static const char *in_place(const struct place *p, const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    return path;
}

static void read_file(const char *path, struct ts_buf *out)
{
    uint8_t piece[4096];
    size_t n;
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    ts_buf_reset(out);
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        ts_buf_put(out, piece, n);
    fclose(f);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_same_file(const struct place *a, const struct place *b, const char *name)
{
    struct ts_buf x, y;
    ts_buf_init(&x, 0);
    ts_buf_init(&y, 0);
    read_file(in_place(a, name), &x);
    read_file(in_place(b, name), &y);
    assert_true(x.n > 0 && ts_bytes_equal(ts_buf_bytes(&x), ts_buf_bytes(&y)));
    ts_buf_free(&x);
    ts_buf_free(&y);
}

/* ---- runs ---- */

static ts_hash number_hash(uint64_t number)
{
    ts_hash h = {{0}};
    memcpy(h.b, &number, sizeof(number));
    return h;
}

static void put_numbers(struct ts_runs *r, uint64_t last)
{
    char item[32];
    while (r->next <= last) {
        ts_hash hash = number_hash(r->next);
        int n = snprintf(item, sizeof(item), "item %llu", (unsigned long long)r->next);
        assert_int_equal(ts_runs_put(r, &hash, ts_bytes_of(item, (size_t)n)), TS_OK);
    }
}

static void assert_numbers(const char *dir, uint64_t first, uint64_t last)
{
    struct ts_runs r;
    struct ts_buf item;
    char want[32];
    ts_hash hash;
    ts_buf_init(&item, 0);
    assert_int_equal(ts_runs_read(&r, dir, first), TS_OK);
    for (uint64_t n = first; n <= last; n++) {
        ts_hash is = number_hash(n);
        size_t size = (size_t)snprintf(want, sizeof(want), "item %llu", (unsigned long long)n);
        assert_int_equal(ts_runs_get(&r, &hash, &item), TS_OK);
        assert_true(ts_hash_equal(&hash, &is));
        assert_true(ts_bytes_equal(ts_buf_bytes(&item), ts_bytes_of(want, size)));
    }
    assert_int_not_equal(ts_runs_get(&r, &hash, &item), TS_OK); /* there is no more */
    ts_runs_close(&r);
    ts_buf_free(&item);
}

static void batches_are_read_back_from_anywhere(void **state)
{
    (void)state;
    struct place p;
    struct ts_runs r;
    place_open(&p);
    assert_int_equal(ts_runs_append(&r, p.dir, 0), TS_OK);
    put_numbers(&r, 20005);
    ts_runs_close(&r);
    const uint64_t firsts[] = {1, 2, 9999, 10000, 10001, 20000, 20001, 20005};
    for (size_t i = 0; i < TS_COUNT(firsts); i++)
        assert_numbers(p.dir, firsts[i], 20005);
    /* Each file says where it begins; 40 bytes of index for each batch. */
    struct stat st;
    assert_int_equal(stat(in_place(&p, "0000010001.idx"), &st), 0);
    assert_int_equal(st.st_size, 10000 * 40);
    place_close(&p);
}

static void what_is_behind_the_last_is_cut_away(void **state)
{
    (void)state;
    const uint64_t lasts[] = {20003, 20000, 10001, 10000, 3, 0};
    struct place p;
    struct ts_runs r;
    place_open(&p);
    for (size_t i = 0; i < TS_COUNT(lasts); i++) {
        assert_int_equal(ts_runs_append(&r, p.dir, 0), TS_OK);
        put_numbers(&r, 20005);
        ts_runs_close(&r);
        assert_int_equal(ts_runs_append(&r, p.dir, lasts[i]), TS_OK);
        assert_int_equal(r.next, lasts[i] + 1);
        put_numbers(&r, lasts[i] + 1);
        assert_int_equal(ts_runs_sync(&r), TS_OK);
        ts_runs_close(&r);
        assert_numbers(p.dir, 1, lasts[i] + 1);
    }
    place_close(&p);
}

static void a_damaged_run_is_told(void **state)
{
    (void)state;
    struct place p;
    struct ts_runs r;
    struct ts_buf item;
    ts_hash hash;
    place_open(&p);
    ts_buf_init(&item, 0);
    assert_int_equal(ts_runs_append(&r, p.dir, 0), TS_OK);
    put_numbers(&r, 5);
    ts_runs_close(&r);
    assert_int_equal(ts_runs_append(&r, p.dir, 6), TS_E_CORRUPT);
    assert_non_null(strstr(r.why, p.dir));
    assert_int_equal(truncate(in_place(&p, "0000000001.rlp"), 8), 0);
    assert_int_equal(ts_runs_append(&r, p.dir, 4), TS_E_CORRUPT);
    assert_int_equal(ts_runs_read(&r, p.dir, 1), TS_OK);
    assert_int_equal(ts_runs_get(&r, &hash, &item), TS_OK);
    assert_int_equal(ts_runs_get(&r, &hash, &item), TS_E_CORRUPT);
    ts_runs_close(&r);
    write_file(in_place(&p, "0000000001.idx"),
               "\xff\xff\xff\xff\xff\xff\xff\xff an entry that makes no sense.");
    assert_int_equal(ts_runs_read(&r, p.dir, 1), TS_OK);
    assert_int_equal(ts_runs_get(&r, &hash, &item), TS_E_CORRUPT);
    ts_runs_close(&r);
    assert_int_equal(ts_runs_append(&r, "/dev/null/x", 0), TS_E_IO);
    ts_buf_free(&item);
    place_close(&p);
}

/* ---- the directory ---- */

/* A rebuild into a directory, a rollup at a time. */
struct job {
    struct world *w;
    struct ts_dir dir;
    struct ts_rebuild *r;
};

static ts_err l1_hash(void *ctx, uint64_t number, ts_hash *out)
{
    const struct job *j = ctx;
    *out = j->w->l1_hashes[number];
    return TS_OK;
}

static ts_err all_listed(void *ctx, const struct ts_rollup *rollup, const ts_address *id, bool *out)
{
    (void)ctx;
    (void)rollup;
    (void)id;
    *out = true;
    return TS_OK;
}

static ts_err to_dir(void *ctx, const struct ts_rebuilt *b)
{
    struct job *j = ctx;
    return ts_dir_batch(&j->dir, b);
}

static ts_err job_open(struct job *j, struct world *w, const struct place *p)
{
    const struct ts_rebuild_config c = {.genesis = &w->k->genesis,
                                        .crypto = w->k->crypto,
                                        .engine = &ts_ledger_engine,
                                        .seed = {1, 2},
                                        .ctx = j,
                                        .l1_hash = l1_hash,
                                        .is_listed = all_listed,
                                        .batch = to_dir};
    j->w = w;
    assert_int_equal(ts_rebuild_new(&c, &j->r), TS_OK);
    return ts_dir_open(&j->dir, p->dir, &w->k->genesis, j->r);
}

static void job_take(struct job *j, size_t i)
{
    const struct ts_msg_rolled *u = &j->w->rolled[i];
    assert_int_equal(ts_rebuild_rollup(j->r, &u->rollup, u->data, NULL), TS_OK);
    assert_int_equal(ts_dir_rollup(&j->dir, &u->rollup, j->r), TS_OK);
}

static void job_close(struct job *j)
{
    ts_dir_close(&j->dir);
    ts_rebuild_free(j->r);
}

static void assert_whole(struct world *w, const struct place *p)
{
    struct ts_runs runs;
    struct ts_buf item, want;
    ts_hash hash;
    char dir[256];
    ts_buf_init(&item, 0);
    ts_buf_init(&want, 0);
    (void)snprintf(dir, sizeof(dir), "%s", in_place(p, "rebuilt"));
    assert_int_equal(ts_runs_read(&runs, dir, 1), TS_OK);
    for (uint64_t n = 1; n <= 11; n++) {
        struct ts_batch was = ek_decode(w->k, ek_batch(w->k, n));
        ts_buf_reset(&want);
        size_t mark = ts_put_list(&want);
        ts_put_raw(&want, was.raw_header);
        ts_put_raw(&want, was.raw_txs);
        ts_put_list_end(&want, mark);
        assert_int_equal(ts_runs_get(&runs, &hash, &item), TS_OK);
        assert_true(ts_bytes_equal(ts_buf_bytes(&item), ts_buf_bytes(&want)));
    }
    assert_true(ts_hash_equal(&hash, &w->k->chain.head.hash));
    ts_runs_close(&runs);
    ts_buf_free(&item);
    ts_buf_free(&want);
}

/* Whatever was written behind the state that is on disk, the next run comes to the same files. */
static void a_run_that_was_cut_off_is_gone_on_with(void **state)
{
    (void)state;
    struct world w;
    struct place whole, cut;
    struct job j;
    world_open(&w);
    place_open(&whole);
    assert_int_equal(job_open(&j, &w, &whole), TS_OK);
    for (size_t i = 0; i < 3; i++)
        job_take(&j, i);
    assert_int_equal(ts_dir_save(&j.dir, j.r), TS_OK);
    assert_int_equal(j.dir.n_txs, 15);
    job_close(&j);
    assert_whole(&w, &whole);
    for (size_t saved = 0; saved <= 3; saved++) {
        for (size_t more = saved; more <= 3; more++) {
            place_open(&cut);
            assert_int_equal(job_open(&j, &w, &cut), TS_OK);
            for (size_t i = 0; i < saved; i++)
                job_take(&j, i);
            assert_int_equal(ts_dir_save(&j.dir, j.r), TS_OK);
            for (size_t i = saved; i < more; i++)
                job_take(&j, i);
            job_close(&j);
            assert_int_equal(job_open(&j, &w, &cut), TS_OK);
            assert_int_equal(ts_rebuild_count(j.r), saved);
            for (size_t i = saved; i < 3; i++)
                job_take(&j, i);
            assert_int_equal(ts_dir_save(&j.dir, j.r), TS_OK);
            assert_int_equal(j.dir.n_txs, 15);
            assert_memory_equal(ts_rebuild_head(j.r), &w.k->chain.head, sizeof(struct ts_head));
            job_close(&j);
            assert_whole(&w, &cut);
            assert_same_file(&whole, &cut, "rollups.rlp");
            assert_same_file(&whole, &cut, "state");
            assert_same_file(&whole, &cut, "rebuilt/0000000001.idx");
            place_close(&cut);
        }
    }
    place_close(&whole);
    world_close(&w);
}

#define assert_refused(p, w, code, says)                                                           \
    do {                                                                                           \
        struct job refused_;                                                                       \
        assert_string_equal(ts_err_name((int)job_open(&refused_, (w), (p))),                       \
                            ts_err_name((int)(code)));                                             \
        assert_non_null(strstr(refused_.dir.why, (says)));                                         \
        job_close(&refused_);                                                                      \
    } while (0)

static void flip(const char *path, long at)
{
    FILE *f = fopen(path, "r+e");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    int c = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fputc(c ^ 1, f), c ^ 1);
    assert_int_equal(fclose(f), 0);
}

static void a_directory_that_is_not_its_own_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct place p;
    struct job j;
    world_open(&w);
    place_open(&p);
    assert_int_equal(mkdir(p.dir, 0777), 0);
    write_file(in_place(&p, "mine"), "x");
    assert_refused(&p, &w, TS_E_USAGE, "is not empty");
    assert_int_equal(unlink(in_place(&p, "mine")), 0);
    assert_int_equal(job_open(&j, &w, &p), TS_OK);
    assert_refused(&p, &w, TS_E_BUSY, "another rebuild is at work");
    job_take(&j, 0);
    assert_int_equal(ts_dir_save(&j.dir, j.r), TS_OK);
    job_close(&j);
    struct stat st;
    assert_int_equal(stat(in_place(&p, "state"), &st), 0);
    for (long at = 0; at < st.st_size; at += 7) {
        flip(in_place(&p, "state"), at);
        assert_refused(&p, &w, TS_E_CORRUPT, "state is damaged");
        flip(in_place(&p, "state"), at);
    }
    flip(in_place(&p, "rebuilt/0000000001.idx"), 3 * 40 + 12);
    assert_refused(&p, &w, TS_E_CORRUPT, "batch 4 in");
    flip(in_place(&p, "rebuilt/0000000001.idx"), 3 * 40 + 12);
    assert_int_equal(truncate(in_place(&p, "rollups.rlp"), 5), 0);
    assert_refused(&p, &w, TS_E_CORRUPT, "rollups.rlp is too short");
    flip(in_place(&p, "genesis.rlp"), 60);
    assert_refused(&p, &w, TS_E_USAGE, "another genesis");
    place_close(&p);
    world_close(&w);
}

/* A disk that takes no more: it is told, and what was saved before is gone on with. */
static void a_full_disk_is_told(void **state)
{
    (void)state;
    const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    const struct rlimit small = {.rlim_cur = 2000, .rlim_max = RLIM_INFINITY};
    struct world w;
    struct place p;
    struct job j;
    world_open(&w);
    place_open(&p);
    assert_int_equal(job_open(&j, &w, &p), TS_OK);
    job_take(&j, 0);
    assert_int_equal(ts_dir_save(&j.dir, j.r), TS_OK);
    job_take(&j, 1);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(ts_dir_save(&j.dir, j.r), TS_E_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_non_null(strstr(j.dir.why, "cannot write in"));
    assert_non_null(strstr(j.dir.why, strerror(EFBIG)));
    job_close(&j);
    assert_int_equal(job_open(&j, &w, &p), TS_OK);
    assert_int_equal(ts_rebuild_count(j.r), 1);
    job_take(&j, 1);
    job_take(&j, 2);
    assert_int_equal(ts_dir_save(&j.dir, j.r), TS_OK);
    job_close(&j);
    assert_whole(&w, &p);
    place_close(&p);
    world_close(&w);
}

/* ---- save and load of the core ---- */

struct cursor {
    ts_bytes left;
};

static ts_err get_bytes(void *ctx, void *p, size_t n)
{
    struct cursor *c = ctx;
    if (c->left.n < n)
        return TS_E_TRUNCATED;
    memcpy(p, c->left.p, n);
    c->left = ts_bytes_of(c->left.p + n, c->left.n - n);
    return TS_OK;
}

static ts_err put_bytes(void *ctx, const void *p, size_t n)
{
    ts_buf_put(ctx, p, n);
    return TS_OK;
}

static void a_state_that_is_none_leaves_it_at_genesis(void **state)
{
    (void)state;
    struct world w;
    struct ts_buf saved;
    const struct ts_sink sink = {.ctx = &saved, .write = put_bytes};
    world_open(&w);
    ts_buf_init(&saved, 0);
    assert_int_equal(ts_rebuild_rollup(w.rebuild, &w.rolled[0].rollup, w.rolled[0].data, NULL),
                     TS_OK);
    assert_int_equal(ts_rebuild_save(w.rebuild, &sink), TS_OK);
    world_start(&w);
    for (size_t n = 0; n <= saved.n; n += n + 13 > saved.n && n < saved.n ? saved.n - n : 13) {
        struct cursor c = {ts_bytes_of(saved.p, n)};
        const struct ts_source source = {.ctx = &c, .read = get_bytes};
        assert_int_equal(ts_rebuild_load(w.rebuild, &source), n < saved.n ? TS_E_TRUNCATED : TS_OK);
        assert_int_equal(ts_rebuild_head(w.rebuild)->number, n < saved.n ? 0 : 4);
    }
    /* A state root that is not the engine's. */
    world_start(&w);
    saved.p[40 + 64 + 3] ^= 1;
    struct cursor c = {ts_buf_bytes(&saved)};
    const struct ts_source source = {.ctx = &c, .read = get_bytes};
    assert_int_equal(ts_rebuild_load(w.rebuild, &source), TS_E_CORRUPT);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ts_rebuild_rollup(w.rebuild, &w.rolled[i].rollup, w.rolled[i].data, NULL),
                         TS_OK);
    ts_buf_free(&saved);
    world_close(&w);
}

/* ---- payloads ---- */

static ts_bytes rebuilt_of(struct world *w, uint64_t number, ts_hash *hash)
{
    struct ts_batch b = ek_decode(w->k, ek_batch(w->k, number));
    struct ts_buf out;
    ts_buf_init(&out, 0);
    size_t mark = ts_put_list(&out);
    ts_put_raw(&out, b.raw_header);
    ts_put_raw(&out, b.raw_txs);
    ts_put_list_end(&out, mark);
    ts_header_hash(&w->k->genesis.domain, &b.header, hash);
    ts_bytes kept = world_keep(w->k, ts_buf_bytes(&out));
    ts_buf_free(&out);
    return kept;
}

static ts_err fold(struct world *w, struct ts_fold *f, ts_bytes raw, char why[TS_FOLD_WHY])
{
    ts_hash hash;
    ts_bytes rebuilt = rebuilt_of(w, f->number + 1, &hash);
    return ts_fold_batch(f, raw, rebuilt, &hash, why);
}

static ts_bytes edited(struct world *w, uint64_t number, void (*edit)(struct ts_batch *b))
{
    struct ts_batch b = ek_decode(w->k, ek_batch(w->k, number));
    struct ts_buf out;
    ts_buf_init(&out, 0);
    edit(&b);
    ts_batch_put(&out, &b);
    ts_bytes kept = world_keep(w->k, ts_buf_bytes(&out));
    ts_buf_free(&out);
    return kept;
}

static void drop_reports(struct ts_batch *b)
{
    b->payload.n_reports = 0;
}

static void change_report(struct ts_batch *b)
{
    b->payload.reports[0].sig.b[3] ^= 1;
}

static void change_seal(struct ts_batch *b)
{
    b->seal.b[9] ^= 1;
}

static void break_seal(struct ts_batch *b)
{
    b->seal.b[64] = 3;
}

static void change_header(struct ts_batch *b)
{
    b->header.time++;
}

static void drop_transaction(struct ts_batch *b)
{
    b->n_txs = b->n_txs > 0 ? b->n_txs - 1 : 0;
}

static void each_payload_is_the_one_that_was_sealed(void **state)
{
    (void)state;
    static const struct {
        void (*edit)(struct ts_batch *b);
        const char *says;
    } edits[] = {
        {drop_reports, "batch 4: its payload was edited"},
        {change_report, "batch 4: its payload was edited"},
        {change_seal, "batch 4: its payload was edited, or its seal"},
        {break_seal, "batch 4: its payload was edited, or its seal"},
        {change_header, "batch 4: its header is not the one that L1 gives"},
        {drop_transaction, "batch 4: its transactions are not those"},
    };
    struct world w;
    char why[TS_FOLD_WHY];
    world_open(&w);
    struct ts_fold f = {.genesis = &w.k->genesis, .crypto = w.k->crypto};
    for (uint64_t n = 1; n <= 11; n++) {
        for (size_t i = 0; i < TS_COUNT(edits) && n == 4; i++) {
            const struct ts_fold before = f;
            assert_int_not_equal(fold(&w, &f, edited(&w, n, edits[i].edit), why), TS_OK);
            assert_non_null(strstr(why, edits[i].says));
            assert_memory_equal(&f, &before, sizeof(f));
        }
        if (n == 5) {
            assert_int_equal(fold(&w, &f, ek_batch(w.k, 6), why), TS_E_OUT_OF_ORDER);
            assert_non_null(strstr(why, "batch 5: it is missing: batch 6 came"));
            ts_bytes raw = ek_batch(w.k, 5);
            assert_int_not_equal(fold(&w, &f, ts_bytes_of(raw.p, raw.n - 1), why), TS_OK);
            assert_non_null(strstr(why, "batch 5: it does not decode"));
        }
        assert_int_equal(fold(&w, &f, ek_batch(w.k, n), why), TS_OK);
        for (size_t i = 0; i < 3; i++)
            if (w.rolled[i].rollup.last_number == n)
                assert_int_equal(ts_fold_rollup(&f, &w.rolled[i].rollup, why), TS_OK);
    }
    assert_true(ts_hash_equal(&f.root, &w.k->chain.head.protocol_root));
    struct ts_rollup other = w.rolled[2].rollup;
    other.protocol_root.b[0] ^= 1;
    assert_int_equal(ts_fold_rollup(&f, &other, why), TS_E_CONFLICT);
    assert_non_null(strstr(why, "batches 11 to 11"));
    world_close(&w);
}

/* ---- the pipe ---- */

struct flow {
    struct world *w;
    uv_loop_t loop;
    struct ts_pipe *pipe;
    uint64_t told, rollups, asked[64];
    size_t n_asked;
    ts_err batch_err;
};

static ts_err count_batch(void *ctx, const struct ts_rebuilt *b)
{
    struct flow *f = ctx;
    if (b->header->number != f->told + 1)
        return TS_E_OUT_OF_ORDER;
    f->told++;
    return f->batch_err;
}

static ts_err count_rollup(void *ctx, const struct ts_rollup *rollup, const struct ts_rebuild *r)
{
    struct flow *f = ctx;
    f->rollups++;
    return ts_rebuild_head(r)->number == rollup->last_number ? TS_OK : TS_E_CONFLICT;
}

static void note_blocks(void *ctx)
{
    struct flow *f = ctx;
    while (ts_pipe_next_block(f->pipe, &f->asked[f->n_asked]))
        f->n_asked++;
}

static void flow_open(struct flow *f, struct world *w)
{
    *f = (struct flow){.w = w};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    const struct ts_pipe_config c = {.loop = &f->loop,
                                     .genesis = &w->k->genesis,
                                     .crypto = w->k->crypto,
                                     .engine = &ts_ledger_engine,
                                     .seed = {5, 6},
                                     .ctx = f,
                                     .batch = count_batch,
                                     .taken = count_rollup,
                                     .moved = note_blocks};
    assert_int_equal(ts_pipe_new(&c, &f->pipe), TS_OK);
}

static void flow_give(struct flow *f, const struct ts_msg_rolled *u)
{
    assert_true(ts_pipe_has_room(f->pipe));
    assert_int_equal(ts_pipe_give(f->pipe, &u->rollup, u->data, f->w->k->genesis.whitelist, 2),
                     TS_OK);
}

/* Runs what there is in threads, and answers what was asked for, the newest question first. */
static void flow_run(struct flow *f)
{
    do {
        (void)uv_run(&f->loop, UV_RUN_DEFAULT);
        if (f->n_asked > 0) {
            uint64_t number = f->asked[--f->n_asked];
            ts_pipe_block(f->pipe, number, &f->w->l1_hashes[number], &f->w->l1_hashes[number - 1]);
        }
    } while (f->n_asked > 0 || uv_loop_alive(&f->loop));
}

static void flow_close(struct flow *f)
{
    ts_pipe_stop(f->pipe);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(ts_pipe_is_idle(f->pipe));
    ts_pipe_free(f->pipe);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static void the_chain_comes_back_through_threads(void **state)
{
    (void)state;
    struct world w;
    struct flow f;
    world_open(&w);
    flow_open(&f, &w);
    for (size_t i = 0; i < 3; i++)
        flow_give(&f, &w.rolled[i]);
    flow_run(&f);
    assert_true(ts_pipe_is_idle(f.pipe));
    assert_null(ts_pipe_fault(f.pipe));
    assert_int_equal(f.told, 11);
    assert_int_equal(f.rollups, 3);
    assert_int_equal(ts_pipe_number(f.pipe), 11);
    assert_int_equal(ts_pipe_count(f.pipe), 3);
    assert_memory_equal(ts_rebuild_head(ts_pipe_rebuild(f.pipe)), &w.k->chain.head,
                        sizeof(struct ts_head));
    flow_close(&f);
    world_close(&w);
}

/* A block tells the hash of the one before it, and none is asked for twice. */
static void few_blocks_are_asked_for(void **state)
{
    (void)state;
    struct world w;
    struct flow f;
    bool seen[64] = {false};
    world_open(&w);
    flow_open(&f, &w);
    flow_give(&f, &w.rolled[0]);
    (void)uv_run(&f.loop, UV_RUN_DEFAULT);
    /* It names 1 and 2, and 61 itself; 2 tells 1. */
    assert_int_equal(f.n_asked, 2);
    assert_true(f.asked[0] == 61 && f.asked[1] == 2);
    flow_give(&f, &w.rolled[1]);
    flow_give(&f, &w.rolled[2]);
    (void)uv_run(&f.loop, UV_RUN_DEFAULT);
    for (size_t i = 0; i < f.n_asked; i++) {
        assert_false(seen[f.asked[i]]);
        seen[f.asked[i]] = true;
    }
    flow_run(&f);
    assert_int_equal(f.told, 11);
    flow_close(&f);
    world_close(&w);
}

static void what_is_wrong_ends_the_pipe(void **state)
{
    (void)state;
    struct world w;
    struct flow f;
    world_open(&w);
    /* A rollup that is not the next. */
    flow_open(&f, &w);
    flow_give(&f, &w.rolled[1]);
    flow_give(&f, &w.rolled[0]);
    flow_run(&f);
    assert_int_equal(ts_pipe_fault(f.pipe)->code, TS_E_OUT_OF_ORDER);
    assert_false(ts_pipe_has_room(f.pipe));
    assert_int_equal(f.told, 0);
    flow_close(&f);
    /* Data that do not decode. */
    struct ts_msg_rolled r = w.rolled[0];
    r.data.n--;
    flow_open(&f, &w);
    flow_give(&f, &r);
    flow_run(&f);
    assert_int_equal(ts_pipe_fault(f.pipe)->code, TS_E_CORRUPT);
    flow_close(&f);
    /* A signer that is not on the list. */
    flow_open(&f, &w);
    assert_int_equal(ts_pipe_give(f.pipe, &w.rolled[0].rollup, w.rolled[0].data, NULL, 0), TS_OK);
    flow_run(&f);
    assert_int_equal(ts_pipe_fault(f.pipe)->code, TS_E_NOT_WHITELISTED);
    flow_close(&f);
    /* Who takes the batches says no. */
    flow_open(&f, &w);
    f.batch_err = TS_E_DISK_FULL;
    flow_give(&f, &w.rolled[0]);
    flow_run(&f);
    assert_int_equal(ts_pipe_fault(f.pipe)->code, TS_E_DISK_FULL);
    flow_close(&f);
    /* It is left while rollups wait for L1, and while threads work. */
    flow_open(&f, &w);
    for (size_t i = 0; i < 3; i++)
        flow_give(&f, &w.rolled[i]);
    flow_close(&f);
    world_close(&w);
}

/* ---- ahead ---- */

static void senders_are_known_before_their_turn(void **state)
{
    (void)state;
    struct world w;
    struct ts_ahead a;
    ts_address sender, again;
    world_open(&w);
    assert_int_equal(
        ts_ahead_make(&w.k->genesis, w.k->crypto, &w.rolled[0].rollup, w.rolled[0].data, &a),
        TS_OK);
    assert_int_equal(a.n_senders, 9);
    assert_int_equal(a.n_l1, 3); /* 1, 2, and 61 of the rollup itself */
    assert_true(a.l1[0] == 1 && a.l1[1] == 2 && a.l1[2] == 61);
    for (size_t i = 0; i < a.n_senders; i++) {
        struct ts_ahead_sender s = a.senders[i];
        assert_int_equal(ts_recover(w.k->crypto, &s.digest, &s.sig, &again), TS_OK);
        assert_true(ts_ahead_sender(&a, &s.digest, &s.sig, &sender));
        assert_true(ts_address_equal(&sender, &again));
        s.sig.b[0] ^= 1;
        assert_false(ts_ahead_sender(&a, &s.digest, &s.sig, &sender));
        s.digest.b[0] ^= 1;
        assert_false(ts_ahead_sender(&a, &s.digest, &s.sig, &sender));
    }
    ts_ahead_free(&a);
    struct ts_msg_rolled r = w.rolled[0];
    r.data.n--;
    assert_int_equal(ts_ahead_make(&w.k->genesis, w.k->crypto, &r.rollup, r.data, &a), TS_OK);
    assert_true(a.n_senders == 0 && a.n_l1 == 1 && a.l1[0] == 61);
    ts_ahead_free(&a);
    r.rollup.last_number = 0;
    assert_int_equal(ts_ahead_make(&w.k->genesis, w.k->crypto, &r.rollup, r.data, &a), TS_OK);
    assert_true(a.n_senders == 0 && a.n_l1 == 1);
    ts_ahead_free(&a);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_read_back_from_anywhere),
        cmocka_unit_test(what_is_behind_the_last_is_cut_away),
        cmocka_unit_test(a_damaged_run_is_told),
        cmocka_unit_test(a_run_that_was_cut_off_is_gone_on_with),
        cmocka_unit_test(a_directory_that_is_not_its_own_is_refused),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(a_state_that_is_none_leaves_it_at_genesis),
        cmocka_unit_test(each_payload_is_the_one_that_was_sealed),
        cmocka_unit_test(the_chain_comes_back_through_threads),
        cmocka_unit_test(few_blocks_are_asked_for),
        cmocka_unit_test(what_is_wrong_ends_the_pipe),
        cmocka_unit_test(senders_are_known_before_their_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
