/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender of transactions makes of a refusal. Calls nothing: for tests. */
#ifndef TS_CLI_REFUSAL_H
#define TS_CLI_REFUSAL_H

#include <jansson.h>

enum refusal {
    REFUSAL_FINAL,  /* the same transaction will be refused whenever it is sent: stop */
    REFUSAL_NONCE,  /* the nonce is not the next one: ask for it and go on */
    REFUSAL_PASSING /* pool full, disk full, nobody up: wait and try again */
};

/* error: the error object of the JSON-RPC answer to eth_sendRawTransaction. Its data names the
 * refusal ({"code": "TS_E_TX_FUNDS"}); of one without (another program, a proxy), parameters and
 * methods that are refused are final, and all else may pass. */
enum refusal cli_refusal_of(const json_t *error);

/* How long to wait after the nth failure in a row, n from 1: 50 ms, doubled each time, at most
 * 2 s. */
unsigned cli_backoff_ms(unsigned n);

#endif
