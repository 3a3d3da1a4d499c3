/* SPDX-License-Identifier: Apache-2.0 */
/* V3 form: txRoot matches, all sizes within limits; the whitelist holds at most 64. Notices:
 *
 * - at most 16, each of at most 8 KiB, 32 KiB in all;
 * - of the types below 128 only 1 is defined: any other is ill-formed. 128 and above are ignored;
 * - at most one whitelist notice. It names the header's L1 block, since the header says up to where
 *   the whitelist is taken; it adds none that is whitelisted, removes none that is not, and changes
 *   something: so a whitelist notice is there if and only if the whitelist changes;
 * - the change is taken first. A removed enclave keeps entry, boot and tip and may have transitions
 *   in this very batch; one added again goes on with what it had. */
#include <inttypes.h>

#include "chain/batch.h"
#include "chain/rules.h"

#define DEFINED_BELOW 128

static ts_err notice_sizes(const struct ts_check *c)
{
    const struct ts_payload *p = c->payload;
    size_t all = 0;
    if (p->n_notices > TS_MAX_NOTICES)
        return ts_fail(c->fault, TS_E_V3_FORM, NULL, "%zu notices, at most %d are allowed",
                       p->n_notices, TS_MAX_NOTICES);
    for (size_t i = 0; i < p->n_notices; i++) {
        size_t n = p->notices[i].body.n;
        all += n < TS_MAX_NOTICES_BYTES ? n : TS_MAX_NOTICES_BYTES + 1;
        if (n > TS_MAX_NOTICE_BYTES || all > TS_MAX_NOTICES_BYTES)
            return ts_fail(c->fault, TS_E_V3_FORM, NULL,
                           "notice %zu is over 8 KiB, or the notices over 32 KiB in all", i);
    }
    return TS_OK;
}

static ts_err whitelist_notice(const struct ts_check *c, ts_bytes body)
{
    struct ts_effect *e = c->effect;
    struct ts_whitelist_change change;
    const ts_address *who;
    ts_arena_reset(&e->arena);
    ts_err err = ts_whitelist_change_decode(body, &e->arena, &change);
    if (err == TS_E_NOMEM)
        return err;
    if (err != TS_OK)
        return ts_fail(c->fault, TS_E_V3_FORM, NULL, "the whitelist notice is ill-formed: %s",
                       ts_err_text(err));
    if (change.n_added == 0 && change.n_removed == 0)
        return ts_fail(c->fault, TS_E_V3_FORM, NULL, "the whitelist notice changes nothing");
    e->has_change = true;
    e->change_l1_number = change.l1_number;
    e->change_l1_hash = change.l1_hash;
    const char *wrong = ts_effect_whitelist_change(e, &change, &who);
    /* The notice is the host's, not the enclave's: no enclave is at fault, so none is named. */
    if (wrong != NULL)
        return ts_fail(c->fault, TS_E_V3_FORM, NULL, "%s", wrong);
    return TS_OK;
}

ts_err ts_rule_v3_notices(const struct ts_check *c)
{
    ts_err err = notice_sizes(c);
    for (size_t i = 0; i < c->payload->n_notices && err == TS_OK; i++) {
        const struct ts_notice *n = &c->payload->notices[i];
        if (n->type >= DEFINED_BELOW)
            continue;
        if (n->type != TS_NOTICE_WHITELIST)
            return ts_fail(c->fault, TS_E_V3_FORM, NULL,
                           "notice %zu has the type %" PRIu64 ", which is reserved", i, n->type);
        if (c->effect->has_change)
            return ts_fail(c->fault, TS_E_V3_FORM, NULL, "there are two whitelist notices");
        err = whitelist_notice(c, n->body);
    }
    return err;
}

ts_err ts_rule_v3_notice_l1(const struct ts_effect *e, const struct ts_batch_header *h,
                            struct ts_fault *fault)
{
    if (e->has_change &&
        (e->change_l1_number != h->l1_number || !ts_hash_equal(&e->change_l1_hash, &h->l1_hash)))
        return ts_fail(fault, TS_E_V3_FORM, NULL,
                       "the whitelist notice is of L1 block %" PRIu64
                       ", not of the header's L1 block %" PRIu64,
                       e->change_l1_number, h->l1_number);
    return TS_OK;
}

/* The decoder has checked this of a batch; a payload in the making did not come through it. */
ts_err ts_rule_v3_lists(const struct ts_check *c)
{
    const struct ts_payload *p = c->payload;
    if (p->n_transitions > TS_MAX_TRANSITIONS || p->n_reports > TS_MAX_WHITELIST ||
        p->n_absent > TS_MAX_WHITELIST)
        return ts_fail(
            c->fault, TS_E_V3_FORM, NULL,
            "%zu transitions, %zu reports, %zu absent: at most %u, %d and %d are allowed",
            p->n_transitions, p->n_reports, p->n_absent, TS_MAX_TRANSITIONS, TS_MAX_WHITELIST,
            TS_MAX_WHITELIST);
    return TS_OK;
}

ts_err ts_rule_v3_batch(const struct ts_check *c, const struct ts_batch *batch)
{
    const struct ts_params *params = &c->chain->genesis->params;
    ts_hash root;
    if (batch->raw.n > params->max_batch_bytes)
        return ts_fail(c->fault, TS_E_V3_FORM, NULL,
                       "the batch has %zu bytes, at most %" PRIu64 " are allowed", batch->raw.n,
                       params->max_batch_bytes);
    for (size_t i = 0; i < batch->n_txs; i++) {
        if (batch->txs[i].n > params->max_tx_bytes)
            return ts_fail(c->fault, TS_E_V3_FORM, NULL,
                           "transaction %zu has %zu bytes, at most %" PRIu64 " are allowed", i,
                           batch->txs[i].n, params->max_tx_bytes);
    }
    ts_tx_root(batch, &root);
    if (!ts_hash_equal(&root, &batch->header.tx_root))
        return ts_fail(c->fault, TS_E_V3_FORM, NULL,
                       "txRoot is not the hash of the %zu transactions", batch->n_txs);
    return TS_OK;
}
