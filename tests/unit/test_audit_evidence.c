/* SPDX-License-Identifier: Apache-2.0 */
/* What conflicts with the chain; what is kept; who joins late; the audit as bytes. */
#include "audit_kit.h"

#include "base/check.h"
#include "chain/batch.h"

/* ---- evidence -------------------------------------------------------------------------------- */

/* The other batch of a pair: a draft is sealed and decoded, then the net publishes its own. */
struct other {
    struct ts_arena arena;
    struct ts_buf raw;
    struct ts_batch b;
};

static void take(struct other *o, struct testnet *net, struct tn_draft *d)
{
    tn_seal(net, d);
    ts_arena_init(&o->arena, 0);
    ts_buf_init(&o->raw, 0);
    ts_buf_put(&o->raw, d->raw.p, d->raw.n);
    assert_int_equal(ts_batch_decode(ts_buf_bytes(&o->raw), TS_MAX_BATCH_BYTES, &o->arena, &o->b),
                     TS_OK);
}

static void drop(struct other *o)
{
    ts_arena_free(&o->arena);
    ts_buf_free(&o->raw);
}

static ts_err judge(struct audit_kit *k, uint64_t number, const struct other *o,
                    struct ts_finding *f)
{
    struct ts_audit_place own = kit_place(k, number);
    return ts_audit_conflict(k->audit, k->net->crypto, &own, &o->b, f);
}

static void a_second_batch_is_a_proof(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_finding f;
    struct other o;
    tn_run(k->net, 5);
    struct tn_draft *d = tn_draft(k->net, 0);
    d->header.time += 7;
    take(&o, k->net, d);
    tn_run(k->net, 4);
    kit_follow(k);
    assert_int_equal(judge(k, 7, &o, &f), TS_OK);
    assert_int_equal(f.kind, TS_F_EQUIVOCATION);
    assert_int_equal(f.severity, TS_SEVERITY_PROOF);
    assert_int_equal(f.about, TS_ABOUT_OPERATOR);
    assert_int_equal(f.first, 7);
    assert_int_equal(f.serial, 0);
    assert_false(ts_hash_is_zero(&f.evidence));
    assert_true(ts_address_equal(&f.enclave, tn_id(k->net, 0)));
    struct ts_finding known;
    struct ts_audit_place own = kit_place(k, 7);
    ts_audit_conflict_known(k->audit, &own, &o.b, &known);
    assert_memory_equal(&known.evidence, &f.evidence, sizeof(f.evidence));
    assert_string_equal(known.text, f.text);
    assert_true(ts_audit_add(k->audit, &f, NULL));
    assert_false(ts_audit_add(k->audit, &f, NULL)); /* kept already */
    assert_int_equal(ts_audit_count(k->audit), 1);
    drop(&o);
    kit_free(k);
}

static void a_second_batch_of_another_term_is_a_proof(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_finding f;
    struct other o;
    tn_run(k->net, 5);
    tn_activate(k->net, 1); /* two active ones at one head */
    take(&o, k->net, tn_draft(k->net, 1));
    tn_publish(k->net, tn_draft(k->net, 0)); /* leaves the Active of 1 out */
    kit_follow(k);
    assert_int_equal(judge(k, 7, &o, &f), TS_OK);
    assert_true(ts_address_equal(&f.enclave, tn_id(k->net, 1)));
    drop(&o);
    kit_free(k);
}

static void one_header_with_two_payloads_is_a_proof(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_finding f;
    struct other o;
    const uint8_t body[1] = {9};
    tn_run(k->net, 5);
    struct tn_draft *d = tn_draft(k->net, 0);
    tn_set_notice(d, 200, ts_bytes_of(body, 1));
    take(&o, k->net, d);
    tn_run(k->net, 1);
    kit_follow(k);
    assert_int_equal(judge(k, 7, &o, &f), TS_OK);
    assert_non_null(strstr(f.text, "two different protocol payloads"));
    drop(&o);
    kit_free(k);
}

