/* SPDX-License-Identifier: Apache-2.0 */
/* The dashboard: the files of web/, which are part of the program, over HTTP. */
#ifndef TS_NODE_SHELL_PAGE_H
#define TS_NODE_SHELL_PAGE_H

#include "net/server.h"

struct ts_page_file {
    const char *path; /* "/", "/app.css", … */
    const char *type;
    const char *tag;      /* of the ETag, from its bytes */
    ts_bytes raw, packed; /* as it is, and gzipped */
};

/* Written by scripts/embed_web.py. */
extern const struct ts_page_file ts_page_files[];
extern const size_t ts_page_n_files;

/* Answers with the file at path, 304 when the asker has it; false, and nothing is answered: there
 * is none. */
bool ts_page_answer(struct ts_http_request *req, const char *path);

#endif
