/* SPDX-License-Identifier: Apache-2.0 */
/* JSON by itself: its canonical form stays as it is and says the same; strings survive being read and written; the walk over a text
 * and the parser see the same members; what is plain is JSON; parts are parts of the text.
 *
 * Longest input: 4096. Dictionary: json. */
#include "core/json_parse.h"
#include "core/json_plain.h"
#include "core/mapjson.h"
#include "fuzz.h"

enum { LARGEST = 1 << 22 };

/* ---- what the parser sees ---- */

typedef struct {
    size_t depth, top_members, top_elements, values;
} seen;

static alto_status count_event(void *context, alto_json_event event, alto_slice text)
{
    seen *self = context;
    (void)text;
    bool ends = event == ALTO_JSON_OBJECT_END || event == ALTO_JSON_ARRAY_END;
    if (ends) {
        self->depth--;
        return ALTO_OK;
    }
    if (event == ALTO_JSON_KEY) {
        self->top_members += self->depth == 1;
        return ALTO_OK;
    }
    self->values++;
    self->top_elements += self->depth == 1;
    if (event == ALTO_JSON_OBJECT || event == ALTO_JSON_ARRAY)
        self->depth++;
    fuzz_check(self->depth <= ALTO_MAX_JSON_DEPTH);
    return ALTO_OK;
}

static bool parse(alto_slice text, seen *out)
{
    size_t offset = 0;
    const alto_json_place nowhere = {text.data, "", NULL};
    *out = (seen){.depth = 0};
    if (!alto_json_bytes_valid(text, &offset)) {
        fuzz_check(offset <= text.size);
        return false;
    }
    bool good = alto_json_parse(text, count_event, out, &nowhere) == ALTO_OK;
    if (good)
        fuzz_check(out->depth == 0);
    return good;
}

/* ---- canonical form ---- */

static void check_canonical(alto_slice text, const seen *found)
{
    alto_buffer once = alto_buffer_make(LARGEST), twice = alto_buffer_make(LARGEST);
    alto_error error = {.status = ALTO_OK};
    alto_status status = alto_json_canonical(text, &once, &error);
    fuzz_check(!found == (status == ALTO_SYNTAX || (!found && status != ALTO_OK)));
    fuzz_check(status == error.status);
    if (status == ALTO_OK) {
        seen again;
        fuzz_check(parse(alto_buffer_slice(&once), &again));
        fuzz_check(again.values == found->values && again.top_members == found->top_members);
        fuzz_check(alto_json_canonical(alto_buffer_slice(&once), &twice, NULL) == ALTO_OK);
        fuzz_check(alto_slice_equal(alto_buffer_slice(&once), alto_buffer_slice(&twice)));
    }
    alto_buffer_fini(&once);
    alto_buffer_fini(&twice);
}

/* ---- walks ---- */

static void check_inside(alto_slice text, alto_slice part)
{
    fuzz_check(part.data >= text.data && part.data + part.size <= text.data + text.size);
}

static void check_string(alto_slice literal)
{
    alto_buffer characters = alto_buffer_make(LARGEST), written = alto_buffer_make(LARGEST),
                back = alto_buffer_make(LARGEST);
    char small[64];
    fuzz_check(alto_json_unescape(literal, &characters));
    alto_json_string(&written, alto_buffer_slice(&characters));
    fuzz_check(alto_json_unescape(alto_buffer_slice(&written), &back));
    fuzz_check(alto_slice_equal(alto_buffer_slice(&characters), alto_buffer_slice(&back)));
    if (alto_json_text(literal, small, sizeof small))
        fuzz_check(alto_slice_equal(alto_slice_text(small), alto_buffer_slice(&characters)));
    alto_buffer_fini(&characters);
    alto_buffer_fini(&written);
    alto_buffer_fini(&back);
}

static void check_object(alto_slice text, const seen *found)
{
    alto_json_walk walk = alto_json_walk_make(text);
    alto_slice key, value;
    size_t members = 0;
    seen inside;
    fuzz_check(alto_json_walk_enter(&walk, '{'));
    for (; alto_json_walk_member(&walk, &key) == ALTO_JSON_ITEM; members++) {
        fuzz_check(alto_json_walk_value(&walk, &value));
        check_inside(text, key);
        check_inside(text, value);
        check_string(key);
        fuzz_check(parse(value, &inside));
        if (value.data[0] == '"')
            check_string(value);
    }
    fuzz_check(!walk.fault && alto_json_walk_finish(&walk) && members == found->top_members);
}

static void check_array(alto_slice text, const seen *found)
{
    alto_slice value;
    size_t count = 0;
    for (; alto_json_element(text, count, &value) && count < 40; count++)
        check_inside(text, value);
    fuzz_check(count == found->top_elements || count == 40);
}

static void check_paths(alto_slice text)
{
    static const char *const path[] = {"meta", "vtag", NULL};
    alto_slice value, inner;
    if (!alto_json_get(text, path, &value))
        return;
    check_inside(text, value);
    fuzz_check(alto_json_get(text, (const char *const[]){"meta", NULL}, &inner));
    check_inside(inner, value);
}

void fuzz_one(alto_slice input)
{
    seen found;
    bool is_json = parse(input, &found);
    fuzz_check(is_json || !alto_json_is_plain(input));
    check_canonical(input, is_json ? &found : NULL);
    check_paths(input);
    if (!is_json)
        return;
    alto_json_walk walk = alto_json_walk_make(input);
    uint8_t first = alto_json_walk_peek(&walk);
    if (first == '{')
        check_object(input, &found);
    else if (first == '[')
        check_array(input, &found);
}
