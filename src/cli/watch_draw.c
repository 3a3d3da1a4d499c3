/* SPDX-License-Identifier: Apache-2.0 */
/* A frame: lines of plain ASCII, cut to the width, in colours where there are some. What servers
 * say is shown without anything a terminal would obey. */
#include <stdarg.h>

#include "cli/watch.h"

enum style { PLAIN, BOLD, DIM, GOOD, BAD, WARN, ON_GOOD, ON_BAD, ON_WARN, ON_BLUE, ON_MARK };

static const char *const codes[] = {
    [PLAIN] = "0",       [BOLD] = "1",          [DIM] = "2",           [GOOD] = "32",
    [BAD] = "1;31",      [WARN] = "33",         [ON_GOOD] = "30;42",   [ON_BAD] = "1;97;41",
    [ON_WARN] = "30;43", [ON_BLUE] = "1;97;44", [ON_MARK] = "1;97;45",
};

struct page {
    struct ts_buf *out;
    struct watch_size size;
    unsigned column, row;
    bool has_colour, is_screen;
    enum style style;
};

static bool is_full(const struct page *p)
{
    return p->size.rows > 0 && p->row >= p->size.rows;
}

static void set_style(struct page *p, enum style style)
{
    if (p->has_colour && style != p->style)
        ts_buf_printf(p->out, "\x1b[0;%sm", codes[style]);
    p->style = style;
}

static void put(struct page *p, enum style style, const char *text)
{
    if (is_full(p))
        return;
    set_style(p, style);
    for (; *text != 0 && p->column < p->size.columns; text++, p->column++)
        ts_buf_put_byte(p->out, *text >= ' ' && *text <= '~' ? (uint8_t)*text : '?');
}

static void say(struct page *p, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct page *p, enum style style, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put(p, style, text);
}

static void tab(struct page *p, unsigned column)
{
    while (p->column < column && p->column < p->size.columns && !is_full(p))
        put(p, PLAIN, " ");
}

/* On a screen every line has its place, so that none scrolls when the screen has just become
 * smaller. Behind a full line there is nothing to clear, and the cursor may still stand on its last
 * cell. */
static void end_line(struct page *p)
{
    if (is_full(p))
        return;
    set_style(p, PLAIN);
    if (p->is_screen && p->column < p->size.columns)
        ts_buf_printf(p->out, "\x1b[K");
    p->row++;
    p->column = 0;
    if (!p->is_screen)
        ts_buf_put_byte(p->out, '\n');
    else if (!is_full(p))
        ts_buf_printf(p->out, "\x1b[%u;1H", p->row + 1);
}

/* Broken between words; what does not fit on the line stands on the next, under its beginning. */
static void put_wrapped(struct page *p, enum style style, const char *text)
{
    unsigned indent = p->column < p->size.columns / 2 ? p->column : 2;
    while (*text != 0 && !is_full(p)) {
        size_t n = strcspn(text, " ");
        if (p->column > indent && p->column + n > p->size.columns) {
            end_line(p);
            tab(p, indent);
        }
        say(p, style, "%.*s%s", (int)n, text, text[n] == ' ' ? " " : "");
        text += n + (text[n] == ' ');
    }
}

/* "850 ms", "12.3 s", "15 min", "3.2 h", "4.1 days" */
static const char *span(uint64_t ms, char out[24])
{
    if (ms < 1000)
        snprintf(out, 24, "%llu ms", (unsigned long long)ms);
    else if (ms < 600000)
        snprintf(out, 24, "%.1f s", (double)ms / 1000);
    else if (ms < 7200000)
        snprintf(out, 24, "%llu min", (unsigned long long)((ms + 30000) / 60000));
    else if (ms < 172800000)
        snprintf(out, 24, "%.1f h", (double)ms / 3600000);
    else
        snprintf(out, 24, "%.1f days", (double)ms / 86400000);
    return out;
}

/* ---- what is now ----------------------------------------------------------------------------- */

