/* SPDX-License-Identifier: Apache-2.0 */
#include "core/render.h"
#include "core/weight.h"

#include "cmocka_all.h"
#include "core/mapjson.h"
#include "core/number.h"
#include "core/prefix.h"
#include "random.h"
#include "versions.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

static alto_pool *pool;

static int setup(void **state)
{
    (void)state;
    pool = alto_pool_new();
    return alto_crypto_init() == ALTO_OK && pool ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    alto_pool_destroy(&pool);
    return 0;
}

/* ---- building versions ---- */

/* An edit whose key is in memory of its own. */
typedef struct {
    uint8_t bytes[64];
    uint16_t size;
    double cost;
    const char *text;
    bool remove;
} item;

static item prefix_item(int family, const char *text)
{
    alto_prefix_key key;
    assert_int_equal(alto_prefix_parse(family, alto_slice_text(text), &key), ALTO_OK);
    item made = {.size = key.size};
    memcpy(made.bytes, key.bytes, key.size);
    return made;
}

static item bytes_item(const char *bytes, size_t size)
{
    item made = {.size = (uint16_t)size};
    memcpy(made.bytes, bytes, size);
    return made;
}

static item cost_item(const char *name, double cost)
{
    item made = bytes_item(name, strlen(name));
    made.cost = cost;
    return made;
}

static item text_item(const char *name, const char *text)
{
    item made = bytes_item(name, strlen(name));
    made.text = text;
    return made;
}

static int compare_items(const void *a, const void *b)
{
    const item *left = a, *right = b;
    return alto_slice_compare(alto_slice_of(left->bytes, left->size), alto_slice_of(right->bytes, right->size));
}

/* `base` (taken over; may be NULL) with items of one row put in or taken out; count 0 makes an empty row. */
static alto_version *edit_row(alto_version *base, alto_kind kind, uint8_t row_class, const char *name, item *items,
                              size_t count)
{
    alto_edit *edits = calloc(count + 1, sizeof *edits);
    alto_value_type type = alto_item_type(kind, row_class);
    qsort(items, count, sizeof *items, compare_items);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_items(&items[i - 1], &items[i]) == 0)
            continue;
        alto_edit *edit = &edits[used++];
        *edit = (alto_edit){.key = alto_slice_of(items[i].bytes, items[i].size), .remove = items[i].remove};
        if (type == ALTO_VALUE_COST)
            edit->value.cost = items[i].cost;
        else if (type == ALTO_VALUE_TEXT && items[i].text)
            edit->value.text = alto_slice_text(items[i].text);
    }
    alto_row_key key = alto_row_key_make(row_class, alto_slice_text(name));
    alto_row_edit row = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_ITEMS, .edits = edits, .count = used};
    alto_version *made = NULL;
    assert_int_equal(alto_version_edit(pool, kind, base, &row, 1, &made), ALTO_OK);
    alto_version_release(base);
    free(edits);
    return made;
}

static alto_version *remove_row(alto_version *base, uint8_t row_class, const char *name)
{
    alto_row_key key = alto_row_key_make(row_class, alto_slice_text(name));
    alto_row_edit row = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_REMOVE};
    alto_version *made = NULL;
    assert_int_equal(alto_version_edit(pool, alto_version_kind(base), base, &row, 1, &made), ALTO_OK);
    alto_version_release(base);
    return made;
}

static alto_tree *rebuild_items(alto_value_type type, const alto_tree *items)
{
    size_t count = (size_t)alto_tree_entries(items), i = 0;
    alto_edit *edits = calloc(count + 1, sizeof *edits);
    alto_cursor at;
    for (alto_cursor_first(&at, items); alto_cursor_valid(&at); alto_cursor_next(&at))
        edits[i++] = (alto_edit){.key = alto_cursor_key(&at), .value = alto_cursor_value(&at)};
    alto_tree *made = NULL;
    assert_int_equal(alto_tree_edit(pool, type, NULL, edits, count, &made), ALTO_OK);
    free(edits);
    return made;
}

/* The same content in nodes that nothing is kept with yet. */
static alto_version *rebuild(const alto_version *from)
{
    const alto_tree *rows = alto_version_tree(from);
    alto_kind kind = alto_version_kind(from);
    size_t count = (size_t)alto_tree_entries(rows), i = 0;
    alto_row_edit *edits = calloc(count + 1, sizeof *edits);
    alto_cursor at;
    for (alto_cursor_first(&at, rows); alto_cursor_valid(&at); alto_cursor_next(&at), i++) {
        alto_slice key = alto_cursor_key(&at);
        edits[i] = (alto_row_edit){.row = key, .what = ALTO_ROW_REPLACE};
        edits[i].items = rebuild_items(alto_item_type(kind, key.data[0]), alto_cursor_value(&at).row);
    }
    alto_version *made = NULL;
    assert_int_equal(alto_version_edit(pool, kind, NULL, edits, count, &made), ALTO_OK);
    for (i = 0; i < count; i++)
        alto_tree_release(edits[i].items);
    free(edits);
    assert_true(alto_hash_equal(alto_version_root(made), alto_version_root(from)));
    return made;
}

