/* SPDX-License-Identifier: Apache-2.0 */
/* Making transactions: for the command line, tests and the simulator. */
#ifndef TS_ENGINE_TX_SIGN_H
#define TS_ENGINE_TX_SIGN_H

#include "crypto/sign.h"
#include "engine/tx.h"

/* Appends the signed transaction's bytes. Read of fields: type, chain_id, nonce, max_priority (type
 * 2), max_fee (else the gas price), gas, creates or to, value, data, and access.raw (types 1 and 2;
 * empty stands for the empty list). TS_E_KEY, TS_E_NOMEM, TS_E_LIMIT: out is unchanged. */
ts_err ts_tx_sign(const struct ts_crypto *c, const ts_secret *key, const struct ts_tx *fields,
                  struct ts_buf *out);

#endif
