/* SPDX-License-Identifier: Apache-2.0 */
/* A random walk: an honest little host with bad luck (crashes, lost answers, discarded batches,
 * slow enclaves) and now and then a hostile request or a copy. After every request and every
 * published batch the invariants of protocol section 8 that enclaves uphold are checked, by code of
 * its own. */
#include <string.h>

#include "enclave_kit.h"

#define N 4

struct seen_term {
    uint64_t term;
    ts_address producer;
};

struct walk {
    struct ek *k;
    struct ts_msg_head head[N]; /* as last seen of this boot */
    bool bound[N];              /* has signed in this boot */
    struct ts_enclave *frozen[N];
    struct ts_msg_head frozen_head[N];
    uint64_t tip_seq[N]; /* published, by the fold of this test */
    ts_hash tip[N];
    struct seen_term *terms;
    size_t n_terms;
    uint64_t accepted, created, switched, restarted, halted, lost, refused;
};

static size_t pick(struct walk *w, size_t n)
{
    return (size_t)(ek_random(w->k) % n);
}

static bool chance(struct walk *w, size_t percent)
{
    return pick(w, 100) < percent;
}

static bool is_up(const struct walk *w, size_t i)
{
    return w->k->enclaves[i].core != NULL;
}

static bool on_chain(const struct walk *w, size_t i)
{
    const ts_hash *h = ts_chain_recent(&w->k->chain, w->head[i].number);
    return h != NULL && ts_hash_equal(h, &w->head[i].hash);
}

static bool at_head(const struct walk *w, size_t i)
{
    return is_up(w, i) && ts_hash_equal(&w->head[i].hash, &w->k->chain.head.hash);
}

/* I2, after one request. batch: the one that it was about, if any. */
static void check_i2(struct walk *w, size_t i, ts_bytes batch)
{
    struct ts_msg m = ek_plain(w->k, i, TS_MSG_IDENTIFY);
    const struct ts_msg_identity *id = &m.u.identity;
    if (w->bound[i] && !ts_hash_equal(&id->head.hash, &w->head[i].hash)) {
        assert_true(batch.n > 0);
        struct ts_batch b = ek_decode(w->k, batch);
        ts_hash hash;
        ts_header_hash(&w->k->genesis.domain, &b.header, &hash);
        assert_memory_equal(&hash, &id->head.hash, 32);
        assert_memory_equal(&b.header.parent_hash, &w->head[i].hash, 32);
        assert_int_equal(id->head.number, w->head[i].number + 1);
    }
    w->head[i] = id->head;
    w->bound[i] = id->state == TS_ENC_PASSIVE || id->state == TS_ENC_ACTIVE || w->bound[i];
}

static size_t index_of(const struct walk *w, const ts_address *id)
{
    for (size_t i = 0; i < N; i++) {
        if (ts_address_equal(&w->k->enclaves[i].id, id))
            return i;
    }
    fail_msg("an event of an unknown enclave");
    return 0;
}

/* I5: each term has one producer, whose Active is in the chain by then. */
static void check_i5(struct walk *w, const struct ts_batch *b)
{
    for (size_t i = 0; i < w->n_terms; i++) {
        if (w->terms[i].term == b->header.term) {
            assert_memory_equal(&w->terms[i].producer, &b->header.producer, 20);
            return;
        }
        assert_true(w->terms[i].term < b->header.term);
    }
    bool has_active = false;
    for (size_t i = 0; i < b->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *e = &b->payload.transitions[i];
        has_active = has_active || (e->kind == TS_ACTIVE && e->term == b->header.term &&
                                    ts_address_equal(&e->enclave_id, &b->header.producer) &&
                                    ts_hash_equal(&e->batch_head, &b->header.parent_hash));
    }
    assert_true(has_active);
    assert_true(w->n_terms < 4096);
    w->terms[w->n_terms++] = (struct seen_term){b->header.term, b->header.producer};
}

/* I6: every enclave exactly once, in the reports or among the absent. */
static void check_i6(const struct walk *w, const struct ts_batch *b)
{
    for (size_t i = 0; i < N; i++) {
        size_t times = 0;
        for (size_t j = 0; j < b->payload.n_reports; j++)
            times += ts_address_equal(&b->payload.reports[j].enclave_id, &w->k->enclaves[i].id);
        for (size_t j = 0; j < b->payload.n_absent; j++)
            times += ts_address_equal(&b->payload.absent[j], &w->k->enclaves[i].id);
        assert_int_equal(times, 1);
    }
}

