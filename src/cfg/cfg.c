/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>

#include "base/log.h"
#include "cfg/internal.h"

#define CFG_MEMORY (16u << 20)

const char *const ts_cfg_log_levels[] = {
    [TS_LOG_ERROR] = "error", [TS_LOG_WARN] = "warn",    [TS_LOG_INFO] = "info",
    [TS_LOG_DEBUG] = "debug", [TS_LOG_DEBUG + 1] = NULL,
};
const char *const ts_cfg_log_formats[] = {
    [TS_LOG_TEXT] = "text",
    [TS_LOG_JSON] = "json",
    [TS_LOG_JSON + 1] = NULL,
};

ts_err cfg_fail(struct cfg_load *load, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(load->error, TS_CFG_ERROR_SIZE, format, args);
    va_end(args);
    for (char *p = load->error; *p != 0; p++) { /* the text may quote anything */
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    return TS_E_USAGE;
}

ts_err cfg_no_memory(struct cfg_load *load)
{
    snprintf(load->error, TS_CFG_ERROR_SIZE, "out of memory while reading the configuration");
    return TS_E_NOMEM;
}

char *cfg_dup(struct ts_cfg *cfg, const char *p, size_t n)
{
    char *copy = ts_arena_alloc(&cfg->arena, n + 1);
    if (copy != NULL && n > 0)
        memcpy(copy, p, n);
    return copy;
}

void cfg_begin(struct cfg_load *load, size_t k, enum cfg_origin origin)
{
    struct cfg_value *v = &load->cfg->values[k];
    if (origin > v->origin) {
        v->origin = origin;
        v->n = 0;
    }
}

static ts_err append(struct cfg_load *load, struct cfg_value *v, const char *text)
{
    struct ts_cfg *cfg = load->cfg;
    if (v->n == v->cap) {
        size_t cap = v->cap == 0 ? 4 : v->cap * 2;
        const char **items = ts_arena_array(&cfg->arena, cap, sizeof(*items));
        if (items == NULL)
            return cfg_no_memory(load);
        if (v->n > 0)
            memcpy(items, v->items, v->n * sizeof(*items));
        v->items = items;
        v->cap = cap;
    }
    char *copy = cfg_dup(cfg, text, strlen(text));
    if (copy == NULL)
        return cfg_no_memory(load);
    v->items[v->n++] = copy;
    return TS_OK;
}

ts_err cfg_take(struct cfg_load *load, size_t k, enum cfg_origin origin, const char *where,
                const char *text)
{
    const struct ts_cfg_key *key = &load->cfg->spec->keys[k];
    struct cfg_value *v = &load->cfg->values[k];
    bool is_list = key->type == TS_CFG_LIST;
    bool is_secret = (key->flags & TS_CFG_SECRET) != 0;
    union cfg_parsed parsed;
    char why[CFG_WHY_SIZE];
    if (!cfg_parse(key, is_list ? key->item : key->type, text, &parsed, why))
        return cfg_fail(load, "%s: %s%s%s %s", where, is_secret ? "the value" : "\"",
                        is_secret ? "" : text, is_secret ? "" : "\"", why);
    if (origin < v->origin) /* checked all the same: no source may hide a mistake in another */
        return TS_OK;
    cfg_begin(load, k, origin);
    if (!is_list)
        v->n = 0;
    return append(load, v, text);
}

/* The next item of a comma-separated list, without the blanks around it. */
static const char *next_item(const char *p, size_t *n)
{
    p += strspn(p, " ");
    size_t len = strcspn(p, ",");
    *n = len;
    while (*n > 0 && p[*n - 1] == ' ')
        (*n)--;
    return p;
}

ts_err cfg_take_text(struct cfg_load *load, size_t k, enum cfg_origin origin, const char *where,
                     const char *text)
{
    if (load->cfg->spec->keys[k].type != TS_CFG_LIST)
        return cfg_take(load, k, origin, where, text);
    cfg_begin(load, k, origin);
    if (text[strspn(text, " ")] == 0)
        return TS_OK;
    for (const char *p = text;; p++) {
        size_t n;
        const char *item = next_item(p, &n);
        char *copy = cfg_dup(load->cfg, item, n);
        if (copy == NULL)
            return cfg_no_memory(load);
        if (n == 0)
            return cfg_fail(load, "%s: an item of the list is empty", where);
        ts_err err = cfg_take(load, k, origin, where, copy);
        p = item + strcspn(item, ",");
        if (err != TS_OK || *p == 0)
            return err;
    }
}

/* Mistakes in a program's table are the program's. */
static void check_key(const struct ts_cfg_spec *spec, size_t k)
{
    static const size_t sizes[] = {
        [TS_CFG_STRING] = sizeof(char *),
        [TS_CFG_PATH] = sizeof(char *),
        [TS_CFG_U64] = sizeof(uint64_t),
        [TS_CFG_REAL] = sizeof(double),
        [TS_CFG_MS] = sizeof(uint64_t),
        [TS_CFG_SIZE] = sizeof(uint64_t),
        [TS_CFG_BOOL] = sizeof(bool),
        [TS_CFG_ADDRESS] = sizeof(ts_address),
        [TS_CFG_ENDPOINT] = sizeof(char *),
        [TS_CFG_ENUM] = sizeof(int),
        [TS_CFG_LIST] = sizeof(struct ts_cfg_list),
    };
    const struct ts_cfg_key *key = &spec->keys[k];
    size_t n = strlen(key->name);
    TS_CHECK(n > 0 && n <= CFG_NAME_MAX);
    TS_CHECK(strspn(key->name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n);
    TS_CHECK(key->size == sizes[key->type]);
    TS_CHECK(key->help != NULL);
    TS_CHECK(key->type != TS_CFG_ENUM || key->choices != NULL);
    TS_CHECK(key->item != TS_CFG_LIST && key->item != TS_CFG_ENUM && key->item != TS_CFG_BOOL);
    TS_CHECK(key->item != TS_CFG_REAL);
    TS_CHECK(cfg_find(spec, key->name, n) == k); /* no name twice */
}

static ts_err set_defaults(struct cfg_load *load)
{
    const struct ts_cfg_spec *spec = load->cfg->spec;
    for (size_t k = 0; k < spec->n_keys; k++) {
        check_key(spec, k);
        if (spec->keys[k].def == NULL)
            continue;
        ts_err err = cfg_take_text(load, k, CFG_DEFAULT, spec->keys[k].name, spec->keys[k].def);
        TS_CHECK(err != TS_E_USAGE);
        if (err != TS_OK)
            return err;
    }
    return TS_OK;
}

/* The file's name as it may stand in messages and comments. */
static ts_err name_file(struct cfg_load *load, const char *name)
{
    char *copy = cfg_dup(load->cfg, name, strlen(name));
    if (copy == NULL)
        return cfg_no_memory(load);
    if (!cfg_is_line(copy)) {
        for (char *p = copy; *p != 0; p++)
            *p = (char)(*p < ' ' || *p > '~' ? '?' : *p);
    }
    load->cfg->file_name = copy;
    return TS_OK;
}

static ts_err read_open_file(struct cfg_load *load, FILE *f)
{
    uint8_t *bytes = ts_arena_alloc(&load->cfg->arena, TS_CFG_FILE_MAX + 1);
    if (bytes == NULL)
        return cfg_no_memory(load);
    errno = 0;
    size_t n = fread(bytes, 1, TS_CFG_FILE_MAX + 1, f);
    if (ferror(f))
        return cfg_fail(load, "%s: %s", load->cfg->file_name, strerror(errno));
    return cfg_read_yaml(load, ts_bytes_of(bytes, n));
}

static const char *env_value(const char *const *env, const char *name)
{
    size_t n = strlen(name);
    for (; env != NULL && *env != NULL; env++) {
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    }
    return NULL;
}

static ts_err read_file(struct cfg_load *load, const struct ts_cfg_sources *sources)
{
    if (load->cfg->spec->no_file)
        return TS_OK;
    const char *path = load->config_flag;
    if (sources->file.p != NULL) {
        ts_err err = name_file(load, sources->file_name);
        return err == TS_OK ? cfg_read_yaml(load, sources->file) : err;
    }
    if (path == NULL)
        path = env_value(sources->env, CFG_ENV_PREFIX "CONFIG");
    if (path == NULL)
        return TS_OK;
    ts_err err = name_file(load, path);
    if (err != TS_OK)
        return err;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return cfg_fail(load, "%s: %s: %s",
                        load->config_flag != NULL ? "flag --config"
                                                  : "environment " CFG_ENV_PREFIX "CONFIG",
                        load->cfg->file_name, strerror(errno));
    err = read_open_file(load, f);
    fclose(f);
    return err;
}

static ts_err check_complete(struct cfg_load *load)
{
    const struct ts_cfg *cfg = load->cfg;
    const struct ts_cfg_spec *spec = cfg->spec;
    for (size_t k = 0; k < spec->n_keys; k++) {
        const struct ts_cfg_key *key = &spec->keys[k];
        if ((key->flags & TS_CFG_REQUIRED) == 0 || cfg->values[k].n > 0)
            continue;
        if (spec->no_file)
            return cfg_fail(load, "flag --%s %s is missing: %s", key->name, cfg_value_name(key),
                            key->help);
        return cfg_fail(load, "%s: must be given: %s (--%s)", key->name, key->help, key->name);
    }
    if (cfg->n_args < spec->min_args)
        return cfg_fail(load, "%s must be given", spec->args);
    return TS_OK;
}

static void store(const struct ts_cfg *cfg, size_t k, void *out)
{
    const struct ts_cfg_key *key = &cfg->spec->keys[k];
    const struct cfg_value *v = &cfg->values[k];
    union cfg_parsed parsed;
    char why[CFG_WHY_SIZE];
    uint8_t *member = (uint8_t *)out + key->offset;
    memset(member, 0, key->size);
    if (key->type == TS_CFG_LIST) {
        struct ts_cfg_list list = {v->items, v->n};
        memcpy(member, &list, sizeof(list));
        return;
    }
    if (v->n == 0)
        return;
    TS_CHECK(cfg_parse(key, key->type, v->items[0], &parsed, why));
    switch (key->type) {
    case TS_CFG_STRING:
    case TS_CFG_PATH:
    case TS_CFG_ENDPOINT:
        memcpy(member, &v->items[0], key->size);
        break;
    default: /* every member of the union starts where the union does */
        memcpy(member, &parsed, key->size);
        break;
    }
}

static ts_err load_all(struct cfg_load *load, const struct ts_cfg_sources *sources, void *out)
{
    struct ts_cfg *cfg = load->cfg;
    cfg->values = ts_arena_array(&cfg->arena, cfg->spec->n_keys + 1, sizeof(*cfg->values));
    if (cfg->values == NULL)
        return cfg_no_memory(load);
    ts_err err = set_defaults(load);
    if (err == TS_OK)
        err = cfg_read_flags(load, sources);
    if (err != TS_OK || load->ask == TS_CFG_HELP || load->ask == TS_CFG_VERSION)
        return err;
    err = read_file(load, sources);
    if (err == TS_OK)
        err = cfg_read_env(load, sources->env);
    if (err == TS_OK)
        err = check_complete(load);
    for (size_t k = 0; err == TS_OK && k < cfg->spec->n_keys; k++)
        store(cfg, k, out);
    return err;
}

ts_err ts_cfg_load(const struct ts_cfg_spec *spec, const struct ts_cfg_sources *sources, void *out,
                   struct ts_cfg **cfg, enum ts_cfg_ask *ask, char error[TS_CFG_ERROR_SIZE])
{
    struct cfg_load load = {.cfg = calloc(1, sizeof(*load.cfg)), .error = error};
    *cfg = NULL;
    error[0] = 0;
    if (load.cfg == NULL)
        return cfg_no_memory(&load);
    load.cfg->spec = spec;
    ts_arena_init(&load.cfg->arena, CFG_MEMORY);
    ts_err err = load_all(&load, sources, out);
    if (err != TS_OK) {
        ts_cfg_free(load.cfg);
        return err;
    }
    *ask = load.ask;
    *cfg = load.cfg;
    return TS_OK;
}

void ts_cfg_free(struct ts_cfg *cfg)
{
    if (cfg == NULL)
        return;
    ts_arena_free(&cfg->arena);
    free(cfg);
}

const char *const *ts_cfg_args(const struct ts_cfg *cfg, size_t *n)
{
    *n = cfg->n_args;
    return cfg->args;
}

bool ts_cfg_is_set(const struct ts_cfg *cfg, const char *name)
{
    size_t k = cfg_find(cfg->spec, name, strlen(name));
    TS_CHECK(k < cfg->spec->n_keys);
    return cfg->values[k].origin > CFG_DEFAULT;
}
