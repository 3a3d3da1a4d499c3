/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq audit: what a node has found, and its proofs as files. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/names.h"
#include "net/http_client.h"
#include "tenseq/finding.h"

struct options {
    struct cli_options base;
    const char *severity, *export;
    uint64_t from;
};

static const char *check_severity(const char *value)
{
    enum ts_severity s;
    return ts_severity_of(value, &s) ? NULL : "is not notice, pattern, omission or proof";
}

static const struct ts_cfg_key keys[] = {
    CLI_NODE_KEYS(struct options),
    TS_CFG(struct options, severity, "severity", TS_CFG_STRING, .def = "notice", .value_name = "S",
           .check = check_severity,
           .help = "the least that counts: notice, pattern, omission or proof"),
    TS_CFG(struct options, from, "from", TS_CFG_U64, .def = "0",
           .help = "leave out what ended before this batch"),
    TS_CFG(struct options, export, "export", TS_CFG_PATH, .value_name = "DIR",
           .help = "write the evidence of each proof into a file of this directory"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq audit",
    .summary = "Prints what a node has found about the operator, and writes its proofs to files.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .lenient_env = true,
    .no_file = true,
    .epilogue = "Exit code: 0 also when something was found: the list is the answer. tenseq verify "
                "FILE checks what\nwas written. docs/findings.md tells what each finding means.",
};

/* ---- the list -------------------------------------------------------------------------------- */

static void print_finding(const struct cli_names *names, const json_t *f)
{
    char name[80], severity[80], state[80], batches[48], text[1024];
    const char *sentence = json_string_value(json_object_get(f, "text"));
    printf("%11s  %-9s %-19s %-7s ", cli_batches(f, batches), cli_text(f, "severity", severity),
           cli_text(f, "name", name), cli_text(f, "state", state));
    puts(cli_names_in(names, sentence != NULL ? sentence : "", text, sizeof(text)));
}

static int by_last(const void *a, const void *b)
{
    uint64_t x = cli_u64(*(json_t *const *)a, "last"), y = cli_u64(*(json_t *const *)b, "last");
    return (x > y) - (x < y);
}

static void print_findings(const struct cli_names *names, const json_t *answer)
{
    const json_t *list = json_object_get(answer, "findings");
    size_t n = json_array_size(list), n_proofs = 0;
    json_t **order = calloc(n + 1, sizeof(json_t *));
    TS_CHECK(order != NULL);
    for (size_t i = 0; i < n; i++)
        order[i] = json_array_get(list, i);
    qsort(order, n, sizeof(json_t *), by_last);
    if (n > 0)
        printf("%11s  %-9s %-19s %-7s what\n", "batches", "severity", "finding", "state");
    for (size_t i = 0; i < n; i++) {
        char text[80];
        n_proofs += strcmp(cli_text(order[i], "severity", text), "proof") == 0;
        print_finding(names, order[i]);
    }
    free(order);
    printf("%zu finding%s up to batch %llu, %zu of them proof%s\n", n, n == 1 ? "" : "s",
           (unsigned long long)cli_u64(answer, "number"), n_proofs, n_proofs == 1 ? "" : "s");
}

/* The letters that the dashboard has; a node that keeps no timeline is told without. */
static void learn_names(const struct options *o, struct cli_names *names)
{
    json_t *t = NULL;
    char why[256];
    if (ts_rpc_call_blocking(o->base.rpc, o->base.token, "ten_timeline",
                             json_pack("[{s:i,s:i}]", "last", 1, "points", 1), CLI_TIMEOUT_MS, &t,
                             why, sizeof(why)) != TS_OK)
        return;
    cli_names_learn(names, json_object_get(t, "enclaves"));
    json_decref(t);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Whether path holds just these bytes. */
static bool holds(const char *path, const char *text, size_t n)
{
    FILE *f = fopen(path, "re");
    char *have = malloc(n + 1);
    bool same =
        f != NULL && have != NULL && fread(have, 1, n + 1, f) == n && memcmp(have, text, n) == 0;
    free(have);
    if (f != NULL)
        fclose(f);
    return same;
}

/* All of it is there under its name, or nothing; another's file is never replaced. */
static int write_whole(const char *path, const char *text, size_t n)
{
    char aside[4200];
    (void)snprintf(aside, sizeof(aside), "%s.%ld.part", path, (long)getpid());
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL) {
        if (fd >= 0)
            close(fd);
        return cli_fail("cannot write %s: %s", aside, strerror(errno));
    }
    bool ok = fwrite(text, 1, n, f) == n && fflush(f) == 0 && fsync(fd) == 0;
    int failed = errno;
    ok = fclose(f) == 0 && ok;
    bool is_new = ok && link(aside, path) == 0;
    if (ok && !is_new)
        failed = errno;
    (void)unlink(aside);
    if (is_new || (ok && failed == EEXIST && holds(path, text, n)))
        return TS_EXIT_OK;
    if (ok && failed == EEXIST)
        return cli_fail("%s is there already and holds something else: nothing was written over "
                        "it",
                        path);
    return cli_fail("cannot write %s: %s", path, strerror(failed));
}

static int export_one(const struct options *o, const json_t *f, size_t *written)
{
    char path[4096], name[80], id[80];
    cli_text(f, "evidence", id);
    json_t *e = cli_call(&o->base, "ten_evidence", json_pack("[s]", id));
    if (e == NULL)
        return TS_EXIT_FAILED;
    if (json_is_null(e)) {
        json_decref(e);
        return cli_fail("the node keeps no evidence %s", id);
    }
    char *text = json_dumps(e, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    TS_CHECK(text != NULL);
    json_decref(e);
    int n = snprintf(path, sizeof(path), "%s/%s-%llu-%.10s.json", o->export,
                     cli_text(f, "name", name), (unsigned long long)cli_u64(f, "first"), id + 2);
    int code = n > 0 && (size_t)n < sizeof(path) ? write_whole(path, text, strlen(text))
                                                 : cli_fail("%s is too long a path", o->export);
    free(text);
    *written += code == TS_EXIT_OK;
    if (code == TS_EXIT_OK && !o->base.json)
        printf("%s\n", path);
    return code;
}

static int export_all(const struct options *o, const json_t *answer)
{
    const json_t *list = json_object_get(answer, "findings");
    size_t i, written = 0;
    int code = TS_EXIT_OK;
    json_t *f;
    if (mkdir(o->export, 0755) != 0 && errno != EEXIST)
        return cli_fail("cannot make %s: %s", o->export, strerror(errno));
    json_array_foreach(list, i, f)
    {
        char severity[80];
        if (strcmp(cli_text(f, "severity", severity), "proof") != 0)
            continue;
        int one = export_one(o, f, &written);
        code = one != TS_EXIT_OK ? one : code; /* the others are written all the same */
    }
    if (!o->base.json)
        printf("%zu file%s of evidence in %s\n", written, written == 1 ? "" : "s", o->export);
    return code;
}

static int run(const struct options *o)
{
    struct cli_names names = {.n = 0};
    struct stat st;
    if (o->export != NULL && stat(o->export, &st) == 0 && !S_ISDIR(st.st_mode))
        return cli_fail("--export %s: it is there and is no directory", o->export);
    json_t *answer =
        cli_call(&o->base, "ten_findings",
                 json_pack("[{s:I,s:s}]", "from", (json_int_t)o->from, "severity", o->severity));
    if (answer == NULL)
        return TS_EXIT_FAILED;
    if (!o->base.json) {
        learn_names(o, &names);
        print_findings(&names, answer);
    }
    int code = o->export != NULL ? export_all(o, answer) : TS_EXIT_OK;
    if (o->base.json)
        cli_print_json(answer);
    else
        json_decref(answer);
    return code;
}

int verb_audit(int argc, char **argv)
{
    struct options o;
    struct ts_cfg *cfg;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    code = run(&o);
    ts_cfg_free(cfg);
    return code;
}