/* I7: one chain of transitions for each enclave. */
static void check_i7(struct walk *w, const struct ts_batch *b)
{
    for (size_t j = 0; j < b->payload.n_transitions; j++) {
        const struct ts_lifecycle_event *e = &b->payload.transitions[j];
        size_t i = index_of(w, &e->enclave_id);
        assert_int_equal(e->seq, w->tip_seq[i] + 1);
        assert_memory_equal(&e->prev, &w->tip[i], 32);
        w->tip_seq[i] = e->seq;
        ts_transition_hash(&w->k->genesis.domain, e, &w->tip[i]);
    }
}

/* I8: whoever reports in this batch at head h has nothing unpublished that it signed below h. */
static void check_i8(struct walk *w, const struct ts_batch *b)
{
    for (size_t j = 0; j < b->payload.n_reports; j++) {
        const struct ts_restart_event *r = &b->payload.reports[j];
        size_t i = index_of(w, &r->enclave_id);
        assert_int_equal(r->seq, w->tip_seq[i]);
        if (!is_up(w, i) || !on_chain(w, i) || w->head[i].number < b->header.number)
            continue;
        struct ts_msg m = ek_plain(w->k, i, TS_MSG_REPORT);
        if (m.type == TS_MSG_ERROR || !m.u.events.has_report ||
            !ts_hash_equal(&m.u.events.report.boot_id, &r->boot_id))
            continue;
        for (size_t t = 0; t < m.u.events.n_transitions; t++)
            assert_true(m.u.events.transitions[t].batch_number >= r->current_batch_number);
    }
}

static void publish(struct walk *w, ts_bytes raw)
{
    ek_publish(w->k, raw); /* the rules themselves, I10 among them */
    struct ts_batch b = ek_decode(w->k, raw);
    check_i5(w, &b);
    check_i6(w, &b);
    check_i7(w, &b);
    check_i8(w, &b);
}

/* ---- what the host does ---- */

static void note(struct walk *w, size_t i, const struct ts_msg *m, ts_bytes batch)
{
    if (ek_code(m) != TS_OK)
        w->refused++;
    if (ek_code(m) == TS_E_HALTS)
        w->halted++;
    check_i2(w, i, batch);
}

static void start_process(struct walk *w, size_t i)
{
    ek_boot(w->k, i);
    w->bound[i] = false;
    w->restarted++;
    struct ts_msg m = ek_plain(w->k, i, TS_MSG_IDENTIFY);
    struct ts_msg_head from = {0};
    for (size_t s = 0; s < m.u.identity.n_sealed; s++) {
        const ts_hash *h = ts_chain_recent(&w->k->chain, m.u.identity.sealed[s].number);
        if (h != NULL && ts_hash_equal(h, &m.u.identity.sealed[s].hash) && chance(w, 80))
            from = m.u.identity.sealed[s];
    }
    m = ek_load(w->k, i, from.number > 0 ? &from : NULL);
    assert_code(m, TS_OK);
    note(w, i, &m, ts_bytes_of(NULL, 0));
}

/* What a host does with an enclave that it cannot feed: a new boot. */
static void restart_if_needed(struct walk *w, size_t i)
{
    if (is_up(w, i) && on_chain(w, i) && ek_state(w->k, i) != TS_ENC_HALTED)
        return;
    start_process(w, i);
}

static void feed(struct walk *w, size_t i, size_t at_most)
{
    restart_if_needed(w, i);
    for (size_t n = 0; n < at_most && w->head[i].number < w->k->n_batches; n++) {
        ts_bytes batch = ek_batch(w->k, w->head[i].number + 1);
        struct ts_msg m = ek_accept(w->k, i, batch);
        note(w, i, &m, batch);
        if (ek_code(&m) != TS_OK) {
            assert_code(m, TS_E_HALTS); /* only a copy does that here */
            return;
        }
        w->accepted++;
    }
    if (at_head(w, i) && ek_state(w->k, i) == TS_ENC_SYNCING) {
        struct ts_msg m = ek_synced(w->k, i);
        assert_code(m, TS_OK);
        note(w, i, &m, ts_bytes_of(NULL, 0));
    }
}

