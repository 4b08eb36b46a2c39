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

static uint64_t seconds(const char *text, size_t size)
{
    uint64_t value = 0;
    if (size == 0)
        return 0;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i]))
            return 0;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > ALTO_CACHE_MAX_S)
            value = ALTO_CACHE_MAX_S;
    }
    return value;
}

alto_cache_control alto_cache_control_parse(const char *value)
{
    alto_cache_control out = {.no_store = false};
    bool shared = false; /* s-maxage was said */
    directive one;
    while (value && (value = next_directive(value, &one))) {
        bool s_maxage = named(&one, "s-maxage");
        if (named(&one, "no-store")) {
            out.no_store = true;
        } else if (named(&one, "private")) {
            out.is_private = true;
        } else if (named(&one, "no-cache")) {
            out.no_cache = true;
        } else if (s_maxage || (named(&one, "max-age") && !shared)) {
            out.has_max_age = true;
            out.max_age_s = seconds(one.value, one.value_size);
            shared = s_maxage;
        }
    }
    return out;
}

/* Does the answer depend on nothing but what tells answers apart here? */
static bool varies_no_further(const char *vary)
{
    static const char *const told_apart[] = {"Accept", "Accept-Encoding", "Content-Type"};
    directive one;
    while (vary && (vary = next_directive(vary, &one))) {
        bool known = false;
        for (size_t i = 0; i < sizeof told_apart / sizeof *told_apart; i++)
            known = known || named(&one, told_apart[i]);
        if (!known)
            return false;
    }
    return true;
}

alto_cache_rule alto_cache_judge(const alto_cache_headers *headers, bool keepable)
{
    alto_cache_control control = alto_cache_control_parse(headers->cache_control);
    alto_cache_rule rule = {.use = ALTO_CACHE_PRIVATE};
    if (control.no_store || control.is_private || !varies_no_further(headers->vary))
        return rule;
    if (!control.no_cache && control.has_max_age)
        rule.lifetime_s = control.max_age_s;
    if (headers->age)
        rule.age_s = seconds(headers->age, strcspn(headers->age, " \t,"));
    rule.use = keepable && (rule.lifetime_s > rule.age_s || headers->etag) ? ALTO_CACHE_KEPT : ALTO_CACHE_SHARED;
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
