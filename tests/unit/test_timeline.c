/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline: what it tells of histories of the testnet, that it agrees with the audit, that its
 * windows agree with it, and its bounds on made-up chains that are long. */
#include <stdlib.h>

#include "alloc_kit.h"
#include "audit/timeline.h"
#include "audit_kit.h"
#include "chain/batch.h"

/* ---- following a testnet --------------------------------------------------------------------- */

static void feed(struct ts_timeline *t, const struct testnet *net, uint64_t from, uint64_t to)
{
    struct ts_arena arena;
    struct ts_batch b;
    ts_hash hash;
    ts_arena_init(&arena, 0);
    for (uint64_t n = from; n <= to; n++) {
        ts_arena_reset(&arena);
        tn_decode(net, n, &arena, &b);
        ts_header_hash(&net->genesis.domain, &b.header, &hash);
        assert_int_equal(ts_timeline_batch(t, &b, &hash), TS_OK);
    }
    ts_arena_free(&arena);
}

static struct ts_timeline *timeline_of(const struct testnet *net)
{
    struct ts_timeline *t = ts_timeline_new(&net->genesis);
    assert_non_null(t);
    feed(t, net, 1, net->chain.head.number);
    assert_int_equal(ts_timeline_head(t), net->chain.head.number);
    return t;
}

static struct ts_timeline_view look(const struct ts_timeline *t, uint64_t from, uint64_t to,
                                    size_t points)
{
    struct ts_timeline_view v;
    assert_int_equal(ts_timeline_look(t, from, to, points, 512, &v), TS_OK);
    return v;
}

static const struct ts_lane_view *lane_of(const struct ts_timeline_view *v, const ts_address *id)
{
    for (size_t i = 0; i < v->n_lanes; i++) {
        if (ts_address_equal(&v->lanes[i].id, id))
            return &v->lanes[i];
    }
    fail_msg("there is no such lane");
    return NULL;
}

/* A lane as letters: n.one, A.ctive, p.assive, s.tarting, - absent, x revoked. */
static const char *letters(const struct ts_timeline_view *v, const ts_address *id)
{
    static char text[5][TS_TIMELINE_BUCKETS + 1];
    static size_t which;
    char *out = text[which++ % 5];
    const struct ts_lane_view *l = lane_of(v, id);
    for (size_t i = 0; i < v->n; i++)
        out[i] = "nAps-x"[l->states[i]];
    out[v->n] = '\0';
    return out;
}

static size_t marks_of(const struct ts_timeline_view *v, enum ts_mark_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n_marks; i++)
        n += v->marks[i].kind == kind;
    return n;
}

static void a_failover_is_seen(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3); /* batch 1 */
    tn_run(net, 3);
    tn_crash(net, 0);
    tn_activate(net, 1);
    tn_run(net, 2); /* 5 is the first by 1 */
    tn_boot(net, 0);
    tn_run(net, 2);
    tn_step_down(net, 1);
    tn_activate(net, 2);
    tn_run(net, 2); /* 9 */
    struct ts_timeline *t = timeline_of(net);
    struct ts_timeline_view v = look(t, 1, 10, 100);
    assert_int_equal(v.n, 10);
    assert_int_equal(v.width, 1);
    assert_string_equal(letters(&v, tn_id(net, 0)), "AAAA--sppp");
    assert_string_equal(letters(&v, tn_id(net, 1)), "spppAAAApp");
    assert_string_equal(letters(&v, tn_id(net, 2)), "spppppppAA");
    assert_int_equal(marks_of(&v, TS_MARK_START), 3);
    assert_int_equal(marks_of(&v, TS_MARK_ACTIVATION), 1);
    assert_int_equal(marks_of(&v, TS_MARK_TAKEOVER), 1);
    assert_int_equal(marks_of(&v, TS_MARK_RESTART), 1);
    assert_int_equal(marks_of(&v, TS_MARK_CLEAN_TAKEOVER), 1);
    assert_int_equal(v.n_marks, 7);
    assert_int_equal(v.marks_left_out, 0);
    const struct ts_mark *last = &v.marks[6];
    assert_int_equal(last->number, 9);
    assert_true(ts_address_equal(&last->enclave, tn_id(net, 2)));
    assert_int_not_equal(last->index, TS_MARK_NO_INDEX);
    assert_int_equal(v.n_times, 2);
    assert_int_equal(v.times[0].number, 5);
    assert_false(v.times[0].is_clean);
    assert_int_equal(v.times[0].ms, 1000); /* a second goes by with each batch */
    assert_true(v.times[1].is_clean);
    assert_int_equal(v.buckets[4].takeovers, 1);
    assert_int_equal(v.buckets[4].unclean, 1);
    assert_int_equal(v.buckets[8].takeovers, 1);
    assert_int_equal(v.buckets[8].unclean, 0);
    assert_int_equal(v.buckets[9].term, 3);
    ts_timeline_view_free(&v);
    /* Fewer points: the most of each four; what was absent is not lost. */
    v = look(t, 1, 10, 3);
    assert_int_equal(v.n, 3);
    assert_int_equal(v.width, 4);
    assert_string_equal(letters(&v, tn_id(net, 0)), "A-p");
    assert_int_equal(lane_of(&v, tn_id(net, 0))->absent[1], 2);
    assert_int_equal(v.buckets[1].takeovers, 1);
    assert_int_equal(v.first[2], 9);
    assert_int_equal(v.to, 10);
    ts_timeline_view_free(&v);
    ts_timeline_free(t);
    tn_free(net);
}

