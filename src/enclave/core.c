/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the core, and the way of a request: decode, permit, handle, assert, answer. */
#include "enclave/core.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crypto/seal.h"
#include "enclave/state.h"

#define FRAME_ARENA_MAX (16u * 1024 * 1024)
#define BATCH_ARENA_MAX (16u * 1024 * 1024)
/* Buffers that grew beyond this for one large message are given back after it. */
#define KEEP_BYTES (1024u * 1024)

static ts_err draw_boot(struct ts_enclave *e, const struct ts_enclave_config *c)
{
    ts_hash boot_id;
    ts_secret boot_secret;
    ts_err err = c->env.random(c->env.ctx, boot_id.b, sizeof(boot_id.b));
    if (err == TS_OK)
        err = c->env.random(c->env.ctx, boot_secret.b, sizeof(boot_secret.b));
    if (err == TS_OK)
        err = ts_own_init(&e->own, c->crypto, &c->identity, &boot_id, &boot_secret, c->boot_time);
    ts_secret_wipe(&boot_secret);
    return err;
}

ts_err ts_enclave_new(const struct ts_enclave_config *config, struct ts_enclave **out)
{
    *out = NULL;
    struct ts_enclave *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return TS_E_NOMEM;
    e->crypto = config->crypto;
    e->engine_ops = config->engine;
    e->checkpoints = config->checkpoints;
    e->env = config->env;
    e->state = TS_ENC_EMPTY;
    ts_arena_init(&e->frame_arena, FRAME_ARENA_MAX);
    ts_arena_init(&e->batch_arena, BATCH_ARENA_MAX);
    ts_buf_init(&e->scratch, 2u * TS_MAX_BATCH_BYTES);
    ts_buf_init(&e->answer, TS_LINK_MAX_FRAME);
    e->effect = ts_effect_new();
    ts_err err = e->effect != NULL ? TS_OK : TS_E_NOMEM;
    if (err == TS_OK)
        err = draw_boot(e, config);
    if (err == TS_OK)
        err = ts_derive_key(&config->seal_key, "tenseq enclave checkpoint", &e->checkpoint_key);
    if (err != TS_OK) {
        ts_enclave_free(e);
        return err;
    }
    *out = e;
    return TS_OK;
}

void ts_enclave_free(struct ts_enclave *e)
{
    if (e == NULL)
        return;
    ts_own_wipe(&e->own);
    ts_secret_wipe(&e->checkpoint_key);
    ts_line_free(e, e->line);
    ts_kept_free(&e->kept);
    ts_effect_free(e->effect);
    ts_arena_free(&e->frame_arena);
    ts_arena_free(&e->batch_arena);
    ts_buf_free(&e->scratch);
    ts_buf_free(&e->answer);
    free(e);
}

void ts_enclave_connected(struct ts_enclave *e)
{
    /* Nothing is queued in the core: each request is answered before the next is looked at. What a
     * new connection missed it asks for with OFFERS and REPORT. */
    e->counters.connections++;
}

ts_err ts_enclave_refuse(struct ts_enclave *e, ts_err code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(e->refusal.text, sizeof(e->refusal.text), format, args);
    va_end(args);
    return code;
}

ts_err ts_enclave_refuse_fault(struct ts_enclave *e, ts_err code, const struct ts_fault *fault)
{
    e->refusal.has_enclave = fault->has_enclave;
    e->refusal.enclave = fault->enclave;
    return ts_enclave_refuse(e, code, "%s", fault->what);
}

ts_err ts_enclave_halt(struct ts_enclave *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(e->halt_text, sizeof(e->halt_text), format, args);
    va_end(args);
    ts_enclave_move(e, TS_ON_FAILED);
    ts_own_wipe(&e->own);
    return ts_enclave_refuse(e, TS_E_HALTS, "%s", e->halt_text);
}

