/* SPDX-License-Identifier: Apache-2.0 */
/* libtenseq: decode, hash, verify, follow and audit the chain of a tenseq network. No I/O inside.
 */
#ifndef TENSEQ_TENSEQ_H
#define TENSEQ_TENSEQ_H

#include "tenseq/assessment.h"
#include "tenseq/audit.h"
#include "tenseq/batch.h"
#include "tenseq/bytes.h"
#include "tenseq/chain.h"
#include "tenseq/err.h"
#include "tenseq/evidence.h"
#include "tenseq/finding.h"
#include "tenseq/genesis.h"
#include "tenseq/types.h"
#include "tenseq/verify.h"

/* The library's version, such as "0.1.0". */
const char *ts_version(void);

#endif
