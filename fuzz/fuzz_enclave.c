/* SPDX-License-Identifier: Apache-2.0 */
/* A running enclave and a host that sends anything: requests that make sense, the same with a byte
 * changed, and bytes. Whatever comes, each frame gets one answer that decodes, the core's own
 * asserts hold (they run after every request), and a head that was signed for moves to a child
 * only.
 *
 * The input is a list of steps: op, then its operands. op mod 16: 0 a raw frame (length, bytes); 1
 * to 12 and 14 the request of that type; with bit 4 set, one byte of it is changed (place, value).
 */
#include <string.h>

#include "base/check.h"
#include "enclave_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 24
#define SUBJECT   1

struct input {
    const uint8_t *p;
    size_t n;
};

static uint8_t next(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

/* Batches that an honest network made, and one that conflicts with the last. */
struct world {
    struct ek *k;
    ts_bytes sibling;
};

static struct world make_world(void)
{
    static const ts_hash zero;
    struct world w = {.k = ek_open(3, 3)};
    for (size_t i = 0; i < 3; i++)
        ek_start(w.k, i);
    ek_promote(w.k, 0);
    ek_run(w.k, 0, 4);
    struct ts_batch b = ek_decode(w.k, ek_batch(w.k, 1));
    b.header.time++;
    ts_bytes forged = ek_forge(w.k, &b, &zero);
    uint8_t *kept = malloc(forged.n);
    TS_CHECK(kept != NULL);
    memcpy(kept, forged.p, forged.n);
    w.sibling = ts_bytes_of(kept, forged.n);
    return w;
}

/* The published batch that follows the subject's head, an older one, or the conflicting one. */
static ts_bytes pick_batch(const struct world *w, uint8_t choice)
{
    uint64_t head = ts_enclave_head(w->k->enclaves[SUBJECT].core).number;
    if (choice == 255)
        return w->sibling;
    if (choice < 128 && head < w->k->n_batches)
        return ek_batch(w->k, head + 1);
    return ek_batch(w->k, 1 + choice % w->k->n_batches);
}

/* A range of the published batches, with or without the headers above it. */
static struct ts_msg pick_range(const struct world *w, uint8_t choice)
{
    uint64_t n = w->k->n_batches;
    uint64_t first = 1 + choice % n;
    uint64_t last = first + choice / 8 % (n - first + 1);
    return ek_rollup_request(w->k, first, last, choice < 128 ? 0 : n);
}

static void fill(const struct world *w, struct input *in, struct ts_msg *m)
{
    struct ts_msg_head head = ts_enclave_head(w->k->enclaves[SUBJECT].core);
    switch (m->type) {
    case TS_MSG_LOAD:
        m->u.load.genesis = w->k->genesis_raw;
        break;
    case TS_MSG_ACCEPT:
        m->u.accept.batch = pick_batch(w, next(in));
        break;
    case TS_MSG_SYNCED:
    case TS_MSG_STEP_DOWN:
        m->u.step_down.time = (uint64_t)next(in) << 8;
        break;
    case TS_MSG_ACTIVATE:
        m->u.activate.term = next(in);
        break;
    case TS_MSG_CREATE:
        *m = ek_create_request(w->k, SUBJECT, next(in) & 5u);
        m->u.create.parent = head;
        break;
    case TS_MSG_QUERY:
        m->u.query.kind = next(in) % 8;
        m->u.query.arg = ts_bytes_of(in->p, in->n < 20 ? in->n : 20);
        break;
    case TS_MSG_OFFERS:
        m->u.offers.above = next(in);
        break;
    case TS_MSG_ROLLUP:
        *m = pick_range(w, next(in));
        break;
    default:
        break;
    }
}

static void put_step(const struct world *w, struct input *in, struct ts_buf *frame)
{
    uint8_t op = next(in);
    uint64_t type = op % 16;
    if (type == 0 || type == TS_MSG_LEAVING || type > TS_MSG_REGISTER) {
        size_t n = next(in);
        n = n < in->n ? n : in->n;
        ts_buf_put(frame, in->p, n);
        in->p += n;
        in->n -= n;
        return;
    }
    struct ts_msg m = {.type = type, .id = op};
    fill(w, in, &m);
    ts_msg_put(frame, &m);
    if ((op & 16) != 0 && frame->n > 0) {
        size_t at = (size_t)next(in) << 8;
        at |= next(in);
        frame->p[at % frame->n] ^= next(in);
    }
}

static void step(const struct world *w, struct input *in)
{
    struct ek_enclave *x = &w->k->enclaves[SUBJECT];
    struct ts_msg_head before = ts_enclave_head(x->core);
    bool bound = ts_enclave_state_of(x->core) >= TS_ENC_PASSIVE;
    struct ts_msg answer;
    struct ts_buf frame;
    struct ts_buf out;
    ts_buf_init(&frame, 0);
    ts_buf_init(&out, 0);
    put_step(w, in, &frame);
    ts_enclave_handle(x->core, ts_buf_bytes(&frame), &out);
    TS_CHECK(ts_msg_decode_answer(ts_buf_bytes(&out), &w->k->arena, &answer) == TS_OK);
    struct ts_msg_head after = ts_enclave_head(x->core);
    if (bound)
        TS_CHECK(after.number == before.number || after.number == before.number + 1);
    ts_buf_free(&frame);
    ts_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct input in = {data, size};
    if (w.k == NULL)
        w = make_world();
    w.k->random = 1; /* the same boot id for the same input */
    uint8_t beginning = next(&in);
    ek_boot(w.k, SUBJECT);
    if (beginning % 4 > 0)
        ek_load(w.k, SUBJECT, NULL);
    if (beginning % 4 > 1) {
        ek_feed(w.k, SUBJECT);
        ek_synced(w.k, SUBJECT);
    }
    if (beginning % 4 > 2)
        ek_activate(w.k, SUBJECT, 5);
    for (size_t i = 0; i < STEPS_MAX && in.n > 0; i++)
        step(&w, &in);
    ek_forget(w.k);
    return 0;
}
