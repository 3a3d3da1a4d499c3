/* SPDX-License-Identifier: Apache-2.0 */
/* Who produces next, who may be activated, and what is held against whom. The failover decision is
 * made here; produce.c carries it out. Source: docs/protocol.md, section 5. */
#include <stdarg.h>

#include "host/internal.h"

#define COOL_MAX_US         300000000u
#define ACTIVATIONS_AT_ONCE 3u
#define TIRED_US            1000000u
#define TIRED_DOUBLINGS     6u /* about a minute */
/* Held unpublished transitions at which neither an Active nor its Passive would fit any more. */
#define FULL_TRANSITIONS (TS_MAX_UNPUBLISHED - 1)

bool is_up(const struct ts_host *h, const struct member *m)
{
    return m->phase == M_READY && !m->suspect && !m->snapshotting && member_whitelisted(h, m);
}

static bool at_head(const struct ts_host *h, const struct member *m)
{
    return ts_hash_equal(&m->head.hash, &h->chain.head.hash);
}

/* Each activation uses up a term: one that comes to nothing again and again becomes rare. */
bool is_tired(const struct ts_host *h, const struct member *m)
{
    if (m->activations < ACTIVATIONS_AT_ONCE)
        return false;
    unsigned doublings = m->activations - ACTIVATIONS_AT_ONCE;
    uint64_t wait = (uint64_t)TIRED_US
                    << (doublings < TIRED_DOUBLINGS ? doublings : TIRED_DOUBLINGS);
    return h->now.mono_us < m->activated_us + wait;
}

const char *candidate_fault(const struct ts_host *h, const struct member *m)
{
    if (!m->known)
        return "it never identified itself";
    if (m->corrupted)
        return "it is marked corrupted";
    if (m->drained)
        return "it is drained";
    if (m->leaving)
        return "its process is about to end";
    if (!l1_lists(h, m))
        return member_whitelisted(h, m) ? "L1 has removed it from the whitelist"
                                        : "it is not on the whitelist";
    if (m->phase == M_CATCHING_UP || m->phase == M_LOADING || m->phase == M_JOINING)
        return "it is lagging: it has not caught up with the chain";
    if (m->phase == M_BENCHED)
        return "it waits for a restart";
    if (m->phase != M_READY)
        return "it is not connected";
    if (!at_head(h, m))
        return "it is lagging: it has not accepted the newest batch";
    if (!m->has_report)
        return "it has not proven its head with a report";
    if (m->n_transitions >= FULL_TRANSITIONS)
        return NO_ROOM;
    if (is_tired(h, m))
        return "its activations came to nothing, several in a row: the next try is later";
    return NULL;
}

/* Whether m's being active holds, or will once its unpublished Active is carried, at this head. */
static bool activation_holds(const struct ts_host *h, const struct member *m)
{
    const struct ts_registry *r = &h->chain.registry;
    const struct ts_registry_entry *e = ts_registry_find(r, &m->id);
    uint64_t tip_seq = e != NULL ? e->tip_seq : 0; /* one that the next batch adds has none */
    for (size_t i = 0; i < m->n_transitions; i++) {
        const struct ts_lifecycle_event *t = &m->transitions[i];
        if (t->kind == TS_ACTIVE && t->term > h->chain.head.term && t->seq > tip_seq &&
            ts_hash_equal(&t->batch_head, &h->chain.head.hash))
            return true;
    }
    return e != NULL && r->has_active && ts_address_equal(&r->active, &m->id) &&
           ts_hash_equal(&e->boot_id, &m->boot_id);
}

int choose_producer(const struct ts_host *h, bool suspects)
{
    int best = TS_NOBODY;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        if (m->phase != M_READY || m->state != TS_ENC_ACTIVE || (m->suspect && !suspects) ||
            m->corrupted || !at_head(h, m) || !activation_holds(h, m))
            continue;
        if (best == TS_NOBODY || m->active_term > h->members[best].active_term)
            best = (int)i;
    }
    return best;
}

/* Lower is better; what is held against an enclave makes it second choice, not none. */
static unsigned demerits(const struct ts_host *h, const struct member *m)
{
    return (m->suspect ? 4u : 0u) + (h->now.mono_us < m->cool_until_us ? 2u : 0u) +
           (m->snapshotting ? 1u : 0u);
}

int choose_successor(const struct ts_host *h, int except)
{
    int best = TS_NOBODY;
    for (unsigned k = 1; k <= h->n_members; k++) {
        int i = (int)(((unsigned)(h->last_producer + 1) + k - 1) % h->n_members);
        const struct member *m = &h->members[i];
        if (i == except || m->state != TS_ENC_PASSIVE || candidate_fault(h, m) != NULL)
            continue;
        if (best == TS_NOBODY || demerits(h, m) < demerits(h, &h->members[best]))
            best = i;
    }
    return best;
}

void hold_against(struct ts_host *h, struct member *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m->reason, sizeof(m->reason), format, args);
    va_end(args);
    uint64_t now = h->now.mono_us;
    bool long_ago = m->cool_us == 0 || now > m->cool_until_us + 10 * m->cool_us;
    m->cool_us = long_ago ? h->set.cool_down_us : m->cool_us * 2;
    if (m->cool_us > COOL_MAX_US)
        m->cool_us = COOL_MAX_US;
    m->cool_until_us = now + m->cool_us;
}

