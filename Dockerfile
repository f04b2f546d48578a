# syntax=docker/dockerfile:1
ARG DENO_VERSION=2.9.6

FROM denoland/deno:${DENO_VERSION} AS build
WORKDIR /build
COPY . .
RUN deno task compile
# made here, since the second stage runs no command
RUN mkdir -p /state/var/lib/pg2es && chown 10001:10001 /state/var/lib/pg2es

FROM debian:bookworm-slim
COPY --from=build /build/dist/pg2es /usr/local/bin/pg2es
COPY --from=build /state /
# numeric, so that a rule "not as root" can be checked
USER 10001:10001
# the agent may write below the folder that it is started in, and nowhere else: here config.yaml and
# index_config.json are mounted, and state.yaml is kept
WORKDIR /var/lib/pg2es
VOLUME /var/lib/pg2es
# exec form: signals reach the agent
ENTRYPOINT ["/usr/local/bin/pg2es"]
