/* SPDX-License-Identifier: Apache-2.0 */
/* Random honest histories: every batch is valid; the registry folded anew from genesis, and the one
 * read back from a snapshot, are the same; no changed byte passes. */

#include "chain/batch.h"
#include "chain/snapshot.h"
#include "refused.h"

static void same_when_folded_anew(void **state)
{
    (void)state;
    uint64_t batches = 0;
    uint64_t restarts = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct testnet *net = tn_random(seed, 120);
        struct ts_chain again;
        tn_fold(net, net->chain.head.number, &again);
        assert_true(tn_chain_equal(&net->chain, &again));
        ts_chain_free(&again);
        batches += net->chain.head.number;
        for (size_t i = 0; i < net->chain.registry.n; i++)
            restarts += net->chain.registry.entries[i].restarts;
        tn_free(net);
    }
    /* The histories are worth something. */
    assert_true(batches > 700);
    assert_true(restarts > 100);
}

static void snapshot(const struct ts_chain *c, struct ts_buf *out)
{
    ts_buf_init(out, 0);
    ts_chain_snapshot_put(out, c);
    assert_int_equal(out->err, TS_OK);
}

static ts_err restore(const struct testnet *net, ts_bytes raw, struct ts_chain *out)
{
    struct ts_reader r = ts_reader_of(raw);
    ts_err err = ts_chain_snapshot_read(&r, &net->genesis, net->crypto, out);
    if (err != TS_OK)
        return err;
    err = ts_reader_done(&r);
    if (err != TS_OK)
        ts_chain_free(out);
    return err;
}

/* Read back it is the same, byte for byte, and goes on the same. */
static void snapshot_round_trip(void **state)
{
    (void)state;
    for (uint64_t seed = 20; seed < 26; seed++) {
        struct testnet *net = tn_random(seed, seed == 20 ? 400 : 40);
        struct ts_chain back;
        struct ts_buf first;
        struct ts_buf second;
        snapshot(&net->chain, &first);
        assert_int_equal(restore(net, ts_buf_bytes(&first), &back), TS_OK);
        assert_true(tn_chain_equal(&net->chain, &back));
        snapshot(&back, &second);
        assert_true(ts_bytes_equal(ts_buf_bytes(&first), ts_buf_bytes(&second)));
        ts_chain_free(&net->chain);
        net->chain = back;
        uint64_t s = seed;
        for (size_t i = 0; i < 20; i++)
            tn_random_step(net, &s);
        ts_buf_free(&first);
        ts_buf_free(&second);
        tn_free(net);
    }
}

static void snapshot_of_nothing(void **state)
{
    (void)state;
    struct testnet *net = tn_new(NULL);
    struct testnet *other = tn_new(&(struct tn_options){.enclaves = 2});
    struct ts_chain back;
    struct ts_buf b;
    snapshot(&net->chain, &b);
    assert_int_equal(restore(net, ts_buf_bytes(&b), &back), TS_OK);
    assert_true(tn_chain_equal(&net->chain, &back));
    ts_chain_free(&back);
    assert_int_equal(restore(other, ts_buf_bytes(&b), &back), TS_E_FOREIGN);
    assert_null(back.registry.entries);
    ts_chain_free(&back);
    ts_buf_free(&b);
    tn_free(net);
    tn_free(other);
}

/* Whatever the bytes: an error, or a chain that writes the very same bytes. */
static void snapshot_of_hostile_bytes(void **state)
{
    (void)state;
    struct testnet *net = tn_random(7, 30);
    struct ts_buf b;
    uint64_t s = 99;
    size_t passed = 0;
    snapshot(&net->chain, &b);
    for (size_t i = 0; i < 4000; i++) {
        struct ts_chain back;
        size_t at = tn_next(&s) % b.n;
        uint8_t was = b.p[at];
        b.p[at] = (uint8_t)tn_next(&s);
        if (restore(net, ts_buf_bytes(&b), &back) == TS_OK) {
            struct ts_buf again;
            snapshot(&back, &again);
            assert_true(ts_bytes_equal(ts_buf_bytes(&again), ts_buf_bytes(&b)));
            ts_buf_free(&again);
            ts_chain_free(&back);
            passed++;
        }
        b.p[at] = was;
    }
    assert_true(passed < 4000);
    for (size_t n = 0; n < b.n; n += 7) {
        struct ts_chain back;
        assert_int_not_equal(restore(net, ts_bytes_of(b.p, n), &back), TS_OK);
    }
    ts_buf_free(&b);
    tn_free(net);
}

