/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - commits, heads and the catalog as bytes. Fields and their order: docs/wire-format.md.
 *
 * A signed object is a msgpack array that begins with its type and ends with an ext map, whose unknown keys are ignored.
 * Decoding bounds every count by the bytes that are there, so hostile input costs at most a small multiple of its
 * size. Only one encoding of a value is accepted: what was decoded encodes to the same bytes (but for ext).
 * Decoders copy nothing of variable size but what they say; slices borrow from the input.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_WIRE_H
#define ALTO_WIRE_H

#include "core/manifest.h"
#include "core/mapjson.h"

/* Where a commit stands. Order: epoch, then chain, then seq. */
typedef struct {
    uint32_t epoch;
    uint64_t chain; /* milliseconds since 1970 of the publisher's start, or more */
    uint64_t seq;   /* 1, 2, ... in a chain */
} alto_position;
int alto_position_compare(const alto_position *a, const alto_position *b);
/* "<epoch>.<chain>.<seq>" in decimal without leading zeros, and nothing else. */
bool alto_position_parse(const char *text, alto_position *out);
#define ALTO_POSITION_TEXT 64
void alto_position_text(const alto_position *position, char text[ALTO_POSITION_TEXT]);

enum { ALTO_ENTRY_REDISTRIBUTABLE = 1, ALTO_ENTRY_WITHHELD = 2 };

/* What the catalog says of one resource. */
typedef struct {
    alto_kind kind;
    char media_type[ALTO_MAX_MEDIA_TYPE + 1];
    alto_hash root;
    uint64_t rows, items;        /* of the version */
    uint64_t text_size;          /* bytes of its compact JSON */
    char tag[ALTO_MAX_NAME + 1]; /* of meta.vtag; "" when there is none */
    size_t dependency_count;
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    uint32_t flags; /* ALTO_ENTRY_* ; WITHHELD: held, but not to be shown until it matches its network map */
} alto_entry;

/* The media type that the kind implies (a document: application/json); written as nil on the wire. */
const char *alto_kind_media_type(alto_kind kind);

/* One resource's name: its ID and, for a filtered answer, its input parameters. */
typedef struct {
    alto_slice id;    /* 1..64 bytes, alto_name_valid, or '.' and a name (reserved ones) */
    alto_slice input; /* empty: none */
} alto_resource_name;

typedef struct {
    alto_resource_name name;
    bool has_from, has_entry; /* no entry: withdrawn */
    alto_hash from_root;
    alto_entry entry;
    uint64_t raw_size, size; /* of the payload; size 0: there is none (nothing but the entry changed) */
    alto_hash digest;        /* of the payload, ALTO_DOMAIN_PAYLOAD */
} alto_commit_change;

#define ALTO_DOMAIN_PAYLOAD "altocast-payload-1"
#define ALTO_DOMAIN_COMMIT "altocast-commit-hash-1"

typedef enum { ALTO_COMMIT = 1, ALTO_HEAD = 2 } alto_statement_type;

/* A commit or a head. */
typedef struct {
    alto_statement_type type;
    alto_origin origin;
    alto_key_id key_id;
    uint32_t manifest_epoch;
    uint32_t manifest_version;
    alto_position position; /* its epoch is manifest_epoch */
    bool has_prev;          /* commit: false at the beginning of a chain */
    alto_hash prev;
    alto_hash commit_hash; /* head: of the commit it speaks of; commit: of itself (filled by the decoder) */
    uint64_t issued_at_ms, valid_for_s;
    uint32_t interval_ms; /* head: until the next one */
    alto_hash state_root;
    size_t change_count;         /* commit */
    alto_commit_change *changes; /* owned by the statement when it was decoded */
} alto_statement;

/* Append the bytes of a commit or head (not the signature). Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE, ALTO_INVALID (a
 * field that no decoder would accept: changes not strictly ascending by name, valid_for_s 0, a bad tag...). */
alto_status alto_statement_encode(const alto_statement *statement, alto_buffer *out);
/* Errors: ALTO_MALFORMED, ALTO_WRONG_TYPE, ALTO_TOO_LARGE, ALTO_NO_MEMORY. Slices in *out borrow from `bytes`;
 * end with alto_statement_fini (on failure there is nothing to end, and ending it does no harm). */
alto_status alto_statement_decode(alto_slice bytes, alto_statement *out);
/* The same without `changes`, the commit_hash of a commit, and any look at what comes behind: who it is from, where it
 * stands and who is said to have signed it, in the same short time however many changes it claims. Nothing has to be ended. */
alto_status alto_statement_look(alto_slice bytes, alto_statement *out);
void alto_statement_fini(alto_statement *statement);
alto_hash alto_commit_hash(alto_slice commit_bytes);

/* A signed object as one file or HTTP body: the object, then its 64-byte signature. Errors: ALTO_MALFORMED (too short). */
alto_status alto_signed_split(alto_slice file, alto_slice *object, alto_signature *signature);

/* Catalog: an ordered tree (tree.h, text values) from resource name to entry. */
/* Key of a resource in the catalog tree: ID, NUL, input. */
void alto_catalog_key(const alto_resource_name *name, alto_buffer *out);
/* The inverse, borrowing from `key`; false when it is no such key. */
bool alto_catalog_name(alto_slice key, alto_resource_name *name);
/* Value of an entry in the catalog tree. Errors of encoding: ALTO_NO_MEMORY, ALTO_TOO_LARGE, ALTO_INVALID; of
 * decoding: ALTO_MALFORMED, ALTO_TOO_LARGE, ALTO_NO_MEMORY. */
alto_status alto_entry_encode(const alto_entry *entry, alto_buffer *out);
alto_status alto_entry_decode(alto_slice bytes, alto_entry *entry);
/* The state root: H("altocast-state-1", entries, hash of the catalog tree). */
alto_hash alto_state_root(const alto_tree *catalog);
/* The whole catalog as one object ("altocast-catalog-1", origin, [[ID, input, entry]...], ext). Unsigned: whoever
 * reads it compares alto_state_root with a signed one. Errors of encoding: ALTO_NO_MEMORY, ALTO_TOO_LARGE,
 * ALTO_INVALID (a key that names no resource); of decoding: ALTO_MALFORMED, ALTO_WRONG_TYPE, ALTO_WRONG_ORIGIN,
 * ALTO_TOO_LARGE, ALTO_NO_MEMORY. *out is owned by the caller, NULL for an empty catalog. */
alto_status alto_catalog_encode(const alto_origin *origin, const alto_tree *catalog, alto_buffer *out);
alto_status alto_catalog_decode(alto_pool *pool, alto_slice bytes, const alto_origin *origin, alto_tree **out);

/* Topics of push: type ('h' or 'p'), beginning of the origin, beginning of the hash of the resource's name. */
#define ALTO_TOPIC_SIZE 17
/* name: NULL for 'h', which is about all resources. */
void alto_topic(uint8_t topic[ALTO_TOPIC_SIZE], char type, const alto_origin *origin, const alto_resource_name *name);

#endif
