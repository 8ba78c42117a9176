/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_STOPPABLE_H
#define DIVIDERE_SELFTEST_STOPPABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <czmq.h>
#include <dividere.h>

/*  Every kind of actor, with what it takes to have it flooded and stopped.  */

typedef struct rig_t rig_t;

typedef struct {
    const char *name;
    void (*start) (rig_t *rig);
    int client;          /* type of what connects to the frontend, or -1     */
    int worker;          /* to the backend, or -1                            */
    const char *pattern; /* of a proxy                                       */
    bool pausable;
    bool blocking; /* a worker that does not read fills the client's queue   */
    bool lookups;  /* are what it is sent                                    */
} kind_t;

/*  An actor, the folder of its ipc endpoints, and its peers.                */
struct rig_t {
    const kind_t *kind;
    size_t threads; /* before it                                            */
    size_t fds;
    zactor_t *actor;
    dividere_connector_t *watched; /* by a monitor                           */
    char *folder;
    char frontend[256];
    char backend[256];
    char capture[256];
    char source[256]; /* a supervised reactor's                              */
    const char *setup[3];
    dividere_child_t children[2];
    zsock_t *client;
    zsock_t *worker;
    zsock_t *captor;
    zmq_msg_t message;
    pthread_t flood;
    bool flooded;
    atomic_size_t sent;
    atomic_bool ended;
};

#define STOPPABLE_MS     1 /* of a flood that finds no room                   */
#define STOPPABLE_LINGER "50"

/*  The kind of this name.                                                   */
const kind_t *stoppable (const char *name);

/*  Of a hundred actors, how many are of each kind; ended by NULL.            */
typedef struct {
    const char *name;
    size_t count;
} stoppable_share_t;

extern const stoppable_share_t stoppable_shares[];

void rig_init (rig_t *self, const char *name);

/*  A command that succeeds.                                                 */
void rig_call (rig_t *self, const char *command, const char *first,
               const char *second);

/*  Replies of reactors to one who does not read.                            */
extern atomic_size_t rig_refused;

#endif
