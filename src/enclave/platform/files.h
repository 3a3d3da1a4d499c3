/* SPDX-License-Identifier: Apache-2.0 */
/* Small private files: owned by the user of this process, mode 0600, written whole or not at all.
 */
#ifndef TS_ENCLAVE_PLATFORM_FILES_H
#define TS_ENCLAVE_PLATFORM_FILES_H

#include "enclave/platform/platform.h"

/* Reads a file of exactly n bytes. TS_E_NOT_FOUND; TS_E_USAGE when it is no plain file, has another
 * owner, mode or size; TS_E_IO. why holds a sentence that names it and calls it what. */
ts_err ts_private_read(const char *path, const char *what, void *out, size_t n,
                       char why[TS_PLATFORM_WHY]);

/* Writes a new file: durable when TS_OK. TS_E_CONFLICT: one is there already and is untouched;
 * TS_E_DISK_FULL, TS_E_IO. */
ts_err ts_private_create(const char *path, const void *p, size_t n, char why[TS_PLATFORM_WHY]);

#endif
