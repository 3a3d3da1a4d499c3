/* SPDX-License-Identifier: Apache-2.0 */
/* Reading evidence. What is read is checked, written again and compared with the file: so no member
 * says anything but what follows from the evidence, and reading itself may be lenient. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "audit/evidence_file.h"
#include "audit/evidence_json.h"
#include "base/check.h"
#include "chain/genesis_json.h"
#include "codec/json.h"

#define WHERE 120

struct reading {
    struct ts_evidence_file *f;
    struct ts_evidence_verdict *v;
    ts_err err;
};

static void fail(struct reading *r, ts_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fail(struct reading *r, ts_err err, const char *format, ...)
{
    va_list args;
    if (r->err != TS_OK)
        return;
    r->err = err;
    va_start(args, format);
    (void)vsnprintf(r->v->why, sizeof(r->v->why), format, args);
    va_end(args);
}

static const json_t *member(struct reading *r, const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    if (v == NULL)
        fail(r, TS_E_JSON, "the member \"%s\" is missing", name);
    return v;
}

static const char *text_of(struct reading *r, const json_t *object, const char *name)
{
    const json_t *v = member(r, object, name);
    if (v != NULL && !json_is_string(v))
        fail(r, TS_E_JSON, "%s must be a string", name);
    return json_string_value(v) != NULL ? json_string_value(v) : "";
}

static void *room(struct reading *r, size_t count, size_t size)
{
    void *p = ts_arena_array(&r->f->arena, count, size);
    if (p == NULL)
        fail(r, TS_E_NOMEM, "out of memory");
    return p;
}

static void read_fixed(struct reading *r, const json_t *object, const char *name, void *out,
                       size_t n)
{
    const char *text = text_of(r, object, name);
    if (r->err == TS_OK && ts_unhex(text, out, n) != TS_OK)
        fail(r, TS_E_JSON, "%s must be 0x and %zu hex digits", name, 2 * n);
}

static ts_bytes read_bytes(struct reading *r, const json_t *object, const char *name)
{
    const char *text = text_of(r, object, name);
    size_t n = 0, max = strlen(text) / 2;
    uint8_t *p = r->err == TS_OK ? room(r, max + 1, 1) : NULL;
    if (p == NULL)
        return (ts_bytes){0};
    if (ts_unhex_any(text, p, max, &n) != TS_OK)
        fail(r, TS_E_JSON, "%s must be 0x and pairs of hex digits", name);
    return ts_bytes_of(p, n);
}

static void read_schema(struct reading *r, const json_t *object, const char *name,
                        const struct ts_type *type, void *out)
{
    const json_t *v = member(r, object, name);
    const char *field = "";
    if (v != NULL && ts_schema_from_json(type, v, out, &field) != TS_OK)
        fail(r, TS_E_JSON, "%s.%s is missing, unknown, or not of its type", name, field);
}

static void read_sealed(struct reading *r, const json_t *v, struct ts_sealed *out)
{
    memset(out, 0, sizeof(*out));
    read_schema(r, v, "header", &ts_batch_header_type, &out->header);
    read_fixed(r, v, "parentRoot", out->parent_root.b, sizeof(out->parent_root.b));
    out->payload = read_bytes(r, v, "payload");
    read_fixed(r, v, "seal", out->seal.b, sizeof(out->seal.b));
}

static void read_grants(struct reading *r, const json_t *material)
{
    const json_t *list = member(r, material, "grants");
    size_t n = json_array_size(list);
    if (list != NULL && (!json_is_array(list) || n > TS_EVIDENCE_MAX_GRANTS))
        fail(r, TS_E_JSON, "grants must be a list of at most %d", TS_EVIDENCE_MAX_GRANTS);
    struct ts_sealed *grants = r->err == TS_OK ? room(r, n + 1, sizeof(*grants)) : NULL;
    if (grants == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        read_sealed(r, json_array_get(list, i), &grants[i]);
    r->f->evidence.grants = grants;
    r->f->evidence.n_grants = n;
}

static void read_whitelist(struct reading *r, const json_t *l1)
{
    const json_t *list = member(r, l1, "whitelist");
    size_t n = json_array_size(list);
    if (list == NULL || json_is_null(list))
        return;
    if (!json_is_array(list) || n > TS_MAX_WHITELIST)
        fail(r, TS_E_JSON, "whitelist must be null or a list of at most %d", TS_MAX_WHITELIST);
    ts_address *a = r->err == TS_OK ? room(r, n + 1, sizeof(*a)) : NULL;
    if (a == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || ts_unhex(text, a[i].b, sizeof(a[i].b)) != TS_OK)
            fail(r, TS_E_JSON, "whitelist[%zu] is no enclave id", i);
    }
    r->f->evidence.l1_list = a;
    r->f->evidence.n_l1_list = n;
}

static void read_material(struct reading *r, const json_t *m)
{
    struct ts_evidence *e = &r->f->evidence;
    const json_t *batch = member(r, m, "batch");
    e->has_batch = batch != NULL && !json_is_null(batch);
    if (e->has_batch)
        read_sealed(r, batch, &e->batch);
    else if (e->kind != TS_F_ROLLUP_MISMATCH)
        fail(r, TS_E_JSON, "batch must be an object");
    read_grants(r, m);
    if (e->kind == TS_F_EQUIVOCATION)
        read_sealed(r, member(r, m, "other"), &e->other);
    if (e->kind == TS_F_PAYLOAD_EDITED)
        e->given = read_bytes(r, m, "given");
    if (e->kind == TS_F_WHITELIST_MISMATCH) {
        const json_t *l1 = member(r, m, "l1");
        e->l1_header = read_bytes(r, l1, "header");
        read_whitelist(r, l1);
    }
    if (e->kind == TS_F_ROLLUP_MISMATCH) {
        read_schema(r, m, "rollup", &ts_rollup_type, &e->rollup);
        const json_t *data = member(r, m, "data");
        e->has_data = data != NULL && !json_is_null(data);
        if (e->has_data)
            e->data = read_bytes(r, m, "data");
    }
}

static void read_genesis(struct reading *r, const json_t *network)
{
    const json_t *genesis = member(r, network, "genesis");
    char why[220] = "";
    char *text = genesis != NULL ? json_dumps(genesis, JSON_ENCODE_ANY) : NULL;
    if (genesis != NULL && text == NULL)
        fail(r, TS_E_NOMEM, "out of memory");
    if (text != NULL &&
        ts_genesis_from_json(text, strlen(text), &r->f->genesis, why, sizeof(why)) != TS_OK)
        fail(r, TS_E_JSON, "the genesis: %s", why);
    free(text);
    r->f->evidence.genesis = &r->f->genesis;
}

static void read_file(struct reading *r, const json_t *root)
{
    uint64_t version = 0;
    if (strcmp(text_of(r, root, "format"), TS_EVIDENCE_FORMAT) != 0)
        fail(r, TS_E_JSON, "format is not \"%s\": this is no evidence", TS_EVIDENCE_FORMAT);
    const json_t *v = member(r, root, "version");
    if (v != NULL && ts_json_read_u64(v, &version) != TS_OK)
        fail(r, TS_E_JSON, "version must be a number");
    if (version != TS_EVIDENCE_VERSION)
        fail(r, TS_E_VERSION, "version is %" PRIu64 "; this program knows %d", version,
             TS_EVIDENCE_VERSION);
    const char *kind = text_of(r, root, "kind");
    if (r->err == TS_OK && (!ts_finding_kind_of(kind, &r->f->evidence.kind) ||
                            ts_finding_severity(r->f->evidence.kind) != TS_SEVERITY_PROOF))
        fail(r, TS_E_UNSUPPORTED, "there is no evidence of the kind \"%.40s\"", kind);
    if (r->err == TS_OK)
        read_genesis(r, member(r, root, "network"));
    if (r->err == TS_OK)
        read_material(r, member(r, root, "material"));
}

/* Where two values differ first, as a path. */
static void find_difference(const json_t *made, const json_t *given, char where[WHERE])
{
    const char *key;
    json_t *value;
    size_t n = strnlen(where, WHERE - 1);
    if (!json_is_object(made) || !json_is_object(given))
        return;
    json_object_foreach((json_t *)(uintptr_t)given, key, value)
    {
        if (json_object_get(made, key) == NULL) {
            (void)snprintf(where + n, WHERE - n, "%s%.60s", n > 0 ? "." : "", key);
            return;
        }
    }
    json_object_foreach((json_t *)(uintptr_t)made, key, value)
    {
        const json_t *theirs = json_object_get(given, key);
        if (theirs != NULL && json_equal(value, theirs))
            continue;
        (void)snprintf(where + n, WHERE - n, "%s%s", n > 0 ? "." : "", key);
        find_difference(value, theirs, where);
        return;
    }
}

