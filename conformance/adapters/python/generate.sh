#!/bin/sh
# Writes gen/ anew from the protocol's definitions (needs Debian's protobuf-compiler; running does not).
cd "$(dirname "$0")" && mkdir -p gen && protoc --proto_path=../../../proto --python_out=gen carillon/v1/common.proto carillon/v1/identity.proto carillon/v1/session.proto carillon/v1/gossip.proto carillon/v1/records.proto carillon/v1/reconciliation.proto carillon/v1/datagram.proto carillon/v1/dht.proto carillon/v1/mempool.proto carillon/v1/overlay.proto carillon/adapter/v1/adapter.proto
