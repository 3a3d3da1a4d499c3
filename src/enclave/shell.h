/* SPDX-License-Identifier: Apache-2.0 */
/* The loop around a core: frames in and out over one link, signals, log lines. */
#ifndef TS_ENCLAVE_SHELL_H
#define TS_ENCLAVE_SHELL_H

#include "enclave/core.h"

struct ts_shell;

/* Listens. The core is borrowed. TS_E_USAGE, TS_E_IO, TS_E_NOMEM: why holds one sentence. A shell
 * is not closed: the process ends with it. */
ts_err ts_shell_open(struct ts_enclave *core, const char *listen, struct ts_shell **out, char *why,
                     size_t why_size);

/* The one line that says who started where. */
void ts_shell_log_start(const struct ts_shell *s, const char *platform);

/* Serves until EXIT or SIGTERM, SIGINT. Returns the process's exit code. */
int ts_shell_run(struct ts_shell *s);

#endif
