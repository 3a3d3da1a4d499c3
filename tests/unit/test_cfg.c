/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/log.h"
#include "cfg/cfg.h"

struct app {
    const char *data_dir;
    uint64_t interval;
    uint64_t cache;
    uint64_t nodes;
    double share;
    bool json;
    bool init;
    ts_address enclave;
    const char *listen;
    struct ts_cfg_list peers;
    struct ts_cfg_list ids;
    const char *token;
    int log_level;
    int log_format;
};

static const char *even(const char *value)
{
    return (value[strlen(value) - 1] - '0') % 2 == 0 ? NULL : "is odd";
}

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct app, data_dir, "data-dir", TS_CFG_PATH, .letter = 'd', .def = "data",
           .help = "where things are kept"),
    TS_CFG(struct app, interval, "interval", TS_CFG_MS, .def = "1s", .min = 10, .max = 60000,
           .help = "time between batches"),
    TS_CFG(struct app, cache, "cache", TS_CFG_SIZE, .help = "bytes of cache"),
    TS_CFG(struct app, nodes, "nodes", TS_CFG_U64, .letter = 'n', .def = "2", .check = even,
           .help = "how many nodes"),
    TS_CFG(struct app, share, "share", TS_CFG_REAL, .def = "0.25", .help = "a share"),
    TS_CFG(struct app, json, "json", TS_CFG_BOOL, .letter = 'j', .help = "print JSON"),
    TS_CFG(struct app, init, "init", TS_CFG_BOOL, .letter = 'i', .flags = TS_CFG_FLAG_ONLY,
           .help = "make an identity"),
    TS_CFG(struct app, enclave, "enclave", TS_CFG_ADDRESS, .help = "an enclave's id"),
    TS_CFG(struct app, listen, "listen", TS_CFG_ENDPOINT, .help = "where to listen"),
    TS_CFG(struct app, peers, "peers", TS_CFG_LIST, .letter = 'p', .item = TS_CFG_ENDPOINT,
           .def = "127.0.0.1:1, 127.0.0.1:2", .help = "feeds to follow"),
    TS_CFG(struct app, ids, "ids", TS_CFG_LIST, .item = TS_CFG_ADDRESS, .help = "ids"),
    TS_CFG(struct app, token, "token", TS_CFG_STRING, .flags = TS_CFG_SECRET, .help = "a secret"),
    TS_CFG_LOG_KEYS(struct app),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq-app",
    .summary = "Does what an app does.",
    .args = "[FILE]",
    .max_args = 1,
    .keys = keys,
    .n_keys = TS_COUNT(keys),
};

/* One load with everything it gives. */
struct loaded {
    struct app app;
    struct ts_cfg *cfg;
    enum ts_cfg_ask ask;
    ts_err err;
    char error[TS_CFG_ERROR_SIZE];
};

#define MAX_WORDS 16

/* flags and env: words separated by '|'. */
static size_t split(const char *text, char *copy, const char **words)
{
    size_t n = 0;
    if (text == NULL)
        return 0;
    snprintf(copy, 2048, "%s", text);
    for (char *p = copy; p != NULL && n < MAX_WORDS - 1;) {
        words[n++] = p;
        p = strchr(p, '|');
        if (p != NULL)
            *p++ = 0;
    }
    words[n] = NULL;
    return n;
}

static struct loaded load_spec(const struct ts_cfg_spec *s, const char *yaml, const char *env,
                               const char *flags)
{
    char flag_text[2048], env_text[2048];
    const char *flag_words[MAX_WORDS] = {NULL}, *env_words[MAX_WORDS] = {NULL};
    struct loaded l;
    memset(&l, 0, sizeof(l));
    struct ts_cfg_sources sources = {
        .args = flag_words,
        .n_args = split(flags, flag_text, flag_words),
        .env = env_words,
        .file_name = "app.yaml",
    };
    split(env, env_text, env_words);
    if (yaml != NULL)
        sources.file = ts_bytes_of(yaml, strlen(yaml));
    l.err = ts_cfg_load(s, &sources, &l.app, &l.cfg, &l.ask, l.error);
    assert_true((l.err == TS_OK) == (l.cfg != NULL));
    return l;
}

static struct loaded load(const char *yaml, const char *env, const char *flags)
{
    struct loaded l = load_spec(&spec, yaml, env, flags);
    if (l.err != TS_OK)
        print_message("%s\n", l.error);
    assert_int_equal(l.err, TS_OK);
    assert_string_equal(l.error, "");
    return l;
}

