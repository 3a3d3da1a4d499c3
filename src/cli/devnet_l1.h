/* SPDX-License-Identifier: Apache-2.0 */
/* The devnet's L1: anvil as a child of its own or an L1 that is there, and the management contract
 * on it. Functions that return int return an exit code and have said why it is not TS_EXIT_OK.
 *
 *     devnet_l1_find       before anything is made
 *     devnet_l1_supervise  adds anvil to the supervisor
 *     devnet_l1_open       it answers
 *     devnet_l1_found      for a new network: the contract is there and lists the enclaves
 *     devnet_l1_bind       the contract is that of the genesis */
#ifndef TS_CLI_DEVNET_L1_H
#define TS_CLI_DEVNET_L1_H

#include <limits.h>

#include "cli/l1.h"
#include "cli/supervisor.h"
#include "tenseq/genesis.h"

enum devnet_l1_kind { DEVNET_L1_NONE, DEVNET_L1_ANVIL, DEVNET_L1_URL };

/* As given; strings are borrowed. */
struct devnet_l1_options {
    const char *l1;    /* "none", "anvil" or a URL */
    const char *anvil; /* the program, or NULL */
    const char *key;   /* a file, or NULL */
    bool has_registry;
    ts_address registry;
};

struct devnet_l1 {
    struct devnet_l1_options o;
    enum devnet_l1_kind kind;
    const char *dir; /* the devnet's, absolute */
    char url_of_anvil[64];
    char anvil[PATH_MAX];
    char artifact[PATH_MAX];
    char key_file[PATH_MAX + 32]; /* the operator's, for the host; "": none */
    bool has_keys;
    struct cli_l1_account governance, operator;
    struct cli_l1 rpc;
    struct ts_supervisor *sup; /* runs while something is waited for */
    int sig;                   /* a signal that asked to end meanwhile: then nothing was said */
    bool is_open;
};

/* Whether text can be given as --l1: NULL, or a phrase that completes "VALUE …". */
const char *devnet_l1_check(const char *text);

/* bin: where this program is. dir is borrowed, and need not be there yet. */
int devnet_l1_find(struct devnet_l1 *l, const struct devnet_l1_options *o, const char *bin,
                   const char *dir, uint64_t port);
void devnet_l1_supervise(struct devnet_l1 *l, struct ts_supervisor *sup, uint64_t port);
int devnet_l1_open(struct devnet_l1 *l);
/* ids: of the enclaves that are to sequence. Fills in the genesis' members about L1. */
int devnet_l1_found(struct devnet_l1 *l, const ts_address *ids, size_t n, struct ts_genesis *g);
/* Also for a devnet without L1: then the genesis must have none. Sets the contract's genesis when
 * it has none yet. */
int devnet_l1_bind(struct devnet_l1 *l, const struct ts_genesis *g);
/* Whether the contract has an enclave's statement; without L1 there is nothing to wait for: true.
 */
int devnet_l1_is_registered(struct devnet_l1 *l, const ts_address *id, bool *out);
void devnet_l1_close(struct devnet_l1 *l);

#endif
