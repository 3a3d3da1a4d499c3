/* SPDX-License-Identifier: Apache-2.0 */
/* What every store must do: the conformance suite of store/store.h. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/check.h"
#include "store/store.h"

struct fixture {
    char dir[64];
    char path[96];
    struct ts_store *store;
    char why[512];
};

static const ts_hash genesis = {{7}};

static ts_hash hash_n(uint64_t n)
{
    ts_hash h = {{0xaa}};
    memcpy(h.b + 8, &n, sizeof(n));
    return h;
}

static ts_err try_open(struct fixture *f, const ts_hash *g, const char *program,
                       struct ts_store **out)
{
    return ts_store_open(f->path, g, program, out, f->why, sizeof(f->why));
}

static void open_it(struct fixture *f)
{
    if (try_open(f, &genesis, "host", &f->store) != TS_OK)
        fail_msg("%s", f->why);
}

static void close_it(struct fixture *f)
{
    ts_store_close(f->store);
    f->store = NULL;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/tenseq-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/host.db", f->dir);
    open_it(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->store != NULL)
        close_it(f);
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".new"};
    for (size_t i = 0; i < TS_COUNT(ends); i++) {
        char name[128];
        (void)snprintf(name, sizeof(name), "%s%s", f->path, ends[i]);
        (void)unlink(name);
    }
    assert_int_equal(rmdir(f->dir), 0); /* nothing else was left behind */
    free(f);
    return 0;
}

/* ---- operations in short --------------------------------------------------------------------- */

static struct ts_store_op batch_op(uint64_t number, uint64_t id, enum ts_batch_status status,
                                   const char *raw)
{
    return (struct ts_store_op){.kind = TS_OP_PUT_BATCH,
                                .number = number,
                                .hash = hash_n(id),
                                .status = status,
                                .data = ts_bytes_of(raw, strlen(raw))};
}

static struct ts_store_op status_op(uint64_t number, uint64_t id, enum ts_batch_status status)
{
    return (struct ts_store_op){
        .kind = TS_OP_SET_STATUS, .number = number, .hash = hash_n(id), .status = status};
}

static struct ts_store_op meta_op(const char *key, const char *value)
{
    return (struct ts_store_op){
        .kind = TS_OP_PUT_META, .key = key, .data = ts_bytes_of(value, strlen(value))};
}

static struct ts_store_op tx_op(uint64_t seq, uint64_t id, const char *raw)
{
    return (struct ts_store_op){.kind = TS_OP_PUT_TX,
                                .seq = seq,
                                .hash = hash_n(id),
                                .nonce = UINT64_MAX,
                                .sender = {{9}},
                                .data = ts_bytes_of(raw, strlen(raw))};
}

static ts_err apply1(struct fixture *f, struct ts_store_op op)
{
    return ts_store_apply(f->store, &op, 1);
}

/* Batches and transactions seen by a read, as "number:raw " each. */
struct seen {
    struct ts_buf text;
    size_t n;
    size_t stop_after;
};

static bool see_batch(void *ctx, const struct ts_store_batch *b)
{
    struct seen *s = ctx;
    ts_buf_printf(&s->text, "%u/%u:%.*s ", (unsigned)b->number, (unsigned)b->status, (int)b->raw.n,
                  (const char *)b->raw.p);
    return ++s->n != s->stop_after;
}

static bool see_tx(void *ctx, const struct ts_store_tx *t)
{
    struct seen *s = ctx;
    assert_true(t->nonce == UINT64_MAX);
    assert_int_equal(t->sender.b[0], 9);
    ts_buf_printf(&s->text, "%u:%.*s ", (unsigned)t->seq, (int)t->raw.n, (const char *)t->raw.p);
    return ++s->n != s->stop_after;
}

static void expect_text(struct seen *s, const char *text)
{
    ts_buf_put_byte(&s->text, 0);
    assert_string_equal((const char *)s->text.p, text);
    ts_buf_reset(&s->text);
    s->n = 0;
}

