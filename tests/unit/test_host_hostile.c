/* SPDX-License-Identifier: Apache-2.0 */
/* Enclaves that lie to the host core, each in one way: it goes on, loses nothing, and marks nobody
 * else. */
#include "base/check.h"
#include "chain/batch.h"
#include "crypto/sign.h"
#include "host_kit.h"

/* ---- one enclave's answers of one type are changed on their way ---- */

struct lie {
    unsigned who;
    uint64_t type;
    void (*tell)(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a);
    unsigned max; /* 0: always */
    unsigned told;
    ts_address id;
    ts_bytes bytes;
    uint64_t number;
    struct ts_buf raw;
};

static size_t tamper(void *ctx, struct world *w, unsigned i, ts_bytes frame, uint8_t *out,
                     size_t cap)
{
    struct lie *l = ctx;
    struct ts_arena arena;
    struct ts_msg m;
    size_t n = frame.n;
    memcpy(out, frame.p, frame.n);
    ts_arena_init(&arena, 0);
    if (i == l->who && (l->max == 0 || l->told < l->max) &&
        ts_msg_decode_answer(frame, &arena, &m) == TS_OK && m.type == l->type) {
        struct ts_buf b;
        ts_buf_init(&b, 0);
        l->told++;
        l->tell(l, w, &m, &arena);
        ts_msg_put(&b, &m);
        assert_true(b.err == TS_OK && b.n <= cap);
        memcpy(out, b.p, b.n);
        n = b.n;
        ts_buf_free(&b);
        ts_buf_free(&l->raw);
    }
    ts_arena_free(&arena);
    return n;
}

static void start(struct world *w, struct lie *l)
{
    ts_buf_init(&l->raw, 0);
    world_tamper(w, tamper, l);
}

static bool marked(const struct world *w, unsigned i)
{
    return world_status(w, i).corrupted;
}

/* ---- what CREATE answers ---- */

static void reject_included(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)w;
    struct ts_msg_created *c = &m->u.created;
    c->rejected = ts_arena_array(a, 1, sizeof(*c->rejected));
    c->n_rejected = 1;
    c->rejected[0] =
        (struct ts_msg_rejected){.index = l->number, .code = TS_E_TX_FUNDS, .text = l->bytes};
}

/* A transaction that is in the batch and among the rejected is decided twice. */
static void a_rejection_of_what_is_included(void **state)
{
    (void)state;
    struct world *w = some(3, 1);
    assert_true(world_run_to(w, 3, SECOND));
    struct lie l = {
        .who = (unsigned)world_active(w), .type = TS_MSG_CREATE, .tell = reject_included, .max = 1};
    unsigned tx = world_send(w, 0);
    start(w, &l);
    assert_true(world_run_to(w, world_head(w) + 4, 3 * SECOND));
    world_check(w, true);
    assert_int_equal(l.told, 1);
    assert_int_equal(world_tx_batches(w, tx), 1);
    assert_false(world_tx_rejected(w, tx, NULL, NULL, 0));
    assert_true(marked(w, l.who));
    done(w);
}

static void a_rejection_of_what_was_not_offered(void **state)
{
    (void)state;
    struct world *w = some(3, 2);
    assert_true(world_run_to(w, 3, SECOND));
    struct lie l = {.who = (unsigned)world_active(w),
                    .type = TS_MSG_CREATE,
                    .tell = reject_included,
                    .number = UINT64_MAX,
                    .max = 1};
    start(w, &l);
    assert_true(world_run_to(w, world_head(w) + 4, 3 * SECOND));
    assert_true(marked(w, l.who));
    done(w);
}

