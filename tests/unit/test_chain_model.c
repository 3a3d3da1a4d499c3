/* SPDX-License-Identifier: Apache-2.0 */
/* The registry against a second reading of the protocol: a model as plain as can be, fed with the
 * decoded batches of random honest histories, agrees with the registry after every batch. */
#include "chain/batch.h"
#include "testnet.h"
#include "unit.h"

#define NONE SIZE_MAX

/* What the model knows of one enclave, by index. */
struct seen {
    bool listed;
    uint64_t tip;
    ts_hash tip_hash;
    uint64_t boots;
    ts_hash boot_id;
    ts_hash boot_key;
    ts_time restart_time;
    ts_hash restart_head;
    uint64_t started_in;
    bool reported; /* in this boot */
    uint64_t report_head;
    uint64_t report_in;
};

struct model {
    struct seen e[TN_MAX_ENCLAVES];
    size_t active;
    uint64_t term;
    uint64_t void_actives; /* how many there were */
    uint64_t takeovers;
};

static void notices(struct model *m, const struct testnet *net, const struct ts_batch *b,
                    struct ts_arena *arena)
{
    for (size_t i = 0; i < b->payload.n_notices; i++) {
        struct ts_whitelist_change c;
        assert_int_equal(ts_whitelist_change_decode(b->payload.notices[i].body, arena, &c), TS_OK);
        for (size_t k = 0; k < c.n_added; k++)
            m->e[tn_index(net, &c.added[k])].listed = true;
        for (size_t k = 0; k < c.n_removed; k++) {
            size_t who = tn_index(net, &c.removed[k]);
            m->e[who].listed = false;
            if (m->active == who)
                m->active = NONE;
        }
    }
}

static void started(struct seen *e, const struct ts_lifecycle_event *t, uint64_t number)
{
    e->boots++;
    e->boot_id = t->boot_id;
    e->boot_key = t->boot_key;
    e->restart_time = t->time;
    e->restart_head = t->batch_head;
    e->started_in = number;
    e->reported = false;
}

static void activated(struct model *m, size_t who, const struct ts_lifecycle_event *t,
                      const struct ts_batch *b)
{
    if (t->term > m->term && ts_hash_equal(&t->batch_head, &b->header.parent_hash) &&
        m->e[who].listed) {
        m->takeovers += m->active != NONE;
        m->active = who;
        m->term = t->term;
    } else {
        m->void_actives++;
    }
}

static void transitions(struct model *m, const struct testnet *net, const struct ts_batch *b)
{
    for (size_t i = 0; i < b->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *t = &b->payload.transitions[i];
        size_t who = tn_index(net, &t->enclave_id);
        struct seen *e = &m->e[who];
        assert_int_equal(t->seq, e->tip + 1);
        assert_true(ts_hash_equal(&t->prev, &e->tip_hash));
        e->tip = t->seq;
        ts_transition_hash(&net->genesis.domain, t, &e->tip_hash);
        if (t->kind == TS_STARTED)
            started(e, t, b->header.number);
        if (t->kind == TS_ACTIVE)
            activated(m, who, t, b);
        else if (m->active == who)
            m->active = NONE;
    }
}

static void reports(struct model *m, const struct testnet *net, const struct ts_batch *b)
{
    for (size_t i = 0; i < b->payload.n_reports; i++) {
        const struct ts_restart_event *r = &b->payload.reports[i];
        struct seen *e = &m->e[tn_index(net, &r->enclave_id)];
        e->reported = true;
        e->report_head = r->current_batch_number;
        e->report_in = b->header.number;
    }
}

static void assert_entry(const struct ts_registry_entry *e, const struct seen *s, bool active)
{
    assert_int_equal(e->whitelisted, s->listed);
    assert_int_equal(e->role, s->tip == 0 ? TS_ROLE_NONE
                              : active    ? TS_ROLE_ACTIVE
                                          : TS_ROLE_PASSIVE);
    assert_int_equal(e->tip_seq, s->tip);
    assert_true(ts_hash_equal(&e->tip_hash, &s->tip_hash));
    assert_int_equal(e->restarts, s->boots);
    assert_int_equal(e->n_boot_ids, s->boots);
    assert_true(ts_hash_equal(&e->boot_id, &s->boot_id));
    assert_true(ts_hash_equal(&e->boot_key, &s->boot_key));
    assert_int_equal(e->restart_time, s->restart_time);
    assert_true(ts_hash_equal(&e->restart_head, &s->restart_head));
    assert_int_equal(e->started_in, s->started_in);
    assert_int_equal(e->has_report, s->reported);
    assert_int_equal(e->last_report_head, s->reported ? s->report_head : 0);
    assert_int_equal(e->last_report_in, s->report_in);
}

static void assert_agrees(const struct model *m, const struct testnet *net,
                          const struct ts_chain *chain)
{
    const struct ts_registry *r = &chain->registry;
    size_t listed = 0;
    assert_int_equal(r->term, m->term);
    assert_int_equal(r->has_active, m->active != NONE);
    if (r->has_active)
        assert_int_equal(tn_index(net, &r->active), m->active);
    for (size_t i = 0; i < net->n; i++) {
        const struct ts_registry_entry *e = ts_registry_find(r, tn_id(net, i));
        if (e != NULL)
            assert_entry(e, &m->e[i], m->active == i);
        else
            assert_true(!m->e[i].listed && m->e[i].tip == 0);
        if (m->e[i].listed)
            assert_true(ts_address_equal(&r->whitelist[listed++], tn_id(net, i)));
    }
    assert_int_equal(r->n_whitelisted, listed);
}

static void start(struct model *m, const struct testnet *net)
{
    *m = (struct model){.active = NONE};
    for (size_t i = 0; i < net->n; i++)
        m->e[i].tip_hash = net->genesis.hash;
    for (size_t i = 0; i < net->genesis.n_whitelist; i++)
        m->e[tn_index(net, &net->genesis.whitelist[i])].listed = true;
}

/* Replays a history batch by batch; returns through m what it saw. */
static void replay(struct model *m, const struct testnet *net)
{
    struct ts_chain chain;
    struct ts_effect *effect = ts_effect_new();
    struct ts_arena arena;
    ts_arena_init(&arena, 0);
    start(m, net);
    tn_fold(net, 0, &chain);
    for (uint64_t n = 1; n <= net->chain.head.number; n++) {
        struct ts_batch b;
        ts_arena_reset(&arena);
        tn_decode(net, n, &arena, &b);
        assert_int_equal(ts_batch_check(&chain, &b, NULL, effect, NULL), TS_OK);
        assert_int_equal(ts_chain_apply(&chain, effect), TS_OK);
        notices(m, net, &b, &arena);
        transitions(m, net, &b);
        reports(m, net, &b);
        assert_agrees(m, net, &chain);
        assert_int_equal(m->active, tn_index(net, &b.header.producer));
    }
    ts_arena_free(&arena);
    ts_effect_free(effect);
    ts_chain_free(&chain);
}

static void registry_is_what_the_model_says(void **state)
{
    (void)state;
    uint64_t voids = 0;
    uint64_t takeovers = 0;
    size_t most = 0;
    for (uint64_t seed = 100; seed < 115; seed++) {
        struct testnet *net = tn_random(seed, 100);
        struct model m;
        replay(&m, net);
        voids += m.void_actives;
        takeovers += m.takeovers;
        most = net->chain.registry.n > most ? net->chain.registry.n : most;
        tn_free(net);
    }
    assert_true(voids > 20 && takeovers > 20 && most > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registry_is_what_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