static void what_proves_nothing_is_refused(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_finding f = {.first = 99};
    struct other o;
    tn_run(k->net, 5);
    struct tn_draft *d = tn_draft(k->net, 0);
    d->header.time += 7;
    take(&o, k->net, d);
    tn_run(k->net, 3);
    kit_follow(k);
    assert_int_equal(judge(k, 8, &o, &f), TS_E_OUT_OF_ORDER); /* its number is 7 */
    struct ts_audit_place own = kit_place(k, 7);
    own.parent_hash.b[0] ^= 1;
    assert_int_equal(ts_audit_conflict(k->audit, k->net->crypto, &own, &o.b, &f),
                     TS_E_OUT_OF_ORDER);
    o.b.seal.b[40] ^= 1;
    assert_int_equal(judge(k, 7, &o, &f), TS_E_V2_PRODUCER);
    o.b.seal.b[40] ^= 1;
    o.b.header.tx_root.b[0] ^= 1;
    assert_int_equal(judge(k, 7, &o, &f), TS_E_V3_FORM);
    o.b.header.tx_root.b[0] ^= 1;
    o.b.header.producer.b[0] ^= 1; /* an enclave that never was */
    assert_int_equal(judge(k, 7, &o, &f), TS_E_V2_PRODUCER);
    o.b.header.producer.b[0] ^= 1;
    assert_int_equal(f.first, 99);
    assert_int_equal(judge(k, 7, &o, &f), TS_OK); /* the rest was right */
    struct ts_arena arena;
    struct ts_batch same;
    ts_arena_init(&arena, 0);
    tn_decode(k->net, 7, &arena, &same);
    own = kit_place(k, 7);
    assert_int_equal(ts_audit_conflict(k->audit, k->net->crypto, &own, &same, &f), TS_E_NOT_FOUND);
    ts_arena_free(&arena);
    drop(&o);
    kit_free(k);
}

/* Enclave 2 is removed in batch 8 and listed again in batch 10: it seals siblings of 7, 8, 9, 10.
 */
static void the_whitelist_at_the_number_decides(void **state)
{
    (void)state;
    static const ts_err expected[] = {TS_OK, TS_OK, TS_E_V2_PRODUCER, TS_OK};
    struct audit_kit *k = kit_running(3);
    struct other o[4];
    struct ts_finding f;
    tn_run(k->net, 5);
    for (size_t i = 0; i < TS_COUNT(o); i++) {
        if (i == 1)
            tn_whitelist_remove(k->net, 2);
        if (i == 3)
            tn_whitelist_add(k->net, 2);
        struct tn_draft *d = tn_draft(k->net, 0);
        d->header.producer = *tn_id(k->net, 2);
        d->sealer = 2;
        take(&o[i], k->net, d);
        tn_run(k->net, 1);
    }
    tn_run(k->net, 100);
    kit_follow(k);
    for (size_t i = 0; i < TS_COUNT(o); i++) {
        assert_int_equal(judge(k, 7 + i, &o[i], &f), expected[i]);
        drop(&o[i]);
    }
    kit_free(k);
}

static void payloads_speak_of_the_peer(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_finding f;
    tn_run(k->net, 5);
    kit_follow(k);
    struct ts_audit_place own = kit_place(k, 4);
    assert_false(ts_audit_payload(&own, &own.root, &f));
    ts_hash given = own.root;
    given.b[5] ^= 1;
    assert_true(ts_audit_payload(&own, &given, &f));
    assert_int_equal(f.kind, TS_F_PAYLOAD_EDITED);
    assert_int_equal(f.severity, TS_SEVERITY_PROOF);
    assert_int_equal(f.about, TS_ABOUT_PEER);
    assert_true(ts_audit_add(k->audit, &f, NULL));
    given.b[6] ^= 1;
    assert_true(ts_audit_payload(&own, &given, &f));
    assert_false(ts_audit_add(k->audit, &f, NULL)); /* one for each number */
    assert_true(ts_audit_payload(&own, NULL, &f));
    assert_int_equal(f.kind, TS_F_PAYLOAD_WITHHELD);
    assert_int_equal(f.severity, TS_SEVERITY_OMISSION);
    assert_true(ts_audit_add(k->audit, &f, NULL));
    assert_int_equal(ts_audit_count(k->audit), 2);
    kit_free(k);
}

