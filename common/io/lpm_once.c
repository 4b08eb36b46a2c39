/* SPDX-License-Identifier: Apache-2.0 */
#include "io/lpm_once.h"

#include <pthread.h>

alto_status alto_lpm_once(const alto_resource *network_map, const alto_lpm **out)
{
    static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER; /* of all maps: they are made rarely */
    *out = alto_resource_lpm_made(network_map);
    if (*out)
        return ALTO_OK;
    pthread_mutex_lock(&making);
    alto_status status = alto_resource_lpm(network_map, out);
    pthread_mutex_unlock(&making);
    return status;
}