/* ---- the same text, written plainly from the entries alone ---- */

static void plain_prefixes(alto_buffer *out, const alto_tree *items, uint8_t family, bool *first)
{
    alto_cursor at;
    bool open = false, some = false;
    for (alto_cursor_first(&at, items); alto_cursor_valid(&at); alto_cursor_next(&at)) {
        alto_slice key = alto_cursor_key(&at);
        if (key.data[0] != family)
            continue;
        if (!open)
            alto_buffer_print(out, "%s\"ipv%u\":[", *first ? "" : ",", family);
        open = true;
        *first = false;
        if (key.size == 1)
            continue;
        char text[ALTO_PREFIX_TEXT];
        alto_prefix_format(key, text);
        alto_buffer_print(out, "%s\"%s\"", some ? "," : "", text);
        some = true;
    }
    if (open)
        alto_buffer_add_text(out, "]");
}

static void plain_items(alto_buffer *out, alto_kind kind, uint8_t row_class, const alto_tree *items)
{
    alto_cursor at;
    bool first = true, addresses = kind == ALTO_NETWORK_MAP && row_class == ALTO_ROW_PAYLOAD;
    if (addresses) {
        plain_prefixes(out, items, 4, &first);
        plain_prefixes(out, items, 6, &first);
    }
    for (alto_cursor_first(&at, items); alto_cursor_valid(&at); alto_cursor_next(&at)) {
        alto_slice key = alto_cursor_key(&at);
        if (addresses && key.data[0] != ALTO_ITEM_OTHER)
            continue;
        alto_buffer_add_text(out, first ? "" : ",");
        first = false;
        if (addresses) {
            size_t name = strlen((const char *)key.data + 1);
            alto_buffer_print(out, "\"%s\":", (const char *)key.data + 1);
            alto_buffer_add(out, key.data + 2 + name, key.size - 2 - name);
            continue;
        }
        alto_json_string(out, key);
        alto_buffer_add_text(out, ":");
        char number[ALTO_NUMBER_TEXT];
        if (row_class != ALTO_ROW_PAYLOAD)
            alto_buffer_add_slice(out, alto_cursor_value(&at).text);
        else
            alto_buffer_add(out, number, alto_number_format(alto_cursor_value(&at).cost, number));
    }
}

static void plain_row(alto_buffer *out, alto_kind kind, alto_slice key, const alto_tree *items, bool *first)
{
    alto_buffer_add_text(out, *first ? "" : ",");
    *first = false;
    alto_json_string(out, alto_slice_of(key.data + 1, key.size - 1));
    alto_buffer_add_text(out, ":");
    if (key.data[0] == ALTO_ROW_VALUE) {
        alto_buffer_add_slice(out, alto_node_value(items, 0).text);
        return;
    }
    alto_buffer_add_text(out, "{");
    plain_items(out, kind, key.data[0], items);
    alto_buffer_add_text(out, "}");
}

static bool is_meta(alto_slice key)
{
    return alto_slice_equal(key, alto_slice_text("\1meta"));
}

/* For versions whose rows of class VALUE come, by name, after those of class MEMBER. */
static void plain_text(const alto_version *version, alto_buffer *out)
{
    alto_kind kind = alto_version_kind(version);
    const alto_tree *rows = alto_version_tree(version);
    alto_cursor at;
    bool first = true, first_payload = true;
    alto_buffer_add_text(out, "{");
    for (alto_cursor_first(&at, rows); alto_cursor_valid(&at); alto_cursor_next(&at))
        if (is_meta(alto_cursor_key(&at)))
            plain_row(out, kind, alto_cursor_key(&at), alto_cursor_value(&at).row, &first);
    for (alto_cursor_first(&at, rows); alto_cursor_valid(&at); alto_cursor_next(&at))
        if (!is_meta(alto_cursor_key(&at)) && alto_cursor_key(&at).data[0] != ALTO_ROW_PAYLOAD)
            plain_row(out, kind, alto_cursor_key(&at), alto_cursor_value(&at).row, &first);
    if (alto_kind_member(kind)) {
        alto_buffer_print(out, "%s\"%s\":{", first ? "" : ",", alto_kind_member(kind));
        for (alto_cursor_first(&at, rows); alto_cursor_valid(&at); alto_cursor_next(&at))
            if (alto_cursor_key(&at).data[0] == ALTO_ROW_PAYLOAD)
                plain_row(out, kind, alto_cursor_key(&at), alto_cursor_value(&at).row, &first_payload);
        alto_buffer_add_text(out, "}");
    }
    alto_buffer_add_text(out, "}");
}

/* ---- looking at renderings ---- */

static alto_rendering *render(const alto_version *version, alto_coding coding)
{
    alto_rendering *made = NULL;
    assert_int_equal(alto_render(version, coding, &made), ALTO_OK);
    return made;
}

