#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make the keys of the origin unless they are there, and put what everybody may know of them into /anchor. Then the key with which the
# ALTO server tells of news.
set -eu
[ -e /keys/manifest ] || alto-keys init --out /keys
cp /keys/root.pub.pem /anchor/root.pub.pem.new
mv /anchor/root.pub.pem.new /anchor/root.pub.pem
[ -e /notify/key ] || (umask 077 && head -c 24 /dev/urandom | base64 >/notify/key)
alto-keys show /keys
