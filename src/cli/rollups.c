/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq rollups: what was published on L1, as a node sees it. */
#include "cli/cli.h"

#define PAGE 256u /* what a node gives at once */

struct options {
    struct cli_options base;
    uint64_t from, count;
};

static const struct ts_cfg_key keys[] = {
    CLI_NODE_KEYS(struct options),
    TS_CFG(struct options, from, "from", TS_CFG_U64, .def = "1", .min = 1,
           .help = "the first batch of interest"),
    TS_CFG(struct options, count, "count", TS_CFG_U64, .def = "20", .min = 1, .max = PAGE,
           .help = "how many rollups at the most"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq rollups",
    .summary = "Prints the rollups on L1, as a node that follows L1 sees them.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .lenient_env = true,
    .no_file = true,
};

static void print_rollup(const json_t *r)
{
    char signer[80], finality[80], range[48];
    const char *wrong = json_string_value(json_object_get(r, "wrong"));
    snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)cli_u64(r, "firstNumber"),
             (unsigned long long)cli_u64(r, "lastNumber"));
    cli_text(r, "signer", signer);
    printf("  %-21s %9llu %9llu  %-12.10s  %-9s%s%s\n", range,
           (unsigned long long)cli_u64(r, "l1Block"), (unsigned long long)cli_u64(r, "bytes"),
           signer[0] != 0 ? signer : "-", cli_text(r, "finality", finality),
           wrong != NULL ? "  wrong: " : "", wrong != NULL ? wrong : "");
}

static void print_rollups(const struct options *o, const json_t *list)
{
    size_t i;
    json_t *r;
    if (json_array_size(list) == 0) {
        puts("no rollup holds that batch or a later one");
        return;
    }
    printf("  %-21s %9s %9s  %-12s  %s\n", "batches", "L1 block", "bytes", "signer", "finality");
    json_array_foreach(list, i, r) print_rollup(r);
    if (i >= o->count) /* a page that is full is not the end, as far as one sees */
        printf("there may be more: --from %llu\n",
               (unsigned long long)cli_u64(json_array_get(list, i - 1), "lastNumber") + 1);
}

int verb_rollups(int argc, char **argv)
{
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    json_t *list =
        cli_call(&o.base, "ten_rollups",
                 json_pack("{s:I,s:I}", "from", (json_int_t)o.from, "count", (json_int_t)o.count));
    code = list != NULL ? TS_EXIT_OK : TS_EXIT_FAILED;
    if (list != NULL && !o.base.json)
        print_rollups(&o, list);
    if (list != NULL && o.base.json)
        cli_print_json(list);
    else
        json_decref(list);
    ts_cfg_free(cfg);
    return code;
}