static void expect_meta(struct fixture *f, const char *key, const char *value)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    assert_int_equal(ts_store_meta(f->store, key, &b), TS_OK);
    ts_buf_put_byte(&b, 0);
    assert_string_equal((const char *)b.p, value);
    ts_buf_free(&b);
}

/* ---- what it keeps --------------------------------------------------------------------------- */

static void an_empty_store_has_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t number = 5;
    uint64_t index = 5;
    ts_err code = TS_E_IO;
    ts_hash h = hash_n(1);
    struct seen s = {0};
    ts_buf_init(&s.text, 0);
    assert_int_equal(ts_store_head(f->store, &number, &h), TS_E_NOT_FOUND);
    assert_int_equal(number, 5);
    assert_int_equal(ts_store_committed(f->store, 0, 10, see_batch, &s), TS_OK);
    assert_int_equal(ts_store_prepared(f->store, see_batch, &s), TS_OK);
    assert_int_equal(ts_store_discarded(f->store, 0, see_batch, &s), TS_OK);
    assert_int_equal(ts_store_pool(f->store, see_tx, &s), TS_OK);
    assert_int_equal(s.n, 0);
    assert_int_equal(ts_store_by_hash(f->store, &h, see_batch, &s), TS_E_NOT_FOUND);
    assert_int_equal(ts_store_find_tx(f->store, &h, &number, &index), TS_E_NOT_FOUND);
    assert_int_equal(ts_store_rejected(f->store, &h, &number, &code, &s.text), TS_E_NOT_FOUND);
    assert_int_equal(ts_store_meta(f->store, "term", &s.text), TS_E_NOT_FOUND);
    assert_int_equal(ts_store_evidence(f->store, &h, &s.text), TS_E_NOT_FOUND);
    assert_int_equal(number, 5);
    ts_buf_free(&s.text);
}

static void batches_come_back_by_number_hash_and_status(void **state)
{
    struct fixture *f = *state;
    struct ts_store_op ops[] = {
        batch_op(1, 1, TS_BATCH_COMMITTED, "one"),     batch_op(2, 2, TS_BATCH_COMMITTED, "two"),
        batch_op(3, 30, TS_BATCH_DISCARDED, "wrong"),  batch_op(3, 3, TS_BATCH_COMMITTED, "three"),
        batch_op(4, 40, TS_BATCH_DISCARDED, "wrong4"), batch_op(4, 4, TS_BATCH_PREPARED, "four"),
    };
    assert_int_equal(ts_store_apply(f->store, ops, TS_COUNT(ops)), TS_OK);
    for (int round = 0; round < 2; round++) { /* and once more after a restart */
        struct seen s = {0};
        ts_buf_init(&s.text, 0);
        uint64_t number = 0;
        ts_hash h;
        assert_int_equal(ts_store_head(f->store, &number, &h), TS_OK);
        assert_int_equal(number, 3);
        ts_hash three = hash_n(3);
        assert_true(ts_hash_equal(&h, &three));
        assert_int_equal(ts_store_committed(f->store, 2, 10, see_batch, &s), TS_OK);
        expect_text(&s, "2/2:two 3/2:three ");
        assert_int_equal(ts_store_committed(f->store, 1, 2, see_batch, &s), TS_OK);
        expect_text(&s, "1/2:one 2/2:two ");
        s.stop_after = 1;
        assert_int_equal(ts_store_committed(f->store, 1, UINT64_MAX, see_batch, &s), TS_OK);
        expect_text(&s, "1/2:one ");
        s.stop_after = 0;
        assert_int_equal(ts_store_committed(f->store, UINT64_MAX, 1, see_batch, &s), TS_OK);
        assert_int_equal(ts_store_prepared(f->store, see_batch, &s), TS_OK);
        expect_text(&s, "4/1:four ");
        assert_int_equal(ts_store_discarded(f->store, 4, see_batch, &s), TS_OK);
        expect_text(&s, "4/3:wrong4 ");
        assert_int_equal(ts_store_discarded(f->store, 1, see_batch, &s), TS_OK);
        expect_text(&s, "3/3:wrong 4/3:wrong4 ");
        ts_hash wrong = hash_n(30);
        assert_int_equal(ts_store_by_hash(f->store, &wrong, see_batch, &s), TS_OK);
        expect_text(&s, "3/3:wrong ");
        ts_buf_free(&s.text);
        close_it(f);
        open_it(f);
    }
}

