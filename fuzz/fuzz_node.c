/* SPDX-License-Identifier: Apache-2.0 */
/* A node core among peers, subscribers and a disk that do anything: no input crashes it, whatever
 * it stores follows from genesis, and a stop ends it. The input is a list of acts: what, argument,
 * length, bytes. Real batches are at hand, so that acts get past the first check. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/feed_session.h"
#include "nodeworld_internal.h"

#define BATCHES 24
#define PEERS   2
#define SECOND  12 /* there is a second batch of this number */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum act {
    ACT_FRAME,  /* raw bytes from a peer */
    ACT_PUSH,   /* a real batch, one byte of it changed or not */
    ACT_ANSWER, /* real batches in answer to a request id */
    ACT_DOWN,
    ACT_TIME,
    ACT_STORED,
    ACT_TX,
    ACT_ACCEPTED,
    ACT_SUBSCRIBER,
    ACT_VERIFIED,
    ACT_TOLD,   /* evidence: the second batch, or one of the chain's, changed or not */
    ACT_LOADED, /* what was asked of the store */
    ACTS
};

struct run {
    struct testnet *net;
    struct ts_node *node;
    uint64_t now;
    uint64_t store_token;
    uint64_t verify[64];
    size_t n_verify;
    struct load {
        uint64_t token, from;
    } loads[64];
    size_t n_loads;
    uint64_t next; /* number of the next batch to be stored */
    size_t open_txs;
    bool is_stopped;
};

static void do_outputs(struct run *r, const struct ts_node_outputs *out);

static void step(struct run *r, const struct ts_node_input *in)
{
    struct ts_node_outputs out;
    if (r->is_stopped)
        return;
    ts_node_step(r->node, (struct ts_now){.mono_us = r->now, .unix_ms = r->now / 1000}, in, &out);
    do_outputs(r, &out);
}

static void stored(struct run *r, const struct ts_node_output *o)
{
    TS_CHECK(r->store_token == 0); /* one at a time */
    r->store_token = o->token;
}

static void do_outputs(struct run *r, const struct ts_node_outputs *out)
{
    unsigned connects[PEERS + 1];
    size_t n_connects = 0;
    for (size_t i = 0; i < out->n; i++) {
        const struct ts_node_output *o = &out->out[i];
        if (o->kind == TS_NODE_OUT_STORE)
            stored(r, o);
        else if (o->kind == TS_NODE_OUT_VERIFY && r->n_verify < TS_COUNT(r->verify))
            r->verify[r->n_verify++] = o->token;
        else if (o->kind == TS_NODE_OUT_LOAD && r->n_loads < TS_COUNT(r->loads))
            r->loads[r->n_loads++] = (struct load){.token = o->token, .from = o->from};
        else if (o->kind == TS_NODE_OUT_COMMITTED) {
            TS_CHECK(o->number == r->next);
            TS_CHECK(ts_bytes_equal(o->bytes, tn_raw(r->net, o->number)));
            r->next++;
        } else if (o->kind == TS_NODE_OUT_CONNECT && n_connects <= PEERS)
            connects[n_connects++] = o->link;
        else if (o->kind == TS_NODE_OUT_REPLY) {
            TS_CHECK(r->open_txs > 0);
            r->open_txs--;
        } else if (o->kind == TS_NODE_OUT_STOPPED)
            r->is_stopped = true;
    }
    for (size_t i = 0; i < n_connects; i++)
        step(r, &(struct ts_node_input){.kind = TS_NODE_IN_LINK_UP, .link = connects[i]});
}

static void frame(struct run *r, unsigned link, const struct ts_feed_frame *f)
{
    struct ts_buf b;
    ts_buf_init(&b, 0);
    ts_feed_put(&b, f);
    TS_CHECK(b.err == TS_OK);
    step(r, &(struct ts_node_input){
                .kind = TS_NODE_IN_FRAME, .link = link, .bytes = ts_buf_bytes(&b)});
    ts_buf_free(&b);
}

/* A copy in which, where bytes says so, one byte is another. The caller frees it. */
static uint8_t *changed(ts_bytes raw, ts_bytes bytes, size_t *n)
{
    uint8_t *copy = malloc(raw.n);
    TS_CHECK(copy != NULL);
    memcpy(copy, raw.p, raw.n);
    if (bytes.n >= 3)
        copy[(size_t)(bytes.p[0] | bytes.p[1] << 8) % raw.n] ^= bytes.p[2];
    *n = raw.n;
    return copy;
}

