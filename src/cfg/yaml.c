/* SPDX-License-Identifier: Apache-2.0 */
#include <yaml.h>

#include "cfg/internal.h"

/* One mapping of keys to scalars or sequences of scalars, as libyaml's events. Everything else that
 * YAML allows is refused by name: it would be taken for something other than what was meant. */

struct reader {
    struct cfg_load *load;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one, to be deleted before the next */
    ts_bytes text;
};

static size_t line_of(const struct reader *r)
{
    return r->event.start_mark.line + 1;
}

static ts_err fail_at(struct reader *r, size_t line, const char *what)
{
    return cfg_fail(r->load, "%s:%zu: %s", r->load->cfg->file_name, line, what);
}

/* libyaml gives a byte offset, and no line, for what is not UTF-8 or not printable. */
static size_t problem_line(const struct reader *r)
{
    if (r->parser.error != YAML_READER_ERROR)
        return r->parser.problem_mark.line + 1;
    size_t line = 1;
    for (size_t i = 0; i < r->parser.problem_offset && i < r->text.n; i++)
        line += r->text.p[i] == '\n';
    return line;
}

/* What no configuration needs in any event. */
static ts_err check_event(struct reader *r)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (r->event.type == YAML_ALIAS_EVENT)
        return fail_at(r, line_of(r), "aliases (*name) are not allowed; write the value itself");
    if (r->event.type == YAML_SCALAR_EVENT) {
        anchor = r->event.data.scalar.anchor;
        tag = r->event.data.scalar.tag;
    } else if (r->event.type == YAML_SEQUENCE_START_EVENT) {
        anchor = r->event.data.sequence_start.anchor;
        tag = r->event.data.sequence_start.tag;
    } else if (r->event.type == YAML_MAPPING_START_EVENT) {
        anchor = r->event.data.mapping_start.anchor;
        tag = r->event.data.mapping_start.tag;
    }
    if (anchor != NULL)
        return fail_at(r, line_of(r), "anchors (&name) are not allowed");
    return tag == NULL ? TS_OK : fail_at(r, line_of(r), "tags (!type) are not allowed");
}

static ts_err next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return check_event(r);
    memset(&r->event, 0, sizeof(r->event));
    if (r->parser.error == YAML_MEMORY_ERROR)
        return cfg_no_memory(r->load);
    return cfg_fail(r->load, "%s:%zu: not YAML: %s", r->load->cfg->file_name, problem_line(r),
                    r->parser.problem == NULL ? "cannot be read" : r->parser.problem);
}

/* The current event's scalar as a string; NULL, with *err set, when it is none that can be a value.
 */
static const char *scalar(struct reader *r, const char *key, ts_err *err)
{
    const char *text = (const char *)r->event.data.scalar.value;
    size_t n = r->event.data.scalar.length;
    bool is_plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    char what[CFG_WHY_SIZE];
    if (is_plain && (n == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0)) {
        snprintf(what, sizeof(what), "%s: has no value; write one, or remove the line", key);
        *err = fail_at(r, line_of(r), what);
        return NULL;
    }
    if (memchr(text, 0, n) != NULL) {
        snprintf(what, sizeof(what), "%s: the value holds a zero byte", key);
        *err = fail_at(r, line_of(r), what);
        return NULL;
    }
    return text;
}

static ts_err take_scalar(struct reader *r, size_t k)
{
    const struct ts_cfg_key *key = &r->load->cfg->spec->keys[k];
    ts_err err = TS_OK;
    const char *text = scalar(r, key->name, &err);
    if (text == NULL)
        return err;
    char where[CFG_WHY_SIZE + CFG_NAME_MAX];
    snprintf(where, sizeof(where), "%.*s:%zu: %s", CFG_WHY_SIZE, r->load->cfg->file_name,
             line_of(r), key->name);
    return cfg_take(r->load, k, CFG_FILE, where, text);
}

static ts_err take_sequence(struct reader *r, size_t k)
{
    ts_err err = next(r);
    while (err == TS_OK && r->event.type == YAML_SCALAR_EVENT) {
        err = take_scalar(r, k);
        if (err == TS_OK)
            err = next(r);
    }
    if (err == TS_OK && r->event.type != YAML_SEQUENCE_END_EVENT)
        return fail_at(r, line_of(r), "an item of a list must be a single value");
    return err;
}

