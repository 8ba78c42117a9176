/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_REACTORS_H
#define DIVIDERE_SELFTEST_REACTORS_H

#include <dividere/process.h>

/*  The reactors that this program hosts as a child of itself.
 *
 *  obedient       does what field1 of a TestMsg01 says (reactors.c); answers
 *                 with its pid in field2
 *  refusing       its init hook returns EPERM
 *  crashing       its init hook is killed by signal 11
 *  stuck          its init hook prints the pid and does not return
 *  announcing     its init hook prints the pid
 *  lingering      likewise; its exit hook prints "leaving" and hangs
 *  leaving        likewise, but in a handler of exit
 *  unsent         its init hook sends on source-1
 *  plain          has no configuration                                      */
extern const dividere_process_reactor_t selftest_reactors[];

/*  A text in the names of descriptors that no child may have.               */
#define SELFTEST_PRIVATE "selftest-private"

#endif
