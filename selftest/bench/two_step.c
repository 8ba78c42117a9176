/* SPDX-License-Identifier: Apache-2.0 */

/*  The reference of the codec.                                              */

#include "two_step.h"
#include "selftest.h"
#include "two_step.pb-c.h"

void
two_step_encode (const ProtobufCMessage *message, const char *url,
                 zmq_msg_t *ret_frame)
{
    TwoStep__Any any = TWO_STEP__ANY__INIT;
    any.type_url = (char *) url;
    any.value.len = protobuf_c_message_get_packed_size (message);
    any.value.data = (uint8_t *) malloc (any.value.len);
    protobuf_c_message_pack (message, any.value.data);
    TwoStep__Envelope envelope = TWO_STEP__ENVELOPE__INIT;
    envelope.msgname = (char *) message->descriptor->name;
    envelope.msg = &any;
    size_t size = two_step__envelope__get_packed_size (&envelope);
    CHECK_INT (zmq_msg_init_size (ret_frame, size), 0);
    two_step__envelope__pack (&envelope, (uint8_t *) zmq_msg_data (ret_frame));
    free (any.value.data);
}

ProtobufCMessage *
two_step_decode (const void *data, size_t size,
                 const ProtobufCMessageDescriptor *type)
{
    TwoStep__Envelope *envelope =
        two_step__envelope__unpack (NULL, size, (const uint8_t *) data);
    CHECK (envelope && envelope->msg);
    ProtobufCMessage *message = NULL;
    if (strcmp (envelope->msgname, type->name) == 0)
        message =
            protobuf_c_message_unpack (type, NULL, envelope->msg->value.len,
                                       envelope->msg->value.data);
    two_step__envelope__free_unpacked (envelope, NULL);
    return message;
}