static void the_list_of_enclaves_is_seen(void **state)
{
    (void)state;
    struct tn_options o = {.enclaves = 4, .whitelisted = 3};
    struct testnet *net = tn_new(&o);
    tn_start(net);
    tn_run(net, 2); /* 3 */
    tn_whitelist_add(net, 3);
    tn_run(net, 2); /* granted in 4 */
    tn_boot(net, 3);
    tn_run(net, 2); /* starts in 6 */
    tn_whitelist_remove(net, 2);
    tn_run(net, 2); /* revoked in 8 */
    struct ts_timeline *t = timeline_of(net);
    struct ts_timeline_view v = look(t, 1, 9, 100);
    assert_string_equal(letters(&v, tn_id(net, 3)), "nnnsssppp");
    assert_string_equal(letters(&v, tn_id(net, 2)), "sppppppxx");
    assert_int_equal(marks_of(&v, TS_MARK_GRANTED), 1);
    assert_int_equal(marks_of(&v, TS_MARK_REVOKED), 1);
    for (size_t i = 0; i < v.n_marks; i++) {
        bool is_notice = v.marks[i].kind == TS_MARK_GRANTED || v.marks[i].kind == TS_MARK_REVOKED;
        assert_int_equal(v.marks[i].index == TS_MARK_NO_INDEX, is_notice);
    }
    ts_timeline_view_free(&v);
    ts_timeline_free(t);
    tn_free(net);
}

/* Between reports it is as it was: nobody is taken for one that follows who has never started. */
static void between_reports_all_is_as_it_was(void **state)
{
    (void)state;
    struct tn_options o = {.enclaves = 3, .report_every = 4};
    struct testnet *net = tn_new(&o);
    tn_boot(net, 0);
    tn_boot(net, 1);
    tn_activate(net, 0);
    tn_run(net, 6);
    tn_step_down(net, 0);
    tn_activate(net, 1);
    tn_run(net, 4); /* 7 to 10 */
    struct ts_timeline *t = timeline_of(net);
    struct ts_timeline_view v = look(t, 1, 10, 100);
    assert_string_equal(letters(&v, tn_id(net, 0)), "AAAAAApppp");
    assert_string_equal(letters(&v, tn_id(net, 1)), "spppppAAAA");
    assert_string_equal(letters(&v, tn_id(net, 2)), "ssssssssss");
    ts_timeline_view_free(&v);
    ts_timeline_free(t);
    tn_free(net);
}

/* Two batches each: that it was absent says more than that it was passive. */
static void of_two_that_are_as_many_the_one_that_says_more(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_run(net, 5);
    tn_cut(net, 2);
    tn_run(net, 2); /* 7 and 8 */
    struct ts_timeline *t = timeline_of(net);
    struct ts_timeline_view v = look(t, 1, 8, 2);
    assert_string_equal(letters(&v, tn_id(net, 2)), "p-");
    ts_timeline_view_free(&v);
    ts_timeline_free(t);
    tn_free(net);
}

