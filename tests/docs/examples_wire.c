/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the enclave link and frames of the peer feed. */
#include "examples.h"

#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "chain/rollup.h"
#include "codec/eip712.h"
#include "codec/schema.h"
#include "crypto/keccak.h"
#include "crypto/sign.h"
#include "enclave/lifecycle.h"
#include "net/feed_session.h"

static void add_msg(json_t *to, const char *name, const struct ts_msg *m)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_msg_put(&b, m);
    doc_add_buf(to, name, &b);
    ts_buf_free(&b);
}

static struct ts_msg request(uint64_t type, uint64_t id)
{
    return (struct ts_msg){.type = type, .id = id};
}

static struct ts_msg answer(uint64_t type, uint64_t id)
{
    return (struct ts_msg){.type = type, .id = id, .is_answer = true};
}

static struct ts_msg_head head_of(const struct doc_net *d)
{
    return (struct ts_msg_head){d->net->chain.head.number, d->net->chain.head.hash};
}

static void add_identify(json_t *to, const struct doc_net *d)
{
    struct ts_msg m = request(TS_MSG_IDENTIFY, 1);
    struct ts_msg_head sealed[1] = {{2, *ts_chain_recent(&d->net->chain, 2)}};
    add_msg(to, "link.identify.request", &m);
    m = answer(TS_MSG_IDENTIFY, 1);
    m.u.identity = (struct ts_msg_identity){.version = TS_LINK_VERSION,
                                            .id = d->net->enclaves[1].id,
                                            .boot_id = d->net->enclaves[1].boot_id,
                                            .boot_key = d->net->enclaves[1].boot_key,
                                            .boot_time = d->net->enclaves[1].start_time,
                                            .state = TS_ENC_ACTIVE,
                                            .genesis = d->net->genesis.hash,
                                            .head = head_of(d),
                                            .tip_seq = 2,
                                            .term = 2,
                                            .sealed = sealed,
                                            .n_sealed = 1};
    add_msg(to, "link.identify.answer", &m);
}

static void add_load_and_sync(json_t *to, const struct doc_net *d)
{
    uint8_t *raw;
    size_t n;
    struct ts_msg m = request(TS_MSG_LOAD, 2);
    TS_CHECK(ts_genesis_encode(&d->net->genesis, &raw, &n) == TS_OK);
    m.u.load = (struct ts_msg_load){.genesis = ts_bytes_of(raw, n), .from = head_of(d)};
    add_msg(to, "link.load.request", &m);
    free(raw);
    m = answer(TS_MSG_LOAD, 2);
    m.u.head = head_of(d);
    add_msg(to, "link.load.answer", &m);
    m = request(TS_MSG_ACCEPT, 3);
    m.u.accept.batch = tn_raw(d->net, 3);
    add_msg(to, "link.accept.request", &m);
    m = request(TS_MSG_SYNCED, 4);
    m.u.synced.time = d->net->time;
    add_msg(to, "link.synced.request", &m);
}

static void add_events(json_t *to, const struct doc_net *d)
{
    struct ts_msg m = answer(TS_MSG_ACCEPT, 3);
    m.u.events = (struct ts_msg_events){.state = TS_ENC_ACTIVE,
                                        .head = head_of(d),
                                        .has_report = true,
                                        .report = tn_report(d->net, 1)};
    add_msg(to, "link.events.answer", &m);
    m = request(TS_MSG_REPORT, 5);
    add_msg(to, "link.report.request", &m);
    m = request(TS_MSG_ACTIVATE, 6);
    m.u.activate = (struct ts_msg_activate){.term = 3, .time = d->net->time};
    add_msg(to, "link.activate.request", &m);
    m = request(TS_MSG_STEP_DOWN, 7);
    m.u.step_down.time = d->net->time;
    add_msg(to, "link.step-down.request", &m);
}

static void add_create(json_t *to, const struct doc_net *d)
{
    ts_bytes tx = ts_buf_bytes(&d->tx);
    struct ts_msg_rejected rejected[1] = {
        {.index = 0, .code = TS_E_TX_NONCE_LOW, .text = ts_bytes_of("nonce too low", 13)}};
    struct ts_msg m = request(TS_MSG_CREATE, 8);
    m.u.create =
        (struct ts_msg_create){.parent = head_of(d), .time = d->net->time, .txs = &tx, .n_txs = 1};
    add_msg(to, "link.create.request", &m);
    m = answer(TS_MSG_CREATE, 8);
    m.u.created = (struct ts_msg_created){.batch = tn_raw(d->net, 3),
                                          .fresh = true,
                                          .rejected = rejected,
                                          .n_rejected = 1,
                                          .has_report = true,
                                          .report = tn_report(d->net, 1)};
    add_msg(to, "link.create.answer", &m);
}

