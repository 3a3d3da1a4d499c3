/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>

#include "cli/cli.h"
#include "codec/json.h"
#include "net/http_client.h"

json_t *cli_call(const struct cli_options *o, const char *method, json_t *params)
{
    json_t *result;
    char why[512];
    if (ts_rpc_call_blocking(o->rpc, o->token, method, params, CLI_TIMEOUT_MS, &result, why,
                             sizeof(why)) == TS_OK)
        return result;
    if (strncmp(method, "sequencer_", 10) == 0 && strstr(why, "does not exist") != NULL)
        cli_fail("%s takes no orders: it is not a host", o->rpc);
    else
        cli_fail("%s", why);
    return NULL;
}

void cli_print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
    putchar('\n');
    json_decref(json);
}

int cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("error: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return TS_EXIT_FAILED;
}

const char *cli_text(const json_t *object, const char *key, char out[80])
{
    const json_t *v = json_object_get(object, key);
    out[0] = 0;
    if (json_is_string(v))
        snprintf(out, 80, "%s", json_string_value(v));
    else if (json_is_integer(v))
        snprintf(out, 80, "%lld", (long long)json_integer_value(v));
    else if (json_is_boolean(v))
        snprintf(out, 80, "%s", json_is_true(v) ? "yes" : "no");
    return out;
}

uint64_t cli_u64(const json_t *object, const char *key)
{
    uint64_t v = 0;
    const json_t *member = json_object_get(object, key);
    return member != NULL && ts_json_read_u64(member, &v) == TS_OK ? v : 0;
}

const char *cli_short(const char *hex, char out[20])
{
    size_t n = strlen(hex);
    if (n <= 14)
        snprintf(out, 20, "%s", hex);
    else
        snprintf(out, 20, "%.6s..%s", hex, hex + n - 4);
    return out;
}
