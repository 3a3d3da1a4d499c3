/* SPDX-License-Identifier: Apache-2.0 */
/* What each enclave was in the newest batches: a node tells it, of a host's batches it is read. */
#include "cli/watch.h"

void watch_forget(struct watch *w)
{
    w->n_columns = 0;
    w->n_lanes = 0;
    w->names.n = 0;
    w->lanes_left_out = 0;
    w->switched_at = 0;
}

struct watch_lane *watch_lane(struct watch *w, const char *id)
{
    char key[WATCH_ID];
    snprintf(key, sizeof(key), "%s", id);
    for (size_t i = 0; i < w->n_lanes; i++)
        if (strcmp(w->lanes[i].id, key) == 0)
            return &w->lanes[i];
    if (w->n_lanes == WATCH_LANES) {
        w->lanes_left_out++;
        return NULL;
    }
    struct watch_lane *lane = &w->lanes[w->n_lanes++];
    memset(lane, 0, sizeof(*lane));
    memcpy(lane->id, key, sizeof(key));
    memset(lane->cells, CELL_NONE, sizeof(lane->cells));
    return lane;
}

/* A column at the end; its index. */
static size_t add_column(struct watch *w, uint64_t number, uint64_t time)
{
    if (w->n_columns == WATCH_COLUMNS) {
        w->n_columns--;
        memmove(&w->columns[0], &w->columns[1], w->n_columns * sizeof(w->columns[0]));
        for (size_t i = 0; i < w->n_lanes; i++) {
            memmove(&w->lanes[i].cells[0], &w->lanes[i].cells[1], w->n_columns);
            w->lanes[i].cells[w->n_columns] = CELL_NONE;
        }
    }
    w->columns[w->n_columns] = (struct watch_column){.number = number, .time = time};
    for (size_t i = 0; i < w->n_lanes; i++)
        w->lanes[i].cells[w->n_columns] = CELL_NONE;
    return w->n_columns++;
}

static uint64_t item(const json_t *list, size_t i)
{
    const json_t *v = json_array_get(list, i);
    return json_is_integer(v) && json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v) : 0;
}

/* Who was active in the column before is off the list in this one. */
static bool is_removal(const struct watch *w, size_t at)
{
    static const char active[] = {CELL_ACTIVE, CELL_TAKEOVER, CELL_SWITCH, 0};
    for (size_t i = 0; at > 0 && i < w->n_lanes; i++) {
        const struct watch_lane *l = &w->lanes[i];
        if (l->cells[at] == CELL_REVOKED && strchr(active, l->cells[at - 1]) != NULL &&
            l->cells[at - 1] != 0)
            return true;
    }
    return false;
}

static void note_switch(struct watch *w, size_t at, bool is_unclean)
{
    w->switched_at = w->columns[at].number;
    w->is_unclean = is_unclean;
    w->is_removal = !is_unclean && is_removal(w, at);
    w->switch_ms = at > 0 && w->columns[at].time > w->columns[at - 1].time
                       ? w->columns[at].time - w->columns[at - 1].time
                       : 0;
}

/* ---- of a node ------------------------------------------------------------------------------- */

static char cell_of_state(const char *state)
{
    static const struct {
        const char *name;
        char cell;
    } states[] = {{"active", CELL_ACTIVE},
                  {"passive", CELL_PASSIVE},
                  {"starting", CELL_STARTING},
                  {"absent", CELL_ABSENT},
                  {"revoked", CELL_REVOKED}};
    for (size_t i = 0; state != NULL && i < TS_COUNT(states); i++)
        if (strcmp(state, states[i].name) == 0)
            return states[i].cell;
    return CELL_NONE;
}

static char cell_of_mark(const char *kind)
{
    static const struct {
        const char *name;
        char cell;
    } marks[] = {{"start", CELL_START},
                 {"restart", CELL_RESTART},
                 {"takeover", CELL_TAKEOVER},
                 {"clean-takeover", CELL_SWITCH},
                 {"granted", CELL_GRANTED}};
    for (size_t i = 0; kind != NULL && i < TS_COUNT(marks); i++)
        if (strcmp(kind, marks[i].name) == 0)
            return marks[i].cell;
    return CELL_NONE;
}

/* What says more goes over what says less. */
static void put_mark(struct watch_lane *lane, size_t at, char cell)
{
    static const char order[] = "GStRT";
    const char *old = strchr(order, lane->cells[at]);
    const char *new = cell != CELL_NONE ? strchr(order, cell) : NULL;
    if (new != NULL && (old == NULL || lane->cells[at] == 0 || new > old))
        lane->cells[at] = cell;
}

static void add_runs(struct watch_lane *lane, const json_t *runs, size_t base, size_t n)
{
    size_t i;
    json_t *run;
    json_array_foreach(runs, i, run)
    {
        char cell = cell_of_state(json_string_value(json_array_get(run, 2)));
        for (size_t k = item(run, 0); k <= item(run, 1) && k < n; k++)
            lane->cells[base + k] = cell;
    }
}

/* The column that holds it. */
static size_t column_of(const struct watch *w, uint64_t number)
{
    size_t at = w->n_columns;
    while (at > 0 && w->columns[at - 1].number >= number)
        at--;
    return at < w->n_columns ? at : SIZE_MAX;
}

static void add_mark(struct watch *w, const json_t *mark)
{
    char enclave[80];
    const char *kind = json_string_value(json_object_get(mark, "kind"));
    struct watch_lane *lane = watch_lane(w, cli_text(mark, "enclave", enclave));
    size_t at = column_of(w, cli_u64(mark, "batch"));
    char cell = cell_of_mark(kind);
    if (lane == NULL || at == SIZE_MAX)
        return;
    put_mark(lane, at, cell);
    if (cell == CELL_TAKEOVER || cell == CELL_SWITCH)
        note_switch(w, at, cell == CELL_TAKEOVER);
}

