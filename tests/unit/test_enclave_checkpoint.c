/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed checkpoints: a cache that may be late, cut, changed or foreign, and is never believed. */
#include <stdlib.h>
#include <string.h>

#include "enclave/checkpoint_io.h"
#include "enclave_kit.h"

/* Two enclaves and transfers; 0 active. */
static struct ek *running(void)
{
    struct ek *k = ek_open(2, 2);
    ek_start(k, 0);
    ek_start(k, 1);
    ek_promote(k, 0);
    ek_run(k, 0, 1);
    return k;
}

static void run_with_transfers(struct ek *k, size_t batches)
{
    for (size_t n = 0; n < batches; n++) {
        static uint64_t nonce;
        if (k->chain.head.number == 1)
            nonce = 0;
        ts_bytes tx = ek_transfer(k, 0, nonce++, 5);
        struct ts_msg req = ek_create_request(k, 0, EK_ALL);
        req.u.create.txs = &tx;
        req.u.create.n_txs = 1;
        struct ts_msg m = ek_ask(k, 0, &req);
        assert_code(m, TS_OK);
        assert_int_equal(m.u.created.n_rejected, 0);
        ek_publish(k, m.u.created.batch);
        ek_feed(k, 1);
    }
}

static struct ts_msg_head snapshot(struct ek *k, size_t i)
{
    struct ts_msg m = ek_plain(k, i, TS_MSG_SNAPSHOT);
    assert_code(m, TS_OK);
    return m.u.head;
}

static void assert_listed(struct ek *k, size_t i, const struct ts_msg_head *heads, size_t n)
{
    struct ts_msg m = ek_plain(k, i, TS_MSG_IDENTIFY);
    assert_int_equal(m.u.identity.n_sealed, n);
    for (size_t j = 0; j < n; j++) {
        assert_int_equal(m.u.identity.sealed[j].number, heads[j].number);
        assert_memory_equal(&m.u.identity.sealed[j].hash, &heads[j].hash, 32);
    }
}

static void a_boot_goes_on_from_a_checkpoint(void **state)
{
    (void)state;
    struct ek *k = running();
    run_with_transfers(k, 5);
    struct ts_msg_head head = snapshot(k, 1);
    assert_int_equal(head.number, 6);
    run_with_transfers(k, 3);
    ek_boot(k, 1);
    assert_listed(k, 1, &head, 1);
    struct ts_msg m = ek_load(k, 1, &head);
    assert_code(m, TS_OK);
    assert_memory_equal(&m.u.head, &head, sizeof(head));
    ek_feed(k, 1); /* executes on the restored state to the same roots */
    m = ek_synced(k, 1);
    assert_code(m, TS_OK);
    assert_int_equal(m.u.events.transitions[0].seq, 2);
    run_with_transfers(k, 2);
    assert_int_equal(ek_decode(k, ek_batch(k, k->n_batches)).payload.n_absent, 0);
    ek_close(k);
}

/* After a checkpoint the enclave still knows what it needs to judge a conflict below it. */
static void conflicts_are_judged_behind_a_checkpoint(void **state)
{
    (void)state;
    struct ek *k = running();
    ek_run(k, 0, 5);
    struct ts_msg_head head = snapshot(k, 1);
    ek_boot(k, 1);
    ek_load(k, 1, &head);
    ek_synced(k, 1);
    ts_hash root = {{0}};
    for (uint64_t n = 1; n <= 3; n++)
        ts_protocol_root(&root, ek_decode(k, ek_batch(k, n)).raw_payload, &root);
    struct ts_batch b = ek_decode(k, ek_batch(k, 4));
    b.header.time++;
    struct ts_msg m = ek_accept(k, 1, ek_forge(k, &b, &root));
    assert_code(m, TS_E_HALTS);
    ek_close(k);
}

