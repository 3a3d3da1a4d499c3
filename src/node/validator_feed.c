/* SPDX-License-Identifier: Apache-2.0 */
/* Where the attached enclave starts, what it is fed, and what it says of it. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "chain/batch.h"
#include "node/internal.h"

#define DISPUTE_RETRY_US UINT64_C(60000000)

/* ---- its place: a head of its own that lies on this chain ---- */

static void load_from(struct ts_node *n, const struct ts_msg_head *from)
{
    struct ts_msg m = {.type = TS_MSG_LOAD};
    m.u.load.genesis = n->start.genesis_raw;
    m.u.load.from = *from;
    ts_node_validator_ask(n, &m, NULL);
}

static void out_load(struct ts_node *n, uint64_t from, uint64_t count)
{
    struct ts_node_output *o = ts_node_output_new(n, TS_NODE_OUT_LOAD);
    n->validator.load_token = o->token = ++n->next_token;
    o->from = from;
    o->count = count;
}

static void use_place(struct ts_node *n)
{
    struct validator *v = &n->validator;
    const struct ts_msg_head *place = &v->places[v->at_place];
    if (v->is_current && v->at_place == 0)
        ts_node_validator_placed(n, place);
    else
        load_from(n, place);
}

/* Looks at the next place: whether our batch of that number has its hash is for the store to say.
 */
static void try_place(struct ts_node *n)
{
    struct validator *v = &n->validator;
    if (!v->can_load && v->places[0].number > n->stored.number) {
        ts_node_validator_no_place(n, "it is ahead of this node");
        return;
    }
    while (v->at_place < v->n_places && v->places[v->at_place].number > n->stored.number)
        v->at_place++;
    TS_CHECK(v->at_place < v->n_places); /* the last is genesis */
    if (v->places[v->at_place].number == 0)
        use_place(n);
    else
        out_load(n, v->places[v->at_place].number, 1);
}

void ts_node_validator_no_place(struct ts_node *n, const char *why)
{
    struct validator *v = &n->validator;
    if (!v->can_load) {
        ts_node_validator_exit(n);
        ts_node_validator_fail(n, "it stands where this chain is not; it was told to start anew");
        return;
    }
    if (v->at_place + 1 >= v->n_places) {
        ts_node_validator_fail(n, "it cannot start from genesis: %s", why);
        return;
    }
    v->at_place++;
    try_place(n);
}

static void add_place(struct validator *v, const struct ts_msg_head *head)
{
    if (v->n_places < TS_COUNT(v->places))
        v->places[v->n_places++] = *head;
}

/* The places it could be at, best first: where it stands, its checkpoints, genesis. */
static void list_places(struct ts_node *n, const struct ts_msg_identity *id)
{
    struct validator *v = &n->validator;
    v->n_places = v->at_place = 0;
    v->is_current = id->state != TS_ENC_EMPTY;
    v->can_load = id->state == TS_ENC_EMPTY || id->state == TS_ENC_SYNCING;
    if (v->is_current)
        add_place(v, &id->head);
    for (size_t i = id->n_sealed; i-- > 0 && v->n_places < TS_COUNT(v->places) - 1;)
        add_place(v, &id->sealed[i]);
    add_place(v, &(struct ts_msg_head){.hash = n->start.genesis->hash});
}

static const char *why_unfit(const struct ts_node *n, const struct ts_msg_identity *id)
{
    const struct ts_registry_entry *e = ts_registry_find(&n->chain.registry, &id->id);
    if (id->version != TS_LINK_VERSION)
        return "it speaks another version of the enclave link";
    if (id->state != TS_ENC_EMPTY && !ts_hash_equal(&id->genesis, &n->start.genesis->hash))
        return "it has loaded another network's genesis";
    if (n->start.genesis->l1_chain_id != 0 && !ts_node_l1_is_on(n))
        return "it needs the headers of L1, which this node does not follow (l1)";
    if (e != NULL && e->whitelisted)
        return "it is whitelisted as a sequencer: only a host may drive it";
    if (id->state == TS_ENC_PASSIVE || id->state == TS_ENC_ACTIVE)
        return "it has signed as a sequencer: only a host may drive it";
    return NULL;
}

void ts_node_validator_identified(struct ts_node *n, const struct ts_msg_identity *id)
{
    struct validator *v = &n->validator;
    const char *why = why_unfit(n, id);
    v->is_identified = true;
    v->id = id->id;
    v->head = id->head;
    if (why != NULL) {
        ts_node_validator_fail(n, "%s", why);
        return;
    }
    if (id->state == TS_ENC_HALTED) {
        ts_node_validator_exit(n);
        ts_node_validator_fail(n, "it has halted; it was told to start anew");
        return;
    }
    v->state = TS_NODE_ENC_LOADING;
    list_places(n, id);
    try_place(n);
}