static uint8_t *some_batch(const struct run *r, uint8_t which, ts_bytes bytes, size_t *n)
{
    return changed(tn_raw(r->net, 1 + which % BATCHES), bytes, n);
}

static struct ts_buf second; /* made with the net; */
static ts_hash before;       /* the protocol root before it */

static void told(struct run *r, uint8_t arg, ts_bytes bytes)
{
    bool is_second = arg % 4 < 2;
    ts_bytes raw = is_second ? ts_buf_bytes(&second) : tn_raw(r->net, 1 + (arg >> 2) % BATCHES);
    ts_hash root = before;
    size_t n;
    uint8_t *copy = changed(raw, bytes, &n);
    if (bytes.n > 3)
        root.b[bytes.p[3] % sizeof(root.b)] ^= 1;
    frame(r, arg % PEERS,
          &(struct ts_feed_frame){
              .type = TS_FEED_EVIDENCE, .hash = root, .bytes = ts_bytes_of(copy, n)});
    free(copy);
}

/* The store has what was committed; arg: which is answered, and whether it fails. */
static void loaded(struct run *r, uint8_t arg)
{
    struct ts_node_input in = {.kind = TS_NODE_IN_LOADED};
    struct ts_store_batch b = {.status = TS_BATCH_COMMITTED};
    if (r->n_loads == 0)
        return;
    size_t at = arg / 4 % r->n_loads;
    struct load l = r->loads[at];
    r->loads[at] = r->loads[--r->n_loads];
    in.token = l.token;
    in.err = arg % 4 == 0 ? TS_E_IO : TS_OK;
    if (in.err == TS_OK && l.from < r->next) {
        b.number = l.from;
        b.raw = tn_raw(r->net, l.from);
        in.batches = &b;
        in.n_batches = 1;
    }
    step(r, &in);
}

static void push(struct run *r, uint8_t arg, ts_bytes bytes, bool is_subscriber)
{
    size_t n;
    uint8_t *raw = some_batch(r, arg >> 1, bytes, &n);
    if (is_subscriber)
        step(r, &(struct ts_node_input){
                    .kind = TS_NODE_IN_BATCH, .peer = 7, .bytes = ts_bytes_of(raw, n)});
    else
        frame(r, arg % PEERS,
              &(struct ts_feed_frame){.type = TS_FEED_BATCH, .bytes = ts_bytes_of(raw, n)});
    free(raw);
}

/* bytes: request id, first number, count, then what push takes for the first. */
static void answer(struct run *r, uint8_t arg, ts_bytes bytes)
{
    ts_bytes raws[BATCHES];
    struct ts_feed_frame f = {.type = TS_FEED_BATCHES, .batches = raws};
    if (bytes.n < 3)
        return;
    f.id = bytes.p[0];
    uint64_t from = 1 + bytes.p[1] % BATCHES;
    for (; f.n_batches < bytes.p[2] && from + f.n_batches <= BATCHES; f.n_batches++)
        raws[f.n_batches] = tn_raw(r->net, from + f.n_batches);
    size_t n;
    uint8_t *first = some_batch(r, (uint8_t)(from - 1), ts_bytes_of(bytes.p + 3, bytes.n - 3), &n);
    if (f.n_batches > 0)
        raws[0] = ts_bytes_of(first, n);
    frame(r, arg % PEERS, &f);
    free(first);
}

static void hello(struct run *r, unsigned link, uint8_t head)
{
    struct ts_feed_frame f = {.type = TS_FEED_HELLO,
                              .version = TS_FEED_VERSION,
                              .genesis = r->net->genesis.hash,
                              .number = head,
                              .hash = r->net->chain.head.hash};
    frame(r, link, &f);
}

