/* SPDX-License-Identifier: Apache-2.0 */
#include "cfg/internal.h"

/* Flags are read from the table here and not by getopt_long or argp: those keep their state in
 * globals, take any unambiguous beginning of a flag (so that a new key breaks old scripts), and
 * cannot name the nearest known flag. docs/adr/0001-configuration.md. */

struct cursor {
    const char *const *args;
    size_t n;
    size_t at;
};

static ts_err unknown(struct cfg_load *load, const char *flag, const char *name)
{
    char nearest[CFG_WHY_SIZE], copy[CFG_NAME_MAX + 1];
    if (flag[1] >= '0' && flag[1] <= '9')
        return cfg_fail(load, "argument %s: %s takes no number below 0", flag,
                        load->cfg->spec->program);
    snprintf(copy, sizeof(copy), "%s", name);
    copy[strcspn(copy, "=")] = 0;
    cfg_nearest(load->cfg->spec, copy, CFG_FLAG, nearest);
    return cfg_fail(load, "flag %.*s: not a flag of %s; %s", (int)strcspn(flag, "="), flag,
                    load->cfg->spec->program, nearest);
}

/* The flag's value: what is attached, else the next argument. */
static ts_err value_of(struct cfg_load *load, struct cursor *c, const char *flag, int flag_len,
                       const char *attached, const char **out)
{
    if (attached == NULL) {
        if (c->at == c->n)
            return cfg_fail(load, "flag %.*s: needs a value", flag_len, flag);
        attached = c->args[c->at];
        if (strncmp(attached, "--", 2) == 0)
            return cfg_fail(load, "flag %.*s: needs a value, but %s follows", flag_len, flag,
                            attached);
        c->at++;
    }
    *out = attached;
    return TS_OK;
}

/* The flags that every program has. *done: it was one. */
static ts_err take_common(struct cfg_load *load, struct cursor *c, const char *flag,
                          const char *attached, bool *done)
{
    size_t n = strcspn(flag, "=");
    static const struct {
        const char *flag;
        enum ts_cfg_ask ask;
    } asks[] = {{"--help", TS_CFG_HELP},
                {"-h", TS_CFG_HELP},
                {"--version", TS_CFG_VERSION},
                {"-V", TS_CFG_VERSION},
                {"--print-config", TS_CFG_PRINT}};
    *done = true;
    for (size_t i = 0; i < TS_COUNT(asks); i++) {
        if (strlen(asks[i].flag) != n || memcmp(asks[i].flag, flag, n) != 0)
            continue;
        if (attached != NULL)
            return cfg_fail(load, "flag %s: takes no value", asks[i].flag);
        if (load->ask != TS_CFG_HELP && load->ask != TS_CFG_VERSION)
            load->ask = asks[i].ask;
        return TS_OK;
    }
    if (!load->cfg->spec->no_file && n == 8 && memcmp(flag, "--config", n) == 0) {
        ts_err err = value_of(load, c, flag, (int)n, attached, &load->config_flag);
        if (err == TS_OK && (load->config_flag[0] == 0 || !cfg_is_line(load->config_flag)))
            return cfg_fail(load, "flag --config: the value is not a file's name");
        return err;
    }
    *done = false;
    return TS_OK;
}

static ts_err take_long(struct cfg_load *load, struct cursor *c, const char *flag)
{
    const struct ts_cfg_spec *spec = load->cfg->spec;
    const char *equals = strchr(flag, '=');
    const char *value = equals == NULL ? NULL : equals + 1;
    size_t n = strcspn(flag, "=");
    bool done;
    ts_err err = take_common(load, c, flag, value, &done);
    if (err != TS_OK || done)
        return err;
    size_t k = cfg_find(spec, flag + 2, n - 2);
    if (k == spec->n_keys)
        return unknown(load, flag, flag + 2);
    if (value == NULL && spec->keys[k].type == TS_CFG_BOOL)
        value = "true";
    err = value_of(load, c, flag, (int)n, value, &value);
    if (err != TS_OK)
        return err;
    char where[CFG_NAME_MAX + 16];
    snprintf(where, sizeof(where), "flag --%s", spec->keys[k].name);
    return cfg_take_text(load, k, CFG_FLAG, where, value);
}

static size_t find_letter(const struct ts_cfg_spec *spec, char letter)
{
    size_t k = 0;
    while (k < spec->n_keys && spec->keys[k].letter != letter)
        k++;
    return k;
}

/* "-d value", "-dvalue", and several letters without a value in one: "-jv". */
static ts_err take_letters(struct cfg_load *load, struct cursor *c, const char *flag)
{
    const struct ts_cfg_spec *spec = load->cfg->spec;
    bool done;
    ts_err err = take_common(load, c, flag, NULL, &done);
    for (const char *p = flag + 1; err == TS_OK && !done; p++) {
        const char one[3] = {'-', *p, 0};
        size_t k = find_letter(spec, *p);
        if (k == spec->n_keys)
            return unknown(load, flag, flag + 1);
        bool is_bool = spec->keys[k].type == TS_CFG_BOOL;
        const char *value = is_bool ? "true" : p[1] != 0 ? p + 1 : NULL;
        err = value_of(load, c, one, 2, value, &value);
        if (err == TS_OK) {
            char where[CFG_NAME_MAX + 16];
            snprintf(where, sizeof(where), "flag --%s", spec->keys[k].name);
            err = cfg_take_text(load, k, CFG_FLAG, where, value);
        }
        done = !is_bool || p[1] == 0;
    }
    return err;
}

static ts_err take_argument(struct cfg_load *load, const char *text)
{
    struct ts_cfg *cfg = load->cfg;
    if (cfg->n_args == cfg->spec->max_args)
        return cfg_fail(load, "argument \"%s\": %s takes %s", text, cfg->spec->program,
                        cfg->spec->max_args == 0 ? "none" : "no more");
    char *copy = cfg_dup(cfg, text, strlen(text));
    if (copy == NULL)
        return cfg_no_memory(load);
    cfg->args[cfg->n_args++] = copy;
    return TS_OK;
}

ts_err cfg_read_flags(struct cfg_load *load, const struct ts_cfg_sources *sources)
{
    struct cursor c = {sources->args, sources->n_args, 0};
    struct ts_cfg *cfg = load->cfg;
    cfg->args = ts_arena_array(&cfg->arena, cfg->spec->max_args + 1, sizeof(*cfg->args));
    if (cfg->args == NULL)
        return cfg_no_memory(load);
    ts_err err = TS_OK;
    bool only_args = false;
    while (err == TS_OK && c.at < c.n) {
        const char *arg = c.args[c.at++];
        if (only_args || arg[0] != '-' || arg[1] == 0)
            err = take_argument(load, arg);
        else if (strcmp(arg, "--") == 0)
            only_args = true;
        else if (arg[1] == '-')
            err = take_long(load, &c, arg);
        else
            err = take_letters(load, &c, arg);
    }
    return err;
}
