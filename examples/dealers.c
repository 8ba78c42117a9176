/* SPDX-License-Identifier: Apache-2.0 */

/*  Two dealers: either side sends whenever it likes, and routing frames in
 *  front of a message travel with it.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc dealers.c guide.pb-c.c $(pkg-config --cflags --libs dividere)  */

#include <dividere.h>
#include "guide.pb-c.h"

#define DEADLINE_MS 10000

/*  Receives one message and prints it with its routing frames.              */
static int
s_print_next (const char *who, dividere_connector_t *dealer)
{
    dividere_message_t *message = dividere_message_new ();
    if (dividere_recv_into (dealer, message, DEADLINE_MS) < 0) {
        perror (who);
        dividere_message_destroy (&message);
        return 1;
    }
    const dividere_route_t *route = dividere_message_route (message);
    printf ("%s:", who);
    for (size_t i = 0; i < dividere_route_count (route); i++) {
        size_t size;
        const char *frame =
            (const char *) dividere_route_frame (route, i, &size);
        printf (" [%.*s]", (int) size, frame);
    }
    char *text = dividere_text (dividere_message_object (message));
    printf (" %s { %s }\n", dividere_message_name (message), text);
    free (text);
    dividere_message_destroy (&message);
    return 0;
}

int
main (void)
{
    dividere_types_register (&msg01__descriptor);
    dividere_connector_t *left =
        dividere_dealer_new ("tcp://127.0.0.1:*", NULL);
    dividere_connector_t *right =
        left ? dividere_dealer_new (dividere_connector_endpoint (left), NULL)
             : NULL;
    if (!right) {
        perror ("dealers");
        return 1;
    }
    Msg01 message = MSG01__INIT;
    message.field1 = "from the left";
    int status = dividere_send (left, &message.base) < 0;
    status |= s_print_next ("right", right);

    dividere_route_t *route = dividere_route_new ();
    dividere_route_append (route, "client-1", 8);
    message.field1 = "from the right, with a route";
    status |= dividere_send_to (right, route, &message.base, DEADLINE_MS) < 0;
    status |= s_print_next ("left", left);

    dividere_route_destroy (&route);
    dividere_connector_destroy (&right);
    dividere_connector_destroy (&left);
    return status;
}
