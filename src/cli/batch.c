/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq batch: one batch with its three elements. */
#include "cli/cli.h"

struct options {
    struct cli_options base;
};

static const struct ts_cfg_key keys[] = {CLI_KEYS(struct options)};

static const struct ts_cfg_spec spec = {
    .program = "tenseq batch",
    .summary = "Prints one batch with its three elements; with --json everything it holds.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .args = "NUMBER|HASH|latest",
    .min_args = 1,
    .max_args = 1,
    .lenient_env = true,
    .no_file = true,
};

static void print_header(const json_t *batch)
{
    const json_t *h = json_object_get(batch, "header");
    char text[80];
    printf("batch %llu %s\n  time          ", (unsigned long long)cli_u64(h, "number"),
           cli_text(batch, "hash", text));
    cli_print_time(cli_u64(h, "time"));
    printf("\n  term          %llu\n", (unsigned long long)cli_u64(h, "term"));
    static const char *const members[][2] = {{"producer", "producer"},
                                             {"parent", "parentHash"},
                                             {"txRoot", "txRoot"},
                                             {"stateRoot", "stateRoot"}};
    for (size_t i = 0; i < TS_COUNT(members); i++)
        printf("  %-12s  %s\n", members[i][0], cli_text(h, members[i][1], text));
}

/* "transactions  2", then each on a line. */
static void print_list(const char *name, const json_t *list)
{
    size_t i;
    json_t *one;
    printf("  %-12s  %zu\n", name, json_array_size(list));
    json_array_foreach(list, i, one)
    {
        const char *text = json_string_value(one);
        printf("    %s\n", text != NULL ? text : "?");
    }
}

static void print_reports(const json_t *list)
{
    char id[80], boot[80], small[20];
    size_t i;
    json_t *r;
    printf("  %-12s  %zu\n", "reports", json_array_size(list));
    json_array_foreach(list, i, r) printf(
        "    %s  head %llu  seq %llu  boot %s\n", cli_text(r, "enclaveId", id),
        (unsigned long long)cli_u64(r, "currentBatchNumber"), (unsigned long long)cli_u64(r, "seq"),
        cli_short(cli_text(r, "bootId", boot), small));
}

static void print_batch(const json_t *batch)
{
    const json_t *payload = json_object_get(batch, "protocolPayload");
    const json_t *transitions = json_object_get(payload, "transitions");
    size_t i;
    json_t *one;
    print_header(batch);
    print_list("transactions", json_object_get(batch, "transactionHashes"));
    printf("  %-12s  %zu\n", "transitions", json_array_size(transitions));
    json_array_foreach(transitions, i, one) cli_print_event(one, cli_u64(batch, "number"));
    print_reports(json_object_get(payload, "reports"));
    print_list("absent", json_object_get(payload, "absent"));
    printf("  %-12s  %zu\n", "notices", json_array_size(json_object_get(payload, "notices")));
}

static int run(const struct cli_options *o, const char *which)
{
    if (!cli_is_batch_name(which))
        return cli_misused("\"%s\" is no batch: give a number, a hash or latest", which);
    json_t *batch = cli_call(o, "ten_getBatch", json_pack("[s]", which));
    if (batch == NULL)
        return TS_EXIT_FAILED;
    if (json_is_null(batch)) {
        json_decref(batch);
        return cli_fail("there is no batch %s", which);
    }
    if (o->json) {
        cli_print_json(batch);
    } else {
        print_batch(batch);
        json_decref(batch);
    }
    return TS_EXIT_OK;
}

int verb_batch(int argc, char **argv)
{
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    size_t n;
    code = run(&o.base, ts_cfg_args(cfg, &n)[0]);
    ts_cfg_free(cfg);
    return code;
}
