/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>

static bool write_bytes(void *context, const void *bytes, size_t size)
{
    (void)context;
    return fwrite(bytes, 1, size, stdout) == size;
}

static int print_resource(session *self, const char *id)
{
    altocast_view *view = altocast_acquire(self->maps);
    const altocast_resource *resource = altocast_find(view, id);
    altocast_result result = resource ? altocast_write_json(resource, write_bytes, NULL) : ALTOCAST_NOT_FOUND;
    altocast_release(view);
    if (result == ALTOCAST_OK && putchar('\n') != EOF && fflush(stdout) == 0)
        return 0;
    fprintf(stderr, "alto-subscriber: %s: %s\n", id,
            result == ALTOCAST_NOT_FOUND ? "the origin has no such resource; `alto-subscriber status` lists what it has"
            : result == ALTOCAST_NOT_HELD ? "withheld until it fits its network map; try again later"
            : result == ALTOCAST_OK       ? "cannot write"
                                          : "out of memory");
    return 1;
}

int command_get(const command_options *options)
{
    session self;
    if (!session_open(&self, options, options->operand, NULL, NULL))
        return 1;
    int code = session_wait(&self, options);
    if (code == 0)
        code = print_resource(&self, options->operand);
    return session_close(&self, options, code);
}
