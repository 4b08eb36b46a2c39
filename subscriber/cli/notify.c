/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>

int command_notify(const command_options *options)
{
    int code = 0;
    for (size_t i = 0; i < options->upstream_count; i++) {
        char error[512];
        if (altocast_notify(options->upstreams[i], options->notify_key, &options->tls, (unsigned)options->timeout_s,
                            error, sizeof error))
            continue;
        fprintf(stderr, "alto-subscriber: %s\n", error);
        code = 1;
    }
    return code;
}
