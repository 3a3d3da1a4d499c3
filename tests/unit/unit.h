/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test starts with. */
#ifndef TS_TESTS_UNIT_H
#define TS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenseq/bytes.h"

/* A hash or address from hex, for vectors in the source. */
static inline ts_hash hash_of(const char *hex)
{
    ts_hash h;
    assert_int_equal(ts_unhex(hex, h.b, sizeof(h.b)), TS_OK);
    return h;
}

static inline ts_address address_of(const char *hex)
{
    ts_address a;
    assert_int_equal(ts_unhex(hex, a.b, sizeof(a.b)), TS_OK);
    return a;
}

#endif
