/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"

#include <nettle/memops.h>
#include <string.h>

void ts_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

void ts_secret_wipe(ts_secret *s)
{
    ts_wipe(s->b, sizeof(s->b));
}

bool ts_equal_secret(const void *a, const void *b, size_t n)
{
    return memeql_sec(a, b, n) != 0;
}
