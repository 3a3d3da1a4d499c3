/* SPDX-License-Identifier: Apache-2.0 */
/* tenseq rebuild, in parts: rebuild.c the verb, rebuild_l1.c from L1 to headers and transactions,
 * rebuild_kept.c may an earlier run be gone on with,
 * rebuild_payloads.c from peers to whole batches, rebuild_peer.c one peer. */
#ifndef TS_CLI_REBUILD_H
#define TS_CLI_REBUILD_H

#include <jansson.h>

#include "cli/cli.h"
#include "rebuild/dir.h"
#include "rebuild/pipe.h"

struct rebuild_options {
    bool json;
    const char *l1, *out, *genesis;
    ts_address registry;
    struct ts_cfg_list payloads;
    uint64_t confirmations, patience_ms;
};

struct rebuild {
    struct rebuild_options o;
    struct ts_genesis genesis;
    struct ts_crypto *crypto;
    struct ts_dir dir;
    /* rebuild_l1.c */
    uint64_t l1_end;          /* L1's block up to which it is read */
    uint64_t l1_last;         /* the last batch in a rollup, as the contract says */
    struct ts_head head;      /* what came out */
    uint64_t rollups, before; /* rollups in all; batches that an earlier run made */
    double seconds;
    /* rebuild_payloads.c */
    struct ts_fold fold;
    json_t *faults; /* what peers gave that was wrong */
};

/* Each returns an exit code and has said why it is not TS_EXIT_OK. */
int rebuild_from_l1(struct rebuild *b);
int rebuild_payloads(struct rebuild *b);
/* Whether L1 still has the rollups that b->before batches of the directory come from. */
int rebuild_check_kept(struct rebuild *b);

/* A place that has batches: a node's or host's JSON-RPC (http, https) or feed (ws). */
struct rebuild_peer;
/* URL and genesis are borrowed. */
struct rebuild_peer *rebuild_peer_new(const char *url, const struct ts_genesis *genesis);
void rebuild_peer_free(struct rebuild_peer *p);
/* The raw batches from a number on, ascending and without a gap as far as the peer is to be
 * believed; none: it does not have that one. They live until the next call. TS_E_IO, TS_E_TIMEOUT,
 * TS_E_CLOSED: it does not answer; else it answers nonsense. why holds a sentence. */
ts_err rebuild_peer_get(struct rebuild_peer *p, uint64_t from, const ts_bytes **list, size_t *n,
                        char *why, size_t why_size);
/* Its URL without a password. */
const char *rebuild_peer_name(const struct rebuild_peer *p);
/* The genesis as a node tells it; out is RLP. TS_E_NOT_FOUND: this kind of peer tells none. */
ts_err rebuild_peer_genesis(const char *url, struct ts_buf *out, char *why, size_t why_size);

#endif
