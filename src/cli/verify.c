/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq verify FILE…: does evidence prove what it says? Offline, from the files alone. */
#include "cli/verify.h"

#include <errno.h>
#include <sys/stat.h>

#include "chain/rollup.h"
#include "crypto/sign.h"

#define MAX_FILES 1024
#define FORMAT    "\"tenseq-evidence\"" /* as every file of evidence has it */

static const char *check_network(const char *value)
{
    ts_hash hash;
    return ts_unhex(value, hash.b, sizeof(hash.b)) == TS_OK
               ? NULL
               : "is no genesis hash: 0x and 64 hexadecimal digits";
}

static const struct ts_cfg_key keys[] = {
    TS_CFG(struct verify_options, json, "json", TS_CFG_BOOL, .help = "print JSON"),
    TS_CFG(struct verify_options, network, "network", TS_CFG_STRING, .value_name = "HASH",
           .check = check_network, .help = "the genesis hash that the evidence must be of"),
    TS_CFG(struct verify_options, l1, "l1", TS_CFG_STRING, .value_name = "URL",
           .check = cli_check_url,
           .help = "an L1 node: what the evidence says of L1 is asked there"),
    TS_CFG(struct verify_options, submit, "submit", TS_CFG_BOOL, .flags = TS_CFG_FLAG_ONLY,
           .help = "send an equivocation to the management contract; with --l1 and --key"),
    TS_CFG(struct verify_options, registry, "registry", TS_CFG_ADDRESS,
           .help = "with --submit: the contract; else the one that the genesis names"),
    TS_CFG(struct verify_options, key, "key", TS_CFG_PATH, .value_name = "FILE",
           .help = "with --submit: the secret key of the L1 account that reports"),
};

static const struct ts_cfg_spec spec = {
    .program = "tenseq verify",
    .summary = "Checks files of evidence offline: what they prove, and on what that rests.",
    .keys = keys,
    .n_keys = TS_COUNT(keys),
    .args = "FILE...",
    .min_args = 1,
    .max_args = MAX_FILES,
    .lenient_env = true,
    .no_file = true,
    .epilogue = "Exit code: 0 all of them are proven, 1 one is not (and why), 2 wrong usage, or a "
                "file that\n"
                "cannot be read. No node is asked. The scripts in verify/ check the same files "
                "without any of this program's code.",
};

struct run {
    const struct verify_options *o;
    const struct ts_crypto *crypto;
    struct ts_evidence_verdict verdict;
    json_t *all; /* with --json */
};

/* ---- one file -------------------------------------------------------------------------------- */

/* The whole text, to be freed; NULL: why says why. */
static char *read_file(const char *path, size_t *n, char why[300])
{
    struct stat st;
    FILE *f = fopen(path, "re");
    char *text = NULL;
    if (f == NULL || fstat(fileno(f), &st) != 0) {
        snprintf(why, 300, "%s", strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        snprintf(why, 300, "it is no file");
    } else if ((uint64_t)st.st_size > TS_EVIDENCE_FILE_MAX) {
        snprintf(why, 300, "it is longer than %u bytes", TS_EVIDENCE_FILE_MAX);
    } else {
        text = malloc((size_t)st.st_size + 1);
        TS_CHECK(text != NULL);
        *n = fread(text, 1, (size_t)st.st_size, f);
    }
    if (f != NULL)
        fclose(f);
    return text;
}

static void tell_json(struct run *r, const char *path, const struct ts_evidence_file *file,
                      const char *why, bool on_l1)
{
    char id[TS_HASH_HEX_SIZE], network[TS_HASH_HEX_SIZE];
    const struct ts_finding *f = &r->verdict.finding;
    json_t *o = json_pack("{s:s,s:b,s:s?}", "file", path, "proven", why == NULL, "why", why);
    if (why == NULL) {
        json_t *more =
            json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:b}", "kind", ts_finding_name((int)f->kind), "id",
                      ts_hex(f->evidence.b, 32, id), "network",
                      ts_hex(file->genesis.hash.b, 32, network), "text", f->text, "rests",
                      r->verdict.rests, "restsOnL1", r->verdict.rests_on_l1, "askedL1", on_l1);
        json_object_update(o, more);
        json_decref(more);
    }
    json_array_append_new(r->all, o);
}

