/* SPDX-License-Identifier: Apache-2.0 */
#include "cfg/internal.h"

const char *cfg_value_name(const struct ts_cfg_key *key)
{
    static const char *const names[] = {
        [TS_CFG_STRING] = "TEXT", [TS_CFG_PATH] = "PATH",       [TS_CFG_U64] = "N",
        [TS_CFG_REAL] = "X",      [TS_CFG_MS] = "DURATION",     [TS_CFG_SIZE] = "SIZE",
        [TS_CFG_BOOL] = "",       [TS_CFG_ADDRESS] = "ADDRESS", [TS_CFG_ENDPOINT] = "HOST:PORT",
        [TS_CFG_ENUM] = "",       [TS_CFG_LIST] = "",
    };
    if (key->value_name != NULL)
        return key->value_name;
    return names[key->type == TS_CFG_LIST ? key->item : key->type];
}

/* Text as a YAML scalar that reads back as the same text. */
static void put_scalar(FILE *to, const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_";
    bool is_null = strcmp(text, "null") == 0;
    if (text[0] != 0 && !is_null && strspn(text, safe) == strlen(text)) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (const char *p = text; *p != 0; p++) {
        if (*p == '"' || *p == '\\')
            fputc('\\', to);
        fputc(*p, to);
    }
    fputc('"', to);
}

static void put_value(FILE *to, const struct ts_cfg_key *key, const struct cfg_value *v)
{
    if (key->type != TS_CFG_LIST) {
        put_scalar(to, v->items[0]);
        return;
    }
    fputc('[', to);
    for (size_t i = 0; i < v->n; i++) {
        fputs(i == 0 ? "" : ", ", to);
        put_scalar(to, v->items[i]);
    }
    fputc(']', to);
}

char *ts_cfg_origin(const struct ts_cfg *cfg, const char *name, char *out, size_t size)
{
    size_t k = cfg_find(cfg->spec, name, strlen(name));
    TS_CHECK(k < cfg->spec->n_keys);
    char env[CFG_NAME_MAX + 16];
    switch (cfg->values[k].origin) {
    case CFG_FLAG:
        snprintf(out, size, "flag --%s", name);
        break;
    case CFG_ENV:
        cfg_env_name(name, env);
        snprintf(out, size, "environment %s", env);
        break;
    case CFG_FILE:
        snprintf(out, size, "%s:%zu", cfg->file_name, cfg->values[k].file_line);
        break;
    default:
        snprintf(out, size, "default");
        break;
    }
    return out;
}

void ts_cfg_print(const struct ts_cfg *cfg, FILE *to)
{
    for (size_t k = 0; k < cfg->spec->n_keys; k++) {
        const struct ts_cfg_key *key = &cfg->spec->keys[k];
        const struct cfg_value *v = &cfg->values[k];
        bool is_secret = (key->flags & TS_CFG_SECRET) != 0;
        if ((key->flags & TS_CFG_FLAG_ONLY) != 0)
            continue;
        if (v->origin == CFG_UNSET || is_secret) { /* a comment: not to be read back */
            fprintf(to, "# %s: %s", key->name,
                    v->origin == CFG_UNSET ? "not set" : "set, not shown");
        } else {
            fprintf(to, "%s: ", key->name);
            put_value(to, key, v);
        }
        char origin[CFG_WHY_SIZE];
        fprintf(to, "  # %s\n", ts_cfg_origin(cfg, key->name, origin, sizeof(origin)));
    }
}

#define HELP_COLUMN 32

/* How many columns UTF-8 text takes. */
static int columns(const char *text)
{
    int n = 0;
    for (; *text != 0; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* "  -d, --data-dir PATH   text", the text on the next line when the flag is long. */
static void put_flag(FILE *to, char letter, const char *name, const char *value)
{
    int n =
        letter == 0 ? fprintf(to, "      --%s", name) : fprintf(to, "  -%c, --%s", letter, name);
    if (value[0] != 0) {
        fprintf(to, " %s", value);
        n += 1 + columns(value);
    }
    if (n > HELP_COLUMN - 2)
        n = fprintf(to, "\n") - 1;
    fprintf(to, "%*s", HELP_COLUMN - n, "");
}

static void put_key(FILE *to, const struct ts_cfg_key *key)
{
    put_flag(to, key->letter, key->name, cfg_value_name(key));
    fputs(key->help, to);
    if (key->type == TS_CFG_ENUM) {
        fputs(": ", to);
        for (size_t i = 0; key->choices[i] != NULL; i++)
            fprintf(to, "%s%s", i == 0 ? "" : ", ", key->choices[i]);
    }
    if (key->type == TS_CFG_LIST)
        fputs("; repeat it or separate by commas", to);
    if ((key->flags & TS_CFG_REQUIRED) != 0)
        fputs(" (required)", to);
    else if (key->def != NULL && key->def[0] != 0 && key->type != TS_CFG_BOOL)
        fprintf(to, " (default: %s)", key->def);
    else if (key->def != NULL && key->type == TS_CFG_BOOL && key->def[0] == 't')
        fprintf(to, " (default; --%s=false turns it off)", key->name);
    fputc('\n', to);
}

/* One that the environment may give, as an example. */
static const char *example(const struct ts_cfg_spec *spec)
{
    size_t k = 0;
    while (k + 1 < spec->n_keys && (spec->keys[k].flags & TS_CFG_FLAG_ONLY) != 0)
        k++;
    return k < spec->n_keys ? spec->keys[k].name : "config";
}

void ts_cfg_help(const struct ts_cfg_spec *spec, FILE *to)
{
    char env[CFG_NAME_MAX + 16];
    const char *key = example(spec);
    cfg_env_name(key, env);
    fprintf(to, "Usage: %s [FLAG…]%s%s\n%s\n\n", spec->program, spec->args == NULL ? "" : " ",
            spec->args == NULL ? "" : spec->args, spec->summary);
    for (size_t k = 0; k < spec->n_keys; k++)
        put_key(to, &spec->keys[k]);
    if (!spec->no_file) {
        put_flag(to, 0, "config", "FILE");
        fputs("read keys from this YAML file\n", to);
    }
    put_flag(to, 0, "print-config", "");
    fputs("print each effective value and where it came from\n", to);
    put_flag(to, 'h', "help", "");
    fputs("print this\n", to);
    put_flag(to, 'V', "version", "");
    fputs("print the version\n", to);
    fprintf(to,
            "\nA key can also be given%s in the environment: --%s is %s.\n"
            "Flags win over the environment%s.\n",
            spec->no_file ? "" : " in the file of --config and", key, env,
            spec->no_file ? "" : ", and that over the file");
    if (spec->epilogue != NULL)
        fprintf(to, "\n%s\n", spec->epilogue);
}
