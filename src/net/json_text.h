/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text without building JSON values. Not for use outside net. */
#ifndef TS_NET_JSON_TEXT_H
#define TS_NET_JSON_TEXT_H

#include <jansson.h>

#include "base/buf.h"

/* Appends a JSON string; bytes that are no UTF-8 become '?'. */
void ts_rpc_put_string(struct ts_buf *b, const char *text);
/* Appends a JSON value. */
void ts_rpc_put_json(struct ts_buf *b, const json_t *json);

#endif