static int active_at_head(const struct walk *w)
{
    for (size_t i = 0; i < N; i++) {
        if (at_head(w, i) && ek_state(w->k, i) == TS_ENC_ACTIVE)
            return (int)i;
    }
    return -1;
}

/* Makes i the active one at the head; the one before steps down if it can be told. */
static void switch_to(struct walk *w, size_t i)
{
    int old = active_at_head(w);
    feed(w, i, SIZE_MAX);
    if (!at_head(w, i) || ek_state(w->k, i) != TS_ENC_PASSIVE)
        return;
    if (old >= 0 && chance(w, 70)) {
        struct ts_msg m = ek_step_down(w->k, (size_t)old);
        assert_code(m, TS_OK);
        note(w, (size_t)old, &m, ts_bytes_of(NULL, 0));
    }
    struct ts_msg m = ek_activate(w->k, i, ++w->k->term);
    note(w, i, &m, ts_bytes_of(NULL, 0));
    if (ek_code(&m) == TS_OK)
        w->switched++;
    else
        assert_code(m, TS_E_NO_ROOM);
}

/* Asks for a batch until all bad events are left out. */
static struct ts_msg create(struct walk *w, size_t producer)
{
    unsigned with = (unsigned)ek_random(w->k) | (chance(w, 60) ? EK_ALL : 0);
    for (size_t tries = 0; tries <= N; tries++) {
        struct ts_msg m = ek_create(w->k, producer, with);
        note(w, producer, &m, m.type == TS_MSG_CREATE ? m.u.created.batch : ts_bytes_of(NULL, 0));
        if (ek_code(&m) != TS_E_BAD_EVENT)
            return m;
        with &= ~(1u << index_of(w, &m.u.error.enclave));
    }
    fail_msg("bad events without end");
    return (struct ts_msg){0};
}

static void produce(struct walk *w)
{
    int active = active_at_head(w);
    if (active < 0) {
        switch_to(w, pick(w, N));
        return;
    }
    struct ts_msg m = create(w, (size_t)active);
    assert_code(m, TS_OK);
    w->created++;
    if (chance(w, 10)) {
        /* The answer is lost, and the batch offered, or discarded for good. */
        w->lost++;
        m = ek_offers(w->k, (size_t)active, w->k->n_batches);
        assert_int_equal(m.u.offered.n, 1);
        if (chance(w, 50))
            return;
        publish(w, m.u.offered.batches[0]);
        return;
    }
    publish(w, m.u.created.batch);
    for (size_t i = 0; i < N; i++) {
        if ((int)i != active && is_up(w, i) && chance(w, 85))
            feed(w, i, 3);
    }
}

/* A second process of the same identity while the first stands still; then the first goes on. */
static void freeze_or_thaw(struct walk *w, size_t i)
{
    if (w->frozen[i] == NULL) {
        if (!is_up(w, i) || !w->bound[i])
            return;
        w->frozen[i] = w->k->enclaves[i].core;
        w->frozen_head[i] = w->head[i];
        w->k->enclaves[i].core = NULL;
        start_process(w, i);
        return;
    }
    ts_enclave_free(w->k->enclaves[i].core);
    w->k->enclaves[i].core = w->frozen[i];
    w->head[i] = w->frozen_head[i];
    w->bound[i] = true;
    w->frozen[i] = NULL;
    check_i2(w, i, ts_bytes_of(NULL, 0));
}

/* Requests that an honest host does not make. */
static void poke(struct walk *w, size_t i)
{
    struct ts_msg m;
    if (!is_up(w, i) || w->k->n_batches == 0)
        return;
    ts_bytes some = ek_batch(w->k, 1 + pick(w, w->k->n_batches));
    switch (pick(w, 6)) {
    case 0:
        m = ek_accept(w->k, i, some);
        note(w, i, &m, some);
        return;
    case 1:
        if (w->bound[i]) {
            m = ek_load(w->k, i, NULL);
            assert_int_not_equal(ek_code(&m), TS_OK);
        }
        break;
    case 2:
        if (ek_state(w->k, i) == TS_ENC_ACTIVE)
            return; /* it would seal, and the host lose it: produce does that */
        m = ek_create(w->k, i, 0);
        if (ek_code(&m) == TS_OK)
            assert_false(m.u.created.fresh);
        break;
    case 3:
        m = ek_activate(w->k, i, pick(w, (size_t)w->k->term + 1));
        if (ek_code(&m) == TS_OK) /* the very one it has */
            assert_state(w->k, i, TS_ENC_ACTIVE);
        break;
    case 4:
        m = ek_synced(w->k, i);
        break;
    default:
        m = ek_plain(w->k, i, TS_MSG_SNAPSHOT);
        break;
    }
    check_i2(w, i, ts_bytes_of(NULL, 0));
}

