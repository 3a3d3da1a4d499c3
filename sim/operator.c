/* SPDX-License-Identifier: Apache-2.0 */
/* What lying operators share. Every private dealing with an enclave goes through sim_handle, so
 * that it stands in the trace and the checkers of enclaves see it. */
#include "operator.h"
#include "l1.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "crypto/sign.h"

#define FIRST_BATCH 12 /* the network is on its way */
#define ASKED_ID    (UINT64_C(1) << 60)

void sim_op_wake(struct sim_world *w, uint64_t after_us, uint64_t token)
{
    sim_schedule(w, w->now + after_us, EV_OPERATOR, SIM_HOST)->token = token;
}

void *sim_op_state(struct sim_world *w, size_t size)
{
    return w->op_state = sim_must(calloc(1, size));
}

void sim_op_begin(struct sim_world *w)
{
    uint64_t batches = FIRST_BATCH + sim_below(&w->op_rng, 12);
    sim_op_wake(w, batches * w->o.interval_us + sim_below(&w->op_rng, w->o.interval_us), 0);
}

void sim_op_later(struct sim_world *w, uint64_t token)
{
    sim_op_wake(w, w->o.interval_us / 2 + sim_below(&w->op_rng, w->o.interval_us), token);
}

void sim_op_lie(struct sim_world *w, unsigned i, int who, const struct sim_batch *b,
                const char *text)
{
    struct sim_event ev = {.kind = SIM_LIE, .who = who, .number = i, .batch = b, .text = text};
    sim_tell(w, &ev);
}

void sim_op_done(struct sim_world *w)
{
    if (w->done_us != 0)
        return;
    w->done_us = w->now;
    w->done_number = sim_op_head(w);
}

/* ---- looking around ---- */

uint64_t sim_op_head(const struct sim_world *w)
{
    return w->newest != NULL ? w->newest->number : 0;
}

static bool is_awake(const struct sim_world *w, unsigned i)
{
    return w->enclaves[i].core != NULL && w->enclaves[i].p.asleep_until <= w->now;
}

/* Its boot is so old that its Started is in the chain. */
static bool is_published(const struct sim_world *w, unsigned i)
{
    uint64_t reports = 2 * w->genesis.params.report_every * w->o.interval_us;
    return w->now > w->enclaves[i].booted_us + reports + SIM_S;
}

bool sim_op_is_calm(struct sim_world *w)
{
    if (sim_op_head(w) < FIRST_BATCH || w->host.core == NULL || w->host.p.asleep_until > w->now ||
        w->newest->b->payload.n_reports != w->o.enclaves - w->o.l1.spares || sim_op_active(w) < 0)
        return false;
    for (unsigned i = 0; i < w->o.enclaves; i++) {
        const struct sim_link *l = &w->links[i];
        if (!is_awake(w, i) || w->enclaves[i].is_leaving || !is_published(w, i) || !l->is_up ||
            w->now < l->cut_until || w->now < l->hole_until)
            return false;
    }
    for (unsigned i = 0; i < w->o.nodes; i++)
        if (w->nodes[i].core == NULL || w->nodes[i].p.asleep_until > w->now ||
            w->nodes[i].head + 1 < sim_op_head(w))
            return false;
    return true;
}

int sim_op_active(struct sim_world *w)
{
    int found = -1;
    for (unsigned i = 0; i < w->o.enclaves; i++) {
        if (!is_awake(w, i) || ts_enclave_state_of(w->enclaves[i].core) != TS_ENC_ACTIVE)
            continue;
        if (found >= 0)
            return -1;
        found = (int)i;
    }
    return found;
}

int sim_op_spare(struct sim_world *w, int a, int b)
{
    unsigned from = (unsigned)sim_below(&w->op_rng, w->o.enclaves);
    for (unsigned k = 0; k < w->o.enclaves; k++) {
        unsigned i = (from + k) % w->o.enclaves;
        if ((int)i != a && (int)i != b && is_awake(w, i) &&
            ts_enclave_state_of(w->enclaves[i].core) == TS_ENC_PASSIVE)
            return (int)i;
    }
    return -1;
}

void sim_op_spare_it(struct sim_world *w, unsigned enclave)
{
    w->spared = (int)enclave;
    sim_host_order(w, TS_ADMIN_DRAIN, (int)enclave);
}