/* Nothing that speaks of the operator, proof or not. */
static void peers_cannot_push_anything_out(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_finding proof = {.kind = TS_F_EQUIVOCATION,
                               .severity = TS_SEVERITY_PROOF,
                               .about = TS_ABOUT_OPERATOR,
                               .evidence = {{7}}};
    struct ts_finding stale = {.kind = TS_F_STALE_L1,
                               .severity = TS_SEVERITY_OMISSION,
                               .about = TS_ABOUT_OPERATOR,
                               .first = 5};
    assert_true(ts_audit_add(k->audit, &proof, NULL));
    assert_true(ts_audit_add(k->audit, &stale, NULL));
    for (uint64_t i = 1; i <= 3 * TS_AUDIT_EVIDENCE; i++) {
        struct ts_finding f = {.kind = TS_F_PAYLOAD_EDITED,
                               .severity = TS_SEVERITY_PROOF,
                               .about = TS_ABOUT_PEER,
                               .first = i,
                               .last = i};
        assert_true(ts_audit_add(k->audit, &f, NULL));
    }
    assert_int_equal(ts_audit_count(k->audit), TS_AUDIT_EVIDENCE);
    assert_int_equal(ts_audit_get(k->audit, 0)->kind, TS_F_EQUIVOCATION);
    assert_int_equal(ts_audit_get(k->audit, 1)->kind, TS_F_STALE_L1);
    for (uint64_t i = 1; i <= 3 * TS_AUDIT_EVIDENCE; i++) { /* nor does the rest push a proof out */
        stale.first = 100 + i;
        assert_true(ts_audit_add(k->audit, &stale, NULL));
    }
    assert_int_equal(ts_audit_count(k->audit), TS_AUDIT_EVIDENCE);
    assert_int_equal(ts_audit_get(k->audit, 0)->kind, TS_F_EQUIVOCATION);
    kit_free(k);
}

/* ---- the same everywhere --------------------------------------------------------------------- */

static void put(const struct ts_audit *a, struct ts_buf *out)
{
    ts_buf_reset(out);
    ts_audit_put(out, a);
    assert_int_equal(out->err, TS_OK);
}

/* Reads the kit's audit anew from its bytes. */
static void reload(struct audit_kit *k, struct ts_buf *buf)
{
    put(k->audit, buf);
    struct ts_audit *a = ts_audit_new(&k->net->genesis);
    struct ts_reader r = ts_reader_of(ts_buf_bytes(buf));
    assert_int_equal(ts_audit_read(&r, &k->chain, a), TS_OK);
    assert_int_equal(ts_reader_done(&r), TS_OK);
    ts_audit_free(k->audit);
    k->audit = a;
}

static void assert_same_findings(const struct audit_kit *x, const struct audit_kit *y)
{
    assert_int_equal(x->n_told, y->n_told);
    for (size_t i = 0; i < x->n_told; i++)
        assert_true(ts_finding_equal(&x->told[i], &y->told[i]));
}

/* Random honest histories: who follows live, who joins late, and who is restarted after every few
 * batches find the same, to the byte; and no proof. */
static void all_who_follow_find_the_same(void **state)
{
    (void)state;
    size_t kinds[TS_F_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct audit_kit *live = kit_of(tn_random(seed, 150));
        struct audit_kit *often = kit_of(tn_random(seed, 150));
        struct ts_buf x, y;
        ts_buf_init(&x, 0);
        ts_buf_init(&y, 0);
        kit_follow(live);
        for (uint64_t n = 1; n <= often->net->chain.head.number; n++) {
            kit_follow_to(often, n);
            if (n % 7 == seed % 7)
                reload(often, &x);
        }
        assert_same_findings(live, often);
        put(live->audit, &x);
        put(often->audit, &y);
        assert_true(ts_bytes_equal(ts_buf_bytes(&x), ts_buf_bytes(&y)));
        assert_true(kit_worst(live) < TS_SEVERITY_PROOF);
        for (size_t i = 0; i < live->n_told; i++)
            kinds[live->told[i].kind]++;
        ts_buf_free(&x);
        ts_buf_free(&y);
        kit_free(live);
        kit_free(often);
    }
    assert_true(kinds[TS_F_SILENCE] > 0 && kinds[TS_F_RESTART] > 0);
    assert_true(kinds[TS_F_UNCLEAN_TAKEOVER] > 0 && kinds[TS_F_CHURN] > 0);
}

static void more_than_fit_are_forgotten_from_the_front(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct ts_buf buf;
    ts_buf_init(&buf, 0);
    tn_cut(k->net, 2); /* a silence that lasts through all of it */
    tn_run(k->net, 5);
    for (size_t i = 0; i < TS_AUDIT_KEPT + 20; i++) {
        tn_crash(k->net, 1);
        tn_boot(k->net, 1);
        tn_run(k->net, 1);
    }
    kit_follow(k);
    assert_int_equal(ts_audit_count(k->audit), TS_AUDIT_KEPT);
    assert_true(ts_audit_get(k->audit, 0)->serial > 1);
    tn_heal(k->net, 2);
    tn_run(k->net, 1);
    kit_follow(k); /* it closes, and so is told again */
    const struct ts_finding *last = &k->told[k->n_told - 1];
    assert_int_equal(last->serial, 1);
    assert_int_equal(last->state, TS_FINDING_CLOSED);
    assert_int_equal(ts_audit_count(k->audit), TS_AUDIT_KEPT);
    assert_int_equal(ts_audit_get(k->audit, 0)->serial, 1);
    for (size_t i = 1; i < ts_audit_count(k->audit); i++)
        assert_true(ts_audit_get(k->audit, i)->serial > ts_audit_get(k->audit, i - 1)->serial);
    reload(k, &buf);
    assert_int_equal(ts_audit_count(k->audit), TS_AUDIT_KEPT);
    ts_buf_free(&buf);
    kit_free(k);
}

