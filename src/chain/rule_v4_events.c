/* SPDX-License-Identifier: Apache-2.0 */
/* V4 events. Transitions: the producer's first, then the others' by enclave id, each enclave's by
 * seq and at most eight of one. Reports: by enclave id, at most one of each. Every event is signed
 * by the enclave it names, which is whitelisted before or after this batch's notice. Transitions
 * link in seq and prev to the published tip (at first to the genesis hash). Further, of each kind:
 *
 * - Started has a bootId that was never published of this enclave, and term 0. It begins the boot.
 * - Active and Passive are of the boot begun: its bootId and bootKey.
 * - Active has a term above that of the boot's newest Active (an enclave refuses another), and at
 * most 2^16 above the parent's term (an enclave whose head is on this chain was bound by an older
 * term, so none honest is higher, and no faulty one can use up the terms). It may follow an Active
 * with no Passive between: who was removed while active steps down in silence.
 * - Passive follows an Active directly and has its term: only an active enclave makes one.
 *
 * (batchNumber, batchHead) is the parent of this batch or an ancestor. Only the newest 256 heads,
 * the parent among them, can be told; an older batchNumber is not looked at, so that an enclave
 * which was cut off for long can still publish. A number above the parent's is on no chain.
 *
 * Not asked here: that heads or times grow along an enclave's chain. A boot that signs Started
 * again on top of a transition of an earlier boot keeps its own, which may be older. */
#include <inttypes.h>

#include "chain/rules.h"
#include "chain/verified.h"

static ts_err wrong(struct ts_fault *fault, const struct ts_lifecycle_event *e, const char *what)
{
    return ts_fail(fault, TS_E_V4_EVENTS, &e->enclave_id, "transition %" PRIu64 ": %s", e->seq,
                   what);
}

static bool boot_is_known(const struct ts_registry_entry *entry,
                          const struct ts_lifecycle_event *run, size_t k)
{
    for (size_t i = 0; i < entry->n_boot_ids; i++) {
        if (ts_hash_equal(&entry->boot_ids[i], &run[k].boot_id))
            return true;
    }
    for (size_t i = 0; i < k; i++) {
        if (ts_hash_equal(&run[i].boot_id, &run[k].boot_id))
            return true;
    }
    return false;
}

/* Of the boot that the published Started began. */
static const char *boot_wrong(const struct ts_registry_entry *entry,
                              const struct ts_lifecycle_event *e)
{
    if (entry->tip_seq == 0)
        return "the first one is not Started";
    if (!ts_hash_equal(&e->boot_id, &entry->boot_id))
        return "bootId is not that of the current boot";
    if (!ts_hash_equal(&e->boot_key, &entry->boot_key))
        return "bootKey is not that of the current boot";
    return NULL;
}

static const char *active_wrong(const struct ts_chain *chain, const struct ts_registry_entry *entry,
                                const struct ts_lifecycle_event *e)
{
    if (e->term <= entry->tip_term)
        return "the term is not above that of the boot's newest Active";
    if (e->term > chain->registry.term && e->term - chain->registry.term > TS_TERM_STEP_MAX)
        return "the term is more than 65536 above the chain's";
    return boot_wrong(entry, e);
}

static const char *passive_wrong(const struct ts_registry_entry *entry,
                                 const struct ts_lifecycle_event *e)
{
    if (entry->tip_kind != TS_ACTIVE)
        return "Passive does not follow an Active";
    if (e->term != entry->tip_term)
        return "Passive has not the term of the Active it ends";
    return boot_wrong(entry, e);
}

static const char *kind_wrong(const struct ts_chain *chain, const struct ts_registry_entry *entry,
                              const struct ts_lifecycle_event *run, size_t k)
{
    switch (run[k].kind) {
    case TS_STARTED:
        if (run[k].term != 0)
            return "Started has a term";
        return boot_is_known(entry, run, k) ? "Started has a bootId that was used before" : NULL;
    case TS_ACTIVE:
        return active_wrong(chain, entry, &run[k]);
    case TS_PASSIVE:
        return passive_wrong(entry, &run[k]);
    default:
        return "the kind is none of Started, Active and Passive";
    }
}

static const char *head_wrong(const struct ts_chain *chain, const struct ts_lifecycle_event *e)
{
    if (e->batch_number > chain->head.number)
        return "batchNumber is not below this batch's";
    const ts_hash *hash = ts_chain_recent(chain, e->batch_number);
    if (hash != NULL && !ts_hash_equal(hash, &e->batch_head))
        return "batchHead is not on this chain";
    return NULL;
}

