/* SPDX-License-Identifier: Apache-2.0 */
/* JSON numbers: what is read is what the C library reads, and every way of writing a double gives it back.
 *
 * Longest input: 256. */
#include "core/limits.h"
#include "core/number.h"
#include "fuzz.h"

#include <math.h>
#include <stdlib.h>

static uint64_t bits(double value)
{
    uint64_t number;
    memcpy(&number, &value, sizeof number);
    return number;
}

static bool same(double a, double b)
{
    return bits(a) == bits(b);
}

static double read_back(const char *text, size_t size)
{
    double value = NAN;
    fuzz_check(alto_number_parse(alto_slice_of(text, size), &value) == ALTO_OK);
    return value;
}

static void check_decimal(double value)
{
    int64_t integer;
    unsigned decimals;
    if (!alto_number_decimal(value, &integer, &decimals))
        return;
    fuzz_check(decimals <= 9 && llabs(integer) < INT64_C(1) << 53);
    fuzz_check(decimals == 0 || integer % 10 != 0);
    fuzz_check(same(alto_number_from_decimal(integer, decimals), value));
}

/* `guess` is what decimals numbers before had. */
static void check_writing(double value, unsigned guess)
{
    char text[ALTO_NUMBER_TEXT];
    unsigned size_decimals = guess, sizes_decimals = guess;
    size_t size = alto_number_format(value, text);
    fuzz_check(size == strlen(text) && same(read_back(text, size), value));
    fuzz_check(alto_number_size(value, &size_decimals) == size);
    const double several[] = {value, 1.5, value, 1e300};
    fuzz_check(alto_numbers_size(several, 4, &sizes_decimals) == 2 * size + 3 + 6);
    check_decimal(value);
}

static void check_canonical(alto_slice text, const double *value)
{
    alto_buffer once = alto_buffer_make(ALTO_MAX_TEXT), twice = alto_buffer_make(ALTO_MAX_TEXT);
    alto_status status = alto_number_canonical(text, &once);
    fuzz_check(status == ALTO_OK || status == ALTO_SYNTAX || status == ALTO_TOO_LARGE);
    if (value)
        fuzz_check(status != ALTO_SYNTAX);
    if (status == ALTO_OK) {
        fuzz_check(alto_number_canonical(alto_buffer_slice(&once), &twice) == ALTO_OK);
        fuzz_check(alto_slice_equal(alto_buffer_slice(&once), alto_buffer_slice(&twice)));
        if (value)
            fuzz_check(same(read_back((const char *)once.data, once.size), *value));
    }
    alto_buffer_fini(&once);
    alto_buffer_fini(&twice);
}

static void check_text(alto_slice text, unsigned guess)
{
    double value = NAN, beginning = NAN;
    size_t size = 0;
    alto_status status = alto_number_parse(text, &value);
    fuzz_check(status == ALTO_OK || status == ALTO_SYNTAX || status == ALTO_INVALID);
    check_canonical(text, status == ALTO_OK ? &value : NULL);
    if (alto_number_read(text, &beginning, &size) == ALTO_OK) {
        fuzz_check(size > 0 && size <= text.size);
        fuzz_check(same(read_back((const char *)text.data, size), beginning));
    }
    if (status != ALTO_OK)
        return;
    fuzz_check(size == text.size && same(value, beginning) && isfinite(value));
    double known = strtod(fuzz_text(text), NULL);
    fuzz_check(same(value, known == 0 ? 0 : known));
    check_writing(value, guess);
}

static void check_double(alto_slice bytes, unsigned guess)
{
    double value;
    memcpy(&value, bytes.data, sizeof value);
    if (isfinite(value))
        check_writing(value == 0 ? 0 : value, guess);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    bool is_double = fuzz_flag(&in);
    unsigned guess = fuzz_below(&in, 10);
    alto_slice rest = fuzz_rest(&in);
    if (!is_double)
        check_text(rest, guess);
    else if (rest.size >= sizeof(double))
        check_double(rest, guess);
}
