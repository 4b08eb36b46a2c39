/* SPDX-License-Identifier: Apache-2.0 */
/* lpm_trie.h - prefixes of one address family, each with a number, found by the longest that matches.
 *
 * A trie whose nodes look at six bits of the address. A node holds the prefixes that end within its six bits, in
 * bitmaps and a packed array, so that memory goes with the prefixes (at most three nodes for one) and a lookup among
 * a million IPv4 prefixes touches four or five nodes. Levels in which nothing branches are skipped.
 *
 * Nodes are reference-counted and shared between tries: a copy costs nothing, an edit copies the nodes on its way
 * that others own too. A trie is a pointer to its top node; NULL is the empty one.
 *
 * Threads: a trie that is not edited may be read, retained and released in any thread. */
#ifndef ALTO_LPM_TRIE_H
#define ALTO_LPM_TRIE_H

#include "core/status.h"

#include <stdint.h>

typedef struct alto_trie alto_trie;

/* Bits of an address or prefix, the first one highest; IPv4 has the first 32 of them. Bits beyond are zero. */
typedef struct {
    uint64_t high, low;
} alto_trie_key;

/* One more owner; returns `trie`. NULL is accepted. */
alto_trie *alto_trie_retain(const alto_trie *trie);
/* One owner less; frees what nobody owns any more. NULL is accepted. */
void alto_trie_release(const alto_trie *trie);

/* A search for the longest prefix that matches an address. */
typedef struct {
    const alto_trie *trie;
    alto_trie_key address;
    bool found;
    uint32_t number; /* of the prefix, when found */
} alto_trie_search;

#define ALTO_TRIE_AT_ONCE 16
/* Do up to ALTO_TRIE_AT_ONCE searches side by side: while the memory is waited for in one, others go on. */
void alto_trie_match(alto_trie_search *searches, size_t count);
/* The number of exactly this prefix; false when there is none. */
bool alto_trie_get(const alto_trie *trie, alto_trie_key prefix, unsigned length, uint32_t *number);

/* Give the prefix a number, also where it has one already.
 * trie       replaced where it has to be; other owners of the old one see nothing
 * length     up to 128; the bits of `prefix` beyond it are zero
 * Errors     ALTO_NO_MEMORY: as before */
alto_status alto_trie_put(alto_trie **trie, alto_trie_key prefix, unsigned length, uint32_t number);
/* Take away a prefix that is there.
 * Errors     ALTO_NO_MEMORY: the trie may only be released then */
alto_status alto_trie_drop(alto_trie **trie, alto_trie_key prefix, unsigned length);

#endif
