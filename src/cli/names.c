/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/names.h"

#include <stdio.h>
#include <string.h>

static size_t find(const struct cli_names *names, const char *id)
{
    size_t i = 0;
    while (i < names->n && strcmp(names->ids[i], id) != 0)
        i++;
    return i;
}

void cli_names_learn(struct cli_names *names, const json_t *ids)
{
    size_t i;
    json_t *v;
    json_array_foreach(ids, i, v)
    {
        const char *id = json_string_value(json_is_object(v) ? json_object_get(v, "id") : v);
        if (id == NULL || strlen(id) != sizeof(names->ids[0]) - 2 || names->n == CLI_NAMES ||
            find(names, id) < names->n)
            continue;
        memcpy(names->ids[names->n++], id, sizeof(names->ids[0]) - 1);
    }
}

void cli_letter(size_t n, char out[CLI_NAME_SIZE])
{
    if (n < 26)
        snprintf(out, CLI_NAME_SIZE, "%c", (char)('A' + (int)n));
    else
        snprintf(out, CLI_NAME_SIZE, "%zu", n + 1);
}

const char *cli_names_letter(const struct cli_names *names, const char *id, char out[CLI_NAME_SIZE])
{
    size_t i = find(names, id);
    out[0] = 0;
    if (i < names->n)
        cli_letter(i, out);
    return out;
}

const char *cli_names_of(const struct cli_names *names, const char *id, char out[CLI_NAME_SIZE])
{
    char letter[CLI_NAME_SIZE];
    cli_names_letter(names, id, letter);
    snprintf(out, CLI_NAME_SIZE, "%.4s%s%.*s", letter, letter[0] != 0 ? " " : "", CLI_SHORT, id);
    return out;
}

/* Which id begins here; names->n: none. */
static size_t id_at(const struct cli_names *names, const char *text)
{
    size_t i = 0;
    while (i < names->n && strncmp(names->ids[i], text, CLI_SHORT) != 0)
        i++;
    return i;
}

const char *cli_names_in(const struct cli_names *names, const char *text, char *out, size_t size)
{
    size_t n = 0;
    while (*text != 0 && n + 1 < size) {
        char letter[CLI_NAME_SIZE];
        size_t i = strncmp(text, "0x", 2) == 0 ? id_at(names, text) : names->n;
        if (i == names->n) {
            out[n++] = *text++;
            continue;
        }
        cli_letter(i, letter);
        int put = snprintf(out + n, size - n, "%s (%.*s)", letter, CLI_SHORT, text);
        n = (size_t)put < size - n ? n + (size_t)put : size - 1;
        text += CLI_SHORT;
    }
    out[n] = 0;
    return out;
}
