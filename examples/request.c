/* SPDX-License-Identifier: Apache-2.0 */

/*  The other half of a pair in two processes: asks and prints the answers.
 *
 *      request ENDPOINT [COUNT]
 *
 *  Each answer has a time limit; after one that did not come the same connector
 *  asks again, and an answer that comes too late is never taken for the next.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc request.c guide.pb-c.c $(pkg-config --cflags --libs dividere)  */

#include <dividere.h>
#include "guide.pb-c.h"

#define DEADLINE_MS 5000

int
main (int argc, char **argv)
{
    if (argc < 2) {
        fprintf (stderr, "usage: request ENDPOINT [COUNT]\n");
        return 2;
    }
    long count = argc > 2 ? strtol (argv[2], NULL, 10) : 3;
    dividere_connector_t *request = dividere_request_new (argv[1], NULL);
    if (!request) {
        perror (argv[1]);
        return 1;
    }
    int status = 0;
    dividere_message_t *message = dividere_message_new ();
    for (long i = 1; i <= count; i++) {
        char text[32];
        snprintf (text, sizeof (text), "question %ld", i);
        Msg02 question = MSG02__INIT;
        question.field1 = text;
        const Msg02 *answer = NULL;
        if (dividere_send (request, &question.base) == 0 &&
            dividere_recv_into (request, message, DEADLINE_MS) == 0)
            answer = DIVIDERE_MESSAGE_AS (message, Msg02, msg02);
        if (answer)
            printf ("answered: %s\n", answer->field1);
        else {
            perror (text);
            status = 1;
        }
    }
    dividere_message_destroy (&message);
    dividere_connector_destroy (&request);
    return status;
}