/* Makes the batch anew, sealed with the enclave's key: as its corrupted self would. */
static void reseal(struct lie *l, struct world *w, struct ts_batch *b, struct ts_msg *m)
{
    const struct ts_chain *chain = ts_host_chain(world_host(w));
    struct ts_batch_seal seal;
    ts_hash digest;
    ts_secret key = world_key(w, l->who);
    ts_tx_root(b, &b->header.tx_root);
    ts_header_hash(&chain->genesis->domain, &b->header, &seal.batch_hash);
    ts_protocol_root(&chain->head.protocol_root, b->raw_payload, &seal.protocol_root);
    ts_seal_digest(&chain->genesis->domain, &seal, &digest);
    assert_int_equal(ts_sign(chain->crypto, &key, &digest, &b->seal), TS_OK);
    ts_batch_put(&l->raw, b);
    m->u.created.batch = ts_buf_bytes(&l->raw);
    m->u.created.has_report = false; /* it would name the honest head */
    m->u.created.n_transitions = 0;
}

static void drop_txs(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    struct ts_batch b;
    assert_int_equal(ts_batch_decode(m->u.created.batch, TS_MAX_BATCH_BYTES, a, &b), TS_OK);
    b.n_txs = 0;
    m->u.created.rejected = ts_arena_array(a, 1, sizeof(*m->u.created.rejected));
    m->u.created.n_rejected = 1;
    m->u.created.rejected[0] =
        (struct ts_msg_rejected){.index = 0, .code = (ts_err)65535, .text = l->bytes};
    reseal(l, w, &b, m);
}

/* What an enclave says of a transaction goes to its sender: as printable text. */
static void a_rejection_with_control_characters(void **state)
{
    (void)state;
    struct world *w = some(1, 3);
    assert_true(world_run_to(w, 3, SECOND));
    static const uint8_t junk[] = "no\n\"level\"=\x1b[2J\xff\xc3\0x";
    struct lie l = {
        .type = TS_MSG_CREATE, .tell = drop_txs, .bytes = {junk, sizeof(junk)}, .max = 1};
    unsigned tx = world_send(w, 0);
    world_run(w, 5 * MS);
    start(w, &l);
    assert_true(world_run_to(w, world_head(w) + 1, 3 * SECOND));
    char text[256];
    assert_true(world_tx_rejected(w, tx, NULL, text, sizeof(text)));
    assert_true(strlen(text) >= 20);
    for (const char *p = text; *p != 0; p++)
        assert_in_range((unsigned char)*p, 0x20, 0x7e);
    world_tamper(w, NULL, NULL);
    world_free(w); /* its one enclave is on another line now */
}

static void add_tx(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    struct ts_batch b;
    assert_int_equal(ts_batch_decode(m->u.created.batch, TS_MAX_BATCH_BYTES, a, &b), TS_OK);
    ts_bytes *txs = ts_arena_array(a, b.n_txs + 1, sizeof(*txs));
    for (size_t i = 0; i < b.n_txs; i++) {
        txs[i] = b.txs[i];
        if (txs[i].n == l->bytes.n && memcmp(txs[i].p, l->bytes.p, l->bytes.n) == 0)
            return; /* it was offered after all */
    }
    txs[b.n_txs++] = l->bytes;
    b.txs = txs;
    l->number = b.header.number;
    reseal(l, w, &b, m);
}

/* The active enclave sees a transaction when it is asked to check it, and puts it into its batch
 * before the host has taken it in: it must not be taken in after that. */
static void a_batch_with_a_transaction_that_is_being_checked(void **state)
{
    (void)state;
    struct world_options o = options(1, 4);
    o.delay_us = 5 * MS;
    o.disk_us = 0;
    unsigned meant = 0;
    for (uint64_t after = 1; after < 28; after++) {
        struct world *w = world_new(&o);
        assert_true(world_run_to(w, 3, SECOND));
        uint8_t raw[256];
        ts_bytes tx = {raw, world_make_tx(w, 0, 0, 1000000000u, raw, sizeof(raw))};
        struct lie l = {.type = TS_MSG_CREATE, .tell = add_tx, .bytes = tx, .max = 1};
        start(w, &l);
        world_run(w, 60 * MS + after * 1500);
        bool late = l.told > 0 && world_head(w) >= l.number;
        unsigned id = world_send_raw(w, tx);
        world_run(w, 80 * MS);
        ts_hash hash;
        ts_bytes pending;
        ts_tx_hash(tx, &hash);
        world_check(w, false);
        if (world_tx_batches(w, id) == 1 && !late) {
            meant++;
            assert_int_not_equal(world_tx_state(w, id, NULL), WTX_WAITING);
            assert_false(ts_host_pending_tx(world_host(w), &hash, &pending));
        }
        world_tamper(w, NULL, NULL);
        world_free(w);
    }
    assert_true(meant >= 3);
}

