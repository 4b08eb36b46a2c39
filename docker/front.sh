#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nginx in front of the RProxies, with a certificate that it makes itself at the first start.
set -eu
if [ ! -e /tls/front.pem ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,DNS:front,IP:127.0.0.1 -keyout /tls/front.key -out /tls/front.pem.new
    mv /tls/front.pem.new /tls/front.pem
fi
exec nginx -c /etc/altocast/front.conf -g 'daemon off;'
