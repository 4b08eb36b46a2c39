/* SPDX-License-Identifier: Apache-2.0 */
/* Catalogs and their entries: what is accepted encodes to the same bytes and has the same state root again, wherever it is read;
 * a catalog of another origin is refused.
 *
 * Longest input: 2048. Dictionary: pack. */
#include "core/pack.h"
#include "core/wire.h"
#include "fuzz.h"

static const alto_origin origin = {{1, 2, 3}};
static alto_pool *pool;

static alto_tree *decode(alto_slice bytes, const alto_origin *of, alto_status *status)
{
    alto_tree *catalog = NULL;
    fuzz_memory_begin();
    *status = alto_catalog_decode(pool, bytes, of, &catalog);
    fuzz_check(fuzz_memory_most() <= 256 * bytes.size + 65536);
    fuzz_check(*status == ALTO_OK || !catalog);
    return catalog;
}

static void check_entries(const alto_tree *catalog)
{
    alto_cursor cursor;
    for (alto_cursor_first(&cursor, catalog); alto_cursor_valid(&cursor); alto_cursor_next(&cursor)) {
        alto_resource_name name;
        alto_entry entry;
        alto_buffer key = alto_buffer_make(ALTO_MAX_NAME + ALTO_MAX_INPUT + 2);
        alto_buffer bytes = alto_buffer_make(ALTO_MAX_CATALOG);
        fuzz_check(alto_catalog_name(alto_cursor_key(&cursor), &name));
        alto_catalog_key(&name, &key);
        fuzz_check(alto_slice_equal(alto_buffer_slice(&key), alto_cursor_key(&cursor)));
        fuzz_check(alto_entry_decode(alto_cursor_value(&cursor).text, &entry) == ALTO_OK);
        fuzz_check(alto_entry_encode(&entry, &bytes) == ALTO_OK);
        fuzz_check(alto_slice_equal(alto_buffer_slice(&bytes), alto_cursor_value(&cursor).text));
        alto_buffer_fini(&key);
        alto_buffer_fini(&bytes);
    }
}

static void check_catalog(alto_slice bytes)
{
    alto_status status, again_status;
    alto_tree *catalog = decode(bytes, &origin, &status);
    if (status != ALTO_OK)
        return;
    alto_buffer again = alto_buffer_make(ALTO_MAX_CATALOG);
    check_entries(catalog);
    fuzz_check(alto_catalog_encode(&origin, catalog, &again) == ALTO_OK);
    size_t same = again.size - 1; /* then ext, of which we write an empty one */
    fuzz_check(same < bytes.size && memcmp(again.data, bytes.data, same) == 0);
    alto_tree *back = decode(alto_buffer_slice(&again), &origin, &again_status);
    alto_hash root = alto_state_root(catalog), back_root = alto_state_root(back);
    fuzz_check(again_status == ALTO_OK && alto_hash_equal(&root, &back_root));
    fuzz_check(!decode(bytes, &(alto_origin){{4}}, &status) && status == ALTO_WRONG_ORIGIN);
    alto_tree_release(catalog);
    alto_tree_release(back);
    alto_buffer_fini(&again);
}

/* Rows that are chosen, in a catalog that is as it has to be. */
static void check_rows(alto_reader *in)
{
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_CATALOG);
    size_t rows = fuzz_below(in, 5);
    alto_pack_array(&bytes, 4);
    alto_pack_text(&bytes, alto_slice_text("altocast-catalog-1"));
    alto_pack_bytes(&bytes, alto_slice_of(origin.bytes, sizeof origin.bytes));
    alto_pack_array(&bytes, rows);
    for (size_t i = 0; i < rows; i++) {
        uint8_t root[ALTO_HASH_SIZE] = {(uint8_t)i};
        alto_pack_array(&bytes, 3);
        alto_pack_text(&bytes, fuzz_part(in));
        alto_slice input = fuzz_part(in), entry = fuzz_part(in);
        if (input.size > 0)
            alto_pack_bytes(&bytes, input);
        else
            alto_pack_nil(&bytes);
        if (entry.size > 0) {
            alto_buffer_add_slice(&bytes, entry); /* any bytes */
            continue;
        }
        alto_pack_array(&bytes, 9);
        alto_pack_uint(&bytes, fuzz_below(in, 5));
        alto_pack_nil(&bytes);
        alto_pack_bytes(&bytes, alto_slice_of(root, sizeof root));
        for (unsigned number = 0; number < 3; number++)
            alto_pack_uint(&bytes, alto_reader_u32(in));
        alto_pack_nil(&bytes);
        alto_pack_array(&bytes, 0);
        alto_pack_uint(&bytes, fuzz_below(in, 5));
    }
    alto_pack_map(&bytes, 0);
    check_catalog(alto_buffer_slice(&bytes));
    alto_buffer_fini(&bytes);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    pool = alto_pool_new();
    fuzz_check(pool);
    if (fuzz_flag(&in))
        check_rows(&in);
    else
        check_catalog(fuzz_rest(&in));
    alto_pool_destroy(&pool);
}
