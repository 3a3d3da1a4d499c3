/* SPDX-License-Identifier: Apache-2.0 */
/* The genesis as a JSON file. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chain/genesis_check.h"
#include "chain/genesis_json.h"
#include "codec/json.h"

/* The numbers that stand outside the parameters. */
static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    {"l1ChainId", offsetof(struct ts_genesis, l1_chain_id)},
    {"chainId", offsetof(struct ts_genesis, chain_id)},
    {"time", offsetof(struct ts_genesis, time)},
    {"l1Number", offsetof(struct ts_genesis, l1_number)},
};

/* Reading: the first fault is kept as a sentence. */
struct loader {
    const json_t *root;
    struct ts_genesis *g;
    char *why;
    size_t why_size;
    ts_err err;
};

static void fail(struct loader *l, ts_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct loader *l, ts_err err, const char *format, ...)
{
    va_list args;
    if (l->err != TS_OK)
        return;
    l->err = err;
    va_start(args, format);
    vsnprintf(l->why, l->why_size, format, args);
    va_end(args);
    /* It may quote the file, which may hold anything; it stays one line of text. */
    for (char *c = l->why; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

/* NULL when the member is missing: the loader has failed. */
static const json_t *member(struct loader *l, const char *name)
{
    const json_t *json = json_object_get(l->root, name);
    if (json == NULL)
        fail(l, TS_E_JSON, "the member \"%s\" is missing", name);
    return json;
}

static void read_number(struct loader *l, const char *name, uint64_t *out)
{
    const json_t *json = member(l, name);
    if (json != NULL && ts_json_read_u64(json, out) != TS_OK)
        fail(l, TS_E_JSON, "%s must be a whole number from 0 to 2^64 - 1", name);
}

/* A 0x string of exactly n bytes. name is for the sentence. */
static void read_bytes(struct loader *l, const json_t *json, const char *name, void *out, size_t n)
{
    const char *text = json_string_value(json);
    if (json != NULL && (text == NULL || strlen(text) != json_string_length(json) ||
                         ts_unhex(text, out, n) != TS_OK))
        fail(l, TS_E_JSON, "%s must be 0x and %zu hex digits", name, 2 * n);
}

static void *make_list(struct loader *l, const char *name, size_t n, size_t max, size_t size)
{
    void *items = NULL;
    if (n > max)
        fail(l, TS_E_RANGE, "%s has %zu items, more than %zu", name, n, max);
    else if ((items = calloc(n > 0 ? n : 1, size)) == NULL)
        fail(l, TS_E_NOMEM, "out of memory");
    return items;
}

static void read_whitelist(struct loader *l)
{
    char name[40];
    const json_t *json = member(l, "whitelist");
    if (json == NULL)
        return;
    if (!json_is_array(json)) {
        fail(l, TS_E_JSON, "whitelist must be a list of enclave ids");
        return;
    }
    size_t n = json_array_size(json);
    l->g->whitelist = make_list(l, "whitelist", n, TS_MAX_WHITELIST, sizeof(*l->g->whitelist));
    if (l->g->whitelist == NULL)
        return;
    l->g->n_whitelist = n;
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "whitelist[%zu]", i);
        read_bytes(l, json_array_get(json, i), name, l->g->whitelist[i].b, sizeof(ts_address));
    }
}

static void read_account(struct loader *l, const char *key, const json_t *json,
                         struct ts_alloc *out)
{
    ts_u256 balance;
    const char *text = json_string_value(json);
    if (ts_unhex(key, out->address.b, sizeof(out->address.b)) != TS_OK)
        fail(l, TS_E_JSON, "alloc: \"%.64s\" must be 0x and 40 hex digits", key);
    if (text == NULL || strlen(text) != json_string_length(json) ||
        ts_u256_parse(text, &balance) != TS_OK) {
        fail(l, TS_E_JSON, "alloc[%.64s] must be a string with an amount in wei below 2^256", key);
        return;
    }
    ts_u256_to_be(&balance, out->balance);
}

static void read_alloc(struct loader *l)
{
    json_t *json = json_object_get(l->root, "alloc");
    if (member(l, "alloc") == NULL)
        return;
    if (!json_is_object(json)) {
        fail(l, TS_E_JSON, "alloc must be an object of address and amount");
        return;
    }
    size_t n = json_object_size(json);
    l->g->alloc = make_list(l, "alloc", n, TS_MAX_ALLOC, sizeof(*l->g->alloc));
    if (l->g->alloc == NULL)
        return;
    for (void *it = json_object_iter(json); it != NULL; it = json_object_iter_next(json, it))
        read_account(l, json_object_iter_key(it), json_object_iter_value(it),
                     &l->g->alloc[l->g->n_alloc++]);
}

static bool is_known(const char *name)
{
    static const char *const others[] = {"version",   "contract", "l1Hash",
                                         "whitelist", "alloc",    "coinbase"};
    for (size_t i = 0; i < TS_COUNT(others); i++) {
        if (strcmp(others[i], name) == 0)
            return true;
    }
    for (size_t i = 0; i < TS_COUNT(numbers); i++) {
        if (strcmp(numbers[i].name, name) == 0)
            return true;
    }
    for (size_t i = 0; i < TS_N_PARAMS; i++) {
        if (strcmp(ts_params_table[i].name, name) == 0)
            return true;
    }
    return false;
}

