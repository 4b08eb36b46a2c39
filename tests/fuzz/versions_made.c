/* SPDX-License-Identifier: Apache-2.0 */
#include "versions_made.h"

#include "core/delta.h"
#include "core/lpm.h"
#include "core/render.h"
#include "core/snapshot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_ROWS = 8, MOST_ITEMS = 64, LARGEST = 1 << 22 };

alto_kind fuzz_kind(alto_reader *in)
{
    static const alto_kind kinds[] = {ALTO_NETWORK_MAP, ALTO_COST_MAP, ALTO_DOCUMENT};
    return kinds[fuzz_below(in, 3)];
}

/* ---- items ---- */

static alto_slice small_name(alto_reader *in)
{
    char text[16];
    snprintf(text, sizeof text, "P%u", fuzz_below(in, 40));
    return alto_slice_text(fuzz_text(alto_slice_text(text)));
}

/* An address item of version.h: a prefix, an empty array, or one of another name. */
static alto_slice address_key(alto_reader *in)
{
    uint8_t key[ALTO_PREFIX_KEY] = {fuzz_flag(in) ? ALTO_ITEM_IPV6 : ALTO_ITEM_IPV4};
    size_t bytes = key[0] == ALTO_ITEM_IPV6 ? 16 : 4;
    unsigned shape = alto_reader_u8(in);
    if (shape == 255)
        return alto_slice_of(fuzz_text(alto_slice_of(key, 1)), 1);
    unsigned length = shape % (unsigned)(8 * bytes + 1);
    for (size_t i = 0; i < bytes && 8 * i < length; i++) {
        unsigned kept = length - 8 * (unsigned)i;
        key[1 + i] = (uint8_t)(alto_reader_u8(in) & (0xff00u >> (kept < 8 ? kept : 8)));
    }
    key[1 + bytes] = (uint8_t)length;
    alto_reader whole = alto_reader_make(alto_slice_of(key, bytes + 2));
    return fuzz_rest(&whole);
}

static double cost(alto_reader *in)
{
    double value;
    uint64_t bits;
    switch (fuzz_below(in, 4)) {
    case 0:
        return alto_reader_u8(in);
    case 1:
        return (double)alto_reader_u32(in) / 100;
    case 2:
        return 0 - (double)alto_reader_u8(in) / 1000; /* never -0 */
    default:
        bits = alto_reader_u64(in);
        memcpy(&value, &bits, sizeof value);
        return isfinite(value) && value != 0 ? value : 0;
    }
}

static alto_edit choose_item(alto_reader *in, alto_value_type type)
{
    unsigned shape = alto_reader_u8(in);
    alto_edit edit = {.remove = shape % 4 == 3};
    if (shape >= 250)
        edit.key = fuzz_part(in);
    else
        edit.key = type == ALTO_VALUE_NONE ? address_key(in) : small_name(in);
    if (type == ALTO_VALUE_COST)
        edit.value.cost = cost(in);
    else if (type == ALTO_VALUE_TEXT)
        edit.value.text = shape % 2 ? fuzz_part(in) : alto_slice_text("{\"a\":[1,2]}");
    return edit;
}

/* ---- rows ---- */

static int compare_keys(const void *a, const void *b)
{
    return alto_slice_compare(((const alto_edit *)a)->key, ((const alto_edit *)b)->key);
}

static size_t choose_items(alto_reader *in, alto_value_type type, alto_edit *edits)
{
    size_t count = fuzz_below(in, MOST_ITEMS + 1), kept = 0;
    for (size_t i = 0; i < count && alto_reader_left(in) > 0; i++)
        edits[kept++] = choose_item(in, type);
    qsort(edits, kept, sizeof *edits, compare_keys);
    count = kept;
    kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || alto_slice_compare(edits[kept - 1].key, edits[i].key) != 0)
            edits[kept++] = edits[i];
    return kept;
}

static alto_version *edit_row(alto_reader *in, alto_pool *pool, alto_kind kind, const alto_version *base)
{
    alto_edit edits[MOST_ITEMS];
    unsigned shape = alto_reader_u8(in);
    uint8_t class = (uint8_t)(1 + shape % (kind == ALTO_DOCUMENT ? 2 : 3));
    alto_slice name = shape >= 250 ? fuzz_part(in) : shape % 8 == 1 ? alto_slice_text("meta") : small_name(in);
    name.size = name.size < 255 ? name.size : 254;
    alto_row_key key = alto_row_key_make(class, name);
    alto_row_edit row = {.row = alto_row_key_slice(&key), .edits = edits};
    row.what = shape % 16 == 15 ? ALTO_ROW_REMOVE : ALTO_ROW_ITEMS;
    if (class == ALTO_ROW_VALUE && shape < 250) {
        edits[0] = (alto_edit){.value.text = fuzz_part(in)};
        row.count = 1;
    } else {
        row.count = choose_items(in, alto_item_type(kind, class), edits);
    }
    alto_version *made = NULL;
    fuzz_check(alto_version_edit(pool, kind, base, &row, 1, &made) == ALTO_OK);
    return made;
}