/* The load is refused with exactly this sentence. */
static void refused(const char *yaml, const char *env, const char *flags, const char *sentence)
{
    struct loaded l = load_spec(&spec, yaml, env, flags);
    assert_int_equal(l.err, TS_E_USAGE);
    assert_string_equal(l.error, sentence);
}

static const char *origin(const struct loaded *l, const char *name)
{
    static char text[128];
    return ts_cfg_origin(l->cfg, name, text, sizeof(text));
}

static void defaults_hold_when_nothing_is_given(void **state)
{
    (void)state;
    struct loaded l = load(NULL, NULL, NULL);
    assert_string_equal(l.app.data_dir, "data");
    assert_int_equal(l.app.interval, 1000);
    assert_int_equal(l.app.cache, 0);
    assert_int_equal(l.app.nodes, 2);
    assert_false(l.app.json);
    assert_true(ts_address_is_zero(&l.app.enclave));
    assert_null(l.app.listen);
    assert_int_equal(l.app.peers.n, 2);
    assert_string_equal(l.app.peers.items[1], "127.0.0.1:2");
    assert_int_equal(l.app.ids.n, 0);
    assert_int_equal(l.app.log_level, TS_LOG_INFO);
    assert_int_equal(l.app.log_format, TS_LOG_TEXT);
    assert_false(ts_cfg_is_set(l.cfg, "interval"));
    assert_string_equal(origin(&l, "interval"), "default");
    ts_cfg_free(l.cfg);
}

static void a_stronger_source_wins(void **state)
{
    (void)state;
    struct loaded l = load("interval: 2s\nnodes: 4\ncache: 16MiB\n\npeers:\n  - '[::1]:3'\n",
                           "TENSEQ_INTERVAL=3s|TENSEQ_NODES=6|HOME=/x", "--interval|4s");
    assert_int_equal(l.app.interval, 4000);
    assert_int_equal(l.app.nodes, 6);
    assert_int_equal(l.app.cache, 16 << 20);
    assert_int_equal(l.app.peers.n, 1);
    assert_string_equal(l.app.peers.items[0], "[::1]:3");
    assert_string_equal(origin(&l, "interval"), "flag --interval");
    assert_string_equal(origin(&l, "nodes"), "environment TENSEQ_NODES");
    assert_string_equal(origin(&l, "cache"), "app.yaml:3");
    assert_string_equal(origin(&l, "peers"), "app.yaml:5");
    assert_true(ts_cfg_is_set(l.cfg, "peers"));
    ts_cfg_free(l.cfg);
}

static void every_form_of_a_flag_works(void **state)
{
    (void)state;
    struct loaded l = load(NULL, NULL,
                           "-ji|-d/x|-n|8|--cache=64KiB|--peers|a:1,b:2|-p|c:3|file|"
                           "--enclave|0x00000000000000000000000000000000000000Ff");
    assert_true(l.app.json && l.app.init);
    assert_string_equal(l.app.data_dir, "/x");
    assert_int_equal(l.app.nodes, 8);
    assert_int_equal(l.app.cache, 65536);
    assert_int_equal(l.app.peers.n, 3);
    assert_string_equal(l.app.peers.items[2], "c:3");
    assert_int_equal(l.app.enclave.b[19], 0xff);
    size_t n;
    assert_string_equal(ts_cfg_args(l.cfg, &n)[0], "file");
    assert_int_equal(n, 1);
    ts_cfg_free(l.cfg);
    l = load("json: yes", NULL, "--json=false|--|--json");
    assert_false(l.app.json);
    assert_string_equal(ts_cfg_args(l.cfg, &n)[0], "--json");
    ts_cfg_free(l.cfg);
}

static void units_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {{"10ms", 10}, {"5s", 5000}, {"1m", 60000}, {"60s", 60000}};
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        char yaml[64];
        snprintf(yaml, sizeof(yaml), "interval: %s\ncache: 2GiB", cases[i].text);
        struct loaded l = load(yaml, NULL, NULL);
        assert_int_equal(l.app.interval, cases[i].ms);
        assert_int_equal(l.app.cache, 2ull << 30);
        ts_cfg_free(l.cfg);
    }
}

