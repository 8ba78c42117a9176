/* SPDX-License-Identifier: Apache-2.0 */

/*  The envelope's parser: the parts that it finds lie within the bytes, in
 *  which nothing else is read.                                               */

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "codec.pb-c.h"
#include "envelope_internal.h"
#include "fuzz.h"
#include "test.pb-c.h"

#define DEPTH 20

static bool
s_within (const uint8_t *part, size_t part_size, const uint8_t *data,
          size_t size)
{
    return part_size == 0 || (part >= data && part_size <= size &&
                              part - data <= (ptrdiff_t) (size - part_size));
}

void
fuzz_envelope (const uint8_t *data, size_t size)
{
    dividere_types_register (&test_msg01__descriptor);
    dividere_types_register (&selftest__tree__descriptor);
    /* A copy of just this size, so that a sanitizer sees its ends.          */
    uint8_t *bytes = (uint8_t *) malloc (size ? size : 1);
    assert (bytes);
    if (size)
        memcpy (bytes, data, size);
    dividere_envelope_t envelope;
    if (dividere_envelope_parse (bytes, size, DEPTH, &envelope) == 0) {
        assert (s_within (envelope.name, envelope.name_size, bytes, size));
        assert (s_within (envelope.url, envelope.url_size, bytes, size));
        assert (s_within (envelope.value, envelope.value_size, bytes, size));
        const dividere_type_t *type = dividere_envelope_type (&envelope);
        dividere_envelope_t expected;
        if (type && dividere_envelope_expect (bytes, size, type, &expected)) {
            assert (expected.value_size == envelope.value_size);
            assert (!envelope.value_size || expected.value == envelope.value);
            assert (!envelope.epoch && !envelope.sequence);
        }
    }
    free (bytes);
}