static void no_number_has_two_committed_batches(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(apply1(f, batch_op(1, 1, TS_BATCH_COMMITTED, "one")), TS_OK);
    assert_int_equal(apply1(f, batch_op(1, 2, TS_BATCH_COMMITTED, "two")), TS_E_CONFLICT);
    assert_true(strlen(ts_store_error(f->store)) > 0);
    assert_int_equal(apply1(f, batch_op(1, 2, TS_BATCH_PREPARED, "two")), TS_OK);
    assert_int_equal(apply1(f, status_op(1, 2, TS_BATCH_COMMITTED)), TS_E_CONFLICT);
    struct seen s = {0};
    ts_buf_init(&s.text, 0);
    assert_int_equal(ts_store_committed(f->store, 1, 10, see_batch, &s), TS_OK);
    expect_text(&s, "1/2:one ");
    /* The same batch under another number is as wrong. */
    assert_int_equal(apply1(f, batch_op(2, 1, TS_BATCH_PREPARED, "one")), TS_E_CONFLICT);
    assert_int_equal(apply1(f, status_op(9, 9, TS_BATCH_COMMITTED)), TS_E_NOT_FOUND);
    assert_int_equal(apply1(f, batch_op(0, 5, TS_BATCH_COMMITTED, "zero")), TS_E_RANGE);
    assert_int_equal(apply1(f, batch_op(UINT64_MAX, 5, TS_BATCH_PREPARED, "max")), TS_E_RANGE);
    ts_buf_free(&s.text);
}

static void a_step_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(apply1(f, batch_op(1, 1, TS_BATCH_COMMITTED, "one")), TS_OK);
    struct ts_store_op ops[] = {meta_op("term", "9"), tx_op(1, 11, "tx"),
                                batch_op(2, 2, TS_BATCH_COMMITTED, "two"),
                                batch_op(1, 3, TS_BATCH_COMMITTED, "other one")};
    assert_int_equal(ts_store_apply(f->store, ops, TS_COUNT(ops)), TS_E_CONFLICT);
    struct seen s = {0};
    ts_buf_init(&s.text, 0);
    assert_int_equal(ts_store_meta(f->store, "term", &s.text), TS_E_NOT_FOUND);
    assert_int_equal(ts_store_pool(f->store, see_tx, &s), TS_OK);
    ts_hash two = hash_n(2);
    assert_int_equal(ts_store_by_hash(f->store, &two, see_batch, &s), TS_E_NOT_FOUND);
    assert_int_equal(s.n, 0);
    assert_int_equal(ts_store_apply(f->store, ops, 3), TS_OK);
    expect_meta(f, "term", "9");
    ts_buf_free(&s.text);
}

static void steps_of_a_group_succeed_and_fail_alone(void **state)
{
    struct fixture *f = *state;
    struct ts_store_op a[] = {batch_op(1, 1, TS_BATCH_COMMITTED, "one"), meta_op("a", "1")};
    struct ts_store_op b[] = {meta_op("b", "1"), batch_op(1, 2, TS_BATCH_COMMITTED, "two")};
    struct ts_store_op c[] = {meta_op("c", "1")};
    struct ts_store_step steps[] = {{.ops = a, .n = 2}, {.ops = b, .n = 2}, {.ops = c, .n = 1}};
    ts_store_apply_group(f->store, steps, 3);
    assert_int_equal(steps[0].err, TS_OK);
    assert_int_equal(steps[1].err, TS_E_CONFLICT);
    assert_int_equal(steps[2].err, TS_OK);
    expect_meta(f, "a", "1");
    expect_meta(f, "c", "1");
    struct ts_buf out;
    ts_buf_init(&out, 0);
    assert_int_equal(ts_store_meta(f->store, "b", &out), TS_E_NOT_FOUND);
    ts_buf_free(&out);
}

