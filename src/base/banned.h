/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that invite mistakes; using one is a compile error. Included before every file. */
#ifndef TS_BASE_BANNED_H
#define TS_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TS_BANNED(f) ts_banned_##f##_see_STYLE_md

#undef strcpy
#define strcpy(...) TS_BANNED(strcpy)
#undef strcat
#define strcat(...) TS_BANNED(strcat)
#undef strncpy
#define strncpy(...) TS_BANNED(strncpy)
#undef strncat
#define strncat(...) TS_BANNED(strncat)
#undef sprintf
#define sprintf(...) TS_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) TS_BANNED(vsprintf)
#undef strtok
#define strtok(...) TS_BANNED(strtok)
#undef atoi
#define atoi(...) TS_BANNED(atoi)
#undef atol
#define atol(...) TS_BANNED(atol)
#undef atoll
#define atoll(...) TS_BANNED(atoll)
#undef rand
#define rand(...) TS_BANNED(rand)
#undef gmtime
#define gmtime(...) TS_BANNED(gmtime)
#undef localtime
#define localtime(...) TS_BANNED(localtime)
#undef ctime
#define ctime(...) TS_BANNED(ctime)
#undef alloca
#define alloca(...) TS_BANNED(alloca)

#endif
