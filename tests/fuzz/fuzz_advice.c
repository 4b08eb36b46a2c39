/* SPDX-License-Identifier: Apache-2.0 */
/* Advice on the ways to the newest state: what a server writes is read as it was meant; any other text is refused or understood within
 * bounds.
 *
 * Longest input: 2048. Dictionary: json. */
#include "core/advice.h"
#include "fuzz.h"
#include "io/archive_since.h"

#define LARGEST_NUMBER (UINT64_C(1) << 50) /* sums of such cannot wrap */

static alto_status read_advice(alto_slice text, alto_advice *out)
{
    fuzz_memory_begin();
    alto_status status = alto_advice_read(text, out);
    fuzz_check(fuzz_memory_most() <= 128 * text.size + 65536);
    fuzz_check(status == ALTO_OK || status == ALTO_MALFORMED || status == ALTO_TOO_LARGE);
    fuzz_check(out->resource_count <= ALTO_MAX_RESOURCES);
    return status;
}

static void check_text(alto_slice text)
{
    alto_advice advice;
    if (read_advice(text, &advice) == ALTO_OK) {
        fuzz_check(advice.commits_bytes <= LARGEST_NUMBER && advice.catalog_bytes <= LARGEST_NUMBER);
        for (size_t i = 0; i < advice.resource_count; i++) {
            const alto_advice_resource *resource = &advice.resources[i];
            fuzz_check(memchr(resource->id, 0, sizeof resource->id));
            fuzz_check(resource->delta_bytes <= LARGEST_NUMBER && resource->snapshot_bytes <= LARGEST_NUMBER);
        }
    }
    alto_advice_fini(&advice);
}

/* ---- what our servers write ---- */

static void choose_way(alto_reader *in, alto_way *way)
{
    static const char *const ids[] = {"net", "cost", ".ird", "a-b:c@d_e.f"};
    way->name.id = alto_slice_text(ids[fuzz_below(in, 4)]);
    way->has_from = fuzz_flag(in);
    memset(way->from.bytes, alto_reader_u8(in), sizeof way->from.bytes);
    memset(way->to.bytes, alto_reader_u8(in), sizeof way->to.bytes);
    way->held = fuzz_flag(in);
    way->delta_bytes = way->has_from ? alto_reader_u32(in) : 0;
    way->snapshot_bytes = 1 + alto_reader_u8(in);
}

static void check_way(const alto_way *way, const alto_advice_resource *resource)
{
    fuzz_check(alto_slice_equal(way->name.id, alto_slice_text(resource->id)));
    fuzz_check(alto_hash_equal(&way->to, &resource->to));
    fuzz_check(resource->has_delta == (way->delta_bytes > 0) && resource->delta_bytes == way->delta_bytes);
    fuzz_check(resource->snapshot_bytes == way->snapshot_bytes);
}

static void check_ways(alto_reader *in)
{
    alto_way chosen[6] = {{.has_from = false}};
    alto_ways ways = {.head = {.epoch = alto_reader_u8(in), .chain = alto_reader_u32(in), .seq = alto_reader_u32(in)},
                      .bundled = fuzz_flag(in),
                      .commits = alto_reader_u8(in),
                      .bundle_bytes = alto_reader_u32(in),
                      .count = fuzz_below(in, 7),
                      .ways = chosen};
    uint64_t catalog_bytes = alto_reader_u32(in);
    for (size_t i = 0; i < ways.count; i++)
        choose_way(in, &chosen[i]);
    alto_buffer text = alto_buffer_make(65536);
    alto_advice advice;
    alto_ways_write(&ways, catalog_bytes, &text);
    fuzz_check(read_advice(alto_buffer_slice(&text), &advice) == ALTO_OK);
    fuzz_check(alto_position_compare(&advice.head, &ways.head) == 0 && advice.catalog_bytes == catalog_bytes);
    fuzz_check(advice.has_commits == ways.bundled && (!ways.bundled || advice.commits_bytes == ways.bundle_bytes));
    size_t held = 0;
    for (size_t i = 0; i < ways.count; i++)
        if (chosen[i].held) {
            fuzz_check(held < advice.resource_count);
            check_way(&chosen[i], &advice.resources[held++]);
        }
    fuzz_check(held == advice.resource_count);
    alto_advice_fini(&advice);
    alto_buffer_fini(&text);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    if (fuzz_flag(&in))
        check_ways(&in);
    else
        check_text(fuzz_rest(&in));
}