static void slots_alternate_and_the_newest_is_kept(void **state)
{
    (void)state;
    struct ek *k = running();
    struct ts_msg_head heads[4];
    for (size_t i = 0; i < 4; i++) {
        run_with_transfers(k, 1);
        heads[i] = snapshot(k, 1);
        assert_listed(k, 1, i == 0 ? heads : heads + i - 1, i == 0 ? 1 : 2);
    }
    /* A disk that is full costs the older one at most. */
    k->enclaves[1].store.fail_after = 100;
    struct ts_msg m = ek_plain(k, 1, TS_MSG_SNAPSHOT);
    assert_code(m, TS_E_DISK_FULL);
    assert_listed(k, 1, heads + 3, 1);
    k->enclaves[1].store.fail_after = 0;
    run_with_transfers(k, 1);
    heads[0] = heads[3];
    heads[1] = snapshot(k, 1);
    assert_listed(k, 1, heads, 2);
    ek_close(k);
}

static void an_empty_chain_needs_no_checkpoint(void **state)
{
    (void)state;
    struct ek *k = ek_open(1, 1);
    ek_boot(k, 0);
    ek_load(k, 0, NULL);
    struct ts_msg_head head = snapshot(k, 0);
    assert_int_equal(head.number, 0);
    assert_listed(k, 0, NULL, 0);
    ek_close(k);
}

static void only_the_very_head_is_loaded(void **state)
{
    (void)state;
    struct ek *k = running();
    run_with_transfers(k, 1);
    struct ts_msg_head head = snapshot(k, 1);
    struct ts_msg_head other = head;
    ek_boot(k, 1);
    other.number++;
    struct ts_msg m = ek_load(k, 1, &other);
    assert_code(m, TS_E_NOT_FOUND);
    other = head;
    other.hash.b[0] ^= 1;
    m = ek_load(k, 1, &other);
    assert_code(m, TS_E_NOT_FOUND);
    assert_non_null(memmem(m.u.error.text.p, m.u.error.text.n, "slot 1 is empty", 15));
    assert_state(k, 1, TS_ENC_EMPTY);
    m = ek_load(k, 1, &head);
    assert_code(m, TS_OK);
    ek_close(k);
}

/* Of a program before this one or after it: not listed, so that the host feeds the boot from its
 * store, and replaced first. */
static void one_of_another_version_is_refused(void **state)
{
    (void)state;
    struct ek *k = running();
    run_with_transfers(k, 1);
    struct ts_msg_head head = snapshot(k, 1);
    struct ts_buf *slot = &k->enclaves[1].store.slots[0];
    assert_memory_equal(slot->p, "tsckpt02", 8);
    slot->p[7] = '1';
    ek_boot(k, 1);
    assert_listed(k, 1, NULL, 0);
    struct ts_msg m = ek_load(k, 1, &head);
    assert_code(m, TS_E_NOT_FOUND);
    assert_non_null(memmem(m.u.error.text.p, m.u.error.text.n, "slot 0 is of another version", 28));
    assert_state(k, 1, TS_ENC_EMPTY);
    m = ek_load(k, 1, NULL);
    assert_code(m, TS_OK);
    ek_feed(k, 1);
    head = snapshot(k, 1);
    assert_listed(k, 1, &head, 1);
    assert_memory_equal(slot->p, "tsckpt02", 8);
    ek_close(k);
}

/* Rolled back to an older one: it is a place to start from, like any other. */
static void an_older_checkpoint_only_means_more_to_catch_up(void **state)
{
    (void)state;
    struct ek *k = running();
    run_with_transfers(k, 1);
    struct ts_msg_head old = snapshot(k, 1);
    struct ts_buf copy;
    ts_buf_init(&copy, 0);
    ts_buf_put(&copy, k->enclaves[1].store.slots[0].p, k->enclaves[1].store.slots[0].n);
    run_with_transfers(k, 1);
    snapshot(k, 1);
    run_with_transfers(k, 1);
    snapshot(k, 1);
    struct ts_buf *slots = k->enclaves[1].store.slots;
    for (size_t i = 0; i < 2; i++) {
        ts_buf_reset(&slots[i]);
        ts_buf_put(&slots[i], copy.p, copy.n);
    }
    ts_buf_free(&copy);
    ek_boot(k, 1);
    struct ts_msg m = ek_load(k, 1, &old);
    assert_code(m, TS_OK);
    ek_feed(k, 1);
    m = ek_synced(k, 1);
    assert_code(m, TS_OK);
    run_with_transfers(k, 1);
    ek_close(k);
}

