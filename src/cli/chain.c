/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that read the chain: batch, lifecycle, registry. */
#include <time.h>

#include "base/u256.h"
#include "cli/cli.h"

struct options {
    struct cli_options base;
    uint64_t from, to;
};

static const struct ts_cfg_key plain_keys[] = {CLI_KEYS(struct options)};
static const struct ts_cfg_key range_keys[] = {
    CLI_KEYS(struct options),
    TS_CFG(struct options, from, "from", TS_CFG_U64, .def = "1", .help = "first batch"),
    TS_CFG(struct options, to, "to", TS_CFG_U64, .help = "last batch; 0: the newest"),
};

int verb_batch(int argc, char **argv)
{
    static const struct ts_cfg_spec spec = {.program = "tenseq batch",
                                            .summary = "Prints one batch with its three elements.",
                                            .keys = plain_keys,
                                            .n_keys = TS_COUNT(plain_keys),
                                            .args = "NUMBER|HASH|latest",
                                            .min_args = 1,
                                            .max_args = 1,
                                            .lenient_env = true,
                                            .no_file = true};
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    size_t n;
    const char *which = ts_cfg_args(cfg, &n)[0];
    ts_u256 number;
    json_t *param = json_string(which);
    if (strlen(which) != 66 && ts_u256_parse(which, &number) == TS_OK) {
        json_decref(param);
        param = json_integer((json_int_t)number.w[0]);
    }
    json_t *batch = cli_call(&o.base, "ten_getBatch", json_pack("[o]", param));
    if (batch == NULL)
        code = TS_EXIT_FAILED;
    else if (json_is_null(batch))
        code = cli_fail("there is no batch %s", which);
    else
        code = TS_EXIT_OK;
    if (code == TS_EXIT_OK)
        cli_print_json(batch);
    else
        json_decref(batch);
    ts_cfg_free(cfg);
    return code;
}

static void print_time(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[32] = "?";
    if (gmtime_r(&seconds, &tm) != NULL)
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    printf("%s.%03u", text, (unsigned)(ms % 1000));
}

static void print_event(const json_t *e)
{
    char kind[80], id[80], batch[80], boot[80], small[20];
    cli_text(e, "kindName", kind);
    if (kind[0] == 0) {
        static const char *const names[] = {"?", "Started", "Active", "Passive"};
        uint64_t k = cli_u64(e, "kind");
        snprintf(kind, sizeof(kind), "%s", names[k < TS_COUNT(names) ? k : 0]);
    }
    cli_text(e, "inBatch", batch);
    if (batch[0] == 0)
        cli_text(e, "batch", batch);
    printf("%8s  ", batch);
    print_time(cli_u64(e, "time"));
    printf("  %-8s %s  term %llu  seq %llu  head %llu  boot %s\n", kind,
           cli_text(e, "enclaveId", id), (unsigned long long)cli_u64(e, "term"),
           (unsigned long long)cli_u64(e, "seq"), (unsigned long long)cli_u64(e, "batchNumber"),
           cli_short(cli_text(e, "bootId", boot), small));
}

static void print_page(const json_t *page)
{
    const json_t *events = json_is_array(page) ? page : json_object_get(page, "events");
    size_t i;
    json_t *e;
    json_array_foreach(events, i, e)
    {
        const json_t *inner = json_object_get(e, "event");
        if (inner != NULL) { /* {batch, event} */
            json_t *flat = json_deep_copy(inner);
            json_object_set(flat, "inBatch", json_object_get(e, "batch"));
            print_event(flat);
            json_decref(flat);
        } else {
            print_event(e);
        }
    }
}

int verb_lifecycle(int argc, char **argv)
{
    static const struct ts_cfg_spec spec = {
        .program = "tenseq lifecycle",
        .summary = "Prints the signed lifecycle events on the chain, of one enclave or of all.",
        .keys = range_keys,
        .n_keys = TS_COUNT(range_keys),
        .args = "[ID]",
        .max_args = 1,
        .lenient_env = true,
        .no_file = true};
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    size_t n;
    const char *const *args = ts_cfg_args(cfg, &n);
    uint64_t from = o.from;
    code = TS_EXIT_OK;
    while (from > 0) {
        json_t *params = json_object();
        if (n > 0)
            json_object_set_new(params, "enclaveId", json_string(args[0]));
        json_object_set_new(params, "from", json_integer((json_int_t)from));
        if (o.to > 0)
            json_object_set_new(params, "to", json_integer((json_int_t)o.to));
        json_t *page = cli_call(&o.base, "ten_lifecycle", json_pack("[o]", params));
        if (page == NULL) {
            code = TS_EXIT_FAILED;
            break;
        }
        uint64_t next = json_is_object(page) ? cli_u64(page, "next") : 0;
        if (o.base.json) {
            cli_print_json(page);
        } else {
            print_page(page);
            json_decref(page);
        }
        from = next > from ? next : 0;
    }
    ts_cfg_free(cfg);
    return code;
}

int verb_registry(int argc, char **argv)
{
    static const struct ts_cfg_spec spec = {
        .program = "tenseq registry",
        .summary = "Prints what the chain says of each enclave, now or at a batch.",
        .keys = plain_keys,
        .n_keys = TS_COUNT(plain_keys),
        .args = "[NUMBER]",
        .max_args = 1,
        .lenient_env = true,
        .no_file = true};
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    size_t n;
    const char *const *args = ts_cfg_args(cfg, &n);
    ts_u256 number = ts_u256_of(0);
    if (n > 0 && ts_u256_parse(args[0], &number) != TS_OK) {
        fprintf(stderr, "error: %s is not a batch number\n", args[0]);
        ts_cfg_free(cfg);
        return TS_EXIT_USAGE;
    }
    json_t *params = n > 0 ? json_pack("[I]", (json_int_t)number.w[0]) : json_array();
    json_t *r = cli_call(&o.base, "ten_registry", params);
    code = r != NULL ? TS_EXIT_OK : TS_EXIT_FAILED;
    if (r != NULL)
        cli_print_json(r);
    ts_cfg_free(cfg);
    return code;
}
