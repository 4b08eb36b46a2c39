/* SPDX-License-Identifier: Apache-2.0 */
#include "core/number.h"

#include "core/number_quick.h"

#include <assert.h>
#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EXACT_POWERS = 23,       /* 10^0 .. 10^22 are doubles without rounding */
    MANTISSA_DIGITS = 19,    /* that a uint64_t holds, whatever they are */
    DECISIVE_DIGITS = 800,   /* no double needs more than 767 to be told from its neighbours */
    EXPONENT_DIGITS = 9,     /* of a number kept as text */
    EXPONENT_CLAMP = 100000, /* beyond it a value is 0 or infinite, whatever its digits */
    DOUBLE_DIGITS = 17,      /* always enough to read a double back */
    PLAIN_DIGITS = 21,       /* ECMAScript writes integers below 10^21 without exponent */
    MAX_DECIMALS = 9
};

static const int64_t EXPONENT_ROOM = INT64_C(100000000000000000); /* far more than a text can have digits */
static const double EXACT_INTEGERS = 9007199254740992.0;          /* 2^53 */

static const double powers[EXACT_POWERS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                            1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The parts of a JSON number: value = mantissa * 10^exponent as long as digits <= MANTISSA_DIGITS. */
typedef struct {
    const uint8_t *whole, *whole_end;       /* digits before the point */
    const uint8_t *fraction, *fraction_end; /* digits after it; empty: both NULL */
    uint64_t mantissa;                      /* of the first MANTISSA_DIGITS significant digits */
    size_t digits;                          /* significant ones, without leading zeros */
    int64_t written_exponent;               /* after the 'e' */
    unsigned exponent_digits;               /* of it, without leading zeros */
    bool negative;
} literal;

static inline bool is_digit(const uint8_t *at, const uint8_t *end)
{
    return at < end && (uint8_t)(*at - '0') < 10;
}

static const uint8_t *read_digits(literal *self, const uint8_t *at, const uint8_t *end)
{
    uint64_t mantissa = self->mantissa;
    size_t digits = self->digits;
    for (; is_digit(at, end); at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (digits < MANTISSA_DIGITS)
            mantissa = mantissa * 10 + digit;
        digits += digits > 0 || digit > 0;
    }
    self->mantissa = mantissa;
    self->digits = digits;
    return at;
}

static const uint8_t *read_exponent(literal *self, const uint8_t *at, const uint8_t *end)
{
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (!is_digit(at, end))
        return NULL;
    int64_t exponent = 0;
    for (; is_digit(at, end); at++) {
        if (self->exponent_digits > 0 || *at != '0')
            self->exponent_digits += self->exponent_digits <= EXPONENT_DIGITS;
        if (exponent < EXPONENT_ROOM)
            exponent = exponent * 10 + (*at - '0');
    }
    self->written_exponent = negative ? -exponent : exponent;
    return at;
}

/* RFC 8259 6, strictly: where the number ends, or NULL. */
static const uint8_t *read_literal(literal *self, alto_slice text)
{
    *self = (literal){0};
    const uint8_t *at = text.data, *end = text.data + text.size;
    if (text.size > 0 && *at == '-') {
        self->negative = true;
        at++;
    }
    self->whole = at;
    if (!is_digit(at, end))
        return NULL;
    at = *at == '0' ? at + 1 : read_digits(self, at, end);
    self->whole_end = at;
    if (at < end && *at == '.') {
        self->fraction = ++at;
        if (!is_digit(at, end))
            return NULL;
        at = self->fraction_end = read_digits(self, at, end);
    }
    if (at < end && (*at == 'e' || *at == 'E'))
        at = read_exponent(self, at + 1, end);
    return at;
}

static bool read_whole_literal(literal *self, alto_slice text)
{
    return read_literal(self, text) == text.data + text.size && text.size > 0;
}

static int64_t fraction_digits(const literal *self)
{
    return self->fraction_end - self->fraction;
}

/* The digits of a literal one after another, without the point between them. */
typedef struct {
    const literal *of;
    const uint8_t *at;
} digit_walk;

static digit_walk first_significant(const literal *self)
{
    digit_walk walk = {self, self->whole};
    if (*walk.at == '0') /* then it is the only one before the point */
        for (walk.at = self->fraction; walk.at < self->fraction_end && *walk.at == '0';)
            walk.at++;
    return walk;
}

static inline uint8_t next_digit(digit_walk *self)
{
    uint8_t digit = *self->at++;
    if (self->at == self->of->whole_end && self->of->fraction)
        self->at = self->of->fraction;
    return digit;
}

static int64_t clamp(int64_t exponent)
{
    if (exponent > EXPONENT_CLAMP)
        return EXPONENT_CLAMP;
    return exponent < -EXPONENT_CLAMP ? -EXPONENT_CLAMP : exponent;
}

/* The C library reads it, from an integer and an exponent, since what it takes
 * for a decimal point depends on the locale. */
static double read_slowly(const literal *self)
{
    char text[DECISIVE_DIGITS + 32];
    size_t size = 0;
    digit_walk walk = first_significant(self);
    while (size < self->digits && size < DECISIVE_DIGITS)
        text[size++] = (char)next_digit(&walk);
    int64_t exponent = self->written_exponent - fraction_digits(self) + (int64_t)(self->digits - size);
    /* All that can still matter is whether something follows: say that it does. */
    if (self->digits > size) {
        text[size++] = '1';
        exponent--;
    }
    snprintf(text + size, sizeof text - size, "e%lld", (long long)clamp(exponent));
    return strtod(text, NULL);
}

/* What most numbers of maps are: a few digits, perhaps a point among them. Where it ends, or NULL for any other number. */
static const uint8_t *read_plain(alto_slice text, double *value)
{
    const uint8_t *at = text.data, *end = at + text.size;
    uint64_t mantissa = 0;
    if (!is_digit(at, end))
        return NULL;
    if (*at == '0')
        at++;
    else
        for (; is_digit(at, end); at++)
            mantissa = mantissa * 10 + (unsigned)(*at - '0');
    ptrdiff_t decimals = 0;
    if (at < end && *at == '.') {
        const uint8_t *point = at++;
        for (; is_digit(at, end); at++)
            mantissa = mantissa * 10 + (unsigned)(*at - '0');
        decimals = at - point - 1;
        if (decimals == 0)
            return NULL;
    }
    if (at - text.data > DBL_DIG || (at < end && (*at | 0x20) == 'e'))
        return NULL; /* the mantissa may be no exact double, or not all of it */
    *value = (double)mantissa / powers[decimals];
    return at;
}

static alto_status value_of(const literal *number, double *value)
{
    int64_t exponent = number->written_exponent - fraction_digits(number);
    double magnitude;
    if (number->digits == 0)
        magnitude = 0;
    else if (number->digits > MANTISSA_DIGITS || number->mantissa > (uint64_t)EXACT_INTEGERS ||
             exponent <= -EXACT_POWERS || exponent >= EXACT_POWERS)
        magnitude = read_slowly(number);
    else if (exponent < 0) /* both operands are exact, so there is one rounding, as it should be */
        magnitude = (double)number->mantissa / powers[-exponent];
    else
        magnitude = (double)number->mantissa * powers[exponent];
    if (isinf(magnitude))
        return ALTO_INVALID;
    *value = number->negative && magnitude > 0 ? -magnitude : magnitude;
    return ALTO_OK;
}

alto_status alto_number_parse(alto_slice text, double *value)
{
    size_t size;
    double read;
    alto_status status = alto_number_read(text, &read, &size);
    if (status == ALTO_SYNTAX || size < text.size)
        return ALTO_SYNTAX;
    if (status == ALTO_OK)
        *value = read;
    return status;
}

alto_status alto_number_read(alto_slice text, double *value, size_t *size)
{
    const uint8_t *end = read_plain(text, value);
    if (end) {
        *size = (size_t)(end - text.data);
        return ALTO_OK;
    }
    literal number;
    end = read_literal(&number, text);
    if (!end)
        return ALTO_SYNTAX;
    *size = (size_t)(end - text.data);
    return value_of(&number, value);
}

/* Decimal digits of a value: 0.d1d2d3... * 10^point. */
typedef struct {
    char digits[DOUBLE_DIGITS + 1];
    int count, point;
} decimal;

static void strip_zeros(decimal *self)
{
    while (self->count > 1 && self->digits[self->count - 1] == '0')
        self->count--;
}

static void decimal_of_integer(decimal *self, uint64_t integer, int decimals)
{
    char reversed[MANTISSA_DIGITS + 1];
    int count = 0;
    do
        reversed[count++] = (char)('0' + integer % 10);
    while ((integer /= 10) > 0);
    for (int i = 0; i < count; i++)
        self->digits[i] = reversed[count - 1 - i];
    self->count = count;
    self->point = count - decimals;
    strip_zeros(self);
}

/* `count` digits of a positive value, correctly rounded. */
static void round_to(decimal *self, double value, int count)
{
    char text[DOUBLE_DIGITS + 32];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    const char *at = text;
    self->count = 0;
    for (; *at != 'e'; at++) /* what is no digit is the point of some locale */
        if (*at >= '0' && *at <= '9' && self->count < DOUBLE_DIGITS)
            self->digits[self->count++] = *at;
    self->point = (int)strtol(at + 1, NULL, 10) + 1;
}

static bool reads_back(const decimal *self, double value)
{
    char text[DOUBLE_DIGITS + 32];
    snprintf(text, sizeof text, "%.*se%d", self->count, self->digits, self->point - self->count);
    return strtod(text, NULL) == value;
}

/* Add one unit in the last place. */
static void step_up(decimal *self)
{
    int i = self->count - 1;
    while (i >= 0 && self->digits[i] == '9')
        self->digits[i--] = '0';
    if (i >= 0) {
        self->digits[i]++;
        return;
    }
    self->digits[0] = '1';
    self->point++;
}

/* The fewest digits that read back as `value`; among those the nearest. */
static void shortest(decimal *self, double value)
{
    int exponent;
    bool power_of_two = frexp(value, &exponent) == 0.5;
    /* Two decimals of DBL_DIG digits are never the same normal double, so that shorter ones need no trial there. */
    for (int count = value < DBL_MIN ? 1 : DBL_DIG; count < DOUBLE_DIGITS; count++) {
        round_to(self, value, count);
        bool found = reads_back(self, value);
        /* Below a power of two doubles lie closer than above: the second nearest may be the one. */
        if (!found && power_of_two) {
            step_up(self);
            found = reads_back(self, value);
        }
        if (found) {
            strip_zeros(self);
            return;
        }
    }
    round_to(self, value, DOUBLE_DIGITS);
    strip_zeros(self);
}

static char *put_zeros(char *at, int64_t count)
{
    memset(at, '0', (size_t)count);
    return at + count;
}

static char *put_digits(char *at, digit_walk *digits, int64_t count)
{
    while (count-- > 0)
        *at++ = (char)next_digit(digits);
    return at;
}

/* Sign, digits and exponent in ECMAScript's arrangement. */
static char *put_number(char *at, bool negative, digit_walk digits, int64_t count, int64_t point, const char *plus)
{
    if (negative)
        *at++ = '-';
    if (point > PLAIN_DIGITS || point <= -6) {
        at = put_digits(at, &digits, 1);
        if (count > 1)
            *at++ = '.';
        at = put_digits(at, &digits, count - 1);
        return at + sprintf(at, "e%s%lld", point > 0 ? plus : "", (long long)point - 1);
    }
    if (point <= 0) {
        *at++ = '0';
        *at++ = '.';
        at = put_zeros(at, -point);
        point = 0;
    }
    int64_t whole = point < count ? point : count;
    at = put_digits(at, &digits, whole);
    at = put_zeros(at, point - whole);
    if (count > whole && whole > 0)
        *at++ = '.';
    at = put_digits(at, &digits, count - whole);
    return at;
}

/* The fast way out: at most FAST_DECIMALS decimals of a magnitude whose digits fit 32 bits. */
enum { FAST_DECIMALS = 4 };
static const double FAST_BOUND = 400000;

static const uint32_t units[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

/* Four digits of each half, and what they are made of: two numbers below 10000. The first digit is in the lowest byte. All
 * digits are made at once: how many of them are wanted would be guessed wrong too often. */
static uint64_t digits_of_halves(uint64_t halves)
{
    uint64_t hundreds = (halves * 10486 >> 20) & 0x0000007f0000007f;
    uint64_t pairs = hundreds | (halves - 100 * hundreds) << 16;
    uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000f;
    return tens | (pairs - 10 * tens) << 8;
}

static char *put_whole(char *at, uint32_t whole)
{
    uint64_t digits = digits_of_halves(whole / 10000 | (uint64_t)(whole % 10000) << 32);
    unsigned zeros = (unsigned)__builtin_ctzll(digits | 1ULL << 56) / 8; /* before the first digit; one is left of 0 */
    uint64_t text = htole64((digits | 0x3030303030303030) >> 8 * zeros);
    memcpy(at, &text, sizeof text);
    return at + sizeof text - zeros;
}

/* Point and digits, as few as say it; nothing of 0. */
static char *put_fraction(char *at, uint32_t ten_thousandths)
{
    uint32_t digits = (uint32_t)digits_of_halves(ten_thousandths), text = htole32(digits | 0x30303030);
    unsigned bits = 63 - (unsigned)__builtin_clzll((uint64_t)digits << 1 | 1), count = (bits + 7) / 8;
    *at = '.';
    memcpy(at + 1, &text, sizeof text);
    return at + count + (count > 0);
}

/* A double of magnitude below FAST_BOUND, which is integer / 10^decimals, in ECMAScript's plain arrangement. Up to
 * ALTO_NUMBER_TEXT bytes are written to, however many are meant. Returns their end, where a NUL is. */
static char *put_decimal(char *at, double value, uint32_t integer, unsigned decimals)
{
    uint32_t whole = (uint32_t)fabs(value), rest = integer - whole * units[decimals];
    *at = '-';
    at = put_whole(at + (value < 0), whole);
    at = put_fraction(at, rest * units[FAST_DECIMALS - decimals]);
    *at = 0;
    return at;
}

size_t alto_number_format(double value, char text[ALTO_NUMBER_TEXT])
{
    assert(isfinite(value));
    alto_quick quick;
    alto_quick_split(&value, 1, &quick);
    if (quick.whole != ALTO_QUICK_NONE) {
        uint8_t *quick_end = alto_quick_put((uint8_t *)text, quick);
        *quick_end = 0;
        return (size_t)(quick_end - (uint8_t *)text);
    }
    double magnitude = fabs(value);
    decimal number;
    int64_t integer;
    unsigned decimals;
    /* Other costs of real maps: few digits, few decimals. */
    for (decimals = 0; decimals <= FAST_DECIMALS && magnitude < FAST_BOUND; decimals++) {
        uint32_t nearest = (uint32_t)(magnitude * powers[decimals] + 0.5);
        if ((double)nearest / powers[decimals] != magnitude)
            continue;
        return (size_t)(put_decimal(text, value, nearest, decimals) - text);
    }
    /* Up to DBL_DIG digits, or an integer: then what reads back is the shortest, but for zeros at its end. */
    if (alto_number_decimal(magnitude, &integer, &decimals) && (decimals == 0 || integer < (int64_t)powers[DBL_DIG]))
        decimal_of_integer(&number, (uint64_t)integer, (int)decimals);
    else
        shortest(&number, magnitude);
    const literal digits = {.whole = (const uint8_t *)number.digits};
    char *end = put_number(text, value < 0, (digit_walk){&digits, digits.whole}, number.count, number.point, "+");
    *end = 0;
    return (size_t)(end - text);
}

static size_t digits_of(uint32_t integer)
{
    /* From the width in bits a guess that is at most one too low: log10(2) is about 1233 / 4096. */
    unsigned guess = (unsigned)(32 - __builtin_clz(integer | 1)) * 1233 >> 12;
    return guess + (guess >= 10 || integer >= units[guess]) + (integer == 0);
}

static bool is_decimal(double magnitude, unsigned decimals, uint32_t *integer)
{
    *integer = (uint32_t)(magnitude * powers[decimals] + 0.5);
    return (double)*integer / powers[decimals] == magnitude;
}

/* Is the magnitude a plain decimal? Then it is *integer / 10^*decimals, maybe not the fewest: *decimals is tried first. */
static inline bool plain_decimal(double magnitude, unsigned *decimals, uint32_t *integer)
{
    if (!(magnitude < FAST_BOUND))
        return false;
    if (*decimals <= FAST_DECIMALS && is_decimal(magnitude, *decimals, integer))
        return true;
    for (unsigned i = 0; i <= FAST_DECIMALS; i++)
        if (is_decimal(magnitude, i, integer)) {
            *decimals = i;
            return true;
        }
    return false;
}

size_t alto_number_size(double value, unsigned *decimals)
{
    uint32_t integer;
    if (!plain_decimal(fabs(value), decimals, &integer)) {
        char text[ALTO_NUMBER_TEXT];
        return alto_number_format(value, text);
    }
    unsigned fewest = *decimals;
    for (; fewest > 0 && integer % 10 == 0; fewest--)
        integer /= 10;
    size_t whole = digits_of(integer / units[fewest]);
    return (value < 0) + whole + (fewest ? 1 + fewest : 0);
}

/* Together so that a compiler can do several at once: no branch depends on a value. */
enum { BATCH = 64, FEW = 3, BATCH_DECIMALS = 3 /* FAST_BOUND with so many fits 31 bits */ };

/* Are all of these magnitudes decimals below FAST_BOUND? integers: their digits. */
static bool are_decimals(const double *values, size_t count, unsigned decimals, int32_t integers[BATCH])
{
    double power = powers[decimals], exact[BATCH];
    for (size_t i = 0; i < count; i++) {
        double magnitude = fabs(values[i]), bounded = magnitude < FAST_BOUND ? magnitude : 0;
        integers[i] = (int32_t)(bounded * power + 0.5);
    }
    for (size_t i = 0; i < count; i++)
        exact[i] = (double)integers[i] / power - fabs(values[i]);
    uint64_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &exact[i], sizeof bits);
        wrong |= bits;
    }
    return !wrong;
}

