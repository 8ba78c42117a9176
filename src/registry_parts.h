/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_REGISTRY_PARTS_H
#define DIVIDERE_REGISTRY_PARTS_H

#include <czmq.h>
#include <dividere/client.h>
#include "control.h"
#include "instances.h"
#include "name_mirror.h"
#include "poller.h"
#include "registry_internal.h"
#include "security.h"

/*  What the files of the registry share: registry.c has its descriptor, timer
 *  and events, registry_servers.c the name servers and what they are asked,
 *  registry_calls.c the calls that wait, registry_standing.c what is
 *  registered, registry_watch.c what is watched.                            */

#define DIVIDERE_REGISTRY_NEVER INT64_MAX

typedef struct dividere_server_t dividere_server_t;
typedef struct dividere_asked_t dividere_asked_t;

/*  What an answer is for: reply is NULL where error is not 0 (an errno). The
 *  frame has libzmq's properties of its connection.                         */
typedef void (dividere_asked_fn) (dividere_registry_t *self,
                                  dividere_asked_t *asked,
                                  const ProtobufCMessage *reply, int error);

/*  A request under way.                                                     */
struct dividere_asked_t {
    dividere_server_t *server;
    uint64_t number; /* the client's                                        */
    dividere_asked_fn *answered;
    void *target; /* what it is for                                      */
    void *place;  /* in the list of the server                           */
};

/*  One name server.                                                         */
struct dividere_server_t {
    char *endpoint;
    char *publish;             /* NULL: none                                */
    dividere_client_t *client; /* ours                                      */
    zlistx_t *asked;           /* of dividere_asked_t, ours                  */
    bool native;               /* it has shown to be of this library         */
    char host[64]; /* its address, as the connection has it; "" unknown     */
    void *sub;     /* hears RediscoverReq, ours; NULL: nobody cares          */
    dividere_polled_t heard;
    uint64_t renewals;
    uint64_t rediscovered;
    int error; /* of the last registration                                  */
};

/*  The connection to the watch endpoint of the server that is asked.         */
typedef struct {
    size_t server;  /* its index                                           */
    char *endpoint; /* NULL: none is known                                 */
    void *handle;   /* a DEALER, ours                                      */
    void *sink;     /* libzmq's events of it, ours                         */
    dividere_polled_t polled;
    dividere_polled_t told;
    bool connected;
    uint32_t interval_ms; /* as it was told                                 */
    int64_t say_ms;       /* when all that is watched is said again         */
    int64_t heard_ms;
} dividere_watching_t;

struct dividere_registry_t {
    dividere_security_t *security; /* of all sockets                         */
    dividere_server_t *servers; /* ours                                     */
    size_t servers_count;
    dividere_control_t control;
    dividere_message_t *scratch;
    dividere_poller_t *poller; /* over SUBs, the watch and its sink           */
    int poll;                  /* over the poller, the clients and the timer */
    int timer;
    int64_t timer_ms;    /* when it fires; NEVER                             */
    zlistx_t *standings; /* ours                                            */
    size_t leaving;      /* unregistrations under way                        */
    zlistx_t *mirrors;   /* of what is watched, ours                         */
    dividere_watching_t watching;
    size_t failures;  /* name servers that did not answer, in a row          */
    int64_t look_ms;  /* when mirrors are looked at again                     */
    zlistx_t *events; /* ours                                               */
    size_t events_max; /* that wait                                         */
    void *last;        /* the event that was received last, ours              */
    bool resting; /* too many events wait: nothing is watched meanwhile   */
    bool ended;   /* the context is closed                              */
};

/*  registry.c. Waits until something is to be done, or the deadline (less than
 *  0: none). 0, or -1 with EAGAIN, EINTR, ETERM.                            */
int dividere_registry_wait (dividere_registry_t *self, int64_t deadline_ms);

/*  An event to be received.                                                 */
void dividere_registry_tell (dividere_registry_t *self,
                             dividere_registry_kind_t kind, uint64_t revision,
                             const dividere_instance_t *instance);

/*  registry_servers.c                                                       */
int dividere_servers_open (dividere_registry_t *self, const char *servers);
void dividere_servers_close (dividere_registry_t *self);

/*  Sends a request, whose answer is given in time to answered; unless target is
 *  forgotten. 0, or -1 with an errno of dividere_client_send.               */
int dividere_servers_ask (dividere_registry_t *self, dividere_server_t *server,
                          const ProtobufCMessage *request, int64_t deadline_ms,
                          dividere_asked_fn *answered, void *target);
void dividere_servers_forget (dividere_registry_t *self, void *target);

/*  Takes all answers that have come.                                        */
void dividere_servers_receive (dividere_registry_t *self);

/*  The address that this host has towards it; false: not known yet.         */
bool dividere_servers_local (const dividere_server_t *server, char *ret_local,
                             size_t size);

/*  A lookup, and what was found. Instances of a reply are copied.           */
void dividere_servers_lookup (Dividere__Wire__ServiceLookupReq *ret_request,
                              const char *name, uint32_t scope);
dividere_instances_t *dividere_servers_found (
    const Dividere__Wire__ServiceLookupRep *reply, const char *name);

/*  What an error of the protocol means.                                     */
int dividere_servers_errno (uint32_t error);

/*  registry_standing.c                                                      */
void dividere_standings_close (dividere_registry_t *self);
void dividere_standings_tick (dividere_registry_t *self, int64_t now_ms);
int64_t dividere_standings_next (const dividere_registry_t *self);

/*  Reads what a name server has published.                                  */
void dividere_standings_hear (dividere_registry_t *self,
                              dividere_server_t *server, size_t *left);

/*  How one stands: registered with any name server, or why not.             */
typedef struct dividere_standing_t dividere_standing_t;
dividere_standing_t *dividere_standings_find (const dividere_registry_t *self,
                                              const char *name, int port);
bool dividere_standing_stands (const dividere_registry_t *self,
                               const dividere_standing_t *standing,
                               int *ret_error);

/*  NULL: at the address of this host.                                       */
const char *dividere_standing_server (const dividere_standing_t *self);
void dividere_standing_remove (dividere_registry_t *self,
                               dividere_standing_t **self_p);

/*  registry_watch.c                                                         */
void dividere_watching_close (dividere_registry_t *self);
void dividere_watching_tick (dividere_registry_t *self, int64_t now_ms);
int64_t dividere_watching_next (const dividere_registry_t *self);

/*  Reads one of its sockets, *left messages at most.                        */
void dividere_watching_receive (dividere_registry_t *self,
                                dividere_polled_t *polled, size_t *left);

#endif
