/* SPDX-License-Identifier: Apache-2.0 */
#include "io/descriptors.h"

#include <sys/resource.h>

enum { CUSTOMARY = 1024 };

uint64_t alto_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return CUSTOMARY;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        getrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur;
}