/* Nothing is known of the time before it. */
static void a_window_that_begins_with_its_first_batch(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    tn_run(net, 9);
    struct ts_timeline *t = timeline_of(net);
    struct ts_timeline *w = ts_timeline_window(t, 5, 3);
    feed(w, net, 5, 7);
    struct ts_timeline_view v = look(w, 5, 7, 10);
    assert_int_equal(v.n, 3);
    assert_int_equal(v.buckets[0].span_ms, 0);
    assert_int_equal(v.buckets[0].longest_ms, 0);
    assert_int_equal(v.buckets[1].span_ms, 1000);
    ts_timeline_view_free(&v);
    ts_timeline_free(w);
    ts_timeline_free(t);
    tn_free(net);
}

static void it_agrees_with_the_audit(void **state)
{
    (void)state;
    size_t unclean = 0, restarts = 0;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        struct audit_kit *k = kit_of(tn_random(seed, 120));
        kit_follow(k);
        if (k->chain.head.number == 0) {
            kit_free(k);
            continue;
        }
        struct ts_timeline *t = timeline_of(k->net);
        struct ts_timeline_view v = look(t, 1, k->chain.head.number, 1000);
        assert_int_equal(v.marks_left_out, 0);
        assert_int_equal(marks_of(&v, TS_MARK_TAKEOVER), kit_count(k, TS_F_UNCLEAN_TAKEOVER));
        assert_int_equal(marks_of(&v, TS_MARK_RESTART), kit_count(k, TS_F_RESTART));
        unclean += marks_of(&v, TS_MARK_TAKEOVER);
        restarts += marks_of(&v, TS_MARK_RESTART);
        ts_timeline_view_free(&v);
        ts_timeline_free(t);
        kit_free(k);
    }
    assert_true(unclean > 20 && restarts > 50);
}

/* ---- windows --------------------------------------------------------------------------------- */

static void assert_same(const struct ts_timeline_view *a, const struct ts_timeline_view *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->from, b->from);
    assert_int_equal(a->to, b->to);
    assert_int_equal(a->width, b->width);
    assert_memory_equal(a->first, b->first, a->n * sizeof(*a->first));
    for (size_t i = 0; i < a->n; i++)
        assert_memory_equal(&a->buckets[i], &b->buckets[i], sizeof(a->buckets[i]));
    assert_int_equal(a->n_marks, b->n_marks);
    for (size_t i = 0; i < a->n_marks; i++) {
        assert_int_equal(a->marks[i].number, b->marks[i].number);
        assert_int_equal(a->marks[i].kind, b->marks[i].kind);
        assert_int_equal(a->marks[i].index, b->marks[i].index);
        assert_true(ts_address_equal(&a->marks[i].enclave, &b->marks[i].enclave));
    }
    assert_int_equal(a->n_times, b->n_times);
    for (size_t i = 0; i < a->n_times; i++)
        assert_int_equal(a->times[i].ms, b->times[i].ms);
    assert_int_equal(a->n_lanes, b->n_lanes);
    for (size_t i = 0; i < a->n_lanes; i++)
        assert_string_equal(letters(a, &a->lanes[i].id), letters(b, &a->lanes[i].id));
}

static void windows_agree_with_the_whole(void **state)
{
    (void)state;
    size_t marks = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct testnet *net = tn_random(seed, 100);
        uint64_t head = net->chain.head.number;
        uint64_t every = net->genesis.params.report_every;
        struct ts_timeline *t = timeline_of(net);
        for (uint64_t from = 1; from <= head; from += 7) {
            uint64_t to = from + 29 < head ? from + 29 : head;
            struct ts_timeline *w = ts_timeline_window(t, from, to - from + 1);
            feed(w, net, from > every ? from - every : 1, to);
            struct ts_timeline_view a = look(t, from, to, 64);
            struct ts_timeline_view b = look(w, from, to, 64);
            assert_same(&a, &b);
            marks += a.n_marks;
            ts_timeline_view_free(&a);
            ts_timeline_view_free(&b);
            ts_timeline_free(w);
        }
        ts_timeline_free(t);
        tn_free(net);
    }
    assert_true(marks > 100);
}

