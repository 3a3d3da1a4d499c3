/* SPDX-License-Identifier: Apache-2.0 */
/* What the devnet and the verbs that go with it agree on. */
#ifndef TS_CLI_DEVNET_H
#define TS_CLI_DEVNET_H

#include <limits.h>
#include <stdarg.h>

#include "cli/supervisor.h"
#include "crypto/sign.h"

#define DEVNET_CHAIN_ID 443
#define DEVNET_ACCOUNTS 10
#define DEVNET_BALANCE  "1000000000000000000000000" /* wei: a million ETH */

struct devnet_account {
    ts_secret key;
    ts_address address;
    char key_hex[TS_HASH_HEX_SIZE];
    char address_hex[TS_ADDRESS_HEX_SIZE];
};

/* Account i: its key is keccak256("tenseq devnet account I"). Anyone can make it: for tests only.
 */
void devnet_account(const struct ts_crypto *crypto, unsigned i, struct devnet_account *out);

#endif
