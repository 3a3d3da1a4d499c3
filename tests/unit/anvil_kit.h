/* SPDX-License-Identifier: Apache-2.0 */
/* Real anvil processes on free ports of loopback, for tests of what speaks to an L1 node. */
#ifndef TS_TESTS_ANVIL_KIT_H
#define TS_TESTS_ANVIL_KIT_H

#include <jansson.h>
#include <sys/types.h>

#include "crypto/secret.h"
#include "unit.h"

struct anvil {
    pid_t pid;
    unsigned port;
    char url[40];
};

/* Starts one on a free port (port 0) or a given one, with up to six more arguments, NULL at the
 * end, and waits until it answers. */
void anvil_start(struct anvil *a, unsigned port, const char *const args[]);
/* Ends it by SIGTERM, after which it has written its state, or by SIGKILL. */
void anvil_end(struct anvil *a, bool at_once);
/* One JSON-RPC call; fails the test on an error. params is stolen. Free the result by json_decref.
 */
json_t *anvil_ask(const struct anvil *a, const char *method, json_t *params);
/* The same of a method whose result is a quantity. */
uint64_t anvil_number(const struct anvil *a, const char *method, json_t *params);
void anvil_mine(const struct anvil *a, unsigned blocks);
/* anvil's first account. */
ts_secret anvil_key(void);
unsigned free_port(void);

#endif