/* ---- long chains ----------------------------------------------------------------------------- */

/* A chain that nobody signed: the timeline looks at no signature. */
struct fake {
    struct ts_genesis genesis;
    struct ts_timeline *t;
    ts_address listed[TS_MAX_WHITELIST]; /* ascending; the first is active */
    size_t n;
    uint64_t number, term;
    ts_time time;
};

static ts_address fake_id(uint64_t i)
{
    ts_address a = {{0}};
    for (size_t k = 0; k < 8; k++)
        a.b[12 + k] = (uint8_t)(i >> (56 - 8 * k));
    return a;
}

static struct fake *fake_new(size_t n)
{
    struct fake *f = calloc(1, sizeof(*f));
    f->n = n;
    f->time = f->genesis.time = 1000;
    for (size_t i = 0; i < n; i++)
        f->listed[i] = fake_id(i + 1);
    f->genesis.whitelist = f->listed;
    f->genesis.n_whitelist = n;
    f->t = ts_timeline_new(&f->genesis);
    assert_non_null(f->t);
    return f;
}

static void fake_free(struct fake *f)
{
    ts_timeline_free(f->t);
    free(f);
}

/* The newest hash is the number. */
static ts_hash fake_hash(uint64_t number)
{
    ts_hash h = {{0}};
    memcpy(h.b, &number, sizeof(number));
    return h;
}

/* From a batch's parent to it: 80 to 120, 100 on average. */
static uint64_t fake_gap(uint64_t number)
{
    return 80 + number * 17 % 41;
}

/* One batch; absent: the last so many. takes: a new term. */
static ts_err fake_batch(struct fake *f, struct ts_timeline *t, size_t absent, bool takes)
{
    struct ts_restart_event reports[TS_MAX_WHITELIST] = {0};
    struct ts_batch b = {.n_txs = f->number % 3};
    b.header.number = ++f->number;
    b.header.time = f->time += fake_gap(f->number);
    b.header.term = f->term += takes;
    b.header.producer = f->listed[0];
    b.payload.reports = reports;
    b.payload.n_reports = f->n - absent;
    for (size_t i = 0; i < f->n - absent; i++) {
        reports[i].enclave_id = f->listed[i];
        reports[i].current_batch_number = f->number - 1;
    }
    b.payload.absent = f->listed + (f->n - absent);
    b.payload.n_absent = absent;
    ts_hash hash = fake_hash(f->number);
    return ts_timeline_batch(t, &b, &hash);
}

static void buckets_widen_and_nothing_is_lost(void **state)
{
    (void)state;
    struct fake *f = fake_new(3);
    const uint64_t n = 100000;
    for (uint64_t i = 1; i <= n; i++)
        assert_int_equal(fake_batch(f, f->t, i > 1 && i % 5 == 0, i == 1), TS_OK);
    assert_int_equal(ts_timeline_width(f->t), 32);
    struct ts_timeline_view v = look(f->t, 1, n, 256);
    assert_true(v.n <= 256 && v.n > 128);
    uint64_t batches = 0, txs = 0, absent = 0;
    for (size_t i = 0; i < v.n; i++) {
        uint64_t longest = 0, span = 0;
        assert_int_equal(v.first[i], batches + 1);
        for (uint64_t k = 0; k < v.buckets[i].n; k++) {
            uint64_t gap = fake_gap(v.first[i] + k);
            longest = gap > longest ? gap : longest;
            span += gap;
        }
        assert_int_equal(v.buckets[i].longest_ms, longest);
        assert_int_equal(v.buckets[i].span_ms, span);
        batches += v.buckets[i].n;
        txs += v.buckets[i].txs;
        absent += lane_of(&v, &f->listed[2])->absent[i];
    }
    assert_int_equal(batches, n);
    assert_int_equal(txs, n / 3 * 3 + 0); /* 0, 1, 2, 0, … */
    /* Never started, so it is starting where it is absent. */
    assert_int_equal(absent, 0);
    assert_int_equal(v.buckets[v.n - 1].time, f->time);
    assert_int_equal(v.to, n);
    ts_timeline_view_free(&v);
    /* A range in the middle, widened to whole buckets; and beyond the end. */
    v = look(f->t, 50000, 50001, 256);
    assert_int_equal(v.n, 1);
    assert_true(v.from <= 50000 && v.to >= 50001 && v.to - v.from + 1 == 32);
    ts_timeline_view_free(&v);
    v = look(f->t, n + 5, UINT64_MAX, 1);
    assert_int_equal(v.n, 1);
    assert_int_equal(v.to, n);
    ts_timeline_view_free(&v);
    for (size_t points = 1; points < 40; points++) {
        v = look(f->t, 777, 77777, points);
        assert_true(v.n <= points && v.from <= 777 && v.to >= 77777);
        ts_timeline_view_free(&v);
    }
    fake_free(f);
}

