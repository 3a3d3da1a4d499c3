/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/lifecycle.h"

#include "base/check.h"

#define EMPTY      TS_ENC_EMPTY
#define SYNCING    TS_ENC_SYNCING
#define VALIDATING TS_ENC_VALIDATING
#define PASSIVE    TS_ENC_PASSIVE
#define ACTIVE     TS_ENC_ACTIVE
#define HALTED     TS_ENC_HALTED

/* clang-format off */
static const struct ts_fsm_move moves[] = {
    {EMPTY,      TS_ON_LOADED,       SYNCING},
    {SYNCING,    TS_ON_LOADED,       SYNCING},    /* starts over: it has signed nothing */
    {SYNCING,    TS_ON_ACCEPTED,     SYNCING},
    {SYNCING,    TS_ON_LISTED,       PASSIVE},    /* signs Started */
    {SYNCING,    TS_ON_UNLISTED,     VALIDATING},
    {VALIDATING, TS_ON_ACCEPTED,     VALIDATING},
    {VALIDATING, TS_ON_UNLISTED,     VALIDATING},
    {VALIDATING, TS_ON_LISTED,       PASSIVE},    /* signs Started, unless it did before its removal */
    {PASSIVE,    TS_ON_ACCEPTED,     PASSIVE},
    {PASSIVE,    TS_ON_REMOVED,      VALIDATING},
    {PASSIVE,    TS_ON_ACTIVATED,    ACTIVE},     /* signs Active */
    {ACTIVE,     TS_ON_SEALED,       ACTIVE},
    {ACTIVE,     TS_ON_STEPPED_DOWN, PASSIVE},    /* signs Passive */
    {ACTIVE,     TS_ON_ACCEPTED,     PASSIVE},    /* signs Passive */
    {ACTIVE,     TS_ON_REMOVED,      VALIDATING}, /* in silence */
    {SYNCING,    TS_ON_FAILED,       HALTED},
    {VALIDATING, TS_ON_FAILED,       HALTED},
    {PASSIVE,    TS_ON_FAILED,       HALTED},
    {ACTIVE,     TS_ON_FAILED,       HALTED},
};
/* clang-format on */

static const char *const state_names[] = {"EMPTY",   "SYNCING", "VALIDATING",
                                          "PASSIVE", "ACTIVE",  "HALTED"};

static const char *const event_names[] = {
    "loaded",
    "accepted another's batch",
    "at the head, listed",
    "at the head, not listed",
    "removed",
    "activated",
    "stepped down",
    "sealed a batch",
    "integrity failure",
};

const struct ts_fsm ts_enclave_fsm = {
    .name = "enclave lifecycle",
    .state_names = state_names,
    .event_names = event_names,
    .moves = moves,
    .n_moves = TS_COUNT(moves),
};

#define IN(state)   (1u << (state))
#define WORKING     (IN(VALIDATING) | IN(PASSIVE) | IN(ACTIVE))
#define EVERY_STATE (IN(EMPTY) | IN(SYNCING) | WORKING | IN(HALTED))

/* The states in which a request is looked at. */
static const unsigned permitted[] = {
    [TS_MSG_IDENTIFY] = EVERY_STATE,
    [TS_MSG_LOAD] = IN(EMPTY) | IN(SYNCING),
    [TS_MSG_ACCEPT] = IN(SYNCING) | WORKING,
    [TS_MSG_SYNCED] = IN(SYNCING) | WORKING,
    [TS_MSG_REPORT] = IN(SYNCING) | WORKING,
    [TS_MSG_ACTIVATE] = IN(PASSIVE) | IN(ACTIVE),
    [TS_MSG_STEP_DOWN] = IN(PASSIVE) | IN(ACTIVE),
    /* PASSIVE: only to be given once more a batch it sealed earlier. */
    [TS_MSG_CREATE] = IN(PASSIVE) | IN(ACTIVE),
    [TS_MSG_QUERY] = WORKING,
    [TS_MSG_SNAPSHOT] = IN(SYNCING) | WORKING,
    [TS_MSG_OFFERS] = EVERY_STATE & ~IN(HALTED),
    [TS_MSG_EXIT] = EVERY_STATE,
    [TS_MSG_ROLLUP] = IN(PASSIVE) | IN(ACTIVE),
    [TS_MSG_REGISTER] = WORKING,
};

bool ts_enclave_permits(enum ts_enclave_state state, uint64_t msg_type)
{
    return msg_type < TS_COUNT(permitted) && (permitted[msg_type] & IN(state)) != 0;
}

void ts_enclave_diagram(struct ts_buf *b)
{
    ts_buf_printf(b, "stateDiagram-v2\n    [*] --> %s\n", state_names[EMPTY]);
    for (size_t i = 0; i < TS_COUNT(moves); i++)
        ts_buf_printf(b, "    %s --> %s: %s\n", state_names[moves[i].state],
                      state_names[moves[i].next], event_names[moves[i].on]);
}
