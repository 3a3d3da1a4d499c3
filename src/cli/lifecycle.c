/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq lifecycle: the signed events on the chain, page by page. */
#include "cli/cli.h"

struct options {
    struct cli_options base;
    uint64_t from, to;
};

static const struct ts_cfg_key keys[] = {
    CLI_KEYS(struct options),
    TS_CFG(struct options, from, "from", TS_CFG_U64, .def = "1", .help = "first batch"),
    TS_CFG(struct options, to, "to", TS_CFG_U64, .help = "last batch; 0: the newest"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq lifecycle",
    .summary = "Prints the signed lifecycle events on the chain, of one enclave or of all.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .args = "[ID]",
    .max_args = 1,
    .lenient_env = true,
    .no_file = true,
};

struct walk {
    const struct options *o;
    const char *id; /* NULL: all enclaves */
    json_t *all;    /* with --json: the events of all pages */
    size_t n;
};

static json_t *ask(const struct walk *w, uint64_t from)
{
    json_t *params = json_object();
    if (w->id != NULL)
        json_object_set_new(params, "enclaveId", json_string(w->id));
    json_object_set_new(params, "from", json_integer((json_int_t)from));
    if (w->o->to > 0)
        json_object_set_new(params, "to", json_integer((json_int_t)w->o->to));
    return cli_call(&w->o->base, "ten_lifecycle", json_pack("[o]", params));
}

static void take_page(struct walk *w, const json_t *page)
{
    const json_t *events = json_object_get(page, "events");
    size_t i;
    json_t *e;
    json_array_foreach(events, i, e)
    {
        w->n++;
        if (w->all != NULL)
            json_array_append(w->all, e);
        else
            cli_print_event(json_object_get(e, "event"), cli_u64(e, "batch"));
    }
}

/* Every page, as long as somebody reads what is printed. False: the server refused. */
static bool walk_pages(struct walk *w)
{
    for (uint64_t from = w->o->from > 0 ? w->o->from : 1; from > 0 && !cli_stdout_ended();) {
        json_t *page = ask(w, from);
        if (page == NULL)
            return false;
        take_page(w, page);
        uint64_t next = cli_u64(page, "next");
        from = next > from ? next : 0;
        json_decref(page);
    }
    return true;
}

/* Whether the chain knows the enclave; true also when that cannot be told. */
static bool is_known(const struct walk *w, const json_t *registry)
{
    ts_address want, id;
    size_t i;
    json_t *e;
    TS_CHECK(ts_unhex(w->id, want.b, sizeof(want.b)) == TS_OK);
    const json_t *list = json_object_get(registry, "enclaves");
    json_array_foreach(list, i, e)
    {
        const char *text = json_string_value(json_object_get(e, "id"));
        if (text != NULL && ts_unhex(text, id.b, sizeof(id.b)) == TS_OK &&
            ts_address_equal(&id, &want))
            return true;
    }
    return !json_is_array(list);
}

/* Nothing was found. An id that nobody has and a first batch that is not there are mistakes; that
 * nothing happened in a range is an answer. */
static int say_nothing(const struct walk *w)
{
    json_t *registry = cli_call(&w->o->base, "ten_registry", NULL);
    if (registry == NULL)
        return TS_EXIT_FAILED;
    uint64_t head = cli_u64(registry, "number");
    int code = TS_EXIT_OK;
    if (w->id != NULL && !is_known(w, registry))
        code = cli_fail("no enclave has the id %s; tenseq registry lists those that the chain "
                        "knows",
                        w->id);
    else if (w->o->from > head && w->o->from > 1)
        code = cli_fail("there is no batch %llu: the newest is %llu",
                        (unsigned long long)w->o->from, (unsigned long long)head);
    else
        fprintf(stderr, "no lifecycle event%s%s in batches %llu to %llu\n",
                w->id != NULL ? " of " : "", w->id != NULL ? w->id : "",
                (unsigned long long)w->o->from,
                (unsigned long long)(w->o->to > 0 && w->o->to < head ? w->o->to : head));
    json_decref(registry);
    return code;
}

static int run(const struct options *o, const char *id)
{
    struct walk w = {.o = o, .id = id, .all = o->base.json ? json_array() : NULL};
    ts_address address;
    if (id != NULL && ts_unhex(id, address.b, sizeof(address.b)) != TS_OK)
        return cli_misused("\"%s\" is not an enclave's id: 0x and 40 hexadecimal digits", id);
    if (o->to > 0 && o->from > o->to)
        return cli_misused("--from %llu is above --to %llu", (unsigned long long)o->from,
                           (unsigned long long)o->to);
    if (!walk_pages(&w)) {
        json_decref(w.all);
        return TS_EXIT_FAILED;
    }
    int code = w.n > 0 || cli_stdout_ended() ? TS_EXIT_OK : say_nothing(&w);
    if (code == TS_EXIT_OK && w.all != NULL)
        cli_print_json(json_pack("{s:O}", "events", w.all));
    json_decref(w.all);
    return code;
}

int verb_lifecycle(int argc, char **argv)
{
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    size_t n;
    const char *const *args = ts_cfg_args(cfg, &n);
    code = run(&o, n > 0 ? args[0] : NULL);
    ts_cfg_free(cfg);
    return code;
}
