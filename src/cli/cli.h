/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of the command line share. One file per verb (or small family of verbs).
 * Exit codes: 0 done, 1 refused or failed with a sentence on stderr, 2 wrong usage. */
#ifndef TS_CLI_CLI_H
#define TS_CLI_CLI_H

#include <jansson.h>

#include "base/check.h"
#include "cfg/cfg.h"
#include "cfg/exit.h"

#define CLI_DEFAULT_RPC "http://127.0.0.1:9000"
#define CLI_TIMEOUT_MS  10000u

/* The first members of every verb's options. */
struct cli_options {
    const char *rpc;
    const char *token;
    bool json;
};

#define CLI_KEYS(type)                                                                             \
    TS_CFG(type, base.rpc, "rpc", TS_CFG_STRING, .def = CLI_DEFAULT_RPC, .value_name = "URL",      \
           .check = cli_check_url, .help = "the host or node that is asked"),                      \
        TS_CFG(type, base.token, "rpc-token", TS_CFG_STRING, .flags = TS_CFG_SECRET,               \
               .help = "bearer token, when the listener is not loopback"),                         \
        TS_CFG(type, base.json, "json", TS_CFG_BOOL, .help = "print JSON")

/* The same for what only a node knows. */
#define CLI_NODE_RPC "http://127.0.0.1:9010"
#define CLI_NODE_KEYS(type)                                                                        \
    TS_CFG(type, base.rpc, "rpc", TS_CFG_STRING, .def = CLI_NODE_RPC, .value_name = "URL",         \
           .check = cli_check_url, .help = "the node that is asked"),                              \
        TS_CFG(type, base.token, "rpc-token", TS_CFG_STRING, .flags = TS_CFG_SECRET,               \
               .help = "bearer token, when the listener is not loopback"),                         \
        TS_CFG(type, base.json, "json", TS_CFG_BOOL, .help = "print JSON")

struct verb {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit code */
};

int verb_devnet(int argc, char **argv);
int verb_genesis(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_watch(int argc, char **argv);
int verb_switchover(int argc, char **argv);
int verb_pause(int argc, char **argv);
int verb_resume(int argc, char **argv);
int verb_drain(int argc, char **argv);
int verb_undrain(int argc, char **argv);
int verb_send(int argc, char **argv);
int verb_batch(int argc, char **argv);
int verb_lifecycle(int argc, char **argv);
int verb_registry(int argc, char **argv);
int verb_register(int argc, char **argv);
int verb_replace(int argc, char **argv);
int verb_audit(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_rollups(int argc, char **argv);
int verb_rebuild(int argc, char **argv);

/* One call; params is stolen. NULL after saying on stderr why. */
json_t *cli_call(const struct cli_options *o, const char *method, json_t *params);
/* Says why a call came to nothing, and what may help. Returns TS_EXIT_FAILED. */
int cli_fail_call(const struct cli_options *o, const char *why);
bool cli_is_refused_connection(const char *why);
/* Prints to stdout, indented, and releases it. */
void cli_print_json(json_t *json);
/* "error: …" on stderr; returns TS_EXIT_FAILED. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for wrong usage; returns TS_EXIT_USAGE. */
int cli_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Checks for the table of flags: NULL, or a phrase that completes "VALUE …". */
const char *cli_check_url(const char *value);
const char *cli_check_amount(const char *value);
const char *cli_check_key(const char *value);
const char *cli_check_id(const char *value);
/* Whether text names a batch as the servers read it: a number, a hash or a tag. */
bool cli_is_batch_name(const char *text);
bool cli_is_batch_tag(const char *text);
/* Flushes stdout at the end of a verb that would exit with code. Returns the exit code: that one,
 * also when whoever read has closed the pipe and so has enough; TS_EXIT_FAILED, after saying so,
 * when something that was printed could not be written: that is told once. With a reader that has
 * left, cli_stdout_ended stays true. */
int cli_flush(int code);
/* The reader of stdout is gone, or the disk is full: there is no use in printing more. */
bool cli_stdout_ended(void);
/* A member as text: a string as it is, a number in decimal, "" when it is not there. out is
 * returned. */
const char *cli_text(const json_t *object, const char *key, char out[80]);
uint64_t cli_u64(const json_t *object, const char *key);
/* "0x1234..cdef" of an id; out is returned. */
const char *cli_short(const char *hex, char out[20]);
/* A clock for waiting: milliseconds since some moment; it does not go back. */
uint64_t cli_mono_ms(void);
/* The batches of a finding: "9", or "8-9" from the first to the last. It stands at its last. out is
 * returned. */
const char *cli_batches(const json_t *finding, char out[48]);
/* Why the host cannot activate one of the enclaves of its sequencer_status; "": it can. */
void cli_remark(const json_t *enclave, char out[400]);
/* "2026-11-23 01:55:37.904", UTC. */
void cli_print_time(uint64_t ms);
/* One line for a lifecycle event that batch holds. */
void cli_print_event(const json_t *event, uint64_t batch);

#endif
