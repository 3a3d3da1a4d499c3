/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq replace ID --with ID --reason TEXT: asks on L1 for another enclave in the place of one, or
 * prints the transactions for whoever signs them elsewhere. */
#include <errno.h>

#include "chain/genesis_json.h"
#include "cli/cli.h"
#include "l1/contract.h"

#define MAX_GENESIS (8u << 20)

struct options {
    struct cli_options base;
    ts_address with, registry;
    const char *with_id, *reason, *genesis;
    bool calldata;
    uint64_t request;
};

static const char *check_reason(const char *value)
{
    return strlen(value) <= TS_L1_MAX_REASON
               ? NULL
               : "is too long: the contract takes a reason of at most 256 bytes";
}

static const struct ts_cfg_key keys[] = {
    CLI_KEYS(struct options),
    TS_CFG(struct options, with_id, "with", TS_CFG_STRING, .flags = TS_CFG_REQUIRED,
           .value_name = "ID", .check = cli_check_id, .help = "enclave that takes the place"),
    TS_CFG(struct options, reason, "reason", TS_CFG_STRING, .flags = TS_CFG_REQUIRED,
           .value_name = "TEXT", .check = check_reason,
           .help = "why; it is public, and governance reads it"),
    TS_CFG(struct options, calldata, "calldata", TS_CFG_BOOL,
           .help = "send nothing: print the transactions, for a multisig"),
    TS_CFG(struct options, registry, "registry", TS_CFG_ADDRESS,
           .help = "with --calldata: the management contract"),
    TS_CFG(struct options, genesis, "genesis", TS_CFG_PATH, .value_name = "FILE",
           .help = "with --calldata: the genesis that names it"),
    TS_CFG(struct options, request, "request", TS_CFG_U64, .value_name = "N",
           .help = "with --calldata: the request is on L1 already and has this number"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq replace",
    .summary = "Asks on L1 to put another enclave in the place of a corrupted one.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .args = "ID",
    .min_args = 1,
    .max_args = 1,
    .lenient_env = true,
    .no_file = true,
    .epilogue = "The host sends the request; governance then approves or rejects it. When the host "
                "has no key for L1,\n--calldata prints what a multisig needs instead.",
};

/* ---- through the host ---- */

static int ask_host(const struct options *o, const char *faulty, const char *with)
{
    char tx[80];
    json_t *r = cli_call(
        &o->base, "sequencer_replace",
        json_pack("{s:s,s:s,s:s}", "enclave", faulty, "replacement", with, "reason", o->reason));
    if (r == NULL)
        return TS_EXIT_FAILED;
    if (o->base.json) {
        cli_print_json(r);
        return TS_EXIT_OK;
    }
    printf(json_is_true(json_object_get(r, "underWay"))
               ? "it is under way already: it was asked for before, in transaction %s; governance "
                 "decides\n"
               : "asked for on L1, in transaction %s; governance decides\n",
           cli_text(r, "tx", tx));
    json_decref(r);
    return TS_EXIT_OK;
}

/* ---- for a multisig ---- */

static int registry_of_genesis(const char *path, ts_address *out)
{
    char *text = malloc(MAX_GENESIS), why[256];
    struct ts_genesis g = {0};
    TS_CHECK(text != NULL);
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(text, 1, MAX_GENESIS, f) : 0;
    int code = TS_EXIT_OK;
    if (f == NULL || ferror(f))
        code = cli_fail("--genesis %s: it cannot be read: %s", path, strerror(errno));
    else if (ts_genesis_from_json(text, n, &g, why, sizeof(why)) != TS_OK)
        code = cli_fail("%s: %s", path, why);
    if (f != NULL)
        fclose(f);
    free(text);
    if (code != TS_EXIT_OK)
        return code;
    *out = g.contract;
    if (g.l1_chain_id == 0)
        code = cli_fail("%s: the network has no L1, so nothing can be replaced", path);
    ts_genesis_free(&g);
    return code;
}

/* One transaction; the calldata in b is used up. */
static json_t *transaction(const struct options *o, const char *function, struct ts_buf *b)
{
    char to[TS_ADDRESS_HEX_SIZE];
    TS_CHECK(b->err == TS_OK);
    char *data = malloc(2 * b->n + 3);
    TS_CHECK(data != NULL);
    json_t *t = json_pack("{s:s,s:s,s:s,s:s}", "function", function, "to",
                          ts_hex(o->registry.b, sizeof(o->registry.b), to), "value", "0", "data",
                          ts_hex(b->p, b->n, data));
    free(data);
    ts_buf_free(b);
    return t;
}

static json_t *by_operator(const struct options *o, const ts_address *faulty)
{
    struct ts_buf b;
    json_t *list = json_array();
    if (o->request != 0)
        return list;
    ts_buf_init(&b, 0);
    ts_l1_put_request_replacement(&b, faulty, &o->with, o->reason);
    json_array_append_new(list, transaction(o, "requestReplacement", &b));
    return list;
}

/* Granted first: at no time is the list without both. */
static json_t *by_governance(const struct options *o, const ts_address *faulty)
{
    struct ts_buf b;
    json_t *list = json_array();
    ts_buf_init(&b, 0);
    if (o->request != 0) {
        ts_l1_put_approve_replacement(&b, o->request);
        json_array_append_new(list, transaction(o, "approveReplacement", &b));
        return list;
    }
    ts_l1_put_grant(&b, &o->with);
    json_array_append_new(list, transaction(o, "grantSequencerEnclave", &b));
    ts_buf_init(&b, 0);
    ts_l1_put_revoke(&b, faulty);
    json_array_append_new(list, transaction(o, "revokeSequencerEnclave", &b));
    return list;
}

static void print_transactions(const json_t *list)
{
    size_t i;
    json_t *t;
    json_array_foreach(list, i, t)
    {
        printf("  %s\n    to     %s\n    value  %s\n    data   %s\n",
               json_string_value(json_object_get(t, "function")),
               json_string_value(json_object_get(t, "to")),
               json_string_value(json_object_get(t, "value")),
               json_string_value(json_object_get(t, "data")));
    }
}

static void print_calldata(const struct options *o, const ts_address *faulty)
{
    json_t *all = json_pack("{s:o,s:o}", "operator", by_operator(o, faulty), "governance",
                            by_governance(o, faulty));
    if (o->base.json) {
        cli_print_json(all);
        return;
    }
    if (o->request == 0) {
        puts("By the operator: the request. Its number is in the event ReplacementRequested; "
             "governance approves it\nwith one transaction, which --request N prints.\n");
        print_transactions(json_object_get(all, "operator"));
        puts("\nBy governance, without a request:\n");
    } else {
        printf("By governance: approves request %llu.\n\n", (unsigned long long)o->request);
    }
    print_transactions(json_object_get(all, "governance"));
    json_decref(all);
}

static int print_for_multisig(struct options *o, const struct ts_cfg *cfg, const ts_address *faulty)
{
    bool has_registry = ts_cfg_is_set(cfg, "registry");
    if (has_registry == (o->genesis != NULL))
        return cli_misused("--calldata needs the contract's address: give --registry ADDR or "
                           "--genesis FILE%s",
                           has_registry ? ", not both" : "");
    if (ts_cfg_is_set(cfg, "request") && o->request == 0)
        return cli_misused("--request 0 is none: the contract counts from 1");
    int code = has_registry ? TS_EXIT_OK : registry_of_genesis(o->genesis, &o->registry);
    if (code == TS_EXIT_OK)
        print_calldata(o, faulty);
    return code;
}

static int run(struct options *o, const struct ts_cfg *cfg, const char *id)
{
    static const char *const with_calldata[] = {"registry", "genesis", "request"};
    ts_address faulty;
    char with[TS_ADDRESS_HEX_SIZE], hex[TS_ADDRESS_HEX_SIZE];
    if (ts_unhex(id, faulty.b, sizeof(faulty.b)) != TS_OK)
        return cli_misused("\"%s\" is not an enclave's id: 0x and 40 hexadecimal digits", id);
    TS_CHECK(ts_unhex(o->with_id, o->with.b, sizeof(o->with.b)) == TS_OK);
    if (ts_address_equal(&faulty, &o->with))
        return cli_misused("--with names the enclave that is to be replaced");
    if (o->calldata)
        return print_for_multisig(o, cfg, &faulty);
    for (size_t i = 0; i < TS_COUNT(with_calldata); i++)
        if (ts_cfg_is_set(cfg, with_calldata[i]))
            return cli_misused("--%s goes with --calldata", with_calldata[i]);
    return ask_host(o, ts_hex(faulty.b, sizeof(faulty.b), hex),
                    ts_hex(o->with.b, sizeof(o->with.b), with));
}

int verb_replace(int argc, char **argv)
{
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    size_t n;
    const char *const *args = ts_cfg_args(cfg, &n);
    code = run(&o, cfg, args[0]);
    ts_cfg_free(cfg);
    return code;
}
