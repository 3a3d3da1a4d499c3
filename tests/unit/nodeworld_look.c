/* SPDX-License-Identifier: Apache-2.0 */
/* What a test sees of the world. */
#include <string.h>

#include "nodeworld_internal.h"

uint64_t nw_head(const struct nw *w, size_t node)
{
    struct ts_node_status s;
    if (w->nodes[node].core == NULL)
        return w->nodes[node].store.n;
    ts_node_status_of(w->nodes[node].core, &s);
    return s.head.number;
}

struct ts_node_counters nw_counters(const struct nw *w, size_t node)
{
    struct ts_node_status s;
    ts_node_status_of(w->nodes[node].core, &s);
    return s.counters;
}

bool nw_said(const struct nw *w, size_t node, const char *part)
{
    return strstr(w->nodes[node].events, part) != NULL;
}

const struct nw_reply *nw_reply(const struct nw *w, size_t node, uint64_t token)
{
    for (size_t i = 0; i < w->nodes[node].n_replies; i++) {
        if (w->nodes[node].replies[i].token == token)
            return &w->nodes[node].replies[i];
    }
    return NULL;
}
