/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen as one object: for programs that read line by line. */
#include "cli/watch.h"

static json_t *enclaves_json(const struct watch *w)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->n_lanes; i++) {
        const struct watch_lane *l = &w->lanes[i];
        char cell[2] = {w->n_columns > 0 ? l->cells[w->n_columns - 1] : ' ', 0};
        json_t *o = json_pack("{s:s,s:s,s:s}", "id", l->id, "state",
                              l->is_revoked ? "revoked" : l->state, "cell", cell);
        char letter[CLI_NAME_SIZE];
        if (cli_names_letter(&w->names, l->id, letter)[0] != 0)
            (void)json_object_set_new(o, "letter", json_string(letter));
        if (l->has_figures)
            (void)json_object_update_new(o, json_pack("{s:I,s:I}", "boots", (json_int_t)l->boots,
                                                      "lag", (json_int_t)l->lag));
        if (l->note[0] != 0)
            (void)json_object_set_new(o, "remark", json_string(l->note));
        (void)json_array_append_new(list, o);
    }
    return list;
}

/* NULL: out of memory, or a server's text is not UTF-8. */
json_t *watch_json(const struct watch *w, uint64_t now)
{
    if (!w->is_connected)
        return json_pack("{s:s,s:b,s:s}", "rpc", w->o->rpc, "connected", 0, "error", w->why);
    uint64_t stuck = watch_stuck(w, now);
    json_t *o = json_pack("{s:s,s:b,s:s,s:s,s:{s:I,s:s,s:I},s:I,s:f,s:I}", "rpc", w->o->rpc,
                          "connected", 1, "kind", w->is_host ? "host" : "node", "state", w->state,
                          "head", "number", (json_int_t)w->head, "hash", w->hash, "time",
                          (json_int_t)w->head_time, "term", (json_int_t)w->term, "batchesPerSecond",
                          watch_rate(w, now), "withoutBatchMs", (json_int_t)stuck);
    (void)json_object_set_new(o, "active",
                              w->active[0] != 0 ? json_string(w->active) : json_null());
    (void)json_object_set_new(o, "enclaves", enclaves_json(w));
    if (w->assessment != NULL)
        (void)json_object_set(o, "operator", json_object_get(w->assessment, "operator"));
    (void)json_object_set(o, "findings", w->fresh);
    return o;
}
