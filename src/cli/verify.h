/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of tenseq verify share. */
#ifndef TS_CLI_VERIFY_H
#define TS_CLI_VERIFY_H

#include "audit/evidence_json.h"
#include "cli/cli.h"

struct verify_options {
    bool json, submit;
    const char *network, *l1, *key;
    ts_address registry; /* zero: the one that the genesis names */
};

/* Holds what the evidence rests on against an L1 node. NULL: L1 agrees, or has no part in it; else
 * why not, a sentence in static memory or in why. *asked: something was asked. */
const char *verify_on_l1(const struct verify_options *o, const struct ts_crypto *crypto,
                         const struct ts_evidence *e, const struct ts_evidence_verdict *v,
                         bool *asked, char why[300]);
/* Sends an equivocation to the contract. The exit code; the outcome is printed. */
int verify_submit(const struct verify_options *o, const struct ts_crypto *crypto,
                  const struct ts_evidence *e);

#endif