/* Whatever happens to the bytes: refused with a reason, and the boot starts from genesis. */
static void a_damaged_checkpoint_is_absent_not_fatal(void **state)
{
    (void)state;
    struct ek *k = running();
    run_with_transfers(k, 2);
    struct ts_msg_head head = snapshot(k, 1);
    struct ts_buf *slot = &k->enclaves[1].store.slots[0];
    ek_boot(k, 1);
    for (size_t at = 0; at < slot->n; at += 1 + slot->n / 300) {
        slot->p[at] ^= 1;
        struct ts_msg m = ek_load(k, 1, &head);
        assert_true(ek_code(&m) == TS_E_CORRUPT || ek_code(&m) == TS_E_NOT_FOUND);
        assert_state(k, 1, TS_ENC_EMPTY);
        slot->p[at] ^= 1;
    }
    size_t full = slot->n;
    for (size_t cut = 0; cut < full; cut += 1 + full / 100) {
        slot->n = cut;
        struct ts_msg m = ek_load(k, 1, &head);
        assert_true(ek_code(&m) == TS_E_CORRUPT || ek_code(&m) == TS_E_NOT_FOUND);
        assert_state(k, 1, TS_ENC_EMPTY);
        ek_forget(k);
    }
    slot->n = full;
    ts_buf_put_byte(slot, 0);
    struct ts_msg m = ek_load(k, 1, &head);
    assert_code(m, TS_E_CORRUPT);
    slot->n = full;
    m = ek_load(k, 1, &head);
    assert_code(m, TS_OK);
    ek_close(k);
}

/* While SYNCING a bad checkpoint leaves the line that is loaded. */
static void a_failed_start_over_leaves_the_line(void **state)
{
    (void)state;
    struct ek *k = running();
    run_with_transfers(k, 2);
    struct ts_msg_head head = snapshot(k, 1);
    ek_boot(k, 1);
    ek_load(k, 1, NULL);
    ek_feed(k, 1);
    struct ts_buf *slot = &k->enclaves[1].store.slots[0];
    slot->p[slot->n - 1] ^= 1;
    struct ts_msg m = ek_load(k, 1, &head);
    assert_code(m, TS_E_CORRUPT);
    m = ek_plain(k, 1, TS_MSG_IDENTIFY);
    assert_int_equal(m.u.identity.head.number, k->chain.head.number);
    m = ek_synced(k, 1);
    assert_code(m, TS_OK);
    ek_close(k);
}