static void place_found(struct ts_node *n, const struct ts_node_input *in)
{
    struct validator *v = &n->validator;
    const struct ts_msg_head *place = &v->places[v->at_place];
    bool fits = in->err == TS_OK && in->n_batches > 0 && in->batches[0].number == place->number &&
                ts_hash_equal(&in->batches[0].hash, &place->hash);
    if (fits)
        use_place(n);
    else
        ts_node_validator_no_place(n, "no place of it lies on this chain");
}

void ts_node_validator_placed(struct ts_node *n, const struct ts_msg_head *head)
{
    struct validator *v = &n->validator;
    const struct ts_msg_head *place = &v->places[v->at_place];
    if (head->number != place->number || !ts_hash_equal(&head->hash, &place->hash)) {
        ts_node_validator_fail(n, "it loaded another head than it was asked to");
        return;
    }
    v->state = TS_NODE_ENC_SYNCING;
    v->head = *head;
    v->next_feed = head->number + 1;
    v->snapshot_at = head->number;
    v->wants_l1 = false;
    ts_node_event(n, TS_LOG_INFO, "enclave-loaded", "number=%" PRIu64 " of=%" PRIu64, head->number,
                  n->stored.number);
}

/* ---- feeding ---- */

static void accept(struct ts_node *n, uint64_t number, const ts_hash *hash, ts_bytes raw,
                   ts_bytes l1_header)
{
    struct ts_msg m = {.type = TS_MSG_ACCEPT};
    struct enc_request r = {.head = {.number = number, .hash = *hash}};
    m.u.accept.batch = raw;
    m.u.accept.l1_header = l1_header;
    ts_node_validator_ask(n, &m, &r);
    n->validator.next_feed = number + 1;
}

static bool is_fed(const struct validator *v)
{
    return (v->state == TS_NODE_ENC_SYNCING || v->state == TS_NODE_ENC_VALIDATING) &&
           v->load_token == 0;
}

/* A batch that just became durable needs no reading back when it is the next one anyway. */
void ts_node_validator_committed(struct ts_node *n, const struct entry *e)
{
    struct validator *v = &n->validator;
    if (is_fed(v) && v->next_feed == e->number && v->n_accepts < n->s.enclave_window)
        accept(n, e->number, &e->hash, e->raw, e->l1 != NULL ? e->l1->header : (ts_bytes){0});
}

/* The header of the L1 block that a stored batch names. It is not stored when the batch was taken
 * by a run that did not follow L1: then L1 is asked, and the batch is loaded again. False: not now.
 */
static bool find_l1_header(struct ts_node *n, const struct ts_store_batch *b, ts_bytes *header)
{
    struct validator *v = &n->validator;
    ts_hash hash;
    uint64_t number;
    *header = b->l1_header;
    if (n->start.genesis->l1_chain_id == 0 || b->l1_header.n > 0) {
        v->wants_l1 = false;
        return true;
    }
    if (ts_batch_l1(b->raw, &number, &hash) != TS_OK)
        return false; /* a damaged store, which a start will tell */
    const struct l1_slot *s = ts_node_l1_slot(n, number);
    if (s == NULL || s->word == NULL) {
        v->wants_l1 = true;
        v->l1_wanted = number;
        return false;
    }
    if (!ts_hash_equal(&s->word->at.hash, &hash)) {
        ts_node_validator_fail(n, "L1 has another block %" PRIu64 " than batch %" PRIu64 " names",
                               number, b->number);
        return false;
    }
    *header = s->word->header;
    return true;
}

static bool waits_for_l1(struct ts_node *n)
{
    const struct l1_slot *s = ts_node_l1_slot(n, n->validator.l1_wanted);
    return n->validator.wants_l1 && (s == NULL || s->word == NULL);
}

void ts_node_validator_loaded(struct ts_node *n, const struct ts_node_input *in)
{
    struct validator *v = &n->validator;
    if (in->token != v->load_token)
        return; /* for an earlier connection */
    v->load_token = 0;
    if (v->state == TS_NODE_ENC_LOADING) {
        place_found(n, in);
        return;
    }
    if (in->err != TS_OK || in->n_batches == 0) {
        ts_node_validator_fail(n, "batch %" PRIu64 " cannot be read from the store: %s",
                               v->next_feed, ts_err_text((int)in->err));
        return;
    }
    for (size_t i = 0; i < in->n_batches; i++) {
        const struct ts_store_batch *b = &in->batches[i];
        ts_bytes header;
        if (is_fed(v) && b->number == v->next_feed && v->n_accepts < n->s.enclave_window &&
            find_l1_header(n, b, &header))
            accept(n, b->number, &b->hash, b->raw, header);
    }
}