/* Makes the k-th thing that no chain can be. */
static void make_impossible(struct testnet *net, int k)
{
    struct ts_registry *r = &net->chain.registry;
    struct ts_registry_entry *e = r->entries;
    switch (k) {
    case 0:
        e[1].role = TS_ROLE_ACTIVE;
        break;
    case 1:
        e[1].role = TS_ROLE_NONE;
        break;
    case 2:
        r->has_active = false;
        break;
    case 3:
        r->active = e[1].id;
        break;
    case 4:
        e[1].started_in = 100;
        break;
    case 5:
        e[1].restart_number = e[1].started_in;
        break;
    case 6:
        e[1].tip_seq = 0;
        break;
    case 7:
        e[1].n_boot_ids = 0;
        break;
    case 8:
        e[1].tip_kind = TS_ACTIVE;
        break;
    case 9:
        e[1].id = e[0].id;
        break;
    case 10:
        e[1].has_report = false;
        break;
    case 11:
        e[1].last_report_head = e[1].last_report_in;
        break;
    case 12:
        net->chain.head.hash.b[0] ^= 1;
        break;
    case 13:
        net->chain.recent[0].b[0] ^= 1;
        break;
    case 14:
        e[1].last_report_in = 100;
        break;
    default:
        e[1].started_in = 100;
        e[1].has_report = false;
        e[1].last_report_head = 0;
        e[1].last_report_hash = (ts_hash){{0}};
        break;
    }
}

/* What no chain can be is refused, though each part of it is well-formed. */
static void snapshot_of_the_impossible(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    struct ts_registry *r = &net->chain.registry;
    struct ts_registry_entry *e = r->entries;
    struct ts_chain back;
    struct ts_buf b;
    tn_run(net, 3);
    for (int k = 0; k < 16; k++) {
        struct ts_registry_entry one = e[1];
        struct ts_registry reg = *r;
        struct ts_chain chain = net->chain;
        make_impossible(net, k);
        snapshot(&net->chain, &b);
        assert_int_equal(restore(net, ts_buf_bytes(&b), &back), TS_E_CORRUPT);
        ts_buf_free(&b);
        net->chain = chain;
        *r = reg;
        e[1] = one;
    }
    snapshot(&net->chain, &b);
    assert_int_equal(restore(net, ts_buf_bytes(&b), &back), TS_OK);
    ts_chain_free(&back);
    ts_buf_free(&b);
    tn_free(net);
}

/* The list of the whitelisted has room for 64. */
static void snapshot_of_too_many(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 65, .whitelisted = 64});
    struct ts_chain back;
    struct ts_buf b;
    tn_start(net);
    tn_whitelist_add(net, 64);
    tn_whitelist_remove(net, 7);
    tn_run(net, 1);
    snapshot(&net->chain, &b);
    assert_int_equal(restore(net, ts_buf_bytes(&b), &back), TS_OK);
    ts_chain_free(&back);
    ts_buf_free(&b);
    net->chain.registry.entries[7].whitelisted = true;
    snapshot(&net->chain, &b);
    assert_int_equal(restore(net, ts_buf_bytes(&b), &back), TS_E_LIMIT);
    ts_buf_free(&b);
    tn_free(net);
}

