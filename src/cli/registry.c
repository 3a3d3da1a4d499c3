/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq registry: what the chain says of each enclave. */
#include "cli/cli.h"

struct options {
    struct cli_options base;
};

static const struct ts_cfg_key keys[] = {CLI_KEYS(struct options)};

static const struct ts_cfg_spec spec = {
    .program = "tenseq registry",
    .summary = "Prints what the chain says of each enclave, now or at a batch.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .args = "[NUMBER|latest]",
    .max_args = 1,
    .lenient_env = true,
    .no_file = true,
};

static void print_enclave(const json_t *e)
{
    char id[80], role[80], boot[80], head[80], small[20];
    cli_text(json_object_get(e, "lastReport"), "head", head);
    cli_text(e, "bootId", boot);
    bool is_listed = json_is_true(json_object_get(e, "whitelisted"));
    printf("  %-43s %-8s %-6s %5llu %5llu  %-12s %9s\n", cli_text(e, "id", id),
           is_listed ? cli_text(e, "role", role) : "revoked", is_listed ? "yes" : "no",
           (unsigned long long)cli_u64(e, "restarts"), (unsigned long long)cli_u64(e, "tipSeq"),
           boot[0] != 0 ? cli_short(boot, small) : "-", head[0] != 0 ? head : "-");
}

static void print_registry(const json_t *r)
{
    char hash[80], active[80], small[20];
    size_t i;
    json_t *e;
    cli_text(r, "active", active);
    printf("at batch %llu %s   term %llu   active %s\n\n", (unsigned long long)cli_u64(r, "number"),
           cli_short(cli_text(r, "hash", hash), small), (unsigned long long)cli_u64(r, "term"),
           active[0] != 0 ? active : "none");
    printf("  %-43s %-8s %-6s %5s %5s  %-12s %9s\n", "enclave", "role", "listed", "boots", "seq",
           "boot", "reported");
    json_array_foreach(json_object_get(r, "enclaves"), i, e) print_enclave(e);
}

/* A number or a tag; a registry is of the chain at a number, so a hash is none. */
static bool is_number_or_tag(const char *text)
{
    uint8_t hash[32];
    return cli_is_batch_name(text) && ts_unhex(text, hash, sizeof(hash)) != TS_OK;
}

static int run(const struct cli_options *o, const char *which)
{
    if (which != NULL && !is_number_or_tag(which))
        return cli_misused("\"%s\" is not a batch number; give one, or latest", which);
    json_t *r = cli_call(o, "ten_registry", which != NULL ? json_pack("[s]", which) : json_array());
    if (r == NULL)
        return TS_EXIT_FAILED;
    if (o->json) {
        cli_print_json(r);
    } else {
        print_registry(r);
        json_decref(r);
    }
    return TS_EXIT_OK;
}

int verb_registry(int argc, char **argv)
{
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    size_t n;
    const char *const *args = ts_cfg_args(cfg, &n);
    code = run(&o.base, n > 0 ? args[0] : NULL);
    ts_cfg_free(cfg);
    return code;
}