/* Many chunks: moved, doubled and left out ones do not open. */
static void chunks_cannot_be_moved(void **state)
{
    (void)state;
    struct ts_params params;
    ts_params_default(&params);
    struct ek *k = ek_open_with(2, 2, &params, 0);
    ek_start(k, 0);
    ek_promote(k, 0);
    /* New accounts, until the state takes several chunks. */
    uint64_t nonce = 0;
    for (size_t batch = 0; batch < 4; batch++) {
        ts_bytes *txs = ts_arena_array(&k->arena, 1000, sizeof(*txs));
        assert_non_null(txs);
        for (size_t i = 0; i < 1000; i++)
            txs[i] = ek_transfer_to(
                k, 0, nonce++,
                &(ts_address){{0x77, (uint8_t)(i >> 8), (uint8_t)i, (uint8_t)batch}});
        struct ts_msg req = ek_create_request(k, 0, 0);
        req.u.create.txs = txs;
        req.u.create.n_txs = 1000;
        struct ts_msg m = ek_ask(k, 0, &req);
        assert_code(m, TS_OK);
        ek_publish(k, m.u.created.batch);
        ek_forget(k);
    }
    struct ts_msg_head head = snapshot(k, 0);
    struct ts_buf *slot = &k->enclaves[0].store.slots[0];
    enum { HEAD = 8 + 8 + 128, CHUNK = 5 + 65536 + 28 };
    assert_true(slot->n > HEAD + 2 * CHUNK);
    uint8_t *kept = malloc(slot->n);
    assert_non_null(kept);
    memcpy(kept, slot->p, slot->n);
    size_t full = slot->n;
    ek_boot(k, 0);

    memcpy(slot->p + HEAD, kept + HEAD + CHUNK, CHUNK); /* swapped */
    memcpy(slot->p + HEAD + CHUNK, kept + HEAD, CHUNK);
    struct ts_msg m = ek_load(k, 0, &head);
    assert_code(m, TS_E_CORRUPT);

    memcpy(slot->p, kept, full); /* the second left out */
    memmove(slot->p + HEAD + CHUNK, slot->p + HEAD + 2 * CHUNK, full - HEAD - 2 * CHUNK);
    slot->n = full - CHUNK;
    m = ek_load(k, 0, &head);
    assert_code(m, TS_E_CORRUPT);

    memcpy(slot->p, kept, full); /* the end left out, the chunk before it called the last */
    slot->n = HEAD + CHUNK;
    slot->p[HEAD] = 1;
    m = ek_load(k, 0, &head);
    assert_code(m, TS_E_CORRUPT);

    memcpy(slot->p, kept, full);
    slot->n = full;
    m = ek_load(k, 0, &head);
    assert_code(m, TS_OK);
    free(kept);
    ek_close(k);
}

/* The end is sealed too: a stream cut between two chunks does not pass for a shorter one. */
static void a_cut_stream_has_no_end(void **state)
{
    (void)state;
    struct ek *k = ek_open(1, 1);
    struct ek_store *store = &k->enclaves[0].store;
    const ts_secret key = {{1}};
    const uint8_t salt[8] = {2};
    struct ts_checkpoint_head head = {.number = 7};
    struct ts_checkpoint_stream s;
    static uint8_t content[2 * TS_CHECKPOINT_CHUNK + 1000];
    assert_int_equal(ts_checkpoint_write_begin(&s, &store->ops, 0, &key, salt, &head), TS_OK);
    assert_int_equal(ts_checkpoint_write(&s, content, sizeof(content)), TS_OK);
    assert_int_equal(ts_checkpoint_write_end(&s, TS_OK), TS_OK);

    assert_int_equal(ts_checkpoint_read_begin(&s, &store->ops, 0, &key, &head), TS_OK);
    assert_int_equal(head.number, 7);
    assert_int_equal(ts_checkpoint_read(&s, content, sizeof(content)), TS_OK);
    assert_int_equal(ts_checkpoint_read_end(&s, TS_OK), TS_OK);

    /* Read to the end of what is left, and one byte more, or less. */
    enum { HEAD = 8 + 8 + 128, CHUNK = 5 + TS_CHECKPOINT_CHUNK + 28 };
    assert_int_equal(ts_checkpoint_read_begin(&s, &store->ops, 0, &key, &head), TS_OK);
    assert_int_equal(ts_checkpoint_read(&s, content, sizeof(content)), TS_OK);
    assert_int_equal(ts_checkpoint_read(&s, content, 1), TS_E_TRUNCATED);
    assert_int_equal(ts_checkpoint_read_end(&s, TS_E_TRUNCATED), TS_E_TRUNCATED);
    assert_int_equal(ts_checkpoint_read_begin(&s, &store->ops, 0, &key, &head), TS_OK);
    assert_int_equal(ts_checkpoint_read(&s, content, sizeof(content) - 1), TS_OK);
    assert_int_equal(ts_checkpoint_read_end(&s, TS_OK), TS_E_CORRUPT);

    /* The first two changed places: each is whole, but not the one that is next. */
    uint8_t *first = store->slots[0].p + HEAD;
    memcpy(content, first, CHUNK);
    memmove(first, first + CHUNK, CHUNK);
    memcpy(first + CHUNK, content, CHUNK);
    first[0] = 0;
    assert_int_equal(ts_checkpoint_read_begin(&s, &store->ops, 0, &key, &head), TS_OK);
    assert_int_equal(ts_checkpoint_read(&s, content, 1), TS_E_CORRUPT);
    assert_int_equal(ts_checkpoint_read_end(&s, TS_E_CORRUPT), TS_E_CORRUPT);
    memcpy(content, first, CHUNK);
    memmove(first, first + CHUNK, CHUNK);
    memcpy(first + CHUNK, content, CHUNK);

    /* The first chunk alone, called the last. */
    store->slots[0].n = HEAD + CHUNK;
    store->slots[0].p[HEAD] = 1;
    assert_int_equal(ts_checkpoint_read_begin(&s, &store->ops, 0, &key, &head), TS_OK);
    ts_err err = ts_checkpoint_read(&s, content, TS_CHECKPOINT_CHUNK);
    assert_int_equal(ts_checkpoint_read_end(&s, err), TS_E_CORRUPT);
    ek_close(k);
}

