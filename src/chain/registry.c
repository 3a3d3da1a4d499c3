/* SPDX-License-Identifier: Apache-2.0 */
#include "chain/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

size_t ts_registry_index(const struct ts_registry *r, const ts_address *id, bool *found)
{
    size_t low = 0;
    size_t high = r->n;
    *found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = ts_address_compare(&r->entries[mid].id, id);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct ts_registry_entry *ts_registry_find(const struct ts_registry *r, const ts_address *id)
{
    bool found;
    size_t i = ts_registry_index(r, id, &found);
    return found ? &r->entries[i] : NULL;
}

struct ts_registry_entry ts_entry_fresh(const ts_address *id, const ts_hash *genesis)
{
    return (struct ts_registry_entry){.id = *id, .tip_hash = *genesis};
}

ts_err ts_registry_init(struct ts_registry *r, const struct ts_genesis *g)
{
    TS_CHECK(g->n_whitelist <= TS_MAX_WHITELIST);
    *r = (struct ts_registry){0};
    ts_err err = ts_registry_reserve(r, g->n_whitelist);
    if (err != TS_OK)
        return err;
    for (size_t i = 0; i < g->n_whitelist; i++) {
        r->entries[i] = ts_entry_fresh(&g->whitelist[i], &g->hash);
        r->entries[i].whitelisted = true;
        r->whitelist[i] = g->whitelist[i];
    }
    r->n = g->n_whitelist;
    r->n_whitelisted = g->n_whitelist;
    return TS_OK;
}

void ts_registry_free(struct ts_registry *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->entries[i].boot_ids);
    free(r->entries);
    *r = (struct ts_registry){0};
}

ts_err ts_registry_reserve(struct ts_registry *r, size_t n)
{
    if (n <= r->cap - r->n)
        return TS_OK;
    size_t cap = r->n + n + r->cap / 2;
    struct ts_registry_entry *grown = realloc(r->entries, cap * sizeof(*grown));
    if (grown == NULL)
        return TS_E_NOMEM;
    r->entries = grown;
    r->cap = cap;
    return TS_OK;
}

ts_err ts_entry_reserve_boots(struct ts_registry_entry *e, size_t n)
{
    if (n <= e->cap_boot_ids - e->n_boot_ids)
        return TS_OK;
    size_t cap = e->n_boot_ids + n + e->cap_boot_ids / 2;
    ts_hash *grown = realloc(e->boot_ids, cap * sizeof(*grown));
    if (grown == NULL)
        return TS_E_NOMEM;
    e->boot_ids = grown;
    e->cap_boot_ids = cap;
    return TS_OK;
}

struct ts_registry_entry *ts_registry_insert(struct ts_registry *r,
                                             const struct ts_registry_entry *e)
{
    bool found;
    size_t at = ts_registry_index(r, &e->id, &found);
    TS_CHECK(!found && r->n < r->cap);
    memmove(&r->entries[at + 1], &r->entries[at], (r->n - at) * sizeof(r->entries[0]));
    r->entries[at] = *e;
    r->n++;
    return &r->entries[at];
}

static void fold_started(struct ts_registry_entry *e, const struct ts_lifecycle_event *event,
                         uint64_t number)
{
    e->boot_id = event->boot_id;
    e->boot_key = event->boot_key;
    e->restart_time = event->time;
    e->restart_head = event->batch_head;
    e->restart_number = event->batch_number;
    e->started_in = number;
    e->has_report = false;
    e->last_report_head = 0;
    e->last_report_hash = (ts_hash){{0}};
    e->restarts++;
}

void ts_entry_fold(struct ts_registry_entry *e, const struct ts_lifecycle_event *event,
                   const ts_hash *hash, uint64_t number)
{
    if (event->kind == TS_STARTED)
        fold_started(e, event, number);
    e->tip_seq = event->seq;
    e->tip_hash = *hash;
    e->tip_kind = event->kind;
    /* Started has term 0, and a Passive that of the Active right before it: this is always the
     * term of the boot's newest Active. */
    e->tip_term = event->term;
}

void ts_entry_fold_report(struct ts_registry_entry *e, const struct ts_restart_event *report,
                          uint64_t number)
{
    e->has_report = true;
    e->last_report_head = report->current_batch_number;
    e->last_report_hash = report->current_batch_head;
    e->last_report_in = number;
}

bool ts_active_takes_effect(const struct ts_chain *chain, const struct ts_lifecycle_event *event,
                            uint64_t term, bool whitelisted_after)
{
    return event->kind == TS_ACTIVE && whitelisted_after && event->term > term &&
           event->batch_number == chain->head.number &&
           ts_hash_equal(&event->batch_head, &chain->head.hash);
}
