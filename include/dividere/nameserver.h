/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_NAMESERVER_H
#define DIVIDERE_NAMESERVER_H

#include <czmq.h>
#include <dividere/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A name server: services register, under a name that several may have, and
 *  clients ask where they are. Services and clients of the Python package work
 *  with it unchanged.
 *
 *      zactor_t *names = zactor_new (dividere_nameserver, NULL);
 *      dividere_call (names, NULL, -1, "BIND", "requests", NULL);
 *      dividere_call (names, NULL, -1, "BIND", "publish", NULL);
 *      dividere_call (names, NULL, -1, "BIND", "watch", NULL);
 *
 *  args is the name of the actor for the log, or NULL ("nameserver").
 *
 *  command   arguments        values          errors
 *  SET       NAME VALUE                       EINVAL, ENOENT, EBUSY; snapshot:
 *                                             EBADMSG (the file is not one),
 *                                             or an errno of open, read
 *  BIND      SIDE [ENDPOINT]  endpoint bound  EINVAL, EADDRINUSE, EMFILE,
 *                                             EPROTONOSUPPORT, those of
 *                                             zmq_bind
 *  LIST      [NAME]           name, server, port, instance (hexadecimal), lease
 *                             (ms; 0: none), release, age (ms since it was
 *                             heard of last) ...            ENOENT; without
 *                             NAME: E2BIG (over 10,000: ask by pages)
 *  REMOVE    NAME [SERVER PORT]               ENOENT, EINVAL
 *  REDISCOVER                                 EINVAL (nothing published)
 *  SNAPSHOT  (when it is written)             EINVAL (no file), EALREADY, or
 *                                             an errno of open, write, fsync,
 *                                             rename
 *  and those of every actor (dividere/actor.h).
 *
 *  Sides:
 *    requests  where all are served; tcp://'*':5000 where no endpoint is given
 *    publish   where services hear that they are to register again;
 *              tcp://'*':5001
 *    watch     where changes are pushed to registries; tcp://'*':5002
 *
 *  A service of this library renews its lease; when it does not, it is gone.
 *  One of the Python package knows no leases, but registers again at each
 *  RediscoverReq: it is gone after so many that it left unanswered, of those
 *  that are published at regular times. After the start RediscoverReq is also
 *  published as soon as somebody listens, during three of these intervals.
 *
 *  SET before the first BIND:
 *    snapshot     a file that has what is registered, read now if it is there,
 *                 and replaced as a whole by and by, by way of FILE.new; "":
 *                 none. At the end it is written if no more than 10,000 are
 *                 registered: it must not take long, and what is missing is
 *                 registered again
 *  SET at any time:
 *    rediscover   ms between two RediscoverReq (5000)
 *    rounds       of them, unanswered, until one without a lease is gone (3);
 *                 0: never
 *    lease        ms, for who wants the server's choice (5000)
 *    lease_max    ms; longer ones are granted so much (3600000)
 *    watch_interval  ms (3000): watchers say that they are there, and are gone
 *                 after three
 *    snapshot_interval  ms between two writings, if anything changed (1000);
 *                 at least nine times as long as a writing takes
 *    instances_max   in all (1100000); name_max: of one name (1000);
 *                 host_max: registered by one host (1000000)
 *    metadata_max    bytes of release and tags of one (1024)
 *    bytes_max       that all together take (512 MiB)
 *    watchers_max    in all (10000); watches_max: names of one (1000);
 *                 watches_total: of all watchers (1000000);
 *                 watcher_bytes: kept for one that does not read (1048576)
 *
 *  STATS: names, instances, leased, bytes, revision; registered, renewed,
 *  unregistered, expired (leases, and rounds), replaced (by another instance at
 *  the same place), conflicts (renewals of who was replaced), refused (what was
 *  wrong with it, or a limit), lookups, unknown (names that nobody has), listed
 *  (pages), malformed, rediscovered (times told), watchers, watches, pushed,
 *  push_dropped, reply_dropped, snapshots, snapshots_failed.
 *  Source: ServiceRegistry.Server of the Python package.                    */
DIVIDERE_EXPORT void dividere_nameserver (zsock_t *pipe, void *args);

#ifdef __cplusplus
}
#endif

#endif
