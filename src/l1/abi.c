/* SPDX-License-Identifier: Apache-2.0 */
#include "l1/abi.h"

#include "base/check.h"
#include "crypto/keccak.h"

/* ---- writing ---- */

void ts_abi_topic(const char *signature, ts_hash *out)
{
    ts_keccak256(ts_bytes_of(signature, strlen(signature)), out);
}

void ts_abi_selector(const char *signature, uint8_t out[4])
{
    ts_hash h;
    ts_abi_topic(signature, &h);
    memcpy(out, h.b, 4);
}

size_t ts_abi_put_call(struct ts_buf *b, const char *signature)
{
    uint8_t selector[4];
    ts_abi_selector(signature, selector);
    ts_buf_put(b, selector, sizeof(selector));
    return b->n;
}

void ts_abi_put_u256(struct ts_buf *b, const ts_u256 *v)
{
    uint8_t word[TS_ABI_WORD];
    ts_u256_to_be(v, word);
    ts_buf_put(b, word, sizeof(word));
}

void ts_abi_put_u64(struct ts_buf *b, uint64_t v)
{
    const ts_u256 wide = ts_u256_of(v);
    ts_abi_put_u256(b, &wide);
}

void ts_abi_put_bool(struct ts_buf *b, bool v)
{
    ts_abi_put_u64(b, v ? 1 : 0);
}

void ts_abi_put_address(struct ts_buf *b, const ts_address *v)
{
    uint8_t word[TS_ABI_WORD] = {0};
    memcpy(word + 12, v->b, sizeof(v->b));
    ts_buf_put(b, word, sizeof(word));
}

void ts_abi_put_hash(struct ts_buf *b, const ts_hash *v)
{
    ts_buf_put(b, v->b, sizeof(v->b));
}

size_t ts_abi_put_offset(struct ts_buf *b)
{
    const size_t mark = b->n;
    ts_abi_put_u64(b, 0);
    return mark;
}

void ts_abi_point(struct ts_buf *b, size_t base, size_t mark)
{
    if (b->err != TS_OK)
        return;
    TS_CHECK(base <= mark && mark + TS_ABI_WORD <= b->n);
    const ts_u256 offset = ts_u256_of(b->n - base);
    ts_u256_to_be(&offset, b->p + mark);
}

void ts_abi_put_bytes(struct ts_buf *b, ts_bytes v)
{
    static const uint8_t zeros[TS_ABI_WORD];
    ts_abi_put_u64(b, v.n);
    ts_buf_put(b, v.p, v.n);
    if (v.n % TS_ABI_WORD != 0)
        ts_buf_put(b, zeros, TS_ABI_WORD - v.n % TS_ABI_WORD);
}

void ts_abi_put_addresses(struct ts_buf *b, const ts_address *v, size_t n)
{
    ts_abi_put_u64(b, n);
    for (size_t i = 0; i < n; i++)
        ts_abi_put_address(b, &v[i]);
}

/* ---- reading ---- */

struct ts_abi ts_abi_of(ts_bytes in, ts_err *err)
{
    *err = TS_OK;
    return (struct ts_abi){.p = in.p, .n = in.n, .err = err};
}

void ts_abi_fail(struct ts_abi *a, ts_err e)
{
    if (*a->err == TS_OK)
        *a->err = e;
}

/* The next word, or NULL. */
static const uint8_t *take_word(struct ts_abi *a)
{
    if (*a->err == TS_OK && a->n - a->at < TS_ABI_WORD)
        *a->err = TS_E_TRUNCATED;
    if (*a->err != TS_OK)
        return NULL;
    a->at += TS_ABI_WORD;
    return a->p + a->at - TS_ABI_WORD;
}

ts_u256 ts_abi_u256(struct ts_abi *a)
{
    const uint8_t *word = take_word(a);
    return word ? ts_u256_from_be(word, TS_ABI_WORD) : ts_u256_of(0);
}

uint64_t ts_abi_u64(struct ts_abi *a)
{
    const ts_u256 v = ts_abi_u256(a);
    if (v.w[1] == 0 && v.w[2] == 0 && v.w[3] == 0)
        return v.w[0];
    ts_abi_fail(a, TS_E_RANGE);
    return 0;
}

bool ts_abi_bool(struct ts_abi *a)
{
    const uint64_t v = ts_abi_u64(a);
    if (v > 1)
        ts_abi_fail(a, TS_E_RANGE);
    return v == 1;
}

void ts_abi_address(struct ts_abi *a, ts_address *out)
{
    static const uint8_t zeros[12];
    const uint8_t *word = take_word(a);
    *out = (ts_address){{0}};
    if (word && memcmp(word, zeros, sizeof(zeros)) != 0)
        ts_abi_fail(a, TS_E_RANGE);
    else if (word)
        memcpy(out->b, word + sizeof(zeros), sizeof(out->b));
}

void ts_abi_hash(struct ts_abi *a, ts_hash *out)
{
    const uint8_t *word = take_word(a);
    *out = (ts_hash){{0}};
    if (word)
        memcpy(out->b, word, sizeof(out->b));
}

/* What the next head's offset points to: a reader that stands there, inside the bounds. */
static struct ts_abi follow(struct ts_abi *a)
{
    const uint64_t offset = ts_abi_u64(a);
    if (*a->err == TS_OK && offset > a->n)
        *a->err = TS_E_TRUNCATED;
    if (*a->err != TS_OK)
        return (struct ts_abi){.p = a->p, .err = a->err};
    return (struct ts_abi){.p = a->p + offset, .n = a->n - offset, .err = a->err};
}

ts_bytes ts_abi_bytes(struct ts_abi *a, size_t max)
{
    struct ts_abi content = follow(a);
    const uint64_t n = ts_abi_u64(&content);
    if (*a->err == TS_OK && n > max)
        *a->err = TS_E_LIMIT;
    if (*a->err == TS_OK && n > content.n - content.at)
        *a->err = TS_E_TRUNCATED;
    if (*a->err != TS_OK)
        return ts_bytes_of(NULL, 0);
    return ts_bytes_of(content.p + content.at, (size_t)n);
}

struct ts_abi ts_abi_tuple(struct ts_abi *a)
{
    return follow(a);
}

struct ts_abi ts_abi_array(struct ts_abi *a, size_t words, size_t max, size_t *count)
{
    struct ts_abi content = follow(a);
    const uint64_t n = ts_abi_u64(&content);
    TS_CHECK(words > 0);
    *count = 0;
    if (*a->err == TS_OK && n > max)
        *a->err = TS_E_LIMIT;
    if (*a->err == TS_OK && n > (content.n - content.at) / (words * TS_ABI_WORD))
        *a->err = TS_E_TRUNCATED;
    if (*a->err != TS_OK)
        return content;
    *count = (size_t)n;
    /* The offsets of its elements count from behind the length. */
    return (struct ts_abi){.p = content.p + content.at, .n = content.n - content.at, .err = a->err};
}
