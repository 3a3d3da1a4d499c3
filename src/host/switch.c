/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask for: planned switches, pause and resume, drain; and what of it outlives a
 * restart. Source: docs/protocol.md, sections 3 and 5. */
#include "codec/eip712.h"
#include "host/internal.h"

#define SWITCH_WAIT_US    10000000u /* for a switch to begin */
#define SETTINGS_RETRY_US 500000u

/* ---- sets of ids ---- */

bool id_set_has(const struct id_set *s, const ts_address *id)
{
    for (size_t i = 0; i < s->n; i++)
        if (ts_address_equal(&s->ids[i], id))
            return true;
    return false;
}

static bool make_place(const struct ts_host *h, struct id_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct ts_registry_entry *e = ts_registry_find(&h->chain.registry, &s->ids[i]);
        if (e == NULL || !e->whitelisted) {
            s->ids[i] = s->ids[--s->n];
            return true;
        }
    }
    return false;
}

bool id_set_add(const struct ts_host *h, struct id_set *s, const ts_address *id)
{
    if (id_set_has(s, id))
        return true;
    if (s->n == TS_COUNT(s->ids) && !make_place(h, s))
        return false;
    s->ids[s->n++] = *id;
    return true;
}

void id_set_remove(struct id_set *s, const ts_address *id)
{
    for (size_t i = 0; i < s->n; i++)
        if (ts_address_equal(&s->ids[i], id)) {
            s->ids[i] = s->ids[--s->n];
            return;
        }
}

/* ---- settings ---- */

static struct store_step *put_ids(struct ts_host *h, const char *key, const struct id_set *set)
{
    return put_meta(h, key, ts_bytes_of(set->ids, set->n * sizeof(set->ids[0])));
}

static struct store_step *put_setting(struct ts_host *h, enum setting which)
{
    uint8_t flag = h->paused;
    struct store_step *s = which == SETTING_PAUSED    ? put_meta(h, "paused", ts_bytes_of(&flag, 1))
                           : which == SETTING_DRAINED ? put_ids(h, "drained", &h->drained)
                           : which == SETTING_ROLLUP  ? rollup_put(h)
                           : which == SETTING_REQUESTED ? put_ids(h, "requested", &h->requested)
                                                        : put_ids(h, "corrupted", &h->corrupted);
    s->setting = (int)which;
    return s;
}

void settings_put(struct ts_host *h, enum setting which)
{
    put_setting(h, which);
}

/* The order is answered when what it set is on disk. */
static void settings_put_and_reply(struct ts_host *h, enum setting which, uint64_t token)
{
    struct store_step *s = put_setting(h, which);
    s->has_reply = true;
    s->reply = token;
}

/* Steps stay in order, so the newest to end is of the newest value. */
void settings_stored(struct ts_host *h, const struct store_step *s, ts_err err)
{
    if (s->has_reply && err == TS_OK)
        out_push(h, TS_OUT_REPLY)->token = s->reply;
    else if (s->has_reply)
        out_reply_error(h, s->reply, err,
                        "done, but not stored: %s; until it is, a restart would undo it",
                        ts_err_text(err));
    bool said_before = s->setting >= 0 && h->setting_failed[s->setting];
    if (err != TS_OK && !said_before)
        out_event(h, TS_LOG_ERROR, "setting-not-stored", "key=%s reason=\"%s\"", s->ops[0].key,
                  ts_err_text(err));
    if (s->setting < 0)
        return;
    if (s->setting == SETTING_ROLLUP)
        rollup_put_done(h);
    h->setting_failed[s->setting] = err != TS_OK;
    if (err != TS_OK)
        h->settings_retry_us = h->now.mono_us + SETTINGS_RETRY_US;
}

void settings_retry(struct ts_host *h)
{
    if (h->settings_retry_us == 0 || h->now.mono_us < h->settings_retry_us)
        return;
    h->settings_retry_us = 0;
    for (int i = 0; i < N_SETTINGS; i++)
        if (h->setting_failed[i])
            settings_put(h, (enum setting)i);
}

static ts_err load_ids(struct id_set *set, ts_bytes value)
{
    if (value.n % sizeof(ts_address) != 0 || value.n > sizeof(set->ids))
        return TS_E_CORRUPT;
    if (value.n > 0)
        memcpy(set->ids, value.p, value.n);
    set->n = value.n / sizeof(ts_address);
    return TS_OK;
}