static void meta_holds_the_newest_value(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(apply1(f, meta_op("term", "1")), TS_OK);
    assert_int_equal(apply1(f, meta_op("term", "")), TS_OK);
    expect_meta(f, "term", "");
    assert_int_equal(apply1(f, meta_op("term", "12")), TS_OK);
    close_it(f);
    open_it(f);
    expect_meta(f, "term", "12");
}

static void the_pool_keeps_its_order(void **state)
{
    struct fixture *f = *state;
    struct ts_store_op ops[] = {tx_op(7, 1, "seven"), tx_op(3, 2, "three"), tx_op(5, 3, "five")};
    assert_int_equal(ts_store_apply(f->store, ops, TS_COUNT(ops)), TS_OK);
    assert_int_equal(apply1(f, tx_op(7, 4, "again")), TS_E_CONFLICT);
    struct ts_store_op drop = {.kind = TS_OP_DROP_TX, .hash = hash_n(3)};
    assert_int_equal(apply1(f, drop), TS_OK);
    assert_int_equal(apply1(f, drop), TS_OK); /* gone already is fine */
    struct seen s = {0};
    ts_buf_init(&s.text, 0);
    assert_int_equal(ts_store_pool(f->store, see_tx, &s), TS_OK);
    expect_text(&s, "3:three 7:seven ");
    ts_buf_free(&s.text);
}

static void expect_pool(struct fixture *f, const char *text)
{
    struct seen s = {0};
    ts_buf_init(&s.text, 0);
    assert_int_equal(ts_store_pool(f->store, see_tx, &s), TS_OK);
    expect_text(&s, text);
    ts_buf_free(&s.text);
}

/* A step that seemed to fail and was done after all: given again it changes nothing, and what was
 * in it does not spoil later steps. */
static void a_transaction_can_be_put_again(void **state)
{
    struct fixture *f = *state;
    struct ts_store_op ops[] = {tx_op(1, 1, "one"), tx_op(2, 2, "two"), tx_op(3, 3, "three")};
    assert_int_equal(ts_store_apply(f->store, ops, 3), TS_OK);
    assert_int_equal(ts_store_apply(f->store, ops, 3), TS_OK);
    expect_pool(f, "1:one 2:two 3:three ");
    /* Sent again by its user it comes later in the order, along with others. */
    struct ts_store_op later[] = {tx_op(4, 4, "four"), tx_op(5, 1, "one")};
    struct ts_store_step steps[] = {{.ops = later, .n = 2}, {.ops = later, .n = 2}};
    ts_store_apply_group(f->store, steps, 2);
    assert_int_equal(steps[0].err, TS_OK);
    assert_int_equal(steps[1].err, TS_OK);
    expect_pool(f, "2:two 3:three 4:four 5:one ");
    /* Another one at its place is no repetition, and its whole step is nothing. */
    struct ts_store_op wrong[] = {tx_op(6, 6, "six"), tx_op(5, 7, "seven")};
    assert_int_equal(ts_store_apply(f->store, wrong, 2), TS_E_CONFLICT);
    assert_non_null(strstr(ts_store_error(f->store), "place in the pool"));
    expect_pool(f, "2:two 3:three 4:four 5:one ");
    close_it(f);
    open_it(f);
    expect_pool(f, "2:two 3:three 4:four 5:one ");
}

static void expect_tx(struct fixture *f, uint64_t id, uint64_t number, uint64_t index)
{
    ts_hash h = hash_n(id);
    uint64_t got_number = 0;
    uint64_t got_index = 0;
    ts_err err = ts_store_find_tx(f->store, &h, &got_number, &got_index);
    assert_int_equal(err, number != 0 ? TS_OK : TS_E_NOT_FOUND);
    assert_int_equal(got_number, number);
    assert_int_equal(got_index, index);
}

