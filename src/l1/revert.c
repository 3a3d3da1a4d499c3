/* SPDX-License-Identifier: Apache-2.0 */
/* The reasons of a contract's refusals. */
#include <inttypes.h>

#include "base/check.h"
#include "l1/contract.h"

#define MAX_TEXT 256 /* bytes of an Error(string) that are read */

/* The errors of contracts/ and of the OpenZeppelin parts it uses; their values are all static. */
static const char *const errors[] = {
    "AccessControlBadConfirmation()",
    "AccessControlUnauthorizedAccount(address,bytes32)",
    "AlreadyProven(bytes32)",
    "AlreadyRegistered(address)",
    "AlreadyRequested(uint256)",
    "AlreadySequencer(address)",
    "BadBondParams()",
    "BondTooSmall(uint256,uint256)",
    "DataTooLong(uint256)",
    "ECDSAInvalidSignature()",
    "ECDSAInvalidSignatureLength(uint256)",
    "ECDSAInvalidSignatureS(bytes32)",
    "EmptyRange(uint64,uint64)",
    "EnforcedPause()",
    "ExpectedPause()",
    "FailedCall()",
    "GenesisAlreadySet()",
    "GenesisNotSet()",
    "InsufficientBalance(uint256,uint256)",
    "NeverSequencer(address)",
    "NoSequencers()",
    "NoSuchRequest(uint256)",
    "NotCanonical()",
    "NotDirect()",
    "NotNewest(uint64,uint64)",
    "NotNext(uint64,uint64)",
    "NotOneParent()",
    "NotRecent(uint64,bytes32)",
    "NotRegistered(address)",
    "NotSequencer(address)",
    "NotTaken(uint64)",
    "NothingOwed()",
    "NothingToRollBack()",
    "NothingToWithdraw()",
    "RangeTooLong(uint64,uint64)",
    "ReasonTooLong(uint256)",
    "SafeCastOverflowedUintDowncast(uint8,uint256)",
    "SameSeal()",
    "TooManyRequests()",
    "TooManySequencers()",
    "WithdrawalNotReady(uint256)",
    "WrongData(bytes32,bytes32)",
    "WrongParent(bytes32,bytes32)",
    "WrongSigner(address,address)",
    "ZeroAddress()",
    "ZeroGenesis()",
};

static bool is_call_of(ts_bytes data, const char *signature)
{
    uint8_t selector[4];
    ts_abi_selector(signature, selector);
    return memcmp(selector, data.p, sizeof(selector)) == 0;
}

static const char *find_error(ts_bytes data)
{
    for (size_t i = 0; i < TS_COUNT(errors); i++)
        if (is_call_of(data, errors[i]))
            return errors[i];
    return NULL;
}

static void put_plain(ts_bytes text, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n && n + 1 < size; i++)
        out[n++] = (char)(text.p[i] >= 0x20 && text.p[i] < 0x7f ? text.p[i] : '?');
    out[n] = '\0';
}

static char *value_text(struct ts_abi *a, const char *type, char out[80])
{
    ts_address address;
    ts_hash hash;
    if (strncmp(type, "address", 7) == 0) {
        ts_abi_address(a, &address);
        return ts_hex(address.b, sizeof(address.b), out);
    }
    if (strncmp(type, "bytes32", 7) == 0) {
        ts_abi_hash(a, &hash);
        return ts_hex(hash.b, sizeof(hash.b), out);
    }
    const ts_u256 number = ts_abi_u256(a);
    return ts_u256_decimal(&number, out);
}

/* "Name(value, value)"; a value that is not there ends it. */
static void put_error(struct ts_abi *a, const char *signature, char *out, size_t size)
{
    struct ts_buf b;
    char value[80];
    const size_t name = strcspn(signature, "(");
    const char *type = signature + name + 1;
    ts_buf_init(&b, size);
    ts_buf_put(&b, signature, name);
    for (unsigned i = 0; *type != ')' && *type != '\0' && *a->err == TS_OK; i++) {
        const char *text = value_text(a, type, value);
        if (*a->err == TS_OK)
            ts_buf_printf(&b, "%s%s", i == 0 ? "(" : ", ", text);
        type += strcspn(type, ",)");
        type += *type == ',';
    }
    if (b.n > name)
        ts_buf_put_byte(&b, ')');
    put_plain(ts_buf_bytes(&b), out, size);
    ts_buf_free(&b);
}

char *ts_l1_revert_text(ts_bytes data, char *out, size_t size)
{
    ts_err err;
    char hex[11];
    TS_CHECK(size > 0);
    out[0] = '\0';
    if (data.n < 4)
        return out;
    struct ts_abi a = ts_abi_of(ts_bytes_of(data.p + 4, data.n - 4), &err);
    const char *signature = find_error(data);
    if (signature) {
        put_error(&a, signature, out, size);
    } else if (is_call_of(data, "Error(string)")) {
        put_plain(ts_abi_bytes(&a, MAX_TEXT), out, size);
    } else if (is_call_of(data, "Panic(uint256)")) {
        const uint64_t code = ts_abi_u64(&a);
        snprintf(out, size, "panic 0x%" PRIx64, code);
    } else {
        snprintf(out, size, "custom error %s", ts_hex(data.p, 4, hex));
    }
    return out;
}
