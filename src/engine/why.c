/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/why.h"

#include <stdarg.h>

ts_err ts_refuse(char why[TS_WHY_SIZE], ts_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, TS_WHY_SIZE, format, args);
    va_end(args);
    return err;
}