static void damaged_bytes_change_nothing(void **state)
{
    (void)state;
    struct audit_kit *k = kit_of(tn_random(3, 60));
    struct ts_buf good, fresh, now;
    ts_buf_init(&good, 0);
    ts_buf_init(&fresh, 0);
    ts_buf_init(&now, 0);
    kit_follow(k);
    put(k->audit, &good);
    struct ts_audit *a = ts_audit_new(&k->net->genesis);
    put(a, &fresh);
    size_t read = 0;
    for (size_t i = 0; i < good.n; i++) {
        good.p[i] ^= (uint8_t)(1u << i % 8);
        struct ts_reader r = ts_reader_of(ts_buf_bytes(&good));
        if (ts_audit_read(&r, &k->chain, a) == TS_OK) {
            read++; /* another text or count, say: then it can be written again */
            put(a, &now);
            ts_audit_free(a);
            a = ts_audit_new(&k->net->genesis);
        }
        put(a, &now);
        assert_true(ts_bytes_equal(ts_buf_bytes(&now), ts_buf_bytes(&fresh)));
        good.p[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_true(read < good.n);
    for (size_t n = 0; n < good.n; n += 13) {
        struct ts_reader r = ts_reader_of(ts_bytes_of(good.p, n));
        assert_int_not_equal(ts_audit_read(&r, &k->chain, a), TS_OK);
    }
    ts_audit_free(a);
    ts_buf_free(&good);
    ts_buf_free(&fresh);
    ts_buf_free(&now);
    kit_free(k);
}

static void another_chain_or_network_is_refused(void **state)
{
    (void)state;
    struct audit_kit *k = kit_running(3);
    struct audit_kit *other = kit_running(4);
    struct ts_buf buf;
    ts_buf_init(&buf, 0);
    tn_run(k->net, 5);
    kit_follow_to(k, 5);
    kit_follow_to(other, 1);
    put(k->audit, &buf);
    struct ts_audit *a = ts_audit_new(&k->net->genesis);
    kit_follow_to(k, 6);
    struct ts_reader r = ts_reader_of(ts_buf_bytes(&buf));
    assert_int_equal(ts_audit_read(&r, &k->chain, a), TS_E_CORRUPT); /* another head */
    put(other->audit, &buf);
    r = ts_reader_of(ts_buf_bytes(&buf));
    assert_int_equal(ts_audit_read(&r, &k->chain, a), TS_E_FOREIGN);
    ts_audit_free(a);
    ts_buf_free(&buf);
    kit_free(k);
    kit_free(other);
}

static void names_are_found_again(void **state)
{
    (void)state;
    for (int i = 0; i < (int)TS_F_COUNT; i++) {
        enum ts_finding_kind kind = TS_F_COUNT;
        assert_true(ts_finding_kind_of(ts_finding_name(i), &kind));
        assert_int_equal(kind, i);
    }
    for (int i = 0; ts_severity_name(i) != NULL; i++) {
        enum ts_severity severity = TS_SEVERITY_NOTICE;
        assert_true(ts_severity_of(ts_severity_name(i), &severity));
        assert_int_equal(severity, i);
    }
    enum ts_finding_kind kind = TS_F_FLAP;
    assert_false(ts_finding_kind_of("silent", &kind));
    assert_int_equal(kind, TS_F_FLAP);
    assert_null(ts_finding_name(-1));
    assert_null(ts_finding_name((int)TS_F_COUNT));
    assert_null(ts_severity_name(4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_batch_is_a_proof),
        cmocka_unit_test(a_second_batch_of_another_term_is_a_proof),
        cmocka_unit_test(one_header_with_two_payloads_is_a_proof),
        cmocka_unit_test(what_proves_nothing_is_refused),
        cmocka_unit_test(the_whitelist_at_the_number_decides),
        cmocka_unit_test(payloads_speak_of_the_peer),
        cmocka_unit_test(peers_cannot_push_anything_out),
        cmocka_unit_test(all_who_follow_find_the_same),
        cmocka_unit_test(more_than_fit_are_forgotten_from_the_front),
        cmocka_unit_test(damaged_bytes_change_nothing),
        cmocka_unit_test(another_chain_or_network_is_refused),
        cmocka_unit_test(names_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
