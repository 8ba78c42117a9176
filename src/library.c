/* SPDX-License-Identifier: Apache-2.0 */

/*  What happens before main, and the version. CZMQ takes SIGINT and SIGTERM
 *  away from the application when its context is made, and ends loops when one
 *  arrives: a library must do neither, so that is turned off before any context
 *  can exist. The context itself starts no thread before the first socket.  */

#include <stdlib.h>
#include <czmq.h>
#include <sodium.h>
#include <dividere/library.h>
#include "library_internal.h"
#include "log_internal.h"

__attribute__ ((constructor)) static void
s_before_main (void)
{
    zsys_handler_set (NULL);
    /* CZMQ closes all sockets in a handler of exit: made the first, it comes
       after those that stop actors.                                         */
    zsys_init ();
    if (sodium_init () < 0)
        abort ();
    const char *debug = getenv ("DIVIDERE_DEBUG");
    if (debug && *debug && *debug != '0')
        dividere_log_set (DIVIDERE_LOG_DEBUG, NULL, NULL);
}

void
dividere_library_linked (void)
{
}

void
dividere_version (int *ret_major, int *ret_minor, int *ret_patch)
{
    *ret_major = DIVIDERE_VERSION_MAJOR;
    *ret_minor = DIVIDERE_VERSION_MINOR;
    *ret_patch = DIVIDERE_VERSION_PATCH;
}