static void step(struct walk *w)
{
    size_t i = pick(w, N);
    switch (pick(w, 12)) {
    case 0:
        ek_kill(w->k, i);
        break;
    case 1:
        restart_if_needed(w, i);
        break;
    case 2:
        switch_to(w, i);
        break;
    case 3:
        poke(w, i);
        break;
    case 4:
        if (chance(w, 60))
            freeze_or_thaw(w, i);
        break;
    case 5:
        feed(w, i, 1 + pick(w, 3));
        break;
    default:
        produce(w);
        break;
    }
    ek_forget(w->k);
}

/* I4, in small: after any walk, with all restarted that must be, batches follow and nobody is
 * absent. */
static void goes_on_after_it(struct walk *w)
{
    for (size_t i = 0; i < N; i++) {
        ts_enclave_free(w->frozen[i]);
        w->frozen[i] = NULL;
        feed(w, i, SIZE_MAX);
        feed(w, i, SIZE_MAX); /* a halted one starts anew */
    }
    uint64_t before = w->k->n_batches;
    for (size_t tries = 0; tries < 10 && active_at_head(w) < 0; tries++)
        switch_to(w, tries % N);
    int active = active_at_head(w);
    assert_true(active >= 0);
    for (size_t n = 0; n < 4; n++) {
        struct ts_msg m = ek_create(w->k, (size_t)active, EK_ALL);
        for (size_t tries = 0; ek_code(&m) == TS_E_BAD_EVENT && tries < N; tries++)
            m = create(w, (size_t)active);
        assert_code(m, TS_OK);
        note(w, (size_t)active, &m, m.u.created.batch);
        publish(w, m.u.created.batch);
        for (size_t i = 0; i < N; i++)
            feed(w, i, SIZE_MAX);
    }
    assert_int_equal(w->k->n_batches, before + 4);
    assert_int_equal(ek_decode(w->k, ek_batch(w->k, w->k->n_batches)).payload.n_absent, 0);
}

static void walk(uint64_t seed, size_t steps, struct walk *total)
{
    static struct seen_term terms[4096];
    struct walk w = {.k = ek_open(N, N), .terms = terms};
    w.k->random = seed;
    for (size_t i = 0; i < N; i++) {
        w.tip[i] = w.k->genesis.hash;
        start_process(&w, i);
        feed(&w, i, SIZE_MAX);
    }
    for (size_t s = 0; s < steps; s++)
        step(&w);
    goes_on_after_it(&w);
    total->accepted += w.accepted;
    total->created += w.created;
    total->switched += w.switched;
    total->restarted += w.restarted;
    total->halted += w.halted;
    total->lost += w.lost;
    total->refused += w.refused;
    ek_close(w.k);
}

static void the_invariants_hold_on_random_walks(void **state)
{
    (void)state;
    struct walk total = {0};
    for (uint64_t seed = 1; seed <= 12; seed++)
        walk(seed, 250, &total);
    print_message("created %llu accepted %llu switched %llu restarted %llu lost %llu halted %llu "
                  "refused %llu\n",
                  (unsigned long long)total.created, (unsigned long long)total.accepted,
                  (unsigned long long)total.switched, (unsigned long long)total.restarted,
                  (unsigned long long)total.lost, (unsigned long long)total.halted,
                  (unsigned long long)total.refused);
    /* The walks went where they should. */
    assert_true(total.created > 800);
    assert_true(total.accepted > 2000);
    assert_true(total.switched > 200);
    assert_true(total.restarted > 200);
    assert_true(total.lost > 20);
    assert_true(total.halted > 5);
    assert_true(total.refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_invariants_hold_on_random_walks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