static void gather(const alto_rendering *rendering, alto_buffer *out)
{
    for (size_t i = 0; i < alto_rendering_pieces(rendering); i++) {
        alto_slice piece = alto_rendering_piece(rendering, i);
        assert_true(piece.size > 0);
        alto_buffer_add_slice(out, piece);
    }
    assert_int_equal(out->size, alto_rendering_size(rendering));
}

static void gunzip(alto_slice packed, alto_buffer *out)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed.data, .avail_in = (uInt)packed.size};
    assert_int_equal(inflateInit2(&stream, 16 + 15), Z_OK);
    int result = Z_OK;
    while (result == Z_OK) {
        stream.next_out = alto_buffer_grow(out, 65536);
        stream.avail_out = 65536;
        assert_non_null(stream.next_out);
        result = inflate(&stream, Z_NO_FLUSH);
        out->size -= stream.avail_out;
    }
    assert_int_equal(result, Z_STREAM_END); /* checksum and length fit */
    assert_int_equal(stream.avail_in, 0);   /* one member and nothing after it */
    inflateEnd(&stream);
}

/* All frames, one after another. */
static void unzstd(alto_slice packed, alto_buffer *out)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {packed.data, packed.size, 0};
    size_t wanted = 1;
    while (in.pos < in.size || wanted) {
        ZSTD_outBuffer room = {alto_buffer_grow(out, 65536), 65536, 0};
        assert_non_null(room.dst);
        size_t taken = in.pos;
        wanted = ZSTD_decompressStream(stream, &room, &in);
        out->size -= room.size - room.pos;
        assert_false(ZSTD_isError(wanted));
        assert_true(in.pos > taken || room.pos > 0); /* otherwise the last frame is cut off */
    }
    ZSTD_freeDStream(stream);
}

static void assert_same(const alto_buffer *a, const alto_buffer *b)
{
    assert_int_equal(a->status, ALTO_OK);
    assert_int_equal(b->status, ALTO_OK);
    size_t common = a->size < b->size ? a->size : b->size;
    for (size_t i = 0; i < common; i++)
        if (a->data[i] != b->data[i]) {
            size_t from = i > 60 ? i - 60 : 0;
            fail_msg("differ at byte %zu: \"%.*s\" and \"%.*s\"", i, (int)(i - from + 10), a->data + from,
                     (int)(i - from + 10), b->data + from);
        }
    assert_int_equal(a->size, b->size);
}

/* Every form of the version says the same as the plain text. */
static void check_forms(const alto_version *version)
{
    alto_buffer plain = alto_buffer_make(SIZE_MAX), text = plain, whole = plain, packed = plain, unpacked = plain;
    uint64_t size = 0;
    plain_text(version, &plain);
    assert_int_equal(alto_render_text(version, &whole), ALTO_OK);
    assert_same(&whole, &plain);
    assert_int_equal(alto_render_size(version, &size), ALTO_OK);
    assert_int_equal(size, plain.size);
    alto_rendering *identity = render(version, ALTO_IDENTITY), *gzip = render(version, ALTO_GZIP);
    alto_rendering *zstd = render(version, ALTO_ZSTD);
    gather(identity, &text);
    assert_same(&text, &plain);
    gather(gzip, &packed);
    gunzip(alto_buffer_slice(&packed), &unpacked);
    assert_same(&unpacked, &plain);
    alto_buffer_empty(&packed);
    alto_buffer_empty(&unpacked);
    gather(zstd, &packed);
    unzstd(alto_buffer_slice(&packed), &unpacked);
    assert_same(&unpacked, &plain);
    alto_rendering_release(identity);
    alto_rendering_release(gzip);
    alto_rendering_release(zstd);
    alto_buffer *all[] = {&plain, &text, &whole, &packed, &unpacked};
    for (size_t i = 0; i < countof(all); i++)
        alto_buffer_fini(all[i]);
}

static void check_same_bytes(const alto_version *a, const alto_version *b, alto_coding coding)
{
    alto_buffer left = alto_buffer_make(SIZE_MAX), right = left;
    alto_rendering *one = render(a, coding), *other = render(b, coding);
    gather(one, &left);
    gather(other, &right);
    assert_int_equal(left.size, right.size);
    assert_memory_equal(left.data, right.data, left.size);
    alto_rendering_release(one);
    alto_rendering_release(other);
    alto_buffer_fini(&left);
    alto_buffer_fini(&right);
}

static int compare_ends(const void *a, const void *b)
{
    const uint8_t *left = *(const uint8_t *const *)a, *right = *(const uint8_t *const *)b;
    return (left > right) - (left < right);
}

/* Pieces of `after` that are not, by address, pieces of `before`. A piece may have lost the glue at its beginning,
 * so its end tells. */
