/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory of an enclave, used by one process at a time. */
#ifndef TS_ENCLAVE_DATADIR_H
#define TS_ENCLAVE_DATADIR_H

#include "tenseq/bytes.h"

struct ts_datadir {
    const char *path; /* borrowed */
    int fd;
};

/* Opens a directory, made (mode 0700) when it is absent and create. TS_E_NOT_FOUND, TS_E_USAGE (not
 * this user's, or others may write to it), TS_E_IO: why holds one sentence, d->fd is -1. */
ts_err ts_datadir_open(struct ts_datadir *d, const char *path, bool create, char *why,
                       size_t why_size);
/* Takes it for this process until close. TS_E_BUSY: another enclave runs there; why holds one
 * sentence. */
ts_err ts_datadir_lock(struct ts_datadir *d, char *why, size_t why_size);
void ts_datadir_close(struct ts_datadir *d);

#endif
