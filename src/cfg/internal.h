/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/cfg share. Nobody else includes this. */
#ifndef TS_CFG_INTERNAL_H
#define TS_CFG_INTERNAL_H

#include "base/arena.h"
#include "base/check.h"
#include "cfg/cfg.h"

enum cfg_origin { CFG_UNSET, CFG_DEFAULT, CFG_FILE, CFG_ENV, CFG_FLAG }; /* weakest first */

/* What the strongest source so far gave for one key, as text. */
struct cfg_value {
    enum cfg_origin origin;
    size_t file_line; /* where the file gives the key, 0: nowhere; for duplicates and origins */
    const char **items;
    size_t n; /* 1 unless the key is a list */
    size_t cap;
};

struct ts_cfg {
    const struct ts_cfg_spec *spec;
    struct ts_arena arena;    /* every string and list below, and those in the program's struct */
    struct cfg_value *values; /* one for each key of the table */
    const char *file_name;    /* NULL: no file */
    const char **args;
    size_t n_args;
};

/* One load in progress. */
struct cfg_load {
    struct ts_cfg *cfg;
    char *error; /* TS_CFG_ERROR_SIZE */
    const char *config_flag;
    enum ts_cfg_ask ask;
};

/* A value as its type holds it. */
union cfg_parsed {
    uint64_t u64;
    double real;
    bool boolean;
    int choice;
    ts_address address;
};

#define CFG_WHY_SIZE 256

/* The prefix of environment variables. */
#define CFG_ENV_PREFIX "TENSEQ_"
#define CFG_NAME_MAX   64 /* longest key name; TS_CHECKed in tables */

/* Writes the sentence unless memory ran out, which has its own; always returns TS_E_USAGE. */
ts_err cfg_fail(struct cfg_load *load, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Out of memory, or the bound on configuration memory. */
ts_err cfg_no_memory(struct cfg_load *load);
/* n bytes as a NUL-terminated string in the arena; NULL when out of memory. */
char *cfg_dup(struct ts_cfg *cfg, const char *p, size_t n);

/* Takes one item of key at index k of the table from a source; the first item of a source stronger
 * than the one before drops what is there. where: for the message. An empty list is items NULL. */
ts_err cfg_take(struct cfg_load *load, size_t k, enum cfg_origin origin, const char *where,
                const char *text);
/* Makes origin the source of key k, with nothing in it yet. */
void cfg_begin(struct cfg_load *load, size_t k, enum cfg_origin origin);
/* The same for text that may be a comma-separated list. */
ts_err cfg_take_text(struct cfg_load *load, size_t k, enum cfg_origin origin, const char *where,
                     const char *text);

/* Whether text is good for the type; why gets a phrase that completes "VALUE …" when it is not.
 * *out is written when it is good. */
bool cfg_parse(const struct ts_cfg_key *key, enum ts_cfg_type type, const char *text,
               union cfg_parsed *out, char why[CFG_WHY_SIZE]);

/* UTF-8 that may stand on one line: no control characters, no line breaks. */
bool cfg_is_line(const char *text);

/* Sources. */
ts_err cfg_read_flags(struct cfg_load *load, const struct ts_cfg_sources *sources);
ts_err cfg_read_env(struct cfg_load *load, const char *const *env);
ts_err cfg_read_yaml(struct cfg_load *load, ts_bytes text);

/* The index of the key named by n bytes at name; n_keys when there is none. */
size_t cfg_find(const struct ts_cfg_spec *spec, const char *name, size_t n);
/* The variable of a key: "data-dir" is TENSEQ_DATA_DIR. */
void cfg_env_name(const char *key, char out[CFG_NAME_MAX + 16]);
/* A phrase that names the key nearest to name, such as "did you mean \"interval\"?", in the form
 * that the source uses. */
void cfg_nearest(const struct ts_cfg_spec *spec, const char *name, enum cfg_origin form,
                 char out[CFG_WHY_SIZE]);

/* What a value of the key is called in --help. */
const char *cfg_value_name(const struct ts_cfg_key *key);

#endif
