/* SPDX-License-Identifier: Apache-2.0 */
#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct {
    const char *name, *text;
} words;

#define ALTO_STATUS_WORDS(id, name, text) {name, text},
static const words table[] = {ALTO_STATUS_MAP(ALTO_STATUS_WORDS)};

static const words *words_of(alto_status status)
{
    static const words unknown = {"unknown", "unknown status"};
    return (unsigned)status < ALTO_STATUS_COUNT ? &table[status] : &unknown;
}

const char *alto_status_name(alto_status status)
{
    return words_of(status)->name;
}

const char *alto_status_text(alto_status status)
{
    return words_of(status)->text;
}

/* What came from outside may reach a terminal through a log line. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

alto_status alto_fail(alto_error *error, alto_status status, const char *where, const char *format, ...)
{
    if (!error)
        return status;
    error->status = status;
    snprintf(error->where, sizeof error->where, "%s", where ? where : "");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->why, sizeof error->why, format, arguments);
    va_end(arguments);
    make_printable(error->where);
    make_printable(error->why);
    return status;
}
