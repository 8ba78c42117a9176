/* SPDX-License-Identifier: Apache-2.0 */

/*  Packets to and from messages of texts.                                   */

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include "channel.h"

/*  The bytes that the texts of a message take.                              */
static size_t
s_packet_size (zmsg_t *message)
{
    return zmsg_content_size (message) + zmsg_size (message);
}

int
dividere_channel_send (int fd, zmsg_t **message_p)
{
    assert (message_p && *message_p);
    size_t size = s_packet_size (*message_p);
    if (size > DIVIDERE_PACKET_MAX) {
        zmsg_destroy (message_p);
        errno = EMSGSIZE;
        return -1;
    }
    char *packet = (char *) zmalloc (size + 1);
    char *at = packet;
    zframe_t *frame = zmsg_first (*message_p);
    for (; frame; frame = zmsg_next (*message_p)) {
        memcpy (at, zframe_data (frame), zframe_size (frame));
        at += zframe_size (frame) + 1;
    }
    zmsg_destroy (message_p);
    ssize_t rc = send (fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    int error = errno == ECONNRESET ? EPIPE : errno;
    freen (packet);
    errno = error;
    return rc < 0 ? -1 : 0;
}

static zmsg_t *
s_fail (char *packet, int error)
{
    freen (packet);
    errno = error;
    return NULL;
}

/*  That the other side ended without reading all that was sent to it is told
 *  once, ahead of what it sent itself.                                      */
static ssize_t
s_recv (int fd, char *packet)
{
    int flags = MSG_DONTWAIT | MSG_TRUNC;
    ssize_t size = recv (fd, packet, DIVIDERE_PACKET_MAX, flags);
    if (size < 0 && errno == ECONNRESET)
        size = recv (fd, packet, DIVIDERE_PACKET_MAX, flags);
    return size;
}

zmsg_t *
dividere_channel_recv (int fd)
{
    char *packet = (char *) zmalloc (DIVIDERE_PACKET_MAX);
    ssize_t size = s_recv (fd, packet);
    if (size <= 0)
        return s_fail (packet, size < 0 && errno == EAGAIN ? EAGAIN : EPIPE);
    if (size > DIVIDERE_PACKET_MAX || packet[size - 1] != 0)
        return s_fail (packet, EPROTO);
    zmsg_t *message = zmsg_new ();
    for (const char *at = packet; at < packet + size; at += strlen (at) + 1)
        zmsg_addstr (message, at);
    freen (packet);
    return message;
}
