/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of a program: one table of keys, read into a struct of the program.
 *
 * Sources, weakest first: the table's defaults, the YAML file of --config (or TENSEQ_CONFIG), the
 * environment (key "data-dir" is TENSEQ_DATA_DIR), flags (--data-dir X, --data-dir=X, -d X). A
 * stronger source replaces a weaker one's value, lists whole.
 *
 *     struct app_cfg { const char *data_dir; uint64_t interval; struct ts_cfg_list peers; };
 *     static const struct ts_cfg_key keys[] = {
 *         TS_CFG(struct app_cfg, data_dir, "data-dir", TS_CFG_PATH, .letter = 'd',
 *                .def = "data", .help = "where everything durable is kept"),
 *         TS_CFG(struct app_cfg, interval, "interval", TS_CFG_MS, .def = "1s", .min = 10,
 *                .help = "time between batches"),
 *         TS_CFG(struct app_cfg, peers, "peers", TS_CFG_LIST, .item = TS_CFG_ENDPOINT,
 *                .help = "feeds to follow"),
 *     };
 *     static const struct ts_cfg_spec spec = {.program = "app", .summary = "does it",
 *                                             .keys = keys, .n_keys = TS_COUNT(keys)};
 *     int main(int argc, char **argv)
 *     {
 *         struct app_cfg app;
 *         struct ts_cfg *cfg;
 *         int done = ts_cfg_start(&spec, argc, argv, &app, &cfg);
 *         if (done >= 0)
 *             return done;
 *         …
 *         ts_cfg_free(cfg);
 *     }
 *
 * Every program also has --config FILE, --print-config, --help (-h) and --version (-V). */
#ifndef TS_CFG_CFG_H
#define TS_CFG_CFG_H

#include <stdio.h>

#include "tenseq/bytes.h"

/* How a value is written, and the type of the member that receives it. */
enum ts_cfg_type {
    TS_CFG_STRING,   /* any text without control characters: const char * */
    TS_CFG_PATH,     /* text, not empty: const char * */
    TS_CFG_U64,      /* decimal digits: uint64_t */
    TS_CFG_REAL,     /* decimal digits, with or without a fraction: double */
    TS_CFG_MS,       /* a number and ms, s, m, h or d: uint64_t milliseconds */
    TS_CFG_SIZE,     /* a number and nothing, B, KiB, MiB or GiB: uint64_t bytes */
    TS_CFG_BOOL,     /* true/false, yes/no, on/off; a bare flag means true: bool */
    TS_CFG_ADDRESS,  /* 0x and 40 hex digits: ts_address */
    TS_CFG_ENDPOINT, /* HOST:PORT, [IPV6]:PORT or unix:PATH: const char *, see ts_endpoint_parse */
    TS_CFG_ENUM,     /* one of choices: int, its index there */
    TS_CFG_LIST      /* a YAML sequence; comma separated in flags (which also repeat), the
                        environment and defaults: struct ts_cfg_list */
};

/* Texts, each of the key's item type. */
struct ts_cfg_list {
    const char *const *items;
    size_t n;
};

#define TS_CFG_REQUIRED  1u /* an error when no source gives it */
#define TS_CFG_SECRET    2u /* --print-config says only whether it is set */
#define TS_CFG_FLAG_ONLY 4u /* an action such as --init: not in the file or the environment */

/* A further check of a value (of each item of a list). Returns NULL when it is good, else a phrase
 * that completes "VALUE …", such as "is not a loopback address". */
typedef const char *ts_cfg_check(const char *value);

struct ts_cfg_key {
    const char *name; /* kebab-case */
    enum ts_cfg_type type;
    size_t offset; /* of the member, of which size tells the size; set by TS_CFG */
    size_t size;
    char letter;                /* short flag, 0: none; 'h' and 'V' are taken */
    const char *def;            /* default as text; NULL: NULL, 0, false, zero address, no items */
    const char *help;           /* one phrase, lower case */
    const char *value_name;     /* in --help, such as "URL"; NULL: by type */
    unsigned flags;             /* TS_CFG_REQUIRED … */
    uint64_t min, max;          /* of U64, MS, SIZE; max 0: none */
    const char *const *choices; /* of ENUM, ending in NULL */
    enum ts_cfg_type item;      /* of LIST: STRING, PATH, U64, MS, SIZE, ADDRESS or ENDPOINT */
    ts_cfg_check *check;
};

#define TS_CFG(struct_type, member, key_name, key_type, ...)                                       \
    {                                                                                              \
        .name = (key_name), .type = (key_type), .offset = offsetof(struct_type, member),           \
        .size = sizeof(((struct_type *)0)->member), __VA_ARGS__                                    \
    }

