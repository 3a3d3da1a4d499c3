/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/refusal.h"

#include <string.h>

#include "base/check.h"
#include "net/jsonrpc.h"
#include "tenseq/err.h"

#define FIRST_MS 50u
#define MOST_MS  2000u

/* A funds check counts what is pending, so that only somebody else's payment could change it. */
static enum refusal of_err(ts_err err)
{
    switch (err) {
    case TS_E_TX_NONCE_LOW:
    case TS_E_TX_NONCE_GAP:
    case TS_E_TX_REPLACE:
    case TS_E_TX_KNOWN:
        return REFUSAL_NONCE;
    case TS_E_TX_DEFERRED:
        return REFUSAL_PASSING;
    default:
        return err >= TS_E_TX_FORM && err <= TS_E_TX_REPLACE ? REFUSAL_FINAL : REFUSAL_PASSING;
    }
}

static bool find_err(const char *name, ts_err *out)
{
#define SAME(code, number, sentence)                                                               \
    if (strcmp(name, #code) == 0) {                                                                \
        *out = (code);                                                                             \
        return true;                                                                               \
    }
    TS_ERRORS(SAME)
#undef SAME
    return false;
}

enum refusal cli_refusal_of(const json_t *error)
{
    const json_t *data = json_object_get(error, "data");
    const char *name = json_string_value(json_object_get(data, "code"));
    ts_err err;
    if (name != NULL && find_err(name, &err))
        return of_err(err);
    switch (json_integer_value(json_object_get(error, "code"))) {
    case TS_RPC_INVALID_REQUEST:
    case TS_RPC_NO_METHOD:
    case TS_RPC_INVALID_PARAMS:
        return REFUSAL_FINAL;
    default:
        return REFUSAL_PASSING;
    }
}

unsigned cli_backoff_ms(unsigned n)
{
    unsigned ms = FIRST_MS;
    for (unsigned i = 1; i < n && ms < MOST_MS; i++)
        ms *= 2;
    return ms < MOST_MS ? ms : MOST_MS;
}
