/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_REACTOR_H
#define DIVIDERE_REACTOR_H

#include <czmq.h>
#include <dividere/actor.h>
#include <dividere/connector.h>
#include <dividere/handler.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A thread that receives typed messages from any number of connectors and
 *  calls a handler for each, by type. All handlers and hooks of one reactor run
 *  in its thread, one at a time.
 *
 *      static const dividere_handler_t handlers [] = {
 *          DIVIDERE_HANDLER (Msg01, msg01, on_msg01),
 *          DIVIDERE_HANDLER_END
 *      };
 *      dividere_reactor_config_t config = { .handlers = handlers };
 *      zactor_t *reactor = zactor_new (dividere_reactor, &config);
 *      dividere_call (reactor, NULL, -1, "ADD", "response",
 *                     "@tcp://127.0.0.1:5555", NULL);
 *      dividere_call (reactor, NULL, -1, "START", NULL);
 *
 *  command  arguments                 values             errors
 *  ADD      KIND ENDPOINTS [TYPE...]  name, endpoints    EINVAL (kind, name),
 *                                     as really bound    ENOENT (type), EEXIST,
 *                                                        dividere_connector_new
 *  REMOVE   NAME                                         ENOENT
 *  LIST                               name, kind, endpoints ... (triples)
 *  START                                                 EALREADY, those of
 *                                                        the init hook
 *  PAUSE, RESUME                                         EINVAL (not started)
 *  and those of every actor (dividere/actor.h).
 *
 *  ADD: KIND is publisher, subscriber, request, response or dealer, and may be
 *  followed by "=NAME" to name the source ("response=front"); without, it is
 *  named source-1, source-2 ... A subscriber gets the TYPEs, and where there
 *  are none the types that have a handler.
 *
 *  STATS: sources, received, sent, handled, failed (a handler returned other
 *  than 0), replied, unhandled, unknown_type, malformed, too_large, too_deep,
 *  bad_text, over_budget, missed, dropped, refused, wakeups.
 *
 *  A request source asks in turn; sending again gives up the answer before.
 *  Nothing is received before START. Stopping runs the exit hook (if init ran
 *  and succeeded), then destroys the sources. A handler that does not return
 *  keeps the reactor from stopping: dividere_stop then names it.
 *  Source: MtMsgReactor of the Python package.                              */
DIVIDERE_EXPORT void dividere_reactor (zsock_t *pipe, void *args);

/*  Copied when the actor starts; what it points to must outlive the actor.
 *  Everything may be NULL or 0.                                             */
typedef struct {
    const char *name; /* for the log; "reactor"                            */
    const dividere_handler_t *handlers;
    void *user; /* dividere_context_user                                   */

    /*  In the reactor's thread: on START, before anything is received (other
     *  than 0 refuses the start with that errno); and last of all.         */
    int (*on_init) (dividere_context_t *context);
    void (*on_exit) (dividere_context_t *context);

    /*  Whenever nothing was received for idle_ms; every timer_ms.          */
    void (*on_idle) (dividere_context_t *context);
    int idle_ms;
    void (*on_timer) (dividere_context_t *context);
    int timer_ms;

    /*  A message whose type has no handler; a message that was refused, with
     *  the errno that dividere_recv would give; a handler that returned other
     *  than 0, with what it returned.                                      */
    void (*on_unhandled) (dividere_context_t *context);
    void (*on_refused) (dividere_context_t *context, int error);
    void (*on_failed) (dividere_context_t *context, int error);
} dividere_reactor_config_t;

/*  Adds a connector that was made elsewhere, under a name (NULL: source-N).
 *  The reactor owns it from here on, and *connector_p is nulled; on failure,
 *  after a time-out too, it stays the caller's. Blocks up to timeout_ms (-1: no
 *  limit). Returns 0, or -1 with an errno of dividere_call, or EEXIST.      */
DIVIDERE_EXPORT int dividere_reactor_add (zactor_t *reactor,
                                          dividere_connector_t **connector_p,
                                          const char *name, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
