/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_cache.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* One element of a list: a name, and what stands behind "=" (in quotes or not). */
typedef struct {
    const char *name, *value;
    size_t name_size, value_size;
} directive;

static const char *skip(const char *at, const char *characters)
{
    return at + strspn(at, characters);
}

/* Read the next element; a comma inside quotes ends nothing. NULL: there is none. */
static const char *next_directive(const char *at, directive *out)
{
    at = skip(at, " \t,");
    *out = (directive){.name = at, .name_size = strcspn(at, " \t,=")};
    if (!*at)
        return NULL;
    at = skip(at + out->name_size, " \t");
    if (*at != '=')
        return at + strcspn(at, ",");
    at = skip(at + 1, " \t");
    bool quoted = *at == '"';
    out->value = at + quoted;
    out->value_size = strcspn(out->value, quoted ? "\"" : " \t,");
    at = out->value + out->value_size;
    return at + strcspn(at, ",");
}

static bool named(const directive *self, const char *name)
{
    return self->name_size == strlen(name) && strncasecmp(self->name, name, self->name_size) == 0;
}

/* Digits only; false otherwise. */
static bool read_seconds(const char *text, size_t size, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > ALTO_CACHE_MAX_S)
            value = ALTO_CACHE_MAX_S;
    }
    if (size > 0)
        *out = value;
    return size > 0;
}

static void add_control(alto_cache_told *self, const char *value)
{
    directive one;
    while ((value = next_directive(value, &one))) {
        bool shared = named(&one, "s-maxage");
        if (named(&one, "no-store"))
            self->no_store = true;
        else if (named(&one, "private"))
            self->is_private = true;
        else if (named(&one, "no-cache"))
            self->no_cache = true;
        else if (named(&one, "public") || named(&one, "must-revalidate"))
            self->sharable = true;
        else if ((shared || (named(&one, "max-age") && !self->is_shared)) &&
                 read_seconds(one.value, one.value_size, &self->max_age_s)) {
            self->has_max_age = true;
            self->is_shared = shared;
            self->sharable = self->sharable || shared;
        }
    }
}

static void add_vary(alto_cache_told *self, const char *value)
{
    directive one;
    while ((value = next_directive(value, &one)))
        self->varies = self->varies || named(&one, "*");
}

/* Days from 1970-01-01 to a day of the calendar; month: 0 for January. */
static uint64_t days_until(uint64_t year, unsigned month, unsigned day)
{
    static const unsigned before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    uint64_t past = year - 1; /* the leap days of all whole years before it */
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    uint64_t leaps = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    return (year - 1970) * 365 + leaps + before[month] + (leap && month > 1) + day - 1;
}

/* The number of `digits` digits; *bad becomes true when they are none. */
static unsigned number_at(const char *text, int digits, bool *bad)
{
    unsigned value = 0;
    for (int i = 0; i < digits; i++) {
        *bad = *bad || !isdigit((unsigned char)text[i]);
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return value;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" in seconds since 1970; 0 for anything else, the two obsolete forms of dates too. */
static uint64_t read_date(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec", shape[] = "xxx, dd xxx dddd dd:dd:dd GMT";
    bool bad = strlen(text) != sizeof shape - 1;
    for (size_t i = 0; !bad && shape[i]; i++)
        bad = shape[i] != 'x' && shape[i] != 'd' && shape[i] != text[i];
    if (bad)
        return 0;
    unsigned month = 0;
    while (month < 12 && strncmp(months + 3 * (size_t)month, text + 8, 3) != 0)
        month++;
    unsigned day = number_at(text + 5, 2, &bad), year = number_at(text + 12, 4, &bad);
    unsigned hour = number_at(text + 17, 2, &bad), minute = number_at(text + 20, 2, &bad);
    unsigned second = number_at(text + 23, 2, &bad);
    if (bad || month == 12 || year < 1970 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return 0;
    return ((days_until(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}

void alto_cache_told_add(alto_cache_told *self, const char *name, const char *value)
{
    if (strcasecmp(name, "Cache-Control") == 0)
        add_control(self, value);
    else if (strcasecmp(name, "Vary") == 0)
        add_vary(self, value);
    else if (strcasecmp(name, "Age") == 0)
        read_seconds(value, strcspn(value, " \t,"), &self->age_s);
    else if (strcasecmp(name, "Expires") == 0) {
        uint64_t when_s = read_date(value);
        self->expires_s = self->has_expires && self->expires_s < when_s ? self->expires_s : when_s;
        self->has_expires = true;
    } else if (strcasecmp(name, "Date") == 0) {
        self->date_s = read_date(value);
        self->has_date = self->date_s > 0;
    }
}

bool alto_cache_lifetime(const alto_cache_told *told, uint64_t *lifetime_s)
{
    if (told->no_cache || (!told->has_max_age && !told->has_expires))
        return false;
    if (told->has_max_age)
        *lifetime_s = told->max_age_s;
    else
        *lifetime_s = told->has_date && told->expires_s > told->date_s ? told->expires_s - told->date_s : 0;
    return true;
}

alto_cache_rule alto_cache_judge(const alto_cache_told *told, bool keepable, bool has_validator)
{
    alto_cache_rule rule = {.use = ALTO_CACHE_PRIVATE, .age_s = told->age_s};
    if (told->no_store || told->is_private || told->varies || (told->authorized && !told->sharable))
        return rule;
    if (!alto_cache_lifetime(told, &rule.lifetime_s))
        rule.lifetime_s = 0;
    rule.use = keepable && (rule.lifetime_s > rule.age_s || has_validator) ? ALTO_CACHE_KEPT : ALTO_CACHE_SHARED;
    return rule;
}

uint64_t alto_cache_age_s(const alto_cache_rule *rule, uint64_t asked_ms, uint64_t now_ms)
{
    return rule->age_s + (now_ms > asked_ms ? now_ms - asked_ms : 0) / 1000;
}

bool alto_cache_is_fresh(const alto_cache_rule *rule, uint64_t asked_ms, uint64_t now_ms)
{
    return rule->use == ALTO_CACHE_KEPT && alto_cache_age_s(rule, asked_ms, now_ms) < rule->lifetime_s;
}