static void fractions_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double share;
    } cases[] = {{"0.001", 0.001}, {"7", 7}, {"12.50", 12.5}, {"0", 0}};
    static const char *const bad[] = {".5", "5.", "-1", "1e3", "0x1", "nan", "inf", "1,5", "1 "};
    struct loaded l = load("{}", NULL, NULL);
    assert_true(l.app.share == 0.25);
    ts_cfg_free(l.cfg);
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        char flag[64];
        snprintf(flag, sizeof(flag), "--share=%s", cases[i].text);
        l = load(NULL, NULL, flag);
        assert_true(l.app.share == cases[i].share);
        ts_cfg_free(l.cfg);
    }
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        char flag[64], sentence[128];
        snprintf(flag, sizeof(flag), "--share=%s", bad[i]);
        snprintf(sentence, sizeof(sentence),
                 "flag --share: \"%s\" is not a number such as 0.1, 2 or 0.001", bad[i]);
        refused(NULL, NULL, flag, sentence);
    }
}

static void mistakes_in_the_file_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *sentence;
    } cases[] = {
        {"\nintervall: 1s",
         "app.yaml:2: \"intervall\" is not a key of tenseq-app; did you mean interval?"},
        {"zzzzzzzzzzzz: 1", "app.yaml:1: \"zzzzzzzzzzzz\" is not a key of tenseq-app; the nearest "
                            "known is data-dir"},
        {"interval: 1", "app.yaml:1: interval: \"1\" is not a duration such as 100ms, 1s or 5m"},
        {"interval: 5ms", "app.yaml:1: interval: \"5ms\" is below 10ms"},
        {"interval: 2m", "app.yaml:1: interval: \"2m\" is above 1m"},
        {"interval: 99999999999999999999s",
         "app.yaml:1: interval: \"99999999999999999999s\" is not a duration such as 100ms, 1s or "
         "5m"},
        {"cache: 20000000000000MiB", "app.yaml:1: cache: \"20000000000000MiB\" is not a size such "
                                     "as 512, 64KiB or 16MiB"},
        {"nodes: -1", "app.yaml:1: nodes: \"-1\" is not a whole number"},
        {"nodes: 3", "app.yaml:1: nodes: \"3\" is odd"},
        {"json: maybe", "app.yaml:1: json: \"maybe\" is neither true nor false"},
        {"enclave: 0x12", "app.yaml:1: enclave: \"0x12\" is not an address: 0x and 40 hexadecimal "
                          "digits"},
        {"log-level: loud",
         "app.yaml:1: log-level: \"loud\" is not one of error, warn, info, debug"},
        {"data-dir: ''", "app.yaml:1: data-dir: \"\" is empty where a path is expected"},
        {"data-dir: \"a\\nb\"",
         "app.yaml:1: data-dir: \"a?b\" is not one line of printable UTF-8 text"},
        {"data-dir: \"a\\0b\"", "app.yaml:1: data-dir: the value holds a zero byte"},
        {"data-dir:", "app.yaml:1: data-dir: has no value; write one, or remove the line"},
        {"data-dir: ~", "app.yaml:1: data-dir: has no value; write one, or remove the line"},
        {"data-dir: [a]", "app.yaml:1: data-dir: takes a single value"},
        {"data-dir:\n  x: y", "app.yaml:2: data-dir: takes a single value"},
        {"peers: a:1", "app.yaml:1: peers: takes a list: one item a line after \"- \""},
        {"peers:\n - a:1\n - b", "app.yaml:3: peers: \"b\" is not an endpoint such as "
                                 "127.0.0.1:9000, [::1]:9000 or unix:/run/x.sock"},
        {"peers: [[a:1]]", "app.yaml:1: an item of a list must be a single value"},
        {"nodes: 2\njson: true\nnodes: 4", "app.yaml:3: nodes: given twice, first on line 1"},
        {"nodes: &a 2", "app.yaml:1: anchors (&name) are not allowed"},
        {"nodes: *a", "app.yaml:1: aliases (*name) are not allowed; write the value itself"},
        {"nodes: !!int 2", "app.yaml:1: tags (!type) are not allowed"},
        {"- a", "app.yaml:1: a configuration is lines of \"key: value\""},
        {"[a]: 1", "app.yaml:1: a key must be a single word"},
        {"nodes: 2\n---\nnodes: 4", "app.yaml:2: only one YAML document is allowed"},
        {"init: true", "app.yaml:1: init: only a flag, --init"},
        {"nodes: 2\n\tjson: true", "app.yaml:2: not YAML: found a tab character that violates "
                                   "indentation"},
        {"nodes: 2\njson: \"\x01\"", "app.yaml:2: not YAML: control characters are not allowed"},
        {"token: \"a\\tb\"", "app.yaml:1: token: the value is not one line of printable UTF-8 "
                             "text"},
    };
    for (size_t i = 0; i < TS_COUNT(cases); i++)
        refused(cases[i].yaml, NULL, NULL, cases[i].sentence);
}

