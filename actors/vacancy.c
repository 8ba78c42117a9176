/* SPDX-License-Identifier: Apache-2.0 */

/*  libzmq says nothing when it cannot accept a connection, but through events
 *  that come as fast as it tries again. Trying to have a descriptor tells as
 *  much, for one call a second.                                             */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <czmq.h>
#include "log_internal.h"
#include "vacancy.h"

#define LOOKS \
    3 /* that find one until it is said: at the edge they alternate  */

void
dividere_vacancy_judge (dividere_vacancy_t *self,
                        const dividere_endpoint_t *endpoint,
                        const dividere_demand_t *demand)
{
    char text[DIVIDERE_ROOM_TEXT];
    if (self->judged || strncmp (endpoint->address, "inproc:", 7) == 0)
        return;
    self->judged = true;
    if (!dividere_log_enabled (DIVIDERE_LOG_WARNING))
        return;
    dividere_room_t room;
    dividere_room_get (&room);
    bool enough = dividere_room_judge (&room, demand, text);
    dividere_log (enough ? DIVIDERE_LOG_INFO : DIVIDERE_LOG_WARNING, "%s",
                  text);
}

void
dividere_vacancy_look (dividere_vacancy_t *self, const char *who)
{
    if (!self->judged)
        return;
    int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
    bool full = fd < 0 && (errno == EMFILE || errno == ENFILE);
    if (fd >= 0)
        close (fd);
    self->clear = full ? 0 : self->clear + 1;
    if (full == self->full || (self->full && self->clear < LOOKS))
        return;
    self->full = full;
    int64_t now_ms = zclock_mono ();
    if (full)
        dividere_log (DIVIDERE_LOG_WARNING,
                      "%s: no descriptor is left: who is connected is served, "
                      "who connects waits until there is one, and libzmq keeps "
                      "a core busy trying",
                      who);
    else
        dividere_log (DIVIDERE_LOG_WARNING,
                      "%s: there are descriptors again, after %lld ms", who,
                      (long long) (now_ms - self->full_ms));
    self->full_ms = now_ms;
}