static void compare(struct reading *r, const json_t *root)
{
    char where[WHERE] = "";
    json_t *made = ts_evidence_to_json(&r->f->evidence, r->v);
    if (made == NULL) {
        fail(r, TS_E_NOMEM, "out of memory");
    } else if (!json_equal(made, root)) {
        find_difference(made, root, where);
        fail(r, TS_E_EVIDENCE, "%s is not what the material gives: it was altered", where);
    }
    json_decref(made);
}

static json_t *parse(struct reading *r, const char *text, size_t n)
{
    json_error_t error;
    if (n > TS_EVIDENCE_FILE_MAX)
        fail(r, TS_E_LIMIT, "the file is longer than %u bytes", TS_EVIDENCE_FILE_MAX);
    else if (memchr(text, '\\', n) != NULL)
        fail(r, TS_E_JSON, "it holds a backslash, which no evidence needs");
    if (r->err != TS_OK)
        return NULL;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        fail(r, TS_E_JSON, "it is not whole JSON: line %d: %s", error.line, error.text);
    else if (!json_is_object(root))
        fail(r, TS_E_JSON, "it is no JSON object");
    return root;
}

/* A sentence may quote the file. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
            *text = '?';
}

void ts_evidence_file_free(struct ts_evidence_file *f)
{
    ts_genesis_free(&f->genesis);
    ts_arena_free(&f->arena);
    memset(f, 0, sizeof(*f));
}

ts_err ts_evidence_verify(const char *text, size_t n, const struct ts_crypto *crypto,
                          ts_rollup_said_fn said, struct ts_evidence_file *file,
                          struct ts_evidence_verdict *verdict)
{
    struct reading r = {.f = file, .v = verdict};
    memset(file, 0, sizeof(*file));
    memset(verdict, 0, sizeof(*verdict));
    ts_arena_init(&file->arena, 2 * TS_EVIDENCE_FILE_MAX);
    json_t *root = parse(&r, text, n);
    if (r.err == TS_OK)
        read_file(&r, root);
    if (r.err == TS_OK)
        r.err = ts_evidence_check(&file->evidence, crypto, said, verdict);
    if (r.err == TS_OK)
        compare(&r, root);
    json_decref(root);
    make_printable(verdict->why);
    if (r.err != TS_OK)
        ts_evidence_file_free(file);
    return r.err;
}
