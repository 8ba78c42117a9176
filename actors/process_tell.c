/* SPDX-License-Identifier: Apache-2.0 */

/*  What a process reactor tells about its child: to the log, to whoever reads
 *  its events, and as the reason in its status.                             */

#include <assert.h>
#include <stdarg.h>
#include "log_internal.h"
#include "process_internal.h"

void
dividere_process_tell (dividere_process_t *self, Dividere__ProcessEvent *event)
{
    const char *kind =
        protobuf_c_enum_descriptor_get_value (
            &dividere__process_event__kind__descriptor, (int) event->kind)
            ->name;
    event->name = (char *) dividere_actor_name (self->actor);
    event->restarts = self->restarts;
    dividere_log (event->kind == DIVIDERE__PROCESS_EVENT__KIND__GAVE_UP
                      ? DIVIDERE_LOG_ERROR
                      : DIVIDERE_LOG_INFO,
                  "%s: %s pid %d%s%s", event->name, kind, event->pid,
                  *event->reason ? ": " : "", event->reason);
    dividere_events_tell (&self->events, &event->base);
}

int
dividere_process_fail (dividere_process_t *self, int error, const char *format,
                       ...)
{
    char *reason = NULL;
    va_list args;
    va_start (args, format);
    int length = vasprintf (&reason, format, args);
    va_end (args);
    assert (length >= 0);
    freen (self->reason);
    self->reason = reason;
    self->error = error;
    dividere_log (DIVIDERE_LOG_ERROR, "%s: %s",
                  dividere_actor_name (self->actor), reason);
    return error;
}
