/* SPDX-License-Identifier: Apache-2.0 */
/* The key exchange of RFC 6455, section 4. Not for use outside net. */
#ifndef TS_NET_WS_HANDSHAKE_H
#define TS_NET_WS_HANDSHAKE_H

#define TS_WS_KEY_SIZE    25 /* base64 of 16 bytes and a NUL */
#define TS_WS_ACCEPT_SIZE 29 /* base64 of 20 bytes and a NUL */

/* What a server answers to the key. */
void ts_ws_accept(const char *key, char out[TS_WS_ACCEPT_SIZE]);
/* base64 of 16 bytes. */
void ts_ws_key(const unsigned char random[16], char out[TS_WS_KEY_SIZE]);

#endif
