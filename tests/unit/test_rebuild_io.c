/* SPDX-License-Identifier: Apache-2.0 */
/* The rebuild's files: what comes out is on disk, and a run that was cut off is gone on with. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "rebuild/dir.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_read_back_from_anywhere),
        cmocka_unit_test(what_is_behind_the_last_is_cut_away),
        cmocka_unit_test(a_damaged_run_is_told),
        cmocka_unit_test(a_run_that_was_cut_off_is_gone_on_with),
        cmocka_unit_test(a_directory_that_is_not_its_own_is_refused),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
