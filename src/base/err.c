/* SPDX-License-Identifier: Apache-2.0 */
#include "tenseq/err.h"

const char *ts_err_name(int err)
{
    switch (err) {
#define X(name, number, text)                                                                      \
    case name:                                                                                     \
        return #name;
        TS_ERRORS(X)
#undef X
    }
    return "TS_E_?";
}

const char *ts_err_text(int err)
{
    switch (err) {
#define X(name, number, text)                                                                      \
    case name:                                                                                     \
        return text;
        TS_ERRORS(X)
#undef X
    }
    return "unknown error";
}
