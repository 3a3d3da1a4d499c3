/* SPDX-License-Identifier: Apache-2.0 */
/* The requests that sign: SYNCED, ACTIVATE, STEP_DOWN; and the answer that hands out what is
 * signed. */
#include "base/check.h"
#include "chain/batch.h"
#include "enclave/state.h"

ts_err ts_enclave_events(struct ts_enclave *e, struct ts_msg_events *out)
{
    const struct ts_head *head = &e->line->chain.head;
    *out = (struct ts_msg_events){.state = e->state, .head = {head->number, head->hash}};
    if (e->state != TS_ENC_PASSIVE && e->state != TS_ENC_ACTIVE)
        return TS_OK;
    ts_err err = ts_own_report(&e->own, &e->line->genesis.domain, head, &out->report);
    if (err != TS_OK)
        return err;
    out->has_report = true;
    out->transitions = e->own.unpublished;
    out->n_transitions = e->own.n_unpublished;
    return TS_OK;
}

ts_err ts_enclave_report(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    (void)req;
    return ts_enclave_events(e, &ans->u.events);
}

static bool lists(const ts_address *a, size_t n, const ts_address *id)
{
    for (size_t i = 0; i < n; i++) {
        if (ts_address_equal(&a[i], id))
            return true;
    }
    return false;
}

/* Whether the notice that the next batch will carry adds this enclave. No notice: *added is false.
 * That the batch carries it, and that it is right there, is for V1 to V5 to say: a Started that
 * comes too early is not publishable, no more. */
static ts_err notice_adds(struct ts_enclave *e, const struct ts_msg_synced *s, bool *added)
{
    struct ts_whitelist_change change;
    struct ts_l1_evidence l1;
    bool has_l1;
    *added = false;
    if (s->notice.n == 0)
        return TS_OK;
    ts_arena_reset(&e->batch_arena);
    ts_err err = ts_whitelist_change_decode(s->notice, &e->batch_arena, &change);
    if (err != TS_OK)
        return ts_enclave_refuse(e, err, "the whitelist notice does not decode: %s",
                                 ts_err_text(err));
    err = ts_enclave_l1(e, s->l1_header, change.l1_number, &change.l1_hash, &l1, &has_l1);
    if (err != TS_OK)
        return err;
    *added = lists(change.added, change.n_added, &e->own.id);
    return TS_OK;
}

ts_err ts_enclave_synced(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    bool listed;
    if (e->state == TS_ENC_PASSIVE || e->state == TS_ENC_ACTIVE)
        return ts_enclave_events(e, &ans->u.events);
    ts_err err = notice_adds(e, &req->u.synced, &listed);
    if (err != TS_OK)
        return err;
    if (!listed && !ts_enclave_is_whitelisted(e)) {
        ts_enclave_move(e, TS_ON_UNLISTED);
        return ts_enclave_events(e, &ans->u.events);
    }
    /* A boot has one Started: an enclave that was removed and is listed again goes on. */
    if (!e->own.has_started)
        err = ts_own_sign(&e->own, &e->line->genesis.domain, TS_STARTED, 0, e->own.boot_time,
                          &e->line->chain.head);
    if (err != TS_OK)
        return err;
    ts_enclave_move(e, TS_ON_LISTED);
    return ts_enclave_events(e, &ans->u.events);
}

static ts_err check_term(struct ts_enclave *e, uint64_t term)
{
    uint64_t chain = e->line->chain.registry.term;
    uint64_t own = e->own.term > e->line->own_term ? e->own.term : e->line->own_term;
    if (term <= own)
        return ts_enclave_refuse(e, TS_E_TERM, "term %llu is not above %llu, the newest of its own",
                                 (unsigned long long)term, (unsigned long long)own);
    if (term <= chain)
        return ts_enclave_refuse(e, TS_E_TERM, "term %llu is not above %llu, the chain's",
                                 (unsigned long long)term, (unsigned long long)chain);
    if (term - chain > TS_TERM_STEP_MAX)
        return ts_enclave_refuse(e, TS_E_TERM, "term %llu is more than %u above %llu, the chain's",
                                 (unsigned long long)term, TS_TERM_STEP_MAX,
                                 (unsigned long long)chain);
    return TS_OK;
}

ts_err ts_enclave_activate(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    const struct ts_msg_activate *a = &req->u.activate;
    if (e->state == TS_ENC_ACTIVE && a->term == e->own.term)
        return ts_enclave_events(e, &ans->u.events);
    if (e->state == TS_ENC_ACTIVE)
        return ts_enclave_refuse(e, TS_E_STATE, "already active, in term %llu",
                                 (unsigned long long)e->own.term);
    ts_err err = check_term(e, a->term);
    if (err != TS_OK)
        return err;
    if (!ts_own_has_room(&e->own, 1))
        return ts_enclave_refuse(e, TS_E_NO_ROOM,
                                 "%zu transitions are unpublished: an Active would leave no room "
                                 "for a Passive",
                                 e->own.n_unpublished);
    err = ts_own_sign(&e->own, &e->line->genesis.domain, TS_ACTIVE, a->term, a->time,
                      &e->line->chain.head);
    if (err != TS_OK)
        return err;
    ts_enclave_move(e, TS_ON_ACTIVATED);
    return ts_enclave_events(e, &ans->u.events);
}

ts_err ts_enclave_step_down(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    if (e->state == TS_ENC_ACTIVE) {
        ts_err err = ts_own_sign(&e->own, &e->line->genesis.domain, TS_PASSIVE, e->own.term,
                                 req->u.step_down.time, &e->line->chain.head);
        if (err != TS_OK)
            return err;
        ts_enclave_move(e, TS_ON_STEPPED_DOWN);
    }
    return ts_enclave_events(e, &ans->u.events);
}

ts_err ts_enclave_offers(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    struct ts_msg_offered *o = &ans->u.offered;
    /* Room in the frame for the batches' own headers and the frame's. */
    size_t max = TS_LINK_MAX_FRAME - 1024;
    o->batches = ts_arena_array(&e->frame_arena, TS_MAX_OFFERS, sizeof(*o->batches));
    if (o->batches == NULL)
        return TS_E_NOMEM;
    o->n = ts_kept_above(&e->kept, req->u.offers.above, max, o->batches);
    return TS_OK;
}

ts_err ts_enclave_snapshot(struct ts_enclave *e, const struct ts_msg *req, struct ts_msg *ans)
{
    const struct ts_head *head = &e->line->chain.head;
    (void)req;
    /* Every boot can start from genesis: that needs no checkpoint. */
    if (head->number > 0) {
        ts_err err = ts_checkpoint_save(e);
        if (err != TS_OK)
            return err;
        e->counters.checkpoints++;
    }
    ans->u.head = (struct ts_msg_head){head->number, head->hash};
    return TS_OK;
}