/* One byte changed anywhere in a valid batch: refused, by a rule or by the decoder. */
static void no_changed_byte_passes(void **state)
{
    (void)state;
    struct testnet *net = tn_running(3);
    ts_bytes txs[2] = {ts_bytes_of("first", 5), ts_bytes_of("second", 6)};
    uint64_t s = 5;
    tn_run(net, 2);
    tn_step_down(net, 0);
    tn_activate(net, 1);
    tn_whitelist_remove(net, 2);
    struct tn_draft *d = tn_draft(net, 1);
    d->txs = txs;
    d->n_txs = 2;
    assert_passes(net, d);
    for (size_t at = 0; at < d->raw.n; at++) {
        uint8_t was = d->raw.p[at];
        for (int k = 0; k < 3; k++) {
            d->raw.p[at] = k == 0 ? was ^ 1 : k == 1 ? (uint8_t)(was + 128) : (uint8_t)tn_next(&s);
            if (d->raw.p[at] != was)
                assert_int_not_equal(tn_check_raw(net, ts_buf_bytes(&d->raw)), TS_OK);
        }
        d->raw.p[at] = was;
    }
    assert_int_equal(tn_check_raw(net, ts_buf_bytes(&d->raw)), TS_OK);
    tn_free(net);
}

/* A failed check leaves nothing behind: the same effect serves the next one. */
static void effect_is_reusable(void **state)
{
    (void)state;
    struct testnet *net = tn_random(3, 30);
    struct ts_chain fresh;
    for (uint64_t k = 1; k <= net->chain.head.number; k++)
        assert_int_equal(tn_check_raw(net, tn_raw(net, k)), TS_E_V1_LINKS);
    tn_fold(net, net->chain.head.number, &fresh);
    assert_true(tn_chain_equal(&net->chain, &fresh));
    ts_chain_free(&fresh);
    tn_free(net);
}

/* What the effect says beforehand is what the chain says afterwards. */
static void effect_foretells(void **state)
{
    (void)state;
    struct testnet *net = tn_new(&(struct tn_options){.enclaves = 4, .whitelisted = 3});
    struct ts_registry_entry before;
    size_t n;
    tn_start(net);
    tn_whitelist_add(net, 3);
    tn_whitelist_remove(net, 1);
    tn_boot(net, 3);
    tn_step_down(net, 0);
    tn_activate(net, 2);
    struct tn_draft *d = tn_draft(net, 2);
    assert_passes(net, d);
    const ts_address *list = ts_effect_whitelist(net->effect, &n);
    assert_int_equal(n, 3);
    assert_true(ts_address_equal(&list[0], tn_id(net, 0)));
    assert_true(ts_address_equal(&list[2], tn_id(net, 3)));
    assert_int_equal(ts_effect_head(net->effect)->number, 2);
    assert_int_equal(ts_effect_entry(net->effect, tn_id(net, 3), &before), TS_OK);
    assert_int_equal(before.role, TS_ROLE_PASSIVE);
    assert_null(before.boot_ids);
    assert_int_equal(ts_effect_entry(net->effect, tn_id(net, 1), &before), TS_OK);
    assert_false(before.whitelisted);
    assert_int_equal(ts_effect_entry(net->effect, &(ts_address){{9}}, &before), TS_E_NOT_FOUND);
    tn_publish(net, d);
    assert_int_equal(net->chain.registry.n_whitelisted, 3);
    assert_int_equal(tn_entry(net, 2)->role, TS_ROLE_ACTIVE);
    /* One that the batch does not touch is as it was. */
    d = tn_draft(net, 2);
    tn_leave_out(net, d, 0);
    assert_passes(net, d);
    assert_int_equal(ts_effect_entry(net->effect, tn_id(net, 0), &before), TS_OK);
    assert_int_equal(before.tip_seq, tn_entry(net, 0)->tip_seq);
    assert_int_equal(before.last_report_in, 2);
    tn_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_when_folded_anew),      cmocka_unit_test(snapshot_round_trip),
        cmocka_unit_test(snapshot_of_nothing),        cmocka_unit_test(snapshot_of_hostile_bytes),
        cmocka_unit_test(snapshot_of_the_impossible), cmocka_unit_test(snapshot_of_too_many),
        cmocka_unit_test(no_changed_byte_passes),     cmocka_unit_test(effect_is_reusable),
        cmocka_unit_test(effect_foretells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
