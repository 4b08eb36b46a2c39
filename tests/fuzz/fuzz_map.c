/* SPDX-License-Identifier: Apache-2.0 */
/* ALTO JSON of every kind: what is accepted and written again has the same root, in the same bytes ever after; and read by way of
 * what is remembered of another text it is the same as from nothing.
 *
 * Longest input: 4096. Dictionary: json. */
#include "core/json_text.h"
#include "core/mapjson.h"
#include "core/render.h"
#include "fuzz.h"

static alto_pool *pool;

static bool same_root(const alto_version *a, const alto_version *b)
{
    return alto_hash_equal(alto_version_root(a), alto_version_root(b));
}

/* A refusal says where and why. */
static alto_status read_map(alto_slice text, const alto_version *base, alto_map_memory *memory, alto_version **out)
{
    alto_error error = {.status = ALTO_OK};
    alto_status status = alto_map_read(pool, text, base, memory, out, &error);
    if (status != ALTO_OK)
        fuzz_check(error.status == status && error.why[0] && strlen(error.where) < sizeof error.where);
    return status;
}

static void check_rendering(const alto_version *version)
{
    alto_buffer text = alto_buffer_make(ALTO_MAX_TEXT), again = alto_buffer_make(ALTO_MAX_TEXT);
    uint64_t size = 0;
    size_t offset;
    alto_version *back = NULL;
    fuzz_check(alto_render_text(version, &text) == ALTO_OK);
    fuzz_check(alto_render_size(version, &size) == ALTO_OK && size == text.size);
    fuzz_check(alto_json_bytes_valid(alto_buffer_slice(&text), &offset));
    fuzz_check(read_map(alto_buffer_slice(&text), NULL, NULL, &back) == ALTO_OK);
    fuzz_check(same_root(version, back) && alto_version_kind(version) == alto_version_kind(back));
    fuzz_check(alto_render_text(back, &again) == ALTO_OK);
    fuzz_check(alto_slice_equal(alto_buffer_slice(&text), alto_buffer_slice(&again)));
    alto_version_release(back);
    alto_buffer_fini(&text);
    alto_buffer_fini(&again);
}

/* Its members as altocast looks at them; whatever they are, an answer comes. */
static void look(const alto_version *version)
{
    alto_vtag tag, dependencies[ALTO_MAX_DEPENDENCIES];
    alto_cost_type type;
    size_t count = 0;
    if (alto_version_vtag(version, &tag) == ALTO_OK)
        fuzz_check(alto_name_valid(alto_slice_text(tag.resource_id)) && alto_tag_valid(alto_slice_text(tag.tag)));
    if (alto_version_dependencies(version, dependencies, &count) == ALTO_OK)
        fuzz_check(count <= ALTO_MAX_DEPENDENCIES);
    if (alto_version_cost_type(version, &type))
        fuzz_check(strlen(type.mode) <= ALTO_MAX_NAME && strlen(type.metric) <= ALTO_MAX_NAME);
}

/* A second text, made of the first by cutting and pasting. */
static alto_slice edit(alto_reader *in, alto_slice text)
{
    alto_buffer edited = alto_buffer_make(ALTO_MAX_TEXT);
    alto_slice part = fuzz_part(in);
    size_t from = text.size ? fuzz_below(in, 65536) % text.size : 0;
    size_t until = from + fuzz_below(in, 256);
    until = until < text.size ? until : text.size;
    alto_buffer_add(&edited, text.data, from);
    alto_buffer_add_slice(&edited, part);
    alto_buffer_add(&edited, text.data + until, text.size - until);
    alto_reader bytes = alto_reader_make(alto_buffer_slice(&edited));
    alto_slice result = fuzz_rest(&bytes);
    alto_buffer_fini(&edited);
    return result;
}

/* Read `next` after `version` was read: by memory, and from nothing. */
static alto_version *check_next(alto_slice next, const alto_version *version, alto_map_memory *memory)
{
    alto_version *by_memory = NULL, *from_nothing = NULL;
    alto_status expected = read_map(next, NULL, NULL, &from_nothing);
    fuzz_check(read_map(next, version, memory, &by_memory) == expected);
    if (expected != ALTO_OK)
        return alto_version_retain(version);
    fuzz_check(same_root(by_memory, from_nothing));
    if (same_root(by_memory, version))
        fuzz_check(by_memory == version);
    check_rendering(by_memory);
    alto_version_release(from_nothing);
    return by_memory;
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    unsigned edits = fuzz_below(&in, 4);
    alto_slice texts[4];
    for (unsigned i = 1; i <= edits; i++)
        texts[i - 1] = fuzz_part(&in); /* edits, before the text that they are made to */
    alto_slice text = fuzz_rest(&in);
    pool = alto_pool_new();
    alto_map_memory *memory = alto_map_memory_new();
    alto_version *version = NULL;
    fuzz_check(pool && memory);
    if (read_map(text, NULL, memory, &version) == ALTO_OK) {
        look(version);
        check_rendering(version);
        for (unsigned i = 0; i < edits; i++) {
            alto_reader choices = alto_reader_make(texts[i]);
            text = edit(&choices, text);
            alto_version *next = check_next(text, version, memory);
            alto_version_release(version);
            version = next;
        }
        alto_version_release(version);
    }
    alto_map_memory_destroy(&memory);
    alto_pool_destroy(&pool);
}