ts_err settings_load(struct ts_host *h, const char *key, ts_bytes value)
{
    if (strcmp(key, "paused") == 0) {
        if (value.n != 1)
            return TS_E_CORRUPT;
        h->paused = value.p[0] != 0;
        return TS_OK;
    }
    if (strcmp(key, "term") == 0) {
        if (value.n != 8)
            return TS_E_CORRUPT;
        uint64_t term = 0;
        for (unsigned i = 0; i < 8; i++)
            term = term << 8 | value.p[i];
        h->term_reserved = term;
        h->term_handed = term; /* any of the reserved ones may have been handed out */
        return TS_OK;
    }
    if (strcmp(key, "drained") == 0)
        return load_ids(&h->drained, value);
    if (strcmp(key, "corrupted") == 0)
        return load_ids(&h->corrupted, value);
    if (strcmp(key, "requested") == 0)
        return load_ids(&h->requested, value);
    return TS_E_NOT_FOUND;
}

/* ---- planned switch ---- */

bool switch_sealed(const struct ts_host *h)
{
    return h->sw.started && h->prep.stage != P_NONE &&
           ts_address_equal(&h->prep.producer, &h->sw.to_id);
}

void switch_failed(struct ts_host *h, const char *why)
{
    if (!h->sw.wanted)
        return;
    out_event(h, TS_LOG_WARN, "switch-failed", "reason=\"%s\"", why);
    if (h->sw.has_token)
        out_reply_error(h, h->sw.token, TS_E_STATE, "the switch did not happen: %s", why);
    memset(&h->sw, 0, sizeof(h->sw));
}

void switch_committed(struct ts_host *h)
{
    struct switch_request *sw = &h->sw;
    if (!sw->wanted || !sw->started)
        return;
    if (!ts_address_equal(&sw->to_id, &h->chain.registry.active)) {
        switch_failed(h, "another enclave had to take over in the middle of it");
        return;
    }
    h->counters.switches++;
    struct member *from = sw->from == TS_NOBODY ? NULL : &h->members[sw->from];
    snprintf(h->switch_reason, sizeof(h->switch_reason), "planned switch: %s", sw->why);
    out_event(h, TS_LOG_INFO, "switched", "from=%s to=%s term=%llu number=%llu reason=\"%s\"",
              from ? short_id(h, &sw->from_id) : "none", short_id(h, &sw->to_id),
              (unsigned long long)h->chain.head.term, (unsigned long long)h->chain.head.number,
              sw->why);
    if (sw->has_token) {
        struct ts_host_output *o = out_push(h, TS_OUT_REPLY);
        o->token = sw->token;
        o->switched.set = true;
        if (from != NULL)
            o->switched.from = sw->from_id;
        o->switched.to = sw->to_id;
        o->switched.term = h->chain.head.term;
        o->switched.at_batch = h->chain.head.number;
    }
    struct ts_msg msg = {.type = TS_MSG_EXIT};
    if (from != NULL && from->leaving && from->phase == M_READY && !from->exit_asked)
        from->exit_asked = member_ask(h, from, &msg, 0, 0);
    memset(sw, 0, sizeof(*sw));
}

static bool producing(const struct ts_host *h)
{
    return !h->paused && !h->stopping && !h->storage_bad;
}

static void want_switch(struct ts_host *h, int to, const char *why, bool has_token, uint64_t token)
{
    h->sw = (struct switch_request){.wanted = true,
                                    .has_token = has_token,
                                    .token = token,
                                    .until_us = h->now.mono_us + SWITCH_WAIT_US,
                                    .to = to,
                                    .from = TS_NOBODY,
                                    .to_id = h->members[to].id,
                                    .why = why};
}

static int active_member(const struct ts_host *h)
{
    for (unsigned i = 0; i < h->n_members; i++)
        if (h->chain.registry.has_active && h->members[i].known &&
            ts_address_equal(&h->members[i].id, &h->chain.registry.active))
            return (int)i;
    return TS_NOBODY;
}

/* While a batch is prepared every passive that has it is ahead of the head by one: not lagging. */
static const char *switch_fault(const struct ts_host *h, const struct member *m)
{
    const char *fault = candidate_fault(h, m);
    if (fault != NULL && h->prep.stage != P_NONE && m->phase == M_READY && m->has_report &&
        ts_hash_equal(&m->head.hash, &h->prep.hash) && !m->drained && !m->corrupted && !m->leaving)
        fault = NULL;
    if (fault == NULL && m->suspect)
        fault = "it is suspect: it lost a dispute and has not been restarted since";
    return fault;
}

