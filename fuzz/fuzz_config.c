/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file of any bytes: a mistake is one sentence that names the file; what is good
 * and printed reads back to the same print. */
#include "base/check.h"
#include "cfg/cfg.h"

struct app {
    const char *text;
    uint64_t interval;
    uint64_t cache;
    bool json;
    ts_address id;
    const char *listen;
    struct ts_cfg_list peers;
    struct ts_cfg_list words;
    int log_level;
    int log_format;
};

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct app, text, "text", TS_CFG_STRING, .help = "any text"),
    TS_CFG(struct app, interval, "interval", TS_CFG_MS, .def = "1s", .help = "a duration"),
    TS_CFG(struct app, cache, "cache", TS_CFG_SIZE, .max = 1u << 30, .help = "a size"),
    TS_CFG(struct app, json, "json", TS_CFG_BOOL, .help = "a switch"),
    TS_CFG(struct app, id, "id", TS_CFG_ADDRESS, .help = "an address"),
    TS_CFG(struct app, listen, "listen", TS_CFG_ENDPOINT, .help = "an endpoint"),
    TS_CFG(struct app, peers, "peers", TS_CFG_LIST, .item = TS_CFG_ENDPOINT, .help = "endpoints"),
    TS_CFG(struct app, words, "words", TS_CFG_LIST, .item = TS_CFG_STRING, .help = "texts"),
    TS_CFG_LOG_KEYS(struct app),
};

static const struct ts_cfg_spec spec = {
    .program = "fuzz",
    .summary = "Reads a file.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
};

/* The configuration as printed, without the origins; NULL when the text is refused. */
static char *load_and_print(const uint8_t *p, size_t n, char error[TS_CFG_ERROR_SIZE])
{
    struct ts_cfg_sources sources = {.file_name = "f.yaml"};
    struct app app;
    struct ts_cfg *cfg;
    enum ts_cfg_ask ask;
    static const uint8_t nothing[1];
    sources.file = ts_bytes_of(n == 0 ? nothing : p, n);
    if (ts_cfg_load(&spec, &sources, &app, &cfg, &ask, error) != TS_OK)
        return NULL;
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    TS_CHECK(f != NULL);
    ts_cfg_print(cfg, f);
    fclose(f);
    ts_cfg_free(cfg);
    return text;
}

/* "key: value  # origin" up to the last "  # ": origins differ between the two prints. */
static void check_same(const char *a, const char *b)
{
    while (*a != 0) {
        size_t line_a = strcspn(a, "\n"), line_b = strcspn(b, "\n");
        const char *end = a + line_a;
        while (end > a && strncmp(end, "  # ", 4) != 0)
            end--;
        TS_CHECK(end > a && (size_t)(end - a) <= line_b);
        TS_CHECK(memcmp(a, b, (size_t)(end - a)) == 0);
        a += line_a + 1;
        b += line_b + 1;
    }
    TS_CHECK(*b == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[TS_CFG_ERROR_SIZE];
    char *first = load_and_print(data, size, error);
    if (first == NULL) {
        TS_CHECK(strncmp(error, "f.yaml:", 7) == 0 && strchr(error, '\n') == NULL);
        return 0;
    }
    char *second = load_and_print((const uint8_t *)first, strlen(first), error);
    TS_CHECK(second != NULL);
    check_same(first, second);
    free(first);
    free(second);
    return 0;
}
