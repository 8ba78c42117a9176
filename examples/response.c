/* SPDX-License-Identifier: Apache-2.0 */

/*  One half of a pair in two processes: answers requests, then ends.
 *
 *      response [ENDPOINT [COUNT]]
 *
 *  Prints the endpoint that it is really at; run "request ENDPOINT" in another
 *  terminal. A bad request is refused and the next one served.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc response.c guide.pb-c.c $(pkg-config --cflags --libs dividere) */

#include <dividere.h>
#include "guide.pb-c.h"

int
main (int argc, char **argv)
{
    const char *endpoint = argc > 1 ? argv[1] : "tcp://127.0.0.1:*";
    long left = argc > 2 ? strtol (argv[2], NULL, 10) : 3;
    dividere_connector_t *response = dividere_response_new (endpoint, NULL);
    if (!response || dividere_types_register (&msg02__descriptor) < 0) {
        perror (endpoint);
        return 1;
    }
    printf ("ready %s\n", dividere_connector_endpoint (response));
    fflush (stdout);
    while (left > 0) {
        dividere_message_t *message = dividere_recv (response);
        const Msg02 *request =
            message ? DIVIDERE_MESSAGE_AS (message, Msg02, msg02) : NULL;
        if (request) {
            Msg02 reply = MSG02__INIT;
            reply.field1 = request->field1;
            if (dividere_send (response, &reply.base) < 0)
                perror ("replying");
            left--;
        }
        else if (!message && errno == EINTR)
            break;
        else if (!message)
            perror ("refused");
        dividere_message_destroy (&message);
    }
    dividere_connector_destroy (&response);
    return 0;
}