static size_t new_pieces(const alto_rendering *before, const alto_rendering *after)
{
    size_t count = alto_rendering_pieces(before), made = 0;
    const uint8_t **ends = calloc(count, sizeof *ends);
    for (size_t i = 0; i < count; i++) {
        alto_slice piece = alto_rendering_piece(before, i);
        ends[i] = piece.data + piece.size;
    }
    qsort(ends, count, sizeof *ends, compare_ends);
    for (size_t i = 0; i < alto_rendering_pieces(after); i++) {
        alto_slice piece = alto_rendering_piece(after, i);
        const uint8_t *end = piece.data + piece.size;
        made += !bsearch(&end, ends, count, sizeof *ends, compare_ends);
    }
    free(ends);
    return made;
}

static void assert_text(const alto_version *version, const char *expected)
{
    alto_buffer text = alto_buffer_make(SIZE_MAX);
    assert_int_equal(alto_render_text(version, &text), ALTO_OK);
    alto_buffer_add_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
    alto_buffer_fini(&text);
    check_forms(version);
}

/* ---- tests: small texts ---- */

#define ROW(version, kind, row_class, name, ...)                                                                       \
    do {                                                                                                               \
        item items[] = {__VA_ARGS__};                                                                                  \
        version = edit_row(version, kind, row_class, name, items, countof(items));                                     \
    } while (0)

static void a_network_map_is_written_in_address_order(void **state)
{
    (void)state;
    item none;
    alto_version *map = test_version(pool, ALTO_NETWORK_MAP);
    assert_text(map, "{\"network-map\":{}}");
    map = edit_row(map, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "empty", &none, 0);
    assert_text(map, "{\"network-map\":{\"empty\":{}}}");
    ROW(map, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "PID1", prefix_item(4, "198.51.100.0/25"),
        prefix_item(4, "10.0.0.0/8"), prefix_item(6, "2001:DB8::/32"), prefix_item(6, "::/0"),
        bytes_item("\x80mac\0[\"a:b\"]", 12));
    ROW(map, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "PID2", bytes_item("\4", 1), bytes_item("\6", 1));
    ROW(map, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "PID3", prefix_item(6, "::1/128"), bytes_item("\4", 1));
    ROW(map, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "meta", bytes_item("\200a\0{}", 5), bytes_item("\200b\0\"x\"", 6));
    ROW(map, ALTO_NETWORK_MAP, ALTO_ROW_MEMBER, "aaa", text_item("x", "1"));
    ROW(map, ALTO_NETWORK_MAP, ALTO_ROW_MEMBER, "meta", text_item("vtag", "{\"resource-id\":\"m\",\"tag\":\"t\"}"));
    ROW(map, ALTO_NETWORK_MAP, ALTO_ROW_VALUE, "zzz", text_item("", "[1,2]"));
    assert_text(map, "{\"meta\":{\"vtag\":{\"resource-id\":\"m\",\"tag\":\"t\"}},\"aaa\":{\"x\":1},\"zzz\":[1,2],"
                     "\"network-map\":{\"PID1\":{\"ipv4\":[\"10.0.0.0/8\",\"198.51.100.0/25\"],"
                     "\"ipv6\":[\"::/0\",\"2001:db8::/32\"],\"mac\":[\"a:b\"]},"
                     "\"PID2\":{\"ipv4\":[],\"ipv6\":[]},\"PID3\":{\"ipv4\":[],\"ipv6\":[\"::1/128\"]},"
                     "\"empty\":{},\"meta\":{\"a\":{},\"b\":\"x\"}}}");
    alto_version_release(map);
}

static void a_cost_map_is_written_in_name_order(void **state)
{
    (void)state;
    item none;
    alto_version *map = test_version(pool, ALTO_COST_MAP);
    assert_text(map, "{\"cost-map\":{}}");
    ROW(map, ALTO_COST_MAP, ALTO_ROW_PAYLOAD, "PID2", cost_item("PID2", 0), cost_item("PID1", 6.5));
    ROW(map, ALTO_COST_MAP, ALTO_ROW_PAYLOAD, "PID1", cost_item("PID1", 1e-7), cost_item("a.b:c@d_e-f", 1e21),
        cost_item("12345678\"", 2), cost_item("\\", 3));
    map = edit_row(map, ALTO_COST_MAP, ALTO_ROW_PAYLOAD, "PID3", &none, 0);
    ROW(map, ALTO_COST_MAP, ALTO_ROW_MEMBER, "meta", text_item("cost-type", "{}"));
    assert_text(map, "{\"meta\":{\"cost-type\":{}},\"cost-map\":{\"PID1\":{\"12345678\\\"\":2,\"PID1\":1e-7,\"\\\\\":3,"
                     "\"a.b:c@d_e-f\":1e+21},"
                     "\"PID2\":{\"PID1\":6.5,\"PID2\":0},\"PID3\":{}}}");
    alto_version_release(map);
}

