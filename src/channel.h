/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CHANNEL_H
#define DIVIDERE_CHANNEL_H

#include <czmq.h>

/*  Between a process and its child: a pair of local sockets that keep the
 *  bounds of packets, needs no port and no file, and tells each side when the
 *  other is gone. A packet is one message of texts, each with its NUL: for the
 *  child, a command and its arguments; for the parent, a status in decimal and
 *  the values.                                                              */

#define DIVIDERE_PACKET_MAX 65536

/*  Takes the message. Never waits. 0, or -1 with EMSGSIZE, EAGAIN (the other
 *  side does not read), EPIPE (it is gone).                                 */
int dividere_channel_send (int fd, zmsg_t **message_p);

/*  Never waits. A message with a first frame, or NULL with EAGAIN (there is
 *  none now), EPIPE (the other side is gone), EPROTO (no texts, too many).  */
zmsg_t *dividere_channel_recv (int fd);

#endif