/* How many of the integers are no multiple of `of`, which is a constant wherever this is called. */
static inline uint64_t count_ragged(const int32_t integers[BATCH], size_t count, uint32_t of)
{
    int32_t ragged = 0;
    for (size_t i = 0; i < count; i++)
        ragged += (uint32_t)integers[i] % of != 0;
    return (uint64_t)ragged;
}

/* Characters of these decimals without their signs. */
static uint64_t decimals_size(const int32_t integers[BATCH], size_t count, unsigned decimals)
{
    int32_t size = 0, unit = (int32_t)units[decimals];
    for (size_t i = 0; i < count; i++)
        size += 1 + (integers[i] >= 10 * unit) + (integers[i] >= 100 * unit) + (integers[i] >= 1000 * unit) +
                (integers[i] >= 10000 * unit) + (integers[i] >= 100000 * unit);
    /* One digit behind the point for each power of ten up to the unit that leaves a rest, and the point for the unit. */
    uint64_t tenths = decimals > 0 ? count_ragged(integers, count, 10) : 0;
    uint64_t hundredths = decimals > 1 ? count_ragged(integers, count, 100) : 0;
    uint64_t thousandths = decimals > 2 ? count_ragged(integers, count, 1000) : 0;
    uint64_t points = decimals == 1 ? tenths : decimals == 2 ? hundredths : thousandths;
    return (uint64_t)size + tenths + hundredths + thousandths + points;
}

