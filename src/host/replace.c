/* SPDX-License-Identifier: Apache-2.0 */
/* Enclaves that are marked corrupted and stand on the whitelist: as soon as there is one to put in
 * their place, the shell is told, which may ask for that on L1. What came of it is durable, so that
 * a host that dies in between asks after its next start, and one that has asked does not ask again.
 * Source: docs/protocol.md, section 7. */
#include "host/internal.h"

#define AGAIN_US 600000000u /* after a request that failed */

static bool is_given(const struct ts_host *h, const ts_address *id)
{
    for (size_t i = 0; i < h->repl.n; i++)
        if (ts_address_equal(&h->repl.told[i].to, id))
            return true;
    return false;
}

static bool is_spare(const struct ts_host *h, const struct member *o)
{
    return o->phase == M_READY && o->state == TS_ENC_VALIDATING && !o->corrupted &&
           !member_whitelisted(h, o) && !l1_lists(h, o) && !is_given(h, &o->id);
}

/* One that follows the chain, is not on the whitelist, and could be put there instead; failed,
 * which could not be asked for, only when there is no other. */
static const struct member *spare(const struct ts_host *h, const ts_address *failed)
{
    const struct member *found = NULL;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *o = &h->members[i];
        if (is_spare(h, o) && (found == NULL || ts_address_equal(&found->id, failed)))
            found = o;
    }
    return found;
}

static struct replacing *find(struct ts_host *h, const ts_address *id)
{
    for (size_t i = 0; i < h->repl.n; i++)
        if (ts_address_equal(&h->repl.told[i].id, id))
            return &h->repl.told[i];
    return NULL;
}

static bool is_listed(const struct ts_host *h, const ts_address *id)
{
    const struct ts_registry_entry *e = ts_registry_find(&h->chain.registry, id);
    return e != NULL && e->whitelisted && l1_lists_id(h, id);
}

static void tell(struct ts_host *h, const ts_address *id, const struct member *other)
{
    const struct member *m = member_by_id(h, id);
    const char *why = m != NULL && m->corrupted && m->reason[0] != '\0'
                          ? m->reason
                          : "marked corrupted before the host was started";
    size_t n = strlen(why) + 1;
    char *text = ts_arena_alloc(&h->arena, n);
    TS_CHECK(text != NULL);
    memcpy(text, why, n);
    struct ts_host_output *o = out_push(h, TS_OUT_CORRUPTED);
    o->switched.from = *id;
    o->switched.to = other->id;
    o->text = text;
    TS_CHECK(h->repl.n < TS_COUNT(h->repl.told)); /* as many as the corrupted set holds */
    h->repl.told[h->repl.n++] = (struct replacing){.id = *id, .to = other->id};
}

static void forget(struct ts_host *h, struct replacing *r)
{
    *r = h->repl.told[--h->repl.n];
}

/* A mark that an operator took away takes its request along. */
void replace_begin(struct ts_host *h)
{
    size_t n = h->requested.n;
    for (size_t i = 0; i < h->requested.n;)
        if (id_set_has(&h->corrupted, &h->requested.ids[i]))
            i++;
        else
            h->requested.ids[i] = h->requested.ids[--h->requested.n];
    if (h->requested.n != n)
        settings_put(h, SETTING_REQUESTED);
}

void replace_advance(struct ts_host *h)
{
    if (!h->l1.has_newest || h->l1.stopped || h->stopping || !h->settled)
        return;
    for (size_t i = 0; i < h->repl.n;) /* some may have made room in the set */
        if (id_set_has(&h->corrupted, &h->repl.told[i].id))
            i++;
        else
            forget(h, &h->repl.told[i]);
    for (size_t i = 0; i < h->corrupted.n; i++) {
        const ts_address *id = &h->corrupted.ids[i];
        struct replacing *r = find(h, id);
        ts_address failed = {{0}};
        if (r != NULL && r->again_us != 0 && h->now.mono_us >= r->again_us) {
            failed = r->to;
            forget(h, r);
            r = NULL;
        }
        if (r != NULL || id_set_has(&h->requested, id) || !is_listed(h, id))
            continue;
        const struct member *other = spare(h, &failed);
        if (other != NULL)
            tell(h, id, other);
    }
}

void replace_done(struct ts_host *h, const struct ts_host_input *in)
{
    struct replacing *r = find(h, &in->id);
    if (r == NULL)
        return;
    if (in->err != TS_OK) {
        r->again_us = h->now.mono_us + AGAIN_US;
        return;
    }
    if (id_set_add(h, &h->requested, &in->id))
        settings_put(h, SETTING_REQUESTED);
}
