/* SPDX-License-Identifier: Apache-2.0 */

#include "instance.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*  With its quotes.                                                         */
static void
s_print_string (const char *text)
{
    putchar ('"');
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            printf ("\\%c", *text);
        else if ((unsigned char) *text < 32)
            printf ("\\u%04x", (unsigned) *text);
        else
            putchar (*text);
    putchar ('"');
}

/*  host:port, where an address of IPv6 is in brackets.                      */
static void
s_print_endpoint (const dividere_instance_t *instance)
{
    bool bare = strchr (instance->server, ':') && *instance->server != '[';
    printf ("tcp://%s%s%s:%d", bare ? "[" : "", instance->server,
            bare ? "]" : "", instance->port);
}

static void
s_print_json (const dividere_instance_t *instance, bool whole)
{
    printf ("{\"name\": ");
    s_print_string (instance->name);
    if (whole) {
        printf (", \"endpoint\": \"");
        s_print_endpoint (instance);
        printf ("\", \"instance\": \"%016" PRIx64 "\", \"leaseMs\": %d",
                instance->instance, instance->lease_ms);
        printf (", \"release\": ");
        s_print_string (instance->release);
        printf (", \"tags\": [");
        for (const char *const *tag = instance->tags; tag && *tag; tag++) {
            printf ("%s", tag == instance->tags ? "" : ", ");
            s_print_string (*tag);
        }
        printf ("]");
    }
    printf ("}");
}

void
instance_print (const dividere_instance_t *instance, bool whole, bool json)
{
    if (json) {
        s_print_json (instance, whole);
        return;
    }
    printf ("%s", instance->name);
    if (!whole)
        return;
    putchar ('\t');
    s_print_endpoint (instance);
    printf ("\t%016" PRIx64 "\t%d\t%s\t", instance->instance,
            instance->lease_ms, instance->release);
    for (const char *const *tag = instance->tags; tag && *tag; tag++)
        printf ("%s%s", tag == instance->tags ? "" : ",", *tag);
}
