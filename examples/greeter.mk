# SPDX-License-Identifier: Apache-2.0
# The example with make, where the library is installed: make -f greeter.mk
CFLAGS += $(shell pkg-config --cflags dividere)
LDLIBS += $(shell pkg-config --libs dividere)

greeter: greeter.o greeter.pb-c.o greeter.dividere.o

greeter.o: greeter.dividere.h

%.pb-c.c %.pb-c.h %.dividere.c %.dividere.h: %.proto
	protoc --c_out=. --dividere_out=. $<
