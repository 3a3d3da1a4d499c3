/* SPDX-License-Identifier: Apache-2.0 */
/* Secret values that are wiped when done with. */
#ifndef TS_CRYPTO_SECRET_H
#define TS_CRYPTO_SECRET_H

#include "tenseq/bytes.h"

typedef struct ts_secret {
    uint8_t b[32];
} ts_secret;

/* Overwrites with zeros; the compiler cannot drop it. */
void ts_wipe(void *p, size_t n);
void ts_secret_wipe(ts_secret *s);
/* Time depends on n alone. */
bool ts_equal_secret(const void *a, const void *b, size_t n);

#endif
