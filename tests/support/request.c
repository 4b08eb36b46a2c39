/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "request.h"

#include "core/json_text.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20 };

char *test_quoted(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    return copy;
}

void test_assert_answered(alto_status status, const alto_query_error *error, alto_buffer *out, const char *wanted)
{
    static const char *const codes[] = {"E_SYNTAX", "E_MISSING_FIELD", "E_INVALID_FIELD_TYPE", "E_INVALID_FIELD_VALUE"};
    char *expected = test_quoted(wanted);
    if (status == ALTO_INVALID) {
        alto_buffer_clear(out);
        alto_buffer_print(out, "%s %s %s", codes[error->code], error->field, error->value);
    } else {
        assert_int_equal(status, ALTO_OK);
        alto_buffer canonical = alto_buffer_make(TEXT_MAX);
        assert_int_equal(alto_json_canonical(alto_buffer_slice(out), &canonical, NULL), ALTO_OK);
        alto_buffer_fini(&canonical);
    }
    alto_buffer_add_u8(out, 0);
    assert_string_equal((char *)out->data, expected);
    alto_buffer_fini(out);
    free(expected);
}