static void admin_switchover(struct ts_host *h, const struct ts_host_input *in)
{
    if (h->sw.wanted) {
        out_reply_error(h, in->token, TS_E_BUSY, "another switch is under way");
        return;
    }
    if (!producing(h)) {
        out_reply_error(h, in->token, TS_E_STATE, "%s",
                        h->paused ? "production is paused; resume it first"
                                  : "production has stopped; there is nothing to switch");
        return;
    }
    int active = active_member(h);
    int to = TS_NOBODY;
    if (in->has_id) {
        struct member *m = member_by_id(h, &in->id);
        if (m == NULL) {
            out_reply_error(h, in->token, TS_E_NOT_FOUND, "no enclave with the id %s is known here",
                            short_id(h, &in->id));
            return;
        }
        to = member_index(h, m);
        const char *fault = to == active ? "it is the active one already" : switch_fault(h, m);
        if (fault != NULL) {
            out_reply_error(h, in->token, TS_E_STATE, "cannot switch to %s: %s%s%s",
                            short_id(h, &in->id), fault,
                            m->phase != M_READY && m->reason[0] ? "; " : "",
                            m->phase != M_READY ? m->reason : "");
            return;
        }
    } else {
        for (unsigned k = 1; k <= h->n_members && to == TS_NOBODY; k++) {
            int i = (int)(((unsigned)(active + 1) + k - 1) % h->n_members);
            if (i != active && switch_fault(h, &h->members[i]) == NULL)
                to = i;
        }
        if (to == TS_NOBODY) {
            out_reply_error(h, in->token, TS_E_STATE, "no enclave can take over now");
            return;
        }
    }
    want_switch(h, to, "asked for", true, in->token);
}

/* Another enclave that could take over from m, or TS_NOBODY. */
static int relief_for(const struct ts_host *h, const struct member *m)
{
    for (unsigned i = 0; i < h->n_members; i++)
        if (&h->members[i] != m && h->now.mono_us >= h->members[i].cool_until_us &&
            switch_fault(h, &h->members[i]) == NULL)
            return (int)i;
    return TS_NOBODY;
}

void switch_relieve(struct ts_host *h, int active)
{
    const struct member *m = &h->members[active];
    bool is_removed = !l1_lists(h, m);
    bool must_go = m->drained || is_removed || (m->leaving && !m->exit_asked);
    int to = must_go && producing(h) && !h->sw.wanted ? relief_for(h, m) : TS_NOBODY;
    if (to != TS_NOBODY)
        want_switch(h, to,
                    is_removed   ? "removed from the whitelist"
                    : m->drained ? "drained"
                                 : "its process is about to end",
                    false, 0);
}

/* Nobody waits for ever for a switch that finds no active enclave to switch from. */
void switch_expire(struct ts_host *h)
{
    if (h->sw.wanted && !h->sw.started && h->now.mono_us >= h->sw.until_us)
        switch_failed(h, "it could not begin in time: no enclave is active, or none can make a "
                         "batch");
}

static void admin_undrain(struct ts_host *h, const struct ts_host_input *in, struct member *m)
{
    id_set_remove(&h->drained, &in->id);
    if (m != NULL)
        m->drained = false;
    out_event(h, TS_LOG_INFO, "undrained", "enclave=%s", short_id(h, &in->id));
    settings_put_and_reply(h, SETTING_DRAINED, in->token);
}

static void admin_drain(struct ts_host *h, const struct ts_host_input *in, struct member *m)
{
    bool active = member_index(h, m) == active_member(h) && producing(h);
    int to = TS_NOBODY;
    if (active && m->phase == M_READY && !h->sw.wanted) {
        to = relief_for(h, m);
        if (to == TS_NOBODY) {
            out_reply_error(h, in->token, TS_E_STATE,
                            "it is the active one and no other enclave can take over now");
            return;
        }
    }
    if (!id_set_add(h, &h->drained, &in->id)) {
        out_reply_error(h, in->token, TS_E_LIMIT, "%u enclaves are drained already; undrain one",
                        TS_HOST_MAX_ENCLAVES);
        return;
    }
    m->drained = true;
    if (to != TS_NOBODY)
        want_switch(h, to, "drained", false, 0);
    out_event(h, TS_LOG_INFO, "drained", "enclave=%s", short_id(h, &in->id));
    settings_put_and_reply(h, SETTING_DRAINED, in->token);
}