/* An engine that brings back another state than it saved is found out. */
static ts_err save_nothing(const struct ts_engine *e, const struct ts_sink *to)
{
    (void)e;
    (void)to;
    return TS_OK;
}

static ts_err load_nothing(struct ts_engine *e, const struct ts_source *from)
{
    (void)e;
    (void)from;
    return TS_OK;
}

static void another_state_than_the_heads_is_refused(void **state)
{
    (void)state;
    struct ek *k = running();
    struct ts_engine_ops forgetful = ts_ledger_engine;
    forgetful.save = save_nothing;
    forgetful.load = load_nothing;
    k->engine = &forgetful;
    run_with_transfers(k, 1);
    ek_start(k, 1);
    struct ts_msg_head head = snapshot(k, 1);
    ek_boot(k, 1);
    struct ts_msg m = ek_load(k, 1, &head);
    assert_code(m, TS_E_CORRUPT);
    ek_close(k);
}

/* Another enclave's slot, and another network's. */
static void foreign_checkpoints_are_no_use(void **state)
{
    (void)state;
    struct ek *k = running();
    run_with_transfers(k, 2);
    struct ts_msg_head head = snapshot(k, 1);
    struct ts_buf *from = &k->enclaves[1].store.slots[0];
    ts_buf_put(&k->enclaves[0].store.slots[0], from->p, from->n);
    ek_boot(k, 0);
    assert_listed(k, 0, NULL, 0);
    struct ts_msg m = ek_load(k, 0, &head);
    assert_code(m, TS_E_NOT_FOUND);
    assert_non_null(memmem(m.u.error.text.p, m.u.error.text.n, "another network or enclave", 26));
    /* The slot is free for its own. */
    ek_load(k, 0, NULL);
    ek_feed(k, 0);
    head = snapshot(k, 0);
    assert_listed(k, 0, &head, 1);

    struct ek *other = ek_open(2, 1);
    ts_buf_put(&other->enclaves[1].store.slots[0], from->p, from->n);
    ek_boot(other, 1);
    m = ek_load(other, 1, &head);
    assert_code(m, TS_E_NOT_FOUND);
    ek_close(other);
    ek_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_boot_goes_on_from_a_checkpoint),
        cmocka_unit_test(conflicts_are_judged_behind_a_checkpoint),
        cmocka_unit_test(slots_alternate_and_the_newest_is_kept),
        cmocka_unit_test(an_empty_chain_needs_no_checkpoint),
        cmocka_unit_test(only_the_very_head_is_loaded),
        cmocka_unit_test(one_of_another_version_is_refused),
        cmocka_unit_test(an_older_checkpoint_only_means_more_to_catch_up),
        cmocka_unit_test(a_damaged_checkpoint_is_absent_not_fatal),
        cmocka_unit_test(a_failed_start_over_leaves_the_line),
        cmocka_unit_test(chunks_cannot_be_moved),
        cmocka_unit_test(a_cut_stream_has_no_end),
        cmocka_unit_test(another_state_than_the_heads_is_refused),
        cmocka_unit_test(foreign_checkpoints_are_no_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