static void marks_and_lanes_are_bounded(void **state)
{
    (void)state;
    struct fake *f = fake_new(3);
    ts_address was[3];
    memcpy(was, f->listed, sizeof(was));
    f->genesis.whitelist = was;
    assert_int_equal(fake_batch(f, f->t, 0, true), TS_OK);
    for (uint64_t i = 0; i < 3000; i++) { /* two others with every batch */
        f->listed[1] = fake_id(100 + 2 * i);
        f->listed[2] = fake_id(101 + 2 * i);
        assert_int_equal(fake_batch(f, f->t, 0, false), TS_OK);
    }
    struct ts_timeline_view v = look(f->t, 1, f->number, 16);
    assert_int_equal(v.n_lanes, TS_TIMELINE_LANES);
    assert_int_equal(v.n_marks, 512);
    assert_int_equal(v.n_marks + v.marks_left_out, 1 + 4 * 3000);
    assert_int_equal(v.marks[511].number, f->number);
    assert_non_null(lane_of(&v, &was[0]));       /* who is listed is never given away */
    assert_non_null(lane_of(&v, &f->listed[1])); /* of those that one batch lists, no one's */
    assert_non_null(lane_of(&v, &f->listed[2])); /* lane is given to the next */
    ts_timeline_view_free(&v);
    fake_free(f);
}

/* ---- as bytes -------------------------------------------------------------------------------- */

static ts_err read_into(struct ts_timeline *t, ts_bytes in, const struct ts_head *head)
{
    struct ts_reader r = ts_reader_of(in);
    return ts_timeline_read(&r, head, t);
}

static void it_goes_on_from_its_bytes(void **state)
{
    (void)state;
    for (uint64_t seed = 3; seed <= 8; seed++) {
        struct testnet *net = tn_random(seed, 90);
        uint64_t half = net->chain.head.number / 2, head = net->chain.head.number;
        struct ts_timeline *a = ts_timeline_new(&net->genesis);
        struct ts_timeline *b = ts_timeline_new(&net->genesis);
        struct ts_chain at;
        struct ts_buf first, second;
        ts_buf_init(&first, 0);
        ts_buf_init(&second, 0);
        feed(a, net, 1, half);
        tn_fold(net, half, &at);
        ts_timeline_put(&first, a);
        assert_int_equal(read_into(b, ts_buf_bytes(&first), &at.head), TS_OK);
        ts_timeline_put(&second, b);
        assert_int_equal(first.n, second.n);
        assert_memory_equal(first.p, second.p, first.n);
        feed(a, net, half + 1, head);
        feed(b, net, half + 1, head);
        ts_buf_reset(&first);
        ts_buf_reset(&second);
        ts_timeline_put(&first, a);
        ts_timeline_put(&second, b);
        assert_int_equal(first.n, second.n);
        assert_memory_equal(first.p, second.p, first.n);
        ts_buf_free(&first);
        ts_buf_free(&second);
        ts_chain_free(&at);
        ts_timeline_free(a);
        ts_timeline_free(b);
        tn_free(net);
    }
}

