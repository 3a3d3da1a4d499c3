/* SPDX-License-Identifier: Apache-2.0 */
/* Tells systemd how the program is, in the protocol of sd_notify(3). */
#ifndef TS_CFG_NOTIFY_H
#define TS_CFG_NOTIFY_H

#include "tenseq/err.h"

/* Sends state, such as "READY=1", "STOPPING=1" or "STATUS=text", to the socket that the environment
 * variable NOTIFY_SOCKET names. TS_OK also when there is none: the program was not started by
 * systemd. TS_E_IO: not delivered; worth a log line, nothing more. TS_E_LENGTH: the socket's name
 * is empty, too long or neither a path nor abstract. Reads the environment: before any threads. */
ts_err ts_notify(const char *state);

#endif
