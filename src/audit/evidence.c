/* SPDX-License-Identifier: Apache-2.0 */
/* Checks evidence: what all kinds share is here. Every byte of it is hostile. */
#include "tenseq/evidence.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit/evidence_internal.h"
#include "audit/internal.h"
#include "base/check.h"
#include "chain/batch.h"
#include "crypto/sign.h"

#define ARENA_MAX (8u * 1024 * 1024)

ts_err evidence_refuse(struct evidence_check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(c->out->why, sizeof(c->out->why), format, args);
    va_end(args);
    return TS_E_EVIDENCE;
}

ts_err ts_sealed_verify(const struct ts_crypto *crypto, const struct ts_domain *domain,
                        const struct ts_sealed *s, ts_hash *hash, ts_hash *root)
{
    struct ts_batch_seal seal;
    ts_hash digest;
    ts_header_hash(domain, &s->header, hash);
    ts_protocol_root(&s->parent_root, s->payload, root);
    seal = (struct ts_batch_seal){.batch_hash = *hash, .protocol_root = *root};
    ts_seal_digest(domain, &seal, &digest);
    return ts_verify_signer(crypto, &digest, &s->seal, &s->header.producer);
}

static ts_err open_seal(struct evidence_check *c, const char *what, const struct ts_sealed *s,
                        ts_hash *hash, ts_hash *root)
{
    if (s->header.number == 0)
        return evidence_refuse(c, "%s has the number 0, which no batch has", what);
    if (ts_sealed_verify(c->crypto, &c->e->genesis->domain, s, hash, root) == TS_OK)
        return TS_OK;
    return evidence_refuse(c,
                           "the seal of %s is not its producer's over this header, payload and "
                           "network: one of them was altered, or it is of another network",
                           what);
}

/* ---- who was whitelisted --------------------------------------------------------------------- */

ts_err evidence_payload(struct evidence_check *c, ts_bytes raw, struct ts_payload *out)
{
    struct ts_reader r = ts_reader_of(raw);
    ts_payload_read(&r, &c->arena, out);
    return ts_reader_done(&r);
}

static ts_err change_of(struct evidence_check *c, const struct ts_sealed *grant,
                        struct ts_whitelist_change *out)
{
    struct ts_payload p;
    ts_arena_reset(&c->arena); /* whatever was read before has been looked at */
    ts_err err = evidence_payload(c, grant->payload, &p);
    return err == TS_OK ? ts_payload_whitelist_change(&p, &c->arena, out) : err;
}

bool evidence_lists(const struct ts_sealed *grant, const ts_address *id)
{
    struct evidence_check c = {.e = NULL};
    struct ts_whitelist_change change;
    ts_arena_init(&c.arena, ARENA_MAX);
    bool is = change_of(&c, grant, &change) == TS_OK &&
              ts_address_among(change.added, change.n_added, id);
    ts_arena_free(&c.arena);
    return is;
}

/* What the genesis and the first n grants say: was id listed at a number, or ever when that is
 * NULL, and by which batch. A removal in a grant counts for the numbers behind it. */
static ts_err listed(struct evidence_check *c, size_t n, const ts_address *id,
                     const uint64_t *number, bool *is, uint64_t *by)
{
    const struct ts_evidence *e = c->e;
    *is = ts_address_among(e->genesis->whitelist, e->genesis->n_whitelist, id);
    *by = 0;
    TS_CHECK(n == 0 || e->grants != NULL);
    for (size_t i = 0; i < n && (number == NULL || e->grants[i].header.number <= *number); i++) {
        struct ts_whitelist_change change;
        ts_err err = change_of(c, &e->grants[i], &change);
        if (err != TS_OK)
            return err;
        if (ts_address_among(change.added, change.n_added, id)) {
            *is = true;
            *by = e->grants[i].header.number;
        } else if (number != NULL && e->grants[i].header.number < *number &&
                   ts_address_among(change.removed, change.n_removed, id)) {
            *is = false;
        }
    }
    return TS_OK;
}

/* A change of the whole list is announced by one of the new enclaves (V2): no signature of who was
 * listed before bears it out, and L1 must be asked. */
static ts_err check_grant(struct evidence_check *c, size_t i)
{
    const struct ts_sealed *g = &c->e->grants[i];
    struct ts_whitelist_change change;
    ts_hash hash, root;
    char what[64];
    bool is;
    uint64_t by;
    (void)snprintf(what, sizeof(what), "grant %zu", i + 1);
    ts_err err = open_seal(c, what, g, &hash, &root);
    if (err != TS_OK)
        return err;
    if (i > 0 && g->header.number <= c->e->grants[i - 1].header.number)
        return evidence_refuse(c, "%s does not stand behind the one before it", what);
    err = change_of(c, g, &change);
    if (err == TS_E_NOMEM)
        return err;
    if (err != TS_OK || change.n_added == 0)
        return evidence_refuse(c, "the payload of %s lists nobody", what);
    bool is_own = ts_address_among(change.added, change.n_added, &g->header.producer);
    if (is_own && c->e->genesis->l1_chain_id != 0) {
        c->out->own_grants |= 1u << i;
        return TS_OK;
    }
    err = listed(c, i, &g->header.producer, &g->header.number, &is, &by);
    if (err == TS_OK && (!is || is_own))
        return evidence_refuse(c, "nobody that was listed before sealed %s", what);
    return err;
}

static ts_err check_grants(struct evidence_check *c)
{
    ts_err err = TS_OK;
    if (c->e->n_grants > TS_EVIDENCE_MAX_GRANTS)
        return evidence_refuse(c, "it has more than %d grants", TS_EVIDENCE_MAX_GRANTS);
    for (size_t i = 0; err == TS_OK && i < c->e->n_grants; i++)
        err = check_grant(c, i);
    return err;
}

