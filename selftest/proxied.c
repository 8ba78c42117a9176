/* SPDX-License-Identifier: Apache-2.0 */

/*  A proxy under test, see proxied.h.                                       */

#include "proxied.h"
#include <dividere/actor.h>
#include <dividere/proxy.h>
#include "selftest.h"

static void
s_bind (proxied_t *self, const char *side, char *ret_endpoint)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (self->actor, &reply, SELFTEST_DEADLINE, "BIND",
                              side, "tcp://127.0.0.1:*", NULL),
               0);
    char *bound = zmsg_popstr (reply);
    snprintf (ret_endpoint, PROXIED_ENDPOINT_SIZE, ">%s", bound);
    free (bound);
    zmsg_destroy (&reply);
}

void
proxied_open (proxied_t *self)
{
    self->actor = zactor_new (dividere_proxy, NULL);
    s_bind (self, "frontend", self->frontend);
    s_bind (self, "backend", self->backend);
}

uint64_t
proxied_stat (proxied_t *self, const char *name)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (self->actor, &reply, SELFTEST_DEADLINE, "STATS",
                              NULL),
               0);
    uint64_t found = UINT64_MAX;
    while (zmsg_size (reply)) {
        char *key = zmsg_popstr (reply), *value = zmsg_popstr (reply);
        if (streq (key, name))
            found = strtoull (value, NULL, 10);
        free (key);
        free (value);
    }
    zmsg_destroy (&reply);
    CHECK (found != UINT64_MAX);
    return found;
}

void
proxied_close (proxied_t *self)
{
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
}
