/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that act on a running sequencer: switchover, pause, resume, drain, undrain, register.
 */
#include "cli/cli.h"

struct options {
    struct cli_options base;
    const char *to;
};

static const struct ts_cfg_key plain_keys[] = {CLI_KEYS(struct options)};
static const struct ts_cfg_key switch_keys[] = {
    CLI_KEYS(struct options),
    TS_CFG(struct options, to, "to", TS_CFG_STRING, .value_name = "ID", .check = cli_check_id,
           .help = "enclave to activate; without it the host chooses"),
};

struct order {
    const char *program, *summary, *method;
    const char *done; /* said when it is; an id follows */
    bool takes_id;
};

static int give(int argc, char **argv, const struct order *order)
{
    struct ts_cfg_spec spec = {.program = order->program,
                               .summary = order->summary,
                               .keys = plain_keys,
                               .n_keys = TS_COUNT(plain_keys),
                               .args = order->takes_id ? "ID" : NULL,
                               .min_args = order->takes_id,
                               .max_args = order->takes_id,
                               .lenient_env = true,
                               .no_file = true};
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    size_t n;
    const char *const *args = ts_cfg_args(cfg, &n);
    ts_address id;
    if (n > 0 && ts_unhex(args[0], id.b, sizeof(id.b)) != TS_OK) {
        code = cli_misused("\"%s\" is not an enclave's id: 0x and 40 hexadecimal digits", args[0]);
        ts_cfg_free(cfg);
        return code;
    }
    json_t *params = n > 0 ? json_pack("[s]", args[0]) : json_array();
    json_t *result = cli_call(&o.base, order->method, params);
    code = result != NULL ? TS_EXIT_OK : TS_EXIT_FAILED;
    if (result != NULL && !o.base.json)
        printf("%s%s\n", order->done, n > 0 ? args[0] : "");
    if (result != NULL && o.base.json)
        cli_print_json(result);
    else
        json_decref(result);
    ts_cfg_free(cfg);
    return code;
}

int verb_pause(int argc, char **argv)
{
    static const struct order order = {"tenseq pause", "Stops making batches, until resume.",
                                       "sequencer_pause",
                                       "paused: no more batches until tenseq resume", false};
    return give(argc, argv, &order);
}

int verb_resume(int argc, char **argv)
{
    static const struct order order = {"tenseq resume", "Makes batches again after pause.",
                                       "sequencer_resume", "resumed", false};
    return give(argc, argv, &order);
}

int verb_drain(int argc, char **argv)
{
    static const struct order order = {
        "tenseq drain",
        "Never activates an enclave, until undrain; switches away from it if it is the active one.",
        "sequencer_drain", "drained ", true};
    return give(argc, argv, &order);
}

int verb_undrain(int argc, char **argv)
{
    static const struct order order = {"tenseq undrain", "Lets an enclave be activated again.",
                                       "sequencer_undrain", "undrained ", true};
    return give(argc, argv, &order);
}

static void print_switch(const json_t *r)
{
    char from[80], to[80], term[80], at[80];
    printf("switched from %s to %s, term %s, at batch %s\n", cli_text(r, "from", from),
           cli_text(r, "to", to), cli_text(r, "term", term), cli_text(r, "atBatch", at));
}

int verb_switchover(int argc, char **argv)
{
    static const struct ts_cfg_spec spec = {
        .program = "tenseq switchover",
        .summary = "Makes another enclave the active one, without a late batch.",
        .keys = switch_keys,
        .n_keys = TS_COUNT(switch_keys),
        .max_args = 1, /* refused below, in better words */
        .lenient_env = true,
        .no_file = true};
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    size_t n;
    const char *const *args = ts_cfg_args(cfg, &n);
    if (n > 0) {
        code = cli_misused("which enclave is told with a flag: tenseq switchover --to %s", args[0]);
        ts_cfg_free(cfg);
        return code;
    }
    json_t *params = json_array();
    if (ts_cfg_is_set(cfg, "to")) {
        json_array_append_new(params, json_string(o.to));
    }
    json_t *result = cli_call(&o.base, "sequencer_switchover", params);
    code = result != NULL ? TS_EXIT_OK : TS_EXIT_FAILED;
    if (result != NULL && !o.base.json)
        print_switch(result);
    if (result != NULL && o.base.json)
        cli_print_json(result);
    else
        json_decref(result);
    ts_cfg_free(cfg);
    return code;
}

static void print_registration(const json_t *r)
{
    char enclave[80], tx[80], measurement[80];
    const char *signature = json_string_value(json_object_get(r, "signature"));
    cli_text(r, "enclave", enclave);
    if (cli_text(r, "tx", tx)[0] != 0) {
        printf("%s is registered on L1 in transaction %s; governance may grant it\n", enclave, tx);
        return;
    }
    printf("the host has no key for L1; anyone may bring the statement there:\n"
           "registerEnclave(address,bytes32,bytes) %s %s %s\n",
           enclave, cli_text(r, "measurement", measurement), signature != NULL ? signature : "");
}

int verb_register(int argc, char **argv)
{
    static const struct ts_cfg_spec spec = {
        .program = "tenseq register",
        .summary = "Brings an enclave's statement to L1, without which governance cannot grant it.",
        .keys = plain_keys,
        .n_keys = TS_COUNT(plain_keys),
        .args = "ID",
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
    const char *const *args = ts_cfg_args(cfg, &n);
    ts_address id;
    json_t *result = NULL;
    if (ts_unhex(args[0], id.b, sizeof(id.b)) != TS_OK)
        code = cli_misused("\"%s\" is not an enclave's id: 0x and 40 hexadecimal digits", args[0]);
    else if ((result = cli_call(&o.base, "sequencer_register", json_pack("[s]", args[0]))) == NULL)
        code = TS_EXIT_FAILED;
    else
        code = TS_EXIT_OK;
    if (result != NULL && !o.base.json)
        print_registration(result);
    if (result != NULL && o.base.json)
        cli_print_json(result);
    else
        json_decref(result);
    ts_cfg_free(cfg);
    return code;
}
