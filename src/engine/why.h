/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence that goes with a refusal. */
#ifndef TS_ENGINE_WHY_H
#define TS_ENGINE_WHY_H

#include "tenseq/err.h"

#define TS_WHY_SIZE 240 /* with its NUL; two amounts of 78 digits fit */

/* Writes the sentence and returns err. */
ts_err ts_refuse(char why[TS_WHY_SIZE], ts_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