static void mistakes_in_flags_name_the_flag(void **state)
{
    (void)state;
    static const struct {
        const char *flags, *sentence;
    } cases[] = {
        {"--intervall=1s", "flag --intervall: not a flag of tenseq-app; did you mean --interval?"},
        {"--inter|1s", "flag --inter: not a flag of tenseq-app; did you mean --interval?"},
        {"--confg|x", "flag --confg: not a flag of tenseq-app; did you mean --config?"},
        {"-x", "flag -x: not a flag of tenseq-app; the nearest known is --ids"},
        {"-jx", "flag -jx: not a flag of tenseq-app; the nearest known is --json"},
        {"--interval", "flag --interval: needs a value"},
        {"-d", "flag -d: needs a value"},
        {"--interval|--json", "flag --interval: needs a value, but --json follows"},
        {"--interval|x", "flag --interval: \"x\" is not a duration such as 100ms, 1s or 5m"},
        {"--peers|a:1,,b:2", "flag --peers: an item of the list is empty"},
        {"--peers|a:1,b", "flag --peers: \"b\" is not an endpoint such as 127.0.0.1:9000, "
                          "[::1]:9000 or unix:/run/x.sock"},
        {"--help=x", "flag --help: takes no value"},
        {"a|b", "argument \"b\": tenseq-app takes no more"},
        {"--token|a\nb", "flag --token: the value is not one line of printable UTF-8 text"},
        {"--config|/nowhere/app.yaml",
         "flag --config: /nowhere/app.yaml: No such file or directory"},
        {"--config|/", "/: Is a directory"},
        {"--config|/dev/zero", "/dev/zero: larger than 1048576 bytes"},
    };
    for (size_t i = 0; i < TS_COUNT(cases); i++)
        refused(NULL, NULL, cases[i].flags, cases[i].sentence);
}

static void mistakes_in_the_environment_name_the_variable(void **state)
{
    (void)state;
    struct loaded l = load(NULL, "TENSEQ_RPC=http://127.0.0.1:1", NULL); /* the command line's */
    assert_int_equal(l.err, TS_OK);
    ts_cfg_free(l.cfg);
    refused(NULL, "TENSEQ_DATADIR=x", NULL,
            "environment TENSEQ_DATADIR: not a variable of tenseq-app; did you mean "
            "TENSEQ_DATA_DIR?");
    refused(NULL, "TENSEQ_data_dir=x", NULL,
            "environment TENSEQ_data_dir: not a variable of tenseq-app; did you mean "
            "TENSEQ_DATA_DIR?");
    refused(NULL, "TENSEQ_INTERVAL=x", NULL,
            "environment TENSEQ_INTERVAL: \"x\" is not a duration such as 100ms, 1s or 5m");
    refused(NULL, "TENSEQ_INIT=true", NULL,
            "environment TENSEQ_INIT: not a variable of tenseq-app; the nearest known is "
            "TENSEQ_IDS");
    refused(NULL, "TENSEQ_CONFIG=/nowhere", NULL,
            "environment TENSEQ_CONFIG: /nowhere: No such file or directory");
}

static void a_mistake_is_not_hidden_by_a_stronger_source(void **state)
{
    (void)state;
    refused("interval: x", "TENSEQ_INTERVAL=1s", "--interval|1s",
            "app.yaml:1: interval: \"x\" is not a duration such as 100ms, 1s or 5m");
}

static void the_command_line_ignores_variables_of_others(void **state)
{
    (void)state;
    struct ts_cfg_spec lenient = spec;
    lenient.lenient_env = true;
    struct loaded l = load_spec(&lenient, NULL, "TENSEQ_OTHER=x|TENSEQ_NODES=4", NULL);
    assert_int_equal(l.err, TS_OK);
    assert_int_equal(l.app.nodes, 4);
    ts_cfg_free(l.cfg);
}

