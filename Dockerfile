# syntax=docker/dockerfile:1
# Static binary on a base without shell or package manager, as a user that is not root. Another base with
# CA certificates will do: --build-arg BASE=...
ARG BASE=gcr.io/distroless/static-debian12:nonroot

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG REVISION=unknown
ARG BUILD_DATE=unknown
RUN make build VERSION="$VERSION" REVISION="$REVISION" BUILD_DATE="$BUILD_DATE"

FROM ${BASE}
ARG VERSION=dev
ARG REVISION=unknown
ARG BUILD_DATE=unknown
LABEL org.opencontainers.image.title="kafka_prober" \
      org.opencontainers.image.description="Kafka end-to-end latency as a client experiences it, per broker, for Prometheus" \
      org.opencontainers.image.source="https://github.com/kafka-prober/kafka_prober" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${BUILD_DATE}"
COPY --from=build /src/kafka_prober /bin/kafka_prober
COPY LICENSE /LICENSE
USER 65532:65532
EXPOSE 10092
# Of this process alone: an outage of Kafka makes nobody restart it. Kubernetes asks /-/healthy itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/bin/kafka_prober", "healthcheck"]
ENTRYPOINT ["/bin/kafka_prober"]