static void act(struct run *r, enum act what, uint8_t arg, ts_bytes bytes)
{
    struct ts_node_input in = {.link = arg % PEERS, .bytes = bytes};
    switch (what) {
    case ACT_FRAME:
        in.kind = TS_NODE_IN_FRAME;
        if (bytes.n == 0)
            hello(r, in.link, arg);
        else
            step(r, &in);
        break;
    case ACT_PUSH:
        push(r, arg, bytes, false);
        break;
    case ACT_ANSWER:
        answer(r, arg, bytes);
        break;
    case ACT_DOWN:
        in.kind = TS_NODE_IN_LINK_DOWN;
        step(r, &in);
        break;
    case ACT_TIME:
        r->now += (uint64_t)(arg + 1) * 50000;
        step(r, &(struct ts_node_input){.kind = TS_NODE_IN_TICK});
        break;
    case ACT_STORED:
        in = (struct ts_node_input){.kind = TS_NODE_IN_STORED,
                                    .token = r->store_token,
                                    .err = arg % 4 == 0 ? TS_E_DISK_FULL : TS_OK};
        r->store_token = 0;
        if (in.token != 0)
            step(r, &in);
        break;
    case ACT_TX:
        in.kind = TS_NODE_IN_TX;
        in.is_relay = arg % 2 == 0;
        in.token = r->now + arg;
        r->open_txs++;
        step(r, &in);
        break;
    case ACT_ACCEPTED:
        frame(r, arg % PEERS,
              &(struct ts_feed_frame){.type = TS_FEED_ACCEPTED,
                                      .id = bytes.n > 0 ? bytes.p[0] : 1,
                                      .code = (ts_err)(bytes.n > 1 ? bytes.p[1] : 0)});
        break;
    case ACT_SUBSCRIBER:
        push(r, arg, bytes, true);
        break;
    case ACT_VERIFIED:
        if (r->n_verify == 0)
            break;
        arg = (uint8_t)(arg % r->n_verify);
        in = (struct ts_node_input){.kind = TS_NODE_IN_VERIFIED, .token = r->verify[arg]};
        r->n_verify--;
        r->verify[arg] = r->verify[r->n_verify];
        step(r, &in);
        break;
    case ACT_TOLD:
        told(r, arg, bytes);
        break;
    case ACT_LOADED:
        loaded(r, arg);
        break;
    case ACTS:
        break;
    }
}

/* Everything that is owed is given; then it must end. */
static void stop(struct run *r)
{
    step(r, &(struct ts_node_input){.kind = TS_NODE_IN_STOP});
    for (int i = 0; i < 200 && !r->is_stopped; i++) {
        act(r, ACT_VERIFIED, 0, (ts_bytes){0});
        act(r, ACT_STORED, 1, (ts_bytes){0});
        act(r, ACT_TIME, 40, (ts_bytes){0});
    }
    TS_CHECK(r->is_stopped && r->open_txs == 0);
}

static struct testnet *the_net(void)
{
    static struct testnet *net; /* made once: the same for every input */
    if (net == NULL) {
        net = tn_new(&(struct tn_options){.crypto = nw_crypto()});
        tn_start(net);
        tn_run(net, SECOND - 1 - net->n_history);
        struct tn_draft *d = tn_draft(net, 0);
        d->header.time++;
        tn_seal(net, d);
        before = net->chain.head.protocol_root;
        ts_buf_init(&second, 0);
        ts_buf_put(&second, d->raw.p, d->raw.n);
        tn_run(net, BATCHES - net->n_history);
    }
    return net;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run r = {.net = the_net(), .now = 1000000, .next = 1};
    struct ts_engine_ops engine = nw_root_engine();
    struct ts_node_start start = {.genesis = &r.net->genesis,
                                  .crypto = r.net->crypto,
                                  .engine = &engine,
                                  .name = "fuzz",
                                  .n_peers = PEERS,
                                  .seed = {1, 2}};
    nw_root_engine_of(&r.net->genesis_root);
    ts_node_settings_default(&start.settings);
    start.settings.chain_every = 5;
    start.settings.get_count = 4;
    start.settings.verify_run = size > 0 ? data[0] % 4 : 0;
    TS_CHECK(ts_node_new(&start, &r.node) == TS_OK);
    struct ts_node_outputs out;
    ts_node_begin(r.node, (struct ts_now){.mono_us = r.now}, &out);
    do_outputs(&r, &out);
    for (size_t i = 1; i + 3 <= size;) {
        size_t n = data[i + 2] < size - i - 3 ? data[i + 2] : size - i - 3;
        act(&r, (enum act)(data[i] % ACTS), data[i + 1], ts_bytes_of(data + i + 3, n));
        i += 3 + n;
    }
    stop(&r);
    ts_node_free(r.node);
    return 0;
}
