/* SPDX-License-Identifier: Apache-2.0 */
/* tests/vectors/l1.json and the values in it. */
#ifndef TS_TESTS_L1_KIT_H
#define TS_TESTS_L1_KIT_H

#include <jansson.h>
#include <string.h>

#include "base/u256.h"
#include "unit.h"

static json_t *vectors;

static inline int load_vectors(void **state)
{
    (void)state;
    vectors = json_load_file(TS_VECTORS "/l1.json", 0, NULL);
    return vectors ? 0 : -1;
}

static inline int free_vectors(void **state)
{
    (void)state;
    json_decref(vectors);
    return 0;
}

static inline const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text)
        fail_msg("no member %s", name);
    return text;
}

static inline const json_t *array_of(const char *name)
{
    const json_t *array = json_object_get(vectors, name);
    assert_true(json_array_size(array) > 0);
    return array;
}

/* The element of an array whose "name" this is. */
static inline const json_t *named(const char *array, const char *name)
{
    const json_t *list = array_of(array);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(text_of(json_array_get(list, i), "name"), name) == 0)
            return json_array_get(list, i);
    fail_msg("no vector %s", name);
    return NULL;
}

/* Hex to fresh bytes. */
static inline ts_bytes bytes_of(const char *hex)
{
    const size_t max = strlen(hex) / 2;
    size_t n;
    uint8_t *p = malloc(max + 1);
    assert_non_null(p);
    assert_int_equal(ts_unhex_any(hex, p, max, &n), TS_OK);
    return ts_bytes_of(p, n);
}

static inline void release(ts_bytes b)
{
    free((void *)(uintptr_t)b.p);
}

static inline ts_hash hash_filled(uint8_t byte)
{
    ts_hash h;
    memset(h.b, byte, sizeof(h.b));
    return h;
}

static inline ts_address address_filled(uint8_t byte)
{
    ts_address a;
    memset(a.b, byte, sizeof(a.b));
    return a;
}

static inline ts_sig sig_filled(uint8_t byte)
{
    ts_sig s;
    memset(s.b, byte, sizeof(s.b));
    return s;
}

#endif
