/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a node or a host for what may have changed. A host has no audit, and is asked for its own
 * view of the enclaves. */
#include "cli/watch.h"
#include "net/http_client.h"

#define LOOK_MS  3000u
#define AUDIT_MS 1000u /* without a new batch: evidence may come */
/* So far back a finding may be of a batch that is known already. */
#define EVIDENCE_BACK 256u
#define BATCHES_AT    64u /* whole batches, of a host: fewer, since they may be large */

/* What a call came to. */
enum came { CAME, REFUSED, LOST };

static enum came ask(struct watch *w, const char *method, json_t *params, json_t **out)
{
    char why[512];
    ts_err err = ts_rpc_call_blocking(w->o->rpc, w->o->token, method, params, LOOK_MS, out, why,
                                      sizeof(why));
    if (err == TS_OK)
        return CAME;
    snprintf(w->why, sizeof(w->why), "%.299s", why);
    return err == TS_E_CONFLICT ? REFUSED : LOST;
}

/* As much of text as fits. */
static void set(char *to, size_t size, const char *text, bool *changed)
{
    size_t n = strnlen(text, size - 1);
    if (strnlen(to, size) == n && memcmp(to, text, n) == 0)
        return;
    *changed = true;
    memcpy(to, text, n);
    to[n] = 0;
}

/* ---- the head -------------------------------------------------------------------------------- */

static void read_head(struct watch *w, const json_t *s)
{
    char text[80];
    const json_t *head = json_object_get(s, "head");
    uint64_t number = cli_u64(head, "number");
    set(w->hash, sizeof(w->hash), cli_text(head, "hash", text), &w->is_changed);
    if (number != w->head || w->head_ms == 0)
        w->head_ms = cli_mono_ms();
    if (number < w->head)
        watch_forget(w);
    w->head = number;
    w->head_time = cli_u64(head, "time");
    w->term = cli_u64(json_object_get(head, "term") != NULL ? head : s, "term");
    set(w->state, sizeof(w->state), cli_text(s, "state", text), &w->is_changed);
}

static void read_host(struct watch *w, const json_t *s)
{
    char text[80], remark[400];
    size_t i;
    json_t *e;
    read_head(w, s);
    w->interval_ms = cli_u64(s, "batchInterval");
    w->pool = cli_u64(json_object_get(s, "mempool"), "transactions");
    set(w->active, sizeof(w->active), cli_text(s, "active", text), &w->is_changed);
    json_array_foreach(json_object_get(s, "enclaves"), i, e)
    {
        if (json_string_value(json_object_get(e, "id")) == NULL)
            continue; /* it has not said who it is */
        struct watch_lane *lane = watch_lane(w, cli_text(e, "id", text));
        if (lane == NULL)
            continue;
        set(lane->state, sizeof(lane->state), cli_text(e, "role", text), &w->is_changed);
        cli_remark(e, remark);
        set(lane->note, sizeof(lane->note), remark, &w->is_changed);
        lane->has_figures = true;
        lane->boots = cli_u64(e, "restarts");
        lane->lag = cli_u64(e, "lag");
    }
}

static void read_node(struct watch *w, const json_t *s)
{
    char text[80];
    size_t i;
    json_t *p;
    const char *genesis = cli_text(s, "genesis", text);
    if (w->genesis[0] != 0 && strcmp(w->genesis, genesis) != 0)
        watch_forget(w); /* another network behind the same address */
    set(w->genesis, sizeof(w->genesis), genesis, &w->is_changed);
    read_head(w, s);
    set(w->client, sizeof(w->client), cli_text(s, "client", text), &w->is_changed);
    w->target = cli_u64(s, "target");
    w->peers = json_array_size(json_object_get(s, "peers"));
    w->peers_up = 0;
    json_array_foreach(json_object_get(s, "peers"), i, p)
    {
        const char *state = json_string_value(json_object_get(p, "state"));
        w->peers_up += state != NULL && strcmp(state, "up") == 0;
    }
}