static void transactions_are_found_once_committed(void **state)
{
    struct fixture *f = *state;
    ts_hash txs[] = {hash_n(100), hash_n(101), hash_n(102)};
    struct ts_store_op op = batch_op(1, 1, TS_BATCH_PREPARED, "one");
    op.tx_hashes = txs;
    op.n_tx_hashes = 3;
    assert_int_equal(apply1(f, op), TS_OK);
    expect_tx(f, 101, 0, 0);
    struct ts_store_op commit = status_op(1, 1, TS_BATCH_COMMITTED);
    commit.tx_hashes = txs;
    commit.n_tx_hashes = 3;
    assert_int_equal(apply1(f, commit), TS_OK);
    expect_tx(f, 101, 1, 1);
    /* Should a batch repeat one, the newest place counts. */
    struct ts_store_op second = batch_op(2, 2, TS_BATCH_COMMITTED, "two");
    second.tx_hashes = &txs[1];
    second.n_tx_hashes = 1;
    assert_int_equal(apply1(f, second), TS_OK);
    expect_tx(f, 101, 2, 0);
    expect_tx(f, 100, 1, 0);
    /* A batch that is no longer committed holds nothing, and another line takes its place. */
    struct ts_store_op ops[] = {status_op(1, 1, TS_BATCH_DISCARDED),
                                batch_op(1, 9, TS_BATCH_COMMITTED, "other one")};
    ops[1].tx_hashes = &txs[2];
    ops[1].n_tx_hashes = 1;
    assert_int_equal(ts_store_apply(f->store, ops, 2), TS_OK);
    expect_tx(f, 100, 0, 0);
    expect_tx(f, 102, 1, 0);
}

/* More than the index takes before it begins anew: old and new are found, also after a restart. */
static void many_transactions_are_found(void **state)
{
    struct fixture *f = *state;
    enum { EACH = 20000, BATCHES = 8 };
    ts_hash *txs = calloc(EACH, sizeof(*txs));
    assert_non_null(txs);
    for (uint64_t n = 1; n <= BATCHES; n++) {
        for (uint64_t i = 0; i < EACH; i++)
            txs[i] = hash_n(n * 1000000 + i);
        struct ts_store_op op = batch_op(n, n, TS_BATCH_COMMITTED, "raw");
        op.tx_hashes = txs;
        op.n_tx_hashes = EACH;
        assert_int_equal(apply1(f, op), TS_OK);
    }
    free(txs);
    for (int round = 0; round < 2; round++) {
        for (uint64_t n = 1; n <= BATCHES; n++) {
            expect_tx(f, n * 1000000, n, 0);
            expect_tx(f, n * 1000000 + EACH - 1, n, EACH - 1);
            expect_tx(f, n * 1000000 + EACH, 0, 0);
        }
        close_it(f);
        open_it(f);
    }
}

static void rejections_tell_why(void **state)
{
    struct fixture *f = *state;
    struct ts_store_op op = {.kind = TS_OP_PUT_REJECTED,
                             .hash = hash_n(1),
                             .number = 4,
                             .code = TS_E_TX_FUNDS,
                             .text = "insufficient funds"};
    assert_int_equal(apply1(f, op), TS_OK);
    op.text = "nonce too low";
    op.code = TS_E_TX_NONCE_LOW;
    op.number = 0;
    assert_int_equal(apply1(f, op), TS_OK);
    uint64_t number = 9;
    ts_err code = TS_OK;
    struct ts_buf why;
    ts_buf_init(&why, 0);
    assert_int_equal(ts_store_rejected(f->store, &op.hash, &number, &code, &why), TS_OK);
    assert_int_equal(number, 0);
    assert_int_equal(code, TS_E_TX_NONCE_LOW);
    assert_true(ts_bytes_equal(ts_buf_bytes(&why), ts_bytes_of("nonce too low", 13)));
    ts_buf_free(&why);
}

