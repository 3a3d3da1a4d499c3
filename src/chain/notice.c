/* SPDX-License-Identifier: Apache-2.0 */
/* Notice 1, the whitelist change: [l1Number, l1Hash, added, removed]. */
#include "chain/batch.h"
#include "chain/lists.h"

/* Whether two ascending lists share no address. */
static bool disjoint(const ts_address *a, size_t n_a, const ts_address *b, size_t n_b)
{
    size_t i = 0;
    size_t j = 0;
    while (i < n_a && j < n_b) {
        int order = ts_address_compare(&a[i], &b[j]);
        if (order == 0)
            return false;
        if (order < 0)
            i++;
        else
            j++;
    }
    return true;
}

ts_err ts_whitelist_change_decode(ts_bytes body, struct ts_arena *arena,
                                  struct ts_whitelist_change *out)
{
    struct ts_reader r = ts_reader_of(body);
    struct ts_whitelist_change c = {0};
    ts_read_list(&r);
    c.l1_number = ts_read_u64(&r);
    ts_read_hash(&r, &c.l1_hash);
    ts_addresses_read(&r, arena, TS_MAX_WHITELIST, &c.added, &c.n_added);
    ts_addresses_read(&r, arena, TS_MAX_WHITELIST, &c.removed, &c.n_removed);
    ts_read_list_end(&r);
    ts_err err = ts_reader_done(&r);
    if (err != TS_OK)
        return err;
    if (!ts_addresses_ascend(c.added, c.n_added) || !ts_addresses_ascend(c.removed, c.n_removed) ||
        !disjoint(c.added, c.n_added, c.removed, c.n_removed))
        return TS_E_NOT_CANONICAL;
    *out = c;
    return TS_OK;
}

void ts_whitelist_change_put(struct ts_buf *b, const struct ts_whitelist_change *c)
{
    size_t mark = ts_put_list(b);
    ts_put_u64(b, c->l1_number);
    ts_put_hash(b, &c->l1_hash);
    ts_addresses_put(b, c->added, c->n_added);
    ts_addresses_put(b, c->removed, c->n_removed);
    ts_put_list_end(b, mark);
}

ts_err ts_payload_whitelist_change(const struct ts_payload *p, struct ts_arena *arena,
                                   struct ts_whitelist_change *out)
{
    for (size_t i = 0; i < p->n_notices; i++)
        if (p->notices[i].type == TS_NOTICE_WHITELIST)
            return ts_whitelist_change_decode(p->notices[i].body, arena, out);
    return TS_E_NOT_FOUND;
}
