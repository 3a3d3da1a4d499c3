/* SPDX-License-Identifier: Apache-2.0 */
/* Two checkpoint files, opened before the sandbox closes and rewritten in place.
 *
 * A file begins with a block of TS_SLOT_BLOCK bytes: magic(8) ‖ generation(8) ‖ length(8) ‖
 * check(8), big-endian. The content follows. While it is written the block is zeroed; the block is
 * written last, after the content is durable. So a torn write leaves a file that reads as empty,
 * and the other file as it was. The check only tells a torn block from a whole one: the content is
 * sealed. */
#ifndef TS_ENCLAVE_SLOTS_H
#define TS_ENCLAVE_SLOTS_H

#include "enclave/core.h"

#define TS_SLOTS      2
#define TS_SLOT_BLOCK 4096

struct ts_slots {
    struct ts_checkpoint_store store; /* for the core; its ctx is this struct */
    int fd[TS_SLOTS];
    uint64_t generation; /* newest used */
    size_t slot;         /* being written or read */
    uint64_t at;         /* bytes of content written or read */
    uint64_t length;     /* of the content being read */
};

/* Opens checkpoint-0 and checkpoint-1 in a directory, makes them when they are absent. TS_E_IO: why
 * holds one sentence, nothing is open. */
ts_err ts_slots_open(struct ts_slots *s, const char *dir, char *why, size_t why_size);
void ts_slots_close(struct ts_slots *s);

#endif
