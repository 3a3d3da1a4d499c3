/* SPDX-License-Identifier: Apache-2.0 */
/* What a core may ask for beside its inputs. Everything else arrives as an input. */
#ifndef TS_BASE_ENV_H
#define TS_BASE_ENV_H

#include "tenseq/bytes.h"

struct ts_env {
    void *ctx;
    /* n random bytes fit for keys. TS_E_RANDOM: out is unspecified and must not be used. */
    ts_err (*random)(void *ctx, void *out, size_t n);
};

#endif
