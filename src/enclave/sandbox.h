/* SPDX-License-Identifier: Apache-2.0 */
/* What an enclave's process takes from itself, so that a fault in it gains little: the steps are
 * numbered in sandbox.c. The idea is Firedancer's fd_sandbox. */
#ifndef TS_ENCLAVE_SANDBOX_H
#define TS_ENCLAVE_SANDBOX_H

#include "tenseq/bytes.h"

#define TS_SANDBOX_WHY 256

/* First thing in the process, before any secret is in memory: steps 1 to 4. TS_E_IO: why says what
 * the kernel refused. */
ts_err ts_sandbox_prepare(char why[TS_SANDBOX_WHY]);

/* Keeps secret memory out of swap and dumps: step 5. False when the kernel does not let it (a limit
 * on locked memory): worth a log line, nothing more. */
bool ts_sandbox_guard(ts_bytes secrets);

/* When everything is open: steps 6 and 7. From here on no file, socket or program can be opened,
 * and whoever tries ends the process by SIGABRT, after a line on stderr that names the system call.
 * TS_E_IO: why says what the kernel refused, and nothing is closed in. */
ts_err ts_sandbox_enter(char why[TS_SANDBOX_WHY]);

#endif
