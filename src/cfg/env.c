/* SPDX-License-Identifier: Apache-2.0 */
#include "cfg/internal.h"

/* "data-dir" for the n characters "DATA_DIR". Lower-case letters stay what no key has: unknown. */
static bool key_of_variable(const char *name, size_t n, char out[CFG_NAME_MAX + 1])
{
    if (n > CFG_NAME_MAX)
        n = CFG_NAME_MAX;
    bool proper = true;
    for (size_t i = 0; i < n; i++) {
        proper = proper && !(name[i] >= 'a' && name[i] <= 'z') && name[i] != '-';
        out[i] = (char)(name[i] == '_'                     ? '-'
                        : name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a'
                                                           : name[i]);
    }
    out[n] = 0;
    return proper;
}

/* tenseq's own, which an operator's shell exports for its verbs: programs that are started from
 * there have nothing to do with them. */
static bool is_of_the_command_line(const char *key)
{
    return strcmp(key, "rpc") == 0 || strcmp(key, "token") == 0;
}

static ts_err take_variable(struct cfg_load *load, const char *entry)
{
    const struct ts_cfg_spec *spec = load->cfg->spec;
    const char *equals = strchr(entry, '=');
    if (equals == NULL)
        return TS_OK;
    size_t prefix = strlen(CFG_ENV_PREFIX);
    char name[CFG_NAME_MAX + 1];
    bool proper = key_of_variable(entry + prefix, (size_t)(equals - entry) - prefix, name);
    if (proper && !spec->no_file && strcmp(name, "config") == 0)
        return TS_OK;
    size_t k = cfg_find(spec, name, strlen(name));
    char where[CFG_NAME_MAX + 64];
    snprintf(where, sizeof(where), "environment %.*s",
             (int)(equals - entry > CFG_NAME_MAX + 16 ? CFG_NAME_MAX + 16 : equals - entry), entry);
    if (proper && k < spec->n_keys && (spec->keys[k].flags & TS_CFG_FLAG_ONLY) == 0)
        return cfg_take_text(load, k, CFG_ENV, where, equals + 1);
    if (spec->lenient_env || (proper && is_of_the_command_line(name)))
        return TS_OK;
    char nearest[CFG_WHY_SIZE];
    cfg_nearest(spec, name, CFG_ENV, nearest);
    return cfg_fail(load, "%s: not a variable of %s; %s", where, spec->program, nearest);
}

ts_err cfg_read_env(struct cfg_load *load, const char *const *env)
{
    for (; env != NULL && *env != NULL; env++) {
        if (strncmp(*env, CFG_ENV_PREFIX, strlen(CFG_ENV_PREFIX)) != 0)
            continue;
        ts_err err = take_variable(load, *env);
        if (err != TS_OK)
            return err;
    }
    return TS_OK;
}