static void fill(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    struct ts_batch b;
    static const uint8_t one = 1;
    assert_int_equal(ts_batch_decode(m->u.created.batch, TS_MAX_BATCH_BYTES, a, &b), TS_OK);
    ts_bytes *txs = calloc((size_t)l->number, sizeof(*txs));
    assert_non_null(txs);
    for (size_t i = 0; i < l->number; i++)
        txs[i] = ts_bytes_of(&one, 1);
    b.txs = txs;
    b.n_txs = (size_t)l->number;
    reseal(l, w, &b, m);
    free(txs);
}

/* As many transactions as bytes: more than memory is set aside for, or operations in a step. */
static void a_batch_of_very_many_transactions(void **state)
{
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct world_options o = options(1, 5);
        o.max_batch_bytes = large ? TS_MAX_BATCH_BYTES : 1024 * 1024;
        struct world *w = world_new(&o);
        assert_true(world_run_to(w, 3, SECOND));
        struct lie l = {
            .type = TS_MSG_CREATE, .tell = fill, .number = large ? 2500000 : 1000000, .max = 1};
        start(w, &l);
        world_run(w, 400 * MS);
        assert_int_equal(l.told, 1);
        world_tamper(w, NULL, NULL);
        world_free(w);
    }
}

static void bad_event(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)w;
    (void)a;
    m->type = TS_MSG_ERROR;
    memset(&m->u, 0, sizeof(m->u));
    m->u.error = (struct ts_msg_error){
        .code = TS_E_BAD_EVENT, .has_enclave = true, .enclave = l->id, .text = l->bytes};
}

/* It says that another's event is bad, whoever's is left out. */
static void an_active_that_refuses_all_events(void **state)
{
    (void)state;
    struct world *w = some(3, 6);
    assert_true(world_run_to(w, 3, SECOND));
    unsigned who = (unsigned)world_active(w);
    struct lie l = {
        .who = who, .type = TS_MSG_CREATE, .tell = bad_event, .id = world_id(w, (who + 1) % 3)};
    start(w, &l);
    assert_true(world_run_to(w, world_head(w) + 10, 3 * SECOND));
    assert_int_not_equal(world_active(w), who);
    for (unsigned i = 0; i < 3; i++)
        assert_false(marked(w, i));
    done(w);
}

/* ---- who it says it is ---- */

static void take_name(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)w;
    (void)a;
    m->u.identity.id = l->id;
}

/* An enclave that takes another's name does not bring it into disrepute, nor keep it out. */
static void a_name_that_is_another_s(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) { /* whether the other is there first */
        struct world *w = some(3, 7);
        assert_true(world_run_to(w, 5, SECOND));
        unsigned active = (unsigned)world_active(w), liar = (active + 1) % 3;
        unsigned other = (active + 2) % 3;
        struct lie l = {
            .who = liar, .type = TS_MSG_IDENTIFY, .tell = take_name, .id = world_id(w, other)};
        if (!first)
            world_hold_down(w, other, true);
        start(w, &l);
        world_kill(w, liar);
        world_run(w, 3 * SECOND);
        if (!first)
            world_hold_down(w, other, false);
        world_run(w, 5 * SECOND);
        assert_true(l.told >= 1);
        for (unsigned i = 0; i < 3; i++)
            assert_false(marked(w, i));
        assert_string_equal(world_status(w, other).role, "passive");
        assert_int_equal(world_status(w, other).lag, 0);
        world_tamper(w, NULL, NULL);
        world_kill(w, liar);
        world_run(w, 15 * SECOND);
        assert_string_equal(world_status(w, liar).role, "passive");
        world_kill_host(w); /* nothing of it was written down */
        world_start_host(w);
        world_run(w, SECOND);
        for (unsigned i = 0; i < 3; i++)
            assert_false(marked(w, i));
        done(w);
    }
}

