/* SPDX-License-Identifier: Apache-2.0 */
/* Who was listed by which batch: evidence needs it, since a seal proves something only of whom the
 * chain had listed by then. Each listing is stored once, under an id of its own: who was taken off
 * the list and put on it again has several. */
#include "chain/batch.h"
#include "node/internal.h"

/* value of the map */
struct grants {
    uint64_t number; /* of the newest */
    uint32_t n;
};

void ts_node_grants_init(struct ts_node *n)
{
    ts_map_init(&n->grants, sizeof(ts_address), sizeof(struct grants), n->start.seed);
}

void ts_node_grants_free(struct ts_node *n)
{
    ts_map_free(&n->grants);
}

/* Without memory for it there is no file of what he may do. */
static void keep(struct ts_node *n, const ts_address *who, const struct ts_record *r)
{
    struct grants *g = ts_map_put(&n->grants, who, NULL);
    ts_hash id;
    if (g == NULL || r->number <= g->number)
        return;
    ts_record_grant_id(who, g->n + 1, &id);
    if (!ts_node_findings_store(n, r->number, &n->chain.head.hash, &id, r))
        return;
    g->n++;
    g->number = r->number;
}

void ts_node_grants_batch(struct ts_node *n, const struct ts_batch *b, const ts_hash *parent_root)
{
    struct ts_whitelist_change c;
    if (ts_payload_whitelist_change(&b->payload, &n->decode, &c) != TS_OK)
        return;
    const struct ts_record r = {.kind = TS_RECORD_GRANT,
                                .number = b->header.number,
                                .parent_root = *parent_root,
                                .header = b->raw_header,
                                .payload = b->raw_payload,
                                .seal = b->seal};
    for (size_t i = 0; i < c.n_added; i++)
        keep(n, &c.added[i], &r);
}

/* A record tells by its id of whom among those it lists it is. */
void ts_node_grants_load(struct ts_node *n, const ts_hash *id, const struct ts_record *r)
{
    struct ts_reader in = ts_reader_of(r->payload);
    struct ts_payload p;
    ts_payload_read(&in, &n->decode, &p);
    struct ts_whitelist_change c;
    if (ts_reader_done(&in) != TS_OK || ts_payload_whitelist_change(&p, &n->decode, &c) != TS_OK)
        return;
    for (size_t i = 0; i < c.n_added; i++) {
        struct grants *g = ts_map_put(&n->grants, &c.added[i], NULL);
        ts_hash own;
        if (g == NULL)
            return;
        ts_record_grant_id(&c.added[i], g->n + 1, &own);
        if (!ts_hash_equal(&own, id))
            continue;
        g->n++;
        g->number = r->number;
    }
}
