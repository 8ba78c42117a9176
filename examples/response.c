/* SPDX-License-Identifier: Apache-2.0 */

/*  One half of a pair in two processes: a reactor that answers requests, until
 *  it has answered enough.
 *
 *      response [ENDPOINT [COUNT]]
 *
 *  Prints the endpoint that it is really at; run "request ENDPOINT" in another
 *  terminal. Requests that make no sense the reactor refuses and counts.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc response.c guide.pb-c.c $(pkg-config --cflags --libs dividere) */

#include <dividere.h>
#include "guide.pb-c.h"

#define DEADLINE_MS 10000

/*  What the handler works with; it runs in the reactor's thread.            */
typedef struct {
    long left;     /* requests still to answer                              */
    zsock_t *done; /* told when there are none                              */
} work_t;

static int
on_msg02 (dividere_context_t *context, const Msg02 *request)
{
    work_t *work = (work_t *) dividere_context_user (context);
    Msg02 reply = MSG02__INIT;
    reply.field1 = request->field1;
    if (dividere_context_reply (context, &reply.base) < 0)
        return errno;
    if (--work->left == 0)
        zstr_send (work->done, "done");
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg02, msg02, on_msg02),
    DIVIDERE_HANDLER_END,
};

/*  Starts answering at an endpoint and says where that is.                  */
static int
s_start (zactor_t *reactor, const char *endpoint)
{
    zmsg_t *reply = NULL;
    if (dividere_call (reactor, &reply, DEADLINE_MS, "ADD", "response",
                       endpoint, NULL) < 0 ||
        dividere_call (reactor, NULL, DEADLINE_MS, "START", NULL) < 0) {
        perror (endpoint);
        return 1;
    }
    free (zmsg_popstr (reply)); /* The name of the source.                   */
    char *bound = zmsg_popstr (reply);
    printf ("ready %s\n", bound + 1); /* Without the "@" of a bound one.     */
    fflush (stdout);
    free (bound);
    zmsg_destroy (&reply);
    return 0;
}

int
main (int argc, char **argv)
{
    const char *endpoint = argc > 1 ? argv[1] : "@tcp://127.0.0.1:*";
    zsock_t *waiting = zsock_new_pair ("@inproc://done");
    work_t work = { .left = argc > 2 ? strtol (argv[2], NULL, 10) : 3,
                    .done = zsock_new_pair (">inproc://done") };
    dividere_reactor_config_t config = { .handlers = s_handlers,
                                         .user = &work };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    int status = s_start (reactor, endpoint);
    if (status == 0)
        free (zstr_recv (waiting));
    if (dividere_stop (&reactor, DEADLINE_MS) < 0)
        status = 1;
    zsock_destroy (&work.done);
    zsock_destroy (&waiting);
    return status;
}