struct ts_cfg_spec {
    const char *program; /* "tenseq-host", or "tenseq status" for a verb */
    const char *summary; /* one sentence for --help */
    const char *args;    /* what follows the flags, such as "FILE"; NULL: nothing may */
    size_t min_args;
    size_t max_args;
    const struct ts_cfg_key *keys;
    size_t n_keys;
    bool lenient_env;     /* TENSEQ_… variables that are no key: ignored, not an error (for the
                             command line, which shares the user's environment) */
    bool no_file;         /* no --config */
    const char *epilogue; /* printed at the end of --help; may be NULL */
};

/* Owns every string and list that was put into the program's struct. */
struct ts_cfg;

/* What a program's main calls first. Returns -1 to go on: *out (the program's struct) is filled and
 * *cfg must be freed after its last use. Otherwise the exit code, everything said: 0 after --help,
 * --version and --print-config (stdout), 2 on wrong usage or configuration (one sentence on
 * stderr); *cfg is then NULL and *out unspecified. */
int ts_cfg_start(const struct ts_cfg_spec *spec, int argc, char **argv, void *out,
                 struct ts_cfg **cfg);

#define TS_CFG_ERROR_SIZE 1024
#define TS_CFG_FILE_MAX   (1024u * 1024)

/* Where values come from. */
struct ts_cfg_sources {
    const char *const *args; /* flags and arguments without the program's name; NULL: none */
    size_t n_args;
    const char *const *env; /* NAME=value, ending in NULL; NULL: none */
    const char *file_name;  /* for messages; used only with file.p */
    ts_bytes file;          /* the YAML text; when p is NULL, --config or TENSEQ_CONFIG is read */
};

enum ts_cfg_ask { TS_CFG_RUN, TS_CFG_HELP, TS_CFG_VERSION, TS_CFG_PRINT };

/* The same without printing or exiting, for tests and for other front ends. *ask says what the
 * flags ask for; with TS_CFG_HELP and TS_CFG_VERSION nothing else is looked at and *out is
 * unspecified. TS_E_USAGE: error holds one sentence that says what and where. TS_E_NOMEM. On an
 * error *cfg is NULL, *out is unspecified. */
ts_err ts_cfg_load(const struct ts_cfg_spec *spec, const struct ts_cfg_sources *sources, void *out,
                   struct ts_cfg **cfg, enum ts_cfg_ask *ask, char error[TS_CFG_ERROR_SIZE]);
/* cfg may be NULL. */
void ts_cfg_free(struct ts_cfg *cfg);

/* What followed the flags. */
const char *const *ts_cfg_args(const struct ts_cfg *cfg, size_t *n);
/* That of n known names which is so near to name that it may be meant; NULL: none is. */
const char *ts_cfg_suggest(const char *name, const char *const *known, size_t n);
/* Whether a source other than the default gave the key; name must be in the table. */
bool ts_cfg_is_set(const struct ts_cfg *cfg, const char *name);
/* "default", "flag --data-dir", "environment TENSEQ_DATA_DIR" or "host.yaml:3", cut to size.
 * Returns out. */
char *ts_cfg_origin(const struct ts_cfg *cfg, const char *name, char *out, size_t size);

/* "data-dir: /var/lib/x    # host.yaml:3", one line a key, itself a valid configuration file. */
void ts_cfg_print(const struct ts_cfg *cfg, FILE *to);
void ts_cfg_help(const struct ts_cfg_spec *spec, FILE *to);

/* The keys log-level and log-format that every program has: int log_level, log_format of the
 * struct, values as enum ts_log_level and enum ts_log_format (base/log.h). */
extern const char *const ts_cfg_log_levels[];
extern const char *const ts_cfg_log_formats[];
#define TS_CFG_LOG_KEYS(struct_type)                                                               \
    TS_CFG(struct_type, log_level, "log-level", TS_CFG_ENUM, .def = "info",                        \
           .choices = ts_cfg_log_levels, .help = "least level that is logged"),                    \
        TS_CFG(struct_type, log_format, "log-format", TS_CFG_ENUM, .def = "text",                  \
               .choices = ts_cfg_log_formats, .help = "form of the log lines on stderr")

/* An endpoint, taken apart. */
struct ts_endpoint {
    bool is_unix;
    bool is_loopback; /* unix, 127.0.0.0/8, ::1 or localhost */
    char host[256];   /* without brackets; the path when is_unix */
    uint16_t port;    /* 0: any free port */
};

/* TS_E_USAGE: not an endpoint, out is unchanged. */
ts_err ts_endpoint_parse(const char *text, struct ts_endpoint *out);

#endif
