# SPDX-License-Identifier: Apache-2.0
# altocast in containers; `docker compose up` uses it (docs/operations.md, Containers).
# Three stages: what compiles, the programs, and nginx to stand in front of them.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/deps.sh scripts/
RUN scripts/deps.sh "the image" build
COPY . .
RUN cmake --preset release \
 && cmake --build --preset release --target alto-keys alto-server-push alto-rproxy alto-subscriber alto-sim \
 && install -s -D -t /programs build/bin/alto-keys build/bin/alto-server-push build/bin/alto-rproxy \
      build/bin/alto-subscriber build/bin/alto-sim

# Volumes take over the owner and mode of the folders that they cover.
FROM debian:bookworm-slim AS programs
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl libcurl4 libgnutls30 liblmdb0 libmicrohttpd12 libsodium23 \
      libyajl2 libzmq5 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 5670 --home-dir /nonexistent --shell /usr/sbin/nologin alto \
 && install -d -o alto -m 700 /keys /notify /state \
 && install -d -o alto -m 755 /anchor
COPY docker/keys.sh /usr/local/bin/altocast-keys
COPY --from=build /programs/ /usr/local/bin/
RUN for program in alto-keys alto-server-push alto-rproxy alto-subscriber alto-sim; do "$program" --version || exit 1; done
USER alto

FROM debian:bookworm-slim AS front
RUN apt-get update \
 && apt-get install -y --no-install-recommends curl nginx-light openssl \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o www-data -m 700 /tls /cache
COPY docker/front.conf /etc/altocast/front.conf
COPY docker/front.sh /usr/local/bin/altocast-front
USER www-data
CMD ["altocast-front"]
