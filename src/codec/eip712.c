/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/eip712.h"

#include <string.h>

#include "base/check.h"
#include "crypto/keccak.h"

#define WORD       32u
#define MAX_FIELDS 15u

/* keccak256("EIP712Domain(string name,string version,uint256 chainId,address
 * verifyingContract,bytes32 salt)") */
static const uint8_t domain_type_hash[32] = {
    0xd8, 0x7c, 0xd6, 0xef, 0x79, 0xd4, 0xe2, 0xb9, 0x5e, 0x15, 0xce, 0x8a, 0xbf, 0x73, 0x2d, 0xb5,
    0x1e, 0xc7, 0x71, 0xf1, 0xca, 0x2e, 0xdc, 0xcf, 0x22, 0xa4, 0x6c, 0x72, 0x9a, 0xc5, 0x64, 0x72};
/* keccak256("tenseq") */
static const uint8_t domain_name_hash[32] = {
    0xd5, 0x42, 0x59, 0x64, 0xd7, 0x43, 0xb8, 0x22, 0xa9, 0x00, 0x56, 0xd9, 0x02, 0x5c, 0x7d, 0x75,
    0xcc, 0x07, 0x17, 0x9e, 0x96, 0x21, 0x04, 0x3b, 0xaf, 0x12, 0xaa, 0x51, 0x08, 0x09, 0x91, 0x81};
/* keccak256("1") */
static const uint8_t domain_version_hash[32] = {
    0xc8, 0x9e, 0xfd, 0xaa, 0x54, 0xc0, 0xf2, 0x0c, 0x7a, 0xdf, 0x61, 0x28, 0x82, 0xdf, 0x09, 0x50,
    0xf5, 0xa9, 0x51, 0x63, 0x7e, 0x03, 0x07, 0xcd, 0xcb, 0x4c, 0x67, 0x2f, 0x29, 0x8b, 0x8b, 0xc6};

static void add_text(struct ts_keccak *k, const char *text)
{
    ts_keccak_update(k, text, strlen(text));
}

void ts_eip712_type_hash(const struct ts_type *type, ts_hash *out)
{
    struct ts_keccak k;
    ts_keccak_init(&k);
    add_text(&k, type->name);
    add_text(&k, "(");
    for (size_t i = 0; i < type->n_fields; i++) {
        add_text(&k, i > 0 ? "," : "");
        add_text(&k, ts_kind_name(type->fields[i].kind));
        add_text(&k, " ");
        add_text(&k, type->fields[i].name);
    }
    add_text(&k, ")");
    ts_keccak_final(&k, out);
}

/* Both write one word, whose bytes are zero before. */
static void put_uint(uint8_t *word, uint64_t v)
{
    for (size_t i = 0; i < 8; i++)
        word[WORD - 1 - i] = (uint8_t)(v >> (8 * i));
}

static void put_address(uint8_t *word, const ts_address *a)
{
    memcpy(word + WORD - sizeof(a->b), a->b, sizeof(a->b));
}

void ts_eip712_domain(uint64_t l1_chain_id, const ts_address *contract, const ts_hash *genesis,
                      struct ts_domain *out)
{
    uint8_t words[6 * WORD] = {0};
    memcpy(words, domain_type_hash, WORD);
    memcpy(words + WORD, domain_name_hash, WORD);
    memcpy(words + 2 * WORD, domain_version_hash, WORD);
    put_uint(words + 3 * WORD, l1_chain_id);
    put_address(words + 4 * WORD, contract);
    memcpy(words + 5 * WORD, genesis->b, WORD);
    ts_keccak256(ts_bytes_of(words, sizeof(words)), &out->separator);
}

static void put_field(uint8_t *word, const struct ts_field *field, const void *value)
{
    const void *member = (const char *)value + field->offset;
    switch (field->kind) {
    case TS_UINT8:
        put_uint(word, *(const uint8_t *)member);
        break;
    case TS_UINT64:
        put_uint(word, *(const uint64_t *)member);
        break;
    case TS_ADDRESS:
        put_address(word, member);
        break;
    case TS_BYTES32:
        memcpy(word, member, WORD);
        break;
    }
}

static void hash_struct(const struct ts_type *type, const void *value, ts_hash *out)
{
    uint8_t words[(1 + MAX_FIELDS) * WORD];
    ts_hash type_hash;
    size_t n = (1 + type->n_fields) * WORD;
    TS_CHECK(type->n_fields <= MAX_FIELDS);
    if (type->type_hash != NULL)
        type_hash = *type->type_hash;
    else
        ts_eip712_type_hash(type, &type_hash);
    memset(words, 0, n);
    memcpy(words, type_hash.b, WORD);
    for (size_t i = 0; i < type->n_fields; i++)
        put_field(words + (1 + i) * WORD, &type->fields[i], value);
    ts_keccak256(ts_bytes_of(words, n), out);
}

void ts_eip712_digest(const struct ts_domain *domain, const struct ts_type *type, const void *value,
                      ts_hash *out)
{
    uint8_t message[2 + 2 * WORD] = {0x19, 0x01};
    ts_hash hash;
    hash_struct(type, value, &hash);
    memcpy(message + 2, domain->separator.b, WORD);
    memcpy(message + 2 + WORD, hash.b, WORD);
    ts_keccak256(ts_bytes_of(message, sizeof(message)), out);
}