static void ask_snapshot(struct ts_node *n)
{
    struct validator *v = &n->validator;
    if (v->is_snapshotting || v->head.number < v->snapshot_at + n->s.snapshot_every)
        return;
    v->is_snapshotting = true;
    ts_node_validator_ask(n, &(struct ts_msg){.type = TS_MSG_SNAPSHOT}, NULL);
}

/* As far as anybody knows: peers have been heard, and none that is up claims more. */
static bool node_is_at_head(const struct ts_node *n)
{
    return (n->has_heard || n->start.n_peers == 0) &&
           ts_node_follow_credible(n) <= n->stored.number;
}

static void ask_synced(struct ts_node *n)
{
    struct validator *v = &n->validator;
    struct ts_msg m = {.type = TS_MSG_SYNCED};
    if (v->state != TS_NODE_ENC_SYNCING || v->is_sync_asked || v->n_accepts > 0 ||
        v->head.number != n->stored.number || !node_is_at_head(n))
        return;
    m.u.synced.time = n->now.unix_ms;
    v->is_sync_asked = true;
    ts_node_validator_ask(n, &m, NULL);
}

void ts_node_validator_feed(struct ts_node *n)
{
    struct validator *v = &n->validator;
    if (!is_fed(v) || waits_for_l1(n))
        return;
    /* Half the window is refilled at a time: fewer and longer reads. */
    if (v->next_feed <= n->stored.number && 2 * v->n_accepts <= n->s.enclave_window)
        out_load(n, v->next_feed, n->s.enclave_window - v->n_accepts);
    ask_synced(n);
    ask_snapshot(n);
}

/* ---- what it says ---- */

static void validating(struct ts_node *n)
{
    struct validator *v = &n->validator;
    if (v->state != TS_NODE_ENC_SYNCING)
        return;
    v->state = TS_NODE_ENC_VALIDATING;
    v->attempts = 0;
    v->reason[0] = '\0';
    ts_node_event(n, TS_LOG_INFO, "enclave-validating", "number=%" PRIu64, v->head.number);
}

void ts_node_validator_stands(struct ts_node *n, const struct enc_request *r,
                              const struct ts_msg_events *events)
{
    struct validator *v = &n->validator;
    if (r->type == TS_MSG_ACCEPT) {
        if (events->head.number != r->head.number ||
            !ts_hash_equal(&events->head.hash, &r->head.hash)) {
            ts_node_validator_fail(n, "it accepted batch %" PRIu64 " but stands elsewhere",
                                   r->head.number);
            return;
        }
        n->counters.enclave_accepted++;
    } else {
        v->is_sync_asked = false;
    }
    v->head = events->head;
    if (events->state == TS_ENC_VALIDATING)
        validating(n);
    else if (events->state != TS_ENC_SYNCING)
        ts_node_validator_fail(n, "it became %s: only a host may drive it",
                               ts_enclave_state_name(events->state));
}

static bool is_dispute(ts_err code)
{
    return code == TS_E_EXECUTION || (code >= TS_E_V1_LINKS && code <= TS_E_V8_TIP);
}

/* The node has checked all but execution, so a refusal is about that, or about the code. */
static void dispute(struct ts_node *n, const struct enc_request *r, const struct ts_msg_error *e)
{
    struct validator *v = &n->validator;
    v->state = TS_NODE_ENC_DISPUTE;
    v->disputes++;
    v->disputed = r->head.number;
    v->due_us = n->now.mono_us + DISPUTE_RETRY_US;
    n->counters.enclave_disputes++;
    snprintf(v->reason, sizeof(v->reason), "it refuses batch %" PRIu64 ": %s", r->head.number,
             ts_err_text((int)e->code));
    ts_node_event(n, TS_LOG_ERROR, "enclave-dispute", "number=%" PRIu64 " reason=\"%s\"",
                  r->head.number, ts_err_text((int)e->code));
}

void ts_node_validator_refused(struct ts_node *n, const struct enc_request *r,
                               const struct ts_msg_error *e)
{
    struct validator *v = &n->validator;
    if (v->state == TS_NODE_ENC_DISPUTE)
        return; /* given to it together with the one it refused */
    if (is_dispute(e->code))
        dispute(n, r, e);
    else
        ts_node_validator_fail(n, "it cannot take batch %" PRIu64 ": %s", r->head.number,
                               ts_err_text((int)e->code));
}
