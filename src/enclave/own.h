/* SPDX-License-Identifier: Apache-2.0 */
/* An enclave's own transitions and reports: one chain, of which the newest few are unpublished.
 * Source: docs/protocol.md, section 3 (transitions, RestartEvent). */
#ifndef TS_ENCLAVE_OWN_H
#define TS_ENCLAVE_OWN_H

#include "crypto/secret.h"
#include "tenseq/types.h"
#include "tenseq/verify.h"

struct ts_own {
    const struct ts_crypto *crypto;
    ts_secret key; /* wiped when the enclave halts */
    ts_address id;
    ts_hash boot_id;
    ts_secret boot_secret;
    ts_hash boot_key;
    ts_time boot_time;
    bool has_started; /* Started signed in this boot */
    bool started_published;
    struct ts_lifecycle_event started; /* this boot's, once signed */
    struct ts_lifecycle_event unpublished[TS_MAX_UNPUBLISHED];
    ts_hash hashes[TS_MAX_UNPUBLISHED]; /* of unpublished */
    size_t n_unpublished;
    uint64_t tip_seq; /* newest transition known, published or not */
    ts_hash tip_hash;
    uint64_t term; /* of the newest Active of this boot; 0: none */
    bool has_report;
    struct ts_restart_event report; /* the newest one signed */
};

/* An enclave of which nothing is known yet. TS_E_KEY: *own is wiped. The secrets are copied. */
ts_err ts_own_init(struct ts_own *own, const struct ts_crypto *crypto, const ts_secret *key,
                   const ts_hash *boot_id, const ts_secret *boot_secret, ts_time boot_time);
void ts_own_wipe(struct ts_own *own);

/* Whether n more transitions may be signed and a Passive after them. */
bool ts_own_has_room(const struct ts_own *own, size_t n);

/* Signs the next transition at head. term: of an Active its new one, of a Passive the one it ends,
 * 0 for Started. Not called without room: that is the caller's bug. TS_E_KEY: nothing has changed.
 */
ts_err ts_own_sign(struct ts_own *own, const struct ts_domain *d, enum ts_event_kind kind,
                   uint64_t term, ts_time time, const struct ts_head *head);

/* The report at head: the same bytes for the same head and tip. Only after Started. TS_E_KEY. */
ts_err ts_own_report(struct ts_own *own, const struct ts_domain *d, const struct ts_head *head,
                     struct ts_restart_event *out);

/* What a batch publishes of this enclave's chain. */
struct ts_own_news {
    size_t n_published;   /* this many of the unpublished ones, from the oldest, are in the batch */
    bool has_foreign;     /* and one that this boot did not sign */
    bool is_copied;       /* one after this boot's Started was published: somebody runs a copy */
    uint64_t foreign_seq; /* the newest such */
    ts_hash foreign_hash;
    uint64_t newest_term; /* of the newest Active among all of them; 0: none */
};

/* Looks; changes nothing. The transitions link to the published tip (V4). */
void ts_own_scan(const struct ts_own *own, const struct ts_domain *d, const struct ts_batch *batch,
                 struct ts_own_news *news);
/* Drops what was published and signs the rest again on top of what was learnt. Not when is_copied.
 * TS_E_KEY: *own is unusable and the enclave must halt. */
ts_err ts_own_take(struct ts_own *own, const struct ts_domain *d, const struct ts_own_news *news);
/* All unpublished ones are in a batch that this enclave sealed. */
void ts_own_all_published(struct ts_own *own);

#endif
