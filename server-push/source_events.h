/* SPDX-License-Identifier: Apache-2.0 */
/* source_events.h - what a source of documents says to who reads them. */
#ifndef SOURCE_EVENTS_H
#define SOURCE_EVENTS_H

#include "core/bytes.h"

typedef struct {
    /* A document is there, with this text (borrowed during the call). name: what it is called without ".json", or its resource ID.
     * media_type: NULL when the source does not know. Says what became of it; anything but ALTO_OK and ALTO_KNOWN: refused. */
    alto_status (*changed)(void *context, const char *name, const char *media_type, alto_slice text);
    /* It is there no more, or may not be redistributed any more. */
    void (*removed)(void *context, const char *name);
    /* What came for it is nothing to go by: why, for people. It counts as neither changed nor removed. */
    void (*unreadable)(void *context, const char *name, const alto_error *error);
    /* What was read so far has waited long enough, though there is more to come. */
    void (*enough)(void *context);
    /* That was all for now. */
    void (*settled)(void *context);
    void *context;
} source_events;

#endif