static void bad_bytes_change_nothing(void **state)
{
    (void)state;
    struct testnet *net = tn_random(5, 60);
    struct ts_timeline *a = timeline_of(net), *b = ts_timeline_new(&net->genesis);
    struct ts_head head = net->chain.head;
    struct ts_buf good, empty, after;
    ts_buf_init(&good, 0);
    ts_buf_init(&empty, 0);
    ts_buf_init(&after, 0);
    ts_timeline_put(&good, a);
    ts_timeline_put(&empty, b);
    for (size_t n = 0; n < good.n; n++)
        assert_int_not_equal(read_into(b, ts_bytes_of(good.p, n), &head), TS_OK);
    head.number--;
    assert_int_equal(read_into(b, ts_buf_bytes(&good), &head), TS_E_CORRUPT);
    head.number++;
    uint64_t random = 9;
    for (unsigned i = 0; i < 4000; i++) { /* whatever it says, it does no harm */
        size_t at = (size_t)(tn_next(&random) % good.n);
        uint8_t was = good.p[at];
        good.p[at] = (uint8_t)tn_next(&random);
        struct ts_timeline *c = ts_timeline_new(&net->genesis);
        if (read_into(c, ts_buf_bytes(&good), &head) == TS_OK) {
            struct ts_timeline_view v = look(c, 1, head.number, 50);
            for (size_t l = 0; l < v.n_lanes; l++)
                for (size_t k = 0; k < v.n; k++)
                    assert_true(v.lanes[l].absent[k] <= v.buckets[k].n);
            ts_timeline_view_free(&v);
        }
        ts_timeline_free(c);
        good.p[at] = was;
    }
    ts_timeline_put(&after, b);
    assert_int_equal(after.n, empty.n);
    assert_memory_equal(after.p, empty.p, empty.n);
    assert_int_equal(read_into(b, ts_buf_bytes(&good), &head), TS_OK);
    ts_buf_free(&good);
    ts_buf_free(&empty);
    ts_buf_free(&after);
    ts_timeline_free(a);
    ts_timeline_free(b);
    tn_free(net);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct fake *f = fake_new(3);
    struct ts_timeline *t = NULL;
    size_t nth = 0;
    while (t == NULL && ++nth < 100) {
        alloc_count(nth);
        t = ts_timeline_new(&f->genesis);
        alloc_counted();
    }
    assert_non_null(t);
    assert_int_equal(nth, 6); /* itself, buckets, three lanes; then it lives */
    ts_timeline_free(t);
    /* A batch that finds no memory is given again. */
    size_t failed = 0;
    for (uint64_t i = 0; i < 300; i++) {
        f->listed[2] = fake_id(10 + i / 50);
        struct fake before = *f;
        alloc_count(1);
        ts_err err = fake_batch(f, f->t, 0, i == 0);
        alloc_counted();
        if (err != TS_OK) {
            assert_int_equal(err, TS_E_NOMEM);
            struct ts_timeline *keep = f->t;
            *f = before;
            f->t = keep;
            f->genesis.whitelist = f->listed;
            assert_int_equal(ts_timeline_head(f->t), i);
            assert_int_equal(fake_batch(f, f->t, 0, i == 0), TS_OK);
            failed++;
        }
    }
    assert_true(failed >= 6);
    struct ts_timeline_view v;
    for (nth = 1; nth < 12; nth++) {
        alloc_count(nth);
        ts_err err = ts_timeline_look(f->t, 1, 300, 10, 8, &v);
        alloc_counted();
        assert_int_equal(err, TS_E_NOMEM);
        assert_null(v.buckets);
    }
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failover_is_seen),
        cmocka_unit_test(the_list_of_enclaves_is_seen),
        cmocka_unit_test(between_reports_all_is_as_it_was),
        cmocka_unit_test(of_two_that_are_as_many_the_one_that_says_more),
        cmocka_unit_test(a_window_that_begins_with_its_first_batch),
        cmocka_unit_test(it_agrees_with_the_audit),
        cmocka_unit_test(windows_agree_with_the_whole),
        cmocka_unit_test(buckets_widen_and_nothing_is_lost),
        cmocka_unit_test(marks_and_lanes_are_bounded),
        cmocka_unit_test(it_goes_on_from_its_bytes),
        cmocka_unit_test(bad_bytes_change_nothing),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