static bool see_evidence(void *ctx, const ts_hash *id, ts_bytes data)
{
    struct seen *s = ctx;
    ts_buf_printf(&s->text, "%02x:%.*s ", id->b[8], (int)data.n, (const char *)data.p);
    return ++s->n != s->stop_after;
}

static void evidence_is_kept_once(void **state)
{
    struct fixture *f = *state;
    struct ts_store_op op = {.kind = TS_OP_PUT_EVIDENCE, .hash = hash_n(2)};
    op.data = ts_bytes_of("second", 6);
    assert_int_equal(apply1(f, op), TS_OK);
    op.data = ts_bytes_of("again!", 6);
    assert_int_equal(apply1(f, op), TS_OK);
    op.hash = hash_n(1);
    op.data = ts_bytes_of("first", 5);
    assert_int_equal(apply1(f, op), TS_OK);
    struct seen s = {0};
    ts_buf_init(&s.text, 0);
    assert_int_equal(ts_store_each_evidence(f->store, see_evidence, &s), TS_OK);
    expect_text(&s, "02:second 01:first ");
    assert_int_equal(ts_store_evidence(f->store, &op.hash, &s.text), TS_OK);
    expect_text(&s, "first");
    ts_buf_free(&s.text);
}

static void folding_the_log_loses_nothing(void **state)
{
    struct fixture *f = *state;
    for (uint64_t n = 1; n <= 50; n++)
        assert_int_equal(apply1(f, batch_op(n, n, TS_BATCH_COMMITTED, "batch")), TS_OK);
    assert_true(ts_store_log_pages(f->store) > 50);
    size_t left = 99;
    assert_int_equal(ts_store_checkpoint(f->store, &left), TS_OK);
    assert_int_equal(left, 0);
    assert_int_equal(ts_store_checkpoint_rest(f->store, &left), TS_OK);
    assert_int_equal(left, 0);
    assert_int_equal(apply1(f, batch_op(51, 51, TS_BATCH_COMMITTED, "batch")), TS_OK);
    assert_true(ts_store_log_pages(f->store) < 50); /* the log began anew */
    struct seen s = {0};
    ts_buf_init(&s.text, 0);
    assert_int_equal(ts_store_committed(f->store, 1, 1000, see_batch, &s), TS_OK);
    assert_int_equal(s.n, 51);
    ts_buf_free(&s.text);
}

/* ---- whose it is ----------------------------------------------------------------------------- */

static void write_file(const char *path, const void *p, size_t n)
{
    FILE *to = fopen(path, "wb");
    assert_non_null(to);
    assert_int_equal(fwrite(p, 1, n, to), n);
    assert_int_equal(fclose(to), 0);
}

/* The file, whole. */
static struct ts_buf read_file(const char *path)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    FILE *from = fopen(path, "rb");
    assert_non_null(from);
    uint8_t chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), from)) > 0)
        ts_buf_put(&b, chunk, n);
    assert_int_equal(fclose(from), 0);
    return b;
}

/* Opening gives err and a sentence that holds say, and changes nothing. */
static void expect_refused(struct fixture *f, const ts_hash *g, const char *program, ts_err err,
                           const char *say)
{
    struct ts_buf before = read_file(f->path);
    struct ts_store *s = NULL;
    assert_int_equal(try_open(f, g, program, &s), err);
    assert_null(s);
    if (strstr(f->why, say) == NULL || strstr(f->why, f->path) == NULL)
        fail_msg("'%s' does not say '%s'", f->why, say);
    struct ts_buf after = read_file(f->path);
    assert_true(ts_bytes_equal(ts_buf_bytes(&before), ts_buf_bytes(&after)));
    ts_buf_free(&before);
    ts_buf_free(&after);
}

