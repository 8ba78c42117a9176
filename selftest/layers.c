/* SPDX-License-Identifier: Apache-2.0 */

/*  Links the lower layers whole and without the actors: a call upwards does not
 *  link.                                                                    */

#include <dividere/library.h>

int
main (void)
{
    int major, minor, patch;
    dividere_version (&major, &minor, &patch);
    return major == DIVIDERE_VERSION_MAJOR ? 0 : 1;
}