static void add_query(json_t *to, const struct doc_net *d)
{
    static const uint8_t one[1] = {1};
    struct ts_msg m = request(TS_MSG_QUERY, 9);
    m.u.query = (struct ts_msg_query){.kind = TS_QUERY_NONCE, .arg = ts_bytes_of(&d->account, 20)};
    add_msg(to, "link.query.request", &m);
    m = answer(TS_MSG_QUERY, 9);
    m.u.query_answer =
        (struct ts_msg_query_answer){.head = head_of(d), .answer = ts_bytes_of(one, 1)};
    add_msg(to, "link.query.answer", &m);
}

static void add_rest(json_t *to, const struct doc_net *d)
{
    ts_bytes batch = tn_raw(d->net, 3);
    static const char text[] = "term 2 is not above 2, the chain's";
    struct ts_msg m = request(TS_MSG_SNAPSHOT, 10);
    add_msg(to, "link.snapshot.request", &m);
    m = request(TS_MSG_OFFERS, 11);
    m.u.offers.above = 2;
    add_msg(to, "link.offers.request", &m);
    m = answer(TS_MSG_OFFERS, 11);
    m.u.offered = (struct ts_msg_offered){.batches = &batch, .n = 1};
    add_msg(to, "link.offers.answer", &m);
    m = request(TS_MSG_EXIT, 12);
    add_msg(to, "link.exit.request", &m);
    m = answer(TS_MSG_LEAVING, 0);
    add_msg(to, "link.leaving", &m);
    m = answer(TS_MSG_ERROR, 6);
    m.u.error =
        (struct ts_msg_error){.code = TS_E_TERM, .text = ts_bytes_of(text, sizeof(text) - 1)};
    add_msg(to, "link.error", &m);
    m.u.error = (struct ts_msg_error){.code = TS_E_BAD_EVENT,
                                      .has_enclave = true,
                                      .enclave = d->net->enclaves[0].id,
                                      .text = ts_bytes_of("prev", 4)};
    add_msg(to, "link.error.named", &m);
}

/* What the second enclave would sign of the three batches. */
static struct ts_msg_rolled roll(const struct doc_net *d, const struct ts_batch *b,
                                 struct ts_buf *data)
{
    struct ts_rollup_batch batches[3];
    struct ts_msg_rolled m = {.rollup = {.first_number = 1, .last_number = 3}};
    ts_hash digest;
    for (size_t i = 0; i < 3; i++)
        batches[i] = (struct ts_rollup_batch){.time = b[i].header.time,
                                              .term = b[i].header.term,
                                              .producer = b[i].header.producer,
                                              .l1_number = b[i].header.l1_number,
                                              .txs = b[i].txs,
                                              .n_txs = b[i].n_txs};
    ts_buf_init(data, 0);
    TS_CHECK(ts_rollup_encode(batches, 3, TS_ROLLUP_MAX_DATA, data, NULL) == TS_OK);
    m.data = ts_buf_bytes(data);
    m.rollup.first_parent_hash = b[0].header.parent_hash;
    m.rollup.last_hash = d->net->chain.head.hash;
    m.rollup.protocol_root = d->net->chain.head.protocol_root;
    m.rollup.l1_number = d->net->chain.head.l1_number;
    m.rollup.l1_hash = d->net->chain.head.l1_hash;
    ts_keccak256(m.data, &m.rollup.data_hash);
    ts_rollup_hash(&d->net->genesis.domain, &m.rollup, &digest);
    TS_CHECK(ts_sign(d->net->crypto, &d->net->enclaves[1].key, &digest, &m.rollup.sig) == TS_OK);
    return m;
}

static void add_rollup(json_t *to, const struct doc_net *d)
{
    struct ts_batch b[3];
    struct ts_msg_range_item range[3];
    struct ts_buf data;
    struct ts_arena arena;
    struct ts_msg m = request(TS_MSG_ROLLUP, 10);
    ts_arena_init(&arena, 0);
    for (uint64_t n = 1; n <= 3; n++) {
        struct ts_batch *at = &b[n - 1];
        TS_CHECK(ts_batch_decode(tn_raw(d->net, n), TS_MAX_BATCH_BYTES, &arena, at) == TS_OK);
        range[n - 1] = (struct ts_msg_range_item){at->raw_header, at->raw_txs};
    }
    m.u.rollup = (struct ts_msg_rollup){.protocol_root = d->net->chain.head.protocol_root,
                                        .seal = b[2].seal,
                                        .range = range + 2,
                                        .n_range = 1};
    add_msg(to, "link.rollup.request", &m);
    m = answer(TS_MSG_ROLLUP, 10);
    m.u.rolled = roll(d, b, &data);
    add_msg(to, "link.rollup.answer", &m);
    doc_add_buf(to, "rollup.data", &data);
    ts_buf_free(&data);
    ts_arena_free(&arena);
}