void ts_enclave_move(struct ts_enclave *e, enum ts_enclave_on on)
{
    int next = ts_fsm_next(&ts_enclave_fsm, e->state, (int)on);
    TS_CHECK(next >= 0);
    e->state = (enum ts_enclave_state)next;
}

bool ts_enclave_is_whitelisted(const struct ts_enclave *e)
{
    const struct ts_registry_entry *entry = ts_registry_find(&e->line->chain.registry, &e->own.id);
    return entry != NULL && entry->whitelisted;
}

static ts_err identify(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    struct ts_msg_identity *i = &ans->u.identity;
    (void)req;
    *i = (struct ts_msg_identity){
        .version = TS_LINK_VERSION,
        .id = e->own.id,
        .boot_id = e->own.boot_id,
        .boot_key = e->own.boot_key,
        .boot_time = e->own.boot_time,
        .state = e->state,
        .tip_seq = e->own.tip_seq,
        .term = e->own.term,
    };
    i->head = ts_enclave_head(e);
    if (e->line != NULL)
        i->genesis = e->line->genesis.hash;
    i->sealed = ts_arena_array(&e->frame_arena, TS_MAX_SEALED, sizeof(*i->sealed));
    if (i->sealed == NULL)
        return TS_E_NOMEM;
    i->n_sealed = ts_checkpoint_list(e, i->sealed, TS_MAX_SEALED);
    return TS_OK;
}

static ts_err query(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    const struct ts_head *head = &e->line->chain.head;
    if (req->u.query.kind < TS_QUERY_BALANCE || req->u.query.kind > TS_QUERY_CHECK)
        return ts_enclave_refuse(e, TS_E_UNSUPPORTED, "there is no query of kind %llu",
                                 (unsigned long long)req->u.query.kind);
    ts_err err = e->engine_ops->query(e->line->engine, (enum ts_query_kind)req->u.query.kind,
                                      req->u.query.arg, &e->scratch);
    if (err == TS_OK)
        err = e->scratch.err;
    if (err != TS_OK)
        return err;
    ans->u.query_answer = (struct ts_msg_query_answer){.head = {head->number, head->hash},
                                                       .answer = ts_buf_bytes(&e->scratch)};
    return TS_OK;
}

static ts_err leave(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    (void)req;
    (void)ans;
    e->wants_exit = true;
    return TS_OK;
}

static ts_enclave_handler *const handlers[] = {
    [TS_MSG_IDENTIFY] = identify,
    [TS_MSG_LOAD] = ts_enclave_load,
    [TS_MSG_ACCEPT] = ts_enclave_accept,
    [TS_MSG_SYNCED] = ts_enclave_synced,
    [TS_MSG_REPORT] = ts_enclave_report,
    [TS_MSG_ACTIVATE] = ts_enclave_activate,
    [TS_MSG_STEP_DOWN] = ts_enclave_step_down,
    [TS_MSG_CREATE] = ts_enclave_create,
    [TS_MSG_QUERY] = query,
    [TS_MSG_SNAPSHOT] = ts_enclave_snapshot,
    [TS_MSG_OFFERS] = ts_enclave_offers,
    [TS_MSG_EXIT] = leave,
    [TS_MSG_ROLLUP] = ts_enclave_rollup,
    [TS_MSG_REGISTER] = ts_enclave_register,
};

static ts_err permit(struct ts_enclave *e, uint64_t type)
{
    if (ts_enclave_permits(e->state, type))
        return TS_OK;
    if (e->state == TS_ENC_HALTED)
        return ts_enclave_refuse(e, TS_E_HALTED, "halted: %s", e->halt_text);
    return ts_enclave_refuse(e, TS_E_STATE, "%s is not taken in state %s", ts_msg_name(type),
                             ts_enclave_state_name(e->state));
}

