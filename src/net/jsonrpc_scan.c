/* SPDX-License-Identifier: Apache-2.0 */
/* A look at the text before it is parsed: jansson would build whatever nesting and whatever number
 * of values the text holds, at some hundred bytes of memory for two bytes of text. */
#include "net/jsonrpc_internal.h"

#define MAX_VALUES 250000u /* commas, colons and brackets outside strings */

const char *ts_rpc_scan(ts_bytes text, size_t max_depth)
{
    size_t depth = 0;
    size_t values = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t ch = text.p[i];
        if (in_string) {
            if (ch == '\\')
                i++;
            else if (ch == '"')
                in_string = false;
            continue;
        }
        switch (ch) {
        case '"':
            in_string = true;
            break;
        case '[':
        case '{':
            values++;
            if (++depth > max_depth)
                return "the JSON is nested too deeply";
            break;
        case ']':
        case '}':
            if (depth > 0)
                depth--;
            break;
        case ',':
        case ':':
            values++;
            break;
        default:
            break;
        }
    }
    return values > MAX_VALUES ? "the JSON holds too many values" : NULL;
}
