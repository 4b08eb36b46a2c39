/* SPDX-License-Identifier: Apache-2.0 */
/* front.h - the simulated ISP's ALTO server (RFC 7285): its directory at /directory, its maps, and what can be answered from them.
 *
 * It answers as a relay does, from commits of an origin that nobody follows, with a key that nobody ever sees.
 *
 * Threads: belongs to one thread; it starts threads that answer. */
#ifndef SIM_FRONT_H
#define SIM_FRONT_H

#include "isp.h"
#include "maps.h"

typedef struct sim_front sim_front;

/* Listen on "ADDR:PORT". Errors: those of alto_http_server_new; ALTO_NO_MEMORY. */
alto_status sim_front_new(const char *address, sim_front **out, alto_error *error);
void sim_front_destroy(sim_front **self); /* NULL is accepted */
/* "127.0.0.1:8080" with the real port. */
const char *sim_front_address(const sim_front *self);

/* Answer from the ISP as it is now, all maps at once. Errors: those of maps_make; ALTO_NO_MEMORY. */
alto_status sim_front_show(sim_front *self, const isp *network, maps_made *made, alto_error *error);

#endif
