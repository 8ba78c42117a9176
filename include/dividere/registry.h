/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_REGISTRY_H
#define DIVIDERE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A client of name servers: finds services by name, is told when they come and
 *  go, and registers them.
 *
 *      dividere_registry_t *registry =
 *          dividere_registry_new ("tcp://127.0.0.1:5000");
 *      dividere_instances_t *found =
 *          dividere_registry_lookup (registry, "clock", 1000);
 *      if (found)
 *          printf ("%s\n", dividere_instances_at (found, 0)->server);
 *      dividere_instances_destroy (&found);
 *
 *  Several name servers know nothing of each other: what is registered is
 *  registered with each of them, and any of them is asked, another one where it
 *  does not answer. Names are UTF-8, 1 to 255 bytes. Where a name server or a
 *  service is given by the name of its host, libzmq's I/O thread resolves that,
 *  and all sockets wait while a DNS does not answer: addresses are better.
 *
 *  A registry starts no thread: leases are renewed, and changes received, in
 *  its calls that wait and in dividere_registry_process. It belongs to one
 *  thread at a time. A dividere_service registers itself, and a
 *  dividere_client_t can ask by name: most programs need no registry.
 *  Source: ServiceRegistry.Client of the Python package.                     */

typedef struct dividere_registry_t dividere_registry_t;

/*  One of the services that have a name.                                    */
typedef struct {
    const char *name;
    const char *server;  /* host or address; to register, NULL: the one that  */
                         /* this host has towards the name server             */
    int port;            /* 1 to 65535                                        */
    uint64_t instance;   /* its number, drawn at random; 0: a Python service; */
                         /* to register, 0: draw one                          */
    int lease_ms;        /* it goes when it is not renewed for so long; 0: no */
                         /* lease; to register, 0: the name server's choice,  */
                         /* -1: no lease                                      */
    const char *release; /* its version, for people; "" (or NULL): none  */
    const char *const *tags; /* ended by NULL; NULL: none. By convention     */
                             /* "key=value"                                  */
    bool native;             /* it is of this library; not for registering   */
} dividere_instance_t;

/*  servers: one endpoint or several, separated by commas, each followed by "|"
 *  and the endpoint where that name server publishes, unless it is tcp and
 *  publishes at the next port. NULL with EINVAL, EPROTONOSUPPORT, EMFILE.    */
DIVIDERE_EXPORT dividere_registry_t *dividere_registry_new (
    const char *servers);

/*  What it has registered stays there until its lease is over. Does not block;
 *  idempotent.                                                              */
DIVIDERE_EXPORT void dividere_registry_destroy (dividere_registry_t **self_p);

/*  A list of instances, the caller's.                                       */
typedef struct dividere_instances_t dividere_instances_t;

DIVIDERE_EXPORT void dividere_instances_destroy (dividere_instances_t **self_p);
DIVIDERE_EXPORT size_t
dividere_instances_count (const dividere_instances_t *self);

/*  Number index, from 0; as long as the list lives.                         */
DIVIDERE_EXPORT const dividere_instance_t *dividere_instances_at (
    const dividere_instances_t *self, size_t index);

/*  One instance of a name, in turn; or all. NULL with
 *    ENOENT     nobody has this name
 *    ENOTCONN   no name server could be reached within timeout_ms
 *    ETIMEDOUT  ... or none has answered
 *    EINVAL     a name that cannot be
 *    EPROTO     the answer makes no sense
 *    EINTR, ETERM
 *  A name server of the Python package tells one where all are asked for.   */
DIVIDERE_EXPORT dividere_instances_t *dividere_registry_lookup (
    dividere_registry_t *self, const char *name, int timeout_ms);
DIVIDERE_EXPORT dividere_instances_t *dividere_registry_lookup_all (
    dividere_registry_t *self, const char *name, int timeout_ms);

/*  All instances of all names. NULL as above, or with ENOTSUP: a name server of
 *  the Python package cannot tell.                                          */
