/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CLIENT_INTERNAL_H
#define DIVIDERE_CLIENT_INTERNAL_H

#include <dividere/client.h>
#include <dividere/registry.h>
#include "client_asks.h"
#include "endpoint.h"
#include "poller.h"
#include "security.h"

/*  What the files of the client share: client.c has what the caller sees,
 *  client_links.c the sockets, client_asks.c what becomes of a request.     */

/*  One broker, or instance of a service.                                    */
typedef struct {
    size_t index;             /* of the link in asks, and in links           */
    void *handle;             /* a DEALER, ours                             */
    dividere_polled_t polled; /* its owner is this                          */
    void *sink;               /* what libzmq tells of its connection, ours  */
    bool tracked;             /* it tells all there is to tell              */
    bool connected;           /* as far as it has told                      */
    dividere_polled_t told;   /* likewise; its handle is the sink           */
    char *address;            /* that it is connected to, ours; NULL: bound  */
    bool secure;              /* it wants security                           */
    unsigned doubts;          /* handshakes that failed, in a row            */
    int64_t again_ms;         /* when to connect again what libzmq has given */
                              /* up; 0: it has not                           */
    uint64_t heard;           /* the last flush that has looked at the sink  */
    void *place;              /* of client_named.c, or NULL                 */
} dividere_client_link_t;

struct dividere_client_t {
    dividere_client_options_t options;
    dividere_security_t *security; /* of all links                           */
    char *service; /* ours, or NULL                                         */
    uint64_t id;   /* random; in each request                               */
    dividere_asks_t asks;
    dividere_client_link_t **links; /* ours, in the slots of those of asks  */
    size_t links_count;             /* slots                                */
    dividere_poller_t *poller;      /* over the sockets of all links         */
    dividere_message_t *scratch;    /* answers are received into it          */
    int poll;         /* over the poller and the timer                     */
    int timer;        /* a timerfd                                         */
    int64_t timer_ms; /* when it fires; -1: never; 0: at once              */
    struct dividere_client_named_t *named; /* ours; NULL: of brokers        */
    size_t given_up; /* links that libzmq does not connect any more         */
    uint64_t flushes;
    uint64_t malformed;
    dividere_trace_t trace; /* of the last result                            */
    bool traced;            /* it has one                                    */
    bool ended; /* the context is closed                                     */
};

/*  Makes a link for each endpoint of a list. 0, or -1 with EINVAL,
 *  EPROTONOSUPPORT, EMFILE, or an errno of dividere_attach.                 */
int dividere_client_open (dividere_client_t *self, const char *brokers);
void dividere_client_close (dividere_client_t *self);

/*  A link that comes and goes; native: its peer is of this library. NULL with
 *  EINVAL, EMFILE, or an errno of dividere_attach. What it had when it is
 *  closed is tried elsewhere.                                               */
dividere_client_link_t *dividere_client_open_link (
    dividere_client_t *self, const dividere_endpoint_t *endpoint, bool native);
void dividere_client_close_link (dividere_client_t *self,
                                 dividere_client_link_t **link_p);

/*  client_named.c: what a client by name has beside. NULL with EINVAL (the
 *  name), EPROTONOSUPPORT, EMFILE, ENFILE.                                  */
typedef struct dividere_client_named_t dividere_client_named_t;

dividere_client_named_t *dividere_client_named_new (dividere_client_t *client,
                                                    const char *name,
                                                    const char *nameservers);
void dividere_client_named_destroy (dividere_client_named_t **self_p);

/*  Its registry has something to do. At most *left events are taken; false:
 *  there are more. Links may be closed.                                     */
bool dividere_client_named_serve (dividere_client_named_t *self, size_t *left);

/*  Something has become of the instances of the name.                       */
void dividere_client_named_tell (dividere_client_named_t *self,
                                 const dividere_registry_event_t *event);

/*  The connection of a link broke; the link is closed later, if at all.     */
void dividere_client_named_lost (dividere_client_named_t *self,
                                 dividere_client_link_t *link);

/*  Closes and opens what is to be.                                          */
void dividere_client_named_sweep (dividere_client_named_t *self);

/*  When that is next; -1: not of its own.                                   */
int64_t dividere_client_named_due (const dividere_client_named_t *self);

/*  When a link is to be connected again; -1: none is.                       */
int64_t dividere_client_again_due (const dividere_client_t *self);

/*  Receives what there is, up to a limit, and sends what can be sent.       */
void dividere_client_receive (dividere_client_t *self);
void dividere_client_flush (dividere_client_t *self);

#endif
