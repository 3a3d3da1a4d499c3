/* SPDX-License-Identifier: Apache-2.0 */
#include "cfg/internal.h"

size_t cfg_find(const struct ts_cfg_spec *spec, const char *name, size_t n)
{
    for (size_t k = 0; k < spec->n_keys; k++) {
        if (strlen(spec->keys[k].name) == n && memcmp(spec->keys[k].name, name, n) == 0)
            return k;
    }
    return spec->n_keys;
}

void cfg_env_name(const char *key, char out[CFG_NAME_MAX + 16])
{
    size_t n = (size_t)snprintf(out, CFG_NAME_MAX + 16, CFG_ENV_PREFIX);
    for (const char *p = key; *p != 0 && n < CFG_NAME_MAX + 15; p++)
        out[n++] = (char)(*p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    out[n] = 0;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance between the first CFG_NAME_MAX characters. */
static size_t distance(const char *a, const char *b)
{
    size_t row[CFG_NAME_MAX + 1];
    size_t na = strnlen(a, CFG_NAME_MAX), nb = strnlen(b, CFG_NAME_MAX);
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[nb];
}

const char *ts_cfg_suggest(const char *name, const char *const *known, size_t n)
{
    const char *found = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(name, known[i]);
        if (d < best) {
            best = d;
            found = known[i];
        }
    }
    return found != NULL && best <= strlen(found) / 3 + 1 ? found : NULL;
}

/* Which of the flags that every program has is nearest, when nearer than best. */
static const char *nearest_common(const struct ts_cfg_spec *spec, const char *name, size_t *best)
{
    static const char *const common[] = {"config", "print-config", "help", "version"};
    const char *found = NULL;
    for (size_t i = spec->no_file ? 1 : 0; i < TS_COUNT(common); i++) {
        size_t d = distance(name, common[i]);
        if (d < *best) {
            *best = d;
            found = common[i];
        }
    }
    return found;
}

void cfg_nearest(const struct ts_cfg_spec *spec, const char *name, enum cfg_origin form,
                 char out[CFG_WHY_SIZE])
{
    size_t best = SIZE_MAX;
    const char *found = NULL;
    char env[CFG_NAME_MAX + 16];
    for (size_t k = 0; k < spec->n_keys; k++) {
        size_t d = distance(name, spec->keys[k].name);
        bool allowed = form == CFG_FLAG || (spec->keys[k].flags & TS_CFG_FLAG_ONLY) == 0;
        if (allowed && d < best) {
            best = d;
            found = spec->keys[k].name;
        }
    }
    const char *common = form == CFG_FLAG ? nearest_common(spec, name, &best) : NULL;
    found = common != NULL ? common : found;
    if (found == NULL) {
        snprintf(out, CFG_WHY_SIZE, "there are none");
        return;
    }
    bool near = best <= strlen(found) / 3 + 1;
    cfg_env_name(found, env);
    snprintf(out, CFG_WHY_SIZE, "%s %s%s%s", near ? "did you mean" : "the nearest known is",
             form == CFG_FLAG ? "--" : "", form == CFG_ENV ? env : found, near ? "?" : "");
}