static void a_document_has_meta_first_and_names_escaped(void **state)
{
    (void)state;
    item none;
    alto_version *map = test_version(pool, ALTO_DOCUMENT);
    assert_text(map, "{}");
    ROW(map, ALTO_DOCUMENT, ALTO_ROW_MEMBER, "a\"\\\n", text_item("\t\x01", "null"), text_item("plain", "\"x\""));
    map = edit_row(map, ALTO_DOCUMENT, ALTO_ROW_MEMBER, "b", &none, 0);
    ROW(map, ALTO_DOCUMENT, ALTO_ROW_VALUE, "c", text_item("", "1.5"));
    ROW(map, ALTO_DOCUMENT, ALTO_ROW_MEMBER, "meta", text_item("", "true"));
    alto_buffer text = alto_buffer_make(SIZE_MAX);
    assert_text(map,
                "{\"meta\":{\"\":true},\"a\\\"\\\\\\n\":{\"\\t\\u0001\":null,\"plain\":\"x\"},\"b\":{},\"c\":1.5}");
    /* By name, objects and other values mixed. */
    ROW(map, ALTO_DOCUMENT, ALTO_ROW_VALUE, "aa", text_item("", "[]"));
    ROW(map, ALTO_DOCUMENT, ALTO_ROW_MEMBER, "d", text_item("x", "2"));
    assert_int_equal(alto_render_text(map, &text), ALTO_OK);
    static const char expected[] = "{\"meta\":{\"\":true},\"a\\\"\\\\\\n\":{\"\\t\\u0001\":null,\"plain\":\"x\"},"
                                   "\"aa\":[],\"b\":{},\"c\":1.5,\"d\":{\"x\":2}}";
    assert_int_equal(text.size, sizeof expected - 1);
    assert_memory_equal(text.data, expected, text.size);
    uint64_t size;
    assert_int_equal(alto_render_size(map, &size), ALTO_OK);
    assert_int_equal(size, text.size);
    alto_buffer_fini(&text);
    alto_version_release(map);
}

static void a_small_rendering_is_one_slice(void **state)
{
    (void)state;
    alto_version *map = NULL;
    ROW(map, ALTO_COST_MAP, ALTO_ROW_PAYLOAD, "PID1", cost_item("PID1", 1), cost_item("PID2", 2));
    for (int coding = ALTO_IDENTITY; coding < ALTO_CODINGS; coding++) {
        alto_rendering *rendering = render(map, (alto_coding)coding);
        assert_int_equal(alto_rendering_pieces(rendering), 1);
        alto_rendering_release(rendering);
    }
    alto_version_release(map);
}

static void items_of_no_known_shape_harm_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } odd[] = {{"", 0},        {"\4\1\2", 3}, {"\7", 1},           {"\x80", 1},   {"\x80name", 5},    {"\x80\0", 2},
               {"\x80n\0", 3}, {"\4", 1},     {"\4\1\2\3\4\5", 6}, {"\6\6\6", 3}, {"\5\1\2\3\4\5", 6}};
    alto_version *map = NULL;
    item items[countof(odd)];
    for (size_t i = 0; i < countof(odd); i++)
        items[i] = bytes_item(odd[i].bytes, odd[i].size);
    map = edit_row(map, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "", items, countof(odd));
    alto_buffer text = alto_buffer_make(SIZE_MAX);
    assert_int_equal(alto_render_text(map, &text), ALTO_OK);
    uint64_t size;
    assert_int_equal(alto_render_size(map, &size), ALTO_OK);
    assert_int_equal(size, text.size);
    alto_rendering_release(render(map, ALTO_GZIP));
    alto_rendering_release(render(map, ALTO_ZSTD));
    alto_buffer_fini(&text);
    alto_version_release(map);
}

/* ---- tests: pieces ---- */

static alto_version *big_pid(size_t count)
{
    item *items = calloc(count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        uint8_t key[] = {4, (uint8_t)(i >> 12), (uint8_t)(i >> 4), (uint8_t)(i << 4), 0, 28};
        items[i] = bytes_item((const char *)key, sizeof key);
    }
    item few[] = {prefix_item(6, "2001:db8::/32"), prefix_item(4, "240.0.0.0/28")};
    alto_version *map = edit_row(NULL, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "big", items, count);
    map = edit_row(map, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "big", few, 1);
    map = edit_row(map, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "few", few, 2);
    free(items);
    return map;
}

static void one_prefix_of_forty_thousand_costs_one_piece(void **state)
{
    (void)state;
    alto_version *before = big_pid(40000), *after = alto_version_retain(before);
    check_forms(before);
    for (int coding = ALTO_IDENTITY; coding < ALTO_CODINGS; coding++) {
        item change[] = {prefix_item(4, "0.20.5.0/24")};
        alto_rendering *old = render(before, (alto_coding)coding);
        if (coding == ALTO_IDENTITY) /* such regular prefixes are few bytes as gzip: one slice */
            assert_true(alto_rendering_pieces(old) > 8);
        after = edit_row(after, ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD, "big", change, 1);
        alto_rendering *new = render(after, (alto_coding)coding);
        /* its piece, and the glue at both ends of the text */
        assert_in_range(new_pieces(old, new), 1, 4);
        alto_rendering_release(old);
        alto_rendering_release(new);
    }
    check_forms(after);
    alto_version_release(before);
    alto_version_release(after);
}