static void refuse_unknown(struct loader *l, json_t *root)
{
    for (void *it = json_object_iter(root); it != NULL; it = json_object_iter_next(root, it)) {
        if (!is_known(json_object_iter_key(it)))
            fail(l, TS_E_JSON, "the member \"%.64s\" is unknown", json_object_iter_key(it));
    }
}

static void read_root(struct loader *l)
{
    uint64_t version = TS_GENESIS_VERSION;
    read_number(l, "version", &version);
    if (version != TS_GENESIS_VERSION)
        fail(l, TS_E_VERSION, "version is %" PRIu64 "; this program knows %d", version,
             TS_GENESIS_VERSION);
    for (size_t i = 0; i < TS_COUNT(numbers); i++)
        read_number(l, numbers[i].name, (uint64_t *)((char *)l->g + numbers[i].offset));
    read_bytes(l, member(l, "contract"), "contract", l->g->contract.b, sizeof(ts_address));
    read_bytes(l, member(l, "l1Hash"), "l1Hash", l->g->l1_hash.b, sizeof(ts_hash));
    read_bytes(l, member(l, "coinbase"), "coinbase", l->g->coinbase.b, sizeof(ts_address));
    read_whitelist(l);
    read_alloc(l);
    for (size_t i = 0; i < TS_N_PARAMS; i++)
        read_number(l, ts_params_table[i].name, ts_param_at(&l->g->params, i));
}

/* The bounds, with their sentence; then hash and domain. */
static void finish(struct loader *l)
{
    const char *why = NULL;
    if (l->err != TS_OK)
        return;
    ts_err err = ts_genesis_finish(l->g);
    if (err == TS_OK)
        return;
    /* finish has sorted the lists, so the check finds what it found. */
    ts_genesis_check(l->g, &why);
    fail(l, err, "%s", why != NULL ? why : ts_err_text(err));
}

ts_err ts_genesis_from_json(const char *text, size_t n, struct ts_genesis *out, char *why,
                            size_t why_size)
{
    json_error_t error;
    struct ts_genesis g = {0};
    struct loader l = {.g = &g, .why = why, .why_size = why_size};
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    *out = (struct ts_genesis){0};
    l.root = root;
    if (root == NULL)
        fail(&l, TS_E_JSON, "line %d: %s", error.line, error.text);
    else if (!json_is_object(root))
        fail(&l, TS_E_JSON, "line 1: a genesis must be a JSON object");
    if (l.err == TS_OK) {
        refuse_unknown(&l, root);
        read_root(&l);
        finish(&l);
    }
    json_decref(root);
    if (l.err != TS_OK)
        ts_genesis_free(&g);
    else
        *out = g;
    return l.err;
}

static bool put(json_t *root, const char *name, json_t *value)
{
    return json_object_set_new(root, name, value) == 0;
}

static json_t *whitelist_to_json(const struct ts_genesis *g)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < g->n_whitelist; i++)
        ok = json_array_append_new(list, ts_json_address(&g->whitelist[i])) == 0;
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *alloc_to_json(const struct ts_genesis *g)
{
    char address[TS_ADDRESS_HEX_SIZE];
    char amount[79];
    json_t *object = json_object();
    bool ok = object != NULL;
    for (size_t i = 0; ok && i < g->n_alloc; i++) {
        ts_u256 balance = ts_u256_from_be(g->alloc[i].balance, sizeof(g->alloc[i].balance));
        ts_hex(g->alloc[i].address.b, sizeof(ts_address), address);
        ok = put(object, address, json_string(ts_u256_decimal(&balance, amount)));
    }
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static bool put_all(json_t *root, const struct ts_genesis *g)
{
    bool ok =
        put(root, "version", json_integer(TS_GENESIS_VERSION)) &&
        put(root, "l1ChainId", ts_json_u64(g->l1_chain_id)) &&
        put(root, "contract", ts_json_address(&g->contract)) &&
        put(root, "chainId", ts_json_u64(g->chain_id)) && put(root, "time", ts_json_u64(g->time)) &&
        put(root, "l1Number", ts_json_u64(g->l1_number)) &&
        put(root, "l1Hash", ts_json_hash(&g->l1_hash)) &&
        put(root, "whitelist", whitelist_to_json(g)) && put(root, "alloc", alloc_to_json(g)) &&
        put(root, "coinbase", ts_json_address(&g->coinbase));
    for (size_t i = 0; ok && i < TS_N_PARAMS; i++)
        ok = put(root, ts_params_table[i].name, ts_json_u64(ts_param_get(&g->params, i)));
    return ok;
}

char *ts_genesis_to_json(const struct ts_genesis *g)
{
    json_t *root = json_object();
    char *text = NULL;
    if (root != NULL && put_all(root, g))
        text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}