uint64_t alto_numbers_size(const double *values, size_t count, unsigned *decimals)
{
    uint64_t size = 0;
    for (size_t done = 0, batch; done < count; done += batch) {
        int32_t integers[BATCH];
        batch = count - done < BATCH ? count - done : BATCH;
        if (*decimals <= BATCH_DECIMALS && are_decimals(values + done, batch, *decimals, integers)) {
            size += decimals_size(integers, batch, *decimals);
            for (size_t i = 0; i < batch; i++)
                size += values[done + i] < 0;
        } else {
            batch = batch < FEW ? batch : FEW; /* then try again, with what these have taught */
            for (size_t i = 0; i < batch; i++)
                size += alto_number_size(values[done + i], decimals);
        }
    }
    return size;
}

/* The significant digits of a literal, counted without zeros at either end. */
typedef struct {
    digit_walk first;
    int64_t count, point;
} significant;

static significant significant_of(const literal *number)
{
    significant self = {.first = first_significant(number), .count = (int64_t)number->digits};
    self.point = number->written_exponent - fraction_digits(number) + (int64_t)number->digits;
    const uint8_t *last = number->fraction ? number->fraction_end : number->whole_end;
    while (self.count > 0) {
        if (number->fraction && last == number->fraction)
            last = number->whole_end;
        if (*--last != '0')
            break;
        self.count--;
    }
    return self;
}

