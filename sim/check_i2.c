/* SPDX-License-Identifier: Apache-2.0 */
/* I2: once a boot has signed, its head moves only to a child of its head, and it never seals two
 * batches on one parent. What is seen of it are its answers: nothing else moves a head, so a head
 * that moved is that of the batch the answer is about. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/siphash.h"
#include "check_line.h"
#include "tenseq/verify.h"

/* The newest boot of an enclave. */
struct boot {
    bool is_bound; /* it has signed */
    struct ts_msg_head head;
    struct ts_map sealed; /* parent's hash → a hash of the batch's bytes */
};

struct i2 {
    const struct sim_setting *setting;
    struct boot boots[SIM_MAX_ENCLAVES];
};

/* Of a batch on the wire. */
struct link {
    ts_hash hash, parent;
    uint64_t number;
};

static void *make(const struct sim_setting *setting)
{
    struct i2 *s = sim_check_memory(calloc(1, sizeof(*s)));
    s->setting = setting;
    for (size_t i = 0; i < SIM_MAX_ENCLAVES; i++)
        ts_map_init(&s->boots[i].sealed, sizeof(ts_hash), sizeof(uint64_t), sim_map_seed);
    return s;
}

static void drop(void *state)
{
    struct i2 *s = state;
    for (size_t i = 0; i < SIM_MAX_ENCLAVES; i++)
        ts_map_free(&s->boots[i].sealed);
    free(s);
}

static bool link_of(const struct i2 *s, const struct sim_event *e, ts_bytes raw, struct link *out)
{
    struct ts_batch *b;
    if (e->batch != NULL) {
        *out = (struct link){e->batch->hash, e->batch->b->header.parent_hash, e->batch->number};
        return true;
    }
    if (ts_batch_parse(raw, TS_MAX_BATCH_BYTES, &b) != TS_OK)
        return false;
    *out = (struct link){.parent = b->header.parent_hash, .number = b->header.number};
    ts_header_hash(&s->setting->genesis->domain, &b->header, &out->hash);
    ts_batch_free(b);
    return true;
}

/* The batch that an answer is about, when it is one that can move the head. */
static bool moving_link(const struct i2 *s, const struct sim_event *e, struct link *out)
{
    if (e->msg->type == TS_MSG_CREATE)
        return link_of(s, e, e->msg->u.created.batch, out);
    return e->msg->type == TS_MSG_ACCEPT && e->request != NULL &&
           e->request->type == TS_MSG_ACCEPT && link_of(s, e, e->request->u.accept.batch, out);
}

static void at_head(struct i2 *s, const struct sim_event *e, const struct ts_msg_head *head,
                    struct sim_verdict *v)
{
    struct boot *b = &s->boots[e->who];
    struct link l;
    if (!b->is_bound ||
        (b->head.number == head->number && ts_hash_equal(&b->head.hash, &head->hash)))
        return;
    if (!moving_link(s, e, &l) || !ts_hash_equal(&l.hash, &head->hash))
        sim_violate(v, e, "I2",
                    "the head of enclave %d went from batch %" PRIu64 " to batch %" PRIu64
                    ", which it was not given and did not seal just now",
                    e->who, b->head.number, head->number);
    else if (!ts_hash_equal(&l.parent, &b->head.hash) || head->number != b->head.number + 1)
        sim_violate(v, e, "I2",
                    "the head of enclave %d went from batch %" PRIu64 " to batch %" PRIu64
                    ", which is not its child",
                    e->who, b->head.number, head->number);
    b->head = *head;
}

static void bind(struct boot *b, const struct ts_msg_head *head)
{
    if (!b->is_bound)
        b->head = *head;
    b->is_bound = true;
}

static void events(struct i2 *s, const struct sim_event *e, struct sim_verdict *v)
{
    const struct ts_msg_events *m = &e->msg->u.events;
    if (m->has_report || m->n_transitions > 0 || m->state == TS_ENC_PASSIVE ||
        m->state == TS_ENC_ACTIVE)
        bind(&s->boots[e->who], &m->head);
    at_head(s, e, &m->head, v);
}

static void identity(struct i2 *s, const struct sim_event *e, struct sim_verdict *v)
{
    const struct ts_msg_identity *m = &e->msg->u.identity;
    if (m->state == TS_ENC_PASSIVE || m->state == TS_ENC_ACTIVE)
        bind(&s->boots[e->who], &m->head);
    at_head(s, e, &m->head, v);
}

static void sealed(struct i2 *s, const struct sim_event *e, ts_bytes raw, const ts_hash *parent,
                   struct sim_verdict *v)
{
    bool is_new;
    uint64_t *held = sim_check_memory(ts_map_put(&s->boots[e->who].sealed, parent, &is_new));
    uint64_t bytes = ts_siphash13(sim_map_seed, raw.p, raw.n);
    if (is_new)
        *held = bytes;
    else if (*held != bytes)
        sim_violate(v, e, "I2",
                    "enclave %d has sealed two batches on one parent in one boot; it may seal one",
                    e->who);
}

static void created(struct i2 *s, const struct sim_event *e, struct sim_verdict *v)
{
    const struct ts_msg_created *m = &e->msg->u.created;
    struct link l;
    if (!link_of(s, e, m->batch, &l))
        return;
    sealed(s, e, m->batch, &l.parent, v);
    if (m->has_report) {
        struct ts_msg_head head = {m->report.current_batch_number, m->report.current_batch_head};
        bind(&s->boots[e->who], &head);
        at_head(s, e, &head, v);
    }
}

static void offered(struct i2 *s, const struct sim_event *e, struct sim_verdict *v)
{
    const struct ts_msg_offered *m = &e->msg->u.offered;
    for (size_t i = 0; i < m->n; i++) {
        ts_hash parent;
        struct ts_reader r = ts_reader_of(m->batches[i]);
        ts_read_list(&r); /* the batch */
        ts_read_list(&r); /* its header */
        ts_read_hash(&r, &parent);
        if (r.err == TS_OK)
            sealed(s, e, m->batches[i], &parent, v);
    }
}

static void answer(struct i2 *s, const struct sim_event *e, struct sim_verdict *v)
{
    switch (e->msg->type) {
    case TS_MSG_IDENTIFY:
        identity(s, e, v);
        break;
    case TS_MSG_ACCEPT:
    case TS_MSG_SYNCED:
    case TS_MSG_REPORT:
    case TS_MSG_ACTIVATE:
    case TS_MSG_STEP_DOWN:
        events(s, e, v);
        break;
    case TS_MSG_LOAD:
    case TS_MSG_SNAPSHOT:
        at_head(s, e, &e->msg->u.head, v);
        break;
    case TS_MSG_QUERY:
        at_head(s, e, &e->msg->u.query_answer.head, v);
        break;
    case TS_MSG_CREATE:
        created(s, e, v);
        break;
    case TS_MSG_OFFERS:
        offered(s, e, v);
        break;
    default:
        break;
    }
}

static void see(void *state, const struct sim_event *e, struct sim_verdict *v)
{
    struct i2 *s = state;
    if (e->who < 0 || e->who >= SIM_MAX_ENCLAVES)
        return;
    if (e->kind == SIM_BOOT) {
        s->boots[e->who].is_bound = false;
        ts_map_clear(&s->boots[e->who].sealed);
    } else if (e->kind == SIM_ANSWER && e->msg != NULL && e->msg->is_answer) {
        answer(s, e, v);
    }
}

const struct sim_checker sim_check_i2 = {
    .name = "I2", .title = "one line for each boot", .make = make, .see = see, .drop = drop};
