/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - every bound on what a peer or a source may hand us, with its unit
 * and its reason. A number that somebody else claims is compared with one of
 * these before anything is allocated. */
#ifndef ALTO_LIMITS_H
#define ALTO_LIMITS_H

#define ALTO_HASH_SIZE 32      /* BLAKE2b-256, bytes */
#define ALTO_KEY_SIZE 32       /* Ed25519 public key, bytes */
#define ALTO_KEY_ID_SIZE 8     /* bytes */
#define ALTO_SIGNATURE_SIZE 64 /* Ed25519, bytes */

#define ALTO_MAX_NAME 64             /* bytes of a PID name, resource ID (RFC 7285 10.1, 10.2) or tag (10.3) */
#define ALTO_MAX_INPUT 4096          /* bytes of the input parameters that name a resource */
#define ALTO_MAX_MEDIA_TYPE 127      /* bytes */
#define ALTO_MAX_ITEM_KEY 1048576    /* bytes of one key in a tree: names are small, unknown address groups are not */
#define ALTO_MAX_TEXT 16777216       /* bytes of one JSON value kept as text */
#define ALTO_MAX_URL 2047            /* bytes */
#define ALTO_MAX_DIRECTORY 16777216  /* bytes of one directory (IRD) of a source */
#define ALTO_MAX_DIRECTORIES 64      /* directories of a source, links followed */
#define ALTO_MAX_DOCUMENT 2147483647 /* bytes of one source document */
#define ALTO_MAX_JSON_DEPTH 64       /* nested arrays and objects in any document */
#define ALTO_MAX_ROWS 4194304        /* PIDs of a map: 48 times the ASes of today's Internet */
#define ALTO_MAX_ITEMS 67108864      /* cells or prefixes of one resource: 8192 x 8192 */
#define ALTO_MAX_RESOURCES 4096      /* resources of one origin */
#define ALTO_MAX_DEPENDENCIES 16     /* dependent-vtags of one resource */

#define ALTO_MAX_STATEMENT 1048576     /* bytes of a signed commit or head */
#define ALTO_MAX_MANIFEST 65536        /* bytes of a manifest with its signatures */
#define ALTO_MAX_CATALOG 16777216      /* bytes of a catalog listing */
#define ALTO_MAX_KEYS 64               /* root keys or online keys in a manifest */
#define ALTO_MAX_PAYLOAD 1073741824    /* bytes of one delta */
#define ALTO_MAX_PUSHED_PAYLOAD 262144 /* bytes: above this a payload is announced and pulled, not pushed */
#define ALTO_MAX_BUNDLE 33554432       /* bytes of a bundle of commits: above this deltas and snapshots are cheaper */
#define ALTO_MAX_BUNDLE_COMMITS 16384  /* commits in it */
#define ALTO_MAX_FRAME 1114112      /* bytes of one ZeroMQ frame (ZMQ_MAXMSGSIZE): a statement, or a pushed payload */
#define ALTO_SNAPSHOT_BLOCK 1048576 /* raw bytes of one snapshot block */
#define ALTO_MAX_CLOCK_MS 120000 /* how far an origin's clock and ours may differ; no statement may be further ahead */
#define ALTO_MAX_AHEAD_MS 604800000 /* and how far its chain, which a publisher whose clock was ahead goes on with */

#endif