static ts_err take_value(struct reader *r, size_t k)
{
    const struct ts_cfg_key *key = &r->load->cfg->spec->keys[k];
    bool is_list = key->type == TS_CFG_LIST;
    char what[CFG_WHY_SIZE];
    if (is_list && r->event.type == YAML_SEQUENCE_START_EVENT)
        return take_sequence(r, k);
    if (!is_list && r->event.type == YAML_SCALAR_EVENT)
        return take_scalar(r, k);
    snprintf(what, sizeof(what),
             is_list ? "%s: takes a list: one item a line after \"- \""
                     : "%s: takes a single value",
             key->name);
    return fail_at(r, line_of(r), what);
}

static ts_err unknown(struct reader *r, const char *name)
{
    const struct ts_cfg_spec *spec = r->load->cfg->spec;
    char nearest[CFG_WHY_SIZE];
    cfg_nearest(spec, name, CFG_FILE, nearest);
    return cfg_fail(r->load, "%s:%zu: \"%.*s\" is not a key of %s; %s", r->load->cfg->file_name,
                    line_of(r), CFG_NAME_MAX, name, spec->program, nearest);
}

static ts_err take_key(struct reader *r)
{
    struct ts_cfg *cfg = r->load->cfg;
    if (r->event.type != YAML_SCALAR_EVENT)
        return fail_at(r, line_of(r), "a key must be a single word");
    const char *name = (const char *)r->event.data.scalar.value;
    size_t k = cfg_find(cfg->spec, name, r->event.data.scalar.length);
    if (k == cfg->spec->n_keys)
        return unknown(r, name);
    if ((cfg->spec->keys[k].flags & TS_CFG_FLAG_ONLY) != 0)
        return cfg_fail(r->load, "%s:%zu: %s: only a flag, --%s", cfg->file_name, line_of(r), name,
                        name);
    size_t before = cfg->values[k].file_line;
    if (before != 0)
        return cfg_fail(r->load, "%s:%zu: %s: given twice, first on line %zu", cfg->file_name,
                        line_of(r), name, before);
    cfg->values[k].file_line = line_of(r);
    cfg_begin(r->load, k, CFG_FILE);
    ts_err err = next(r);
    return err == TS_OK ? take_value(r, k) : err;
}

static ts_err take_mapping(struct reader *r)
{
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return fail_at(r, line_of(r), "a configuration is lines of \"key: value\"");
    ts_err err = next(r);
    while (err == TS_OK && r->event.type != YAML_MAPPING_END_EVENT) {
        err = take_key(r);
        if (err == TS_OK)
            err = next(r);
    }
    return err;
}

static ts_err take_stream(struct reader *r)
{
    ts_err err = next(r); /* the start of the stream */
    if (err == TS_OK)
        err = next(r); /* of the document */
    if (err != TS_OK || r->event.type == YAML_STREAM_END_EVENT)
        return err;
    err = next(r);
    /* "---" alone is a document of one empty scalar. */
    bool is_empty = err == TS_OK && r->event.type == YAML_SCALAR_EVENT &&
                    r->event.data.scalar.length == 0 &&
                    r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (err == TS_OK && !is_empty)
        err = take_mapping(r);
    if (err == TS_OK)
        err = next(r); /* the end of the document */
    if (err == TS_OK)
        err = next(r);
    if (err == TS_OK && r->event.type != YAML_STREAM_END_EVENT)
        return fail_at(r, line_of(r), "only one YAML document is allowed");
    return err;
}

ts_err cfg_read_yaml(struct cfg_load *load, ts_bytes text)
{
    struct reader r = {.load = load, .text = text};
    if (text.n > TS_CFG_FILE_MAX)
        return cfg_fail(load, "%s: larger than %u bytes", load->cfg->file_name, TS_CFG_FILE_MAX);
    if (!yaml_parser_initialize(&r.parser))
        return cfg_no_memory(load);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, text.n == 0 ? (const uint8_t *)"" : text.p, text.n);
    ts_err err = take_stream(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return err;
}
