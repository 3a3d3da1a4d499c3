/* SPDX-License-Identifier: Apache-2.0 */
/* A batch before its first transaction is opened: payload and header, checked. */
#ifndef TS_ENCLAVE_DRAFT_H
#define TS_ENCLAVE_DRAFT_H

#include "enclave/state.h"

struct ts_draft {
    struct ts_payload payload;     /* lists in the frame arena */
    struct ts_batch_header header; /* roots still zero */
    size_t bytes;                  /* of the batch without its transactions, at the most */
};

/* Puts the own events to those the host gave, lists the rest as absent, lifts the time, and checks
 * everything that a batch can fail for but its transactions; e->effect then holds what the payload
 * changes. TS_E_BAD_EVENT names whose events to leave out; else the code of the rule, TS_E_L1 or
 * TS_E_NOMEM. Changes nothing else. */
ts_err ts_draft_make(struct ts_enclave *e, const struct ts_msg_create *req, struct ts_draft *out);

#endif
