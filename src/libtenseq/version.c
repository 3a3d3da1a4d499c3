/* SPDX-License-Identifier: Apache-2.0 */
#include "tenseq/tenseq.h"

const char *ts_version(void)
{
    return TS_VERSION;
}
