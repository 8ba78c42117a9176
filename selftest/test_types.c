/* SPDX-License-Identifier: Apache-2.0 */

/*  The type registry.                                                       */

#include "selftest.h"
#include <pthread.h>
#include <dividere.h>
#include "codec.pb-c.h"
#include "test.pb-c.h"
#include "types_internal.h"

void test_types (void);
void test_types_names (void);
void test_types_threads (void);

void
test_types (void)
{
    CHECK_FAILS (dividere_types_find ("testMsg01"), ENOENT);
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
    CHECK_INT (dividere_types_count (), 1);
    CHECK (dividere_types_find ("testMsg01") == &test_msg01__descriptor);

    const ProtobufCMessageDescriptor *types[] = {
        &selftest__everything__descriptor, &selftest__tree__descriptor,
        &msg01__descriptor, NULL
    };
    CHECK_INT (dividere_types_register_all (types), 0);
    CHECK_INT (dividere_types_count (), 4);
    CHECK (dividere_types_find ("selftest.Tree") ==
           &selftest__tree__descriptor);
    CHECK_FAILS (dividere_types_find ("Tree"), ENOENT);
    CHECK (dividere_types_find_short ("Tree") == &selftest__tree__descriptor);
    CHECK (dividere_types_find_url ("type.googleapis.com/selftest.Tree") ==
           &selftest__tree__descriptor);
    CHECK (dividere_types_find_url ("any/where/Msg01") == &msg01__descriptor);
    CHECK_FAILS (dividere_types_find_url ("type.googleapis.com/"), ENOENT);
    CHECK_FAILS (dividere_types_find (""), ENOENT);
}

/*  Another type of a name, a long name, a nameless type, an ambiguous one.  */
void
test_types_names (void)
{
    ProtobufCMessageDescriptor other = msg01__descriptor;
    CHECK_INT (dividere_types_register (&msg01__descriptor), 0);
    CHECK_FAILS (dividere_types_register (&other), EEXIST);
    other.name = "";
    CHECK_FAILS (dividere_types_register (&other), EINVAL);
    char name[DIVIDERE_TYPE_NAME_MAX + 2];
    memset (name, 'x', sizeof (name));
    name[sizeof (name) - 1] = 0;
    other.name = name;
    CHECK_FAILS (dividere_types_register (&other), ENAMETOOLONG);

    /* The longest: its topic is as long as libzmq 4.3.4 can subscribe to.   */
    name[DIVIDERE_TYPE_NAME_MAX] = 0;
    CHECK_INT (dividere_types_register (&other), 0);
    size_t size;
    const uint8_t *topic = dividere_types_topic (&other, &size);
    CHECK_INT (size, 245);
    CHECK_INT (topic[0], 0x0A);
    CHECK_INT (topic[1], 0x80 | (DIVIDERE_TYPE_NAME_MAX & 0x7F));
    CHECK_INT (topic[2], DIVIDERE_TYPE_NAME_MAX >> 7);
    CHECK_INT (memcmp (topic + 3, name, DIVIDERE_TYPE_NAME_MAX), 0);

    ProtobufCMessageDescriptor packaged = msg01__descriptor;
    packaged.name = "some.package.Msg01";
    CHECK (dividere_types_find_short ("Msg01") == &msg01__descriptor);
    CHECK_INT (dividere_types_register (&packaged), 0);
    CHECK_FAILS (dividere_types_find_short ("Msg01"), ENOTUNIQ);
    CHECK (dividere_types_find ("Msg01") == &msg01__descriptor);
    CHECK (dividere_types_find ("some.package.Msg01") == &packaged);
}

#define THREADS 8
#define TYPES   500

static ProtobufCMessageDescriptor s_types[TYPES];

/*  All register all, in different orders, and read while others write.      */
static void *
s_register (void *arg)
{
    uint64_t seed = (uint64_t) (uintptr_t) arg;
    for (int i = 0; i < 4 * TYPES; i++) {
        size_t at = selftest_random (&seed) % TYPES;
        CHECK_INT (dividere_types_register (&s_types[at]), 0);
        CHECK (dividere_types_find (s_types[at].name) == &s_types[at]);
    }
    return NULL;
}

void
test_types_threads (void)
{
    char names[TYPES][32];
    for (int i = 0; i < TYPES; i++) {
        snprintf (names[i], sizeof (names[i]), "thread.test.Type%d", i);
        s_types[i] = msg01__descriptor;
        s_types[i].name = names[i];
    }
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_INT (pthread_create (&threads[i], NULL, s_register,
                                   (void *) (i + 1)),
                   0);
    for (int i = 0; i < THREADS; i++)
        pthread_join (threads[i], NULL);
    for (int i = 0; i < TYPES; i++) {
        CHECK_INT (dividere_types_register (&s_types[i]), 0);
        CHECK (dividere_types_find_short (names[i] + 12) == &s_types[i]);
    }
    CHECK_INT (dividere_types_count (), TYPES);
    /* Each has an id of its own.                                            */
    bool seen[TYPES] = { false };
    for (int i = 0; i < TYPES; i++) {
        uint32_t id = dividere_types_entry (&s_types[i])->id;
        CHECK (id < TYPES && !seen[id]);
        seen[id] = true;
    }
}