/* Buckets may be wider than a batch when those are huge; then each column stands for several. */
void watch_add_timeline(struct watch *w, const json_t *timeline)
{
    const json_t *buckets = json_object_get(timeline, "buckets");
    const json_t *first = json_object_get(buckets, "first");
    const json_t *time = json_object_get(buckets, "time");
    size_t n = json_array_size(first);
    size_t i;
    json_t *v;
    if (n == 0 || n > WATCH_COLUMNS) /* never asked for so many */
        return;
    for (i = 0; i < n; i++)
        (void)add_column(w, i + 1 < n ? item(first, i + 1) - 1 : cli_u64(timeline, "to"),
                         item(time, i));
    size_t base = w->n_columns - n;
    cli_names_learn(&w->names, json_object_get(timeline, "enclaves"));
    json_array_foreach(json_object_get(timeline, "lanes"), i, v)
    {
        char id[80];
        struct watch_lane *lane = watch_lane(w, cli_text(v, "id", id));
        if (lane != NULL)
            add_runs(lane, json_object_get(v, "runs"), base, n);
    }
    json_array_foreach(json_object_get(timeline, "marks"), i, v) add_mark(w, v);
}

/* ---- of batches ------------------------------------------------------------------------------ */

static void set_cell(struct watch *w, const char *id, size_t at, char cell)
{
    struct watch_lane *lane = id != NULL ? watch_lane(w, id) : NULL;
    if (lane != NULL)
        lane->cells[at] = cell;
}

static bool has_passive(const json_t *transitions, const char *id)
{
    size_t i;
    json_t *t;
    json_array_foreach(transitions, i, t)
    {
        const char *of = json_string_value(json_object_get(t, "enclaveId"));
        if (cli_u64(t, "kind") == 3 && of != NULL && strcmp(of, id) == 0)
            return true;
    }
    return false;
}

/* V5: who is listed reports or is absent. Who did once, and does not any more, was taken off. */
static void set_revoked(struct watch *w, size_t at)
{
    for (size_t i = 0; i < w->n_lanes; i++) {
        struct watch_lane *lane = &w->lanes[i];
        bool was_listed = at > 0 ? lane->cells[at - 1] != CELL_NONE : lane->is_revoked;
        if (lane->cells[at] == CELL_NONE && was_listed)
            lane->cells[at] = CELL_REVOKED;
    }
}

static void add_batch(struct watch *w, const json_t *batch)
{
    const json_t *header = json_object_get(batch, "header");
    const json_t *payload = json_object_get(batch, "protocolPayload");
    const json_t *transitions = json_object_get(payload, "transitions");
    const char *producer = json_string_value(json_object_get(header, "producer"));
    size_t at = add_column(w, cli_u64(header, "number"), cli_u64(header, "time"));
    const struct watch_lane *old = at > 0 ? w->columns[at - 1].producer : NULL;
    size_t i;
    json_t *v;
    if (json_array_size(json_object_get(payload, "reports")) == 0)
        for (i = 0; at > 0 && i < w->n_lanes; i++) { /* it reports nothing: all is as it was */
            char c = w->lanes[i].cells[at - 1];
            w->lanes[i].cells[at] = strchr(".sx- ", c) != NULL ? c : CELL_PASSIVE;
        }
    json_array_foreach(json_object_get(payload, "reports"), i, v)
        set_cell(w, json_string_value(json_object_get(v, "enclaveId")), at, CELL_PASSIVE);
    json_array_foreach(json_object_get(payload, "absent"), i, v)
        set_cell(w, json_string_value(v), at, CELL_ABSENT);
    set_cell(w, producer, at, CELL_ACTIVE);
    if (json_array_size(json_object_get(payload, "reports")) > 0)
        set_revoked(w, at);
    json_array_foreach(transitions, i, v)
    {
        const char *id = json_string_value(json_object_get(v, "enclaveId"));
        if (cli_u64(v, "kind") == 1)
            set_cell(w, id, at, cli_u64(v, "seq") > 1 ? CELL_RESTART : CELL_START);
    }
    w->columns[at].producer = producer != NULL ? watch_lane(w, producer) : NULL;
    if (old == NULL || producer == NULL || strcmp(old->id, producer) == 0)
        return;
    bool is_clean = has_passive(transitions, old->id) || old->cells[at] == CELL_REVOKED;
    set_cell(w, producer, at, is_clean ? CELL_SWITCH : CELL_TAKEOVER);
    note_switch(w, at, !is_clean);
}

void watch_add_batches(struct watch *w, const json_t *batches)
{
    size_t i;
    json_t *b;
    json_array_foreach(batches, i, b) add_batch(w, b);
}

/* ---- their pace ------------------------------------------------------------------------------ */

uint64_t watch_stuck(const struct watch *w, uint64_t now)
{
    uint64_t interval = w->interval_ms > 0 ? w->interval_ms : 1000;
    uint64_t limit = interval * 2 > interval + 1000 ? interval * 2 : interval + 1000;
    return w->head_ms > 0 && now - w->head_ms > limit ? now - w->head_ms : 0;
}

double watch_rate(const struct watch *w, uint64_t now)
{
    size_t n = w->n_columns < 20 ? w->n_columns : 20;
    if (n < 2 || watch_stuck(w, now) > 0)
        return 0;
    const struct watch_column *a = &w->columns[w->n_columns - n];
    const struct watch_column *b = &w->columns[w->n_columns - 1];
    uint64_t ms = b->time > a->time ? b->time - a->time : 0;
    return ms > 0 ? (double)(b->number - a->number) * 1000 / (double)ms : 0;
}
