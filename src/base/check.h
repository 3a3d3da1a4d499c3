/* SPDX-License-Identifier: Apache-2.0 */
/* Asserts for the caller's bugs. They stay on in production. Hostile input never reaches one. */
#ifndef TS_BASE_CHECK_H
#define TS_BASE_CHECK_H

_Noreturn void ts_check_failed(const char *what, const char *file, int line);

#define TS_CHECK(cond) ((cond) ? (void)0 : ts_check_failed(#cond, __FILE__, __LINE__))

#define TS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
