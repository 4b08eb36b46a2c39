/* SPDX-License-Identifier: Apache-2.0 */
/* Longest-prefix match: made from nothing and made from that of an earlier version it answers as a look at every prefix of the map
 * does; several addresses at once are answered as one by one.
 *
 * Longest input: 4096. */
#include "core/lpm.h"
#include "versions_made.h"

enum { ADDRESSES = 20 };

/* A prefix of the map that covers the address: which it is, and whose. */
typedef struct {
    const alto_endpoint *address;
    int length; /* of the longest so far; -1: none */
    alto_slice pid;
} best;

static bool covers(alto_slice key, const alto_endpoint *address)
{
    size_t bytes = address->family == 4 ? 4 : 16;
    if (key.size != bytes + 2 || key.data[0] != address->family || key.data[bytes + 1] > 8 * bytes)
        return false;
    for (unsigned i = 0; i < 8 * bytes; i++) {
        unsigned bit = 0x80u >> i % 8;
        unsigned of_key = key.data[1 + i / 8] & bit;
        bool counts = i < key.data[bytes + 1];
        if (of_key != (counts ? address->bytes[i / 8] & bit : 0))
            return false; /* also a key with bits beyond its length, which is none */
    }
    return true;
}

static void look_in_row(best *self, alto_slice pid, const alto_tree *items)
{
    alto_cursor cursor;
    for (alto_cursor_first(&cursor, items); alto_cursor_valid(&cursor); alto_cursor_next(&cursor)) {
        alto_slice key = alto_cursor_key(&cursor);
        int length = key.size ? key.data[key.size - 1] : 0;
        if (length > self->length && covers(key, self->address)) { /* PIDs ascend: of two the least has it */
            self->length = length;
            self->pid = pid;
        }
    }
}

static best look_everywhere(const alto_version *map, const alto_endpoint *address)
{
    best found = {.address = address, .length = -1};
    alto_cursor cursor;
    alto_cursor_first(&cursor, alto_version_tree(map));
    for (; alto_cursor_valid(&cursor); alto_cursor_next(&cursor)) {
        alto_slice row = alto_cursor_key(&cursor);
        if (row.data[0] == ALTO_ROW_PAYLOAD)
            look_in_row(&found, alto_slice_of(row.data + 1, row.size - 1), alto_cursor_value(&cursor).row);
    }
    return found;
}

static alto_endpoint choose_address(alto_reader *in)
{
    alto_endpoint address = {.family = fuzz_flag(in) ? 6 : 4};
    for (size_t i = 0; i < (address.family == 4 ? 4u : 16u); i++)
        address.bytes[i] = alto_reader_u8(in);
    return address;
}

static void check_answers(const alto_lpm *lpm, const alto_version *map, const alto_endpoint *addresses)
{
    const alto_pid *together[ADDRESSES];
    alto_lpm_pids(lpm, addresses, ADDRESSES, together);
    for (size_t i = 0; i < ADDRESSES; i++) {
        const alto_pid *pid = alto_lpm_pid(lpm, &addresses[i]);
        best expected = look_everywhere(map, &addresses[i]);
        fuzz_check(pid == together[i] && (pid != NULL) == (expected.length >= 0));
        if (pid)
            fuzz_check(alto_slice_equal(alto_pid_name(pid), expected.pid));
    }
}

static alto_lpm *make(const alto_lpm *before, const alto_version *map)
{
    alto_lpm *made = NULL;
    fuzz_check(alto_lpm_make(before, map, &made) == ALTO_OK);
    fuzz_check(alto_lpm_map(made) == map);
    return made;
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    alto_endpoint addresses[ADDRESSES];
    for (size_t i = 0; i < ADDRESSES; i++)
        addresses[i] = choose_address(&in);
    alto_pool *pool = alto_pool_new();
    fuzz_check(pool);
    alto_version *map = fuzz_version(&in, pool, ALTO_NETWORK_MAP, NULL);
    alto_lpm *lpm = make(NULL, map);
    check_answers(lpm, map, addresses);
    for (unsigned steps = fuzz_below(&in, 4); steps > 0; steps--) {
        alto_version *next = fuzz_version(&in, pool, ALTO_NETWORK_MAP, map);
        alto_lpm *followed = make(lpm, next), *anew = make(NULL, next);
        fuzz_check(alto_lpm_prefixes(followed) == alto_lpm_prefixes(anew));
        check_answers(followed, next, addresses);
        check_answers(lpm, map, addresses); /* as before */
        alto_lpm_release(anew);
        alto_lpm_release(lpm);
        alto_version_release(map);
        map = next;
        lpm = followed;
    }
    alto_lpm_release(lpm);
    alto_version_release(map);
    alto_pool_destroy(&pool);
}
