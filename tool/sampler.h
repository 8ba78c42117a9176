/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_SAMPLER_H
#define DIVIDERE_TOOL_SAMPLER_H

#include "command.h"
#include "sample.h"

/*  Asks components of a running system, again and again, what they do: actors
 *  at their introspection endpoints, and the services of this library that name
 *  servers know. One that does not answer, or not what it should, holds nobody
 *  up: it is said of it.                                                    */

typedef struct sampler_t sampler_t;

typedef struct {
    const char *where; /* endpoint that is asked                             */
    const char *trouble; /* what is wrong; "": nothing                       */
    const sample_t *sample; /* the last; time_ms is 0 where there is none    */
} sampled_t;

/*  endpoints (ended by NULL) and name servers (NULL: none) are asked each
 *  interval. NULL, told.                                                    */
sampler_t *sampler_new (const command_t *command, char *const *endpoints,
                        const char *servers, int interval_ms);
void sampler_destroy (sampler_t **self_p);

/*  Asks and takes answers until a time of zclock_mono, or (fd, -1: none) until
 *  that is readable.                                                        */
void sampler_wait (sampler_t *self, int fd, int64_t until_ms);

/*  Has everything that is known answered so often, or failed to?            */
bool sampler_is_complete (const sampler_t *self, int rounds);

/*  In order: those that were given, then by name.                           */
size_t sampler_count (const sampler_t *self);
void sampler_at (sampler_t *self, size_t index, sampled_t *ret_sampled);

/*  Name servers: their list, "" where there are none; how many instances of
 *  services they know; what is wrong, or "".                                */
const char *sampler_servers (const sampler_t *self, size_t *ret_instances,
                             const char **ret_trouble);

/*  All of it as an object of JSON, with a newline.                          */
void sampler_print_json (sampler_t *self, FILE *out);

#endif
