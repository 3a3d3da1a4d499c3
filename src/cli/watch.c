/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq watch: what happens, as it happens: on a terminal a screen that is drawn anew, else a line
 * of JSON for each change. It asks again and again, which works through every proxy and survives
 * every restart of the other side. */
#include <time.h>
#include <unistd.h>

#include "cli/watch.h"

struct options {
    struct cli_options base;
    uint64_t every_ms;
    bool once;
};

static const struct ts_cfg_key keys[] = {
    CLI_KEYS(struct options),
    TS_CFG(struct options, every_ms, "every", TS_CFG_MS, .def = "0", .max = 3600000,
           .help = "time between two looks; 0: half the time between batches, at most a second"),
    TS_CFG(struct options, once, "once", TS_CFG_BOOL, .help = "show it once and end"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq watch",
    .summary = "Shows what a node or host and its enclaves do, live, until Ctrl-C or q; a line of "
               "JSON for each change when standard output is no terminal.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .lenient_env = true,
    .no_file = true,
    .epilogue = "Without colours when NO_COLOR is set.\n",
};

static uint64_t pause_of(const struct options *o, const struct watch *w)
{
    uint64_t half = w->interval_ms / 2;
    if (o->every_ms > 0)
        return o->every_ms < 20 ? 20 : o->every_ms;
    return half == 0 || half > 1000 ? (half == 0 ? 500 : 1000) : half < 50 ? 50 : half;
}

static bool has_colour(void)
{
    const char *no = getenv("NO_COLOR");
    return no == NULL || no[0] == 0;
}

/* ---- lines of JSON ---- */

static void print_line(const struct watch *w)
{
    json_t *o = watch_json(w, cli_mono_ms());
    if (o == NULL)
        return;
    json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(o);
}

static int run_lines(const struct options *o, struct watch *w)
{
    for (;;) {
        bool is_there = watch_look(w);
        if (o->once && !is_there)
            return cli_fail_call(w->o, w->why);
        if (w->is_changed || o->once)
            print_line(w);
        w->is_changed = false;
        if (fflush(stdout) != 0 || cli_stdout_ended() || o->once)
            return TS_EXIT_OK; /* who has left is no error; a full disk main tells */
        usleep((useconds_t)(pause_of(o, w) * 1000));
    }
}

/* ---- a screen ---- */

static bool show(const struct watch *w)
{
    struct ts_buf frame;
    ts_buf_init(&frame, 0);
    ts_buf_printf(&frame, "\x1b[H");
    watch_draw(w, watch_screen_size(), has_colour(), true, cli_mono_ms(), &frame);
    bool ok = watch_screen_show(ts_buf_bytes(&frame));
    ts_buf_free(&frame);
    return ok;
}

static int show_once(struct watch *w)
{
    struct ts_buf frame;
    if (!watch_look(w))
        return cli_fail_call(w->o, w->why);
    ts_buf_init(&frame, 0);
    watch_draw(w, (struct watch_size){.columns = watch_screen_size().columns}, has_colour(), false,
               cli_mono_ms(), &frame);
    fwrite(frame.p, 1, frame.n, stdout);
    ts_buf_free(&frame);
    return TS_EXIT_OK;
}

static int run_screen(const struct options *o, struct watch *w)
{
    enum watch_event e = WATCH_TIME;
    uint64_t next = 0;
    bool ok = true;
    while (ok && e != WATCH_QUIT) {
        if (cli_mono_ms() >= next) {
            (void)watch_look(w);
            next = cli_mono_ms() + pause_of(o, w);
        }
        ok = show(w);
        uint64_t now = cli_mono_ms();
        e = watch_screen_wait(next > now ? next - now : 0);
    }
    watch_screen_close();
    return TS_EXIT_OK;
}

int verb_watch(int argc, char **argv)
{
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    struct watch *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return cli_fail("out of memory");
    w->o = &o.base;
    w->findings = json_array();
    w->fresh = json_array();
    if (o.base.json || !isatty(STDOUT_FILENO))
        code = run_lines(&o, w);
    else if (o.once)
        code = show_once(w);
    else if (watch_screen_open())
        code = run_screen(&o, w);
    else
        code = run_lines(&o, w);
    watch_free(w);
    free(w);
    ts_cfg_free(cfg);
    return code;
}