static alto_version *square(unsigned pids, test_random *random)
{
    alto_version *map = NULL;
    item *items = calloc(pids, sizeof *items);
    for (unsigned row = 0; row < pids; row++) {
        for (unsigned i = 0; i < pids; i++) {
            char name[16];
            snprintf(name, sizeof name, "PID%u", i);
            items[i] = cost_item(name, (double)test_random_below(random, 10000) / 10);
        }
        char name[16];
        snprintf(name, sizeof name, "PID%u", row);
        map = edit_row(map, ALTO_COST_MAP, ALTO_ROW_PAYLOAD, name, items, pids);
    }
    free(items);
    return map;
}

static void one_cell_costs_the_piece_of_its_row(void **state)
{
    (void)state;
    test_random random = test_random_make(1);
    alto_version *before = square(320, &random), *after = alto_version_retain(before);
    ROW(after, ALTO_COST_MAP, ALTO_ROW_PAYLOAD, "PID77", cost_item("PID5", 4242));
    for (int coding = ALTO_IDENTITY; coding < ALTO_CODINGS; coding++) {
        alto_rendering *old = render(before, (alto_coding)coding), *new = render(after, (alto_coding)coding);
        assert_true(alto_rendering_pieces(old) > 20);
        assert_in_range(new_pieces(old, new), 1, 4);
        /* A rendering outlives its version. */
        alto_rendering_release(old);
        if (coding + 1 == ALTO_CODINGS)
            alto_version_release(before);
        alto_buffer text = alto_buffer_make(SIZE_MAX);
        gather(new, &text);
        alto_buffer_fini(&text);
        alto_rendering_release(new);
    }
    check_forms(after);
    alto_version_release(after);
}

static void a_rendering_outlives_its_version(void **state)
{
    (void)state;
    alto_version *map = big_pid(6000);
    alto_buffer plain = alto_buffer_make(SIZE_MAX), text = plain;
    plain_text(map, &plain);
    alto_rendering *rendering = render(map, ALTO_IDENTITY), *again = alto_rendering_retain(rendering);
    alto_version_release(map);
    alto_rendering_release(rendering);
    gather(again, &text);
    assert_same(&text, &plain);
    alto_rendering_release(again);
    alto_rendering_release(NULL);
    alto_buffer_fini(&text);
    alto_buffer_fini(&plain);
}

static void values_of_any_size_survive(void **state)
{
    (void)state;
    alto_version *map = NULL;
    char *long_text = malloc(200003);
    memset(long_text, 'x', 200002);
    long_text[0] = long_text[200001] = '"';
    long_text[200002] = 0;
    /* An object whose only member has an empty name, and a plain value: the same items, other texts. */
    ROW(map, ALTO_DOCUMENT, ALTO_ROW_MEMBER, "a", text_item("", long_text));
    ROW(map, ALTO_DOCUMENT, ALTO_ROW_VALUE, "b", text_item("", long_text));
    item *items = calloc(3000, sizeof *items);
    for (size_t i = 0; i < 3000; i++) {
        char name[16];
        snprintf(name, sizeof name, "ipv4:%zu", i);
        items[i] = text_item(name, i % 3 ? "{\"pid\":\"PID1\"}" : "{}");
    }
    map = edit_row(map, ALTO_DOCUMENT, ALTO_ROW_MEMBER, "aa", items, 3000);
    check_forms(map);
    free(items);
    free(long_text);
    alto_version_release(map);
}

static void one_tree_in_rows_of_two_classes_has_two_texts(void **state)
{
    (void)state;
    char long_text[3000];
    memset(long_text, '1', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    alto_edit edit = {.key = alto_slice_of("", 0), .value = {.text = alto_slice_text(long_text)}};
    alto_tree *items = NULL;
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_TEXT, NULL, &edit, 1, &items), ALTO_OK);
    alto_row_edit rows[] = {{.row = alto_slice_text("\1a"), .what = ALTO_ROW_REPLACE, .items = items},
                            {.row = alto_slice_text("\2b"), .what = ALTO_ROW_REPLACE, .items = items}};
    alto_version *map = NULL;
    assert_int_equal(alto_version_edit(pool, ALTO_DOCUMENT, NULL, rows, 2, &map), ALTO_OK);
    alto_tree_release(items);
    check_forms(map);
    check_forms(map);
    alto_version_release(map);
}

/* ---- tests: random edits ---- */

static item random_address(test_random *random)
{
    uint64_t what = test_random_below(random, 100);
    if (what < 3)
        return bytes_item(what ? "\x80mac\0[\"a\"]" : "\x80zz\0{}", what ? 10 : 6);
    bool six = what < 30;
    uint8_t key[18] = {six ? 6 : 4};
    size_t size = six ? 18 : 6;
    for (size_t i = 1; i < 4; i++)
        key[i] = (uint8_t)test_random_next(random);
    key[size - 1] = 24;
    return bytes_item((const char *)key, size);
}

