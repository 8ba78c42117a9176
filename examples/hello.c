/* SPDX-License-Identifier: Apache-2.0 */
/*  The smallest program: one publisher, one subscriber, one message.
 *  Build: protoc-c --c_out=. guide.proto
 *         cc hello.c guide.pb-c.c $(pkg-config --cflags --libs dividere)    */
#include <dividere.h>
#include "guide.pb-c.h"

int
main (void)
{
    dividere_connector_t *out = dividere_publisher_new ("tcp://127.0.0.1:*", 0);
    dividere_connector_t *in =
        dividere_subscriber_new (dividere_connector_endpoint (out), 0);
    dividere_subscribe (in, &msg01__descriptor);
    dividere_wait_subscribers (out, &msg01__descriptor, 1, -1);

    Msg01 hello = MSG01__INIT;
    hello.field1 = "abcd";
    dividere_send (out, &hello.base);

    dividere_message_t *message = dividere_recv (in);
    const Msg01 *got = DIVIDERE_MESSAGE_AS (message, Msg01, msg01);
    printf ("got %s\n", got->field1);

    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
    return 0;
}