void sim_op_hide(struct sim_world *w, unsigned enclave, bool hide)
{
    unsigned bit = 1u << enclave;
    w->op_hidden = hide ? w->op_hidden | bit : w->op_hidden & ~bit;
}

/* ---- asking enclaves ---- */

void sim_answer_init(struct sim_answer *a)
{
    *a = (struct sim_answer){.err = TS_E_CLOSED};
    ts_buf_init(&a->raw, TS_LINK_MAX_FRAME);
    ts_arena_init(&a->arena, 0);
}

void sim_answer_free(struct sim_answer *a)
{
    ts_buf_free(&a->raw);
    ts_arena_free(&a->arena);
}

bool sim_op_ask(struct sim_world *w, unsigned enclave, struct ts_msg *request, struct sim_answer *a)
{
    struct ts_buf frame;
    request->id = ASKED_ID;
    request->is_answer = false;
    ts_buf_init(&frame, TS_LINK_MAX_FRAME);
    ts_msg_put(&frame, request);
    TS_CHECK(frame.err == TS_OK);
    ts_buf_reset(&a->raw);
    ts_arena_reset(&a->arena);
    a->err = TS_E_CLOSED;
    if (is_awake(w, enclave) && sim_handle(w, enclave, ts_buf_bytes(&frame), &a->raw)) {
        TS_CHECK(ts_msg_decode_answer(ts_buf_bytes(&a->raw), &a->arena, &a->msg) == TS_OK);
        a->err = a->msg.type == TS_MSG_ERROR ? a->msg.u.error.code : TS_OK;
    }
    ts_buf_free(&frame);
    return a->err == TS_OK;
}

bool sim_op_ask_for(struct sim_world *w, unsigned enclave, uint64_t type, struct sim_answer *a)
{
    struct ts_msg m = {.type = type};
    return sim_op_ask(w, enclave, &m, a);
}

bool sim_op_accept(struct sim_world *w, unsigned enclave, const struct sim_batch *b,
                   struct sim_answer *a)
{
    struct ts_msg m = {.type = TS_MSG_ACCEPT, .u.accept.batch = b->b->raw};
    return sim_op_ask(w, enclave, &m, a);
}

bool sim_op_activate(struct sim_world *w, unsigned enclave, uint64_t term, struct sim_answer *a)
{
    struct ts_msg m = {.type = TS_MSG_ACTIVATE};
    m.u.activate.term = term;
    m.u.activate.time = sim_clock(w, &w->host.p).unix_ms;
    return sim_op_ask(w, enclave, &m, a);
}

bool sim_op_create_with(struct sim_world *w, unsigned enclave, const struct ts_msg_create *with,
                        unsigned n, struct sim_answer *a)
{
    uint8_t raw[SIM_ACCOUNTS][256];
    ts_bytes txs[SIM_ACCOUNTS];
    struct ts_msg m = {.type = TS_MSG_CREATE, .u.create = *with};
    TS_CHECK(n <= SIM_ACCOUNTS);
    if (with->parent.number == 0 && w->enclaves[enclave].core != NULL)
        m.u.create.parent = ts_enclave_head(w->enclaves[enclave].core);
    for (unsigned i = 0; i < n; i++)
        txs[i] = ts_bytes_of(raw[i], sim_make_tx(w, i, w->accounts[i].included,
                                                 sim_next(&w->op_rng) % 1000, raw[i], 256));
    const struct sim_l1_mined *l1 =
        w->l1 != NULL ? sim_l1_at(w->l1->tip, w->newest->b->header.l1_number) : NULL;
    if (l1 != NULL) { /* as the host's newest batch does */
        m.u.create.l1_number = l1->told.number;
        m.u.create.l1_hash = l1->told.hash;
        m.u.create.l1_header = ts_bytes_of(l1->header, l1->n_header);
    }
    m.u.create.time = sim_clock(w, &w->host.p).unix_ms;
    m.u.create.txs = txs;
    m.u.create.n_txs = n;
    return sim_op_ask(w, enclave, &m, a);
}

bool sim_op_create(struct sim_world *w, unsigned enclave, unsigned n, struct sim_answer *a)
{
    struct ts_msg_create with = {0};
    return sim_op_create_with(w, enclave, &with, n, a);
}

const struct sim_batch *sim_op_created(struct sim_world *w, const struct sim_answer *a)
{
    TS_CHECK(a->msg.type == TS_MSG_CREATE);
    const struct sim_batch *b = sim_batch_of(w, a->msg.u.created.batch);
    TS_CHECK(b != NULL);
    return b;
}

