/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_NAMED_H
#define DIVIDERE_SELFTEST_NAMED_H

#include <czmq.h>
#include <dividere.h>
#include "control.h"

/*  A name server, and peers of it made of bare sockets.                     */

typedef struct {
    zactor_t *actor;
    char *requests;
    char *publish;
    char *watch;
} named_t;

typedef Dividere__Wire__RegisterService named_register_t;
typedef Dividere__Wire__UnregisterService named_unregister_t;
typedef Dividere__Wire__Ack named_ack_t;
typedef Dividere__Wire__ServiceLookupReq named_lookup_t;
typedef Dividere__Wire__ServiceLookupRep named_found_t;
typedef Dividere__Wire__ServiceLookupRep__Instance named_one_t;
typedef Dividere__Wire__WatchNames named_watch_t;
typedef Dividere__Wire__NamesWatched named_watched_t;
typedef Dividere__Wire__NameChanged named_changed_t;

#define NAMED_TCP "tcp://127.0.0.1:*"

/*  Binds all sides to this endpoint, which has a "*"; SETs a NULL-terminated
 *  list of names and values before.                                         */
void named_start (named_t *self, const char *endpoint,
                  const char *const *settings);

/*  Ends it, and starts another one at the endpoints that it had.            */
void named_restart (named_t *self, const char *const *settings);
void named_stop (named_t *self);

void named_set (named_t *self, const char *name, const char *value);
uint64_t named_stat (named_t *self, const char *name);

/*  A command of up to two arguments (NULL: none), as dividere_call.         */
int named_command (named_t *self, const char *a, const char *b, const char *c);

/*  One socket, and what it heard last.                                      */
typedef struct {
    zsock_t *sock;
    dividere_control_t control;
    zmsg_t *heard;   /* all frames                                           */
    unsigned status; /* of the extension frame that came                     */
} named_peer_t;

/*  A REQ as in Python, or a DEALER, or a SUB that hears everything.         */
void named_connect (named_peer_t *self, int type, const char *endpoint);
void named_disconnect (named_peer_t *self);

/*  Sends a message, of a REQ or to the watch side; named_ask: of a DEALER, with
 *  an extension frame of this number.                                       */
void named_say (named_peer_t *self, const ProtobufCMessage *message);
void named_ask (named_peer_t *self, uint64_t number,
                const ProtobufCMessage *message);

/*  Receives a message that must be of this type; it lives until the next.   */
const ProtobufCMessage *named_hear (named_peer_t *self,
                                    const ProtobufCMessageDescriptor *type);
#define NAMED_HEAR(self, type, lower) \
    ((const Dividere__Wire__##type *) \
         named_hear (self, &dividere__wire__##lower##__descriptor))

/*  True if nothing comes for so long.                                       */
bool named_silent (named_peer_t *self, int timeout_ms);

/*  As a service and a client of the Python package do it: whether it worked,
 *  and the port (0: unavailable).                                           */
bool named_register (named_peer_t *self, const char *name, int port);
bool named_unregister (named_peer_t *self, const char *name, int port);
int named_lookup (named_peer_t *self, const char *name);

/*  As a service of this library does it: a registration of 127.0.0.1, and the
 *  error of the ack.                                                        */
int named_native (named_peer_t *self, const char *name, int port,
                  uint64_t instance, uint32_t lease_ms, bool renewal);

/*  All instances of a name, or (scope 2) a page.                            */
const named_found_t *named_list (named_peer_t *self, const char *name,
                                 uint32_t scope);

/*  Watches these names (ended by NULL), and returns how they stand.         */
const named_watched_t *named_watches (named_peer_t *self, ...);

#endif
