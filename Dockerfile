# syntax=docker/dockerfile:1
ARG DENO_VERSION=2.9.6

FROM denoland/deno:${DENO_VERSION} AS build
WORKDIR /build
COPY . .
RUN deno task compile
RUN deno task sbom

# What the executable needs of a system, and no more: there is no shell in the image, and nothing to install with.
FROM debian:bookworm-slim AS system
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
COPY --from=build /build/dist/pg2es /usr/local/bin/pg2es
# The libraries that it is linked against and their loader, and the system's authorities. The notes of their packages
# let a scanner see what is in the image.
RUN set -eu; mkdir -p /system/etc/ssl/certs /system/var/lib/dpkg/status.d /system/var/lib/pg2es; \
    ldd /usr/local/bin/pg2es | grep -o '/[^ ]*' | while read -r library; do \
      mkdir -p "/system$(dirname "$library")"; cp -L "$library" "/system$library"; \
    done; \
    cp /etc/ssl/certs/ca-certificates.crt /system/etc/ssl/certs/; \
    cp -L /etc/os-release /system/etc/os-release; \
    echo 'hosts: files dns' > /system/etc/nsswitch.conf; \
    echo 'pg2es:x:10001:10001::/var/lib/pg2es:' > /system/etc/passwd; \
    echo 'pg2es:x:10001:' > /system/etc/group; \
    for package in ca-certificates libc6 libgcc-s1; do \
      dpkg-query --status "$package" > "/system/var/lib/dpkg/status.d/$package"; \
      mkdir -p "/system/usr/share/doc/$package"; \
      cp "/usr/share/doc/$package/copyright" "/system/usr/share/doc/$package/"; \
    done; \
    chown 10001:10001 /system/var/lib/pg2es

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="pg2es" \
      org.opencontainers.image.description="Keeps Elasticsearch indexes equal to PostgreSQL queries." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=system /system /
COPY --from=build /build/dist/pg2es /usr/local/bin/pg2es
COPY --from=build /build/LICENSE /build/dist/*.cdx.json /usr/share/doc/pg2es/
# numeric, so that a rule "not as root" can be checked
USER 10001:10001
# the agent may write below the folder that it is started in, and nowhere else: here config.yaml and
# index_config.json are mounted, and state.yaml is kept
WORKDIR /var/lib/pg2es
VOLUME /var/lib/pg2es
# exec form: signals reach the agent
ENTRYPOINT ["/usr/local/bin/pg2es"]