/* ---- copies ---- */

unsigned sim_op_clone(struct sim_world *w, unsigned enclave)
{
    unsigned i = w->n_enclaves++;
    struct sim_enclave *e = &w->enclaves[i];
    TS_CHECK(i < SIM_MAX_ENCLAVES);
    *e = (struct sim_enclave){
        .w = w, .key = w->enclaves[enclave].key, .id = w->enclaves[enclave].id};
    e->p = (struct sim_proc){.rng = sim_next(&w->op_rng)};
    sim_slots_init(&e->slots);
    for (unsigned k = 0; k < 2; k++)
        ts_buf_put(&e->slots.slots[k], w->enclaves[enclave].slots.slots[k].p,
                   w->enclaves[enclave].slots.slots[k].n);
    w->links[i] = (struct sim_link){.owner = SIM_HOST, .no = i, .enclave = i};
    w->setting.n_enclaves = w->n_enclaves;
    w->setting.enclave[i] = e->id;
    sim_boot(w, i);
    return i;
}

bool sim_op_catch_up(struct sim_world *w, unsigned enclave, uint64_t number, struct sim_answer *a)
{
    struct ts_msg load = {.type = TS_MSG_LOAD};
    load.u.load.genesis = ts_bytes_of(w->genesis_raw, w->n_genesis_raw);
    if (!sim_op_ask_for(w, enclave, TS_MSG_IDENTIFY, a))
        return false;
    uint64_t head = a->msg.u.identity.head.number;
    if (a->msg.u.identity.state == TS_ENC_EMPTY && !sim_op_ask(w, enclave, &load, a))
        return false;
    for (uint64_t n = head + 1; n <= number && n <= w->host.disk.n_committed; n++)
        if (!sim_op_accept(w, enclave, w->host.disk.committed[n - 1], a))
            return false;
    return true;
}

/* ---- the host's requests ---- */

struct ts_msg *sim_op_read(struct sim_world *w, ts_bytes frame)
{
    ts_arena_reset(&w->op_arena);
    struct ts_msg *m = sim_must(ts_arena_alloc(&w->op_arena, sizeof(*m)));
    return ts_msg_decode_request(frame, &w->op_arena, m) == TS_OK ? m : NULL;
}

void sim_op_leave_out(struct ts_msg_create *c, const ts_address *id)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_transitions; i++)
        if (!ts_address_equal(&c->transitions[i].enclave_id, id))
            c->transitions[n++] = c->transitions[i];
    c->n_transitions = n;
    n = 0;
    for (size_t i = 0; i < c->n_reports; i++)
        if (!ts_address_equal(&c->reports[i].enclave_id, id))
            c->reports[n++] = c->reports[i];
    c->n_reports = n;
}

void sim_op_send(struct sim_world *w, unsigned enclave, const struct ts_msg *request)
{
    struct ts_buf b;
    ts_buf_init(&b, TS_LINK_MAX_FRAME);
    ts_msg_put(&b, request);
    TS_CHECK(b.err == TS_OK);
    sim_send_past(w, &w->links[enclave], ts_buf_bytes(&b));
    ts_buf_free(&b);
}

/* ---- forgeries ---- */

const struct sim_batch *sim_op_forge(struct sim_world *w, const struct sim_batch *parent,
                                     struct ts_batch *b, const ts_secret *key)
{
    struct ts_buf buf;
    struct ts_batch_seal seal;
    ts_hash digest;
    ts_buf_init(&buf, 0);
    ts_payload_put(&buf, &b->payload);
    ts_header_hash(&w->genesis.domain, &b->header, &seal.batch_hash);
    ts_protocol_root(&parent->protocol_root, ts_buf_bytes(&buf), &seal.protocol_root);
    ts_seal_digest(&w->genesis.domain, &seal, &digest);
    if (key != NULL)
        TS_CHECK(ts_sign(w->crypto, key, &digest, &b->seal) == TS_OK);
    ts_buf_reset(&buf);
    ts_batch_put(&buf, b);
    TS_CHECK(buf.err == TS_OK);
    const struct sim_batch *made = sim_batch_of(w, ts_buf_bytes(&buf));
    TS_CHECK(made != NULL);
    ts_buf_free(&buf);
    return made;
}
