/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SECURITY_H
#define DIVIDERE_SECURITY_H

#include <stdint.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Security is a folder, and one call:
 *
 *      if (dividere_security_load ("/etc/dividere") < 0)
 *          ...
 *
 *  From then on every socket that is made over tcp or ipc, by connectors,
 *  clients, registries and actors, is encrypted and authenticated in both
 *  directions (CURVE). Peers without keys, or with keys that the folder does
 *  not know, are refused. The folder has
 *
 *      own         the public key of this process     (dividere keygen FOLDER)
 *      own_secret  both keys, for its owner's eyes only
 *      servers     who must be where this process connects
 *      rights      who may do what with what this process binds
 *
 *  servers: lines of an endpoint, with a "*" at its end for anything, and a
 *  public key; the first that fits counts. A "#" begins a comment.
 *
 *      tcp://192.0.2.7:*  Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID
 *
 *  rights: "key NAME KEY" names a peer, "group NAME MEMBER ..." those named
 *  before, "allow WHO ACTION [OBJECT]" is a right; WHO and ACTION may be "*",
 *  an OBJECT may end with one.
 *
 *      action     object             who needs it
 *      request    service, endpoint  who asks a service or broker; a response,
 *                                    dealer or reactor at its endpoint
 *      serve      service            a worker, at a broker
 *      publish    endpoint           who sends to what is bound to receive
 *      subscribe  endpoint           who receives of what is bound to send
 *      register   name               a service, at a name server
 *      lookup     name               who asks a name server
 *      watch      name               who is told of changes; of all names: "*"
 *      stats      service, endpoint  who asks a service for its statistics, or
 *                                    an actor at its introspection endpoint
 *
 *  An endpoint is meant as it was given to be bound, or connected. Both files
 *  are read again within a second when they have changed. What a line of them
 *  gave, and gives no more, ends at once for brokers, services and name
 *  servers, and elsewhere with the connection. doc/security.md tells what is
 *  protected, and what is not.                                              */

/*  Loads a folder, and makes it what connectors, clients, registries and actors
 *  use that this process makes after this. Again: reads it anew. Starts one
 *  thread, that answers libzmq's questions about peers. 0, or -1 with
 *    ENOENT      there is no such folder, or a file is missing
 *    EPERM       others can read the secret key
 *    EBADMSG     a key file has no valid keys
 *    EINVAL      servers or rights cannot be read
 *    EADDRINUSE  something else answers for security in this process
 *  and the log says which file and line. Does not block; any thread.        */
DIVIDERE_EXPORT int dividere_security_load (const char *folder);

/*  What is made after this is plain; what is there stays as it is, but lets
 *  nobody in any more. At the end of a program, once all sockets are closed;
 *  also done at exit. (To exempt one: the option plain of a connector, SET
 *  security none of an actor.)                                              */
DIVIDERE_EXPORT void dividere_security_unload (void);

/*  What happened to peers that wanted to connect to this process.           */
typedef struct {
    uint64_t accepted;
    uint64_t unknown; /* their key has no name in rights                    */
    uint64_t denied;  /* ... has, but no right to this                      */
    uint64_t delayed; /* too many at a time: they come again by themselves  */
    uint64_t broken;  /* plain, or for another server key, or not to be read */
} dividere_security_stats_t;

DIVIDERE_EXPORT void dividere_security_stats (
    dividere_security_stats_t *ret_stats);

/*  A key pair, or a public key. Secrets are in locked memory, and wiped.    */
typedef struct dividere_keys_t dividere_keys_t;

/*  A new pair.                                                              */
DIVIDERE_EXPORT dividere_keys_t *dividere_keys_new (void);

/*  The pair of the file "PATH_secret" or, where there is none, the public key
 *  of PATH. The files are those of CZMQ's zcert. NULL with EPERM (others can
 *  read the secret), EBADMSG (no valid keys), ENAMETOOLONG, or an errno of
 *  open.                                                                    */
DIVIDERE_EXPORT dividere_keys_t *dividere_keys_load (const char *path);
DIVIDERE_EXPORT void dividere_keys_destroy (dividere_keys_t **self_p);

/*  Writes PATH, and PATH_secret (mode 0600) if there is a secret. -1 with
 *  EEXIST (nothing is replaced), or an errno of open.                       */
DIVIDERE_EXPORT int dividere_keys_save (const dividere_keys_t *self,
                                        const char *path);

/*  40 characters of Z85, as long as the keys live.                          */
DIVIDERE_EXPORT const char *dividere_keys_public (const dividere_keys_t *self);

#ifdef __cplusplus
}
#endif

#endif
