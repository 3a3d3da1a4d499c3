/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC gives the reasons of a refused transaction no codes of their own: nodes are known by
 * their words. These are of geth (core/txpool/errors.go, core/error.go), Erigon, Nethermind, Besu,
 * Reth and anvil. */
#include "base/check.h"
#include "l1/submitter_internal.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool contains(const char *text, const char *part)
{
    const size_t n = strlen(part);
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < n && lower(text[i]) == part[i])
            i++;
        if (i == n)
            return true;
    }
    return false;
}

enum ts_l1_refusal ts_l1_refusal_of(const char *text)
{
    /* The first that fits counts: "replacement transaction underpriced" before "underpriced". */
    static const struct {
        const char *part;
        enum ts_l1_refusal means;
    } known[] = {
        {"already known", TS_L1_REFUSAL_KNOWN},
        {"alreadyknown", TS_L1_REFUSAL_KNOWN},
        {"already imported", TS_L1_REFUSAL_KNOWN},
        {"known transaction", TS_L1_REFUSAL_KNOWN},
        {"already exists", TS_L1_REFUSAL_KNOWN},
        {"nonce too low", TS_L1_REFUSAL_NONCE_LOW},
        {"nonce_too_low", TS_L1_REFUSAL_NONCE_LOW},
        {"nonce is too low", TS_L1_REFUSAL_NONCE_LOW},
        {"oldnonce", TS_L1_REFUSAL_NONCE_LOW},
        {"invalid nonce", TS_L1_REFUSAL_NONCE_LOW},
        {"underpriced", TS_L1_REFUSAL_UNDERPRICED},
        {"less than block base fee", TS_L1_REFUSAL_UNDERPRICED},
        {"fee cap less than", TS_L1_REFUSAL_UNDERPRICED},
        {"feetoolow", TS_L1_REFUSAL_UNDERPRICED},
        {"fee too low", TS_L1_REFUSAL_UNDERPRICED},
        {"gas price below", TS_L1_REFUSAL_UNDERPRICED},
        {"not allowed to replace", TS_L1_REFUSAL_UNDERPRICED},
        {"replacementnotallowed", TS_L1_REFUSAL_UNDERPRICED},
        {"insufficient funds", TS_L1_REFUSAL_FUNDS},
        {"insufficientfunds", TS_L1_REFUSAL_FUNDS},
        {"upfront cost exceeds", TS_L1_REFUSAL_FUNDS},
        {"exceeds block gas limit", TS_L1_REFUSAL_NEVER},
        {"gas limit too high", TS_L1_REFUSAL_NEVER},
        {"gaslimitexceeded", TS_L1_REFUSAL_NEVER},
        {"intrinsic gas", TS_L1_REFUSAL_NEVER},
        {"floor data gas", TS_L1_REFUSAL_NEVER},
        {"oversized", TS_L1_REFUSAL_NEVER},
        {"exceeds max transaction size", TS_L1_REFUSAL_NEVER},
        {"initcode size", TS_L1_REFUSAL_NEVER},
        {"exceeds the configured cap", TS_L1_REFUSAL_NEVER},
        {"pool is full", TS_L1_REFUSAL_BUSY},
        {"too many requests", TS_L1_REFUSAL_BUSY},
    };
    for (size_t i = 0; i < TS_COUNT(known); i++)
        if (contains(text, known[i].part))
            return known[i].means;
    return TS_L1_REFUSAL_OTHER;
}