static void add_register(json_t *to, const struct doc_net *d)
{
    struct ts_msg m = request(TS_MSG_REGISTER, 11);
    ts_hash digest;
    add_msg(to, "link.register.request", &m);
    m = answer(TS_MSG_REGISTER, 11);
    struct ts_msg_registered *r = &m.u.registered;
    r->registration.enclave_id = d->net->enclaves[1].id;
    ts_eip712_digest(&d->net->genesis.domain, &ts_enclave_registration_type, &r->registration,
                     &digest);
    TS_CHECK(ts_sign(d->net->crypto, &d->net->enclaves[1].key, &digest, &r->sig) == TS_OK);
    add_msg(to, "link.register.answer", &m);
}

void doc_link(json_t *to, const struct doc_net *d)
{
    add_identify(to, d);
    add_load_and_sync(to, d);
    add_events(to, d);
    add_create(to, d);
    add_query(to, d);
    add_rest(to, d);
    add_rollup(to, d);
    add_register(to, d);
}

void doc_feed(json_t *to, const struct doc_net *d)
{
    struct ts_buf b;
    ts_bytes batch = tn_raw(d->net, 3);
    const struct ts_head *head = &d->net->chain.head;
    struct ts_feed_frame batches = {
        .type = TS_FEED_BATCHES, .id = 1, .batches = &batch, .n_batches = 1};
    ts_buf_init(&b, 0);
    ts_feed_put_hello(&b, &d->net->genesis.hash, head->number, &head->hash, "tenseq-node/0.1.0");
    doc_add_buf(to, "feed.hello", &b);
    ts_feed_put_batch(&b, batch);
    doc_add_buf(to, "feed.batch", &b);
    ts_feed_put_get(&b, 1, 3, 512);
    doc_add_buf(to, "feed.get", &b);
    ts_feed_put(&b, &batches);
    doc_add_buf(to, "feed.batches", &b);
    ts_feed_put_tx(&b, 2, ts_buf_bytes(&d->tx));
    doc_add_buf(to, "feed.transaction", &b);
    ts_feed_put_accepted(&b, 2, TS_OK, "");
    doc_add_buf(to, "feed.accepted", &b);
    ts_feed_put_error(&b, TS_E_STATE, "GET before HELLO");
    doc_add_buf(to, "feed.error", &b);
    ts_feed_put_evidence(&b, &head->protocol_root, batch);
    doc_add_buf(to, "feed.evidence", &b);
    ts_buf_free(&b);
}

static json_t *errors(void)
{
#define ONE(name, number, sentence) {#name, number, sentence},
    static const struct {
        const char *name;
        int number;
        const char *sentence;
    } all[] = {TS_ERRORS(ONE)};
#undef ONE
    json_t *out = json_array();
    TS_CHECK(out != NULL);
    for (size_t i = 0; i < TS_COUNT(all); i++)
        json_array_append_new(out,
                              json_pack("[i,s,s]", all[i].number, all[i].name, all[i].sentence));
    return out;
}

static json_t *moves(void)
{
    const struct ts_fsm *f = &ts_enclave_fsm;
    json_t *out = json_array();
    TS_CHECK(out != NULL);
    for (size_t i = 0; i < f->n_moves; i++)
        json_array_append_new(out, json_pack("[s,s,s]", f->state_names[f->moves[i].state],
                                             f->event_names[f->moves[i].on],
                                             f->state_names[f->moves[i].next]));
    return out;
}

static json_t *permits(void)
{
    json_t *out = json_array();
    TS_CHECK(out != NULL);
    for (uint64_t type = TS_MSG_IDENTIFY; type <= TS_MSG_ROLLUP; type++) {
        if (type == TS_MSG_LEAVING)
            continue;
        json_t *states = json_array();
        TS_CHECK(states != NULL);
        for (int s = TS_ENC_EMPTY; s <= TS_ENC_HALTED; s++)
            json_array_append_new(states,
                                  json_boolean(ts_enclave_permits((enum ts_enclave_state)s, type)));
        json_array_append_new(out, json_pack("[i,s,o]", (int)type, ts_msg_name(type), states));
    }
    return out;
}

void doc_tables(json_t *to)
{
    struct ts_buf b;
    doc_add(to, "errors", errors());
    doc_add(to, "moves", moves());
    doc_add(to, "permits", permits());
    ts_buf_init(&b, 0);
    ts_enclave_diagram(&b);
    doc_add(to, "diagram", json_stringn((const char *)b.p, b.n));
    ts_buf_free(&b);
}
