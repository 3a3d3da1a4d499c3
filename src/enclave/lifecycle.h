/* SPDX-License-Identifier: Apache-2.0 */
/* The enclave's lifecycle: the table of its legal moves, and which message each state takes.
 * What is in neither table is refused. Source: docs/protocol.md, section 3.
 *
 * What each state guarantees, asserted after every request (ts_enclave_assert):
 *   EMPTY       nothing loaded, nothing signed
 *   SYNCING     a chain is loaded; nothing signed in this boot, so it may start over
 *   VALIDATING  at the head and outside the whitelist; signs nothing and hands out no event. It may
 *               have signed before it was removed: then the head moves to a child only
 *   PASSIVE     Started signed; seals nothing
 *   ACTIVE      the newest transition is Active, at an ancestor of the head; every batch above that
 *               one is this boot's own; there is room for a Passive
 *   HALTED      the identity key is wiped; answers only identify and exit */
#ifndef TS_ENCLAVE_LIFECYCLE_H
#define TS_ENCLAVE_LIFECYCLE_H

#include "base/buf.h"
#include "base/fsm.h"
#include "link/messages.h"

enum ts_enclave_on {
    TS_ON_LOADED,   /* a genesis or checkpoint was loaded */
    TS_ON_ACCEPTED, /* a child of the head made by another was accepted */
    TS_ON_LISTED,   /* told that it is at the head, and it is whitelisted there */
    TS_ON_UNLISTED, /* told that it is at the head, and it is not */
    TS_ON_REMOVED,  /* accepted a batch that takes it off the whitelist */
    TS_ON_ACTIVATED,
    TS_ON_STEPPED_DOWN,
    TS_ON_SEALED, /* made a batch */
    TS_ON_FAILED  /* integrity failure */
};

extern const struct ts_fsm ts_enclave_fsm;

/* Whether a request of this type is looked at in this state at all. */
bool ts_enclave_permits(enum ts_enclave_state state, uint64_t msg_type);

/* Appends the table of moves as a Mermaid state diagram, for the documents. */
void ts_enclave_diagram(struct ts_buf *b);

#endif