static bool same_value(const significant *a, const significant *b)
{
    if (a->count != b->count || a->point != b->point)
        return false;
    digit_walk left = a->first, right = b->first;
    for (int64_t i = 0; i < a->count; i++)
        if (next_digit(&left) != next_digit(&right))
            return false;
    return true;
}

/* Does the shortest text of the double say what the literal says? */
static bool carries(double value, const significant *wanted, char text[ALTO_NUMBER_TEXT])
{
    literal shown;
    size_t size = alto_number_format(value, text);
    if (!read_whole_literal(&shown, alto_slice_of(text, size)))
        return false;
    significant digits = significant_of(&shown);
    return same_value(&digits, wanted);
}

alto_status alto_number_canonical(alto_slice text, alto_buffer *out)
{
    literal number;
    if (!read_whole_literal(&number, text))
        return ALTO_SYNTAX;
    if (number.exponent_digits > EXPONENT_DIGITS)
        return ALTO_TOO_LARGE;
    significant digits = significant_of(&number);
    if (digits.count == 0) {
        alto_buffer_add_u8(out, '0');
        return out->status;
    }
    double value;
    char shown[ALTO_NUMBER_TEXT];
    if (alto_number_parse(text, &value) == ALTO_OK && carries(value, &digits, shown)) {
        alto_buffer_add_text(out, shown);
        return out->status;
    }
    int64_t exponent = digits.point - 1;
    if (exponent > 999999999 || exponent < -999999999) /* could not be read again */
        return ALTO_TOO_LARGE;
    size_t room = (size_t)digits.count + ALTO_NUMBER_TEXT;
    char *at = (char *)alto_buffer_grow(out, room);
    if (!at)
        return out->status;
    const char *end = put_number(at, number.negative, digits.first, digits.count, digits.point, "");
    out->size -= room - (size_t)(end - at);
    return ALTO_OK;
}

static bool divides_back(int64_t integer, unsigned decimals, double value)
{
    return (double)integer / powers[decimals] == value;
}

bool alto_number_decimal(double value, int64_t *integer, unsigned *decimals)
{
    for (unsigned places = 0; places <= MAX_DECIMALS; places++) {
        double scaled = value * powers[places];
        if (fabs(scaled) >= EXACT_INTEGERS)
            return false;
        int64_t nearest = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
        double slack = fabs(scaled) * DBL_EPSILON;
        if (fabs(scaled - (double)nearest) > slack + slack)
            continue;                         /* saves a division where no neighbour can fit */
        int64_t reach = slack > 0.25 ? 2 : 0; /* near 2^53 the multiplication may be off by so much */
        for (int64_t trial = nearest - reach; trial <= nearest + reach; trial++)
            if (divides_back(trial, places, value) && llabs(trial) < (int64_t)EXACT_INTEGERS) {
                *integer = trial;
                *decimals = places;
                return true;
            }
    }
    return false;
}

double alto_number_from_decimal(int64_t integer, unsigned decimals)
{
    assert(decimals <= MAX_DECIMALS);
    return (double)integer / powers[decimals];
}
