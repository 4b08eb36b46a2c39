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
        else if ((shared || (named(&one, "max-age") && !self->is_shared)) &&
                 read_seconds(one.value, one.value_size, &self->max_age_s)) {
            self->has_max_age = true;
            self->is_shared = shared;
        }
    }
}

static void add_vary(alto_cache_told *self, const char *value)
{
    static const char *const told_apart[] = {"Accept", "Accept-Encoding", "Content-Type"};
    directive one;
    while ((value = next_directive(value, &one))) {
        bool known = false;
        for (size_t i = 0; i < sizeof told_apart / sizeof *told_apart; i++)
            known = known || named(&one, told_apart[i]);
        self->varies = self->varies || !known;
    }
}

void alto_cache_told_add(alto_cache_told *self, const char *name, const char *value)
{
    if (strcasecmp(name, "Cache-Control") == 0)
        add_control(self, value);
    else if (strcasecmp(name, "Vary") == 0)
        add_vary(self, value);
    else if (strcasecmp(name, "Age") == 0)
        read_seconds(value, strcspn(value, " \t,"), &self->age_s);
}

alto_cache_rule alto_cache_judge(const alto_cache_told *told, bool keepable, bool has_tag)
{
    alto_cache_rule rule = {.use = ALTO_CACHE_PRIVATE, .age_s = told->age_s};
    if (told->no_store || told->is_private || told->varies)
        return rule;
    if (told->has_max_age && !told->no_cache)
        rule.lifetime_s = told->max_age_s;
    rule.use = keepable && (rule.lifetime_s > rule.age_s || has_tag) ? ALTO_CACHE_KEPT : ALTO_CACHE_SHARED;
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