static void a_store_of_another_owner_is_refused(void **state)
{
    struct fixture *f = *state;
    expect_refused(f, &genesis, "host", TS_E_BUSY, "in use by another process, pid ");
    close_it(f);
    ts_hash other = {{8}};
    expect_refused(f, &other, "host", TS_E_FOREIGN, "another network");
    expect_refused(f, &genesis, "node", TS_E_FOREIGN, "database of a host, not of a node");
    open_it(f);
}

static void a_file_that_is_no_store_is_refused(void **state)
{
    struct fixture *f = *state;
    close_it(f);
    struct ts_buf good = read_file(f->path);
    write_file(f->path, "hello", 5);
    expect_refused(f, &genesis, "host", TS_E_FOREIGN, "is not a database");
    good.p[68] ^= 1; /* the application id */
    write_file(f->path, good.p, good.n);
    expect_refused(f, &genesis, "host", TS_E_FOREIGN, "another application");
    good.p[68] ^= 1;
    good.p[63] = 99; /* the schema's version */
    write_file(f->path, good.p, good.n);
    expect_refused(f, &genesis, "host", TS_E_VERSION, "newer version");
    good.p[63] = 1;
    write_file(f->path, good.p, good.n / 2);
    expect_refused(f, &genesis, "host", TS_E_CORRUPT, "is damaged");
    memset(good.p + 4096, 0x5a, good.n - 4096);
    write_file(f->path, good.p, good.n);
    expect_refused(f, &genesis, "host", TS_E_CORRUPT, "is damaged");
    ts_buf_free(&good);
    /* An empty file is taken for none. */
    write_file(f->path, "", 0);
    open_it(f);
}

static void in_database(struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, 0, 0, 0), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Version 1 had no table of merges, version 2 none of L1, version 3 none of rollups. A stranger's
 * is not touched. */
static void expect_upgraded(struct fixture *f, const char *back)
{
    close_it(f);
    in_database(f, back);
    struct ts_buf before = read_file(f->path);
    expect_refused(f, &genesis, "node", TS_E_FOREIGN, "database of a host, not of a node");
    struct ts_buf after = read_file(f->path);
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, before.n);
    ts_buf_free(&before);
    ts_buf_free(&after);
    for (unsigned i = 0; i < 2; i++) { /* the second time there is nothing to do */
        open_it(f);
        close_it(f);
    }
    in_database(f, "SELECT level FROM merge; SELECT header FROM l1; SELECT first FROM rollup;");
    open_it(f);
}

static void older_schemas_are_upgraded(void **state)
{
    expect_upgraded(*state,
                    "DROP TABLE merge; DROP TABLE l1; DROP TABLE rollup; PRAGMA user_version = 1;");
    expect_upgraded(*state, "DROP TABLE l1; DROP TABLE rollup; PRAGMA user_version = 2;");
    expect_upgraded(*state, "DROP TABLE rollup; PRAGMA user_version = 3;");
}

static void a_path_that_cannot_be_is_refused(void **state)
{
    struct fixture *f = *state;
    struct ts_store *s = NULL;
    char why[256];
    assert_int_equal(
        ts_store_open("/tmp/tenseq-no-such-dir/x", &genesis, "host", &s, why, sizeof(why)),
        TS_E_IO);
    assert_non_null(strstr(why, "No such file"));
    char dir[96];
    (void)snprintf(dir, sizeof(dir), "%s/dir", f->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(ts_store_open(dir, &genesis, "host", &s, why, sizeof(why)), TS_E_FOREIGN);
    assert_int_equal(rmdir(dir), 0);
    assert_null(s);
}

/* ---- disks that fill and processes that die ----------------------------------------------------
 */

/* In a process of its own, whose files may not grow over a bound. */
static int fill_the_disk(struct fixture *f)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 10;
    rlim_t most = limit.rlim_cur;
    limit.rlim_cur = 1024 * 1024;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 11;
    char *raw = calloc(1, 10000);
    memset(raw, 'x', 9999);
    uint64_t n = 1;
    ts_err err;
    while ((err = apply1(f, batch_op(n, n, TS_BATCH_COMMITTED, raw))) == TS_OK)
        n++;
    if (err != TS_E_DISK_FULL || strlen(ts_store_error(f->store)) == 0)
        return 12;
    uint64_t head = 0;
    ts_hash h;
    if (ts_store_head(f->store, &head, &h) != TS_OK || head != n - 1)
        return 13;
    if (apply1(f, batch_op(n, n, TS_BATCH_COMMITTED, raw)) != TS_E_DISK_FULL)
        return 14;
    limit.rlim_cur = most; /* somebody makes room */
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 15;
    if (apply1(f, batch_op(n, n, TS_BATCH_COMMITTED, raw)) != TS_OK)
        return 16;
    free(raw);
    if (ts_store_head(f->store, &head, &h) != TS_OK || head != n)
        return 17;
    close_it(f);
    return n > 20 ? 0 : 18;
}