alto_version *fuzz_version(alto_reader *in, alto_pool *pool, alto_kind kind, const alto_version *base)
{
    alto_version *at = NULL;
    fuzz_check(alto_version_edit(pool, kind, base, NULL, 0, &at) == ALTO_OK);
    for (unsigned rows = fuzz_below(in, MOST_ROWS + 1); rows > 0; rows--) {
        alto_version *next = edit_row(in, pool, kind, at);
        alto_version_release(at);
        at = next;
    }
    return at;
}

/* ---- what holds for all of them ---- */

/* Does each row of a value hold one, under the empty key? A signer may break that; then the text is no JSON. */
static bool values_are_single(const alto_version *version)
{
    alto_cursor cursor;
    alto_cursor_first(&cursor, alto_version_tree(version));
    for (; alto_cursor_valid(&cursor); alto_cursor_next(&cursor)) {
        const alto_tree *items = alto_cursor_value(&cursor).row;
        if (alto_cursor_key(&cursor).data[0] == ALTO_ROW_VALUE &&
            (alto_tree_entries(items) != 1 || !alto_tree_find(items, (alto_slice){NULL, 0}, NULL)))
            return false;
    }
    return true;
}

static void check_size(const alto_version *version)
{
    alto_buffer text = alto_buffer_make(LARGEST);
    uint64_t size = 0;
    fuzz_check(alto_render_size(version, &size) == ALTO_OK);
    fuzz_check(alto_render_text(version, &text) == ALTO_OK);
    if (values_are_single(version))
        fuzz_check(text.size == size);
    alto_buffer_fini(&text);
}

static alto_status decode(bool snapshot, alto_pool *pool, const alto_version *version, alto_slice bytes,
                          alto_version **out)
{
    if (snapshot)
        return alto_snapshot_decode(pool, alto_version_kind(version), alto_version_root(version), bytes, out);
    return alto_delta_apply(pool, alto_version_kind(version), NULL, bytes, NULL, alto_version_root(version), out);
}

static void encode(bool snapshot, const alto_version *version, alto_buffer *out)
{
    fuzz_check((snapshot ? alto_snapshot_encode(version, out) : alto_delta_encode(NULL, version, NULL, out, NULL)) ==
               ALTO_OK);
}

static void check_way(bool snapshot, const alto_version *version)
{
    alto_pool *pool = alto_pool_new();
    alto_buffer bytes = alto_buffer_make(LARGEST), again = alto_buffer_make(LARGEST);
    alto_version *back = NULL;
    fuzz_check(pool);
    encode(snapshot, version, &bytes);
    fuzz_check(decode(snapshot, pool, version, alto_buffer_slice(&bytes), &back) == ALTO_OK);
    fuzz_check(fuzz_same_root(version, back));
    encode(snapshot, back, &again);
    fuzz_check(alto_slice_equal(alto_buffer_slice(&bytes), alto_buffer_slice(&again)));
    alto_version_release(back);
    alto_buffer_fini(&bytes);
    alto_buffer_fini(&again);
    alto_pool_destroy(&pool);
}

static void check_lpm(const alto_version *version)
{
    alto_lpm *lpm = NULL;
    fuzz_check(alto_lpm_make(NULL, version, &lpm) == ALTO_OK);
    fuzz_check(alto_lpm_prefixes(lpm) <= alto_version_items(version));
    alto_lpm_release(lpm);
}

void fuzz_check_version(const alto_version *version)
{
    check_size(version);
    check_way(true, version);
    check_way(false, version);
    if (alto_version_kind(version) == ALTO_NETWORK_MAP)
        check_lpm(version);
}

/* ---- the root of what was made last ---- */

static alto_hash last_root;
static bool has_last_root;

static alto_status note(alto_status status, alto_version *const *made)
{
    if (status == ALTO_OK) {
        last_root = *alto_version_root(*made);
        has_last_root = true;
    }
    return status;
}

bool fuzz_last_root(alto_hash *root)
{
    bool had = has_last_root;
    *root = last_root;
    has_last_root = false;
    return had;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
alto_status __real_alto_version_make(alto_kind kind, alto_tree *rows, alto_version **out);
alto_status __wrap_alto_version_make(alto_kind kind, alto_tree *rows, alto_version **out);
alto_status __real_alto_version_edit(alto_pool *pool, alto_kind kind, const alto_version *base,
                                     const alto_row_edit *edits, size_t count, alto_version **out);
alto_status __wrap_alto_version_edit(alto_pool *pool, alto_kind kind, const alto_version *base,
                                     const alto_row_edit *edits, size_t count, alto_version **out);

alto_status __wrap_alto_version_make(alto_kind kind, alto_tree *rows, alto_version **out)
{
    return note(__real_alto_version_make(kind, rows, out), out);
}

alto_status __wrap_alto_version_edit(alto_pool *pool, alto_kind kind, const alto_version *base,
                                     const alto_row_edit *edits, size_t count, alto_version **out)
{
    return note(__real_alto_version_edit(pool, kind, base, edits, count, out), out);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
