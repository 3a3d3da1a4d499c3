/* SPDX-License-Identifier: Apache-2.0 */
/* Starts programs, starts them again when they end, stops them all. For the devnet; systemd does
 * this for a real network. Children die with the parent, whatever kills it. */
#ifndef TS_CLI_SUPERVISOR_H
#define TS_CLI_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TS_SUP_MAX      160
#define TS_SUP_MAX_ARGS 96

struct ts_child {
    char name[32];                     /* "enclave-1": names its log and its pid file */
    const char *argv[TS_SUP_MAX_ARGS]; /* owned; ends in NULL */
    int order;                         /* at the end, lower ones are stopped first */
    int death_signal;                  /* what it gets when the parent is gone; 0: SIGKILL */
    pid_t pid;                         /* 0: not running */
    uint64_t start_ms;                 /* when to start it again; 0: now or never */
    char known_as[32];                 /* told beside the name; "": nothing */
    bool given_up;                     /* it ended with a code that says: do not restart */
    unsigned quick_ends;               /* in a row, soon after the start */
    uint64_t started_ms;
};

struct ts_supervisor {
    struct ts_child children[TS_SUP_MAX];
    int n;
    char log_dir[512];
    char run_dir[512];
    unsigned restart_ms;
};

/* Blocks the signals that ts_supervisor_wait takes: SIGCHLD, SIGINT, SIGTERM, SIGHUP. */
void ts_supervisor_init(struct ts_supervisor *s, const char *log_dir, const char *run_dir,
                        unsigned restart_ms);
/* Adds a program; argv is copied. Not started yet. */
struct ts_child *ts_supervisor_add(struct ts_supervisor *s, const char *name, int order,
                                   const char *const *argv);
/* Starts those that are due, sees to those that ended, for up to ms. Returns a signal that asks to
 * end, or 0. Says on stderr what ended and why. */
int ts_supervisor_wait(struct ts_supervisor *s, unsigned ms);
/* A child that will not be started again; NULL: none. */
const struct ts_child *ts_supervisor_failed(const struct ts_supervisor *s);
/* SIGTERM to all, group by group in order, then SIGKILL to what is left after ms. None remains. */
void ts_supervisor_stop(struct ts_supervisor *s, unsigned ms);
void ts_supervisor_free(struct ts_supervisor *s);

/* Runs a program to its end and gives what it printed on stdout, without the last newline. Returns
 * its exit code, or -1. */
int ts_run(const char *const *argv, char *out, size_t size);

#endif