static void a_full_disk_changes_nothing_and_passes(void **state)
{
    struct fixture *f = *state;
    close_it(f);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        open_it(f);
        _exit(fill_the_disk(f));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    open_it(f);
}

/* Stores numbers and says each on fd once it is durable, until it is killed. */
static void store_and_tell(struct fixture *f, uint64_t n, int fd)
{
    open_it(f);
    for (;; n++) {
        char value[32];
        (void)snprintf(value, sizeof(value), "%llu", (unsigned long long)n);
        ts_hash tx = hash_n(1000000 + n);
        struct ts_store_op ops[] = {batch_op(n, n, TS_BATCH_COMMITTED, value),
                                    meta_op("term", value)};
        ops[0].tx_hashes = &tx;
        ops[0].n_tx_hashes = 1;
        if (ts_store_apply(f->store, ops, 2) != TS_OK ||
            write(fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
            _exit(1);
    }
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    struct fixture *f = *state;
    uint64_t acked = 0;
    for (useconds_t round = 0; round < 8; round++) {
        close_it(f);
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            store_and_tell(f, acked + 1, fds[1]);
        assert_int_equal(close(fds[1]), 0);
        (void)usleep(20000 + round * 7919);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        uint64_t n;
        while (read(fds[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
            acked = n;
        assert_int_equal(close(fds[0]), 0);
        open_it(f);
        uint64_t head = 0;
        ts_hash h;
        ts_err err = ts_store_head(f->store, &head, &h);
        assert_true(acked == 0 || err == TS_OK);
        assert_true(head == acked || head == acked + 1); /* one may have been on its way */
        char value[32];
        (void)snprintf(value, sizeof(value), "%llu", (unsigned long long)head);
        if (head != 0) {
            expect_meta(f, "term", value); /* of the same step */
            expect_tx(f, 1000000 + head, head, 0);
        }
        acked = head;
    }
    assert_true(acked > 0);
    struct seen s = {0};
    ts_buf_init(&s.text, 0);
    assert_int_equal(ts_store_committed(f->store, 1, UINT64_MAX, see_batch, &s), TS_OK);
    assert_int_equal(s.n, acked);
    ts_buf_free(&s.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_store_has_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(batches_come_back_by_number_hash_and_status, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_number_has_two_committed_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(a_step_is_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(steps_of_a_group_succeed_and_fail_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(meta_holds_the_newest_value, setup, teardown),
        cmocka_unit_test_setup_teardown(the_pool_keeps_its_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_can_be_put_again, setup, teardown),
        cmocka_unit_test_setup_teardown(transactions_are_found_once_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(many_transactions_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(rejections_tell_why, setup, teardown),
        cmocka_unit_test_setup_teardown(evidence_is_kept_once, setup, teardown),
        cmocka_unit_test_setup_teardown(folding_the_log_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_of_another_owner_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_store_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(older_schemas_are_upgraded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_that_cannot_be_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_changes_nothing_and_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_acknowledged_survives_a_kill, setup, teardown),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
