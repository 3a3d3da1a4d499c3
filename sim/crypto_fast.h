/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures that are fast and prove nothing: a keyed hash (SipHash) with the sizes of the real
 * ones. For the simulator alone: no program links this file.
 *
 * sign, recover and address agree with each other, a changed byte of signature or digest recovers
 * another address or fails, and the same inputs give the same bytes. Whoever knows an address can
 * make its signatures: the simulated attackers are trusted not to. */
#ifndef TS_SIM_CRYPTO_FAST_H
#define TS_SIM_CRYPTO_FAST_H

#include "tenseq/verify.h"

/* For ever; not to be freed. */
const struct ts_crypto *sim_crypto_fast(void);

#endif