static void tell(const struct run *r, const char *path, const struct ts_evidence_file *file,
                 const char *why, bool is_read, bool on_l1)
{
    char hex[TS_HASH_HEX_SIZE];
    const struct ts_finding *f = &r->verdict.finding;
    if (why != NULL) {
        fprintf(stderr, "%s: %s: %s\n", path, is_read ? "not proven" : "cannot be read", why);
        return;
    }
    bool is_open = r->verdict.rests_on_l1 && !on_l1;
    printf("%s: proven%s, about %s: %s\n  %s\n  rests on %s\n", path,
           is_open ? " if L1 says so" : "",
           f->about == TS_ABOUT_PEER ? "a peer, and nothing about the operator" : "the operator",
           ts_finding_name((int)f->kind), f->text, r->verdict.rests);
    if (on_l1)
        puts("  L1 was asked, and says so too");
    if (is_open)
        puts("  L1 was not asked: what the file says of it nobody has signed. tenseq verify --l1 "
             "URL "
             "asks");
    if (r->o->l1 != NULL && !r->verdict.rests_on_l1)
        puts("  L1 was not asked: none of this rests on it");
    printf("  network %s (chain id %llu)\n", ts_hex(file->genesis.hash.b, 32, hex),
           (unsigned long long)file->genesis.chain_id);
}

static const char *look(struct run *r, const char *text, size_t n, struct ts_evidence_file *file,
                        bool *on_l1, char why[300])
{
    ts_hash network;
    if (ts_evidence_verify(text, n, r->crypto, ts_rollup_said, file, &r->verdict) != TS_OK)
        return memmem(text, n, FORMAT, strlen(FORMAT)) != NULL
                   ? r->verdict.why
                   : "it is no file of evidence: nowhere in it stands " FORMAT;
    if (r->o->network != NULL && ts_unhex(r->o->network, network.b, 32) == TS_OK &&
        !ts_hash_equal(&network, &file->genesis.hash)) {
        char hex[TS_HASH_HEX_SIZE];
        snprintf(why, 300, "it is of another network, whose genesis hash is %s",
                 ts_hex(file->genesis.hash.b, 32, hex));
        return why;
    }
    return r->o->l1 != NULL
               ? verify_on_l1(r->o, r->crypto, &file->evidence, &r->verdict, on_l1, why)
               : NULL;
}

/* TS_EXIT_OK: it is proven. TS_EXIT_USAGE: it cannot be read. */
static int verify_one(struct run *r, const char *path)
{
    struct ts_evidence_file file = {.evidence = {.n_grants = 0}};
    char reason[300] = "";
    const char *why = reason;
    bool on_l1 = false;
    size_t n = 0;
    char *text = read_file(path, &n, reason);
    if (text != NULL)
        why = look(r, text, n, &file, &on_l1, reason);
    int code = why == NULL ? TS_EXIT_OK : text != NULL ? TS_EXIT_FAILED : TS_EXIT_USAGE;
    if (r->all != NULL)
        tell_json(r, path, &file, why, on_l1);
    else
        tell(r, path, &file, why, text != NULL, on_l1);
    if (code == TS_EXIT_OK && r->o->submit)
        code = verify_submit(r->o, r->crypto, &file.evidence);
    ts_evidence_file_free(&file);
    free(text);
    return code;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static int check_usage(const struct verify_options *o, const struct ts_cfg *cfg, size_t n_files)
{
    if (!o->submit) {
        if (ts_cfg_is_set(cfg, "registry") || o->key != NULL)
            return cli_misused("--%s goes with --submit", o->key != NULL ? "key" : "registry");
        return TS_EXIT_OK;
    }
    if (o->l1 == NULL || o->key == NULL)
        return cli_misused("--submit needs --l1 URL and --key FILE");
    if (n_files != 1)
        return cli_misused("--submit sends one file at a time");
    return o->json ? cli_misused("--submit and --json do not go together") : TS_EXIT_OK;
}

static int run(const struct verify_options *o, const char *const *files, size_t n)
{
    struct run r = {.o = o, .crypto = ts_crypto_new(), .all = o->json ? json_array() : NULL};
    int code = TS_EXIT_OK;
    TS_CHECK(r.crypto != NULL);
    for (size_t i = 0; i < n; i++) {
        int one = verify_one(&r, files[i]);
        code = one > code ? one : code;
    }
    if (r.all != NULL)
        cli_print_json(r.all);
    ts_crypto_free((struct ts_crypto *)(uintptr_t)r.crypto);
    return code;
}

int verb_verify(int argc, char **argv)
{
    struct verify_options o;
    struct ts_cfg *cfg;
    size_t n;
    int code = ts_cfg_start(&spec, argc, argv, &o, &cfg);
    if (code >= 0)
        return code;
    const char *const *files = ts_cfg_args(cfg, &n);
    code = check_usage(&o, cfg, n);
    if (code == TS_EXIT_OK)
        code = run(&o, files, n);
    ts_cfg_free(cfg);
    return code;
}