/* It goes by another's name, and says that it validates: it is whitelisted and shows no report. */
static void validate(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)l;
    (void)w;
    (void)a;
    if (m->u.events.state != TS_ENC_SYNCING)
        m->u.events = (struct ts_msg_events){.state = TS_ENC_VALIDATING, .head = m->u.events.head};
}

static void a_whitelisted_one_without_a_report(void **state)
{
    (void)state;
    struct world *w = some(3, 8);
    assert_true(world_run_to(w, 5, SECOND));
    unsigned spare = ((unsigned)world_active(w) + 1) % 3;
    struct lie l = {.who = spare, .type = TS_MSG_SYNCED, .tell = validate};
    start(w, &l);
    world_kill(w, spare);
    world_run(w, 3 * SECOND);
    assert_true(l.told >= 1);
    assert_string_not_equal(world_status(w, spare).role, "validating");
    world_tamper(w, NULL, NULL);
    world_run(w, 5 * SECOND);
    assert_string_equal(world_status(w, spare).role, "passive");
    done(w);
}

static void far_ahead(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)w;
    (void)a;
    m->u.identity.state = l->number;
    m->u.identity.head.number = UINT64_MAX;
    m->u.identity.term = UINT64_MAX;
    m->u.identity.tip_seq = UINT64_MAX;
}

static void a_head_that_is_above_all(void **state)
{
    (void)state;
    for (uint64_t s = TS_ENC_SYNCING; s <= TS_ENC_HALTED; s++) {
        struct world *w = some(3, 9);
        assert_true(world_run_to(w, 5, SECOND));
        unsigned spare = ((unsigned)world_active(w) + 1) % 3;
        struct lie l = {.who = spare, .type = TS_MSG_IDENTIFY, .tell = far_ahead, .number = s};
        start(w, &l);
        world_kill(w, spare);
        uint64_t head = world_head(w);
        world_run(w, 5 * SECOND);
        assert_true(l.told >= 1);
        assert_true(world_head(w) >= head + 49);
        world_tamper(w, NULL, NULL);
        world_run(w, 5 * SECOND);
        assert_string_equal(world_status(w, spare).role, "passive");
        done(w);
    }
}

static void another_head(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)w;
    (void)a;
    m->u.head.number = l->number;
    m->u.head.hash.b[3] ^= 1;
}

static void a_load_that_ends_elsewhere(void **state)
{
    (void)state;
    static const uint64_t heads[] = {0, 1, 4, 1000, UINT64_MAX};
    for (size_t i = 0; i < TS_COUNT(heads); i++) {
        struct world *w = some(3, 10);
        assert_true(world_run_to(w, 5, SECOND));
        unsigned spare = ((unsigned)world_active(w) + 1) % 3;
        struct lie l = {
            .who = spare, .type = TS_MSG_LOAD, .tell = another_head, .number = heads[i]};
        start(w, &l);
        world_kill(w, spare);
        uint64_t head = world_head(w);
        world_run(w, 5 * SECOND);
        assert_true(l.told >= 1);
        assert_true(world_head(w) >= head + 49);
        assert_true(marked(w, spare));
        done(w);
    }
}

static void lies_about_checkpoints(struct lie *l, struct world *w, struct ts_msg *m,
                                   struct ts_arena *a)
{
    (void)l;
    struct ts_msg_identity *id = &m->u.identity;
    const struct ts_chain *chain = ts_host_chain(world_host(w));
    id->sealed = ts_arena_array(a, 8, sizeof(*id->sealed));
    id->n_sealed = 8;
    for (uint64_t i = 0; i < 8; i++) {
        id->sealed[i].number = i < 6 ? i : UINT64_MAX - i;
        const ts_hash *h = ts_chain_recent(chain, i);
        if (h != NULL && i % 2 == 0)
            id->sealed[i].hash = *h;
    }
}

