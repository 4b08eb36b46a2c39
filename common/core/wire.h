/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - the signed objects and the catalog as bytes; wire.c is the only file
 * that knows msgpack-c. Fields and their order: docs/wire-format.md.
 *
 * A signed object is a msgpack array that begins with its type and ends with an ext map, whose unknown keys are ignored.
 * Decoding bounds every count by the bytes that are there before msgpack-c sees them, so hostile input costs at
 * most a small multiple of its size. Decoders copy nothing of variable size but what they say; slices borrow from the input.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_WIRE_H
#define ALTO_WIRE_H

#include "core/mapjson.h"

/* The name of an origin: the digest of its first root key set. */
typedef alto_hash alto_origin;
alto_origin alto_origin_of(unsigned threshold, const alto_public_key *roots, size_t count); /* keys in any order */

/* Where a commit stands. Order: epoch, then chain, then seq. */
typedef struct {
    uint32_t epoch;
    uint64_t chain; /* milliseconds since 1970 of the publisher's start, or more */
    uint64_t seq;   /* 1, 2, ... in a chain */
} alto_position;
int alto_position_compare(const alto_position *a, const alto_position *b);

enum { ALTO_ENTRY_REDISTRIBUTABLE = 1, ALTO_ENTRY_WITHHELD = 2 };

/* What the catalog says of one resource. */
typedef struct {
    alto_kind kind;
    char media_type[ALTO_MAX_MEDIA_TYPE + 1];
    alto_hash root;
    uint64_t rows, items;    /* of the version */
    uint64_t text_size;      /* bytes of its compact JSON */
    char tag[ALTO_MAX_NAME + 1]; /* of meta.vtag; "" when there is none */
    size_t dependency_count;
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    uint32_t flags;          /* ALTO_ENTRY_* ; WITHHELD: held, but not to be shown until it matches its network map */
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
    bool has_from, has_entry;  /* no entry: withdrawn */
    alto_hash from_root;
    alto_entry entry;
    uint64_t raw_size, size;   /* of the payload; size 0: there is none (nothing but the entry changed) */
    alto_hash digest;          /* of the payload, ALTO_DOMAIN_PAYLOAD */
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
    alto_position position;  /* its epoch is manifest_epoch */
    bool has_prev;           /* commit: false at the beginning of a chain */
    alto_hash prev;
    alto_hash commit_hash;   /* head: of the commit it speaks of; commit: of itself (filled by the decoder) */
    uint64_t issued_at_ms, valid_for_s;
    uint32_t interval_ms;    /* head: until the next one */
    alto_hash state_root;
    size_t change_count;           /* commit */
    alto_commit_change *changes;   /* owned by the statement when it was decoded */
} alto_statement;

/* Append the bytes of a commit or head (not the signature). Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_statement_encode(const alto_statement *statement, alto_buffer *out);
/* Errors: ALTO_MALFORMED, ALTO_WRONG_TYPE, ALTO_TOO_LARGE, ALTO_NO_MEMORY. Slices in *out borrow from `bytes`;
 * end with alto_statement_fini. */
alto_status alto_statement_decode(alto_slice bytes, alto_statement *out);
void alto_statement_fini(alto_statement *statement);
alto_hash alto_commit_hash(alto_slice commit_bytes);

/* A signed object as one file or HTTP body: the object, then its 64-byte signature. */
alto_status alto_signed_split(alto_slice file, alto_slice *object, alto_signature *signature);

/* Catalog: an ordered tree (tree.h, text values) from resource name to entry. */
/* Key of a resource in the catalog tree: ID, NUL, input. */
void alto_catalog_key(const alto_resource_name *name, alto_buffer *out);
bool alto_catalog_name(alto_slice key, alto_resource_name *name);
/* Value of an entry in the catalog tree. */
alto_status alto_entry_encode(const alto_entry *entry, alto_buffer *out);
alto_status alto_entry_decode(alto_slice bytes, alto_entry *entry);
/* The state root: H("altocast-state-1", entries, hash of the catalog tree). */
alto_hash alto_state_root(const alto_tree *catalog);
/* The whole catalog as one object ("altocast-catalog-1", origin, [[ID, input, entry]...], ext). */
alto_status alto_catalog_encode(const alto_origin *origin, const alto_tree *catalog, alto_buffer *out);
alto_status alto_catalog_decode(alto_pool *pool, alto_slice bytes, const alto_origin *origin, alto_tree **out);

/* Manifest: which online keys sign for an origin. */
typedef struct {
    alto_public_key key;
    uint64_t not_before_ms, not_after_ms;
} alto_online_key;
typedef struct {
    alto_origin origin;
    uint32_t epoch, version;
    uint64_t issued_at_ms, not_after_ms;
    unsigned threshold;
    size_t root_count;
    alto_public_key roots[ALTO_MAX_KEYS];
    size_t online_count;
    alto_online_key online[ALTO_MAX_KEYS];
    uint64_t max_pushed_payload; /* limits: bytes; larger payloads are announced only */
} alto_manifest;

alto_status alto_manifest_encode(const alto_manifest *manifest, alto_buffer *out);
alto_status alto_manifest_decode(alto_slice bytes, alto_manifest *out);
/* The manifest file: object, then one (8-byte root key id, 64-byte signature) for each signer, then their number in one byte. */
alto_status alto_manifest_sign(const alto_manifest *manifest, const alto_signing_key *const *roots, size_t count,
                               alto_buffer *out);
/* Decode and check against an anchor: the origin name and its root keys.
 * now_ms: wall clock. Errors: those of decoding; ALTO_WRONG_ORIGIN, ALTO_UNKNOWN_KEY (too few known signers),
 * ALTO_BAD_SIGNATURE, ALTO_EXPIRED, ALTO_FUTURE. */
typedef struct {
    alto_origin origin;
    unsigned threshold;
    size_t root_count;
    alto_public_key roots[ALTO_MAX_KEYS];
} alto_anchor;
alto_status alto_manifest_open(alto_slice file, const alto_anchor *anchor, uint64_t now_ms, alto_manifest *out);
/* An anchor from the text of a root.pub.pem: all its keys, and the threshold line before them
 * ("altocast-threshold: N"; 1 when absent; refused when absent and there are several keys). Errors: ALTO_MALFORMED. */
alto_status alto_anchor_from_pem(alto_slice pem, alto_anchor *out);
/* The online key with that ID that is valid at issued_at_ms; NULL when there is none. */
const alto_public_key *alto_manifest_key(const alto_manifest *manifest, const alto_key_id *id, uint64_t issued_at_ms);

/* Topics of push: 17 bytes. */
#define ALTO_TOPIC_SIZE 17
void alto_topic(uint8_t topic[ALTO_TOPIC_SIZE], char type, const alto_origin *origin, const alto_resource_name *name);

#endif
