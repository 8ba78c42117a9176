/* SPDX-License-Identifier: Apache-2.0 */

/*  The types of the wire vectors.                                           */

#include <dividere/types.h>
#include "control.pb-c.h"
#include "selftest.h"
#include "test.pb-c.h"
#include "vector.h"

static const ProtobufCMessageDescriptor *const s_types[] = {
    &test_msg01__descriptor,
    &test_dt_msg01__descriptor,
    &test_dt_msg02__descriptor,
    &test_dt_msg03__descriptor,
    &test_dt_msg04__descriptor,
    &test_dt_msg05__descriptor,
    &test_dt_msg06__descriptor,
    &test_dt_msg07__descriptor,
    &test_dt_msg08__descriptor,
    &test_dt_msg09__descriptor,
    &test_dt_msg10__descriptor,
    &test_dt_msg11__descriptor,
    &test_dt_msg12__descriptor,
    &test_dt_msg13__descriptor,
    &test_dt_msg14__descriptor,
    &test_dt_msg15__descriptor,
    &test_nested_msg01__descriptor,
    &test_nested_msg02__descriptor,
    &my_service_req__descriptor,
    &my_service_rep__descriptor,
    &msg01__descriptor,
    &register_service__descriptor,
    &unregister_service__descriptor,
    &ack__descriptor,
    &rediscover_req__descriptor,
    &service_lookup_req__descriptor,
    &service_lookup_rep__descriptor,
    &shutdown_event__descriptor,
    &heartbeat__descriptor,
    NULL
};

void
vector_register_types (void)
{
    CHECK_INT (dividere_types_register_all (s_types), 0);
}
