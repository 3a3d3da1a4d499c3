/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq status: roles, heads, boots, lags; from a host, or from a node. */
#include <time.h>

#include "cli/cli.h"
#include "cli/genesis.h"
#include "net/http_client.h"

#define PATIENCE_MS 2000
#define PAUSE_MS    100

struct options {
    struct cli_options base;
};

static const struct ts_cfg_key status_keys[] = {CLI_KEYS(struct options)};

static const char *text_or(const json_t *o, const char *key, const char *other, char out[80])
{
    cli_text(o, key, out);
    if (out[0] == 0)
        snprintf(out, 80, "%s", other);
    return out;
}

static void print_enclave(const json_t *e)
{
    char id[80], role[80], link[80], boot[80], last[80], small[20], remark[400];
    uint64_t restarts = cli_u64(e, "restarts");
    printf("  %-43s %-10s %-10s %9llu %4llu  %-12s %5llu  %6s", text_or(e, "id", "(unknown)", id),
           text_or(e, "role", "?", role), text_or(e, "link", "?", link),
           (unsigned long long)cli_u64(e, "head"), (unsigned long long)cli_u64(e, "lag"),
           cli_short(cli_text(e, "boot", boot), small), (unsigned long long)restarts,
           text_or(e, "lastReport", "-", last));
    cli_remark(e, remark);
    printf("%s%s\n", remark[0] != 0 ? "  " : "", remark);
}

/* Batches go on for a while without L1, so the state alone would not tell. */
static void print_l1(const json_t *s)
{
    const json_t *l1 = json_object_get(s, "l1");
    const char *node = json_string_value(json_object_get(l1, "node"));
    const char *why = json_string_value(json_object_get(l1, "reason"));
    if (node != NULL && why != NULL && why[0] != 0)
        printf("L1 at %s is not followed: %s\n", node, why);
    else if (node != NULL && cli_u64(l1, "latest") < cli_u64(l1, "confirmed") &&
             json_is_true(json_object_get(l1, "up")))
        printf("L1 at %s lags, or has lost blocks: its newest is %llu, and %llu was confirmed\n",
               node, (unsigned long long)cli_u64(l1, "latest"),
               (unsigned long long)cli_u64(l1, "confirmed"));
}

static void print_host(const json_t *s)
{
    char state[80], active[80], term[80], pool[80];
    const json_t *head = json_object_get(s, "head");
    char hash[80], small[20];
    printf("%s   head %llu %s   term %s   active %s\n", cli_text(s, "state", state),
           (unsigned long long)cli_u64(head, "number"),
           cli_short(cli_text(head, "hash", hash), small), cli_text(s, "term", term),
           text_or(s, "active", "none", active));
    const json_t *mempool = json_object_get(s, "mempool");
    if (json_is_object(mempool))
        snprintf(pool, sizeof(pool), "%llu", (unsigned long long)cli_u64(mempool, "transactions"));
    else
        cli_text(s, "mempool", pool);
    printf("interval %llu ms   waiting transactions %s\n",
           (unsigned long long)cli_u64(s, "batchInterval"), pool);
    print_l1(s);
    putchar('\n');
    printf("  %-43s %-10s %-10s %9s %4s  %-12s %5s  %6s  %s\n", "enclave", "role", "link", "head",
           "lag", "boot", "boots", "report", "remark");
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(s, "enclaves"), i, e) print_enclave(e);
}

static void print_peer(const json_t *p)
{
    char url[80], state[80], name[80];
    const char *why = json_string_value(json_object_get(p, "reason"));
    printf("  %-36s %-12s %-22s %9llu  %s\n", cli_text(p, "url", url), cli_text(p, "state", state),
           cli_text(p, "name", name), (unsigned long long)cli_u64(p, "head"), why ? why : "");
}

static void print_node(const json_t *s)
{
    char state[80], hash[80], small[20], id[80], role[80];
    const json_t *head = json_object_get(s, "head"), *enclave = json_object_get(s, "enclave");
    uint64_t number = cli_u64(head, "number"), target = cli_u64(s, "target");
    printf("node %s   head %llu %s   term %llu   equivocations %llu\n", cli_text(s, "state", state),
           (unsigned long long)number, cli_short(cli_text(head, "hash", hash), small),
           (unsigned long long)cli_u64(head, "term"),
           (unsigned long long)cli_u64(s, "equivocations"));
    if (target > number + 1)
        printf("catching up: %llu of %llu (%llu %%)\n", (unsigned long long)number,
               (unsigned long long)target, (unsigned long long)(number * 100 / target));
    const char *why = json_string_value(json_object_get(enclave, "reason"));
    if (json_is_object(enclave))
        printf("enclave %s %s at %llu   disputes %llu   %s\n", cli_text(enclave, "id", id),
               cli_text(enclave, "state", role), (unsigned long long)cli_u64(enclave, "head"),
               (unsigned long long)cli_u64(enclave, "disputes"), why ? why : "");
    print_l1(s);
    printf("\n  %-36s %-12s %-22s %9s  %s\n", "peer", "state", "program", "head", "remark");
    size_t i;
    json_t *p;
    json_array_foreach(json_object_get(s, "peers"), i, p) print_peer(p);
}

/* Asks for sequencer_status; a node does not have it and is asked for ten_health. *host tells
 * which. */
static json_t *look(const struct cli_options *o, bool *host, char *why, size_t size)
{
    json_t *result;
    *host = true;
    ts_err err = ts_rpc_call_blocking(o->rpc, o->token, "sequencer_status", NULL, CLI_TIMEOUT_MS,
                                      &result, why, size);
    if (err == TS_OK)
        return result;
    if (err != TS_E_CONFLICT)
        return NULL;
    char first[256];
    snprintf(first, sizeof(first), "%.255s", why);
    *host = false;
    err = ts_rpc_call_blocking(o->rpc, o->token, "ten_health", NULL, CLI_TIMEOUT_MS, &result, why,
                               size);
    if (err != TS_E_CONFLICT)
        return result; /* NULL when it went away in between */
    snprintf(why, size, "%s answers, but is no tenseq host or node: it says \"%s\"", o->rpc, first);
    return NULL;
}

/* A program that has just been started listens in a moment. */
static json_t *look_soon(const struct cli_options *o, bool *host, char *why, size_t size)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    json_t *s = look(o, host, why, size);
    for (unsigned ms = 0; s == NULL && ms < PATIENCE_MS && cli_is_refused_connection(why);
         ms += PAUSE_MS) {
        nanosleep(&pause, NULL);
        s = look(o, host, why, size);
    }
    return s;
}

static void print(const json_t *s, bool host)
{
    if (host)
        print_host(s);
    else
        print_node(s);
}

int verb_status(int argc, char **argv)
{
    static const struct ts_cfg_spec spec = {
        .program = "tenseq status",
        .summary = "Tells what the sequencer and its enclaves (or a node) are doing.",
        .keys = status_keys,
        .n_keys = TS_COUNT(status_keys),
        .lenient_env = true,
        .no_file = true};
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    char why[512];
    bool host;
    json_t *s = look_soon(&o.base, &host, why, sizeof(why));
    code = s != NULL ? TS_EXIT_OK : cli_fail_call(&o.base, why);
    if (s != NULL && o.base.json) {
        cli_print_json(s);
    } else if (s != NULL) {
        print(s, host);
        json_decref(s);
    }
    ts_cfg_free(cfg);
    return code;
}
