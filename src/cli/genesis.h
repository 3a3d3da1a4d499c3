/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TS_CLI_GENESIS_H
#define TS_CLI_GENESIS_H

#include "tenseq/genesis.h"

/* Finishes g and writes it to a new file at path. Returns an exit code, after saying why not. */
int cli_write_genesis(struct ts_genesis *g, const char *path);

/* The clock, in Unix milliseconds. */
ts_time cli_unix_ms(void);

#endif
