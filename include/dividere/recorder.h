/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RECORDER_H
#define DIVIDERE_RECORDER_H

#include <czmq.h>
#include <dividere/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A thread that records what is published, every frame as it came, with the
 *  time; dividere_recording_t reads it, "dividere replay" publishes it again.
 *
 *      zactor_t *recorder = zactor_new (dividere_recorder, NULL);
 *      dividere_call (recorder, NULL, -1, "SET", "folder", "flight", NULL);
 *      dividere_call (recorder, NULL, -1, "CONNECT", "source",
 *                     "tcp://127.0.0.1:5555", NULL);
 *      dividere_call (recorder, NULL, -1, "SUBSCRIBE", "", NULL);
 *      dividere_call (recorder, NULL, -1, "START", NULL);
 *
 *  args is the name of the actor for the log, or NULL ("recorder").
 *
 *  command    arguments        values          errors
 *  SET        NAME VALUE                       EINVAL, ENOENT, EBUSY
 *  BIND       source ENDPOINT  endpoint bound  EINVAL, EMFILE, EPROTONOSUPPORT,
 *                                              those of zmq_bind
 *  CONNECT    source ENDPOINT  endpoint        the same
 *  SUBSCRIBE  TYPE                             EMSGSIZE, EINVAL
 *  START                                       EINVAL (no folder), EALREADY,
 *                                              EEXIST, EMFILE, EAGAIN, errors
 *                                              of making and writing files
 *  FLUSH                                       EINVAL (not started), EBUSY, or
 *                                              why it cannot be written
 *  and those of every actor (dividere/actor.h).
 *
 *  SUBSCRIBE is for each type by its full name, which need not be known here;
 *  "" is everything. FLUSH answers when what was received before is in the
 *  file, or that a part of it is not, since the last FLUSH that answered.
 *
 *  SET before START:
 *    folder    of the recording; it is made where it is not there
 *    segment   bytes of one file (67108864, at least 65536), then another is
 *              begun
 *    quota     bytes of all files of the folder, 0: no limit (as without), else
 *              twice the segment or more; the oldest file goes
 *    append    1: where there is a recording already, go on with it; 0 (as
 *              without): EEXIST
 *    queue     bytes in memory that wait for the disk (67108864)
 *    interval  ms after which what was received is written (100)
 *  and before the first BIND or CONNECT:
 *    hwm       messages that libzmq queues (10000)
 *
 *  It never slows a publisher down: a thread of its own writes, and what finds
 *  the queue full, or cannot be written (a full disk, which is tried again
 *  every interval), is dropped, counted, and told in the recording at its
 *  place. The log has a warning when that begins. What was received in the last
 *  interval is lost when the process is killed; the rest can be read.
 *
 *  At the end the queue is written, so stopping takes as long as the disk does
 *  with it.
 *
 *  STATS, in messages: received, written, dropped, malformed (of more than one
 *  frame), waiting (for the disk), waiting_bytes; segments, bytes, deleted
 *  (segments, for the quota), error (errno of the last try to write; 0: it
 *  succeeded).                                                              */
DIVIDERE_EXPORT void dividere_recorder (zsock_t *pipe, void *args);

#ifdef __cplusplus
}
#endif

#endif
