/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "link/messages.h"

const char *ts_msg_name(uint64_t type)
{
    static const char *const names[] = {
        "error",  "identify", "load",     "accept", "synced", "report",  "activate", "step-down",
        "create", "query",    "snapshot", "offers", "exit",   "leaving", "rollup",   "register"};
    return type < TS_COUNT(names) ? names[type] : "unknown";
}

const char *ts_enclave_state_name(uint64_t state)
{
    static const char *const names[] = {"EMPTY",   "SYNCING", "VALIDATING",
                                        "PASSIVE", "ACTIVE",  "HALTED"};
    return state < TS_COUNT(names) ? names[state] : "UNKNOWN";
}
