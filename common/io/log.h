/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line per event on standard error: time, level, event, fields.
 *
 *   2026-01-02T03:04:05.678Z level=info event=commit seq=41 resource=cost-1 bytes=214
 *
 * Values with blanks or quotes are quoted; bytes that are not printable become '?'.
 * A line that would repeat within a second more than ALTO_LOG_BURST times per event is counted instead, and the count
 * follows in a line of its own (suppressed=N). Threads: any. */
#ifndef ALTO_LOG_H
#define ALTO_LOG_H

#include "core/status.h"

typedef enum { ALTO_LOG_ERROR, ALTO_LOG_WARN, ALTO_LOG_INFO, ALTO_LOG_DEBUG } alto_log_level;

#define ALTO_LOG_BURST 20

void alto_log_set_level(alto_log_level level); /* ALTO_LOG_ERROR until then */
bool alto_log_level_parse(const char *text, alto_log_level *level);
/* Where lines go instead of standard error (NULL: back to it); for the library, whose host may have its own log. */
void alto_log_set_sink(void (*sink)(void *context, alto_log_level level, const char *line), void *context);

/* alto_log(ALTO_LOG_INFO, "commit", "seq=%llu resource=%s", seq, id): the format gives the fields, key=value
 * separated by single blanks, a value may contain %s whose text must be passed through alto_log_value when it may hold blanks. */
void alto_log(alto_log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Quote `text` if needed, into `out`; returns out. */
const char *alto_log_value(const char *text, char *out, size_t room);
/* level=..., event, where=..., status=..., why=... from an alto_error. */
void alto_log_error(alto_log_level level, const char *event, const alto_error *error);

#endif
