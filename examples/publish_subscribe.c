/* SPDX-License-Identifier: Apache-2.0 */

/*  Publish and subscribe with everything checked, over tcp.
 *
 *  The publisher waits until the subscriber's subscription is there: from then
 *  on nothing is lost, and nobody sleeps. The subscriber wants one type, and
 *  looks at what comes by its type.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc publish_subscribe.c guide.pb-c.c \
 *            $(pkg-config --cflags --libs dividere)                         */

#include <dividere.h>
#include "guide.pb-c.h"

#define DEADLINE_MS 10000

static int
s_fail (const char *what)
{
    perror (what);
    return 1;
}

static int
s_publish (dividere_connector_t *publisher)
{
    Msg01 message = MSG01__INIT;
    message.field1 = "abcd";
    if (dividere_wait_subscribers (publisher, &msg01__descriptor, 1,
                                   DEADLINE_MS) < 0)
        return s_fail ("waiting for a subscriber");
    if (dividere_send (publisher, &message.base) < 0)
        return s_fail ("sending");
    printf ("published Msg01 { field1: \"%s\" }\n", message.field1);
    return 0;
}

static int
s_receive (dividere_connector_t *subscriber)
{
    dividere_message_t *message = dividere_message_new ();
    int rc = dividere_recv_into (subscriber, message, DEADLINE_MS);
    const Msg01 *msg01 = DIVIDERE_MESSAGE_AS (message, Msg01, msg01);
    if (rc < 0)
        s_fail ("receiving");
    else if (!msg01)
        fprintf (stderr, "not a Msg01: %s\n", dividere_message_name (message));
    else
        printf ("received  Msg01 { field1: \"%s\" }\n", msg01->field1);
    dividere_message_destroy (&message);
    return msg01 ? 0 : 1;
}

int
main (void)
{
    int status = 1;
    dividere_connector_t *subscriber = NULL;
    dividere_connector_t *publisher =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    if (publisher)
        subscriber =
            dividere_subscriber_new (dividere_connector_endpoint (publisher),
                                     NULL);
    if (!subscriber || dividere_subscribe (subscriber, &msg01__descriptor) < 0)
        s_fail ("setting up");
    else if (s_publish (publisher) == 0)
        status = s_receive (subscriber);
    dividere_connector_destroy (&subscriber);
    dividere_connector_destroy (&publisher);
    return status;
}
