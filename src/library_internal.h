/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_LIBRARY_INTERNAL_H
#define DIVIDERE_LIBRARY_INTERNAL_H

/*  Does nothing. Whoever needs what src/library.c does before main calls it, so
 *  that a static link takes that file along.                                */
void dividere_library_linked (void);

#endif
