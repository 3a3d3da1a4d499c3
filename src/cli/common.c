/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/u256.h"
#include "cli/cli.h"
#include "codec/json.h"
#include "net/http_client.h"
#include "net/rpc_text.h"

uint64_t cli_mono_ms(void)
{
    return uv_hrtime() / 1000000;
}

bool cli_is_refused_connection(const char *why)
{
    return strstr(why, "(connection refused)") != NULL;
}

int cli_fail_call(const struct cli_options *o, const char *why)
{
    if (cli_is_refused_connection(why))
        return cli_fail("%s: has the host or node started? --rpc URL names another", why);
    if (strncmp(why, "only a node", 11) == 0)
        return cli_fail("%s with --rpc URL; asked was %s", why, o->rpc);
    return cli_fail("%s", why);
}

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
        cli_fail_call(o, why);
    return NULL;
}

void cli_print_json(json_t *json)
{
    /* 15 digits are what a double holds of a decimal number: more is noise. */
    json_dumpf(json, stdout,
               JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(json);
}

static void complain(const char *format, va_list args)
{
    fputs("error: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(format, args);
    va_end(args);
    return TS_EXIT_FAILED;
}

int cli_misused(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(format, args);
    va_end(args);
    return TS_EXIT_USAGE;
}

/* ---- checks of flags and arguments ---- */

const char *cli_check_url(const char *value)
{
    char why[256];
    return ts_rpc_url_ok(value, why, sizeof(why)) ? NULL
                                                  : "is no URL such as http://127.0.0.1:9000";
}

const char *cli_check_amount(const char *value)
{
    ts_u256 amount;
    return ts_u256_parse(value, &amount) == TS_OK
               ? NULL
               : "is not an amount of wei: decimal digits, or 0x and hexadecimal ones, below 2^256";
}

const char *cli_check_key(const char *value)
{
    uint8_t key[32];
    return ts_unhex(value, key, sizeof(key)) == TS_OK
               ? NULL
               : "is not a secret key: 0x and 64 hexadecimal digits";
}

const char *cli_check_id(const char *value)
{
    ts_address id;
    return ts_unhex(value, id.b, sizeof(id.b)) == TS_OK
               ? NULL
               : "is not an enclave's id: 0x and 40 hexadecimal digits";
}

bool cli_is_batch_tag(const char *text)
{
    static const char *const tags[] = {"latest", "pending", "safe", "finalized", "earliest"};
    for (size_t i = 0; i < TS_COUNT(tags); i++)
        if (strcmp(text, tags[i]) == 0)
            return true;
    return false;
}

bool cli_is_batch_name(const char *text)
{
    uint8_t hash[32];
    ts_u256 number;
    if (cli_is_batch_tag(text) || ts_unhex(text, hash, sizeof(hash)) == TS_OK)
        return true;
    return ts_u256_parse(text, &number) == TS_OK && (number.w[1] | number.w[2] | number.w[3]) == 0;
}

/* ---- standard output ---- */

static bool reader_gone(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

int cli_flush(int code)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    int failed = errno; /* 0: an earlier write failed, and all that was left is written */
    if (failed == EPIPE || reader_gone())
        return code;
    clearerr(stdout); /* it is told once */
    return cli_fail("cannot write to standard output: %s",
                    failed != 0 ? strerror(failed) : "a part of it is lost");
}

bool cli_stdout_ended(void)
{
    return ferror(stdout) != 0;
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

const char *cli_batches(const json_t *finding, char out[48])
{
    unsigned long long first = cli_u64(finding, "first"), last = cli_u64(finding, "last");
    if (first == last)
        snprintf(out, 48, "%llu", last);
    else
        snprintf(out, 48, "%llu-%llu", first, last);
    return out;
}

void cli_remark(const json_t *enclave, char out[400])
{
    const char *why = json_string_value(json_object_get(enclave, "reason"));
    if (why == NULL)
        why = "";
    bool is_drained =
        json_is_true(json_object_get(enclave, "drained")) && strstr(why, "drained") == NULL;
    bool is_corrupted = json_is_true(json_object_get(enclave, "corrupted")) &&
                        strstr(why, "marked corrupted") == NULL;
    int n = snprintf(out, 400, "%s%s%s", is_drained ? "it is drained: " : "",
                     is_corrupted ? "it is marked corrupted: " : "", why);
    if (why[0] == 0 && n > 2)
        out[n - 2] = 0;
}

void cli_print_time(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[32] = "?";
    if (gmtime_r(&seconds, &tm) != NULL)
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    printf("%s.%03u", text, (unsigned)(ms % 1000));
}

void cli_print_event(const json_t *event, uint64_t batch)
{
    static const char *const names[] = {"?", "Started", "Active", "Passive"};
    char id[80], boot[80], small[20];
    uint64_t kind = cli_u64(event, "kind");
    printf("%8llu  ", (unsigned long long)batch);
    cli_print_time(cli_u64(event, "time"));
    printf("  %-8s %s  term %llu  seq %llu  head %llu  boot %s\n",
           names[kind < TS_COUNT(names) ? kind : 0], cli_text(event, "enclaveId", id),
           (unsigned long long)cli_u64(event, "term"), (unsigned long long)cli_u64(event, "seq"),
           (unsigned long long)cli_u64(event, "batchNumber"),
           cli_short(cli_text(event, "bootId", boot), small));
}