ts_err evidence_signer(struct evidence_check *c, const ts_address *id, const uint64_t *number)
{
    char hex[TS_ADDRESS_HEX_SIZE];
    bool is;
    uint64_t by;
    ts_err err = listed(c, c->e->n_grants, id, number, &is, &by);
    if (err != TS_OK)
        return err;
    if (!is)
        return evidence_refuse(
            c, "enclave %s signed it, and neither the genesis nor a grant lists that one",
            ts_hex(id->b, sizeof(id->b), hex));
    if (ts_address_among(c->signers, c->n_signers, id))
        return TS_OK;
    TS_CHECK(c->n_signers < TS_EVIDENCE_SIGNERS);
    c->listed_by[c->n_signers] = by;
    c->signers[c->n_signers++] = *id;
    return TS_OK;
}

ts_err evidence_open(struct evidence_check *c, const char *what, const struct ts_sealed *s,
                     ts_hash *hash, ts_hash *root)
{
    ts_err err = open_seal(c, what, s, hash, root);
    return err == TS_OK ? evidence_signer(c, &s->header.producer, &s->header.number) : err;
}

static bool is_signers(const struct evidence_check *c, uint64_t number)
{
    for (size_t i = 0; i < c->n_signers; i++)
        if (c->listed_by[i] == number)
            return true;
    return false;
}

/* Every grant listed a signer, or the producer of a later one that is needed. */
static ts_err check_needed(struct evidence_check *c)
{
    bool is_needed[TS_EVIDENCE_MAX_GRANTS] = {false};
    for (size_t i = c->e->n_grants; i-- > 0;) {
        const struct ts_batch_header *h = &c->e->grants[i].header;
        bool is;
        uint64_t by;
        if (!is_needed[i] && !is_signers(c, h->number))
            return evidence_refuse(c, "grant %zu lists nobody that counts", i + 1);
        if ((c->out->own_grants >> i & 1) != 0)
            continue;
        ts_err err = listed(c, i, &h->producer, &h->number, &is, &by);
        if (err != TS_OK)
            return err;
        for (size_t k = 0; k < i; k++)
            is_needed[k] = is_needed[k] || c->e->grants[k].header.number == by;
    }
    return TS_OK;
}

/* ---- what it rests on ------------------------------------------------------------------------ */

static void add(char *text, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void add(char *text, size_t size, const char *format, va_list args)
{
    size_t n = strnlen(text, size - 1);
    (void)vsnprintf(text + n, size - n, format, args);
}

static void say(struct evidence_check *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct evidence_check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(c->out->rests, sizeof(c->out->rests), format, args);
    va_end(args);
}

static void say_own_grants(struct evidence_check *c)
{
    const char *between = "; and on L1, where the contract lists who sealed batch ";
    for (size_t i = 0; i < c->e->n_grants; i++) {
        if ((c->out->own_grants >> i & 1) == 0)
            continue;
        say(c, "%s%" PRIu64, between, c->e->grants[i].header.number);
        between = ", ";
    }
    if (c->out->own_grants != 0)
        say(c, ", by which he was listed himself");
}

void evidence_rests(struct evidence_check *c, uint64_t number, const char *format, ...)
{
    char hex[TS_ADDRESS_HEX_SIZE];
    va_list args;
    say(c, "the whitelist of the chain at batch %" PRIu64 ": ", number);
    for (size_t i = 0; i < c->n_signers; i++) {
        say(c, "%senclave %s ", i > 0 ? ", " : "", ts_hex(c->signers[i].b, 20, hex));
        if (c->listed_by[i] == 0)
            say(c, "stands in the genesis");
        else
            say(c, "was listed by batch %" PRIu64, c->listed_by[i]);
    }
    say(c, "; that none of them was removed before shows in the chain");
    say_own_grants(c);
    va_start(args, format);
    add(c->out->rests, sizeof(c->out->rests), format, args);
    va_end(args);
}

/* ---- the way in ------------------------------------------------------------------------------ */

static ts_err check_kind(struct evidence_check *c)
{
    switch (c->e->kind) {
    case TS_F_EQUIVOCATION:
        return evidence_equivocation(c);
    case TS_F_PAYLOAD_EDITED:
        return evidence_payload_edited(c);
    case TS_F_WHITELIST_MISMATCH:
        return evidence_whitelist_mismatch(c);
    case TS_F_ROLLUP_MISMATCH:
        return evidence_rollup_mismatch(c);
    default:
        (void)evidence_refuse(c, "there is no evidence of this kind");
        return TS_E_UNSUPPORTED;
    }
}

ts_err ts_evidence_check(const struct ts_evidence *e, const struct ts_crypto *crypto,
                         ts_rollup_said_fn said, struct ts_evidence_verdict *out)
{
    struct evidence_check c = {.e = e, .crypto = crypto, .said = said, .out = out};
    memset(out, 0, sizeof(*out));
    ts_arena_init(&c.arena, ARENA_MAX);
    ts_err err = check_grants(&c);
    if (err == TS_OK)
        err = check_kind(&c);
    if (err == TS_OK)
        err = check_needed(&c);
    out->rests_on_l1 = out->own_grants != 0 || e->kind == TS_F_WHITELIST_MISMATCH ||
                       e->kind == TS_F_ROLLUP_MISMATCH;
    ts_arena_free(&c.arena);
    if (err == TS_E_NOMEM)
        (void)evidence_refuse(&c, "out of memory");
    else if (err != TS_OK && out->why[0] == '\0')
        err = evidence_refuse(&c, "a grant is malformed: %s", ts_err_text((int)err));
    return err;
}