DIVIDERE_EXPORT dividere_instances_t *dividere_registry_list (
    dividere_registry_t *self, int timeout_ms);

/*  Registers a service with every name server, and keeps it registered from
 *  here on: renewed, and registered again with a name server that has started
 *  anew. What it is given is copied. Returns 0 once one of them has it, or -1
 *  with
 *    EINVAL      name, server, port, lease or metadata cannot be
 *    EADDRINUSE  another instance of the name is at this server and port
 *    ENOBUFS     a limit of the name server
 *    ENOTCONN, ETIMEDOUT  none within timeout_ms, but it goes on trying
 *    EALREADY    it is registered by this registry; EINTR, ETERM
 *  An instance with a lease that nobody renews is gone after it; so call
 *  dividere_registry_process, or have no lease.                             */
DIVIDERE_EXPORT int dividere_registry_register (
    dividere_registry_t *self, const dividere_instance_t *instance,
    int timeout_ms);

/*  Takes what is at a server and port out of every name server that answers
 *  within timeout_ms, whoever registered it. server NULL: as registered by this
 *  registry. Returns 0, or -1 with ENOENT (it was not there), EINVAL,
 *  ENOTCONN, ETIMEDOUT, EINTR, ETERM.                                       */
DIVIDERE_EXPORT int dividere_registry_unregister (dividere_registry_t *self,
                                                  const char *name,
                                                  const char *server, int port,
                                                  int timeout_ms);

typedef enum {
    DIVIDERE_REGISTRY_ADDED = 1,
    DIVIDERE_REGISTRY_REMOVED, /* it has left, or its lease is over           */
    DIVIDERE_REGISTRY_CHANGED, /* other metadata, or another one in its place */
    DIVIDERE_REGISTRY_FRESH,   /* what was told of the name is all there is:  */
                               /* instance has its name only                  */
    DIVIDERE_REGISTRY_STALE    /* no name server can be asked; likewise       */
} dividere_registry_kind_t;

typedef struct {
    dividere_registry_kind_t kind;
    uint64_t revision; /* of the name server; 0: it has none                  */
    const dividere_instance_t *instance; /* until the next event is received  */
} dividere_registry_event_t;

/*  From here on dividere_registry_recv tells the instances of a name: those
 *  that are there (ADDED for each, then FRESH), and each change. Nothing is
 *  missed for good: where a message was lost, or another name server has to be
 *  asked, what differs is told. NULL watches all names, which a name server of
 *  the Python package cannot (ENOTSUP is then not found out here, but STALE is
 *  told); of one name it is asked once a second. 0, or -1 with EINVAL,
 *  EALREADY, ENOBUFS (1,000 names).                                         */
DIVIDERE_EXPORT int dividere_registry_watch (dividere_registry_t *self,
                                             const char *name);

/*  -1 with ENOENT: it is not watched.                                       */
DIVIDERE_EXPORT int dividere_registry_unwatch (dividere_registry_t *self,
                                               const char *name);

/*  The next event, waiting up to timeout_ms (-1: no limit). 0, or -1 with
 *  EAGAIN, EINTR, ETERM. While 100,000 events wait nothing is watched; what
 *  differs is told once half of them are received.                          */
DIVIDERE_EXPORT int dividere_registry_recv (
    dividere_registry_t *self, dividere_registry_event_t *ret_event,
    int timeout_ms);

/*  For a poll loop: a descriptor that is readable when
 *  dividere_registry_process has something to do, which then renews and
 *  receives what is due, without blocking, and returns how many events wait for
 *  dividere_registry_recv. The descriptor stays the registry's; -1 with EMFILE,
 *  ENFILE.                                                                  */
DIVIDERE_EXPORT int dividere_registry_fd (dividere_registry_t *self);
DIVIDERE_EXPORT size_t dividere_registry_process (dividere_registry_t *self);

#ifdef __cplusplus
}
#endif

#endif
