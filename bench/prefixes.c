/* SPDX-License-Identifier: Apache-2.0 */
#include "prefixes.h"

#include <stdlib.h>

/* How long prefixes are: most of IPv4 are /24, most of IPv6 /48. */
static unsigned random_length(sim_random *random, bool ipv4)
{
    static const uint8_t ipv4_lengths[] = {24, 24, 24, 24, 24, 24, 24, 24, 24, 23, 22, 22, 21, 20, 19, 16};
    static const uint8_t ipv6_lengths[] = {48, 48, 48, 48, 48, 48, 48, 44, 40, 40, 36, 32, 32, 29, 56, 64};
    size_t at = sim_random_below(random, sizeof ipv4_lengths);
    return ipv4 ? ipv4_lengths[at] : ipv6_lengths[at];
}

static void random_prefix(sim_random *random, alto_prefix_key *out)
{
    bool ipv4 = sim_random_below(random, 10) < 7;
    unsigned bytes = ipv4 ? 4 : 16, length = random_length(random, ipv4);
    *out = (alto_prefix_key){.bytes = {ipv4 ? 4 : 6}, .size = (uint8_t)(bytes + 2)};
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t wild = (uint8_t)sim_random_next(random);
        unsigned kept = length > 8 * i ? length - 8 * i : 0;
        out->bytes[1 + i] = (uint8_t)(wild & 0xff00 >> (kept < 8 ? kept : 8));
    }
    if (!ipv4) { /* 2a00::/12, of which some ten thousand operators have a part */
        out->bytes[1] = 0x2a;
        out->bytes[2] &= 0x0f;
        out->bytes[3] &= 0x0f;
    }
    out->bytes[1 + bytes] = (uint8_t)length;
}

static int by_key(const void *a, const void *b)
{
    const bench_prefix *x = a, *y = b;
    return alto_slice_compare(alto_slice_of(x->key.bytes, x->key.size), alto_slice_of(y->key.bytes, y->key.size));
}

static int by_pid(const void *a, const void *b)
{
    const bench_prefix *x = a, *y = b;
    return x->pid == y->pid ? by_key(a, b) : x->pid < y->pid ? -1 : 1;
}

size_t bench_prefixes_draw(sim_random *random, size_t count, uint32_t pids, bench_prefix *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        random_prefix(random, &out[i].key);
    qsort(out, count, sizeof *out, by_key);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || by_key(&out[kept - 1], &out[i]) != 0)
            out[kept++] = out[i];
    for (size_t i = 0; i < kept; i++)
        out[i].pid = (uint32_t)sim_random_below(random, pids);
    qsort(out, kept, sizeof *out, by_pid);
    return kept;
}

alto_version *bench_prefixes_map(alto_pool *pool, const bench_prefix *prefixes, size_t count, size_t pids)
{
    alto_row_key *keys = bench_alloc((pids + 1) * sizeof *keys);
    alto_row_edit *rows = bench_alloc((pids + 1) * sizeof *rows);
    alto_edit *edits = bench_alloc(count * sizeof *edits), vtag;
    rows[0] = bench_meta_edit("vtag", BENCH_COSTS_DEPEND_ON, &keys[0], &vtag);
    size_t at = 0;
    for (size_t i = 0; i < pids; i++) {
        char name[BENCH_PID_TEXT];
        bench_pid_name(i, name);
        keys[i + 1] = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(name));
        rows[i + 1] = (alto_row_edit){.row = alto_row_key_slice(&keys[i + 1]), .edits = edits + at};
        for (; at < count && prefixes[at].pid == i; at++) {
            edits[at].key = alto_slice_of(prefixes[at].key.bytes, prefixes[at].key.size);
            rows[i + 1].count++;
        }
    }
    alto_version *made = NULL;
    bench_must(alto_version_edit(pool, ALTO_NETWORK_MAP, NULL, rows, pids + 1, &made), "network map");
    free(edits);
    free(rows);
    free(keys);
    return made;
}

alto_endpoint bench_address(sim_random *random, const bench_prefix *prefixes, size_t count)
{
    const alto_prefix_key *prefix = &prefixes[sim_random_below(random, count)].key;
    alto_endpoint made = {.family = prefix->bytes[0]};
    unsigned bits = made.family == 4 ? 32 : 128;
    memcpy(made.bytes, prefix->bytes + 1, prefix->size - 2U);
    for (unsigned i = prefix->bytes[prefix->size - 1]; i < bits; i++)
        made.bytes[i / 8] |= (uint8_t)((sim_random_next(random) & 1) << (7 - i % 8));
    return made;
}
