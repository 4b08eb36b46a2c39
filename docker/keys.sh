#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make the keys of the origin unless they are there, and put what everybody may know of them into /anchor.
set -eu
[ -e /keys/manifest ] || alto-keys init --out /keys
cp /keys/root.pub.pem /anchor/root.pub.pem.new
mv /anchor/root.pub.pem.new /anchor/root.pub.pem
alto-keys show /keys
