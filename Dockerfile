# syntax=docker/dockerfile:1
# Two stages: what builds, and what runs. The image never starts a Postgres of its own: it is built without the feature
# that fetches one, and expects DATABASE_URL.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# ring compiles C.
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
# Dependencies first, from both manifests and empty sources: this layer is rebuilt only when they change.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY sagas/Cargo.toml sagas/Cargo.toml
COPY src/sandbox/Cargo.toml src/sandbox/Cargo.toml
RUN mkdir -p src tests/sandbox \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs sagas/lib.rs src/sandbox/lib.rs tests/sandbox/main.rs \
 && cargo build --release --locked --no-default-features --features otel
COPY . .
# Cargo compares times, and the sources may be older than the empty ones.
RUN touch src/main.rs src/lib.rs sagas/lib.rs src/sandbox/lib.rs \
 && cargo build --release --locked --no-default-features --features otel

FROM debian:bookworm-slim
# The vendors' certificates; curl is for the health check.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin attio-billing
COPY --from=build /build/target/release/attio-billing /usr/local/bin/attio-billing
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/attio-billing/
# It writes no file: run it with a read-only root.
USER 10001:10001
ENV PUBLIC_LISTEN=0.0.0.0:8080 PRIVATE_LISTEN=0.0.0.0:8081
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://127.0.0.1:8081/readyz"]
ENTRYPOINT ["attio-billing"]
CMD ["serve"]