static void admin_drain_or_undrain(struct ts_host *h, const struct ts_host_input *in)
{
    struct member *m = in->has_id ? member_by_id(h, &in->id) : NULL;
    if (m == NULL && (!in->has_id || !id_set_has(&h->drained, &in->id)))
        out_reply_error(h, in->token, TS_E_NOT_FOUND, "no enclave with the id %s is known here",
                        in->has_id ? short_id(h, &in->id) : "(none given)");
    else if (in->admin == TS_ADMIN_UNDRAIN)
        admin_undrain(h, in, m);
    else if (m == NULL) /* drained already, and not here: as it was */
        settings_put_and_reply(h, SETTING_DRAINED, in->token);
    else
        admin_drain(h, in, m);
}

static void admin_pause(struct ts_host *h, const struct ts_host_input *in)
{
    bool pause = in->admin == TS_ADMIN_PAUSE;
    if (h->paused != pause) {
        h->paused = pause;
        if (pause && !h->sw.started)
            switch_failed(h, "production was paused");
        else
            h->next_batch_us = h->now.mono_us; /* also of a switch that has begun */
        out_event(h, TS_LOG_INFO, pause ? "paused" : "resumed", "head=%llu",
                  (unsigned long long)h->chain.head.number);
    }
    settings_put_and_reply(h, SETTING_PAUSED, in->token);
}

static void admin_register(struct ts_host *h, const struct ts_host_input *in)
{
    struct member *m = member_by_id(h, &in->id);
    struct ts_msg msg = {.type = TS_MSG_REGISTER};
    if (m == NULL || m->phase != M_READY)
        out_reply_error(h, in->token, TS_E_NOT_FOUND,
                        "the enclave %s is not here, or does not follow the chain yet",
                        short_id(h, &in->id));
    else if (!member_ask(h, m, &msg, 0, in->token))
        out_reply_error(h, in->token, TS_E_BUSY, "the enclave has too much to do");
}

void admin_registered(struct ts_host *h, struct member *m, const struct request *r,
                      const struct ts_msg_registered *a)
{
    ts_hash digest;
    ts_eip712_digest(&h->genesis->domain, &ts_enclave_registration_type, &a->registration, &digest);
    if (!ts_address_equal(&a->registration.enclave_id, &m->id) ||
        ts_verify_signer(h->crypto, &digest, &a->sig, &m->id) != TS_OK) {
        out_reply_error(h, r->ref, TS_E_SIGNER, "the enclave's statement is not signed by it");
        member_corrupt(h, m, "%s", "signed a registration that is not its own");
        return;
    }
    uint8_t both[sizeof(ts_hash) + sizeof(ts_sig)];
    memcpy(both, &a->registration.measurement, sizeof(ts_hash));
    memcpy(both + sizeof(ts_hash), &a->sig, sizeof(ts_sig));
    out_reply_bytes(h, r->ref, ts_bytes_of(both, sizeof(both)));
}

void admin_input(struct ts_host *h, const struct ts_host_input *in)
{
    switch (in->admin) {
    case TS_ADMIN_SWITCHOVER:
        admin_switchover(h, in);
        return;
    case TS_ADMIN_PAUSE:
    case TS_ADMIN_RESUME:
        admin_pause(h, in);
        return;
    case TS_ADMIN_DRAIN:
    case TS_ADMIN_UNDRAIN:
        admin_drain_or_undrain(h, in);
        return;
    case TS_ADMIN_REGISTER:
        admin_register(h, in);
        return;
    }
}

/* An enclave's process was asked to end: another takes over first, when it is the active one. */
void switch_leaving(struct ts_host *h, struct member *m)
{
    if (m->phase < M_IDENTIFYING || m->phase > M_BENCHED || m->leaving)
        return;
    m->leaving = true;
    out_event(h, TS_LOG_INFO, "enclave-leaving", "enclave=%s",
              m->known ? short_id(h, &m->id) : "?");
    bool active =
        m->phase == M_READY && m->state == TS_ENC_ACTIVE && member_index(h, m) == active_member(h);
    if (active && !h->sw.wanted)
        switch_relieve(h, member_index(h, m));
    bool goes = h->sw.wanted && (active ? h->sw.to != member_index(h, m)
                                        : h->sw.started && h->sw.from == member_index(h, m));
    if (goes) {
        h->next_batch_us = h->now.mono_us;
        return; /* it goes when another has taken over */
    }
    struct ts_msg msg = {.type = TS_MSG_EXIT};
    m->exit_asked = member_ask(h, m, &msg, 0, 0);
}