void make_suspect(struct ts_host *h, struct member *m, uint64_t number)
{
    m->suspect = true;
    m->suspect_number = number;
    m->suspect_boot = m->boot_id;
    hold_against(h, m, "lost a dispute about batch %llu", (unsigned long long)number);
    out_event(h, TS_LOG_ERROR, "enclave-suspect", "enclave=%s number=%llu", short_id(h, &m->id),
              (unsigned long long)number);
}

static bool is_producing(const struct ts_host *h, const struct member *m)
{
    int who = member_index(h, m);
    if (h->prep.stage != P_NONE && ts_address_equal(&h->prep.producer, &m->id))
        return true;
    if (h->sw.started && h->sw.to == who && !h->sw.done_down)
        return false; /* the old one still is */
    if (h->line != L_IDLE && h->producer == who)
        return true;
    const struct ts_registry_entry *e = ts_registry_find(&h->chain.registry, &m->id);
    return m->state == TS_ENC_ACTIVE && e != NULL && h->chain.registry.has_active &&
           ts_address_equal(&h->chain.registry.active, &m->id) &&
           ts_hash_equal(&e->boot_id, &m->boot_id);
}

void producer_lost(struct ts_host *h, struct member *m)
{
    if (!is_producing(h, m))
        return;
    if (h->producer == member_index(h, m))
        h->line = L_IDLE;
    m->state = TS_ENC_EMPTY; /* whatever it is, it is not the one that we ask */
    char why[sizeof(m->reason)];
    memcpy(why, m->reason, sizeof(why));
    hold_against(h, m, "%s", why);
    snprintf(h->switch_reason, sizeof(h->switch_reason), "failover from %s: %.130s",
             short_id(h, &m->id), why);
    if (h->paused || h->stopping)
        return;
    h->counters.failovers++;
    if (!h->taking_over) {
        h->taking_over = true;
        h->takeover_since_us = h->now.mono_us;
    }
    h->next_batch_us = h->now.mono_us;
    out_event(h, TS_LOG_WARN, "failover", "from=%s head=%llu reason=\"%s\"", short_id(h, &m->id),
              (unsigned long long)h->chain.head.number, why);
}

/* After a start every enclave counts as up until it has answered or its connect deadline has
 * passed: one of them may hold a batch whose answer the host never got. For as long L1 is waited
 * for, when a batch stands prepared: it may have gone back behind the block that this names. */
bool start_settled(struct ts_host *h)
{
    if (h->settled)
        return true;
    if (h->now.mono_us < h->grace_until_us) {
        if (l1_waits_for_prepared(h))
            return false;
        for (unsigned i = 0; i < h->n_members; i++) {
            const struct member *m = &h->members[i];
            if ((m->phase == M_DOWN && !m->tried) || m->phase == M_CONNECTING ||
                m->phase == M_IDENTIFYING || (m->phase == M_JOINING && m->state != TS_ENC_SYNCING))
                return false;
        }
    }
    h->settled = true;
    return true;
}

static bool signed_on_chain(const struct member *m)
{
    bool has_signed = m->state == TS_ENC_PASSIVE || m->state == TS_ENC_ACTIVE;
    return has_signed && m->phase >= M_CATCHING_UP && m->phase <= M_READY;
}

/* Every enclave that has signed stands above the store: then it is the store that is old, not they.
 * One liar among others that are on the chain proves nothing. Restarted enclaves have signed
 * nothing: that is how an operator who wants to go on from the old store says so. */
static bool all_signers_are_ahead(const struct ts_host *h)
{
    unsigned ahead = 0;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        if (!m->is_ahead && signed_on_chain(m))
            return false;
        ahead += m->is_ahead;
    }
    return ahead > 0;
}

bool store_may_be_old(const struct ts_host *h)
{
    return !h->chain_has_grown && all_signers_are_ahead(h);
}

bool must_keep_off(const struct ts_host *h)
{
    unsigned against = 0;
    unsigned others = 0;
    if (h->chain_has_grown)
        return false;
    for (unsigned i = 0; i < h->n_members; i++) {
        const struct member *m = &h->members[i];
        bool is_against = m->is_ahead || m->elsewhere;
        if (!is_against && signed_on_chain(m))
            return false;
        against += is_against;
        others += !is_against && m->known && !m->corrupted;
    }
    return against > 0 && against >= others;
}

bool store_is_newest(struct ts_host *h)
{
    if (h->chain_has_grown)
        return true; /* what is committed since the start is nobody's second line but our own */
    bool behind = all_signers_are_ahead(h);
    if (behind && !h->store_is_behind)
        out_event(h, TS_LOG_ERROR, "store-is-behind", "head=%llu production=stopped remedy=\"%s\"",
                  (unsigned long long)h->chain.head.number,
                  "the enclaves signed batches that this store does not hold: put the newest copy "
                  "of the store in its place");
    if (!behind && h->store_is_behind)
        out_event(h, TS_LOG_WARN, "store-is-accepted", "head=%llu",
                  (unsigned long long)h->chain.head.number);
    h->store_is_behind = behind;
    return !behind;
}
