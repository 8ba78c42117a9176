/* SPDX-License-Identifier: Apache-2.0 */

#include "name_rules.h"
#include <string.h>
#include "utf8.h"

/*  Its size, 0 if it is empty, longer, or not text.                         */
static size_t
s_size (const char *text, size_t size_max)
{
    size_t size = text ? strnlen (text, size_max + 1) : 0;
    return size <= size_max && dividere_utf8_valid (text, size) ? size : 0;
}

dividere_name_error_t
dividere_name_check (const char *name)
{
    return s_size (name, DIVIDERE_NAME_MAX) ? DIVIDERE_NAME_OK
                                            : DIVIDERE_NAME_BAD_NAME;
}

dividere_name_error_t
dividere_name_check_place (const char *name, const char *server, int port)
{
    if (dividere_name_check (name))
        return DIVIDERE_NAME_BAD_NAME;
    size_t size = s_size (server, DIVIDERE_SERVER_MAX);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char) server[i] <= ' ' || server[i] == 127)
            return DIVIDERE_NAME_BAD_SERVER;
    if (!size)
        return DIVIDERE_NAME_BAD_SERVER;
    return port > 0 && port <= 65535 ? DIVIDERE_NAME_OK
                                     : DIVIDERE_NAME_BAD_PORT;
}

/*  Adds what a text takes; false if it is too much, or no text.             */
static bool
s_add (const char *text, size_t size_max, size_t *size)
{
    size_t more = strnlen (text, size_max + 1);
    *size += more + 1;
    return *size <= size_max && dividere_utf8_valid (text, more);
}

dividere_name_error_t
dividere_name_check_instance (const dividere_instance_t *instance,
                              size_t metadata_max, size_t *ret_metadata)
{
    dividere_name_error_t error =
        dividere_name_check_place (instance->name, instance->server,
                                   instance->port);
    if (error)
        return error;
    size_t size = 0, count = 0;
    const char *release = instance->release ? instance->release : "";
    bool good = s_add (release, metadata_max, &size);
    for (const char *const *tag = instance->tags; good && tag && *tag; tag++)
        good =
            ++count <= DIVIDERE_NAME_TAGS && s_add (*tag, metadata_max, &size);
    if (!good)
        return DIVIDERE_NAME_BAD_METADATA;
    if (ret_metadata)
        *ret_metadata = size;
    return DIVIDERE_NAME_OK;
}