static void what_is_required_must_be_given(void **state)
{
    (void)state;
    static const struct ts_cfg_key required[] = {
        TS_CFG(struct app, data_dir, "data-dir", TS_CFG_PATH, .flags = TS_CFG_REQUIRED,
               .help = "where things are kept"),
    };
    struct ts_cfg_spec s = {.program = "tenseq x",
                            .summary = "x",
                            .args = "FILE",
                            .min_args = 1,
                            .max_args = 1,
                            .keys = required,
                            .n_keys = 1};
    struct loaded l = load_spec(&s, NULL, NULL, "f");
    assert_int_equal(l.err, TS_E_USAGE);
    assert_string_equal(l.error, "data-dir: must be given: where things are kept (--data-dir)");
    l = load_spec(&s, NULL, NULL, "--data-dir|x");
    assert_int_equal(l.err, TS_E_USAGE);
    assert_string_equal(l.error, "FILE must be given");
    s.no_file = true; /* then it can only be a flag or a variable */
    l = load_spec(&s, NULL, NULL, "f");
    assert_int_equal(l.err, TS_E_USAGE);
    assert_string_equal(l.error, "flag --data-dir PATH is missing: where things are kept");
}

static void a_choice_of_one_is_named(void **state)
{
    (void)state;
    static const char *const choices[] = {"none", NULL};
    static const struct ts_cfg_key one[] = {
        TS_CFG(struct app, log_level, "l1", TS_CFG_ENUM, .choices = choices, .def = "none",
               .help = "x"),
    };
    struct ts_cfg_spec s = {.program = "tenseq x", .summary = "x", .keys = one, .n_keys = 1};
    struct loaded l = load_spec(&s, NULL, NULL, "--l1|anvil");
    assert_int_equal(l.err, TS_E_USAGE);
    assert_string_equal(l.error, "flag --l1: \"anvil\" is not supported; the only choice is none");
}

static void empty_files_are_good(void **state)
{
    (void)state;
    static const char *const texts[] = {"",           "\n", "# nothing\n",           "---\n",
                                        "---\n...\n", "{}", "\xef\xbb\xbfnodes: 2\n"};
    for (size_t i = 0; i < TS_COUNT(texts); i++) {
        struct loaded l = load(texts[i], NULL, NULL);
        assert_int_equal(l.app.nodes, 2);
        ts_cfg_free(l.cfg);
    }
}

static void help_and_version_look_at_nothing_else(void **state)
{
    (void)state;
    struct loaded l = load("bad", "TENSEQ_BAD=1", "--print-config|--help");
    assert_int_equal(l.ask, TS_CFG_HELP);
    ts_cfg_free(l.cfg);
    l = load("bad", NULL, "-V");
    assert_int_equal(l.ask, TS_CFG_VERSION);
    ts_cfg_free(l.cfg);
    l = load(NULL, NULL, "--print-config");
    assert_int_equal(l.ask, TS_CFG_PRINT);
    ts_cfg_free(l.cfg);
}

static char *printed(const struct ts_cfg *cfg)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    if (cfg != NULL)
        ts_cfg_print(cfg, f);
    else
        ts_cfg_help(&spec, f);
    fclose(f);
    return text;
}

static void what_is_printed_says_where_from_and_reads_back(void **state)
{
    (void)state;
    struct loaded l =
        load("data-dir: \"a \\\"b\\\" \\\\ # c\"\n", "TENSEQ_TOKEN=hush", "--peers|a:1|-j");
    char *text = printed(l.cfg);
    assert_string_equal(text, "data-dir: \"a \\\"b\\\" \\\\ # c\"  # app.yaml:1\n"
                              "interval: 1s  # default\n"
                              "# cache: not set  # default\n"
                              "nodes: 2  # default\n"
                              "share: 0.25  # default\n"
                              "json: true  # flag --json\n"
                              "# enclave: not set  # default\n"
                              "# listen: not set  # default\n"
                              "peers: [\"a:1\"]  # flag --peers\n"
                              "# ids: not set  # default\n"
                              "# token: set, not shown  # environment TENSEQ_TOKEN\n"
                              "log-level: info  # default\n"
                              "log-format: text  # default\n");
    struct loaded again = load(text, NULL, NULL);
    assert_string_equal(again.app.data_dir, "a \"b\" \\ # c");
    assert_true(again.app.json);
    assert_int_equal(again.app.peers.n, 1);
    ts_cfg_free(again.cfg);
    ts_cfg_free(l.cfg);
    free(text);
}

