/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_BALANCED_H
#define DIVIDERE_SELFTEST_BALANCED_H

#include <stdbool.h>
#include <stddef.h>
#include <czmq.h>
#include <dividere.h>
#include "brokered.h"
#include "peer.h"
#include "vector.h"

/*  Clients, brokers and workers, each in C or in Python (peers/balance_*.py),
 *  of either dialect. The types of the vectors are to be registered before.  */

#define BALANCED_SIZE 160 /* of an endpoint                                  */

/*  Between heartbeats, in ms: of a Python broker, and of C workers until they
 *  are told another. Long, since the broker dies where a worker that is late
 *  was its only one.                                                        */
#define BALANCED_INTERVAL "500"

const char *balanced_dialect (bool bytes);

/*  An endpoint with a sign in front, as peers have it.                      */
void balanced_endpoint (char sign, const char *endpoint, char *ret_text);

typedef struct {
    peer_t *peer; /* if in Python                                            */
    brokered_t here;
    char frontend[BALANCED_SIZE];
    char backend[BALANCED_SIZE];
} balanced_broker_t;

void balanced_broker_open (balanced_broker_t *self, bool python, bool bytes);
void balanced_broker_open_python (balanced_broker_t *self, bool bytes,
                                  const char *interval, const char *frontend,
                                  const char *backend);

/*  Waits until it has so many workers, one more than before.                */
void balanced_broker_await (balanced_broker_t *self, size_t workers);

/*  Ends it; another one takes its place, and knows nothing.                 */
void balanced_broker_replace (balanced_broker_t *self, bool bytes);

/*  It has handed out so many requests, and passed a reply to each.          */
void balanced_broker_close (balanced_broker_t *self, size_t requests);

typedef struct {
    peer_t *peer;    /* if in Python                                         */
    zactor_t *actor; /* if in C                                              */
} balanced_worker_t;

/*  One that sends back what it is given.                                    */
void balanced_worker_open (balanced_worker_t *self, bool python, bool bytes,
                           const balanced_broker_t *broker);
zactor_t *balanced_worker_new (const dividere_worker_config_t *config,
                               const char *endpoint, bool bytes,
                               const char *interval);
peer_t *balanced_worker_python (const balanced_broker_t *broker, bool bytes,
                                const char *way);

/*  It has answered so many requests.                                        */
void balanced_worker_close (balanced_worker_t *self, size_t requests);

/*  A handler of bytes that sends them back.                                 */
int balanced_echo (dividere_context_t *context, const void *data, size_t size);

typedef struct {
    peer_t *peer; /* if in Python                                            */
    dividere_client_t *client;
    dividere_message_t *reply;
    bool bytes;
} balanced_client_t;

/*  Connected, if in C.                                                      */
void balanced_client_open (balanced_client_t *self, bool python, bool bytes,
                           const char *endpoint);
void balanced_client_send (balanced_client_t *self, const vector_t *vector);

/*  It is given back what it sent, without routing frames, at the first try. */
void balanced_client_expect (balanced_client_t *self, const vector_t *vector);

/*  Both of these.                                                           */
void balanced_client_ask (balanced_client_t *self, const vector_t *vector);

/*  So many requests were answered, if in C.                                 */
void balanced_client_close (balanced_client_t *self, size_t requests);

#endif
