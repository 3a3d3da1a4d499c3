/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_kit.h"

#include <stdlib.h>

#include "base/check.h"

struct audit_kit *kit_of(struct testnet *net)
{
    struct audit_kit *k = calloc(1, sizeof(*k));
    TS_CHECK(k != NULL);
    k->net = net;
    k->audit = ts_audit_new(&net->genesis);
    k->effect = ts_effect_new();
    k->told = calloc(KIT_TOLD, sizeof(*k->told));
    TS_CHECK(k->audit != NULL && k->effect != NULL && k->told != NULL);
    TS_CHECK(ts_chain_init(&k->chain, &net->genesis, net->crypto, &net->genesis_root) == TS_OK);
    return k;
}

struct audit_kit *kit_running(size_t n)
{
    return kit_of(tn_running(n));
}

void kit_free(struct audit_kit *k)
{
    ts_audit_free(k->audit);
    ts_effect_free(k->effect);
    ts_chain_free(&k->chain);
    tn_free(k->net);
    free(k->told);
    free(k);
}

static void told(void *ctx, const struct ts_finding *f)
{
    struct audit_kit *k = ctx;
    TS_CHECK(k->n_told < KIT_TOLD);
    k->told[k->n_told++] = *f;
}

void kit_follow_to(struct audit_kit *k, uint64_t number)
{
    struct ts_audit_sink sink = {.ctx = k, .emit = told};
    struct ts_arena arena;
    struct ts_batch b;
    ts_arena_init(&arena, 0);
    while (k->chain.head.number < number) {
        ts_arena_reset(&arena);
        tn_decode(k->net, k->chain.head.number + 1, &arena, &b);
        TS_CHECK(ts_batch_check(&k->chain, &b, NULL, k->effect, NULL) == TS_OK);
        TS_CHECK(ts_chain_apply(&k->chain, k->effect) == TS_OK);
        ts_audit_batch(k->audit, &k->chain, &b, &sink);
    }
    ts_arena_free(&arena);
}

void kit_follow(struct audit_kit *k)
{
    kit_follow_to(k, k->net->chain.head.number);
}

struct ts_audit_place kit_place(const struct audit_kit *k, uint64_t number)
{
    struct ts_chain at, before;
    tn_fold(k->net, number, &at);
    tn_fold(k->net, number - 1, &before);
    struct ts_audit_place own = {.number = number,
                                 .hash = at.head.hash,
                                 .root = at.head.protocol_root,
                                 .parent_hash = before.head.hash,
                                 .parent_root = before.head.protocol_root};
    ts_chain_free(&at);
    ts_chain_free(&before);
    return own;
}

size_t kit_count(const struct audit_kit *k, enum ts_finding_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < k->n_told; i++)
        n += k->told[i].kind == kind;
    return n;
}

const struct ts_finding *kit_find(const struct audit_kit *k, enum ts_finding_kind kind)
{
    for (size_t i = 0; i < k->n_told; i++) {
        if (k->told[i].kind == kind)
            return &k->told[i];
    }
    fail_msg("no %s was told", ts_finding_name((int)kind));
    return NULL;
}

const struct ts_finding *kit_only(const struct audit_kit *k, enum ts_finding_kind kind)
{
    const struct ts_finding *f = kit_find(k, kind);
    for (size_t i = 0; i < k->n_told; i++) {
        if (&k->told[i] != f)
            fail_msg("told too: %s", k->told[i].text);
    }
    return f;
}

int kit_worst(const struct audit_kit *k)
{
    int worst = -1;
    for (size_t i = 0; i < k->n_told; i++)
        worst = (int)k->told[i].severity > worst ? (int)k->told[i].severity : worst;
    return worst;
}
