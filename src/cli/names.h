/* SPDX-License-Identifier: Apache-2.0 */
/* What enclaves are called: a letter and the beginning of the id, "A 0x02a381b4". The letters go by
 * the order in which the chain listed the enclaves: those of the genesis as they stand there, then
 * each that was granted. An enclave keeps its letter for good. The dashboard has the same rule
 * (web/words.js, docs/dashboard.md). */
#ifndef TS_CLI_NAMES_H
#define TS_CLI_NAMES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CLI_NAMES     128
#define CLI_NAME_SIZE 24
#define CLI_SHORT     10 /* characters of an id that are shown, as findings do */

struct cli_names {
    char ids[CLI_NAMES][44];
    size_t n;
};

/* Adds those that are new: an array of ids, or of objects with an id, in the order of the list. */
void cli_names_learn(struct cli_names *names, const json_t *ids);
/* "A"; "" of one that has none. out is returned. */
const char *cli_names_letter(const struct cli_names *names, const char *id,
                             char out[CLI_NAME_SIZE]);
/* "A 0x02a381b4"; "0x02a381b4" of one without a letter. out is returned. */
const char *cli_names_of(const struct cli_names *names, const char *id, char out[CLI_NAME_SIZE]);
/* text with "A (0x02a381b4)" for the beginning of each id, as much as fits. out is returned. */
const char *cli_names_in(const struct cli_names *names, const char *text, char *out, size_t size);
/* The letter of place n, from 0. */
void cli_letter(size_t n, char out[CLI_NAME_SIZE]);

#endif