static void help_tells_every_key(void **state)
{
    (void)state;
    char *text = printed(NULL);
    assert_non_null(strstr(text, "Usage: tenseq-app [FLAG…] [FILE]\nDoes what an app does.\n"));
    assert_non_null(strstr(text, "  -d, --data-dir PATH           where things are kept (default: "
                                 "data)\n"));
    assert_non_null(strstr(text, "      --log-level               least level that is logged: "
                                 "error, warn, info, debug (default: info)\n"));
    assert_non_null(strstr(text, "      --config FILE"));
    for (size_t k = 0; k < TS_COUNT(keys); k++)
        assert_non_null(strstr(text, keys[k].name));
    free(text);
}

static void endpoints_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool is_unix, is_loopback;
    } good[] = {
        {"127.0.0.1:9000", "127.0.0.1", 9000, false, true},
        {"127.9.9.9:0", "127.9.9.9", 0, false, true},
        {"0.0.0.0:65535", "0.0.0.0", 65535, false, false},
        {"[::1]:1", "::1", 1, false, true},
        {"[2001:db8::1]:1", "2001:db8::1", 1, false, false},
        {"localhost:80", "localhost", 80, false, true},
        {"node-1.example.org:80", "node-1.example.org", 80, false, false},
        {"unix:/run/x.sock", "/run/x.sock", 0, true, true},
    };
    static const char *const bad[] = {
        "",
        "127.0.0.1",
        "127.0.0.1:",
        ":80",
        "127.0.0.1:65536",
        "127.0.0.1:1x",
        "a b:1",
        "::1:80",
        "[::1:80",
        "[]:80",
        "[127.0.0.1]:80",
        "unix:",
        "[x]:1",
        "-a:1",
        "a:000001",
        "]:1",
        "[:1",
        "[:]",
    };
    for (size_t i = 0; i < TS_COUNT(good); i++) {
        struct ts_endpoint e;
        assert_int_equal(ts_endpoint_parse(good[i].text, &e), TS_OK);
        assert_string_equal(e.host, good[i].host);
        assert_int_equal(e.port, good[i].port);
        assert_int_equal(e.is_unix, good[i].is_unix);
        assert_int_equal(e.is_loopback, good[i].is_loopback);
    }
    struct ts_endpoint e = {.port = 7};
    for (size_t i = 0; i < TS_COUNT(bad); i++)
        assert_int_equal(ts_endpoint_parse(bad[i], &e), TS_E_USAGE);
    assert_int_equal(e.port, 7);
    char long_path[300] = "unix:/";
    memset(long_path + 6, 'x', sizeof(long_path) - 7);
    long_path[sizeof(long_path) - 1] = 0;
    assert_int_equal(ts_endpoint_parse(long_path, &e), TS_E_USAGE);
}

static void a_huge_list_is_bounded(void **state)
{
    (void)state;
    size_t n = 1000000;
    char *yaml = malloc(n + 1);
    assert_non_null(yaml);
    size_t at = (size_t)snprintf(yaml, n, "peers:\n");
    while (at + 7 < n)
        at += (size_t)snprintf(yaml + at, n - at, "- a:1\n");
    struct loaded l = load_spec(&spec, yaml, NULL, NULL);
    assert_true(l.err == TS_OK || l.err == TS_E_NOMEM);
    ts_cfg_free(l.cfg);
    free(yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_when_nothing_is_given),
        cmocka_unit_test(a_stronger_source_wins),
        cmocka_unit_test(every_form_of_a_flag_works),
        cmocka_unit_test(units_are_read),
        cmocka_unit_test(fractions_are_read),
        cmocka_unit_test(mistakes_in_the_file_name_the_line),
        cmocka_unit_test(mistakes_in_flags_name_the_flag),
        cmocka_unit_test(mistakes_in_the_environment_name_the_variable),
        cmocka_unit_test(a_mistake_is_not_hidden_by_a_stronger_source),
        cmocka_unit_test(the_command_line_ignores_variables_of_others),
        cmocka_unit_test(what_is_required_must_be_given),
        cmocka_unit_test(a_choice_of_one_is_named),
        cmocka_unit_test(empty_files_are_good),
        cmocka_unit_test(help_and_version_look_at_nothing_else),
        cmocka_unit_test(what_is_printed_says_where_from_and_reads_back),
        cmocka_unit_test(help_tells_every_key),
        cmocka_unit_test(endpoints_are_taken_apart),
        cmocka_unit_test(a_huge_list_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