/* The first answer says which it is, until the connection is lost. */
static enum came look_at_head(struct watch *w)
{
    json_t *s = NULL;
    enum came c = REFUSED;
    if (w->is_host || !w->is_known)
        c = ask(w, "sequencer_status", NULL, &s);
    if (c == LOST)
        return LOST;
    w->is_host = c == CAME;
    if (c == REFUSED)
        c = ask(w, "ten_health", NULL, &s);
    if (c != CAME)
        return LOST;
    if (w->is_host)
        read_host(w, s);
    else
        read_node(w, s);
    json_decref(s);
    return CAME;
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static uint64_t newest_column(const struct watch *w)
{
    return w->n_columns > 0 ? w->columns[w->n_columns - 1].number : 0;
}

static enum came look_at_timeline(struct watch *w, uint64_t from)
{
    json_t *t = NULL;
    json_t *params = json_pack("[{s:I,s:I,s:I}]", "from", (json_int_t)from, "to",
                               (json_int_t)w->head, "points", (json_int_t)WATCH_COLUMNS);
    enum came c = ask(w, "ten_timeline", params, &t);
    if (c == CAME)
        watch_add_timeline(w, t);
    json_decref(t);
    return c;
}

static enum came look_at_batches(struct watch *w, uint64_t from)
{
    json_t *list = NULL;
    if (w->head - from >= BATCHES_AT)
        from = w->head - BATCHES_AT + 1;
    uint64_t count = w->head - from + 1;
    json_t *params = json_pack("[{s:I,s:I}]", "from", (json_int_t)from, "count", (json_int_t)count);
    enum came c = ask(w, "ten_getBatches", params, &list);
    if (c == CAME)
        watch_add_batches(w, list);
    json_decref(list);
    return c;
}

/* The batches since the newest one known; after a long time away only the newest. */
static enum came look_at_lanes(struct watch *w)
{
    uint64_t from = newest_column(w) + 1;
    if (from > w->head)
        return CAME;
    if (w->head - from >= WATCH_COLUMNS) {
        w->n_columns = 0;
        from = w->head - WATCH_COLUMNS + 1;
    }
    enum came c = REFUSED;
    if (!w->no_timeline)
        c = look_at_timeline(w, from);
    if (c == REFUSED) {
        w->no_timeline = true;
        c = look_at_batches(w, from);
    }
    return c;
}

/* A host keeps no history: the letters of the genesis' enclaves are known there, and that of one
 * that came later as long as it is the only one. */
static void read_registry(struct watch *w, const json_t *r)
{
    size_t i, n_new = 0;
    json_t *e, *later = NULL;
    char id[80], letter[CLI_NAME_SIZE];
    json_array_foreach(json_object_get(r, "enclaves"), i, e)
    {
        struct watch_lane *lane = watch_lane(w, cli_text(e, "id", id));
        if (lane != NULL)
            lane->is_revoked = json_is_false(json_object_get(e, "whitelisted"));
        if (cli_names_letter(&w->names, id, letter)[0] != 0)
            continue;
        n_new++;
        later = e;
    }
    if (n_new != 1)
        return;
    json_t *one = json_pack("[O]", later);
    cli_names_learn(&w->names, one);
    json_decref(one);
}

static enum came look_at_registry(struct watch *w)
{
    json_t *r = NULL;
    enum came c = CAME;
    if (w->names.n == 0) {
        c = ask(w, "ten_registry", json_pack("[i]", 0), &r);
        if (c == CAME)
            cli_names_learn(&w->names, json_object_get(r, "enclaves"));
        json_decref(r);
    }
    if (c != CAME || ask(w, "ten_registry", NULL, &r) != CAME)
        return c == LOST ? LOST : CAME; /* it goes without */
    read_registry(w, r);
    json_decref(r);
    return CAME;
}

/* ---- the audit ------------------------------------------------------------------------------- */

static bool is_same(const json_t *a, const json_t *b)
{
    const json_t *x = json_object_get(a, "serial");
    const json_t *key = json_is_integer(x) ? x : json_object_get(a, "evidence");
    return key != NULL &&
           json_equal(key, json_object_get(b, json_is_integer(x) ? "serial" : "evidence"));
}

/* In its place, or in front. */
static void add_finding(struct watch *w, json_t *f)
{
    size_t i;
    json_t *old;
    json_array_foreach(w->findings, i, old)
    {
        if (!is_same(f, old))
            continue;
        if (json_equal(f, old))
            return;
        (void)json_array_remove(w->findings, i);
        break;
    }
    (void)json_array_insert(w->findings, 0, f);
    (void)json_array_append(w->fresh, f);
    while (json_array_size(w->findings) > WATCH_FINDINGS)
        (void)json_array_remove(w->findings, WATCH_FINDINGS);
    w->is_changed = true;
}

static int by_batch(const void *a, const void *b)
{
    uint64_t x = cli_u64(*(json_t *const *)a, "last");
    uint64_t y = cli_u64(*(json_t *const *)b, "last");
    return (x > y) - (x < y);
}

/* Those of evidence stand behind the others: all are taken by the batch they concern. */
static void take_findings(struct watch *w, const json_t *list)
{
    size_t n = json_array_size(list);
    json_t **order = calloc(n > 0 ? n : 1, sizeof(json_t *));
    if (order == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        order[i] = json_array_get(list, i);
    qsort(order, n, sizeof(json_t *), by_batch);
    for (size_t i = n > WATCH_FINDINGS ? n - WATCH_FINDINGS : 0; i < n; i++)
        add_finding(w, order[i]);
    free(order);
}

static enum came look_at_findings(struct watch *w, uint64_t from)
{
    json_t *answer = NULL;
    json_t *params = json_pack("[{s:I}]", "from", (json_int_t)from);
    enum came c = ask(w, "ten_findings", params, &answer);
    if (c == CAME)
        take_findings(w, json_object_get(answer, "findings"));
    json_decref(answer);
    return c;
}

static void read_assessment(struct watch *w, const json_t *a)
{
    char id[80], text[80];
    size_t i;
    json_t *e;
    w->interval_ms = cli_u64(json_object_get(a, "parameters"), "batchIntervalMs");
    w->active[0] = 0;
    json_array_foreach(json_object_get(a, "enclaves"), i, e)
    {
        const json_t *likely = json_object_get(e, "likelihood");
        struct watch_lane *lane = watch_lane(w, cli_text(e, "id", id));
        cli_text(e, "state", text);
        if (strcmp(text, "active") == 0)
            snprintf(w->active, sizeof(w->active), "%.43s", id);
        if (lane == NULL)
            continue;
        set(lane->state, sizeof(lane->state), text, &w->is_changed);
        lane->has_figures = true;
        lane->boots = cli_u64(e, "boots");
        lane->lag = cli_u64(json_object_get(e, "lag"), "last");
        lane->is_alarmed =
            json_is_true(json_object_get(json_object_get(likely, "merged"), "alarm"));
    }
}

static enum came look_at_audit(struct watch *w, uint64_t from)
{
    json_t *a = NULL;
    w->audit_ms = cli_mono_ms();
    if (w->no_findings)
        return CAME;
    enum came c = ask(w, "ten_assessment", NULL, &a);
    if (c == REFUSED)
        w->no_findings = true;
    if (c != CAME)
        return c == LOST ? LOST : CAME;
    json_decref(w->assessment);
    w->assessment = a;
    read_assessment(w, a);
    return look_at_findings(w, from);
}

/* ---- all ------------------------------------------------------------------------------------- */

static bool lost(struct watch *w)
{
    if (w->is_connected || w->lost_ms == 0) {
        w->lost_ms = w->seen_ms > 0 ? w->seen_ms : cli_mono_ms();
        w->is_changed = true;
    }
    w->is_connected = false;
    w->is_host = false;
    w->is_known = false; /* what comes back there may be another program */
    return false;
}

static void found(struct watch *w)
{
    if (w->lost_ms != 0) {
        w->back_ms = cli_mono_ms();
        w->away_ms = w->back_ms - w->lost_ms;
        w->is_changed = true;
    }
    w->lost_ms = 0;
    w->seen_ms = cli_mono_ms();
    w->is_connected = true;
    w->is_known = true;
}

bool watch_look(struct watch *w)
{
    uint64_t before = w->head;
    bool is_new = !w->is_connected;
    json_array_clear(w->fresh);
    if (look_at_head(w) == LOST)
        return lost(w);
    if (is_new)
        w->no_timeline = w->no_findings = false;
    bool is_moved = is_new || w->head != newest_column(w);
    if (is_moved && w->is_host && look_at_registry(w) == LOST)
        return lost(w);
    if (is_moved && look_at_lanes(w) == LOST)
        return lost(w);
    bool is_due = is_moved || cli_mono_ms() - w->audit_ms >= AUDIT_MS;
    uint64_t from = is_new || before < EVIDENCE_BACK ? 0 : before - EVIDENCE_BACK;
    if (is_due && look_at_audit(w, from) == LOST)
        return lost(w);
    bool is_stuck = watch_stuck(w, cli_mono_ms()) > 0;
    w->is_changed = w->is_changed || is_moved || is_stuck != w->is_stuck;
    w->is_stuck = is_stuck;
    found(w);
    return true;
}

void watch_free(struct watch *w)
{
    json_decref(w->assessment);
    json_decref(w->findings);
    json_decref(w->fresh);
}
