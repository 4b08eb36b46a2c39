/* SPDX-License-Identifier: Apache-2.0 */
/* prefix.h - addresses and address prefixes as text (RFC 7285 10.4), prefixes also as item keys (version.h).
 * Threads: none inside. */
#ifndef ALTO_PREFIX_H
#define ALTO_PREFIX_H

#include "core/bytes.h"

#define ALTO_PREFIX_KEY 18  /* bytes of the longest prefix key: family, 16 address bytes, length */
#define ALTO_PREFIX_TEXT 48 /* room for any prefix as text, NUL included */

typedef struct {
    uint8_t bytes[ALTO_PREFIX_KEY];
    uint8_t size; /* 6 or 18 */
} alto_prefix_key;

/* Read "192.0.2.0/24" (family 4: strict dotted quad, no leading zeros, RFC 4632 3.1) or
 * any RFC 4291 text form with "/len" (family 6: upper case, "::", embedded IPv4). Bits beyond the length are
 * cleared (T-11). No zone, no brackets, decimal length without leading zeros.
 * Errors: ALTO_INVALID. */
alto_status alto_prefix_parse(int family, alto_slice text, alto_prefix_key *key);
/* The same for a prefix at the beginning of `text`; it has *size bytes. */
alto_status alto_prefix_read(int family, alto_slice text, alto_prefix_key *key, size_t *size);

typedef struct {
    uint8_t family;    /* 4 or 6; ::ffff:192.0.2.1 is of family 6 and no other name for 192.0.2.1 */
    uint8_t bytes[16]; /* the first 4 of them, the others zero, or all */
} alto_endpoint;

/* Read an address, in the same forms as in a prefix, without length.
 * Errors: ALTO_INVALID. */
alto_status alto_endpoint_parse(int family, alto_slice text, alto_endpoint *address);
/* Read "ipv4:192.0.2.1" or "ipv6:2001:db8::1" (RFC 7285 10.4.1; the type is case-sensitive).
 * Errors: ALTO_INVALID, also for types of other addresses. */
alto_status alto_endpoint_parse_typed(alto_slice text, alto_endpoint *address);

#define ALTO_ENDPOINT_TEXT 48 /* room for any address with its type, NUL included */
/* Write an address with its type, IPv6 as RFC 5952. Returns the length. */
size_t alto_endpoint_format(const alto_endpoint *address, char text[ALTO_ENDPOINT_TEXT]);

/* Write a prefix key as text, IPv6 as RFC 5952. key has 6 or 18 bytes. Returns the length. */
size_t alto_prefix_format(alto_slice key, char text[ALTO_PREFIX_TEXT]);

#endif