static void checkpoints_that_are_not_there(void **state)
{
    (void)state;
    struct world *w = some(3, 11);
    assert_true(world_run_to(w, 9, 2 * SECOND));
    unsigned spare = ((unsigned)world_active(w) + 1) % 3;
    struct lie l = {.who = spare, .type = TS_MSG_IDENTIFY, .tell = lies_about_checkpoints};
    start(w, &l);
    world_kill(w, spare);
    world_run(w, 5 * SECOND);
    assert_string_equal(world_status(w, spare).role, "passive"); /* from genesis */
    done(w);
}

/* ---- what it offers, says and holds back ---- */

static void junk_offers(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)l;
    struct ts_msg_offered *o = &m->u.offered;
    o->batches = ts_arena_array(a, TS_MAX_OFFERS, sizeof(*o->batches));
    o->n = TS_MAX_OFFERS;
    for (size_t i = 0; i < o->n; i++) {
        size_t n = i * 7;
        uint8_t *p = ts_arena_alloc(a, n + 1);
        memset(p, (int)(0xc0 + i), n);
        o->batches[i] = ts_bytes_of(p, n);
    }
    (void)w;
}

static void offers_that_are_junk(void **state)
{
    (void)state;
    struct world *w = some(3, 12);
    assert_true(world_run_to(w, 5, SECOND));
    unsigned spare = ((unsigned)world_active(w) + 1) % 3;
    struct lie l = {.who = spare, .type = TS_MSG_OFFERS, .tell = junk_offers};
    start(w, &l);
    world_cut(w, spare, true);
    world_run(w, 100 * MS);
    world_cut(w, spare, false);
    world_run(w, 2 * SECOND);
    assert_true(l.told >= 1);
    assert_int_equal(world_events(w, "offer-refused"), 1);
    assert_string_equal(world_status(w, spare).role, "passive");
    done(w);
}

static void leave_again_and_again(void **state)
{
    (void)state;
    struct world *w = some(3, 13);
    assert_true(world_run_to(w, 5, SECOND));
    struct ts_msg m = {.type = TS_MSG_LEAVING, .is_answer = true};
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_msg_put(&b, &m);
    unsigned spare = ((unsigned)world_active(w) + 1) % 3;
    for (unsigned k = 0; k < 200; k++)
        world_say(w, spare, ts_buf_bytes(&b));
    ts_buf_free(&b);
    world_run(w, 2 * SECOND);
    assert_int_equal(world_events(w, "enclave-leaving"), 1);
    assert_string_equal(world_status(w, spare).role, "passive");
    done(w);
}

static void bad_verdict(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)w;
    (void)a;
    m->u.query_answer.answer = l->bytes;
}

static void verdicts_that_are_malformed(void **state)
{
    (void)state;
    static const uint8_t none[] = {0xc0}, junk[] = {0xc5, 1, 2, 3, 4, 5}, trailing[] = {0xc0, 0};
    const ts_bytes forms[] = {{none, 1}, {junk, 6}, {trailing, 2}, {NULL, 0}};
    for (size_t k = 0; k < TS_COUNT(forms); k++) {
        struct world *w = some(3, 14);
        assert_true(world_run_to(w, 5, SECOND));
        struct lie l = {
            .who = 0, .type = TS_MSG_QUERY, .tell = bad_verdict, .bytes = forms[k], .max = 1};
        for (unsigned i = 0; i < 3 && l.told == 0; i++) {
            l.who = i;
            start(w, &l);
            unsigned tx = world_send(w, 0);
            world_run(w, SECOND);
            assert_int_equal(world_tx_state(w, tx, NULL), WTX_ACKED);
        }
        assert_int_equal(l.told, 1);
        assert_true(marked(w, l.who));
        done(w);
    }
}

static void no_answer(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)l;
    (void)w;
    (void)a;
    m->id += 1000; /* to nothing that was asked */
}

