/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP without a connection: requests of the plainest kind, and the lists and numbers in header fields. A request that is taken for a
 * plain one is the same when it is written from what was understood; what lists say does not depend on what stands around it.
 *
 * Longest input: 1024. Dictionary: http. */
#include "core/http_accept.h"
#include "core/http_cache.h"
#include "core/http_plain.h"
#include "fuzz.h"
#include "io/answer.h"

/* ---- plain requests ---- */

/* alto_http_plain_parse cuts its text up, so it gets a copy, which is freed with the rest. */
static bool parse(alto_slice bytes, alto_http_plain *out)
{
    alto_reader copy = alto_reader_make(bytes);
    alto_slice own = fuzz_rest(&copy);
    return alto_http_plain_parse((char *)(uintptr_t)own.data, own.size, out);
}

static void add_field(alto_buffer *out, const char *name, const char *value)
{
    if (value)
        alto_buffer_print(out, "%s: %s\r\n", name, value);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_plain(alto_slice bytes)
{
    alto_http_plain plain, again;
    if (!parse(bytes, &plain))
        return;
    bool post = strcmp(plain.method, "POST") == 0;
    fuzz_check(post || strcmp(plain.method, "GET") == 0 || strcmp(plain.method, "HEAD") == 0);
    fuzz_check(plain.path[0] == '/' && !strpbrk(plain.path, "%?# \r\n"));
    fuzz_check(post || plain.body.size == 0);
    fuzz_check(plain.body.size <= bytes.size &&
               memcmp(plain.body.data, bytes.data + bytes.size - plain.body.size, plain.body.size) == 0);
    alto_buffer out = alto_buffer_make(65536);
    alto_buffer_print(&out, "%s %s HTTP/1.1\r\nHost: a\r\n", plain.method, plain.path);
    add_field(&out, "If-None-Match", plain.if_none_match);
    add_field(&out, "Accept", plain.accept);
    add_field(&out, "Accept-Encoding", plain.accept_encoding);
    add_field(&out, "Content-Type", plain.content_type);
    add_field(&out, "Authorization", plain.authorization);
    if (post)
        alto_buffer_print(&out, "Content-Length: %zu\r\n", plain.body.size);
    alto_buffer_add_text(&out, "\r\n");
    alto_buffer_add_slice(&out, plain.body);
    fuzz_check(parse(alto_buffer_slice(&out), &again));
    fuzz_check(strcmp(plain.method, again.method) == 0 && strcmp(plain.path, again.path) == 0);
    fuzz_check(same_text(plain.if_none_match, again.if_none_match) && same_text(plain.accept, again.accept) &&
               same_text(plain.accept_encoding, again.accept_encoding) &&
               same_text(plain.content_type, again.content_type) &&
               same_text(plain.authorization, again.authorization));
    fuzz_check(alto_slice_equal(plain.body, again.body));
    alto_http_plain longer; /* with anything behind it, it is not one request any more */
    alto_buffer_add_text(&out, "G");
    fuzz_check(!parse(alto_buffer_slice(&out), &longer));
    alto_buffer_fini(&out);
}

/* ---- lists ---- */

static const char *joined(const char *first, const char *second)
{
    alto_buffer text = alto_buffer_make(65536);
    alto_buffer_print(&text, "%s%s", first, second);
    const char *own = fuzz_text(alto_buffer_slice(&text));
    alto_buffer_fini(&text);
    return own;
}

static void check_accept(const char *list)
{
    int quality = alto_http_coding_quality(list, "gzip");
    fuzz_check(quality >= 0 && quality <= 1000);
    fuzz_check(alto_http_coding_quality(joined("gzip;q=0.5,", list), "gzip") == 500);
    fuzz_check(alto_http_accepts(joined("application/json,", list), "application/json"));
    fuzz_check(!alto_http_accepts(joined("application/json;q=0,", list), "application/json"));
    bool more = alto_http_coding_quality(joined(list, ",gzip"), "gzip") > 0;
    fuzz_check(quality == 0 || more);
    fuzz_check(alto_http_list_has(joined(list, ", GET"), "GET") && alto_http_list_has(joined("GET, ", list), "GET"));
    fuzz_check(alto_http_is_type(joined("application/json;", list), "application/json"));
}

static void check_tags(const char *list)
{
    fuzz_check(alto_answer_tag_matches(joined("\"a\", ", list), "\"a\""));
    fuzz_check(alto_answer_tag_matches(joined("W/\"a\" ", list), "\"a\""));
    fuzz_check(!alto_answer_tag_matches(list, "\"a\"") || strstr(list, "\"a\"") || strchr(list, '*'));
}

/* ---- caches ---- */

static void check_rule(const alto_cache_told *told, bool keepable, bool has_tag, uint64_t later_ms)
{
    alto_cache_rule rule = alto_cache_judge(told, keepable, has_tag);
    if (told->no_store || told->is_private || told->varies)
        fuzz_check(rule.use == ALTO_CACHE_PRIVATE && rule.lifetime_s == 0);
    if (rule.use == ALTO_CACHE_KEPT)
        fuzz_check(keepable && (has_tag || rule.lifetime_s > rule.age_s));
    fuzz_check(rule.lifetime_s <= ALTO_CACHE_MAX_S && rule.age_s <= ALTO_CACHE_MAX_S);
    fuzz_check(alto_cache_age_s(&rule, 1000, 1000 + later_ms) >= rule.age_s);
    if (alto_cache_is_fresh(&rule, 1000, 1000 + later_ms))
        fuzz_check(rule.use == ALTO_CACHE_KEPT && alto_cache_is_fresh(&rule, 1000, 1000));
}

static void check_cache(alto_reader *in)
{
    static const char *const names[] = {"Cache-Control", "Age", "Vary", "cache-control", "Expires"};
    alto_cache_told told = {0}, before;
    bool keepable = fuzz_flag(in), has_tag = fuzz_flag(in);
    uint64_t later_ms = alto_reader_u32(in);
    for (unsigned lines = fuzz_below(in, 4); lines > 0; lines--) {
        const char *name = names[fuzz_below(in, 5)], *value = fuzz_text(fuzz_part(in));
        before = told;
        alto_cache_told_add(&told, name, value);
        fuzz_check(told.no_store >= before.no_store && told.is_private >= before.is_private &&
                   told.no_cache >= before.no_cache && told.varies >= before.varies); /* never less strict */
    }
    check_rule(&told, keepable, has_tag, later_ms);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    switch (fuzz_below(&in, 4)) {
    case 0:
        check_plain(fuzz_rest(&in));
        break;
    case 1:
        check_accept(fuzz_text(fuzz_rest(&in)));
        break;
    case 2:
        check_tags(fuzz_text(fuzz_rest(&in)));
        break;
    default:
        check_cache(&in);
    }
}