static item random_item(alto_kind kind, test_random *random)
{
    static const char *const texts[] = {"1", "\"text\"", "{\"a\":[1,2,3]}", "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]"};
    char name[24];
    snprintf(name, sizeof name, "N%u", (unsigned)test_random_below(random, 9000));
    switch (kind) {
    case ALTO_NETWORK_MAP:
        return random_address(random);
    case ALTO_COST_MAP:
        return cost_item(name, (double)test_random_below(random, 100000) / 8);
    case ALTO_DOCUMENT:
        break;
    }
    return text_item(name, texts[test_random_below(random, countof(texts))]);
}

/* Rows of very different sizes: most have few items, some have thousands, and one is edited again and again. */
static alto_version *random_edit(alto_version *base, alto_kind kind, test_random *random)
{
    char name[24];
    unsigned row = test_random_below(random, 3) ? (unsigned)test_random_below(random, 120) : 0;
    snprintf(name, sizeof name, "R%u", row);
    uint8_t row_class = kind == ALTO_DOCUMENT ? ALTO_ROW_MEMBER : ALTO_ROW_PAYLOAD;
    if (base && row > 0 && test_random_below(random, 12) == 0)
        return remove_row(base, row_class, name);
    size_t count = test_random_below(random, row % 8 ? 30 : 2500);
    item *items = calloc(count + 1, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = random_item(kind, random);
        items[i].remove = test_random_below(random, 4) == 0;
    }
    base = edit_row(base, kind, row_class, name, items, count);
    free(items);
    return base;
}

/* The version after `before`, which is released: its length by what differs is its length. */
static alto_version *check_length_after(alto_version *before, alto_version *after)
{
    uint64_t size = 0, whole = 0;
    assert_int_equal(alto_render_size(before, &size), ALTO_OK);
    assert_int_equal(alto_render_size_after(before, size, after, &size), ALTO_OK);
    alto_version *anew = rebuild(after);
    assert_int_equal(alto_render_size(anew, &whole), ALTO_OK);
    assert_int_equal(size, whole);
    alto_version_release(anew);
    alto_version_release(before);
    return after;
}

static void the_length_of_a_change_is_that_of_the_whole(void **state)
{
    (void)state;
    static const double odd[] = {0, 1, 7.25, 99.5, 399999.75, 400000, 0.1 + 0.2, 1e-7, 1e300, -3.5, 0.0001};
    test_random random = test_random_make(4);
    alto_version *map = square(150, &random);
    for (unsigned round = 0; round < 200; round++) {
        char row[24], name[24];
        snprintf(row, sizeof row, "PID%u", (unsigned)test_random_below(&random, 150));
        snprintf(name, sizeof name, "PID%u", (unsigned)test_random_below(&random, 151));
        double cost = odd[test_random_below(&random, countof(odd))];
        alto_version *before = alto_version_retain(map);
        if (round % 40 == 39)
            map = remove_row(map, ALTO_ROW_PAYLOAD, row);
        else
            ROW(map, ALTO_COST_MAP, ALTO_ROW_PAYLOAD, row, cost_item(name, cost), cost_item("PID7", -cost + 0));
        map = check_length_after(before, map);
    }
    for (unsigned i = 0; i < 150; i++) { /* until nothing but "meta" is left, and then not even that */
        char row[24];
        snprintf(row, sizeof row, "PID%u", i);
        alto_version *before = alto_version_retain(map);
        if (i == 100)
            ROW(map, ALTO_COST_MAP, ALTO_ROW_MEMBER, "meta", text_item("vtag", "{}"));
        map = check_length_after(before, remove_row(map, ALTO_ROW_PAYLOAD, row));
    }
    alto_version *last = alto_version_retain(map);
    map = check_length_after(last, remove_row(map, ALTO_ROW_MEMBER, "meta"));
    alto_version_release(map);
}

static void edits_render_as_if_made_anew(void **state)
{
    (void)state;
    static const alto_kind kinds[] = {ALTO_NETWORK_MAP, ALTO_COST_MAP, ALTO_DOCUMENT};
    test_random random = test_random_make(2);
    for (size_t k = 0; k < countof(kinds); k++) {
        alto_version *map = test_version(pool, kinds[k]);
        for (unsigned round = 0; round < 8; round++) {
            for (unsigned i = 0; i < 12; i++) {
                alto_version *before = alto_version_retain(map);
                map = check_length_after(before, random_edit(map, kinds[k], &random));
            }
            if (round % 4 == 0)
                ROW(map, kinds[k], ALTO_ROW_MEMBER, "meta", text_item("vtag", round ? "{}" : "[]"));
            check_forms(map);
            alto_version *anew = rebuild(map);
            check_same_bytes(map, anew, (alto_coding)(round % ALTO_CODINGS));
            alto_version_release(anew);
        }
        alto_version *anew = rebuild(map);
        check_same_bytes(map, anew, ALTO_GZIP);
        check_same_bytes(map, anew, ALTO_ZSTD);
        alto_version_release(anew);
        alto_version_release(map);
    }
}

