/* SPDX-License-Identifier: Apache-2.0 */
/* V6 fresh: a report is of the enclave's current boot, as it is after this payload's transitions: a
 * Started may come with the boot's first report. Its head is an ancestor at most maxReportLag below
 * this batch's number (the producer's is the parent, one below), strictly newer than the boot's
 * last published one; its restart fields equal those of Started. */
#include <inttypes.h>

#include "chain/rules.h"

static ts_err stale(struct ts_fault *fault, const struct ts_restart_event *r, const char *what)
{
    return ts_fail(fault, TS_E_V6_FRESH, &r->enclave_id, "report at head %" PRIu64 ": %s",
                   r->current_batch_number, what);
}

static const char *boot_wrong(const struct ts_registry_entry *entry,
                              const struct ts_restart_event *r)
{
    if (entry->tip_seq == 0)
        return "no Started of its enclave is published";
    if (!ts_hash_equal(&r->boot_id, &entry->boot_id))
        return "it is not of the enclave's current boot";
    if (r->last_restart_time != entry->restart_time)
        return "lastRestartTime is not the time of Started";
    if (!ts_hash_equal(&r->batch_head_at_restart, &entry->restart_head))
        return "batchHeadAtRestart is not the head of Started";
    return NULL;
}

static const char *head_wrong(const struct ts_chain *chain, const struct ts_restart_event *r,
                              uint64_t number)
{
    if (r->current_batch_number >= number)
        return "that head is not below this batch";
    if (number - r->current_batch_number > chain->genesis->params.max_report_lag)
        return "that head is more than maxReportLag below this batch";
    const ts_hash *hash = ts_chain_recent(chain, r->current_batch_number);
    if (hash == NULL || !ts_hash_equal(hash, &r->current_batch_head))
        return "that head is not on this chain";
    return NULL;
}

ts_err ts_rule_v6_report(const struct ts_chain *chain, const struct ts_registry_entry *entry,
                         const struct ts_restart_event *r, uint64_t number, struct ts_fault *fault)
{
    const char *what = boot_wrong(entry, r);
    if (what == NULL)
        what = head_wrong(chain, r, number);
    if (what == NULL && entry->has_report && r->current_batch_number <= entry->last_report_head)
        what = "it is not newer than the boot's last published one";
    return what == NULL ? TS_OK : stale(fault, r, what);
}

ts_err ts_rule_v6_fresh(const struct ts_check *c)
{
    for (size_t i = 0; i < c->payload->n_reports; i++) {
        const struct ts_restart_event *r = &c->payload->reports[i];
        struct ts_change *change = ts_effect_change(c->effect, &r->enclave_id);
        ts_err err = ts_rule_v6_report(c->chain, &change->entry, r, c->number, c->fault);
        if (err != TS_OK)
            return err;
        if (ts_address_equal(&r->enclave_id, c->producer) &&
            r->current_batch_number != c->number - 1)
            return stale(c->fault, r, "the producer's head is not the parent");
        ts_entry_fold_report(&change->entry, r, c->number);
    }
    return TS_OK;
}
