/* SPDX-License-Identifier: Apache-2.0 */

#include "instance.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "print.h"

/*  host:port, where an address of IPv6 is in brackets.                      */
static void
s_print_endpoint (const dividere_instance_t *instance)
{
    bool bare = strchr (instance->server, ':') && *instance->server != '[';
    printf ("tcp://%s", bare ? "[" : "");
    print_plain (instance->server);
    printf ("%s:%d", bare ? "]" : "", instance->port);
}

static void
s_print_json (const dividere_instance_t *instance, bool whole)
{
    printf ("{\"name\": ");
    print_string (instance->name);
    if (whole) {
        printf (", \"endpoint\": \"");
        s_print_endpoint (instance);
        printf ("\", \"instance\": \"%016" PRIx64 "\", \"leaseMs\": %d",
                instance->instance, instance->lease_ms);
        printf (", \"release\": ");
        print_string (instance->release);
        printf (", \"tags\": [");
        for (const char *const *tag = instance->tags; tag && *tag; tag++) {
            printf ("%s", tag == instance->tags ? "" : ", ");
            print_string (*tag);
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
    print_plain (instance->name);
    if (!whole)
        return;
    putchar ('\t');
    s_print_endpoint (instance);
    printf ("\t%016" PRIx64 "\t%d\t", instance->instance, instance->lease_ms);
    print_plain (instance->release);
    putchar ('\t');
    for (const char *const *tag = instance->tags; tag && *tag; tag++) {
        printf ("%s", tag == instance->tags ? "" : ",");
        print_plain (*tag);
    }
}
