/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <dividere/message.h>
#include "events.h"

#define EVENTS_HWM 1000
#define LAST_MS    100 /* for the last event of an actor that has ended    */

int
dividere_events_bind (dividere_events_t *self, char **args, zmsg_t *values)
{
    if (!streq (args[0], "events"))
        return EINVAL;
    if (self->connector)
        return EBUSY;
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = EVENTS_HWM;
    options.send_timeout_ms = 0;
    options.linger_ms = LAST_MS;
    char *endpoint = zsys_sprintf ("@%s", args[1]);
    self->connector = dividere_dealer_new (endpoint, &options);
    int error = self->connector ? 0 : errno;
    freen (endpoint);
    if (self->connector)
        zmsg_addstr (values, dividere_connector_endpoint (self->connector));
    return error;
}

void
dividere_events_tell (dividere_events_t *self, const ProtobufCMessage *event)
{
    self->told++;
    if (self->connector && dividere_send (self->connector, event) < 0)
        self->dropped++;
}

void
dividere_events_close (dividere_events_t *self)
{
    dividere_connector_destroy (&self->connector);
}