ts_err ts_rule_v4_fits(const struct ts_chain *chain, const struct ts_registry_entry *entry,
                       const struct ts_lifecycle_event *run, size_t k, struct ts_fault *fault)
{
    const struct ts_lifecycle_event *e = &run[k];
    if (k >= TS_MAX_UNPUBLISHED)
        return wrong(fault, e, "more than eight of one enclave");
    if (e->seq != entry->tip_seq + 1)
        return ts_fail(fault, TS_E_V4_EVENTS, &e->enclave_id,
                       "transition %" PRIu64 " stands where %" PRIu64 " is next", e->seq,
                       entry->tip_seq + 1);
    if (!ts_hash_equal(&e->prev, &entry->tip_hash))
        return wrong(fault, e, "prev is not the hash of the one before");
    const char *what = kind_wrong(chain, entry, run, k);
    if (what == NULL)
        what = head_wrong(chain, e);
    return what == NULL ? TS_OK : wrong(fault, e, what);
}

static ts_err signature(const struct ts_check *c, const ts_hash *hash, const ts_sig *sig,
                        const ts_address *signer, const char *what, uint64_t seq)
{
    if (c->known_good != NULL && ts_address_equal(c->known_good, signer))
        return TS_OK;
    ts_err err = ts_verified_check(c->chain->verified, c->chain->crypto, hash, sig, signer);
    if (err == TS_OK)
        return TS_OK;
    return ts_fail(c->fault, TS_E_V4_EVENTS, signer, "%s %" PRIu64 ": %s", what, seq,
                   ts_err_text(err));
}

/* Whether the transitions of a may stand before those of b. */
static bool in_order(const struct ts_check *c, const ts_address *a, const ts_address *b)
{
    if (ts_address_equal(b, c->producer))
        return false;
    return ts_address_equal(a, c->producer) || ts_address_compare(a, b) < 0;
}

/* Checks and folds run[k]; the enclave's others before it are run[0..k-1]. */
static ts_err transition(const struct ts_check *c, const struct ts_lifecycle_event *run, size_t k)
{
    const struct ts_lifecycle_event *e = &run[k];
    ts_hash hash;
    struct ts_change *change = ts_effect_change(c->effect, &e->enclave_id);
    if (change == NULL)
        return wrong(c->fault, e, "its enclave is not whitelisted");
    ts_err err = ts_rule_v4_fits(c->chain, &change->entry, run, k, c->fault);
    if (err != TS_OK)
        return err;
    ts_transition_hash(&c->chain->genesis->domain, e, &hash);
    err = signature(c, &hash, &e->sig, &e->enclave_id, "transition", e->seq);
    if (err != TS_OK)
        return err;
    return ts_effect_transition(c->effect, change, e, &hash);
}

static ts_err transitions(const struct ts_check *c)
{
    const struct ts_lifecycle_event *all = c->payload->transitions;
    size_t first = 0; /* of this enclave's */
    for (size_t i = 0; i < c->payload->n_transitions; i++) {
        const ts_address *id = &all[i].enclave_id;
        if (i > 0 && !ts_address_equal(&all[i - 1].enclave_id, id)) {
            if (!in_order(c, &all[i - 1].enclave_id, id))
                return wrong(c->fault, &all[i],
                             "out of order: the producer's come first, then by enclave id");
            first = i;
        }
        ts_err err = transition(c, &all[first], i - first);
        if (err != TS_OK)
            return err;
    }
    return TS_OK;
}

static ts_err report(const struct ts_check *c, const struct ts_restart_event *r)
{
    ts_hash hash;
    if (ts_effect_change(c->effect, &r->enclave_id) == NULL)
        return ts_fail(c->fault, TS_E_V4_EVENTS, &r->enclave_id,
                       "a report is by an enclave that is not whitelisted");
    ts_report_hash(&c->chain->genesis->domain, r, &hash);
    return signature(c, &hash, &r->sig, &r->enclave_id, "report at head", r->current_batch_number);
}

static ts_err reports(const struct ts_check *c)
{
    const struct ts_restart_event *all = c->payload->reports;
    for (size_t i = 0; i < c->payload->n_reports; i++) {
        if (i > 0 && ts_address_compare(&all[i - 1].enclave_id, &all[i].enclave_id) >= 0)
            return ts_fail(c->fault, TS_E_V4_EVENTS, &all[i].enclave_id,
                           "reports are not in order of enclave id, one of each");
        ts_err err = report(c, &all[i]);
        if (err != TS_OK)
            return err;
    }
    return TS_OK;
}

ts_err ts_rule_v4_events(const struct ts_check *c)
{
    ts_err err = transitions(c);
    return err != TS_OK ? err : reports(c);
}
