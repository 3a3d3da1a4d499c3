/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/own.h"

#include <string.h>

#include "base/check.h"
#include "crypto/seal.h"
#include "crypto/sign.h"

ts_err ts_own_init(struct ts_own *own, const struct ts_crypto *crypto, const ts_secret *key,
                   const ts_hash *boot_id, const ts_secret *boot_secret, ts_time boot_time)
{
    *own = (struct ts_own){
        .crypto = crypto,
        .key = *key,
        .boot_id = *boot_id,
        .boot_secret = *boot_secret,
        .boot_time = boot_time,
    };
    ts_err err = ts_address_of_key(crypto, key, &own->id);
    if (err == TS_OK)
        err = ts_x25519_public(boot_secret, &own->boot_key);
    if (err != TS_OK)
        ts_own_wipe(own);
    return err;
}

void ts_own_wipe(struct ts_own *own)
{
    ts_secret_wipe(&own->key);
    ts_secret_wipe(&own->boot_secret);
}

bool ts_own_has_room(const struct ts_own *own, size_t n)
{
    return own->n_unpublished + n + 1 <= TS_MAX_UNPUBLISHED;
}

/* Puts e on top of the tip and signs it. Nothing but *e and *hash is written. */
static ts_err link_and_sign(const struct ts_own *own, const struct ts_domain *d,
                            struct ts_lifecycle_event *e, ts_hash *hash)
{
    e->seq = own->tip_seq + 1;
    e->prev = own->tip_hash;
    ts_transition_hash(d, e, hash);
    return ts_sign(own->crypto, &own->key, hash, &e->sig);
}

static ts_err append(struct ts_own *own, const struct ts_domain *d, struct ts_lifecycle_event *e)
{
    ts_hash hash;
    TS_CHECK(own->n_unpublished < TS_MAX_UNPUBLISHED);
    ts_err err = link_and_sign(own, d, e, &hash);
    if (err != TS_OK)
        return err;
    own->unpublished[own->n_unpublished] = *e;
    own->hashes[own->n_unpublished++] = hash;
    own->tip_seq = e->seq;
    own->tip_hash = hash;
    return TS_OK;
}

ts_err ts_own_sign(struct ts_own *own, const struct ts_domain *d, enum ts_event_kind kind,
                   uint64_t term, ts_time time, const struct ts_head *head)
{
    TS_CHECK(own->has_started == (kind != TS_STARTED));
    TS_CHECK(kind == TS_PASSIVE || ts_own_has_room(own, 1));
    struct ts_lifecycle_event e = {
        .kind = (uint8_t)kind,
        .enclave_id = own->id,
        .boot_id = own->boot_id,
        .boot_key = own->boot_key,
        .term = term,
        .time = time > head->time ? time : head->time,
        .batch_head = head->hash,
        .batch_number = head->number,
    };
    ts_err err = append(own, d, &e);
    if (err != TS_OK)
        return err;
    if (kind == TS_STARTED) {
        own->has_started = true;
        own->started = e;
    } else if (kind == TS_ACTIVE) {
        own->term = term;
    }
    return TS_OK;
}

ts_err ts_own_report(struct ts_own *own, const struct ts_domain *d, const struct ts_head *head,
                     struct ts_restart_event *out)
{
    TS_CHECK(own->has_started);
    if (!own->has_report || !ts_hash_equal(&own->report.current_batch_head, &head->hash) ||
        !ts_hash_equal(&own->report.last_event, &own->tip_hash)) {
        struct ts_restart_event r = {
            .enclave_id = own->id,
            .boot_id = own->boot_id,
            .seq = own->tip_seq,
            .last_event = own->tip_hash,
            .last_restart_time = own->started.time,
            .batch_head_at_restart = own->started.batch_head,
            .current_batch_head = head->hash,
            .current_batch_number = head->number,
        };
        ts_hash digest;
        ts_report_hash(d, &r, &digest);
        ts_err err = ts_sign(own->crypto, &own->key, &digest, &r.sig);
        if (err != TS_OK)
            return err;
        own->report = r;
        own->has_report = true;
    }
    *out = own->report;
    return TS_OK;
}

/* Whether Started is published once the first n of the unpublished ones are. */
static bool started_published_after(const struct ts_own *own, size_t n)
{
    return own->started_published ||
           (n > 0 && own->n_unpublished > 0 && own->unpublished[0].kind == TS_STARTED);
}

void ts_own_scan(const struct ts_own *own, const struct ts_domain *d, const struct ts_batch *batch,
                 struct ts_own_news *news)
{
    memset(news, 0, sizeof(*news));
    for (size_t i = 0; i < batch->payload.n_transitions; i++) {
        const struct ts_lifecycle_event *e = &batch->payload.transitions[i];
        ts_hash hash;
        if (!ts_address_equal(&e->enclave_id, &own->id))
            continue;
        if (e->kind == TS_ACTIVE)
            news->newest_term = e->term;
        ts_transition_hash(d, e, &hash);
        if (!news->has_foreign && news->n_published < own->n_unpublished &&
            ts_hash_equal(&hash, &own->hashes[news->n_published])) {
            news->n_published++;
            continue;
        }
        news->has_foreign = true;
        news->foreign_seq = e->seq;
        news->foreign_hash = hash;
        if (started_published_after(own, news->n_published))
            news->is_copied = true;
    }
}

static void drop_oldest(struct ts_own *own, size_t n)
{
    if (n == 0)
        return;
    own->started_published = started_published_after(own, n);
    own->n_unpublished -= n;
    memmove(own->unpublished, own->unpublished + n,
            own->n_unpublished * sizeof(own->unpublished[0]));
    memmove(own->hashes, own->hashes + n, own->n_unpublished * sizeof(own->hashes[0]));
}

ts_err ts_own_take(struct ts_own *own, const struct ts_domain *d, const struct ts_own_news *news)
{
    struct ts_lifecycle_event again[TS_MAX_UNPUBLISHED];
    TS_CHECK(!news->is_copied && news->n_published <= own->n_unpublished);
    drop_oldest(own, news->n_published);
    if (!news->has_foreign)
        return TS_OK;
    /* A later part of what this boot signed cannot be on top of a foreign one: Started is first. */
    TS_CHECK(news->n_published == 0);
    size_t n = own->n_unpublished;
    memcpy(again, own->unpublished, n * sizeof(again[0]));
    own->n_unpublished = 0;
    own->tip_seq = news->foreign_seq;
    own->tip_hash = news->foreign_hash;
    for (size_t i = 0; i < n; i++) {
        ts_err err = append(own, d, &again[i]);
        if (err != TS_OK)
            return err;
    }
    return TS_OK;
}

void ts_own_all_published(struct ts_own *own)
{
    drop_oldest(own, own->n_unpublished);
}
