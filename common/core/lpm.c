/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lpm.h"

#include "core/lpm_trie.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { FAMILIES = 2, IPV4_KEY = 6 };

struct alto_lpm {
    atomic_uint refs;
    alto_version *map;          /* one reference */
    alto_trie *tries[FAMILIES]; /* IPv4, IPv6; the numbers are those of `pids` */
    alto_pids pids;             /* those that have prefixes */
    uint64_t listed;            /* prefixes in all PIDs together */
    uint64_t held;              /* prefixes in the tries: fewer where one is in several PIDs */
};

/* A prefix as the tries have it. */
typedef struct {
    unsigned family; /* index of the trie */
    alto_trie_key bits;
    unsigned length;
} prefix;

static uint64_t big_endian(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return ALTO_IN_BYTE_ORDER(64, word);
}

static alto_trie_key bits_of(const uint8_t address[16])
{
    return (alto_trie_key){big_endian(address), big_endian(address + 8)};
}

static alto_trie_key without_host_bits(alto_trie_key bits, unsigned length)
{
    if (length <= 64)
        return (alto_trie_key){length ? bits.high & UINT64_MAX << (64 - length) : 0, 0};
    return (alto_trie_key){bits.high, bits.low & UINT64_MAX << (128 - length)};
}

/* false: the item of a network map is not a prefix. */
static bool read_prefix(alto_slice item, prefix *out)
{
    bool ipv4 = item.size == IPV4_KEY && item.data[0] == ALTO_ITEM_IPV4;
    if (!ipv4 && (item.size != ALTO_PREFIX_KEY || item.data[0] != ALTO_ITEM_IPV6))
        return false;
    unsigned length = item.data[item.size - 1];
    if (length > (ipv4 ? 32 : 128))
        return false;
    uint8_t address[16] = {0};
    memcpy(address, item.data + 1, item.size - 2);
    *out = (prefix){ipv4 ? 0 : 1, without_host_bits(bits_of(address), length), length};
    return true;
}

/* ---- what changed, row by row ---- */

typedef struct {
    alto_lpm *self;
    const alto_lpm *before; /* NULL: none */
    uint32_t pid;           /* of the row at hand */
} making;

static alto_status add_prefix(const making *at, const prefix *added)
{
    alto_trie **trie = &at->self->tries[added->family];
    uint32_t other;
    at->self->listed++;
    if (!alto_trie_get(*trie, added->bits, added->length, &other))
        at->self->held++;
    else if (!at->before)
        return ALTO_OK; /* all of them come in order of names: the first one has it */
    return alto_trie_put(trie, added->bits, added->length, at->pid);
}

/* A prefix that moved to a PID which came before this one is not ours any more. */
static alto_status remove_prefix(const making *at, const prefix *removed)
{
    alto_trie **trie = &at->self->tries[removed->family];
    uint32_t holder;
    at->self->listed--;
    if (!alto_trie_get(*trie, removed->bits, removed->length, &holder) || holder != at->pid)
        return ALTO_OK;
    at->self->held--;
    return alto_trie_drop(trie, removed->bits, removed->length);
}

static alto_status on_item(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                           uint64_t rank_before, uint64_t rank_after)
{
    (void)after, (void)rank_before, (void)rank_after;
    const making *at = context;
    prefix changed;
    if (!read_prefix(key, &changed))
        return ALTO_OK;
    return before ? remove_prefix(at, &changed) : add_prefix(at, &changed);
}

/* The first prefix among the items of a row; false when there is none. */
static bool first_prefix(const alto_tree *items, prefix *out)
{
    alto_cursor at;
    for (alto_cursor_first(&at, items); alto_cursor_valid(&at); alto_cursor_next(&at)) {
        alto_slice key = alto_cursor_key(&at);
        if (key.size && key.data[0] > ALTO_ITEM_IPV6)
            break;
        if (read_prefix(key, out))
            return true;
    }
    return false;
}

/* The number of a PID with these items as it was before: that of any of its prefixes. */
static bool number_before(const making *at, const alto_tree *items, uint32_t *number)
{
    prefix any;
    return at->before && first_prefix(items, &any) &&
           alto_trie_get(at->before->tries[any.family], any.bits, any.length, number);
}