static void an_answer_to_nothing(void **state)
{
    (void)state;
    for (uint64_t type = TS_MSG_IDENTIFY; type <= TS_MSG_OFFERS; type++) {
        struct world *w = some(3, 15);
        assert_true(world_run_to(w, 5, SECOND));
        unsigned spare = ((unsigned)world_active(w) + 1) % 3;
        struct lie l = {.who = spare, .type = type, .tell = no_answer, .max = 1};
        start(w, &l);
        uint64_t head = world_head(w);
        world_kill(w, spare);
        world_run(w, 5 * SECOND);
        assert_true(world_head(w) >= head + 49);
        done(w);
    }
}

/* ---- a link whose corrupted enclave is replaced ---- */

static void garble(struct lie *l, struct world *w, struct ts_msg *m, struct ts_arena *a)
{
    (void)l;
    (void)w;
    (void)a;
    m->id += 1;
}

static void a_corrupted_one_is_replaced_on_its_link(void **state)
{
    (void)state;
    struct world *w = some(4, 16);
    world_hold_down(w, 3, true);
    assert_true(world_run_to(w, 5, 3 * SECOND));
    unsigned bad = ((unsigned)world_active(w) + 1) % 3;
    struct lie l = {.who = bad, .type = TS_MSG_ACCEPT, .tell = garble, .max = 1};
    start(w, &l);
    world_run(w, SECOND);
    assert_true(marked(w, bad));
    world_point(w, bad, 3); /* the new one in its place, the old one where it was */
    world_point(w, 3, bad);
    world_hold_down(w, 3, false);
    world_run(w, 20 * SECOND);
    assert_string_equal(world_status(w, bad).role, "passive");
    assert_false(marked(w, bad));
    assert_true(marked(w, 3));
    assert_int_equal(world_admin(w, TS_ADMIN_SWITCHOVER, 3, NULL, 0), TS_OK);
    assert_int_equal(world_active(w), 3);
    done(w);
}

/* More corrupted ids than the set holds: those that are whitelisted no more make room. */
static void the_list_of_the_corrupted_is_full(void **state)
{
    (void)state;
    struct world *w = some(3, 17);
    assert_true(world_run_to(w, 3, SECOND));
    ts_address ids[TS_HOST_MAX_ENCLAVES];
    for (size_t i = 0; i < TS_COUNT(ids); i++)
        memset(ids[i].b, (int)i + 1, sizeof(ids[i].b));
    world_kill_host(w);
    world_set_meta(w, "corrupted", ts_bytes_of(ids, sizeof(ids)));
    world_start_host(w);
    assert_true(world_run_to(w, world_head(w) + 5, 3 * SECOND));
    unsigned bad = ((unsigned)world_active(w) + 1) % 3;
    struct lie l = {.who = bad, .type = TS_MSG_ACCEPT, .tell = garble, .max = 1};
    start(w, &l);
    world_run(w, SECOND);
    assert_true(marked(w, bad));
    world_kill_host(w);
    world_start_host(w);
    world_run(w, SECOND);
    assert_true(marked(w, bad));
    done(w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rejection_of_what_is_included),
        cmocka_unit_test(a_rejection_of_what_was_not_offered),
        cmocka_unit_test(a_rejection_with_control_characters),
        cmocka_unit_test(a_batch_with_a_transaction_that_is_being_checked),
        cmocka_unit_test(a_batch_of_very_many_transactions),
        cmocka_unit_test(an_active_that_refuses_all_events),
        cmocka_unit_test(a_name_that_is_another_s),
        cmocka_unit_test(a_whitelisted_one_without_a_report),
        cmocka_unit_test(a_head_that_is_above_all),
        cmocka_unit_test(a_load_that_ends_elsewhere),
        cmocka_unit_test(checkpoints_that_are_not_there),
        cmocka_unit_test(offers_that_are_junk),
        cmocka_unit_test(leave_again_and_again),
        cmocka_unit_test(verdicts_that_are_malformed),
        cmocka_unit_test(an_answer_to_nothing),
        cmocka_unit_test(a_corrupted_one_is_replaced_on_its_link),
        cmocka_unit_test(the_list_of_the_corrupted_is_full),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]); /* by name, with * */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