static void draw_connection(struct page *p, const struct watch *w, uint64_t now)
{
    char text[24];
    if (!w->is_connected) {
        say(p, ON_BAD, "%s", w->head_ms == 0 ? " NOT CONNECTED " : " CONNECTION LOST ");
        say(p, BAD, " for %s, trying again", span(now - w->lost_ms, text));
        if (w->head_ms > 0)
            put(p, BAD, "; what is below is old");
        end_line(p);
        put(p, PLAIN, w->why);
        end_line(p);
    } else if (w->back_ms > 0 && now - w->back_ms < 10000 && w->away_ms > 0) {
        say(p, ON_GOOD, " CONNECTED AGAIN ");
        say(p, GOOD, " after %s", span(w->away_ms, text));
        end_line(p);
    }
}

/* Why a node is not where the chain is; NULL when it is, as far as it knows. */
static const char *why_behind(const struct watch *w, uint64_t stuck)
{
    if (w->is_host || !w->is_connected)
        return NULL;
    if (strcmp(w->state, "l1-behind") == 0)
        return "its L1 node is down, behind, or of another chain";
    if (strcmp(w->state, "l1-reorg") == 0)
        return "L1 no longer has blocks that the chain names";
    if (strcmp(w->state, "storage") == 0)
        return "it cannot store batches";
    if (strcmp(w->state, "catching-up") == 0)
        return "it is still catching up";
    return stuck > 0 && w->target > w->head + 1 ? "it takes no newer ones" : NULL;
}

static void draw_behind(struct page *p, const struct watch *w, const char *why)
{
    char text[160], of[32] = "";
    if (w->target > w->head + 1)
        snprintf(of, sizeof(of), " of %llu", (unsigned long long)w->target);
    snprintf(text, sizeof(text), "stands at batch %llu%s: %s; what follows holds up to there",
             (unsigned long long)w->head, of, why);
    put(p, ON_BAD, " NODE IS BEHIND ");
    put(p, PLAIN, " ");
    put_wrapped(p, BAD, text);
    end_line(p);
}

static const char *why_without(const struct watch *w)
{
    if (w->is_host)
        return "";
    return strcmp(w->state, "connecting") == 0
               ? ": this node reaches none of its peers, or the host is down"
               : ": a switch is on its way, or production is paused";
}

static void draw_switch(struct page *p, const struct watch *w, uint64_t now)
{
    char text[24];
    uint64_t stuck = w->is_connected ? watch_stuck(w, now) : 0;
    const char *behind = why_behind(w, stuck);
    if (behind != NULL) {
        draw_behind(p, w, behind);
        return;
    }
    bool is_without = w->is_host && w->active[0] == 0 && strcmp(w->state, "producing") == 0;
    if (w->is_connected && (stuck > 0 || is_without)) {
        put(p, ON_WARN, is_without ? " SWITCHING " : " NO BATCHES ");
        if (stuck > 0)
            say(p, WARN, " none for %s%s", span(stuck, text), why_without(w));
        else
            put(p, WARN, " no enclave is active now");
        end_line(p);
    } else if (w->switched_at > 0 && w->head - w->switched_at <= 20) {
        put(p, w->is_unclean ? ON_BAD : ON_BLUE,
            w->is_unclean   ? " UNCLEAN TAKEOVER "
            : w->is_removal ? " SWITCH AFTER A REMOVAL "
                            : " PLANNED SWITCH ");
        say(p, w->is_unclean ? BAD : PLAIN, " at batch %llu", (unsigned long long)w->switched_at);
        if (w->switch_ms > 0) /* batch times stand on a grid: it may be none */
            say(p, PLAIN, ", %s after the batch before", span(w->switch_ms, text));
        end_line(p);
    }
}