static alto_status on_row(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                          uint64_t rank_before, uint64_t rank_after)
{
    (void)rank_before, (void)rank_after;
    making *at = context;
    if (key.data[0] != ALTO_ROW_PAYLOAD)
        return ALTO_OK;
    const alto_tree *was = before ? before->row : NULL, *is = after ? after->row : NULL;
    prefix any;
    bool known = number_before(at, was, &at->pid), wanted = first_prefix(is, &any);
    alto_status status = ALTO_OK;
    if (wanted && !known)
        status = alto_pids_add(&at->self->pids, alto_slice_of(key.data + 1, key.size - 1), &at->pid);
    if (status == ALTO_OK && (wanted || known))
        status = alto_tree_diff(was, is, on_item, at);
    if (status == ALTO_OK && known && !wanted)
        status = alto_pids_remove(&at->self->pids, at->pid);
    return status;
}

/* ---- making ---- */

static bool has_prefixes_twice(const alto_lpm *self)
{
    return self->listed != self->held;
}

static alto_status begin(const alto_lpm *before, const alto_version *map, alto_lpm **out)
{
    alto_lpm *made = calloc(1, sizeof *made);
    if (!made)
        return ALTO_NO_MEMORY;
    atomic_init(&made->refs, 1);
    made->map = alto_version_retain(map);
    *out = made;
    if (!before)
        return ALTO_OK;
    for (size_t i = 0; i < FAMILIES; i++)
        made->tries[i] = alto_trie_retain(before->tries[i]);
    made->listed = before->listed;
    made->held = before->held;
    return alto_pids_copy(&before->pids, &made->pids);
}

alto_status alto_lpm_make(const alto_lpm *before, const alto_version *map, alto_lpm **out)
{
    if (before && has_prefixes_twice(before))
        before = NULL; /* it does not tell where a prefix is, besides the one PID that has it */
    alto_lpm *made = NULL;
    alto_status status = begin(before, map, &made);
    making at = {.self = made, .before = before};
    if (status == ALTO_OK)
        status = alto_tree_diff(before ? alto_version_tree(before->map) : NULL, alto_version_tree(map), on_row, &at);
    bool again = status == ALTO_OK && before && has_prefixes_twice(made);
    if (status == ALTO_OK && !again) {
        *out = made;
        return ALTO_OK;
    }
    alto_lpm_release(made);
    return again ? alto_lpm_make(NULL, map, out) : status;
}

alto_lpm *alto_lpm_retain(const alto_lpm *self)
{
    alto_lpm *lpm = (alto_lpm *)(uintptr_t)self;
    atomic_fetch_add_explicit(&lpm->refs, 1, memory_order_relaxed);
    return lpm;
}

void alto_lpm_release(const alto_lpm *self)
{
    alto_lpm *lpm = (alto_lpm *)(uintptr_t)self;
    if (!lpm || atomic_fetch_sub_explicit(&lpm->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < FAMILIES; i++)
        alto_trie_release(lpm->tries[i]);
    alto_pids_fini(&lpm->pids);
    alto_version_release(lpm->map);
    free(lpm);
}

/* ---- looking ---- */

const alto_version *alto_lpm_map(const alto_lpm *self)
{
    return self->map;
}

uint64_t alto_lpm_prefixes(const alto_lpm *self)
{
    return self->held;
}

void alto_lpm_pids(const alto_lpm *self, const alto_endpoint *addresses, size_t count, const alto_pid **pids)
{
    while (count > 0) {
        alto_trie_search searches[ALTO_TRIE_AT_ONCE];
        size_t some = count < ALTO_TRIE_AT_ONCE ? count : ALTO_TRIE_AT_ONCE;
        for (size_t i = 0; i < some; i++)
            searches[i] = (alto_trie_search){.trie = self->tries[addresses[i].family == 4 ? 0 : 1],
                                             .address = bits_of(addresses[i].bytes)};
        alto_trie_match(searches, some);
        for (size_t i = 0; i < some; i++)
            pids[i] = searches[i].found ? alto_pids_get(&self->pids, searches[i].number) : NULL;
        addresses += some;
        pids += some;
        count -= some;
    }
}

const alto_pid *alto_lpm_pid(const alto_lpm *self, const alto_endpoint *address)
{
    const alto_pid *pid;
    alto_lpm_pids(self, address, 1, &pid);
    return pid;
}
