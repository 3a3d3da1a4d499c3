/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the devnet share: devnet.c (flags, the whole), devnet_dir.c, devnet_genesis.c,
 * devnet_programs.c, devnet_look.c, devnet_chaos.c, devnet_attack.c, devnet_corrupt.c,
 * devnet_tell.c. The L1 is apart: devnet_l1.h. Functions that return int return an exit code and
 * have said why it is not TS_EXIT_OK. */
#ifndef TS_CLI_DEVNET_INTERNAL_H
#define TS_CLI_DEVNET_INTERNAL_H

#include <jansson.h>
#include <sys/types.h>

#include "cli/devnet.h"
#include "cli/devnet_l1.h"
#include "tenseq/genesis.h"

#define MAX_ENCLAVES 64 /* spares among them: what one host takes */
#define MAX_NODES    32

enum devnet_attack {
    DEVNET_NO_ATTACK,
    DEVNET_EQUIVOCATION,
    DEVNET_WHITELIST_MISMATCH,
    DEVNET_PAYLOAD_EDITED,
    DEVNET_ROLLUP_MISMATCH,
    DEVNET_MASS_RESTART
};
extern const char *const devnet_attacks[]; /* names, ending in NULL */

enum devnet_corrupt_stage {
    DEVNET_CORRUPT_DONE, /* or not asked for */
    DEVNET_CORRUPT_WAITING,
    DEVNET_CORRUPT_LYING,
    DEVNET_CORRUPT_MARKED,
    DEVNET_CORRUPT_APPROVED,
    DEVNET_CORRUPT_IN
};

struct devnet_options {
    uint64_t enclaves, spares, nodes, interval_ms, base_port, chaos_ms, corrupt_ms;
    const char *data_dir;
    const char *l1, *anvil, *l1_key;
    ts_address registry;
    int attack; /* enum devnet_attack */
    bool json;
};

struct devnet {
    struct devnet_options o;
    char dir[PATH_MAX];
    char bin[PATH_MAX]; /* where the programs are: beside this one */
    int lock;
    bool is_asked_to_end; /* by a signal */
    char ids[MAX_ENCLAVES + MAX_NODES][TS_ADDRESS_HEX_SIZE];
    struct ts_genesis genesis;
    struct devnet_l1 l1;
    struct ts_supervisor sup;
    uint64_t chaos_at_ms;  /* when the next enclave is killed; UINT64_MAX: never */
    uint64_t attack_at_ms; /* when the attack is made; UINT64_MAX: it is, or makes itself */
    uint32_t found;        /* nodes that found it, a bit each */
    struct {
        enum devnet_corrupt_stage stage;
        uint64_t at_ms;
        char successor[TS_ADDRESS_HEX_SIZE];
    } corrupt;
    struct devnet_account accounts[DEVNET_ACCOUNTS];
};

/* ---- devnet_dir.c ---- */

int devnet_make_dir(const char *path);
int devnet_sub_dir(const struct devnet *d, const char *name);
/* Where the programs are: beside this one. */
int devnet_find_programs(struct devnet *d);
/* Where the directory would be, before anything is made. */
int devnet_find_dir(struct devnet *d);
/* Makes it unless it is there, and takes it for this process. */
int devnet_open_dir(struct devnet *d);

/* ---- devnet_genesis.c ---- */

/* Enclaves count in this order: those on the list, spares, then the nodes' validators. */
const char *devnet_enclave_name(const struct devnet *d, unsigned i, char out[32]);
/* What the dashboard calls it (cli/names.h); of one that is not on the genesis' list the id alone.
 */
const char *devnet_known_as(const struct devnet *d, unsigned i, char out[32]);
unsigned devnet_of_host(const struct devnet *d);
unsigned devnet_all_enclaves(const struct devnet *d);
/* Makes (or finds) the identity of each. */
int devnet_init_enclaves(struct devnet *d);
void devnet_make_accounts(struct devnet *d);
/* Reads the genesis or makes one, and binds the contract to it. */
int devnet_open_genesis(struct devnet *d);

/* ---- devnet_programs.c ---- */

/* A command line that grows; freed with free. */
struct devnet_command;
struct devnet_command *devnet_command_new(void);
void devnet_arg(struct devnet_command *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *const *devnet_argv(const struct devnet_command *c);
/* tenseq-liar with the keys of all enclaves of the host: a spare may have been granted since. */
void devnet_liar_command(const struct devnet *d, struct devnet_command *c);
void devnet_begin_supervisor(struct devnet *d);
int devnet_add_programs(struct devnet *d);

/* ---- devnet_look.c ---- */

/* 0: not running, or no such program. */
pid_t devnet_pid_of(const struct devnet *d, const char *name);
/* False when it does not run. */
bool devnet_kill(const struct devnet *d, const char *name, int sig);
/* Params are stolen; ms is how long it may take. The result is the caller's; without one why says
 * why. */
bool devnet_ask_host(const struct devnet *d, const char *method, json_t *params, unsigned ms,
                     json_t **result, char why[256]);
/* What sequencer_status says of an enclave: borrowed from it; NULL: nothing. */
const json_t *devnet_entry_of(const json_t *status, const char *id);

/* ---- devnet_chaos.c ---- */

void devnet_chaos_begin(struct devnet *d);
/* Kills an enclave when one is due; returns for how many milliseconds nothing is. */
unsigned devnet_chaos(struct devnet *d);

/* ---- devnet_attack.c ---- */

int devnet_attack_check(const struct devnet *d);
/* Whether the last node has the liar for a peer, and at which port that is. */
bool devnet_attack_relays(const struct devnet *d);
unsigned devnet_attack_port(const struct devnet *d);
void devnet_attack_begin(struct devnet *d);
/* Attacks when it is time to, and tells what nodes found; returns for how many milliseconds nothing
 * is to be done. */
unsigned devnet_attack(struct devnet *d);

/* ---- devnet_corrupt.c ---- */

int devnet_corrupt_check(const struct devnet *d);
void devnet_corrupt_begin(struct devnet *d);
/* The next stage, when it has come; returns for how many milliseconds there is nothing to do. */
unsigned devnet_corrupt(struct devnet *d);

/* ---- devnet_tell.c ---- */

void devnet_print_json(const struct devnet *d);
void devnet_print_table(const struct devnet *d);

#endif
