/* SPDX-License-Identifier: Apache-2.0 */
/* coding.h - the content codings of HTTP (RFC 9110 8.4.1) that answers come in: which one suits a client, and a whole text in one.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_CODING_H
#define ALTO_CODING_H

#include "core/bytes.h"

typedef enum { ALTO_IDENTITY, ALTO_GZIP, ALTO_ZSTD } alto_coding;
enum { ALTO_CODINGS = ALTO_ZSTD + 1 };

const char *alto_coding_name(alto_coding coding);
/* Does an Accept-Encoding list (NULL: none) allow it? */
bool alto_coding_allowed(const char *accept_encoding, alto_coding coding);
/* The one that a client likes best by that list. Among equals gzip, which all clients know, goes before zstd, so that most of them
 * share one form; and anything before identity. */
alto_coding alto_coding_choose(const char *accept_encoding);
/* The same for a text that is made for one client: among equals zstd, which is made sooner, goes first; identity where packing
 * gains nothing or would take long. */
alto_coding alto_coding_choose_once(const char *accept_encoding, uint64_t size);

/* Append `text` in that coding, made quickly rather than small. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_coding_pack(alto_coding coding, alto_slice text, alto_buffer *out);

#endif
