/* SPDX-License-Identifier: Apache-2.0 */

/*  Reading endpoints. Only what libzmq would get wrong is judged here; whether
 *  a host exists is for it to find out.                                      */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "endpoint.h"

#define IPC_PATH_MAX 107

static int
s_fail (int error)
{
    errno = error;
    return -1;
}

/*  A port: digits up to 65535, or "*". Not "00": libzmq would connect to it for
 *  ever.                                                                    */
static bool
s_is_port (const char *text, const char *end)
{
    if (end - text == 1 && *text == '*')
        return true;
    unsigned port = 0;
    if (text == end || end - text > 5 || (*text == '0' && end - text > 1))
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        port = port * 10 + (unsigned) (*text - '0');
    }
    return port <= 65535;
}

/*  A host and a port; the last colon divides them, except within brackets.  */
static bool
s_is_host_port (const char *text, const char *end)
{
    const char *colon = memrchr (text, ':', (size_t) (end - text));
    if (!colon || colon == text || !s_is_port (colon + 1, end))
        return false;
    if (*text == '[')
        return colon[-1] == ']' && colon - text > 2;
    return !memchr (text, ':', (size_t) (colon - text));
}

/*  "host:port", or "source:port;host:port".                                 */
static int
s_check_tcp (const char *name)
{
    const char *end = name + strlen (name);
    const char *divider = strchr (name, ';');
    if (divider && !s_is_host_port (name, divider))
        return s_fail (EINVAL);
    return s_is_host_port (divider ? divider + 1 : name, end) ? 0
                                                              : s_fail (EINVAL);
}

static int
s_check_address (const char *address)
{
    const char *name = strstr (address, "://");
    if (!name)
        return s_fail (EINVAL);
    name += 3;
    if (!*name)
        return s_fail (EINVAL);
    if (strncmp (address, "tcp://", 6) == 0)
        return s_check_tcp (name);
    if (strncmp (address, "ipc://", 6) == 0)
        return strlen (name) > IPC_PATH_MAX || strcmp (name, "@") == 0
                   ? s_fail (EINVAL)
                   : 0;
    return strncmp (address, "inproc://", 9) == 0 ? 0
                                                  : s_fail (EPROTONOSUPPORT);
}

static bool
s_is_space (char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*  The address from text to end, trimmed. Its characters are judged here.   */
static int
s_copy (const char *text, const char *end, dividere_endpoint_t *endpoint)
{
    while (text < end && s_is_space (*text))
        text++;
    while (text < end && s_is_space (end[-1]))
        end--;
    if (text < end && (*text == '@' || *text == '>')) {
        endpoint->role =
            *text == '@' ? DIVIDERE_ENDPOINT_BIND : DIVIDERE_ENDPOINT_CONNECT;
        text++;
    }
    size_t size = (size_t) (end - text);
    if (size == 0 || size > DIVIDERE_ENDPOINT_MAX)
        return s_fail (EINVAL);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char) text[i] <= ' ' || text[i] == 127)
            return s_fail (EINVAL);
    memcpy (endpoint->address, text, size);
    endpoint->address[size] = 0;
    endpoint->wildcard = strchr (endpoint->address, '*') != NULL;
    return 0;
}

int
dividere_endpoint_next (const char **list_p, dividere_endpoint_t *ret)
{
    assert (list_p && *list_p);
    assert (ret);
    const char *text = *list_p;
    if (!*text)
        return 0;
    /* A comma at the very end promises an endpoint that is not there.       */
    const char *comma = strchr (text, ',');
    const char *end = comma ? comma : text + strlen (text);
    dividere_endpoint_t endpoint = { .role = DIVIDERE_ENDPOINT_EITHER };
    if (comma && !comma[1])
        return s_fail (EINVAL);
    if (s_copy (text, end, &endpoint) < 0 ||
        s_check_address (endpoint.address) < 0)
        return -1;
    *ret = endpoint;
    *list_p = comma ? comma + 1 : end;
    return 1;
}

int
dividere_endpoint_one (const char *text, dividere_endpoint_t *ret)
{
    dividere_endpoint_t endpoint;
    const char *list = text;
    int rc = dividere_endpoint_next (&list, &endpoint);
    if (rc == 1 && !*list) {
        *ret = endpoint;
        return 0;
    }
    if (rc != -1)
        errno = EINVAL;
    return -1;
}

int
dividere_endpoint_bare (const char *text, dividere_endpoint_t *ret)
{
    dividere_endpoint_t endpoint;
    if (dividere_endpoint_one (text, &endpoint) < 0)
        return -1;
    if (endpoint.role != DIVIDERE_ENDPOINT_EITHER) {
        errno = EINVAL;
        return -1;
    }
    *ret = endpoint;
    return 0;
}

int
dividere_endpoint_check (const dividere_endpoint_t *self, bool bind)
{
    assert (self);
    const char *address = self->address;
    bool tcp = strncmp (address, "tcp://", 6) == 0;
    if (bind)
        return tcp && strchr (address, ';') ? s_fail (EINVAL) : 0;
    const char *target = strrchr (address, ';');
    target = target ? target + 1 : address;
    size_t size = strlen (target);
    if (tcp && (strchr (target, '*') ||
                (size > 1 && strcmp (target + size - 2, ":0") == 0)))
        return s_fail (EINVAL);
    return !tcp && strcmp (address, "ipc://*") == 0 ? s_fail (EINVAL) : 0;
}
