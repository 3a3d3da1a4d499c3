/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq: the command line. Each verb has its file; this one only finds it. */
#include <signal.h>

#include "cli/cli.h"

static const struct verb verbs[] = {
    {"devnet", "run a whole network in the foreground", verb_devnet},
    {"status", "what the sequencer and its enclaves are doing", verb_status},
    {"watch", "batches, enclaves and findings live", verb_watch},
    {"switchover", "make another enclave the active one", verb_switchover},
    {"pause", "stop making batches", verb_pause},
    {"resume", "make batches again", verb_resume},
    {"drain", "never activate an enclave", verb_drain},
    {"undrain", "let an enclave be activated again", verb_undrain},
    {"register", "bring an enclave's statement to L1", verb_register},
    {"replace", "ask on L1 for another enclave in the place of one", verb_replace},
    {"send", "make load: transfers between accounts", verb_send},
    {"batch", "one batch with its three elements", verb_batch},
    {"lifecycle", "the recorded lifecycle of the enclaves", verb_lifecycle},
    {"registry", "what the chain says of each enclave", verb_registry},
    {"audit", "what a node has found, and its proofs as files", verb_audit},
    {"verify", "does evidence prove what it says", verb_verify},
    {"rollups", "what was published on L1", verb_rollups},
    {"rebuild", "the chain from L1 alone, and its payloads from any peer", verb_rebuild},
    {"genesis", "make a genesis file", verb_genesis},
};

static void usage(FILE *to)
{
    fputs("Usage: tenseq VERB [flags]\n\nVerbs:\n", to);
    for (size_t i = 0; i < TS_COUNT(verbs); i++)
        fprintf(to, "  %-12s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\ntenseq VERB --help tells the flags of a verb.\n", to);
}

static int unknown(const char *name)
{
    const char *known[TS_COUNT(verbs)];
    for (size_t i = 0; i < TS_COUNT(verbs); i++)
        known[i] = verbs[i].name;
    const char *near = ts_cfg_suggest(name, known, TS_COUNT(verbs));
    return near != NULL ? cli_misused("tenseq has no verb \"%s\"; did you mean %s?", name, near)
                        : cli_misused("tenseq has no verb \"%s\"; tenseq --help lists them", name);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return TS_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return TS_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("tenseq " TS_VERSION);
        return TS_EXIT_OK;
    }
    for (size_t i = 0; i < TS_COUNT(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}

int main(int argc, char **argv)
{
    /* A reader of stdout that ends early, or a server that closes, is told by write(). */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* likewise a limit on file size */
    return cli_flush(run(argc, argv));
}