/* ---- tests: threads ---- */

enum { THREADS = 4 };

typedef struct {
    const alto_version *const *versions;
    size_t count;
    alto_coding first;
    uint64_t sizes[4 * ALTO_CODINGS];
    bool failed;
} job;

static void *render_all(void *context)
{
    job *self = context;
    for (size_t i = 0; i < self->count; i++) {
        for (unsigned turn = 0; turn < ALTO_CODINGS; turn++) {
            alto_rendering *made = NULL;
            alto_coding which = (alto_coding)((self->first + turn) % ALTO_CODINGS);
            uint64_t size = 0;
            self->failed = self->failed || alto_render(self->versions[i], which, &made) != ALTO_OK ||
                           alto_render_size(self->versions[i], &size) != ALTO_OK;
            self->sizes[ALTO_CODINGS * i + which] = made ? alto_rendering_size(made) : 0;
            self->failed = self->failed || (which == ALTO_IDENTITY && self->sizes[ALTO_CODINGS * i] != size);
            alto_rendering_release(made);
        }
    }
    return NULL;
}

static void threads_may_render_at_once(void **state)
{
    (void)state;
    test_random random = test_random_make(3);
    alto_version *versions[4] = {square(150, &random)};
    for (size_t i = 1; i < countof(versions); i++) {
        versions[i] = alto_version_retain(versions[i - 1]);
        ROW(versions[i], ALTO_COST_MAP, ALTO_ROW_PAYLOAD, "PID7", cost_item("PID5", (double)i + 20000));
    }
    pthread_t threads[THREADS];
    job jobs[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        jobs[i] = (job){.versions = (const alto_version *const *)versions, .count = countof(versions)};
        jobs[i].first = (alto_coding)(i % ALTO_CODINGS);
        assert_int_equal(pthread_create(&threads[i], NULL, render_all, &jobs[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(jobs[i].failed);
        assert_memory_equal(jobs[i].sizes, jobs[0].sizes, sizeof jobs[0].sizes);
    }
    for (size_t i = 0; i < countof(versions); i++) {
        check_forms(versions[i]);
        alto_version_release(versions[i]);
    }
}

/* What an old version costs beside its successor: its own pieces where they were made, and no more for a length. */
static void what_is_kept_weighs_what_it_is(void **state)
{
    (void)state;
    test_random random = test_random_make(4);
    alto_version *before = square(300, &random), *after = alto_version_retain(before);
    ROW(after, ALTO_COST_MAP, ALTO_ROW_PAYLOAD, "PID7", cost_item("PID5", 20000));
    const alto_tree *old = alto_version_tree(before), *new = alto_version_tree(after);
    uint64_t bare = alto_tree_weight(old, new), size = 0;
    assert_int_equal(alto_render_size(before, &size), ALTO_OK);
    assert_in_range(alto_tree_weight(old, new), bare, 2 * bare);
    alto_rendering *made = NULL;
    assert_int_equal(alto_render(before, ALTO_IDENTITY, &made), ALTO_OK);
    alto_rendering_release(made);
    assert_int_equal(alto_render(after, ALTO_IDENTITY, &made), ALTO_OK);
    alto_rendering_release(made);
    assert_in_range(alto_tree_weight(old, new), bare + 1000, size / 10);
    assert_true(alto_tree_weight(old, NULL) > size);
    for (int coding = ALTO_GZIP; coding < ALTO_CODINGS; coding++) { /* each takes memory once it is asked for */
        uint64_t without = alto_tree_weight(old, NULL);
        assert_int_equal(alto_render(before, (alto_coding)coding, &made), ALTO_OK);
        uint64_t packed = alto_rendering_size(made);
        alto_rendering_release(made);
        assert_in_range(alto_tree_weight(old, NULL), without + packed / 2, without + 2 * packed);
    }
    alto_version_release(before);
    alto_version_release(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_map_is_written_in_address_order),
        cmocka_unit_test(a_cost_map_is_written_in_name_order),
        cmocka_unit_test(a_document_has_meta_first_and_names_escaped),
        cmocka_unit_test(a_small_rendering_is_one_slice),
        cmocka_unit_test(items_of_no_known_shape_harm_nobody),
        cmocka_unit_test(one_prefix_of_forty_thousand_costs_one_piece),
        cmocka_unit_test(one_cell_costs_the_piece_of_its_row),
        cmocka_unit_test(a_rendering_outlives_its_version),
        cmocka_unit_test(values_of_any_size_survive),
        cmocka_unit_test(one_tree_in_rows_of_two_classes_has_two_texts),
        cmocka_unit_test(the_length_of_a_change_is_that_of_the_whole),
        cmocka_unit_test(edits_render_as_if_made_anew),
        cmocka_unit_test(threads_may_render_at_once),
        cmocka_unit_test(what_is_kept_weighs_what_it_is),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