static void draw_head(struct page *p, const struct watch *w, uint64_t now)
{
    char small[20], letter[CLI_NAME_SIZE];
    say(p, BOLD, "%s ", w->is_host ? "host" : w->is_known || w->client[0] != 0 ? "node" : "tenseq");
    say(p, PLAIN, "%s", w->o->rpc);
    if (w->state[0] != 0)
        say(p,
            strcmp(w->state, "following") == 0 || strcmp(w->state, "producing") == 0 ? GOOD : WARN,
            "  %s", w->state);
    if (w->peers > 0)
        say(p, w->peers_up > 0 ? DIM : BAD, "  peers %llu of %llu", (unsigned long long)w->peers_up,
            (unsigned long long)w->peers);
    if (w->pool > 0)
        say(p, PLAIN, "  waiting %llu", (unsigned long long)w->pool);
    end_line(p);
    if (w->head_ms == 0)
        return;
    say(p, PLAIN, "head ");
    say(p, BOLD, "%llu", (unsigned long long)w->head);
    say(p, DIM, " %s", cli_short(w->hash, small));
    say(p, PLAIN, "  term %llu  ", (unsigned long long)w->term);
    say(p, PLAIN, "%.1f batches/s", watch_rate(w, now));
    end_line(p);
    say(p, PLAIN, "active ");
    if (w->active[0] != 0 && cli_names_letter(&w->names, w->active, letter)[0] != 0)
        say(p, GOOD, "%s ", letter);
    say(p, w->active[0] != 0 ? GOOD : WARN, "%s", w->active[0] != 0 ? w->active : "none");
    end_line(p);
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static enum style style_of(char cell)
{
    switch (cell) {
    case CELL_ACTIVE:
        return ON_GOOD;
    case CELL_PASSIVE:
        return GOOD;
    case CELL_STARTING:
    case CELL_START:
    case CELL_GRANTED:
        return ON_WARN;
    case CELL_ABSENT:
        return BAD;
    case CELL_RESTART:
        return ON_MARK;
    case CELL_TAKEOVER:
        return ON_BAD;
    case CELL_SWITCH:
        return ON_BLUE;
    default:
        return DIM;
    }
}

static const char *state_of(const struct watch *w, const struct watch_lane *lane)
{
    if (lane->is_revoked)
        return "revoked";
    if (lane->state[0] != 0)
        return lane->state;
    char cell = w->n_columns > 0 ? lane->cells[w->n_columns - 1] : CELL_NONE;
    return cell == CELL_NONE                                                           ? "-"
           : cell == CELL_ABSENT                                                       ? "absent"
           : style_of(cell) == ON_GOOD || cell == CELL_TAKEOVER || cell == CELL_SWITCH ? "active"
                                                                                       : "passive";
}

static enum style style_of_state(const char *state)
{
    return strcmp(state, "active") == 0    ? GOOD
           : strcmp(state, "passive") == 0 ? PLAIN
           : strcmp(state, "absent") == 0  ? BAD
                                           : WARN;
}

/* Where the cells begin; narrow screens do without figures. */
static unsigned cells_at(const struct page *p)
{
    return p->size.columns >= 60 ? 36 : p->size.columns >= 40 ? 24 : 15;
}

static void draw_lane(struct page *p, const struct watch *w, const struct watch_lane *lane)
{
    char name[CLI_NAME_SIZE];
    const char *state = state_of(w, lane);
    unsigned at = cells_at(p);
    say(p, PLAIN, "%-13s ", cli_names_of(&w->names, lane->id, name));
    if (at >= 24)
        say(p, style_of_state(state), at >= 36 ? "%-10.10s" : "%-9.9s", state);
    if (at >= 36 && lane->has_figures)
        say(p, lane->is_alarmed ? BAD : PLAIN, "%5llu", (unsigned long long)lane->boots);
    if (at >= 36 && lane->has_figures)
        say(p, lane->lag > 1 ? WARN : PLAIN, "%5llu", (unsigned long long)lane->lag);
    tab(p, at);
    size_t room = p->size.columns > at ? p->size.columns - at : 0;
    size_t n = w->n_columns < room ? w->n_columns : room;
    for (size_t i = w->n_columns - n; i < w->n_columns; i++) {
        const char cell[2] = {lane->cells[i], 0};
        put(p, style_of(cell[0]), cell);
    }
    end_line(p);
    if (lane->note[0] == 0)
        return;
    tab(p, 2);
    put_wrapped(p, WARN, lane->note);
    end_line(p);
}

/* By their letters, then those without. */
static void draw_each_lane(struct page *p, const struct watch *w)
{
    char letter[CLI_NAME_SIZE];
    for (size_t k = 0; k < w->names.n; k++)
        for (size_t i = 0; i < w->n_lanes; i++)
            if (strcmp(w->lanes[i].id, w->names.ids[k]) == 0)
                draw_lane(p, w, &w->lanes[i]);
    for (size_t i = 0; i < w->n_lanes; i++)
        if (cli_names_letter(&w->names, w->lanes[i].id, letter)[0] == 0)
            draw_lane(p, w, &w->lanes[i]);
}

static void draw_legend(struct page *p)
{
    static const struct {
        char cell;
        const char *what;
    } signs[] = {{CELL_ACTIVE, "active"},         {CELL_PASSIVE, "passive"},
                 {CELL_STARTING, "starting"},     {CELL_ABSENT, "absent"},
                 {CELL_REVOKED, "revoked"},       {CELL_TAKEOVER, "unclean takeover"},
                 {CELL_SWITCH, "planned switch"}, {CELL_RESTART, "restart"},
                 {CELL_START, "first start"},     {CELL_GRANTED, "listed"}};
    for (size_t i = 0; i < TS_COUNT(signs); i++) {
        if (p->column > 0 && p->column + strlen(signs[i].what) + 2 > p->size.columns)
            end_line(p);
        const char sign[2] = {signs[i].cell, 0};
        put(p, style_of(signs[i].cell), sign);
        say(p, DIM, " %s  ", signs[i].what);
    }
    end_line(p);
}

static void draw_lanes(struct page *p, const struct watch *w)
{
    unsigned at = cells_at(p);
    size_t room = p->size.columns > at ? p->size.columns - at : 0;
    size_t n = w->n_columns < room ? w->n_columns : room;
    if (w->n_lanes == 0)
        return;
    end_line(p);
    put(p, DIM, "enclave");
    tab(p, 14);
    put(p, DIM, at >= 24 ? "state" : "");
    tab(p, 24);
    put(p, DIM, at >= 36 ? "boots  lag" : "");
    tab(p, at);
    if (n > 0)
        say(p, DIM, "batches %llu to %llu", (unsigned long long)w->columns[w->n_columns - n].number,
            (unsigned long long)w->columns[w->n_columns - 1].number);
    end_line(p);
    draw_each_lane(p, w);
    if (w->lanes_left_out > 0) {
        put(p, DIM, "and more than fit");
        end_line(p);
    }
    draw_legend(p);
}

/* ---- the audit ------------------------------------------------------------------------------- */

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

/* Only the merged one accuses: the raw one oversteps too often when honest restarts come in
 * clusters (docs/assessment.md). */
static void draw_ratio(struct page *p, const char *name, const json_t *l, bool accuses)
{
    bool alarm = json_is_true(json_object_get(l, "alarm"));
    double ratio = number(l, "logRatio"), threshold = number(l, "threshold");
    if (ratio > -0.05 && ratio < 0)
        ratio = 0; /* not "-0.0" */
    if (!alarm && ratio > threshold - 0.1)
        ratio = threshold - 0.1; /* not rounded up to it */
    say(p, !alarm ? PLAIN : accuses ? BAD : WARN, "%.1f of %.1f", ratio, threshold);
    say(p, PLAIN, " (%s)", name);
    if (alarm && accuses) {
        put(p, PLAIN, " ");
        say(p, ON_BAD, "ALARM since batch %llu", (unsigned long long)cli_u64(l, "alarmAt"));
    }
}

static void draw_suspicion(struct page *p, const json_t *raw, const json_t *merged)
{
    say(p, BOLD, "suspicion ");
    draw_ratio(p, "each restart", raw, false);
    if (p->column + 26 > p->size.columns) {
        end_line(p);
        tab(p, 10);
    } else {
        put(p, PLAIN, ", ");
    }
    draw_ratio(p, "each incident", merged, true);
    end_line(p);
    if (!json_is_true(json_object_get(raw, "alarm")) ||
        json_is_true(json_object_get(merged, "alarm")))
        return;
    tab(p, 10);
    put_wrapped(p, WARN, "no alarm: restarts came close together. One incident?");
    end_line(p);
}

static void draw_assessment(struct page *p, const struct watch *w)
{
    const json_t *op = json_object_get(w->assessment, "operator");
    const json_t *par = json_object_get(w->assessment, "parameters");
    const json_t *likely = json_object_get(op, "likelihood");
    const json_t *exposure = json_object_get(op, "exposure");
    const json_t *takeovers = json_object_get(op, "takeovers");
    uint64_t proofs = cli_u64(op, "proofs");
    char text[24];
    if (w->assessment == NULL)
        return;
    end_line(p);
    say(p, BOLD, "operator ");
    say(p, proofs > 0 ? ON_BAD : PLAIN, "proofs %llu", (unsigned long long)proofs);
    say(p, PLAIN, ", omissions %llu, patterns %llu", (unsigned long long)cli_u64(op, "omissions"),
        (unsigned long long)cli_u64(op, "patterns"));
    say(p, PLAIN, "; takeovers: planned %llu, unclean %llu",
        (unsigned long long)cli_u64(takeovers, "clean"),
        (unsigned long long)cli_u64(takeovers, "unclean"));
    end_line(p);
    say(p, BOLD, "restarts ");
    say(p, PLAIN, "%llu in %s; promised: at most %.4g a day",
        (unsigned long long)cli_u64(op, "restarts"),
        span((uint64_t)(number(op, "days") * 86400000), text), number(par, "lambda0PerDay"));
    end_line(p);
    draw_suspicion(p, json_object_get(likely, "raw"), json_object_get(likely, "merged"));
    say(p, BOLD, "unseen   ");
    uint64_t boots = cli_u64(exposure, "boots") + cli_u64(exposure, "openBoots");
    say(p, PLAIN, "at most %llu boot%s in %s without reports (and what leaves no trace)",
        (unsigned long long)boots, boots == 1 ? "" : "s",
        span(cli_u64(exposure, "darkMs") + cli_u64(exposure, "openMs"), text));
    end_line(p);
}

static void draw_findings(struct page *p, const struct watch *w)
{
    size_t i;
    json_t *f;
    end_line(p);
    put(p, BOLD,
        w->no_findings                      ? "findings: a host has none, ask a node"
        : json_array_size(w->findings) == 0 ? "findings: none"
                                            : "newest findings");
    end_line(p);
    json_array_foreach(w->findings, i, f)
    {
        char severity[80], text[80], batches[48], named[512];
        const char *what = json_string_value(json_object_get(f, "text"));
        bool is_proof = strcmp(cli_text(f, "severity", severity), "proof") == 0;
        bool is_open = strcmp(cli_text(f, "state", text), "open") == 0;
        if (is_full(p) || (p->size.rows == 0 && i == 10))
            break;
        say(p, DIM, "%11s ", cli_batches(f, batches));
        say(p,
            is_proof                            ? ON_BAD
            : strcmp(severity, "omission") == 0 ? WARN
                                                : PLAIN,
            "%-9s", severity);
        if (is_open)
            put(p, WARN, " lasts:");
        put(p, PLAIN, " ");
        cli_names_in(&w->names, what != NULL ? what : cli_text(f, "name", text), named,
                     sizeof(named));
        put_wrapped(p, PLAIN, named);
        end_line(p);
    }
}

void watch_draw(const struct watch *w, struct watch_size size, bool has_colour, bool is_screen,
                uint64_t now, struct ts_buf *out)
{
    struct page p = {.out = out, .size = size, .has_colour = has_colour, .is_screen = is_screen};
    draw_head(&p, w, now);
    draw_connection(&p, w, now);
    if (w->head_ms > 0) {
        draw_switch(&p, w, now);
        draw_lanes(&p, w);
        draw_assessment(&p, w);
        draw_findings(&p, w);
    }
    if (is_screen && !is_full(&p))
        ts_buf_printf(out, "%s\x1b[J", has_colour ? "\x1b[0m" : "");
}