static ts_err handle(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    ts_err err = permit(e, req->type);
    if (err != TS_OK)
        return err;
    bool bound = e->own.has_started;
    uint64_t number = e->line != NULL ? e->line->chain.head.number : 0;
    TS_CHECK(req->type < TS_COUNT(handlers) && handlers[req->type] != NULL);
    err = handlers[req->type](e, req, ans);
    /* I2: once it has signed, the head moves to a child or not at all. */
    if (bound)
        TS_CHECK(e->line->chain.head.number - number <= 1);
    return err;
}

static void count_refusal(struct ts_enclave *e, ts_err err, bool is_malformed)
{
    if (is_malformed)
        e->counters.malformed++;
    else
        e->counters.refused++;
    if ((size_t)err < TS_COUNT(e->counters.by_error))
        e->counters.by_error[err]++;
}

static void error_answer(struct ts_enclave *e, ts_err err, uint64_t id, struct ts_msg *ans)
{
    const char *text = e->refusal.text[0] != 0 ? e->refusal.text : ts_err_text(err);
    *ans = (struct ts_msg){.type = TS_MSG_ERROR, .id = id, .is_answer = true};
    ans->u.error = (struct ts_msg_error){.code = err,
                                         .has_enclave = e->refusal.has_enclave,
                                         .enclave = e->refusal.enclave,
                                         .text = ts_bytes_of(text, strlen(text))};
}

/* Small buffers stay for the next request, large ones do not. */
static void trim(struct ts_enclave *e)
{
    if (e->scratch.cap > KEEP_BYTES)
        ts_buf_free(&e->scratch);
    if (e->answer.cap > KEEP_BYTES)
        ts_buf_free(&e->answer);
    if (e->frame_arena.used > KEEP_BYTES)
        ts_arena_free(&e->frame_arena);
    if (e->batch_arena.used > KEEP_BYTES)
        ts_arena_free(&e->batch_arena);
}

void ts_enclave_handle(struct ts_enclave *e, ts_bytes frame, struct ts_buf *out)
{
    struct ts_msg req;
    struct ts_msg ans;
    ts_arena_reset(&e->frame_arena);
    ts_buf_reset(&e->scratch);
    ts_buf_reset(&e->answer);
    memset(&e->refusal, 0, sizeof(e->refusal));
    e->counters.requests++;
    ts_err err = ts_msg_decode_request(frame, &e->frame_arena, &req);
    bool is_malformed = err != TS_OK && err != TS_E_NOMEM;
    ans = (struct ts_msg){.type = req.type, .id = req.id, .is_answer = true};
    if (err == TS_OK)
        err = handle(e, &req, &ans);
    if (err == TS_OK)
        ts_msg_put(&e->answer, &ans);
    if (err == TS_OK && e->answer.err != TS_OK) {
        /* What was done stays done; asked again, it is answered again. */
        err = e->answer.err;
        ts_buf_free(&e->answer);
    }
    if (err != TS_OK) {
        count_refusal(e, err, is_malformed);
        error_answer(e, err, req.id, &ans);
        ts_msg_put(&e->answer, &ans);
    }
    ts_buf_put(out, e->answer.p, e->answer.n);
    ts_enclave_assert(e);
    trim(e);
}

bool ts_enclave_wants_exit(const struct ts_enclave *e)
{
    return e->wants_exit;
}

enum ts_enclave_state ts_enclave_state_of(const struct ts_enclave *e)
{
    return e->state;
}

const char *ts_enclave_halt_reason(const struct ts_enclave *e)
{
    return e->halt_text;
}

struct ts_msg_head ts_enclave_head(const struct ts_enclave *e)
{
    if (e->line == NULL)
        return (struct ts_msg_head){0};
    return (struct ts_msg_head){e->line->chain.head.number, e->line->chain.head.hash};
}

ts_bytes ts_enclave_secrets(const struct ts_enclave *e)
{
    return ts_bytes_of(e, sizeof(*e));
}

void ts_enclave_counters_of(const struct ts_enclave *e, struct ts_enclave_counters *out)
{
    *out = e->counters;
}
